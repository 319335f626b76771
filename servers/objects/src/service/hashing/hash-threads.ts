import { Worker } from "node:worker_threads";
import { ObjectsError } from "../../errors.ts";
import { type BodyHashes, type HashRequest, type HashStream, openHashes } from "./body-hashes.ts";
import type { HashAnswer, HashOrder } from "./hash-messages.ts";

/** Hashes of a large body that may work in another thread. Exactly one of `digest` and `drop` ends it. */
export interface BodyHasher {
  /** Takes the bytes, which may be reused at once. The promise, if any, is to be awaited before more is given. */
  update(bytes: Uint8Array): Promise<void> | undefined;
  /** @throws ObjectsError HASHING_FAILED if its thread has died. */
  digest(): Promise<BodyHashes>;
  drop(): void;
}

const SLOT_BYTES = 512 * 1_024;
const SLOT_COUNT = 2;
const IDLE_MEMORY_LIMIT = 16;

/** What one hasher holds, for the budget of memory. */
export const HASHER_BYTES = SLOT_BYTES * SLOT_COUNT;

/**
 * Threads that hash large bodies, so that MD5 (half a gigabyte a second) does not stop everybody else's requests. Bytes
 * are copied once into shared memory; while the thread hashes one slot the other is filled.
 */
export class HashThreads {
  readonly #threads: HashThread[];
  readonly #idleMemory: SharedArrayBuffer[] = [];
  #isClosed = false;

  constructor(count: number) {
    this.#threads = Array.from({ length: count }, () => new HashThread());
  }

  /** A hasher in the thread with the fewest bodies; in this thread if there are none. */
  async open(request: HashRequest): Promise<BodyHasher> {
    const thread = this.#leastBusy();
    if (!thread || this.#isClosed) return new OwnThreadHasher(await openHashes(request));
    const memory = this.#idleMemory.pop() ?? new SharedArrayBuffer(HASHER_BYTES);
    return new ThreadHasher(thread, request, memory, () => {
      if (this.#idleMemory.length < IDLE_MEMORY_LIMIT) this.#idleMemory.push(memory);
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#threads.map((thread) => thread.close()));
  }

  #leastBusy(): HashThread | undefined {
    let best: HashThread | undefined;
    for (const thread of this.#threads) if (!best || thread.load < best.load) best = thread;
    return best;
  }
}

interface Listener {
  onAnswer(answer: HashAnswer): void;
  onDeath(error: Error): void;
}

/** One thread; started at its first body and again after it died. */
class HashThread {
  readonly #listeners = new Map<number, Listener>();
  #worker: Worker | undefined;
  #nextId = 1;

  get load(): number {
    return this.#listeners.size;
  }

  begin(request: HashRequest, memory: SharedArrayBuffer, listener: Listener): number {
    const id = this.#nextId++;
    this.#listeners.set(id, listener);
    this.post({ kind: "begin", id, request, memory });
    return id;
  }

  post(order: HashOrder): void {
    this.#worker ??= this.#start();
    this.#worker.postMessage(order);
  }

  end(id: number): void {
    this.#listeners.delete(id);
  }

  async close(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }

  #start(): Worker {
    const worker = new Worker(new URL("./hash-thread-main.ts", import.meta.url));
    // Bodies under way keep the process alive by their sockets.
    worker.unref();
    worker.on("message", (answer: HashAnswer) => this.#listeners.get(answer.id)?.onAnswer(answer));
    const onEnd = (cause: unknown): void => {
      if (this.#worker === worker) this.#worker = undefined;
      const listeners = [...this.#listeners.values()];
      this.#listeners.clear();
      const error = new ObjectsError("HASHING_FAILED", "The thread that hashed this body has ended", { cause });
      for (const listener of listeners) listener.onDeath(error);
    };
    worker.on("error", onEnd);
    worker.on("exit", onEnd);
    return worker;
  }
}

class ThreadHasher implements BodyHasher {
  readonly #thread: HashThread;
  readonly #id: number;
  readonly #bytes: Uint8Array;
  readonly #giveBack: () => void;
  /** Slots that the thread has not answered for; the slot being filled is not among them. */
  #unanswered = 0;
  #slot = 0;
  #filled = 0;
  #isEnded = false;
  #death: Error | undefined;
  #onProgress: (() => void) | undefined;
  #onHashes: ((hashes: BodyHashes) => void) | undefined;
  #onDeath: ((error: Error) => void) | undefined;

  constructor(thread: HashThread, request: HashRequest, memory: SharedArrayBuffer, giveBack: () => void) {
    this.#thread = thread;
    this.#bytes = new Uint8Array(memory);
    this.#giveBack = giveBack;
    this.#id = thread.begin(request, memory, {
      onAnswer: (answer) => this.#take(answer),
      onDeath: (error) => this.#die(error),
    });
  }

  update(bytes: Uint8Array): Promise<void> | undefined {
    const free = SLOT_BYTES - this.#filled;
    if (bytes.length < free) {
      this.#bytes.set(bytes, this.#slot * SLOT_BYTES + this.#filled);
      this.#filled += bytes.length;
      return undefined;
    }
    return this.#updateSlowly(bytes);
  }

  async digest(): Promise<BodyHashes> {
    if (this.#filled > 0) this.#post();
    const hashes = await new Promise<BodyHashes>((resolve, reject) => {
      if (this.#death) reject(this.#death);
      this.#onHashes = resolve;
      this.#onDeath = reject;
      if (!this.#death) this.#thread.post({ kind: "end", id: this.#id });
    });
    this.#end();
    return hashes;
  }

  drop(): void {
    if (this.#isEnded) return;
    if (!this.#death) this.#thread.post({ kind: "drop", id: this.#id });
    // The thread may still read the memory: it is not used again.
    this.#isEnded = true;
    this.#thread.end(this.#id);
  }

  async #updateSlowly(bytes: Uint8Array): Promise<void> {
    let rest = bytes;
    while (rest.length > 0) {
      const piece = rest.subarray(0, SLOT_BYTES - this.#filled);
      this.#bytes.set(piece, this.#slot * SLOT_BYTES + this.#filled);
      this.#filled += piece.length;
      rest = rest.subarray(piece.length);
      if (this.#filled === SLOT_BYTES) this.#post();
      while (this.#unanswered === SLOT_COUNT && !this.#death) {
        await new Promise<void>((resolve) => {
          this.#onProgress = resolve;
        });
      }
      if (this.#death) throw this.#death;
    }
  }

  #post(): void {
    const offset = this.#slot * SLOT_BYTES;
    if (!this.#death) this.#thread.post({ kind: "update", id: this.#id, offset, length: this.#filled });
    this.#unanswered += 1;
    this.#slot = (this.#slot + 1) % SLOT_COUNT;
    this.#filled = 0;
  }

  #take(answer: HashAnswer): void {
    if (answer.kind === "hashes") this.#onHashes?.(answer.hashes);
    else {
      this.#unanswered -= 1;
      this.#onProgress?.();
    }
  }

  #die(error: Error): void {
    this.#death = error;
    this.#onProgress?.();
    this.#onDeath?.(error);
  }

  #end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#thread.end(this.#id);
    this.#giveBack();
  }
}

class OwnThreadHasher implements BodyHasher {
  readonly #stream: HashStream;

  constructor(stream: HashStream) {
    this.#stream = stream;
  }

  update(bytes: Uint8Array): undefined {
    this.#stream.update(bytes);
    return undefined;
  }

  async digest(): Promise<BodyHashes> {
    return this.#stream.digest();
  }

  drop(): void {
    this.#stream.drop();
  }
}
