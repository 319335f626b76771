import { ascii, isWord } from "./ascii.ts";
import { REPLY_BROKEN, REPLY_MORE, ReplyCode, ReplyShape } from "./codes.ts";

/** Longest reply line; memcached's longest are those of stats. */
const MAX_REPLY_LINE_BYTES = 8192;

const SPACE = 32;
const UPPER_V = 86;
const LF = 10;
const CR = 13;

const STORED = ascii("STORED");
const END = ascii("END");
const NOT_FOUND = ascii("NOT_FOUND");
const NOT_STORED = ascii("NOT_STORED");
const EXISTS = ascii("EXISTS");
const DELETED = ascii("DELETED");
const TOUCHED = ascii("TOUCHED");
const OK = ascii("OK");
const RESET = ascii("RESET");
const VALUE = ascii("VALUE ");
const ERROR = ascii("ERROR");
const CLIENT_ERROR = ascii("CLIENT_ERROR");
const SERVER_ERROR = ascii("SERVER_ERROR");

/** Finds the end of replies in the bytes of one server. Keeps nothing between calls but its fields. */
export class ReplyParser {
  /** `ReplyCode` of the reply last found. */
  code: number = ReplyCode.OTHER;
  /** After {@link REPLY_MORE}: how many bytes from `start` are needed at least; 0 if that is not known. */
  neededBytes = 0;
  /** Of `VALUES`: where the line `END` begins, or the error line instead of it. */
  valuesEnd = 0;
  /** Of the last value of a reply of the shape `VALUES`: where its key is, and where the value begins and ends. */
  keyStart = 0;
  keyEnd = 0;
  valueStart = 0;
  valueEnd = 0;
  readonly #maxValueBytes: number;
  /** Of the value line last read. */
  #length = 0;

  /** @param maxValueBytes Longest value a server may send; by default the longest memcached can be told to store. */
  constructor(maxValueBytes = 2 ** 30) {
    this.#maxValueBytes = maxValueBytes;
  }

  /**
   * Looks at `buffer[start, end)`, which begins with a reply of the shape that belongs to the request.
   *
   * @returns Position after the whole reply; {@link REPLY_MORE}, or {@link REPLY_BROKEN} if no memcached says that.
   */
  parse(buffer: Uint8Array, start: number, end: number, shape: number): number {
    this.neededBytes = 0;
    if (shape === ReplyShape.VALUES) return this.#parseValues(buffer, start, end);
    const lineEnd = findLineEnd(buffer, start, end);
    if (lineEnd < 0) return lineEnd;
    if (shape === ReplyShape.META) return this.#parseMeta(buffer, start, lineEnd, end);
    this.code = codeOfLine(buffer, start, lineEnd);
    if (shape === ReplyShape.LINES_UNTIL_END) return this.#parseLines(buffer, start, lineEnd, end);
    return this.code === ReplyCode.MISS || this.code === ReplyCode.OTHER ? REPLY_BROKEN : lineEnd;
  }

  /**
   * Looks at `buffer[start, end)`, which is inside a reply of the shape `VALUES`: at one value with its line (`code` is
   * `HIT`), or at the line that ends the reply (`MISS`, or an error's).
   *
   * @returns As {@link parse}.
   */
  parseValue(buffer: Uint8Array, start: number, end: number): number {
    this.neededBytes = 0;
    if (start < end && buffer[start] === UPPER_V) {
      this.code = ReplyCode.HIT;
      const lineEnd = this.#readValueLine(buffer, start, end);
      return lineEnd < 0 ? lineEnd : this.#valueEnd(buffer, start, lineEnd, this.#length, end);
    }
    const lineEnd = findLineEnd(buffer, start, end);
    if (lineEnd < 0) return lineEnd;
    this.code = codeOfLine(buffer, start, lineEnd);
    return this.code === ReplyCode.MISS || isErrorCode(this.code) ? lineEnd : REPLY_BROKEN;
  }

