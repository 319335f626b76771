import { type Args, MAX_ARGS } from "./args.ts";

/** More bytes are needed; {@link RequestParser.neededBytes} says how many there must be at least. */
export const REQUEST_MORE = -1;
/** The bytes are no request; {@link RequestParser.error} says why, and the connection must be closed. */
export const REQUEST_BROKEN = -2;

/** Longest inline command, and longest line of a length. As Redis's PROTO_INLINE_MAX_SIZE. */
const MAX_LINE_BYTES = 65_536;
/** What a client may send before it has said who it is. */
const UNKNOWN_CLIENT_ARGS = 10;
const UNKNOWN_CLIENT_BULK_BYTES = 16_384;

const STAR = 42;
const DOLLAR = 36;
const CR = 13;
const LF = 10;

/**
 * Reads requests: RESP arrays of bulk strings, and inline commands.
 *
 * A request that is not whole yet can be read on from where it was left: as long as the caller has only added bytes
 * behind it and gives the same `start`, nothing is read twice. {@link reset} forgets that.
 *
 * @see https://redis.io/docs/reference/protocol-spec/
 */
export class RequestParser {
  /** Bytes from the request's start that must be there before {@link parse} can get further. */
  neededBytes = 0;
  /** The reply for a request that is broken, without its `-`. */
  error = "";
  /** Largest argument, in bytes. */
  maxBulkBytes = 536_870_912;
  /** Of a request that is being read: arguments it will have, how many there are, and where the next begins. */
  #expected = -1;
  #read = 0;
  #offset = 0;

  /** Forgets the request that was not whole. */
  reset(): void {
    this.#expected = -1;
    this.#read = 0;
    this.#offset = 0;
  }

  get isInside(): boolean {
    return this.#expected >= 0;
  }

  /**
   * Reads one request of `bytes[start, end)` into `args`. No arguments (`count` 0) is an empty request without a reply.
   *
   * @param isKnown Whether the client has authenticated; others may send little.
   * @returns Where the request ends, {@link REQUEST_MORE} or {@link REQUEST_BROKEN}.
   */
  parse(bytes: Uint8Array, start: number, end: number, args: Args, isKnown: boolean): number {
    args.bytes = bytes;
    if (this.#expected < 0) {
      if (start >= end) return this.#more(1);
      if (bytes[start] !== STAR) return this.#parseInline(bytes, start, end, args);
      const next = this.#parseHead(bytes, start, end, isKnown);
      args.count = 0;
      if (next <= 0 || this.#expected === 0) {
        if (next > 0) this.reset();
        return next;
      }
    }
    return this.#parseBulks(bytes, start, end, args, isKnown);
  }

  #parseHead(bytes: Uint8Array, start: number, end: number, isKnown: boolean): number {
    const lineEnd = findLine(bytes, start, end);
    if (lineEnd < 0) {
      if (end - start > MAX_LINE_BYTES) return this.#broken("ERR Protocol error: too big mbulk count string");
      return this.#more(end - start + 1);
    }
    const count = readCount(bytes, start + 1, lineEnd);
    if (count === undefined || count > MAX_ARGS) return this.#broken("ERR Protocol error: invalid multibulk length");
    if (!isKnown && count > UNKNOWN_CLIENT_ARGS) {
      return this.#broken("ERR Protocol error: unauthenticated multibulk length");
    }
    this.#expected = Math.max(0, count);
    this.#read = 0;
    this.#offset = lineEnd + 2 - start;
    return lineEnd + 2;
  }

  #parseBulks(bytes: Uint8Array, start: number, end: number, args: Args, isKnown: boolean): number {
    let at = start + this.#offset;
    if (this.#read > 0) this.#rebase(args, start);
    while (this.#read < this.#expected) {
      let next = at;
      let size = 0;
      // Most lengths have one or two digits; anything else goes the slow way.
      if (at + 3 < end && bytes[at] === DOLLAR) {
        const first = bytes[at + 1]! - 48;
        const second = bytes[at + 2]! - 48;
        if (first >= 0 && first <= 9 && bytes[at + 2] === CR) {
          size = first;
          next = at + 4;
        } else if (first > 0 && first <= 9 && second >= 0 && second <= 9 && bytes[at + 3] === CR) {
          size = 10 * first + second;
          next = at + 5;
        }
      }
      if (next === at) {
        next = this.#parseBulkHead(bytes, at, end, isKnown);
        if (next < 0) return this.#pause(args, start, at, end, next);
        size = this.#size;
      }
      if (end - next < size + 2) {
        this.neededBytes = next + size + 2 - start;
        return this.#pause(args, start, at, end, REQUEST_MORE);
      }
      args.push(next, next + size);
      this.#read++;
      at = next + size + 2;
    }
    this.#expected = -1;
    this.#read = 0;
    return at;
  }

  #size = 0;

  #parseBulkHead(bytes: Uint8Array, at: number, end: number, isKnown: boolean): number {
    const lineEnd = findLine(bytes, at, end);
    if (lineEnd < 0) {
      if (end - at > MAX_LINE_BYTES) return this.#broken("ERR Protocol error: too big bulk count string");
      this.neededBytes = 0;
      return REQUEST_MORE;
    }
    if (bytes[at] !== DOLLAR) {
      return this.#broken(`ERR Protocol error: expected '$', got '${String.fromCharCode(bytes[at]!)}'`);
    }
    const size = readCount(bytes, at + 1, lineEnd);
    if (size === undefined || size < 0 || size > this.maxBulkBytes) {
      return this.#broken("ERR Protocol error: invalid bulk length");
    }
    if (!isKnown && size > UNKNOWN_CLIENT_BULK_BYTES) {
      return this.#broken("ERR Protocol error: unauthenticated bulk length");
    }
    this.#size = size;
    return lineEnd + 2;
  }

  /** Remembers how far the request was read; offsets then count from its start. */
  #pause(args: Args, start: number, at: number, end: number, result: number): number {
    this.#offset = at - start;
    for (let i = 0; i < args.count; i++) {
      args.starts[i]! -= start;
      args.ends[i]! -= start;
    }
    this.neededBytes = Math.max(this.neededBytes, end - start + 1);
    return result;
  }

  #rebase(args: Args, start: number): void {
    for (let i = 0; i < args.count; i++) {
      args.starts[i]! += start;
      args.ends[i]! += start;
    }
    this.neededBytes = 0;
  }

  #parseInline(bytes: Uint8Array, start: number, end: number, args: Args): number {
    const lineFeed = bytes.indexOf(LF, start);
    const zero = bytes.indexOf(0, start);
    // Redis looks for the end of the line as C looks through text: behind a zero byte it finds none.
    if (lineFeed < 0 || lineFeed >= end || (zero >= 0 && zero < lineFeed)) {
      if (end - start > MAX_LINE_BYTES) return this.#broken("ERR Protocol error: too big inline request");
      return this.#more(end - start + 1);
    }
    const lineEnd = lineFeed > start && bytes[lineFeed - 1] === CR ? lineFeed - 1 : lineFeed;
    const words = splitLine(bytes, start, lineEnd);
    if (words === undefined) return this.#broken("ERR Protocol error: unbalanced quotes in request");
    args.assign(words);
    return lineFeed + 1;
  }

  #more(neededBytes: number): number {
    this.neededBytes = neededBytes;
    return REQUEST_MORE;
  }

  #broken(error: string): number {
    this.error = error;
    return REQUEST_BROKEN;
  }
}

