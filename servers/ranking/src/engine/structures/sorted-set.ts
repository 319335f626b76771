import type { FoldingContainer } from "../container.ts";
import { ValueType } from "../container.ts";
import { OBJECT_BYTES } from "../key-record.ts";
import { blockBytesOf, OFFSET_MASK, SEGMENT_SHIFT } from "../memory/heap.ts";
import type { Store } from "../store.ts";
import { blockBytes, blockStart, putBytes } from "./blocks.ts";
import { IndexedScores } from "./indexed-scores.ts";
import type { LexRange } from "./lex-range.ts";
import { memberBytes, memberScore, memberSize, memberStart } from "./member-record.ts";
import {
  MAX_ENTRY_BYTES,
  MAX_PACKED_MEMBER_BYTES,
  MAX_PACKED_MEMBERS,
  PackedReader,
  packedScoreBytes,
  writePacked,
} from "./packed-scores.ts";

/** Gets a member, `bytes[start, end)`, which is good during the call only, and its score. */
export type MemberVisit = (bytes: Uint8Array, start: number, end: number, score: number) => void;

/** The packed set that was read last; no call that uses it calls another set in between. */
const packed = new PackedReader();
/** An entry on its way into a set, or a member whose block is about to be freed. */
const entry = new Uint8Array(MAX_ENTRY_BYTES);

/**
 * A sorted set: members with scores, in the order of (score, bytes of the member).
 *
 * Few short members are *packed* into one block of the heap, which every call reads from its start; more or longer ones
 * are *indexed*. A set that has become indexed stays so. OBJECT ENCODING calls them `listpack` and `skiplist`, and they
 * change at the same moment as Redis's do.
 *
 * To change a member, {@link find} it first; what it finds is good until the next call of any set.
 */
export class SortedSet implements FoldingContainer {
  readonly #store: Store;
  #indexed: IndexedScores | undefined;
  /** The block of the packed entries, 0 while there are none. */
  #block = 0;
  #packedBytes = 0;
  #packedCount = 0;

  constructor(store: Store, indexed?: IndexedScores) {
    this.#store = store;
    this.#indexed = indexed;
  }

  /** A set of members that were collected: takes them over. Packed if they are few and short enough. */
  static fromUnsorted(store: Store, indexed: IndexedScores): SortedSet {
    indexed.sort();
    return SortedSet.#fitting(store, indexed);
  }

