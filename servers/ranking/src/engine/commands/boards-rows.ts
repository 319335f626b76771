import type { ReplyWriter } from "../../protocol/reply-writer.ts";
import { SEGMENT_SHIFT } from "../memory/heap.ts";
import type { BoardPeriod } from "../structures/board-period.ts";
import { nameSize, nameStart, nameWord, scoreOf } from "../structures/board-records.ts";

/** Most rows of one reply. */
export const MOST_ROWS = 10_000;
/** Rows that are written together. */
const CHUNK_ROWS = 64;

/** What is being written; one call at a time. */
const records = new Int32Array(CHUNK_ROWS);
const keys = new Float64Array(CHUNK_ROWS);

/** A member's name. */
export function writeMember(to: ReplyWriter, of: BoardPeriod, record: number): void {
  const bytes = of.heap.bytes[record >>> SEGMENT_SHIFT]!;
  const start = nameStart(record);
  to.bulk(bytes, start, start + nameSize(of.heap, record));
}

/** A row: rank, which is 1 for the best, member, score. */
export function writeEntry(to: ReplyWriter, of: BoardPeriod, record: number, rankFrom0: number): void {
  writeScored(to, of, record, rankFrom0, scoreOf(of.heap, record));
}

function writeScored(to: ReplyWriter, { heap }: BoardPeriod, record: number, rankFrom0: number, score: number): void {
  to.row(rankFrom0 + 1, heap.words[record >>> SEGMENT_SHIFT]!, nameWord(record), nameSize(heap, record), score);
}

/** The rows from place `first` (from 0) on, at most `count`, with the ranks of the board's tie rule. */
export function writeRows(to: ReplyWriter, of: BoardPeriod | undefined, first: number, count: number): void {
  const rows = of === undefined ? 0 : Math.max(0, Math.min(count, of.size - first));
  to.array(rows);
  if (rows === 0 || of === undefined) return;
  const isShared = of.plan.ties === "shared";
  let rank = isShared ? of.competitionOf(of.tree.recordAt(first)) : first;
  let lastKey = isShared ? of.tree.scoreAt(first) : Number.NaN;
  for (let at = 0; at < rows; at += CHUNK_ROWS) {
    const size = Math.min(CHUNK_ROWS, rows - at);
    of.tree.copyEntries(first + at, size, records, keys);
    reserveNames(to, of, size);
    for (let i = 0; i < size; i++) {
      if (keys[i] !== lastKey || !isShared) rank = first + at + i;
      lastKey = keys[i]!;
      writeScored(to, of, records[i]!, rank, of.scoreOfKey(lastKey));
    }
  }
}

/**
 * Makes room for the rows of {@link records} at once. Asking all of them for their sizes before any is written also lets
 * the processor fetch them side by side: they lie far apart.
 */
function reserveNames(to: ReplyWriter, of: BoardPeriod, count: number): void {
  let size = 0;
  for (let i = 0; i < count; i++) size += nameSize(of.heap, records[i]!);
  to.reserve(size);
}

/** `count` rows with this member in the middle, or as near to it as the ends of the board allow. */
export function writeAround(to: ReplyWriter, of: BoardPeriod, ordinal: number, count: number): void {
  const first = Math.max(0, Math.min(ordinal - ((count - 1) >> 1), of.size - count));
  writeRows(to, of, first, count);
}

/** The names of `count` members from place `first` on, which must be there. */
export function writeNames(to: ReplyWriter, of: BoardPeriod, first: number, count: number): void {
  to.array(count);
  of.tree.forEach(first, count, (record) => writeMember(to, of, record));
}
