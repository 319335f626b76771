import type { Args } from "../protocol/args.ts";
import { recordWord } from "./key-record.ts";
import { hashBytes } from "./memory/byte-hash.ts";
import type { Store } from "./store.ts";

/** Longer keys are not looked for: their command takes its time anyway. */
const LONGEST_KEY = 128;

/**
 * Brings into the processor's cache what commands that follow each other are about to look for.
 *
 * A look-up waits twice for memory, for a slot of the table and for the record, and each command waits for its own. Here
 * the slots of all are asked for at once, then the records of all, so that the processor waits for many together. It is
 * a hint that changes nothing: argument 1 is taken for a key, as it is with nearly all commands.
 */
export class LookAhead {
  readonly #hashes: Int32Array;
  /** What was read. Kept, so that reading it cannot be left out. */
  seen = 0;

  /** @param limit Commands of a row at most. */
  constructor(limit: number) {
    this.#hashes = new Int32Array(limit);
  }

  /** Looks ahead for the first `count` of `row`. */
  warm(store: Store, database: number, row: readonly Args[], count: number): void {
    const hashes = this.#hashes;
    const { heap, hashSeed } = store;
    const { table } = store.keyspaces[database]!;
    let found = 0;
    for (let i = 0; i < count; i++) {
      const { bytes, starts, ends, count: argCount } = row[i]!;
      const start = starts[1]!;
      const end = ends[1]!;
      if (argCount > 1 && end - start <= LONGEST_KEY) hashes[found++] = hashBytes(bytes, start, end, hashSeed);
    }
    let seen = 0;
    for (let i = 0; i < found; i++) seen ^= table.neighbour(hashes[i]!);
    for (let i = 0; i < found; i++) {
      const record = table.candidate(hashes[i]!);
      if (record !== 0) seen ^= recordWord(heap, record, 0);
    }
    this.seen = seen;
  }
}