/** Where the line's CR is if the LF behind it is there too, or -1. */
function findLine(bytes: Uint8Array, start: number, end: number): number {
  for (let at = start; at < end - 1; at++) if (bytes[at] === CR) return at;
  return -1;
}

/** A decimal number of at most 10 digits, perhaps with a minus. */
function readCount(bytes: Uint8Array, start: number, end: number): number | undefined {
  const isNegative = bytes[start] === 45;
  const first = isNegative ? start + 1 : start;
  if (end - first < 1 || end - first > 10) return undefined;
  if (bytes[first] === 48 && (end - first > 1 || isNegative)) return undefined;
  let value = 0;
  for (let at = first; at < end; at++) {
    const digit = bytes[at]! - 48;
    if (digit < 0 || digit > 9) return undefined;
    value = 10 * value + digit;
  }
  return isNegative ? -value : value;
}

const ESCAPES: ReadonlyMap<number, number> = new Map([
  [110, 10],
  [114, 13],
  [116, 9],
  [98, 8],
  [97, 7],
]);

/** Splits an inline command into words, with Redis's quotes and escapes; `undefined` if a quote is not closed. */
function splitLine(bytes: Uint8Array, start: number, end: number): Uint8Array[] | undefined {
  const words: Uint8Array[] = [];
  let at = start;
  for (;;) {
    while (at < end && isSpace(bytes[at]!)) at++;
    if (at >= end) return words;
    const word: number[] = [];
    at = readWord(bytes, at, end, word);
    if (at < 0) return undefined;
    words.push(Uint8Array.from(word));
  }
}

/** Reads one word that begins at `start`. Returns where it ends, or -1. */
function readWord(bytes: Uint8Array, start: number, end: number, word: number[]): number {
  let quote = 0;
  let at = start;
  while (at < end) {
    const byte = bytes[at]!;
    if (quote === 0) {
      if (isSpace(byte)) return at;
      if (byte === 34 || byte === 39) quote = byte;
      else word.push(byte);
      at++;
    } else if (byte === quote) {
      // Nothing may follow a closing quote directly.
      return at + 1 < end && !isSpace(bytes[at + 1]!) ? -1 : at + 1;
    } else if (byte === 92) {
      at = readEscape(bytes, at, end, quote, word);
    } else {
      word.push(byte);
      at++;
    }
  }
  return quote === 0 ? at : -1;
}

function readEscape(bytes: Uint8Array, at: number, end: number, quote: number, word: number[]): number {
  const next = bytes[at + 1];
  if (quote === 39) {
    if (at + 1 < end && next === 39) {
      word.push(39);
      return at + 2;
    }
    word.push(92);
    return at + 1;
  }
  if (next === 120 && at + 3 < end) {
    const value = Number.parseInt(String.fromCharCode(bytes[at + 2]!, bytes[at + 3]!), 16);
    const isHex = isHexDigit(bytes[at + 2]!) && isHexDigit(bytes[at + 3]!);
    if (isHex) {
      word.push(value);
      return at + 4;
    }
  }
  if (at + 1 >= end || next === undefined) {
    word.push(92);
    return at + 1;
  }
  word.push(ESCAPES.get(next) ?? next);
  return at + 2;
}

function isHexDigit(byte: number): boolean {
  return (byte >= 48 && byte <= 57) || (byte >= 65 && byte <= 70) || (byte >= 97 && byte <= 102);
}

function isSpace(byte: number): boolean {
  return byte === 32 || (byte >= 9 && byte <= 13);
}
