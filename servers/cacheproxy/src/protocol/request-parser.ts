import { parseBinaryRequest } from "./binary-request.ts";
import { AccessCode, CommandId, Dialect, ParseOutcome, ReplyShape } from "./codes.ts";
import { commandOfWord } from "./command-words.ts";
import { EMPTY, LINE_TOO_LONG, MAX_COMMAND_LINE_BYTES } from "./lines.ts";
import { parseMetaLine } from "./meta-line.ts";
import { RequestLine } from "./request-line.ts";
import { parseTextLine } from "./text-line.ts";

/** What a client may send at most. */
export interface RequestLimits {
  /** Longest value, in bytes; what is longer is refused as memcached does, and swallowed. */
  readonly maxValueBytes: number;
  /** Longest line of a `get` or `gets`, in bytes with its end; at a longer one the connection closes. */
  readonly maxLineBytes: number;
}

const BINARY_MAGIC = 0x80;

/**
 * Finds requests in the bytes of one client. What it found is in its fields until the next call: numbers, and positions
 * in the buffer it was given, so that a request costs no allocation.
 *
 * The first byte of a connection decides between the binary protocol and the two others, as in memcached.
 */
export class RequestParser {
  /** `Dialect`. */
  dialect: number = Dialect.TEXT;
  /** `CommandId`. */
  command: number = CommandId.GET;
  /** Of binary requests: the opcode as it came. */
  opcode = 0;
  /** `AccessCode`. */
  access: number = AccessCode.OTHER;
  /** What `keyStart` and `keyEnd` are positions in: the buffer, or a decoded base64 key that the next call overwrites. */
  keyBytes: Uint8Array = EMPTY;
  /** First key; {@link nextKey} moves on. 0 and 0 if the request has none. */
  keyStart = 0;
  keyEnd = 0;
  /** A key in base64 was decoded. */
  isBase64 = false;
  valueStart = 0;
  valueEnd = 0;
  requestStart = 0;
  requestEnd = 0;
  /** `noreply`, `q`, or a quiet opcode: some replies are kept from the client ({@link isSilenced}). */
  isQuiet = false;
  /** A get of more than one key. */
  isMultiKey = false;
  /** May be passed on to one server: as it is, or as {@link forwardQuiet} writes it if `mustRewrite`. */
  forwardable = false;
  /** Only {@link forwardQuiet} makes it fit for a server: it is quiet, or has a NUL or a very long line. */
  mustRewrite = false;
  /** `ReplyShape` of the answer to the request as it is forwarded. */
  replyShape: number = ReplyShape.LINE;
  /** After MORE: how many bytes from `start` are needed at least; 0 if that is not known. */
  neededBytes = 0;
  /** After REFUSED and FATAL: what the client is told; empty if nothing. */
  errorReply: Uint8Array = EMPTY;
  /** After REFUSED: memcached has deleted the old value of the key, since the new one was too large. */
  unlinks = false;
  /** Of `flush_all`: its delay as it would be read by a server, 0 without one. */
  delaySec = 0;
  /** Of `stats`: the words after it, `argsStart` = `argsEnd` if none. In the buffer. */
  argsStart = 0;
  argsEnd = 0;

  readonly limits: RequestLimits;
  /** Words of the line; for the parsers of lines. */
  readonly line = new RequestLine();
  /** Where a base64 key is decoded to. */
  readonly keyScratch = new Uint8Array(192);
  #buffer: Uint8Array = EMPTY;
  #isBinary: boolean | undefined;
  /** Bytes of the unfinished line that are known to have no LF. */
  #searchedBytes = 0;

  constructor(limits: RequestLimits) {
    this.limits = limits;
  }

