/*
 * Members of a small set, one behind the other in a block, by length, then by bytes:
 *
 *     u8 length . bytes
 */

/** Members that are kept in one block at most. */
export const MAX_PACKED = 64;
/** Bytes of the longest of them. */
export const MAX_PACKED_MEMBER = 64;

/**
 * Where the entry of a member is in `bytes[first, last)`, counted from `first`, or the complement of where it would go.
 *
 * @param name The member is `name[start, end)`.
 */
export function findPackedMember(
  bytes: Uint8Array,
  first: number,
  last: number,
  name: Uint8Array,
  start: number,
  end: number,
): number {
  const size = end - start;
  let at = first;
  while (at < last && bytes[at]! < size) at += 1 + bytes[at]!;
  for (; at < last && bytes[at] === size; at += 1 + size) {
    let i = 0;
    while (i < size && bytes[at + 1 + i] === name[start + i]) i++;
    if (i === size) return at - first;
    if (bytes[at + 1 + i]! > name[start + i]!) break;
  }
  return ~(at - first);
}

/** Where the entry behind `index` others is, counted from `first`, where they begin. */
export function packedMemberAt(bytes: Uint8Array, first: number, index: number): number {
  let at = first;
  for (let left = index; left > 0; left--) at += 1 + bytes[at]!;
  return at - first;
}

/** How many entries there are in `bytes[first, last)`. */
export function countPackedMembers(bytes: Uint8Array, first: number, last: number): number {
  let count = 0;
  for (let at = first; at < last; at += 1 + bytes[at]!) count++;
  return count;
}