  static #fitting(store: Store, indexed: IndexedScores): SortedSet {
    const { heap, tree } = indexed;
    let isShort = tree.size <= MAX_PACKED_MEMBERS;
    if (isShort) {
      tree.forEach(0, tree.size, (record) => {
        if (memberSize(heap, record) > MAX_PACKED_MEMBER_BYTES) isShort = false;
      });
    }
    if (!isShort) return new SortedSet(store, indexed);
    const set = new SortedSet(store);
    tree.forEach(0, tree.size, (record, score) => {
      const start = memberStart(record);
      const bytes = memberBytes(heap, record);
      set.find(bytes, start, start + memberSize(heap, record));
      set.add(bytes, start, start + memberSize(heap, record), score);
    });
    indexed.release(Number.POSITIVE_INFINITY);
    return set;
  }

  get type(): typeof ValueType.sortedSet {
    return ValueType.sortedSet;
  }

  get size(): number {
    return this.#indexed === undefined ? this.#packedCount : this.#indexed.table.size;
  }

  get encoding(): string {
    return this.#indexed === undefined ? "listpack" : "skiplist";
  }

  get usedBytes(): number {
    if (this.#indexed !== undefined) return OBJECT_BYTES + this.#indexed.usedBytes;
    return OBJECT_BYTES + (this.#block === 0 ? 0 : blockBytesOf(this.#packedBytes));
  }

  /** Goes on to the indexed form; for a set that is read from a snapshot. */
  makeIndexed(): void {
    if (this.#indexed === undefined) this.#index();
  }

  // One member

  /** What {@link find} found: the member's score. */
  foundScore(found: number): number {
    return this.#indexed === undefined ? packed.scores[found - 1]! : memberScore(this.#store.heap, found);
  }

  /** A handle of the member, good until the next call of any set; 0 if it is not there. */
  find(name: Uint8Array, start: number, end: number): number {
    if (this.#indexed !== undefined) return this.#indexed.find(name, start, end);
    this.#read();
    return packed.indexOf(name, start, end) + 1;
  }

  /** Adds a member that {@link find} has just not found, of at most `MAX_MEMBER_BYTES`. */
  add(name: Uint8Array, start: number, end: number, score: number): void {
    if (this.#indexed === undefined) {
      if (this.#packedCount < MAX_PACKED_MEMBERS && end - start <= MAX_PACKED_MEMBER_BYTES) {
        this.#insertPacked(name, start, end, score);
        return;
      }
      this.#index().find(name, start, end);
    }
    this.#indexed!.add(name, start, end, score);
  }

  /** Changes the score of a member that was just found. */
  changeScore(found: number, score: number): void {
    if (this.#indexed !== undefined) {
      this.#indexed.changeScore(found, score);
      return;
    }
    const start = packed.starts[found - 1]!;
    const size = packed.ends[found - 1]! - start;
    for (let i = 0; i < size; i++) entry[i] = packed.bytes[start + i]!;
    this.#removePacked(found - 1);
    this.#read();
    this.#insertPacked(entry, 0, size, score);
  }

  /** Removes a member that was just found. */
  remove(found: number): void {
    if (this.#indexed !== undefined) this.#indexed.remove(found);
    else this.#removePacked(found - 1);
  }

  /** The member's place, from 0; -1 if it is not there. */
  rankOf(name: Uint8Array, start: number, end: number): number {
    const found = this.find(name, start, end);
    if (this.#indexed === undefined || found === 0) return found - 1;
    return this.#indexed.tree.rankOf(memberScore(this.#store.heap, found), found);
  }

  // Ranges

  /** How many members have a score below `score`, or up to it if `isInclusive`. */
  countBelow(score: number, isInclusive: boolean): number {
    if (this.#indexed !== undefined) return this.#indexed.tree.countBelow(score, isInclusive);
    this.#read();
    let count = 0;
    while (count < packed.count && (packed.scores[count]! < score || (isInclusive && packed.scores[count] === score))) {
      count++;
    }
    return count;
  }

  /** How many members lie before the range of names; all scores should be the same. */
  countBeforeRange(range: LexRange): number {
    return this.#countNames((bytes, start, end) => range.isBelow(bytes, start, end));
  }

  /** How many members lie in the range of names or before it. */
  countThroughRange(range: LexRange): number {
    return this.#countNames((bytes, start, end) => !range.isAbove(bytes, start, end));
  }

  #countNames(isCounted: (bytes: Uint8Array, start: number, end: number) => boolean): number {
    if (this.#indexed !== undefined) {
      const { heap } = this.#store;
      return this.#indexed.tree.countWhile((record) => {
        const start = memberStart(record);
        return isCounted(memberBytes(heap, record), start, start + memberSize(heap, record));
      });
    }
    this.#read();
    let count = 0;
    while (count < packed.count && isCounted(packed.bytes, packed.starts[count]!, packed.ends[count]!)) count++;
    return count;
  }

  /** Visits `count` members from `rank` on, or from there backwards. All must be there; `visit` must use no set. */
  forEach(rank: number, count: number, isBackward: boolean, visit: MemberVisit): void {
    if (count <= 0) return;
    const step = isBackward ? -1 : 1;
    if (this.#indexed === undefined) {
      this.#read();
      for (let left = count, index = rank; left > 0; left--, index += step) {
        visit(packed.bytes, packed.starts[index]!, packed.ends[index]!, packed.scores[index]!);
      }
      return;
    }
    const { heap } = this.#store;
    const show = (record: number, score: number): void => {
      const start = memberStart(record);
      visit(memberBytes(heap, record), start, start + memberSize(heap, record), score);
    };
    if (isBackward) this.#indexed.tree.forEachBack(rank, count, show);
    else this.#indexed.tree.forEach(rank, count, show);
  }

  /** Removes the `count` members from `rank` on, which must be there. */
  removeRange(rank: number, count: number): void {
    if (this.#indexed !== undefined) {
      for (let left = count; left > 0; left--) this.#indexed.removeAt(rank);
      return;
    }
    this.#read();
    this.#closeGap(rank, rank + count);
  }

  /**
   * Walks through the members by their hashes; see `ByteTable.scan`. A packed set comes all at once.
   *
   * @returns Where to go on, 0 at the end.
   */
  scan(from: number, count: number, visit: MemberVisit): number {
    if (this.#indexed === undefined) {
      this.forEach(0, this.#packedCount, false, visit);
      return 0;
    }
    const { heap } = this.#store;
    return this.#indexed.table.scan(from, count, (record) => {
      const start = memberStart(record);
      visit(memberBytes(heap, record), start, start + memberSize(heap, record), memberScore(heap, record));
    });
  }

  /** A set of the `count` members from `rank` on, which must be there. */
  part(rank: number, count: number): SortedSet {
    if (this.#indexed !== undefined) {
      return SortedSet.#fitting(this.#store, this.#indexed.copyOf(rank, count));
    }
    const part = this.copy();
    part.#read();
    part.#closeGap(rank + count, this.#packedCount);
    part.#read();
    part.#closeGap(0, rank);
    return part;
  }

  // The container

  copy(): SortedSet {
    const copy = new SortedSet(this.#store, this.#indexed?.copyOf(0, this.size));
    if (this.#block === 0) return copy;
    const { heap } = this.#store;
    copy.#block = heap.allocate(this.#packedBytes);
    copy.#packedBytes = this.#packedBytes;
    copy.#packedCount = this.#packedCount;
    const from = (this.#block & OFFSET_MASK) << 3;
    const source = heap.bytes[this.#block >>> SEGMENT_SHIFT]!.subarray(from, from + this.#packedBytes);
    heap.bytes[copy.#block >>> SEGMENT_SHIFT]!.set(source, (copy.#block & OFFSET_MASK) << 3);
    return copy;
  }

  release(limit: number): boolean {
    if (this.#indexed !== undefined) return this.#indexed.release(limit);
    if (this.#block !== 0) this.#store.heap.free(this.#block, this.#packedBytes);
    this.#block = 0;
    this.#packedBytes = 0;
    this.#packedCount = 0;
    return true;
  }

  /** Packed sets, as their block is. */
  get foldedBytes(): number {
    return this.#indexed === undefined && this.#block !== 0 ? this.#packedBytes : -1;
  }

  fold(into: Uint8Array, at: number): void {
    const start = blockStart(this.#block);
    putBytes(into, at, blockBytes(this.#store.heap, this.#block), start, start + this.#packedBytes);
    this.release(0);
  }

  /** What {@link fold} wrote. */
  static unfold(store: Store, bytes: Uint8Array, start: number, end: number): SortedSet {
    const set = new SortedSet(store);
    set.#splice(0, 0, end - start);
    putBytes(blockBytes(store.heap, set.#block), blockStart(set.#block), bytes, start, end);
    set.#read();
    set.#packedCount = packed.count;
    return set;
  }

  // Packed

  #read(): void {
    const from = (this.#block & OFFSET_MASK) << 3;
    packed.read(this.#store.heap.bytes[this.#block >>> SEGMENT_SHIFT] ?? entry, from, from + this.#packedBytes);
  }

  /** Adds an entry to the set that was just read. */
  #insertPacked(name: Uint8Array, start: number, end: number, score: number): void {
    const at = packed.entries[packed.placeOf(name, start, end, score)]!;
    const size = 1 + end - start + packedScoreBytes(score);
    const offset = at - ((this.#block & OFFSET_MASK) << 3);
    this.#splice(offset, 0, size);
    const from = ((this.#block & OFFSET_MASK) << 3) + offset;
    writePacked(this.#store.heap.bytes[this.#block >>> SEGMENT_SHIFT]!, from, name, start, end, score);
    this.#packedCount++;
  }

  #removePacked(index: number): void {
    this.#closeGap(index, index + 1);
  }

  /** Takes the entries `[from, end)` out of the set that was just read. */
  #closeGap(from: number, end: number): void {
    if (from === end) return;
    const first = packed.entries[from]!;
    const size = packed.entries[end]! - first;
    this.#splice(first - ((this.#block & OFFSET_MASK) << 3), size, 0);
    this.#packedCount -= end - from;
  }

  /** Makes `added` bytes out of `removed` ones at `offset`, in a block that fits. */
  #splice(offset: number, removed: number, added: number): void {
    const { heap } = this.#store;
    const oldBytes = this.#packedBytes;
    const newBytes = oldBytes - removed + added;
    const old = this.#block;
    const oldFrom = (old & OFFSET_MASK) << 3;
    this.#packedBytes = newBytes;
    if (old !== 0 && newBytes > 0 && heap.isSameBlock(oldBytes, newBytes)) {
      const bytes = heap.bytes[old >>> SEGMENT_SHIFT]!;
      bytes.copyWithin(oldFrom + offset + added, oldFrom + offset + removed, oldFrom + oldBytes);
      return;
    }
    this.#block = newBytes === 0 ? 0 : heap.allocate(newBytes);
    if (newBytes > 0 && old !== 0) {
      const source = heap.bytes[old >>> SEGMENT_SHIFT]!;
      const target = heap.bytes[this.#block >>> SEGMENT_SHIFT]!;
      const to = (this.#block & OFFSET_MASK) << 3;
      target.set(source.subarray(oldFrom, oldFrom + offset), to);
      target.set(source.subarray(oldFrom + offset + removed, oldFrom + oldBytes), to + offset + added);
    }
    if (old !== 0) heap.free(old, oldBytes);
  }

  /** From packed to indexed. */
  #index(): IndexedScores {
    const { heap, hashSeed } = this.#store;
    const indexed = new IndexedScores(heap, hashSeed);
    this.#read();
    for (let i = 0; i < packed.count; i++) {
      indexed.find(packed.bytes, packed.starts[i]!, packed.ends[i]!);
      indexed.add(packed.bytes, packed.starts[i]!, packed.ends[i]!, packed.scores[i]!);
    }
    this.release(0);
    this.#indexed = indexed;
    return indexed;
  }
}