  #parseMeta(buffer: Uint8Array, start: number, lineEnd: number, end: number): number {
    this.code = codeOfMetaLine(buffer, start, lineEnd);
    if (this.code === ReplyCode.OTHER) return REPLY_BROKEN;
    if (this.code !== ReplyCode.VA) return lineEnd;
    return this.#valueEnd(buffer, start, lineEnd, readLength(buffer, start + 3), end);
  }

  #parseValues(buffer: Uint8Array, start: number, end: number): number {
    let at = start;
    this.code = ReplyCode.MISS;
    while (at < end && buffer[at] === UPPER_V) {
      const lineEnd = this.#readValueLine(buffer, at, end);
      if (lineEnd < 0) return lineEnd;
      at = this.#valueEnd(buffer, start, lineEnd, this.#length, end);
      if (at < 0) return at;
      this.code = ReplyCode.HIT;
    }
    const lineEnd = findLineEnd(buffer, at, end);
    if (lineEnd < 0) return lineEnd;
    this.valuesEnd = at;
    const code = codeOfLine(buffer, at, lineEnd);
    if (code === ReplyCode.MISS) return lineEnd;
    this.code = code;
    return isErrorCode(code) ? lineEnd : REPLY_BROKEN;
  }

  /** Reads `VALUE <key> <flags> <length>[ <cas>]` in one pass; every get that hits comes by here. */
  #readValueLine(buffer: Uint8Array, start: number, end: number): number {
    const lineLimit = Math.min(end, start + MAX_REPLY_LINE_BYTES);
    if (lineLimit - start < 6) return REPLY_MORE;
    if (!isWord(buffer, start, start + 6, VALUE)) return REPLY_BROKEN;
    let at = start + 6;
    this.keyStart = at;
    for (let word = 0; word < 2; word++) {
      while (at < lineLimit && (buffer[at] as number) > SPACE) at++;
      // A key may hold bytes below the space, but no LF.
      while (at < lineLimit && buffer[at] !== SPACE && buffer[at] !== LF) at++;
      if (at < lineLimit && buffer[at] === LF) return REPLY_BROKEN;
      if (word === 0) this.keyEnd = at;
      at++;
    }
    let length = 0;
    const lengthStart = at;
    for (; at < lineLimit; at++) {
      const digit = (buffer[at] as number) - 48;
      if (digit < 0 || digit > 9) break;
      length = length * 10 + digit;
    }
    const lengthEnd = at;
    while (at < lineLimit && buffer[at] !== LF) at++;
    if (at >= lineLimit) return end - start >= MAX_REPLY_LINE_BYTES ? REPLY_BROKEN : REPLY_MORE;
    const isSound = lengthEnd > lengthStart && lengthEnd - lengthStart <= 10 && buffer[at - 1] === CR;
    if (!isSound || (buffer[lengthEnd] !== SPACE && lengthEnd !== at - 1)) return REPLY_BROKEN;
    this.#length = length;
    return at + 1;
  }

  #parseLines(buffer: Uint8Array, start: number, firstLineEnd: number, end: number): number {
    let lineStart = start;
    let lineEnd = firstLineEnd;
    for (;;) {
      const code = codeOfLine(buffer, lineStart, lineEnd);
      if (code === ReplyCode.MISS || code === ReplyCode.OK || isErrorCode(code)) {
        this.code = code === ReplyCode.MISS ? ReplyCode.OK : code;
        return lineEnd;
      }
      lineStart = lineEnd;
      lineEnd = findLineEnd(buffer, lineStart, end);
      if (lineEnd < 0) return lineEnd;
    }
  }

  /** Position after a value of `length` bytes that begins at `lineEnd`, and its line end. */
  #valueEnd(buffer: Uint8Array, start: number, lineEnd: number, length: number, end: number): number {
    if (length < 0 || length > this.#maxValueBytes) return REPLY_BROKEN;
    const valueEnd = lineEnd + length;
    this.valueStart = lineEnd;
    this.valueEnd = valueEnd;
    if (valueEnd + 2 > end) {
      this.neededBytes = valueEnd + 2 - start;
      return REPLY_MORE;
    }
    return buffer[valueEnd] === CR && buffer[valueEnd + 1] === LF ? valueEnd + 2 : REPLY_BROKEN;
  }
}

/** Whether a reply says that the request was not carried out because something is wrong. */
function isErrorCode(code: number): boolean {
  return code === ReplyCode.ERROR || code === ReplyCode.CLIENT_ERROR || code === ReplyCode.SERVER_ERROR;
}