  /**
   * Looks at `buffer[start, end)`, which begins with a request. Call it again with the same begin and more bytes after
   * MORE, and with the bytes from `requestEnd` after WHOLE and REFUSED.
   */
  parse(buffer: Uint8Array, start: number, end: number): ParseOutcome {
    this.neededBytes = 0;
    if (start >= end) return ParseOutcome.MORE;
    this.#isBinary ??= buffer[start] === BINARY_MAGIC;
    this.#reset(buffer, start);
    if (this.#isBinary) return parseBinaryRequest(this, buffer, start, end);

    if (this.#searchedBytes > 0 && !this.#hasLineFeed(buffer, start, end)) return this.#unfinishedLine(start, end);
    const lineEnd = this.line.read(buffer, start, end);
    if (lineEnd < 0) return this.#unfinishedLine(start, end);
    this.#searchedBytes = 0;

    const lineBytes = lineEnd - start;
    if (lineBytes > MAX_COMMAND_LINE_BYTES) {
      if (!this.#isLongGet(start)) return this.fatal(EMPTY);
      if (lineBytes > this.limits.maxLineBytes) return this.fatal(LINE_TOO_LONG);
      this.mustRewrite = true;
    }
    this.requestEnd = lineEnd;
    return this.#parseLine(buffer, end);
  }

  /** Moves `keyStart` and `keyEnd` to the next key of a get. False if there is none. */
  nextKey(): boolean {
    const buffer = this.#buffer;
    const end = this.line.wordsEnd;
    let at = this.keyEnd;
    if (!this.isMultiKey) return false;
    while (at < end && buffer[at] === 32) at++;
    if (at >= end) return false;
    this.keyStart = at;
    while (at < end && buffer[at] !== 32) at++;
    this.keyEnd = at;
    return true;
  }

  /**
   * Writes the request without `noreply` or `q`, so that a server answers it. The buffer last parsed must be unchanged,
   * and `target` have room for the length of the request.
   *
   * @returns Position in `target` after it; never more than the request's length after `at`.
   */
  forwardQuiet(target: Uint8Array, at: number): number {
    const { line } = this;
    const buffer = this.#buffer;
    const isMeta = this.dialect === Dialect.META;
    // `noreply` is the last word; those of a get are keys, however many there are.
    const words = Math.min(line.count, line.starts.length) - (this.isQuiet && !isMeta ? 1 : 0);
    let to = at;
    for (let i = 0; i < words; i++) {
      const start = line.starts[i] as number;
      if (this.isQuiet && isMeta && i > 1 && buffer[start] === 113) continue;
      if (i > 0) target[to++] = 32;
      to = copyBytes(buffer, start, line.ends[i] as number, target, to);
    }
    target[to++] = 13;
    target[to++] = 10;
    if (this.access !== AccessCode.WRITE || this.valueStart === 0) return to;
    target.set(buffer.subarray(this.valueStart, this.valueEnd + 2), to);
    return to + this.valueEnd + 2 - this.valueStart;
  }

  /**
   * Writes a get of the current key alone: `get`, `gets`, `gat` or `gats`, as the request. `target` must have room for
   * the key and the first two words of the request.
   *
   * @returns Position in `target` after it.
   */
  writeSingleGet(target: Uint8Array, at: number): number {
    const { line } = this;
    const buffer = this.#buffer;
    let to = copyBytes(buffer, line.starts[0] as number, line.ends[0] as number, target, at);
    if (this.command === CommandId.GAT || this.command === CommandId.GATS) {
      target[to++] = 32;
      to = copyBytes(buffer, line.starts[1] as number, line.ends[1] as number, target, to);
    }
    target[to++] = 32;
    to = copyBytes(buffer, this.keyStart, this.keyEnd, target, to);
    target[to++] = 13;
    target[to++] = 10;
    return to;
  }

  /** Ends a parse with an error after which the client goes on. For the parsers of lines and frames. */
  refused(reply: Uint8Array): ParseOutcome {
    this.errorReply = reply;
    return ParseOutcome.REFUSED;
  }

  /** Ends a parse with an error after which the connection closes. For the parsers of lines and frames. */
  fatal(reply: Uint8Array): ParseOutcome {
    this.errorReply = reply;
    return ParseOutcome.FATAL;
  }

  #reset(buffer: Uint8Array, start: number): void {
    this.#buffer = buffer;
    this.requestStart = start;
    this.requestEnd = start;
    this.dialect = Dialect.TEXT;
    this.access = AccessCode.OTHER;
    this.keyBytes = buffer;
    this.keyStart = 0;
    this.keyEnd = 0;
    this.isBase64 = false;
    this.valueStart = 0;
    this.valueEnd = 0;
    this.isQuiet = false;
    this.isMultiKey = false;
    this.forwardable = false;
    this.mustRewrite = false;
    this.replyShape = ReplyShape.LINE;
    this.unlinks = false;
    this.delaySec = 0;
    this.argsStart = 0;
    this.argsEnd = 0;
  }

  #parseLine(buffer: Uint8Array, end: number): ParseOutcome {
    const { line } = this;
    if (line.hasNul) this.mustRewrite = true;
    const command = line.count === 0 ? -1 : commandOfWord(buffer, line.starts[0] as number, line.ends[0] as number);
    this.command = command;
    return command >= CommandId.MG && command <= CommandId.MN
      ? parseMetaLine(this, buffer, end)
      : parseTextLine(this, buffer, end);
  }

  #unfinishedLine(start: number, end: number): ParseOutcome {
    this.#searchedBytes = end - start;
    if (this.#searchedBytes < MAX_COMMAND_LINE_BYTES) return ParseOutcome.MORE;
    if (!this.#isLongGet(start)) return this.fatal(EMPTY);
    return this.#searchedBytes < this.limits.maxLineBytes ? ParseOutcome.MORE : this.fatal(LINE_TOO_LONG);
  }

  #hasLineFeed(buffer: Uint8Array, start: number, end: number): boolean {
    for (let at = start + this.#searchedBytes; at < end; at++) {
      if (buffer[at] === 10) return true;
    }
    return false;
  }

  /** Whether a line begins as those that may be long: spaces, `get ` or `gets `. */
  #isLongGet(start: number): boolean {
    const buffer = this.#buffer;
    let at = start;
    while (buffer[at] === 32 && at - start <= 100) at++; // more spaces memcached does not take for a get either
    if (buffer[at] !== 103 || buffer[at + 1] !== 101 || buffer[at + 2] !== 116) return false;
    return buffer[at + 3] === 32 || (buffer[at + 3] === 115 && buffer[at + 4] === 32);
  }
}

function copyBytes(from: Uint8Array, start: number, end: number, target: Uint8Array, at: number): number {
  let to = at;
  for (let i = start; i < end; i++) target[to++] = from[i] as number;
  return to;
}
