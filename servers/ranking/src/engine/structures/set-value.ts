import { parseInteger } from "../../protocol/numbers.ts";
import { type FoldingContainer, ValueType } from "../container.ts";
import { recordWord, setRecordWord } from "../key-record.ts";
import { hashBytes } from "../memory/byte-hash.ts";
import { ByteTable } from "../memory/byte-table.ts";
import { MAX_BLOCK_BYTES } from "../memory/heap.ts";
import { pickRecord } from "../memory/table-pick.ts";
import { CommandError } from "../replies.ts";
import type { SeededRandom } from "../seeded-random.ts";
import type { Store } from "../store.ts";
import { blockBytes, blockStart, copyBlock, putBytes, spliceBlock } from "./blocks.ts";
import { findInt, intAt, intWidth, putDecimals, putInt, widenInts } from "./int-set.ts";
import {
  countPackedMembers,
  findPackedMember,
  MAX_PACKED,
  MAX_PACKED_MEMBER,
  packedMemberAt,
} from "./packed-members.ts";

/** A set of numbers of up to this many says `intset`. As Redis's set-max-intset-entries. */
const MAX_INTS = 512;
const HEAD_BYTES = 4;
/** Longest member of a set. */
export const MAX_MEMBER_BYTES = MAX_BLOCK_BYTES - HEAD_BYTES;
/** JavaScript's object, its slots for the table not included. */
const OBJECT_BYTES = 80;
const TABLE_BYTES = 150;

/** In the first byte of a folded set, beside the width of its numbers or 0: OBJECT ENCODING says `intset`. */
const FOLDED_INTSET = 0x80;

/** How a set is kept; snapshots store it, since random picks depend on it: never change one. */
export const SetForm = { ints: 0, packed: 1, table: 2 } as const;
export type SetFormCode = (typeof SetForm)[keyof typeof SetForm];

/** Sees `bytes[start, end)`, which is good during the call only; must not change what it walks through. */
export type MemberVisitor = (bytes: Uint8Array, start: number, end: number) => void;

/** @throws CommandError if a member of this length has no place in a set; nothing was changed then. */
export function checkMemberLength(size: number): void {
  if (size > MAX_MEMBER_BYTES) throw new CommandError("ERR member is too long");
}

/**
 * A set of byte strings, in one of three forms:
 *
 *     ints     whole numbers of up to 53 bits, ascending in one block (see int-set.ts)
 *     packed   up to 64 short members in one block (see packed-members.ts)
 *     table    a record { u32 length . bytes } for each member, found by a ByteTable
 *
 * The first two are in an order that only the members decide, and so picks by index are the same on every copy. A set
 * goes from left to right when a member does not fit, and never back. What OBJECT ENCODING says follows Redis's rules,
 * which know two forms: `intset` while all members are numbers of 64 bits and 512 at most, else and ever after
 * `hashtable`.
 */
export class SetValue implements FoldingContainer {
  readonly #store: Store;
  #form: SetFormCode = SetForm.ints;
  #isIntset = true;
  #pointer = 0;
  /** Bytes of the block; of a table that is given back, the threshold to go on from. */
  #bytes = 0;
  #count = 0;
  #table: ByteTable | undefined;

  constructor(store: Store) {
    this.#store = store;
  }

  get type(): typeof ValueType.set {
    return ValueType.set;
  }

  get size(): number {
    return this.#count;
  }

  get form(): SetFormCode {
    return this.#form;
  }

  get encoding(): "intset" | "hashtable" {
    return this.#isIntset ? "intset" : "hashtable";
  }