/** Position after the CR LF of the line at `start`; {@link REPLY_MORE} or {@link REPLY_BROKEN}. */
function findLineEnd(buffer: Uint8Array, start: number, end: number): number {
  const searchEnd = Math.min(end, start + MAX_REPLY_LINE_BYTES);
  for (let at = start; at < searchEnd; at++) {
    if (buffer[at] === LF) return at > start && buffer[at - 1] === CR ? at + 1 : REPLY_BROKEN;
  }
  return end - start >= MAX_REPLY_LINE_BYTES ? REPLY_BROKEN : REPLY_MORE;
}

function codeOfLine(buffer: Uint8Array, start: number, lineEnd: number): number {
  let wordEnd = start;
  while (wordEnd < lineEnd - 2 && buffer[wordEnd] !== SPACE) wordEnd++;
  const isWordHere = (word: Uint8Array): boolean => isWord(buffer, start, wordEnd, word);
  switch (buffer[start]) {
    case 83: // S
      if (isWordHere(STORED)) return ReplyCode.STORED;
      return isWordHere(SERVER_ERROR) ? ReplyCode.SERVER_ERROR : ReplyCode.OTHER;
    case 69: // E
      if (isWordHere(END)) return ReplyCode.MISS;
      if (isWordHere(EXISTS)) return ReplyCode.EXISTS;
      return isWordHere(ERROR) ? ReplyCode.ERROR : ReplyCode.OTHER;
    case 78: // N
      if (isWordHere(NOT_FOUND)) return ReplyCode.NOT_FOUND;
      return isWordHere(NOT_STORED) ? ReplyCode.NOT_STORED : ReplyCode.OTHER;
    case 68: // D
      return isWordHere(DELETED) ? ReplyCode.DELETED : ReplyCode.OTHER;
    case 84: // T
      return isWordHere(TOUCHED) ? ReplyCode.TOUCHED : ReplyCode.OTHER;
    case 67: // C
      return isWordHere(CLIENT_ERROR) ? ReplyCode.CLIENT_ERROR : ReplyCode.OTHER;
    case 79: // O
      return isWordHere(OK) ? ReplyCode.OK : ReplyCode.OTHER;
    case 82: // R
      return isWordHere(RESET) ? ReplyCode.OK : ReplyCode.OTHER;
    default:
      return isPaddedNumber(buffer, start, lineEnd - 2) ? ReplyCode.NUMBER : ReplyCode.OTHER;
  }
}

function codeOfMetaLine(buffer: Uint8Array, start: number, lineEnd: number): number {
  const third = buffer[start + 2];
  if (lineEnd - start > 4 && third !== SPACE) {
    const code = codeOfLine(buffer, start, lineEnd);
    return isErrorCode(code) ? code : ReplyCode.OTHER;
  }
  switch (((buffer[start] as number) << 8) | (buffer[start + 1] as number)) {
    case 0x4844: // HD
      return ReplyCode.HD;
    case 0x5641: // VA
      return ReplyCode.VA;
    case 0x454e: // EN
      return ReplyCode.EN;
    case 0x4e53: // NS
      return ReplyCode.NS;
    case 0x4558: // EX
      return ReplyCode.EX;
    case 0x4e46: // NF
      return ReplyCode.NF;
    case 0x4d45: // ME
      return ReplyCode.ME;
    case 0x4d4e: // MN
      return ReplyCode.MN;
    default:
      return ReplyCode.OTHER;
  }
}

/** Reads the digits at `at`, which a space or the line's CR ends. -1 if there are none, or more than ten. */
function readLength(buffer: Uint8Array, at: number): number {
  let length = 0;
  let position = at;
  for (; position < at + 11; position++) {
    const digit = (buffer[position] as number) - 48;
    if (digit >= 0 && digit <= 9) length = length * 10 + digit;
    else break;
  }
  const isEnded = buffer[position] === SPACE || buffer[position] === CR;
  return position > at && isEnded ? length : -1;
}

/** Whether `buffer[start, end)` is a number, with the spaces that memcached may pad one with. */
function isPaddedNumber(buffer: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const byte = buffer[at] as number;
    if (byte !== SPACE && (byte < 48 || byte > 57)) return false;
  }
  return end > start && buffer[start] !== SPACE;
}
