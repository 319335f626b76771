import { type Heap, OFFSET_MASK, SEGMENT_SHIFT } from "../memory/heap.ts";
import { NodeAt, nodeScore, nodeWord } from "./tree-nodes.ts";
import type { TieOrder } from "./tree-ways.ts";

/**
 * Where in its leaf an entry belongs once its score is another, if it surely belongs there still; else -1.
 *
 * Scores mostly change by little: then nothing above the leaf changes. The search goes along the entries from where it
 * lies, which is also the way that those between have to be moved. The first of a leaf stays if it has come nearer to
 * the next one only: whether it still is behind the leaf before is not known.
 *
 * @param below Entries with a lower score than this are not in a later leaf; NaN if that is not known.
 */
export function placeAfterChange(
  heap: Heap,
  ties: TieOrder,
  leaf: number,
  from: number,
  score: number,
  below: number,
): number {
  const last = nodeWord(heap, leaf, NodeAt.count) - 1;
  const record = nodeWord(heap, leaf, NodeAt.leafRecords + from);
  const isFirst = from === 0 ? !(score > nodeScore(heap, leaf, 0)) : isAhead(heap, ties, score, record, leaf, 0);
  if (isFirst && nodeWord(heap, leaf, NodeAt.previous) !== 0) return -1;
  const isLast = from === last || !isAhead(heap, ties, score, record, leaf, last);
  if (isLast && nodeWord(heap, leaf, NodeAt.next) !== 0 && !(score < below)) return -1;
  let to = from;
  while (to > 0 && isAhead(heap, ties, score, record, leaf, to - 1)) to--;
  if (to === from) while (to < last && !isAhead(heap, ties, score, record, leaf, to + 1)) to++;
  return to;
}

/** Whether a record with this score comes before the entry at `index`. */
function isAhead(heap: Heap, ties: TieOrder, score: number, record: number, leaf: number, index: number): boolean {
  const other = nodeScore(heap, leaf, index);
  return (
    score < other || (score === other && ties.compare(record, nodeWord(heap, leaf, NodeAt.leafRecords + index)) < 0)
  );
}

/** Moves the entry at `from` to `to` in the same leaf and gives it another score; those between make room. */
export function moveEntry(heap: Heap, leaf: number, from: number, to: number, score: number): void {
  const words = heap.words[leaf >>> SEGMENT_SHIFT]!;
  const doubles = heap.doubles[leaf >>> SEGMENT_SHIFT]!;
  const wordBase = ((leaf & OFFSET_MASK) << 1) + NodeAt.leafRecords;
  const doubleBase = (leaf & OFFSET_MASK) + NodeAt.scores;
  const record = words[wordBase + from]!;
  for (let i = from; i > to; i--) {
    doubles[doubleBase + i] = doubles[doubleBase + i - 1]!;
    words[wordBase + i] = words[wordBase + i - 1]!;
  }
  for (let i = from; i < to; i++) {
    doubles[doubleBase + i] = doubles[doubleBase + i + 1]!;
    words[wordBase + i] = words[wordBase + i + 1]!;
  }
  doubles[doubleBase + to] = score;
  words[wordBase + to] = record;
}