  get usedBytes(): number {
    if (this.#table === undefined) return OBJECT_BYTES + this.#bytes;
    let bytes = OBJECT_BYTES + TABLE_BYTES + 12 * this.#count;
    this.#table.forEachRecord((pointer) => {
      bytes += HEAD_BYTES + this.#table!.nameOf(pointer).length;
    });
    return bytes;
  }

  /** Goes on to a form, and to what OBJECT ENCODING says then; for a set that is read from a snapshot. */
  restoreForm(form: SetFormCode, encoding: "intset" | "hashtable"): void {
    if (encoding === "hashtable") this.#isIntset = false;
    if (form >= SetForm.packed && this.#form === SetForm.ints) this.#packInts();
    if (form === SetForm.table && this.#form === SetForm.packed) this.#toTable();
  }

  has(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#form === SetForm.table) return this.#findRecord(bytes, start, end) !== 0;
    if (this.#form === SetForm.packed) return this.#findPacked(bytes, start, end) >= 0;
    const value = parseInteger(bytes, start, end);
    return Number.isSafeInteger(value) && this.#findInt(value) >= 0;
  }

  /**
   * Adds a member. Returns whether it was not there.
   *
   * @throws CommandError if it is longer than {@link MAX_MEMBER_BYTES}.
   */
  add(bytes: Uint8Array, start: number, end: number): boolean {
    checkMemberLength(end - start);
    let isInteger = false;
    if (this.#isIntset) {
      const value = parseInteger(bytes, start, end);
      isInteger = !Number.isNaN(value);
      if (!isInteger) this.#isIntset = false;
      else if (this.#form === SetForm.ints && Number.isSafeInteger(value)) return this.#addInt(value);
    }
    if (this.#form === SetForm.ints) this.#packInts();
    const isAdded =
      this.#form === SetForm.packed ? this.#addPacked(bytes, start, end) : this.#addRecord(bytes, start, end);
    if (this.#count > MAX_INTS) this.#isIntset = false;
    return isAdded;
  }

  /** Returns whether it was there. */
  remove(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#form === SetForm.table) return this.#removeRecord(bytes, start, end);
    if (this.#form === SetForm.packed) {
      const at = this.#findPacked(bytes, start, end);
      if (at < 0) return false;
      this.#splice(at, 1 + end - start, 0);
    } else {
      const value = parseInteger(bytes, start, end);
      const index = Number.isSafeInteger(value) ? this.#findInt(value) : -1;
      if (index < 0) return false;
      this.#splice(index * this.#width, this.#width, 0);
    }
    this.#count--;
    return true;
  }

  /** Every member; of numbers and packed ones in their order, else in none. */
  forEachMember(visit: MemberVisitor): void {
    const table = this.#table;
    if (table !== undefined) {
      table.forEachRecord((pointer) => this.#visitRecord(pointer, visit));
      return;
    }
    if (this.#form === SetForm.packed) this.#forEachPacked(visit);
    else for (let index = 0; index < this.#count; index++) this.#visitInt(index, visit);
  }

  /** As `ByteTable.scan`; a set without a table is all visited at once. */
  scan(from: number, count: number, visit: MemberVisitor): number {
    if (this.#table !== undefined) {
      return this.#table.scan(from, count, (pointer) => this.#visitRecord(pointer, visit));
    }
    this.forEachMember(visit);
    return 0;
  }

  /** A member picked at random, as a number that is good until the next change; the same on every copy. */
  pick(random: SeededRandom): number {
    if (this.#table !== undefined) return pickRecord(this.#table, () => random.next());
    const index = random.below(this.#count);
    if (this.#form === SetForm.ints) return index;
    return packedMemberAt(blockBytes(this.#store.heap, this.#pointer), blockStart(this.#pointer), index);
  }

  /** Visits what {@link pick} picked. */
  visitPicked(picked: number, visit: MemberVisitor): void {
    if (this.#form === SetForm.table) this.#visitRecord(picked, visit);
    else if (this.#form === SetForm.ints) this.#visitInt(picked, visit);
    else {
      const bytes = blockBytes(this.#store.heap, this.#pointer);
      const at = blockStart(this.#pointer) + picked;
      visit(bytes, at + 1, at + 1 + bytes[at]!);
    }
  }

  /** Visits every member as a number for {@link visitPicked}. */
  forEachPicked(visit: (picked: number) => void): void {
    if (this.#table !== undefined) this.#table.forEachRecord(visit);
    else if (this.#form === SetForm.ints) for (let index = 0; index < this.#count; index++) visit(index);
    else {
      const first = blockStart(this.#pointer);
      this.#forEachPacked((_, start) => visit(start - 1 - first));
    }
  }

  copy(): SetValue {
    const copy = new SetValue(this.#store);
    copy.#form = this.#form;
    copy.#isIntset = this.#isIntset;
    if (this.#table !== undefined) {
      copy.#table = new ByteTable(this.#store.heap, HEAD_BYTES);
      this.#table.forEachRecord((pointer, hash) => {
        const size = HEAD_BYTES + this.#table!.nameOf(pointer).length;
        copy.#table!.insert(hash, copyBlock(this.#store.heap, pointer, size));
      });
    }
    copy.#pointer = copyBlock(this.#store.heap, this.#pointer, this.#bytes);
    copy.#bytes = this.#bytes;
    copy.#count = this.#count;
    return copy;
  }

  release(limit: number): boolean {
    const { heap } = this.#store;
    const table = this.#table;
    if (table === undefined) {
      if (this.#bytes > 0) this.#splice(0, this.#bytes, 0);
      this.#count = 0;
      return true;
    }
    this.#bytes = table.scan(this.#bytes, Math.max(16, limit), (pointer) => {
      heap.free(pointer, HEAD_BYTES + (recordWord(heap, pointer, 0) & 0xffff));
    });
    if (this.#bytes !== 0) return false;
    table.clear();
    this.#count = 0;
    return true;
  }

  /** A byte of what the block does not say, and the block. */
  get foldedBytes(): number {
    return this.#table === undefined && this.#count > 0 ? 1 + this.#bytes : -1;
  }

  fold(into: Uint8Array, at: number): void {
    const width = this.#form === SetForm.ints ? this.#width : 0;
    into[at] = width | (this.#isIntset ? FOLDED_INTSET : 0);
    const start = blockStart(this.#pointer);
    putBytes(into, at + 1, blockBytes(this.#store.heap, this.#pointer), start, start + this.#bytes);
    this.release(0);
  }

  /** What {@link fold} wrote. */
  static unfold(store: Store, bytes: Uint8Array, start: number, end: number): SetValue {
    const set = new SetValue(store);
    const head = bytes[start]!;
    const width = head & ~FOLDED_INTSET;
    set.#isIntset = (head & FOLDED_INTSET) !== 0;
    set.#form = width === 0 ? SetForm.packed : SetForm.ints;
    set.#splice(0, 0, end - start - 1);
    putBytes(blockBytes(store.heap, set.#pointer), blockStart(set.#pointer), bytes, start + 1, end);
    set.#count = width === 0 ? countPackedMembers(bytes, start + 1, end) : (end - start - 1) / width;
    return set;
  }

  #splice(at: number, removed: number, inserted: number): void {
    this.#pointer = spliceBlock(this.#store.heap, this.#pointer, this.#bytes, at, removed, inserted);
    this.#bytes += inserted - removed;
  }

  // Numbers

  get #width(): number {
    return this.#count === 0 ? 2 : this.#bytes / this.#count;
  }

  #findInt(value: number): number {
    return findInt(this.#store.heap, this.#pointer, this.#width, this.#count, value);
  }

  #addInt(value: number): boolean {
    const { heap } = this.#store;
    const index = this.#findInt(value);
    if (index >= 0) return false;
    const width = this.#count === 0 ? intWidth(value) : Math.max(this.#width, intWidth(value));
    if (this.#count > 0 && width !== this.#width) {
      this.#pointer = widenInts(heap, this.#pointer, this.#width, this.#count, width);
      this.#bytes = this.#count * width;
    }
    this.#splice(~index * width, 0, width);
    this.#count++;
    putInt(heap, this.#pointer, width, ~index, value);
    if (this.#count > MAX_INTS) {
      this.#isIntset = false;
      this.#packInts();
    }
    return true;
  }

  #visitInt(index: number, visit: MemberVisitor): void {
    const decimals = new Uint8Array(24);
    visit(decimals, 0, putDecimals(decimals, intAt(this.#store.heap, this.#pointer, this.#width, index)));
  }

  /** Numbers become packed members, or a table at once if they are too many. */
  #packInts(): void {
    const { heap } = this.#store;
    const [pointer, bytes, width, count] = [this.#pointer, this.#bytes, this.#width, this.#count];
    this.#pointer = 0;
    this.#bytes = 0;
    this.#count = 0;
    this.#form = SetForm.packed;
    if (count > MAX_PACKED) this.#toTable();
    const decimals = new Uint8Array(24);
    for (let index = 0; index < count; index++) {
      const size = putDecimals(decimals, intAt(heap, pointer, width, index));
      if (this.#table === undefined) this.#addPacked(decimals, 0, size);
      else this.#addRecord(decimals, 0, size);
    }
    if (bytes > 0) heap.free(pointer, bytes);
  }

  // Packed members

  /** Where the member's entry is in the block, or the complement of where it would go. */
  #findPacked(name: Uint8Array, start: number, end: number): number {
    if (this.#bytes === 0) return ~0;
    const bytes = blockBytes(this.#store.heap, this.#pointer);
    const first = blockStart(this.#pointer);
    return findPackedMember(bytes, first, first + this.#bytes, name, start, end);
  }

  #addPacked(name: Uint8Array, start: number, end: number): boolean {
    const size = end - start;
    const at = size > MAX_PACKED_MEMBER ? ~0 : this.#findPacked(name, start, end);
    if (at >= 0) return false;
    if (size > MAX_PACKED_MEMBER || this.#count === MAX_PACKED) {
      this.#toTable();
      return this.#addRecord(name, start, end);
    }
    this.#splice(~at, 0, 1 + size);
    const bytes = blockBytes(this.#store.heap, this.#pointer);
    const to = blockStart(this.#pointer) + ~at;
    bytes[to] = size;
    putBytes(bytes, to + 1, name, start, end);
    this.#count++;
    return true;
  }

  #forEachPacked(visit: MemberVisitor): void {
    if (this.#bytes === 0) return;
    const bytes = blockBytes(this.#store.heap, this.#pointer);
    const first = blockStart(this.#pointer);
    for (let at = first; at < first + this.#bytes; at += 1 + bytes[at]!) visit(bytes, at + 1, at + 1 + bytes[at]!);
  }

  // The table

  #toTable(): void {
    this.#table = new ByteTable(this.#store.heap, HEAD_BYTES);
    this.#form = SetForm.table;
    this.#count = 0;
    this.#forEachPacked((bytes, start, end) => this.#addRecord(bytes, start, end));
    if (this.#bytes > 0) this.#splice(0, this.#bytes, 0);
  }

  #findRecord(name: Uint8Array, start: number, end: number): number {
    if (end - start > MAX_MEMBER_BYTES) return 0;
    return this.#table!.find(name, start, end, hashBytes(name, start, end, this.#store.hashSeed));
  }

  #addRecord(name: Uint8Array, start: number, end: number): boolean {
    const { heap, hashSeed } = this.#store;
    const hash = hashBytes(name, start, end, hashSeed);
    if (this.#table!.find(name, start, end, hash) !== 0) return false;
    const pointer = heap.allocate(HEAD_BYTES + end - start);
    setRecordWord(heap, pointer, 0, end - start);
    putBytes(blockBytes(heap, pointer), blockStart(pointer) + HEAD_BYTES, name, start, end);
    this.#table!.insert(hash, pointer);
    this.#count++;
    return true;
  }

  #removeRecord(name: Uint8Array, start: number, end: number): boolean {
    const { heap, hashSeed } = this.#store;
    const size = end - start;
    if (size > MAX_MEMBER_BYTES) return false;
    const hash = hashBytes(name, start, end, hashSeed);
    const pointer = this.#table!.find(name, start, end, hash);
    if (pointer === 0) return false;
    this.#table!.remove(hash, pointer);
    heap.free(pointer, HEAD_BYTES + size);
    this.#count--;
    return true;
  }

  #visitRecord(pointer: number, visit: MemberVisitor): void {
    const bytes = blockBytes(this.#store.heap, pointer);
    const at = blockStart(pointer) + HEAD_BYTES;
    visit(bytes, at, at + (recordWord(this.#store.heap, pointer, 0) & 0xffff));
  }
}
