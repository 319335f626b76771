import { type Container, ValueType } from "../container.ts";
import { OBJECT_BYTES } from "../key-record.ts";
import { ownBytes, putBytes } from "./blocks.ts";
import type { ByteView } from "./byte-view.ts";
import { CHUNK_BYTES, ListChunks, PLACE } from "./list-chunks.ts";
import {
  entryBytes,
  entryBytesFor,
  entryHeadBytes,
  entryObject,
  MAX_ENTRY_BYTES,
  putEntryHead,
  putObjectEntry,
} from "./list-entries.ts";

const OWN_BYTES = 80;
const DEQUE_BYTES = 200;

/** Sees `bytes[start, end)`, which is good during the call only. Stops the walk by returning `false`. */
export type ElementVisitor = (bytes: Uint8Array, start: number, end: number) => unknown;

/**
 * A list: entries in chunks (see list-chunks.ts and list-entries.ts). Both ends are reached at once, and an index by adding
 * up the counts of chunks from the nearer end.
 */
export class ListValue extends ListChunks implements Container {
  /** Elements that are objects. */
  #objectCount = 0;

  get type(): typeof ValueType.list {
    return ValueType.list;
  }

  get encoding(): "quicklist" {
    return "quicklist";
  }

  get usedBytes(): number {
    let bytes = OWN_BYTES + (this.hasDeque ? DEQUE_BYTES : 0);
    for (let chunk = 0; chunk < this.chunkCount; chunk++) bytes += this.bytesOf(chunk) + 12;
    const addObject = (_: Uint8Array, start: number, end: number): void => {
      if (end - start > MAX_ENTRY_BYTES) bytes += end - start + OBJECT_BYTES;
    };
    if (this.#objectCount > 0) this.forEach(0, this.size, addObject);
    return bytes;
  }

  // Ends

  push(atHead: boolean, element: Uint8Array, start: number, end: number): void {
    const entry = entryBytesFor(end - start);
    const last = this.chunkCount - 1;
    const chunk = atHead ? 0 : Math.max(0, last);
    if (last < 0 || this.bytesOf(chunk) === 0 || this.bytesOf(chunk) + entry <= CHUNK_BYTES) {
      this.#putEntry(chunk, atHead ? 0 : this.bytesOf(chunk), 0, element, start, end);
    } else {
      const next = atHead ? 0 : last + 1;
      this.insertChunk(next);
      this.#putEntry(next, 0, 0, element, start, end);
    }
  }

  /** The element at an end, of a list that has one. */
  readEnd(atHead: boolean, into: ByteView): void {
    this.#readEntry(atHead ? 0 : this.lastPlace(), into);
  }

  /** Removes the element at an end, of a list that has one. */
  pop(atHead: boolean): void {
    this.#removeEntry(atHead ? 0 : this.lastPlace());
  }

  /** Removes the first `count` elements, or all. */
  dropHead(count: number): void {
    let left = Math.min(count, this.size);
    while (left > 0 && this.countOf(0) <= left) {
      left -= this.countOf(0);
      this.#removeChunk(0);
    }
    if (left > 0) this.#cut(0, 0, this.offsetOf(0, left), left);
  }

  /** Removes the last `count` elements, or all. */
  dropTail(count: number): void {
    let left = Math.min(count, this.size);
    while (left > 0 && this.countOf(this.chunkCount - 1) <= left) {
      left -= this.countOf(this.chunkCount - 1);
      this.#removeChunk(this.chunkCount - 1);
    }
    const last = this.chunkCount - 1;
    if (left > 0) this.#cut(last, this.offsetOf(last, this.countOf(last) - left), this.bytesOf(last), left);
  }

  // Anywhere

  /** The element number `index`, which is there. */
  read(index: number, into: ByteView): void {
    this.#readEntry(this.placeOf(index), into);
  }

  /** Replaces element number `index`, which is there. */
  set(index: number, element: Uint8Array, start: number, end: number): void {
    const place = this.placeOf(index);
    const chunk = Math.floor(place / PLACE);
    const offset = place % PLACE;
    const { bytes, at } = this.entryAt(chunk, offset);
    const old = entryBytes(bytes, at);
    if (this.bytesOf(chunk) - old + entryBytesFor(end - start) <= CHUNK_BYTES || this.countOf(chunk) === 1) {
      this.#forgetObject(bytes, at);
      this.#putEntry(chunk, offset, old, element, start, end);
      return;
    }
    this.insert(index, element, start, end);
    this.removeAt(index + 1);
  }

  /** Puts an element before the one that is now number `index`, which is there. */
  insert(index: number, element: Uint8Array, start: number, end: number): void {
    const place = this.placeOf(index);
    let chunk = Math.floor(place / PLACE);
    let offset = place % PLACE;
    if (this.bytesOf(chunk) + entryBytesFor(end - start) > CHUNK_BYTES) {
      if (offset > 0) this.split(chunk++, offset);
      this.insertChunk(chunk);
      offset = 0;
    }
    this.#putEntry(chunk, offset, 0, element, start, end);
  }

  removeAt(index: number): void {
    this.#removeEntry(this.placeOf(index));
  }

  /** Visits `count` elements from number `from` on. Must change nothing. */
  forEach(from: number, count: number, visit: ElementVisitor): void {
    let left = Math.min(count, this.size - from);
    if (left <= 0) return;
    const place = this.placeOf(from);
    let offset = place % PLACE;
    for (let chunk = Math.floor(place / PLACE); left > 0; chunk++) {
      const { bytes, at: first } = this.entryAt(chunk, 0);
      const end = first + this.bytesOf(chunk);
      for (let at = first + offset; at < end && left > 0; left--) {
        const size = entryBytes(bytes, at);
        if (this.#visit(bytes, at, size, visit) === false) return;
        at += size;
      }
      offset = 0;
    }
  }

  /** Visits all elements from the last to the first. Must change nothing. */
  forEachBackwards(visit: ElementVisitor): void {
    const offsets: number[] = [];
    for (let chunk = this.chunkCount - 1; chunk >= 0; chunk--) {
      const { bytes, at: first } = this.entryAt(chunk, 0);
      const end = first + this.bytesOf(chunk);
      offsets.length = 0;
      for (let at = first; at < end; at += entryBytes(bytes, at)) offsets.push(at);
      for (let i = offsets.length - 1; i >= 0; i--) {
        const at = offsets[i]!;
        if (this.#visit(bytes, at, entryBytes(bytes, at), visit) === false) return;
      }
    }
  }

  /** Becomes the other list, which is not to be used any more, and gives its own memory back. */
  become(other: ListValue): void {
    this.release(Number.POSITIVE_INFINITY);
    this.takeChunks(other);
    this.#objectCount = other.#objectCount;
  }

  // Memory

  copy(): ListValue {
    const copy = new ListValue(this.store);
    if (this.#objectCount > 0) {
      this.forEach(0, this.size, (bytes, start, end) => copy.push(false, bytes, start, end));
      return copy;
    }
    this.copyChunks(copy);
    return copy;
  }

  release(limit: number): boolean {
    for (let left = limit; left > 0 && this.chunkCount > 0; ) {
      left -= Math.max(1, this.countOf(this.chunkCount - 1));
      this.#removeChunk(this.chunkCount - 1);
    }
    return this.chunkCount === 0;
  }

  /** Gives a chunk back with all that is in it. */
  #removeChunk(chunk: number): void {
    const count = this.countOf(chunk);
    this.#forgetObjects(chunk, 0, this.bytesOf(chunk));
    if (this.bytesOf(chunk) > 0) this.splice(chunk, 0, this.bytesOf(chunk), 0, -count);
    this.dropChunk(chunk);
  }

  /** Removes the entries in `[from, to)` of a chunk that keeps others. */
  #cut(chunk: number, from: number, to: number, count: number): void {
    this.#forgetObjects(chunk, from, to);
    this.splice(chunk, from, to - from, 0, -count);
  }

  // Entries

  /** Puts an entry in place of `removed` bytes at `offset`; those of an entry that goes, or none. */
  #putEntry(chunk: number, offset: number, removed: number, element: Uint8Array, start: number, end: number): void {
    const { heap, objects } = this.store;
    const size = end - start;
    const id = size > MAX_ENTRY_BYTES ? objects.add(ownBytes(element, start, end)) : -1;
    this.splice(chunk, offset, removed, entryBytesFor(size), removed === 0 ? 1 : 0);
    const { bytes, at } = this.entryAt(chunk, offset);
    if (id >= 0) {
      putObjectEntry(bytes, at, id);
      heap.outsideBytes += size + OBJECT_BYTES;
      this.#objectCount++;
    } else putBytes(bytes, at + putEntryHead(bytes, at, size), element, start, end);
  }

