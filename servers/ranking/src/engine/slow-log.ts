import type { Args } from "../protocol/args.ts";
import type { Session } from "./session.ts";

/** As Redis: so many arguments are kept, and so many bytes of each. */
const MAX_ARGS = 32;
const MAX_ARG_BYTES = 128;
/** Most entries, whatever `slowlog-max-len` says: 100,000 take 50 MB at worst. */
const LENGTH_LIMIT = 100_000;

/** One slow call. Texts are Latin-1. */
export interface SlowCall {
  readonly id: number;
  readonly timeMs: number;
  readonly durationUs: number;
  readonly args: readonly string[];
  readonly address: string;
  readonly clientName: string;
}

/** The calls that took long, latest first: SLOWLOG. A ring: what is too old is overwritten. */
export class SlowLog {
  #entries: SlowCall[] = [];
  /** Where the latest entry is in the ring. */
  #latest = -1;
  #nextId = 0;
  #maxLength = 128;

  get length(): number {
    return this.#entries.length;
  }

  /** The setting `slowlog-max-len`; a shorter length forgets the oldest at once. */
  set maxLength(count: number) {
    const kept = this.latest(count).reverse();
    this.#maxLength = Math.min(count, LENGTH_LIMIT);
    this.#entries = kept.slice(-this.#maxLength);
    this.#latest = this.#entries.length - 1;
  }

  /**
   * @param args Redacted already where they hold a secret.
   */
  add(session: Session, args: Args, timeMs: number, durationUs: number, hidden: ReadonlySet<number>): void {
    const id = this.#nextId++;
    if (this.#maxLength === 0) return;
    const shown = args.count > MAX_ARGS ? MAX_ARGS - 1 : args.count;
    const texts = Array.from({ length: shown }, (_, i) => (hidden.has(i) ? "(redacted)" : shortened(args, i)));
    if (args.count > shown) texts.push(`... (${args.count - shown} more arguments)`);
    const { address, name } = session;
    this.#latest = (this.#latest + 1) % this.#maxLength;
    this.#entries[this.#latest] = { id, timeMs, durationUs, args: texts, address, clientName: name };
  }

  /** The latest calls, latest first. */
  latest(count: number): SlowCall[] {
    const size = this.#entries.length;
    return Array.from({ length: Math.min(count, size) }, (_, i) => this.#entries[(this.#latest - i + size) % size]!);
  }

  reset(): void {
    this.#entries = [];
    this.#latest = -1;
  }
}

function shortened(args: Args, index: number): string {
  const size = args.sizeOf(index);
  if (size <= MAX_ARG_BYTES) return args.text(index);
  const start = args.starts[index]!;
  let text = "";
  for (let at = start; at < start + MAX_ARG_BYTES; at++) text += String.fromCharCode(args.bytes[at]!);
  return `${text}... (${size - MAX_ARG_BYTES} more bytes)`;
}
