import { type FieldExpiringContainer, type FoldingContainer, ValueType } from "../container.ts";
import { CommandError } from "../replies.ts";
import type { SeededRandom } from "../seeded-random.ts";
import type { Store } from "../store.ts";
import { blockBytes, blockStart, copyBlock, putBytes, spliceBlock } from "./blocks.ts";
import { ByteView } from "./byte-view.ts";
import { FieldTable, MAX_FIELD_BYTES } from "./field-table.ts";
import {
  findPackedField,
  PACKED_EXPIRES,
  PACKED_EXPIRY_BYTES,
  packedEntryBytes,
  packedExpiry,
  packedValueAt,
  putPackedExpiry,
} from "./packed-fields.ts";

/** Fields that are kept in one block at most, and the longest of them and of their values. As Redis's listpack limits. */
const MAX_PACKED = 128;
const MAX_PACKED_BYTES = 64;
const OWN_BYTES = 80;
const TABLE_BYTES = 300;

/** @throws CommandError if a field of this length has no place in a hash; nothing was changed then. */
export function checkFieldLength(size: number): void {
  if (size > MAX_FIELD_BYTES) throw new CommandError("ERR member is too long");
}

/**
 * A hash: fields with values, each of which may have a time when it expires.
 *
 *     packed   up to 128 short fields in one block, in the order in which they came (see packed-fields.ts)
 *     table    a record for each field (see field-table.ts)
 *
 * It becomes a table when a field or value is too long or there are too many, and never goes back. A field is found as a
 * number that is good until the next change: 0 is none.
 *
 * A field whose time has come is not found nor visited, whether {@link removeDueFields} has removed it yet or not; it
 * still counts in `size`. `fieldExpirySlot` belongs to the keyspace, which keeps the hashes with such fields by their
 * earliest time.
 */
export class HashValue implements FieldExpiringContainer, FoldingContainer {
  fieldExpirySlot = 0;
  readonly #store: Store;
  #pointer = 0;
  /** Bytes of the block. */
  #bytes = 0;
  #count = 0;
  #table: FieldTable | undefined;
  /** The earliest expiry in the block, or 0. */
  #packedNextMs = 0;

  constructor(store: Store) {
    this.#store = store;
  }

  get type(): typeof ValueType.hash {
    return ValueType.hash;
  }

  get size(): number {
    return this.#table === undefined ? this.#count : this.#table.size;
  }

  get isPacked(): boolean {
    return this.#table === undefined;
  }

