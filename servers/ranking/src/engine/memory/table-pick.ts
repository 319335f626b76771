import { compareBytes } from "../../protocol/compare-bytes.ts";
import type { ByteTable } from "./byte-table.ts";

/** A bucket has 4 to 8 entries; the ones beyond this, in one of 10^10 buckets, would never be picked. */
const PICK_LIMIT = 32;
/** Slots that are looked at together when a bucket is collected. */
const COLLECT_SLOTS = 8;
const U32 = 2 ** 32;

/** The entries of the bucket that a pick looks at; a bucket of a small table is all of it. */
const collected = {
  pointers: new Int32Array(2 * PICK_LIMIT),
  hashes: new Uint32Array(2 * PICK_LIMIT),
  count: 0,
  end: 0,
};

/**
 * A record of the table picked at random, each with the same chance; 0 if there is none.
 *
 * Only the hashes and the size decide, not where an entry lies, so every copy of the store picks the same: the hash
 * space is cut into buckets of four to eight entries, a bucket and a place in it are drawn until somebody is there,
 * one draw in four to eight. A draw looks at a bucket's slots, which are neighbours.
 *
 * @param random A whole number, 0 to 2^32 - 1.
 */
export function pickRecord(table: ByteTable, random: () => number): number {
  const { size } = table;
  if (size === 0) return 0;
  const bits = size <= PICK_LIMIT ? 0 : 29 - Math.clz32(size);
  const limit = bits === 0 ? size : PICK_LIMIT;
  for (;;) {
    const bucket = bits === 0 ? 0 : random() >>> (32 - bits);
    const place = Math.floor((random() / U32) * limit);
    collectBucket(table, bucket, bits);
    if (place < collected.count) return collectedAt(table, place);
  }
}

/** Puts the entries of a bucket into {@link collected}. */
function collectBucket(table: ByteTable, bucket: number, bits: number): void {
  const span = U32 / 2 ** bits;
  const end = (bucket + 1) * span;
  collected.count = 0;
  collected.end = end;
  for (let threshold = bucket * span; threshold < end; ) {
    threshold = table.scan(threshold, COLLECT_SLOTS, collect);
    if (threshold === 0) return;
  }
}

function collect(pointer: number, hash: number): void {
  if (hash >>> 0 >= collected.end || collected.count === collected.pointers.length) return;
  collected.pointers[collected.count] = pointer;
  collected.hashes[collected.count++] = hash;
}

/** The collected entry that has so many before it, by hash, then by name. */
function collectedAt(table: ByteTable, place: number): number {
  const { pointers, hashes, count } = collected;
  for (let i = 0; ; i++) {
    let before = 0;
    for (let other = 0; other < count; other++) {
      const difference = hashes[other]! - hashes[i]!;
      if (difference < 0) before++;
      else if (difference === 0 && other !== i && compareNames(table, pointers[other]!, pointers[i]!) < 0) before++;
    }
    if (before === place) return pointers[i]!;
  }
}

function compareNames(table: ByteTable, a: number, b: number): number {
  return compareBytes(table.nameOf(a), table.nameOf(b));
}
