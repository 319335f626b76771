import { type Heap, OFFSET_MASK, SEGMENT_SHIFT } from "../memory/heap.ts";

/*
 * Nodes of a score tree, each one block of the heap.
 *
 *     leaf (832 bytes)                        inner node (1,024 bytes)
 *     word 0       entries                    word 0        children
 *     word 1, 2    next, previous leaf        word 1 to 3   -
 *     double 2..   68 scores                  double 2..    42 scores:  of the first entry below each child
 *     word 140..   68 records                 word 88..     42 pointers: the children
 *                                             word 130..    42 counts:  entries below each child
 *                                             word 172..    42 records: of the first entry below each child
 *                                             word 214..    42 heads:   entries below whose score differs from the
 *                                                                       entry before them, whichever leaf that is in
 *
 * The block sizes are size classes of the heap, so nothing of them is lost.
 */
export const LEAF_BYTES = 832;
export const LEAF_ENTRIES = 68;
export const INNER_BYTES = 1_024;
export const INNER_CHILDREN = 42;

/** Where the parts of a node begin, in words or doubles from its start. */
export const NodeAt = {
  count: 0,
  next: 1,
  previous: 2,
  /** In doubles, of both kinds. */
  scores: 2,
  leafRecords: 140,
  children: 88,
  counts: 130,
  records: 172,
  heads: 214,
} as const;

export function nodeWord(heap: Heap, node: number, at: number): number {
  return heap.words[node >>> SEGMENT_SHIFT]![((node & OFFSET_MASK) << 1) + at]!;
}

export function setNodeWord(heap: Heap, node: number, at: number, value: number): void {
  heap.words[node >>> SEGMENT_SHIFT]![((node & OFFSET_MASK) << 1) + at] = value;
}

export function nodeScore(heap: Heap, node: number, index: number): number {
  return heap.doubles[node >>> SEGMENT_SHIFT]![(node & OFFSET_MASK) + NodeAt.scores + index]!;
}

export function setNodeScore(heap: Heap, node: number, index: number, score: number): void {
  heap.doubles[node >>> SEGMENT_SHIFT]![(node & OFFSET_MASK) + NodeAt.scores + index] = score;
}

/** An empty leaf between two others, 0 where there is none. */
export function newLeaf(heap: Heap, previous: number, next: number): number {
  const leaf = heap.allocate(LEAF_BYTES);
  setNodeWord(heap, leaf, NodeAt.count, 0);
  setNodeWord(heap, leaf, NodeAt.next, next);
  setNodeWord(heap, leaf, NodeAt.previous, previous);
  if (next !== 0) setNodeWord(heap, next, NodeAt.previous, leaf);
  if (previous !== 0) setNodeWord(heap, previous, NodeAt.next, leaf);
  return leaf;
}

/** Takes a leaf out of the chain and frees it. */
export function freeLeaf(heap: Heap, leaf: number): void {
  const next = nodeWord(heap, leaf, NodeAt.next);
  const previous = nodeWord(heap, leaf, NodeAt.previous);
  if (next !== 0) setNodeWord(heap, next, NodeAt.previous, previous);
  if (previous !== 0) setNodeWord(heap, previous, NodeAt.next, next);
  heap.free(leaf, LEAF_BYTES);
}

export function newInner(heap: Heap): number {
  const node = heap.allocate(INNER_BYTES);
  setNodeWord(heap, node, NodeAt.count, 0);
  return node;
}

/** Moves the entries `[from, end)` of one leaf to `to` of another, or of the same; counts are the caller's. */
export function moveEntries(heap: Heap, source: number, from: number, end: number, target: number, to: number): void {
  const fromWords = heap.words[source >>> SEGMENT_SHIFT]!;
  const toWords = heap.words[target >>> SEGMENT_SHIFT]!;
  const fromScores = heap.doubles[source >>> SEGMENT_SHIFT]!;
  const toScores = heap.doubles[target >>> SEGMENT_SHIFT]!;
  const fromWord = ((source & OFFSET_MASK) << 1) + NodeAt.leafRecords;
  const toWord = ((target & OFFSET_MASK) << 1) + NodeAt.leafRecords;
  const fromScore = (source & OFFSET_MASK) + NodeAt.scores;
  const toScore = (target & OFFSET_MASK) + NodeAt.scores;
  if (source === target && to > from) {
    for (let i = end - 1, j = to + end - from - 1; i >= from; i--, j--) {
      toScores[toScore + j] = fromScores[fromScore + i]!;
      toWords[toWord + j] = fromWords[fromWord + i]!;
    }
    return;
  }
  for (let i = from, j = to; i < end; i++, j++) {
    toScores[toScore + j] = fromScores[fromScore + i]!;
    toWords[toWord + j] = fromWords[fromWord + i]!;
  }
}

