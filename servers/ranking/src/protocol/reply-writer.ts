import { isShortWhole, putDigits, putWhole, wholeSize } from "./digits.ts";
import { formatDouble, formatHumanDouble } from "./doubles.ts";

const FIRST_BYTES = 65_536;

const CR = 13;
const LF = 10;
const DOLLAR = 36;
const COMMA = 44;
const MINUS = 45;
const COLON = 58;

const encoder = new TextEncoder();

const NO_VIEW = new DataView(new ArrayBuffer(0));
/** `*3`, CR, LF as a little-endian word. */
const ROW_HEAD = 0x0a0d332a;
/** Room that a row takes beside its string, and some that is written over. */
const ROW_BYTES = 96;
const LABEL_BYTES = 64;

/** A piece of a reply that is always the same. */
export interface Label {
  readonly words: Int32Array;
  readonly size: number;
}

/**
 * Prepares a piece of a reply for {@link ReplyWriter.label}.
 *
 * @param text At most {@link LABEL_BYTES} bytes of whole replies.
 */
export function labelOf(text: string): Label {
  const bytes = new Uint8Array(4 * Math.ceil(text.length / 4));
  encoder.encodeInto(text, bytes);
  return { words: new Int32Array(bytes.buffer), size: text.length };
}

/** Most bytes of a reply, and of all that one writer holds: 2 GiB. */
export const REPLY_LIMIT_BYTES: number = 2 ** 31;

/** A reply became longer than its writer may hold. */
export class ReplyOverflow extends Error {
  override readonly name = "ReplyOverflow";

  constructor(limitBytes: number) {
    super(`ERR the reply is longer than ${limitBytes} bytes: ask for less at once`);
  }
}

/**
 * Writes replies one behind the other into one buffer that grows.
 *
 * `resp` is the protocol of the one who gets the reply; the methods for maps, sets, doubles and the like write what RESP2
 * has instead of them. Text is written as Latin-1 where it can hold a client's bytes, so that nothing is changed.
 *
 * @see https://github.com/redis/redis-specifications/blob/master/protocol/RESP3.md
 */
export class ReplyWriter {
  bytes: Uint8Array;
  length = 0;
  resp = 2;
  /** Errors written since somebody set it to 0. */
  errorCount = 0;
  /** Most bytes that it may hold. */
  limitBytes = REPLY_LIMIT_BYTES;
  /** Text of the error that was written last. */
  lastError = "";
  /** Of the buffer that was written by words last. */
  #viewed: Uint8Array | undefined;
  #view: DataView = NO_VIEW;

  constructor(firstBytes = FIRST_BYTES) {
    this.bytes = new Uint8Array(firstBytes);
  }

  /**
   * Makes room for `size` more bytes, and returns the buffer.
   *
   * @throws ReplyOverflow beyond {@link limitBytes}.
   */
  reserve(size: number): Uint8Array {
    const needed = this.length + size;
    if (needed <= this.bytes.length) return this.bytes;
    if (needed > this.limitBytes) throw new ReplyOverflow(this.limitBytes);
    const larger = new Uint8Array(Math.min(Math.max(needed, 2 * this.bytes.length), this.limitBytes));
    larger.set(this.bytes.subarray(0, this.length));
    this.bytes = larger;
    return larger;
  }

  ok(): void {
    this.raw(OK);
  }

  /** Bytes that are a whole reply already, or some. */
  raw(reply: Uint8Array): void {
    this.copy(reply, 0, reply.length);
  }

  copy(source: Uint8Array, start: number, end: number): void {
    const size = end - start;
    const bytes = this.reserve(size);
    const at = this.length;
    if (size > 64) bytes.set(source.subarray(start, end), at);
    else for (let i = 0; i < size; i++) bytes[at + i] = source[start + i]!;
    this.length = at + size;
  }

  /** A simple string; without CR and LF. */
  simple(text: string): void {
    this.#line(43, text);
  }

  /** An error, from its code on: `ERR no such key`. CR and LF become spaces. */
  error(text: string): void {
    this.errorCount++;
    this.lastError = text;
    this.#line(45, text.replace(/[\r\n]/g, " "));
  }

  integer(value: number): void {
    if (value >= 0 && value < 10) {
      const bytes = this.reserve(4);
      const at = this.length;
      bytes[at] = 58;
      bytes[at + 1] = 48 + value;
      bytes[at + 2] = CR;
      bytes[at + 3] = LF;
      this.length = at + 4;
    } else this.#count(58, value);
  }

  bigInteger(value: bigint): void {
    this.#line(58, value.toString());
  }

  /** A bulk string of `source[start, end)`. */
  bulk(source: Uint8Array, start: number, end: number): void {
    const size = end - start;
    this.reserve(size + 16);
    this.#count(DOLLAR, size);
    this.copy(source, start, end);
    this.#end();
  }

  bulkBytes(source: Uint8Array): void {
    this.bulk(source, 0, source.length);
  }

  /** A bulk string of text whose characters are bytes (Latin-1). */
  bulkText(text: string): void {
    this.#count(DOLLAR, text.length);
    this.#latin(text);
    this.#end();
  }

  /** A bulk string of text in UTF-8. */
  bulkUtf8(text: string): void {
    this.bulkBytes(encoder.encode(text));
  }

  /** A bulk string of a whole number. */
  bulkInteger(value: number): void {
    if (isShortWhole(value)) this.length = putWholeDouble(this.reserve(24), this.length, value, 2);
    else this.bulkText(String(value));
  }

  /** No value: `$-1`, or RESP3's `_`. */
  nil(): void {
    this.raw(this.resp === 2 ? NIL : NULL);
  }

  /** No array: `*-1`, or RESP3's `_`. */
  nilArray(): void {
    this.raw(this.resp === 2 ? NIL_ARRAY : NULL);
  }

