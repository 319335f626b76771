import { type Heap, OFFSET_MASK, SEGMENT_SHIFT } from "../memory/heap.ts";

/** Copies of up to this many bytes are faster byte by byte. */
const SHORT_COPY = 64;

/** Where the block's bytes begin in `heap.bytes[pointer >>> SEGMENT_SHIFT]`. */
export function blockStart(pointer: number): number {
  return (pointer & OFFSET_MASK) << 3;
}

/** The memory that the block lies in. */
export function blockBytes(heap: Heap, pointer: number): Uint8Array {
  return heap.bytes[pointer >>> SEGMENT_SHIFT]!;
}

/** Copies `source[start, end)` to `target[at, ...)`; they must not overlap. */
export function putBytes(target: Uint8Array, at: number, source: Uint8Array, start: number, end: number): void {
  const size = end - start;
  if (size > SHORT_COPY) target.set(source.subarray(start, end), at);
  else for (let i = 0; i < size; i++) target[at + i] = source[start + i]!;
}

/** A copy of `source[start, end)` in memory of its own. Not `slice`: that of Node's buffers copies nothing. */
export function ownBytes(source: Uint8Array, start: number, end: number): Uint8Array {
  const bytes = new Uint8Array(end - start);
  bytes.set(source.subarray(start, end));
  return bytes;
}

/** Whether `a[aStart, aStart + size)` and `b[bStart, ...)` are the same bytes. */
export function isSameBytes(a: Uint8Array, aStart: number, b: Uint8Array, bStart: number, size: number): boolean {
  for (let i = 0; i < size; i++) if (a[aStart + i] !== b[bStart + i]) return false;
  return true;
}

/**
 * Takes `removed` bytes out of a block at `at` and makes room for `inserted` bytes there, which the caller fills.
 *
 * The block always has the size class of what is in it, so its size need not be kept anywhere.
 *
 * @param pointer The block, or 0 if there is none yet.
 * @param size Bytes in it before.
 * @returns The block, which may have moved; 0 if nothing is left in it.
 */
export function spliceBlock(
  heap: Heap,
  pointer: number,
  size: number,
  at: number,
  removed: number,
  inserted: number,
): number {
  const newSize = size - removed + inserted;
  if (size > 0 && newSize > 0 && heap.isSameBlock(size, newSize)) {
    if (removed !== inserted && at + removed < size) {
      const from = blockStart(pointer) + at + removed;
      moveBytes(blockBytes(heap, pointer), from, from + inserted - removed, size - at - removed);
    }
    return pointer;
  }
  const next = newSize === 0 ? 0 : heap.allocate(newSize);
  if (size === 0) return next;
  if (next !== 0) {
    const from = blockBytes(heap, pointer);
    const fromStart = blockStart(pointer);
    const to = blockBytes(heap, next);
    const toStart = blockStart(next);
    putBytes(to, toStart, from, fromStart, fromStart + at);
    putBytes(to, toStart + at + inserted, from, fromStart + at + removed, fromStart + size);
  }
  heap.free(pointer, size);
  return next;
}

/** Moves bytes within their memory; source and target may overlap. */
function moveBytes(bytes: Uint8Array, from: number, to: number, size: number): void {
  if (size > SHORT_COPY) bytes.copyWithin(to, from, from + size);
  else if (to < from) for (let i = 0; i < size; i++) bytes[to + i] = bytes[from + i]!;
  else for (let i = size - 1; i >= 0; i--) bytes[to + i] = bytes[from + i]!;
}

/** A copy of a block of `size` bytes. */
export function copyBlock(heap: Heap, pointer: number, size: number): number {
  if (size === 0) return 0;
  const next = heap.allocate(size);
  const start = blockStart(pointer);
  putBytes(blockBytes(heap, next), blockStart(next), blockBytes(heap, pointer), start, start + size);
  return next;
}
