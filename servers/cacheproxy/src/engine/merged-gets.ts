import { ascii } from "../protocol/ascii.ts";
import { CommandId } from "../protocol/codes.ts";
import type { Slot } from "./slot.ts";
import type { Staging } from "./staging.ts";

const GET = ascii("get ");
const GETS = ascii("gets ");
const SEPARATOR = ascii(" ");
const CR = 13;
const LF = 10;
/** Beyond 2,048 bytes without a line end memcached reads a line in another way, which costs it more. */
const MAX_LINE_BYTES = 1_900;
/** Values that one get is likely to bring at most: the server holds them all until they have left. */
const MAX_VALUE_BYTES = 65_536;
const FIRST_ESTIMATE_BYTES = 16_384;
const SMALLEST_BYTES = 1_024;
/** Many more than keys in a line, so that two keys seldom have the same mark. */
const MARK_COUNT = 4_096;

/**
 * Puts gets that wait for the same server one behind the other into one `get` of many keys, whoever asked for them.
 *
 * A memcached sends the reply to each `get` by itself, and wakes its reader with each; the replies to a get of many keys
 * leave together. It was these wakings that most of the proxy's time went into.
 *
 * The reply has one `VALUE` for each key that was found and none for the others, in the order of the keys. Whose a value
 * is can therefore only be told by its key: the keys of merged gets are kept in `#keys[#start, #end)` in the order of
 * their slots, which say how long each is. A get that stays alone (`keyLength` 0) costs nothing of that. No key is twice
 * in a get: if another connection changed it in between, one value could be either's.
 */
export class MergedGets {
  /** The last value of a get has come, but not yet its `END`. */
  isEndDue = false;
  /** Every get leaves alone: this server has answered out of order. */
  isOff = false;
  #keys = new Uint8Array(SMALLEST_BYTES);
  #start = 0;
  #end = 0;
  /** The slot of the last key of the get at the end of the staging, which more keys may be added to. */
  #last: Slot | undefined;
  #lastCommand = 0;
  #lineBytes = 0;
  #keyCount = 0;
  /** Where in the staging the key of `#last` begins. */
  #keyAt = 0;
  #estimateBytes = FIRST_ESTIMATE_BYTES;
  /** By hash of a key: number of the get that last had a key with this hash. */
  readonly #marks = new Float64Array(MARK_COUNT);
  #getCount = 0;

  /** Writes a get of `key[start, end)` behind what is staged: into the get that is there last, if there is one. */
  add(out: Staging, slot: Slot, command: number, key: Uint8Array, start: number, end: number): void {
    const size = end - start;
    const last = this.#last;
    const mark = markOf(key, start, end);
    if (last !== undefined && command === this.#lastCommand && this.#hasRoom(size, mark)) {
      if (last.keyLength === 0) this.#keep(last, out.reserve(0), this.#keyAt, out.end - 2);
      last.endsGet = false;
      this.#keep(slot, key, start, end);
      this.#write(out, SEPARATOR, key, start, end, out.end - 2);
      this.#lineBytes += size + 1;
      this.#keyCount++;
    } else {
      this.#write(out, command === CommandId.GET ? GET : GETS, key, start, end, out.end);
      this.#lastCommand = command;
      this.#lineBytes = size + 7;
      this.#keyCount = 1;
      this.#getCount++;
    }
    this.#marks[mark] = this.#getCount;
    this.#last = slot;
  }

  #hasRoom(size: number, mark: number): boolean {
    if (this.isOff || this.#marks[mark] === this.#getCount) return false;
    return this.#lineBytes + size < MAX_LINE_BYTES && this.#keyCount * this.#estimateBytes < MAX_VALUE_BYTES;
  }

  /** Writes the word, the key and a line end to the staging, from position `at` on. */
  #write(out: Staging, word: Uint8Array, key: Uint8Array, start: number, end: number, at: number): void {
    const target = out.reserve(word.length + end - start + 2);
    let to = at;
    for (let i = 0; i < word.length; i++) target[to++] = word[i] as number;
    this.#keyAt = to;
    for (let i = start; i < end; i++) target[to++] = key[i] as number;
    target[to++] = CR;
    target[to++] = LF;
    out.advance(to);
  }

  #keep(slot: Slot, source: Uint8Array, start: number, end: number): void {
    const size = end - start;
    slot.keyLength = size;
    slot.endsGet = true;
    if (this.#end + size > this.#keys.length) this.#makeRoom(size);
    const keys = this.#keys;
    let to = this.#end;
    for (let i = start; i < end; i++) keys[to++] = source[i] as number;
    this.#end = to;
  }

  #makeRoom(size: number): void {
    const old = this.#keys;
    const length = this.#end - this.#start;
    // Half of it must become free, or the next need would come at once.
    if (2 * (length + size) > old.length) this.#keys = new Uint8Array(2 ** (33 - Math.clz32(length + size)));
    this.#keys.set(old.subarray(this.#start, this.#end));
    this.#start = 0;
    this.#end = length;
  }

  /** The get that was staged last takes no more keys: something else comes behind it, or it leaves. */
  close(): void {
    this.#last = undefined;
  }

  /**
   * Forgets the key of the slot, which must be the first of those kept. Returns whether it is `key[start, end)`.
   */
  takeKey(slot: Slot, key: Uint8Array, start: number, end: number): boolean {
    const keys = this.#keys;
    const length = slot.keyLength;
    const from = this.#start;
    this.#start += length;
    if (this.#start === this.#end) {
      this.#start = 0;
      this.#end = 0;
    }
    if (end - start !== length) return false;
    for (let i = 0; i < length; i++) if (keys[from + i] !== key[start + i]) return false;
    return true;
  }

  /** How long values are decides how many keys a get may have: longer ones count at once, shorter ones slowly. */
  learn(valueBytes: number): void {
    const estimate = this.#estimateBytes;
    this.#estimateBytes = valueBytes > estimate ? valueBytes : estimate - ((estimate - valueBytes) >> 4);
  }

  /** Forgets all, with the connection. */
  clear(): void {
    this.#last = undefined;
    this.isEndDue = false;
    this.#start = 0;
    this.#end = 0;
    if (this.#keys.length > SMALLEST_BYTES) this.#keys = new Uint8Array(SMALLEST_BYTES);
  }
}

/** FNV-1a, cut to the number of marks. */
function markOf(key: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ (key[i] as number), 0x01000193);
  return (hash ^ (hash >>> 16)) & (MARK_COUNT - 1);
}
