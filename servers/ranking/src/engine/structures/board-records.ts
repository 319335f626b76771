import { type Heap, OFFSET_MASK, SEGMENT_SHIFT } from "../memory/heap.ts";

/**
 * The record of a member of a board, one block of the heap:
 *
 *     word 0    length of the name (16 bit) . parts of its score that still count, of a sliding board (16 bit)
 *     word 1    the newest of these parts, or 0
 *     double 1  score
 *     double 2  the board's version when it got this score
 *     bytes     name
 */
export const BOARD_HEAD_BYTES = 24;
/** Longest member of a board. */
export const MAX_BOARD_MEMBER_BYTES = 65_535 - BOARD_HEAD_BYTES;

export function newMember(heap: Heap, name: Uint8Array, start: number, end: number): number {
  const size = end - start;
  const record = heap.allocate(BOARD_HEAD_BYTES + size);
  const segment = record >>> SEGMENT_SHIFT;
  const unit = record & OFFSET_MASK;
  const words = heap.words[segment]!;
  words[unit << 1] = size;
  words[(unit << 1) + 1] = 0;
  const bytes = heap.bytes[segment]!;
  const to = (unit << 3) + BOARD_HEAD_BYTES;
  for (let i = 0; i < size; i++) bytes[to + i] = name[start + i]!;
  return record;
}

export function freeMember(heap: Heap, record: number): void {
  heap.free(record, BOARD_HEAD_BYTES + nameSize(heap, record));
}

export function nameSize(heap: Heap, record: number): number {
  return heap.words[record >>> SEGMENT_SHIFT]![(record & OFFSET_MASK) << 1]! & 0xffff;
}

export function nameStart(record: number): number {
  return ((record & OFFSET_MASK) << 3) + BOARD_HEAD_BYTES;
}

/** Where the name begins, in words of its segment. */
export function nameWord(record: number): number {
  return ((record & OFFSET_MASK) << 1) + BOARD_HEAD_BYTES / 4;
}

/** The name, as a view of the heap. */
export function nameOf(heap: Heap, record: number): Uint8Array {
  const from = nameStart(record);
  return heap.bytes[record >>> SEGMENT_SHIFT]!.subarray(from, from + nameSize(heap, record));
}

export function scoreOf(heap: Heap, record: number): number {
  return heap.doubles[record >>> SEGMENT_SHIFT]![(record & OFFSET_MASK) + 1]!;
}

export function versionOf(heap: Heap, record: number): number {
  return heap.doubles[record >>> SEGMENT_SHIFT]![(record & OFFSET_MASK) + 2]!;
}

export function setScore(heap: Heap, record: number, score: number, version: number): void {
  const doubles = heap.doubles[record >>> SEGMENT_SHIFT]!;
  doubles[(record & OFFSET_MASK) + 1] = score;
  doubles[(record & OFFSET_MASK) + 2] = version;
}

/** Parts of the score that still count. */
export function partCount(heap: Heap, record: number): number {
  return heap.words[record >>> SEGMENT_SHIFT]![(record & OFFSET_MASK) << 1]! >>> 16;
}

export function newestPart(heap: Heap, record: number): number {
  return heap.words[record >>> SEGMENT_SHIFT]![((record & OFFSET_MASK) << 1) + 1]!;
}

export function setParts(heap: Heap, record: number, newest: number, count: number): void {
  const words = heap.words[record >>> SEGMENT_SHIFT]!;
  const at = (record & OFFSET_MASK) << 1;
  words[at] = (words[at]! & 0xffff) | (count << 16);
  words[at + 1] = newest;
}

/** Orders two members by their names' bytes. */
export function compareNames(heap: Heap, a: number, b: number): number {
  const first = heap.bytes[a >>> SEGMENT_SHIFT]!;
  const second = heap.bytes[b >>> SEGMENT_SHIFT]!;
  const firstSize = nameSize(heap, a);
  const secondSize = nameSize(heap, b);
  const firstAt = nameStart(a);
  const secondAt = nameStart(b);
  const size = Math.min(firstSize, secondSize);
  for (let i = 0; i < size; i++) {
    const difference = first[firstAt + i]! - second[secondAt + i]!;
    if (difference !== 0) return difference;
  }
  return firstSize - secondSize;
}
