import { type Heap, OFFSET_MASK, SEGMENT_SHIFT } from "../memory/heap.ts";
import { CommandError } from "../replies.ts";

/**
 * The record of a member of a sorted set, one block of the heap:
 *
 *     word 0     length of the member
 *     word 1     spare
 *     double 1   score
 *     bytes      member
 */
export const MEMBER_HEAD_BYTES = 16;
/** A record must fit into a block. */
const MAX_MEMBER_BYTES = 65_536 - MEMBER_HEAD_BYTES;

/** @throws CommandError if a member is too long to be kept. */
export function checkMemberSize(size: number): void {
  if (size > MAX_MEMBER_BYTES) throw new CommandError("ERR member is too long");
}

export function newMember(heap: Heap, name: Uint8Array, start: number, end: number, score: number): number {
  const size = end - start;
  const record = heap.allocate(MEMBER_HEAD_BYTES + size);
  const segment = record >>> SEGMENT_SHIFT;
  const unit = record & OFFSET_MASK;
  const words = heap.words[segment]!;
  words[unit << 1] = size;
  words[(unit << 1) + 1] = 0;
  heap.doubles[segment]![unit + 1] = score;
  const bytes = heap.bytes[segment]!;
  const to = (unit << 3) + MEMBER_HEAD_BYTES;
  if (size > 64) bytes.set(name.subarray(start, end), to);
  else for (let i = 0; i < size; i++) bytes[to + i] = name[start + i]!;
  return record;
}

export function freeMember(heap: Heap, record: number): void {
  heap.free(record, MEMBER_HEAD_BYTES + memberSize(heap, record));
}

export function memberSize(heap: Heap, record: number): number {
  return heap.words[record >>> SEGMENT_SHIFT]![(record & OFFSET_MASK) << 1]!;
}

export function memberScore(heap: Heap, record: number): number {
  return heap.doubles[record >>> SEGMENT_SHIFT]![(record & OFFSET_MASK) + 1]!;
}

export function setMemberScore(heap: Heap, record: number, score: number): void {
  heap.doubles[record >>> SEGMENT_SHIFT]![(record & OFFSET_MASK) + 1] = score;
}

/** The bytes that a member lies in; where, {@link memberStart} tells. */
export function memberBytes(heap: Heap, record: number): Uint8Array {
  return heap.bytes[record >>> SEGMENT_SHIFT]!;
}

export function memberStart(record: number): number {
  return ((record & OFFSET_MASK) << 3) + MEMBER_HEAD_BYTES;
}

/** The order of members of the same score: by their bytes, as `memcmp`, then the shorter first. */
export function compareMembers(heap: Heap, a: number, b: number): number {
  const start = memberStart(a);
  const otherStart = memberStart(b);
  return compareBytes(
    memberBytes(heap, a),
    start,
    start + memberSize(heap, a),
    memberBytes(heap, b),
    otherStart,
    otherStart + memberSize(heap, b),
  );
}

export function compareBytes(
  a: Uint8Array,
  aStart: number,
  aEnd: number,
  b: Uint8Array,
  bStart: number,
  bEnd: number,
): number {
  const size = Math.min(aEnd - aStart, bEnd - bStart);
  for (let i = 0; i < size; i++) {
    const difference = a[aStart + i]! - b[bStart + i]!;
    if (difference !== 0) return difference;
  }
  return aEnd - aStart - (bEnd - bStart);
}