/** As {@link moveEntries}, the children of inner nodes. */
export function moveChildren(heap: Heap, source: number, from: number, end: number, target: number, to: number): void {
  const fromWords = heap.words[source >>> SEGMENT_SHIFT]!;
  const toWords = heap.words[target >>> SEGMENT_SHIFT]!;
  const fromScores = heap.doubles[source >>> SEGMENT_SHIFT]!;
  const toScores = heap.doubles[target >>> SEGMENT_SHIFT]!;
  const fromWord = (source & OFFSET_MASK) << 1;
  const toWord = (target & OFFSET_MASK) << 1;
  const isBackward = source === target && to > from;
  const size = end - from;
  for (let step = 0; step < size; step++) {
    const offset = isBackward ? size - 1 - step : step;
    const i = from + offset;
    const j = to + offset;
    toScores[(target & OFFSET_MASK) + NodeAt.scores + j] = fromScores[(source & OFFSET_MASK) + NodeAt.scores + i]!;
    toWords[toWord + NodeAt.children + j] = fromWords[fromWord + NodeAt.children + i]!;
    toWords[toWord + NodeAt.counts + j] = fromWords[fromWord + NodeAt.counts + i]!;
    toWords[toWord + NodeAt.records + j] = fromWords[fromWord + NodeAt.records + i]!;
    toWords[toWord + NodeAt.heads + j] = fromWords[fromWord + NodeAt.heads + i]!;
  }
}

/** The first entry of a leaf whose score is at least `score`, or above it if `isAbove`. */
export function leafBound(heap: Heap, leaf: number, score: number, isAbove: boolean): number {
  const doubles = heap.doubles[leaf >>> SEGMENT_SHIFT]!;
  const base = (leaf & OFFSET_MASK) + NodeAt.scores;
  let low = 0;
  let high = nodeWord(heap, leaf, NodeAt.count);
  while (low < high) {
    const middle = (low + high) >>> 1;
    const other = doubles[base + middle]!;
    if (other < score || (isAbove && other === score)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Among children `[from, end)` of an inner node, the first whose first score is at least, or above, `score`. */
export function innerBound(
  heap: Heap,
  node: number,
  from: number,
  end: number,
  score: number,
  isAbove: boolean,
): number {
  const doubles = heap.doubles[node >>> SEGMENT_SHIFT]!;
  const base = (node & OFFSET_MASK) + NodeAt.scores;
  let low = from;
  let high = end;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const other = doubles[base + middle]!;
    if (other < score || (isAbove && other === score)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The sum of `at` over the children before `index`. */
export function sumBefore(heap: Heap, node: number, at: number, index: number): number {
  const words = heap.words[node >>> SEGMENT_SHIFT]!;
  const base = ((node & OFFSET_MASK) << 1) + at;
  let sum = 0;
  for (let i = 0; i < index; i++) sum += words[base + i]!;
  return sum;
}

/** Whether the score of an entry differs from that of the entry before it, in this leaf or the one before. */
export function isHead(heap: Heap, leaf: number, index: number): boolean {
  const score = nodeScore(heap, leaf, index);
  if (index > 0) return nodeScore(heap, leaf, index - 1) !== score;
  const previous = nodeWord(heap, leaf, NodeAt.previous);
  return previous === 0 || nodeScore(heap, previous, nodeWord(heap, previous, NodeAt.count) - 1) !== score;
}

/** How many heads the first `count` entries of a leaf are. */
export function headsBefore(heap: Heap, leaf: number, count: number): number {
  if (count === 0) return 0;
  let heads = isHead(heap, leaf, 0) ? 1 : 0;
  for (let i = 1; i < count; i++) if (nodeScore(heap, leaf, i - 1) !== nodeScore(heap, leaf, i)) heads++;
  return heads;
}

/** Writes down what a parent knows of its child at `index`. */
export function putChild(heap: Heap, parent: number, index: number, child: number, isLeaf: boolean): void {
  const size = nodeWord(heap, child, NodeAt.count);
  const record = nodeWord(heap, child, isLeaf ? NodeAt.leafRecords : NodeAt.records);
  setNodeScore(heap, parent, index, nodeScore(heap, child, 0));
  setNodeWord(heap, parent, NodeAt.children + index, child);
  setNodeWord(heap, parent, NodeAt.records + index, record);
  setNodeWord(heap, parent, NodeAt.counts + index, isLeaf ? size : sumBefore(heap, child, NodeAt.counts, size));
  const heads = isLeaf ? headsBefore(heap, child, size) : sumBefore(heap, child, NodeAt.heads, size);
  setNodeWord(heap, parent, NodeAt.heads + index, heads);
}

/** The first entry or child from `low` on for which `isBefore` does not hold. */
export function boundWhile(
  heap: Heap,
  node: number,
  recordsAt: number,
  from: number,
  isBefore: (record: number, score: number) => boolean,
): number {
  let low = from;
  let high = nodeWord(heap, node, NodeAt.count);
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isBefore(nodeWord(heap, node, recordsAt + middle), nodeScore(heap, node, middle))) low = middle + 1;
    else high = middle;
  }
  return low;
}
