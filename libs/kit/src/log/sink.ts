import { write, writeSync } from "node:fs";

/** Where finished log lines go. */
export interface LogSink {
  /** Takes a line with its newline. Never throws and never waits. */
  write(line: string): void;
  /** Settles when everything taken so far is written or given up. */
  flush(): Promise<void>;
}

const QUEUE_LIMIT_CHARACTERS = 4 * 1_048_576;
const RETRY_MS = 10;

/**
 * Writes to a file descriptor without blocking the event loop: lines gather while a write is under way, and what is left
 * when the process exits is written then. Lines beyond 4 Mi characters of backlog are dropped and counted in the stream;
 * a reader that has gone (EPIPE) ends the writing in silence, since there is nobody to tell.
 */
export class FileDescriptorSink implements LogSink {
  readonly #fd: number;
  #queue: string[] = [];
  #queueCharacters = 0;
  #inFlight: Buffer | undefined;
  #isBroken = false;
  #isScheduled = false;
  #droppedCount = 0;
  #waiters: (() => void)[] = [];
  readonly #onExit = (): void => this.#drainNow();

  constructor(fd: number) {
    this.#fd = fd;
  }

  write(line: string): void {
    if (this.#isBroken) return;
    if (this.#queueCharacters + line.length > QUEUE_LIMIT_CHARACTERS) {
      this.#droppedCount++;
      return;
    }
    if (this.#queue.length === 0 && !this.#inFlight) process.on("exit", this.#onExit);
    this.#queue.push(line);
    this.#queueCharacters += line.length;
    this.#schedule();
  }

  flush(): Promise<void> {
    if (this.#isIdle) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  get #isIdle(): boolean {
    return this.#queue.length === 0 && !this.#inFlight;
  }

  #schedule(): void {
    if (this.#isScheduled || this.#inFlight) return;
    this.#isScheduled = true;
    // One turn later, so that a burst of events becomes one write.
    setImmediate(() => {
      this.#isScheduled = false;
      if (this.#inFlight) return;
      const batch = this.#takeBatch();
      if (batch) this.#writeOut(batch);
      else this.#settle();
    });
  }

  #takeBatch(): Buffer | undefined {
    if (this.#queue.length === 0) return undefined;
    if (this.#droppedCount > 0) {
      this.#queue.push(`{"level":"warn","event":"log.dropped","count":${this.#droppedCount}}\n`);
      this.#droppedCount = 0;
    }
    const batch = Buffer.from(this.#queue.join(""));
    this.#queue = [];
    this.#queueCharacters = 0;
    return batch;
  }

  #writeOut(bytes: Buffer): void {
    this.#inFlight = bytes;
    write(this.#fd, bytes, 0, bytes.length, null, (error, writtenBytes) => {
      if (this.#isBroken) return;
      if (error?.code === "EAGAIN") {
        setTimeout(() => this.#writeOut(bytes), RETRY_MS);
      } else if (error) this.#giveUp();
      else if (writtenBytes < bytes.length) this.#writeOut(bytes.subarray(writtenBytes));
      else {
        this.#inFlight = undefined;
        if (this.#queue.length > 0) this.#schedule();
        else this.#settle();
      }
    });
  }

  #giveUp(): void {
    this.#isBroken = true;
    this.#queue = [];
    this.#queueCharacters = 0;
    this.#inFlight = undefined;
    this.#settle();
  }

  #settle(): void {
    process.removeListener("exit", this.#onExit);
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const resolve of waiters) resolve();
  }

  /** At exit only synchronous work still runs. A write under way is on its own thread: give it a moment to finish. */
  #drainNow(): void {
    if (this.#inFlight) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2 * RETRY_MS);
    const batch = this.#takeBatch();
    if (!batch) return;
    let offset = 0;
    for (let attempt = 0; offset < batch.length && attempt < 100; attempt++) {
      try {
        offset += writeSync(this.#fd, batch, offset);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EAGAIN") return;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
      }
    }
  }
}