  /** The head of an array; so many replies follow. */
  array(count: number): void {
    this.#count(42, count);
  }

  /** The head of a map; twice so many replies follow. */
  map(pairs: number): void {
    if (this.resp === 2) this.#count(42, 2 * pairs);
    else this.#count(37, pairs);
  }

  set(count: number): void {
    this.#count(this.resp === 2 ? 42 : 126, count);
  }

  /** The head of a push message, an array in RESP2. */
  push(count: number): void {
    this.#count(this.resp === 2 ? 42 : 62, count);
  }

  /** A number as Redis replies it: a bulk string with 17 digits at most, or a RESP3 double. */
  double(value: number): void {
    if (isShortWhole(value)) {
      this.length = putWholeDouble(this.reserve(24), this.length, value, this.resp);
      return;
    }
    const text = formatDouble(value);
    if (this.resp === 2) this.bulkText(text);
    else this.#line(44, text);
  }

  /**
   * A row of a ranking: an array of a whole number, a bulk string and a double.
   *
   * @param words The string's `size` bytes are those of `words` from word `from` on.
   */
  row(place: number, words: Int32Array, from: number, size: number, score: number): void {
    const bytes = this.reserve(size + ROW_BYTES);
    const view = this.#viewOf(bytes);
    view.setInt32(this.length, ROW_HEAD, true);
    this.length += 4;
    if (isShortWhole(place)) this.length = putLine(bytes, this.length, COLON, place);
    else this.integer(place);
    let at = putLine(bytes, this.length, DOLLAR, size);
    for (let word = from, left = size; left > 0; word++, left -= 4) {
      // What the last word has beyond the string is written over by what follows.
      view.setInt32(at, words[word]!, true);
      at += left < 4 ? left : 4;
    }
    bytes[at] = CR;
    bytes[at + 1] = LF;
    this.length = at + 2;
    this.double(score);
  }

  /** Bytes that are some whole replies, at most {@link LABEL_BYTES}, in words: what {@link labelOf} made. */
  label({ words, size }: Label): void {
    const view = this.#viewOf(this.reserve(LABEL_BYTES));
    const at = this.length;
    for (let i = 0; i < words.length; i++) view.setInt32(at + 4 * i, words[i]!, true);
    this.length = at + size;
  }

  #viewOf(bytes: Uint8Array): DataView {
    if (this.#viewed === bytes) return this.#view;
    this.#viewed = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return this.#view;
  }

  /** As {@link double}, but in plain decimals, 17 behind the point at most: places. */
  humanDouble(value: number): void {
    const text = formatHumanDouble(value);
    if (this.resp === 2) this.bulkText(text);
    else this.#line(44, text);
  }

  boolean(value: boolean): void {
    if (this.resp === 2) this.integer(value ? 1 : 0);
    else this.raw(value ? TRUE : FALSE);
  }

  /** Text with its format of three letters; a bulk string in RESP2. */
  verbatim(text: string, format = "txt"): void {
    if (this.resp === 2) {
      this.bulkText(text);
      return;
    }
    this.#count(61, text.length + 4);
    this.#latin(`${format}:`);
    this.#latin(text);
    this.#end();
  }

  /** Takes back everything written since `length` was this. */
  rewind(length: number): void {
    this.length = length;
  }

  #line(type: number, text: string): void {
    this.reserve(1)[this.length++] = type;
    this.#latin(text);
    this.#end();
  }

  #latin(text: string): void {
    const bytes = this.reserve(text.length);
    let at = this.length;
    for (let i = 0; i < text.length; i++) bytes[at++] = text.charCodeAt(i);
    this.length = at;
  }

  #count(type: number, value: number): void {
    const bytes = this.reserve(24);
    if (isShortWhole(value)) {
      this.length = putLine(bytes, this.length, type, value);
      return;
    }
    let at = this.length;
    bytes[at++] = type;
    const text = String(value);
    for (let i = 0; i < text.length; i++) bytes[at++] = text.charCodeAt(i);
    bytes[at++] = CR;
    bytes[at++] = LF;
    this.length = at;
  }

  #end(): void {
    const bytes = this.reserve(2);
    bytes[this.length++] = CR;
    bytes[this.length++] = LF;
  }
}

/** A line of a type and a whole number of 31 bits. Returns where it ends. */
function putLine(bytes: Uint8Array, at: number, type: number, value: number): number {
  bytes[at] = type;
  const end = putWhole(bytes, at + 1, value);
  bytes[end] = CR;
  bytes[end + 1] = LF;
  return end + 2;
}

/** A double that is a whole number of 31 bits: a bulk string, or in RESP3 a line of its own type. */
function putWholeDouble(bytes: Uint8Array, at: number, value: number, resp: number): number {
  if (resp !== 2) return putLine(bytes, at, COMMA, value);
  const size = wholeSize(value);
  let to = at;
  bytes[to++] = DOLLAR;
  // 11 characters at most.
  if (size > 9) bytes[to++] = 49;
  bytes[to++] = 48 + (size % 10);
  bytes[to++] = CR;
  bytes[to++] = LF;
  if (value < 0) bytes[to++] = MINUS;
  to = putDigits(bytes, to, value < 0 ? -value : value, value < 0 ? size - 1 : size);
  bytes[to] = CR;
  bytes[to + 1] = LF;
  return to + 2;
}

const OK = encoder.encode("+OK\r\n");
const NIL = encoder.encode("$-1\r\n");
const NIL_ARRAY = encoder.encode("*-1\r\n");
const NULL = encoder.encode("_\r\n");
const TRUE = encoder.encode("#t\r\n");
const FALSE = encoder.encode("#f\r\n");
