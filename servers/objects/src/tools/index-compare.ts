import { decodeEntry, type Entry } from "../storage/entry.ts";
import type { IndexEngine, IndexReader, IndexRow } from "../storage/index/index-engine.ts";
import { letterRange } from "../storage/index/keys.ts";
import { pagesOf } from "../storage/index/pages.ts";
import { fromJsonBytes } from "../storage/object-json.ts";

const ROWS = 512;

/** A row that an index has otherwise than the one that was built from the volumes. */
export interface RowDifference {
  readonly letter: string;
  readonly key: Uint8Array;
  /** What the index says; undefined if it has no such row. */
  readonly inIndex: Uint8Array | undefined;
  /** What the volumes say; undefined if they know of no such thing. */
  readonly inVolumes: Uint8Array | undefined;
}

/** Rows that follow from the volumes alone. Groups, owed records and counts may differ with the way that led there. */
const COMPARED = ["b", "o", "v", "n", "u", "p", "m", "l"] as const;

/** All rows with a letter, in the order of their keys. */
export async function* rowsOf(index: IndexReader, letter: string): AsyncGenerator<IndexRow> {
  for await (const rows of pagesOf(index, letterRange(letter), ROWS)) yield* rows;
}

/** Where an index and the one built from the volumes differ in what they mean. */
export async function* compareIndexes(index: IndexEngine, built: IndexEngine): AsyncGenerator<RowDifference> {
  for (const letter of COMPARED) {
    const [left, right] = [rowsOf(index, letter), rowsOf(built, letter)];
    let [a, b] = [await left.next(), await right.next()];
    while (a.done !== true || b.done !== true) {
      const order = a.done ? 1 : b.done ? -1 : Buffer.compare(a.value.key, b.value.key);
      const one: IndexRow | undefined = order <= 0 && !a.done ? a.value : undefined;
      const other: IndexRow | undefined = order >= 0 && !b.done ? b.value : undefined;
      const key = one?.key ?? other?.key;
      if (key !== undefined && !(one && other && isSame(letter, one.value, other.value))) {
        yield { letter, key, inIndex: one?.value, inVolumes: other?.value };
      }
      if (one !== undefined) a = await left.next();
      if (other !== undefined) b = await right.next();
    }
  }
}

/** Whether two entries are of one record, wherever it lies, with the same tags. */
export function isSameVersion(a: Entry, b: Entry): boolean {
  const isSameRecord = a.sequence === b.sequence && a.tagsSequence === b.tagsSequence;
  return isSameRecord && Buffer.compare(a.json, b.json) === 0;
}

function isSame(letter: string, one: Uint8Array, other: Uint8Array): boolean {
  switch (letter) {
    case "o":
    case "v":
    case "p": {
      const [a, b] = [decodeEntry(one), decodeEntry(other)];
      return isSameVersion(a, b) && a.volumeId === b.volumeId && a.offset === b.offset;
    }
    case "b":
    case "u": {
      const [a, b] = [one, other].map((value) => fromJsonBytes<{ sequence: number }>(value).sequence);
      return a === b;
    }
    default:
      return Buffer.compare(one, other) === 0;
  }
}