  get encoding(): "listpack" | "listpackex" | "hashtable" {
    if (this.#table !== undefined) return "hashtable";
    return this.#packedNextMs === 0 ? "listpack" : "listpackex";
  }

  get usedBytes(): number {
    return OWN_BYTES + (this.#table === undefined ? this.#bytes : TABLE_BYTES + this.#table.usedBytes);
  }

  /** Goes on to a table; for a hash that is read from a snapshot. */
  makeTable(): void {
    if (this.#table === undefined) this.#toTable();
  }

  // Fields

  /** The field, or 0 if it is not there. */
  find(name: Uint8Array, start: number, end: number): number {
    const field = this.#locate(name, start, end);
    return field !== 0 && this.nextFieldExpiryMs <= this.#store.nowMs && this.#isDue(field) ? 0 : field;
  }

  /**
   * Sets a field. Returns whether it was not there.
   *
   * @param keepsExpiry Whether the field expires when it did; otherwise never.
   * @throws CommandError if its name is longer than {@link MAX_FIELD_BYTES}.
   */
  set(
    name: Uint8Array,
    start: number,
    end: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
    keepsExpiry = false,
  ): boolean {
    checkFieldLength(end - start);
    if (this.#table === undefined) {
      const field = this.#locate(name, start, end);
      const isShort = end - start <= MAX_PACKED_BYTES && valueEnd - valueStart <= MAX_PACKED_BYTES;
      if (isShort && (field !== 0 || this.#count < MAX_PACKED)) {
        const isNew = field === 0 || (!keepsExpiry && this.#isDue(field));
        if (field === 0) this.#append(name, start, end, value, valueStart, valueEnd);
        else this.#setTail(field, value, valueStart, valueEnd, keepsExpiry ? this.expiryOf(field) : -1);
        return isNew;
      }
      this.#toTable();
    }
    const table = this.#table!;
    const before = table.size;
    table.set(name, start, end, value, valueStart, valueEnd, keepsExpiry);
    return table.size > before;
  }

  /** Whether a field or value of this length makes the hash a table, as HSET does before it looks whether it is there. */
  prepareFor(size: number): void {
    if (this.#table === undefined && size > MAX_PACKED_BYTES) this.#toTable();
  }

  /** Removes a field that was just found. */
  remove(field: number): void {
    if (this.#table !== undefined) {
      this.#table.remove(field);
      return;
    }
    const bytes = blockBytes(this.#store.heap, this.#pointer);
    const at = blockStart(this.#pointer) + field - 1;
    const isExpiring = packedExpiry(bytes, at) >= 0;
    this.#splice(field - 1, packedEntryBytes(bytes, at), 0);
    this.#count--;
    if (isExpiring) this.#findPackedNext();
  }

  readField(field: number, into: ByteView): void {
    if (this.#table !== undefined) {
      this.#table.readField(field, into);
      return;
    }
    const bytes = blockBytes(this.#store.heap, this.#pointer);
    const at = blockStart(this.#pointer) + field - 1;
    into.set(bytes, at + 2, at + 2 + bytes[at]!);
  }

  readValue(field: number, into: ByteView): void {
    if (this.#table !== undefined) {
      this.#table.readValue(field, into);
      return;
    }
    const bytes = blockBytes(this.#store.heap, this.#pointer);
    const at = blockStart(this.#pointer) + field - 1;
    const from = packedValueAt(bytes, at);
    into.set(bytes, from, from + (bytes[at + 1]! & 0x7f));
  }

  // Walking

  /** Every field that is there; of a packed hash in the order in which they came, else in none. Must change nothing. */
  forEachField(visit: (field: number) => void): void {
    const hasDue = this.nextFieldExpiryMs <= this.#store.nowMs;
    this.#forEach((field) => {
      if (!hasDue || !this.#isDue(field)) visit(field);
    });
  }

  /** As `ByteTable.scan`; a packed hash is visited all at once. */
  scan(from: number, count: number, visit: (field: number) => void): number {
    if (this.#table === undefined) {
      this.forEachField(visit);
      return 0;
    }
    return this.#table.scan(from, count, (field) => {
      if (!this.#isDue(field)) visit(field);
    });
  }

  /** A field picked at random, the same on every copy; the due ones were removed before. */
  pick(random: SeededRandom): number {
    if (this.#table !== undefined) return this.#table.pick(random);
    const bytes = blockBytes(this.#store.heap, this.#pointer);
    const first = blockStart(this.#pointer);
    let at = first;
    for (let left = random.below(this.#count); left > 0; left--) at += packedEntryBytes(bytes, at);
    return at - first + 1;
  }

  // Expiry

  get nextFieldExpiryMs(): number {
    if (this.#table !== undefined) return this.#table.nextExpiryMs;
    return this.#packedNextMs === 0 ? Number.POSITIVE_INFINITY : this.#packedNextMs;
  }

  get isAllDue(): boolean {
    if (this.nextFieldExpiryMs > this.#store.nowMs) return false;
    let isAny = false;
    this.forEachField(() => {
      isAny = true;
    });
    return !isAny;
  }

  /** When the field expires, in ms since 1970, or -1. */
  expiryOf(field: number): number {
    if (this.#table !== undefined) return this.#table.expiryOf(field);
    return packedExpiry(blockBytes(this.#store.heap, this.#pointer), blockStart(this.#pointer) + field - 1);
  }

  /** Sets when the field expires; -1 is never. The keyspace must be told: `Keyspace.noteFieldExpiry`. */
  setExpiry(field: number, timeMs: number): void {
    if (this.#table === undefined) {
      const value = new ByteView();
      this.readValue(field, value);
      this.#setTail(field, value.copy(), 0, value.size, timeMs);
    } else if (timeMs < 0) this.#table.clearExpiry(field);
    else this.#table.setExpiry(field, timeMs);
  }

  removeDueFields(limit: number): number {
    let count = 0;
    while (count < limit && this.nextFieldExpiryMs <= this.#store.nowMs) {
      this.remove(this.#table === undefined ? this.#packedNext() : this.#table.nextToExpire);
      count++;
    }
    return count;
  }

  // Memory

  copy(): HashValue {
    const copy = new HashValue(this.#store);
    copy.#table = this.#table?.copy();
    copy.#pointer = copyBlock(this.#store.heap, this.#pointer, this.#bytes);
    copy.#bytes = this.#bytes;
    copy.#count = this.#count;
    copy.#packedNextMs = this.#packedNextMs;
    return copy;
  }

  release(limit: number): boolean {
    if (this.#table !== undefined) return this.#table.release(limit);
    if (this.#bytes > 0) this.#splice(0, this.#bytes, 0);
    this.#count = 0;
    this.#packedNextMs = 0;
    return true;
  }

  /** Packed hashes without expiring fields, as their block is. */
  get foldedBytes(): number {
    const canFold = this.#table === undefined && this.#packedNextMs === 0 && this.fieldExpirySlot === 0;
    return canFold && this.#count > 0 ? this.#bytes : -1;
  }

  fold(into: Uint8Array, at: number): void {
    const start = blockStart(this.#pointer);
    putBytes(into, at, blockBytes(this.#store.heap, this.#pointer), start, start + this.#bytes);
    this.release(0);
  }

  /** What {@link fold} wrote. */
  static unfold(store: Store, bytes: Uint8Array, start: number, end: number): HashValue {
    const hash = new HashValue(store);
    hash.#splice(0, 0, end - start);
    putBytes(blockBytes(store.heap, hash.#pointer), blockStart(hash.#pointer), bytes, start, end);
    for (let at = start; at < end; at += packedEntryBytes(bytes, at)) hash.#count++;
    return hash;
  }

  // The block

  #splice(at: number, removed: number, inserted: number): void {
    this.#pointer = spliceBlock(this.#store.heap, this.#pointer, this.#bytes, at, removed, inserted);
    this.#bytes += inserted - removed;
  }

  #locate(name: Uint8Array, start: number, end: number): number {
    if (this.#table !== undefined) return this.#table.find(name, start, end);
    if (this.#bytes === 0) return 0;
    const first = blockStart(this.#pointer);
    const bytes = blockBytes(this.#store.heap, this.#pointer);
    const at = findPackedField(bytes, first, first + this.#bytes, name, start, end);
    return at < 0 ? 0 : at - first + 1;
  }

  #isDue(field: number): boolean {
    const timeMs = this.expiryOf(field);
    return timeMs >= 0 && timeMs <= this.#store.nowMs;
  }

  #forEach(visit: (field: number) => void): void {
    if (this.#table !== undefined) {
      this.#table.forEachRecord(visit);
      return;
    }
    if (this.#bytes === 0) return;
    const bytes = blockBytes(this.#store.heap, this.#pointer);
    const first = blockStart(this.#pointer);
    for (let at = first; at < first + this.#bytes; at += packedEntryBytes(bytes, at)) visit(at - first + 1);
  }

  #append(name: Uint8Array, start: number, end: number, value: Uint8Array, valueStart: number, valueEnd: number): void {
    const nameSize = end - start;
    const valueSize = valueEnd - valueStart;
    const offset = this.#bytes;
    this.#splice(offset, 0, 2 + nameSize + valueSize);
    const bytes = blockBytes(this.#store.heap, this.#pointer);
    const at = blockStart(this.#pointer) + offset;
    bytes[at] = nameSize;
    bytes[at + 1] = valueSize;
    putBytes(bytes, at + 2, name, start, end);
    putBytes(bytes, at + 2 + nameSize, value, valueStart, valueEnd);
    this.#count++;
  }

  /** Replaces value and expiry of an entry. The value must not lie in the block. */
  #setTail(field: number, value: Uint8Array, start: number, end: number, expiryMs: number): void {
    const { heap } = this.#store;
    const before = blockBytes(heap, this.#pointer);
    const entry = blockStart(this.#pointer) + field - 1;
    const wasExpiring = before[entry + 1]! >= PACKED_EXPIRES;
    const head = 2 + before[entry]!;
    const size = end - start;
    const isExpiring = expiryMs >= 0;
    this.#splice(
      field - 1 + head,
      packedEntryBytes(before, entry) - head,
      size + (isExpiring ? PACKED_EXPIRY_BYTES : 0),
    );
    const bytes = blockBytes(heap, this.#pointer);
    const at = blockStart(this.#pointer) + field - 1;
    bytes[at + 1] = size | (isExpiring ? PACKED_EXPIRES : 0);
    putBytes(bytes, at + head, value, start, end);
    if (isExpiring) putPackedExpiry(bytes, at + head + size, expiryMs);
    if (isExpiring || wasExpiring) this.#findPackedNext();
  }

  #findPackedNext(): void {
    const next = this.#packedNext();
    this.#packedNextMs = next === 0 ? 0 : this.expiryOf(next);
  }

  /** The field of the block that expires first, or 0. */
  #packedNext(): number {
    let next = 0;
    let nextMs = Number.POSITIVE_INFINITY;
    this.#forEach((field) => {
      const timeMs = this.expiryOf(field);
      if (timeMs < 0 || timeMs >= nextMs) return;
      nextMs = timeMs;
      next = field;
    });
    return next;
  }

  #toTable(): void {
    const table = new FieldTable(this.#store);
    const name = new ByteView();
    const value = new ByteView();
    this.#forEach((field) => {
      this.readField(field, name);
      this.readValue(field, value);
      const record = table.set(name.bytes, name.start, name.end, value.bytes, value.start, value.end, false);
      const expiryMs = this.expiryOf(field);
      if (expiryMs >= 0) table.setExpiry(record, expiryMs);
    });
    if (this.#bytes > 0) this.#splice(0, this.#bytes, 0);
    this.#count = 0;
    this.#packedNextMs = 0;
    this.#table = table;
  }
}
