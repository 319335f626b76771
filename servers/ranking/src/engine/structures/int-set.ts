import { type Heap, OFFSET_MASK, SEGMENT_SHIFT } from "../memory/heap.ts";
import { spliceBlock } from "./blocks.ts";

/*
 * Whole numbers in ascending order in one block, each of 2, 4 or 8 bytes: as many as the widest of them needs. Eight
 * bytes are a double, so only numbers of up to 53 bits have a place here.
 */

/** Bytes that a number needs: 2, 4 or 8. */
export function intWidth(value: number): number {
  if (value >= -32_768 && value <= 32_767) return 2;
  return value >= -2_147_483_648 && value <= 2_147_483_647 ? 4 : 8;
}

/** The number in place `index`. */
export function intAt(heap: Heap, pointer: number, width: number, index: number): number {
  const unit = pointer & OFFSET_MASK;
  const segment = pointer >>> SEGMENT_SHIFT;
  if (width === 4) return heap.words[segment]![(unit << 1) + index]!;
  if (width === 8) return heap.doubles[segment]![unit + index]!;
  const bytes = heap.bytes[segment]!;
  const at = (unit << 3) + 2 * index;
  return ((bytes[at]! | (bytes[at + 1]! << 8)) << 16) >> 16;
}

/** Puts a number that is no wider than `width` into place `index`. */
export function putInt(heap: Heap, pointer: number, width: number, index: number, value: number): void {
  const unit = pointer & OFFSET_MASK;
  const segment = pointer >>> SEGMENT_SHIFT;
  if (width === 4) heap.words[segment]![(unit << 1) + index] = value;
  else if (width === 8) heap.doubles[segment]![unit + index] = value;
  else {
    const bytes = heap.bytes[segment]!;
    const at = (unit << 3) + 2 * index;
    bytes[at] = value;
    bytes[at + 1] = value >> 8;
  }
}

/** The place of a number among `count`, or the complement (`~place`) of where it would go. */
export function findInt(heap: Heap, pointer: number, width: number, count: number, value: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    const found = intAt(heap, pointer, width, middle);
    if (found === value) return middle;
    if (found < value) low = middle + 1;
    else high = middle;
  }
  return ~low;
}

/** Makes all numbers `newWidth` wide. Returns the block, which may have moved. */
export function widenInts(heap: Heap, pointer: number, width: number, count: number, newWidth: number): number {
  const values = Array.from({ length: count }, (_, index) => intAt(heap, pointer, width, index));
  const next = spliceBlock(heap, pointer, count * width, count * width, 0, count * (newWidth - width));
  for (let index = 0; index < count; index++) putInt(heap, next, newWidth, index, values[index]!);
  return next;
}

/** Writes the decimals of a whole number to `into[0, length)` and returns the length, 24 at most. */
export function putDecimals(into: Uint8Array, value: number): number {
  const text = String(value);
  for (let i = 0; i < text.length; i++) into[i] = text.charCodeAt(i);
  return text.length;
}