  #removeEntry(place: number): void {
    const chunk = Math.floor(place / PLACE);
    if (this.countOf(chunk) === 1) {
      this.#removeChunk(chunk);
      return;
    }
    const { bytes, at } = this.entryAt(chunk, place % PLACE);
    this.#cut(chunk, place % PLACE, (place % PLACE) + entryBytes(bytes, at), 1);
    const last = this.chunkCount - 1;
    if (chunk > 0 && chunk < last) this.join(chunk);
  }

  #visit(bytes: Uint8Array, at: number, size: number, visit: ElementVisitor): unknown {
    const id = entryObject(bytes, at);
    if (id < 0) return visit(bytes, at + entryHeadBytes(bytes, at), at + size);
    const object = this.store.objects.get(id) as Uint8Array;
    return visit(object, 0, object.length);
  }

  #readEntry(place: number, into: ByteView): void {
    const { bytes, at } = this.entryAt(Math.floor(place / PLACE), place % PLACE);
    this.#visit(bytes, at, entryBytes(bytes, at), (source, start, end) => into.set(source, start, end));
  }

  #forgetObjects(chunk: number, from: number, to: number): void {
    if (this.#objectCount === 0) return;
    const { bytes, at: first } = this.entryAt(chunk, 0);
    for (let at = first + from; at < first + to; at += entryBytes(bytes, at)) this.#forgetObject(bytes, at);
  }

  #forgetObject(bytes: Uint8Array, at: number): void {
    const id = entryObject(bytes, at);
    if (id < 0) return;
    const { heap, objects } = this.store;
    heap.outsideBytes -= (objects.get(id) as Uint8Array).length + OBJECT_BYTES;
    objects.remove(id);
    this.#objectCount--;
  }
}
