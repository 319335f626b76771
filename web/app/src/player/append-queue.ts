/** The part of a SourceBuffer that the queue uses. */
export interface SourceBufferLike {
  readonly updating: boolean;
  appendBuffer(data: BufferSource): void;
  remove(startS: number, endS: number): void;
  changeType(mime: string): void;
}

type Operation =
  | { readonly kind: "init"; readonly bytes: Uint8Array<ArrayBuffer>; readonly mime: string }
  | { readonly kind: "media"; readonly bytes: Uint8Array<ArrayBuffer>; readonly endMs: number }
  | { readonly kind: "remove"; readonly startS: number; readonly endS: number };

/** What the owner hears from the queue. */
export interface AppendQueueEvents {
  /** The browser's memory for media is full: remove what can be spared, by `remove`. Said once per append. */
  onQuota(): void;
  /** More waits than may; everything waiting was thrown away and the stream must be joined anew. */
  onOverflow(): void;
  /** The source buffer refused an operation: it is of no more use. */
  onBroken(error: unknown): void;
}

/** Beyond these the queue gives up: an eighth of the memory that browsers usually grant to media. */
const LIMIT_BYTES = 16 * 1024 * 1024;
const LIMIT_COUNT = 3_000;

/**
 * Feeds a SourceBuffer, which takes one operation at a time, in order. Small media pieces that wait together are joined
 * into one append, since each append costs a task of the browser. `isOpen` gates media for ManagedMediaSource.
 */
export class AppendQueue {
  readonly #buffer: SourceBufferLike;
  readonly #events: AppendQueueEvents;
  #operations: Operation[] = [];
  #bytes = 0;
  #mime: string;
  #isOpen = true;
  #hadQuota = false;
  #appendedMs: number | undefined;

  /** @param mime What the buffer was made with. */
  constructor(buffer: SourceBufferLike, mime: string, events: AppendQueueEvents) {
    this.#buffer = buffer;
    this.#mime = mime;
    this.#events = events;
  }

  /** End of the last media handed to the browser, in ms; `undefined` before the first. */
  get appendedMs(): number | undefined {
    return this.#appendedMs;
  }

  get waitingCount(): number {
    return this.#operations.length;
  }

  pushInit(bytes: Uint8Array<ArrayBuffer>, mime: string): void {
    this.#push({ kind: "init", bytes, mime }, bytes.length);
  }

  /** @param endMs Presentation time of the end, for acknowledgements. */
  pushMedia(bytes: Uint8Array<ArrayBuffer>, endMs: number): void {
    this.#push({ kind: "media", bytes, endMs }, bytes.length);
  }

  /** Removes media at the next chance, before anything that waits. */
  remove(startS: number, endS: number): void {
    if (endS <= startS || this.#operations[0]?.kind === "remove") return;
    this.#operations.unshift({ kind: "remove", startS, endS });
    this.pump();
  }

  /** Removes all media in its turn, after what waits already; used when the timeline starts again. */
  pushClear(): void {
    this.#appendedMs = undefined;
    this.#push({ kind: "remove", startS: 0, endS: Number.POSITIVE_INFINITY }, 0);
  }

  setOpen(isOpen: boolean): void {
    this.#isOpen = isOpen;
    this.pump();
  }

  /** Call it on `updateend`. */
  pump(): void {
    const next = this.#operations[0];
    if (next === undefined || this.#buffer.updating || (next.kind === "media" && !this.#isOpen)) return;
    try {
      this.#perform(next);
      // Only an append that went in proves that there is room again; the removal before it does not.
      if (next.kind !== "remove") this.#hadQuota = false;
    } catch (error) {
      this.#onRefused(error);
    }
  }

  #perform(next: Operation): void {
    if (next.kind === "remove") {
      this.#buffer.remove(next.startS, next.endS);
      this.#operations.shift();
      return;
    }
    if (next.kind === "init") {
      if (next.mime !== this.#mime) this.#buffer.changeType(next.mime);
      this.#mime = next.mime;
      this.#buffer.appendBuffer(next.bytes);
      this.#operations.shift();
      this.#bytes -= next.bytes.length;
      return;
    }
    const run = this.#mediaRun();
    this.#buffer.appendBuffer(run.length === 1 ? next.bytes : join(run.map((media) => media.bytes)));
    this.#operations.splice(0, run.length);
    for (const media of run) this.#bytes -= media.bytes.length;
    this.#appendedMs = Math.max(...run.map((media) => media.endMs));
  }

  #mediaRun(): Extract<Operation, { kind: "media" }>[] {
    const run: Extract<Operation, { kind: "media" }>[] = [];
    for (const operation of this.#operations) {
      if (operation.kind !== "media") break;
      run.push(operation);
    }
    return run;
  }

  #onRefused(error: unknown): void {
    if (error instanceof Error && error.name === "QuotaExceededError" && !this.#hadQuota) {
      this.#hadQuota = true;
      this.#events.onQuota();
      return;
    }
    this.#events.onBroken(error);
  }

  #push(operation: Operation, bytes: number): void {
    this.#operations.push(operation);
    this.#bytes += bytes;
    if (this.#bytes > LIMIT_BYTES || this.#operations.length > LIMIT_COUNT) {
      this.#operations = [];
      this.#bytes = 0;
      this.#events.onOverflow();
      return;
    }
    this.pump();
  }
}

function join(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  let size = 0;
  for (const part of parts) size += part.length;
  const all = new Uint8Array(size);
  let offset = 0;
  for (const part of parts) {
    all.set(part, offset);
    offset += part.length;
  }
  return all;
}
