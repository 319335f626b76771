/** The head of a request without a body, or with a short one. Header names and values are as `node:http` gives them. */
export interface PlainHead {
  readonly method: PlainMethod;
  readonly url: string;
  /** Name, value, name, value, …, one byte a character. */
  readonly rawHeaders: string[];
  /** Where the body begins, or the next request. */
  readonly endOffset: number;
  /** 0 but for PUT. */
  readonly bodyBytes: number;
}

const METHODS = ["GET", "PUT", "HEAD"] as const;
/** One of {@link PlainHead}. */
export type PlainMethod = (typeof METHODS)[number];

/** Requests with longer heads go another way, whatever the limit of all heads is. */
export const PLAIN_HEAD_BYTES = 8_192;
/** Requests with longer bodies go another way, too. */
export const PLAIN_BODY_BYTES = 65_536;
const HEADER_LIMIT = 64;

const CR = 0x0d;
const LF = 0x0a;
const SPACE = 0x20;
const TAB = 0x09;
const COLON = 0x3a;

const TOKEN = 1;
const VALUE = 2;
const TARGET = 4;

/** What a byte may be part of: less than HTTP allows, never more. */
const CLASSES = classesOf();

function classesOf(): Uint8Array {
  const classes = new Uint8Array(256);
  // No byte above 7E: which text it would be is not agreed on. A fragment does not belong into a request.
  for (let byte = 0x21; byte <= 0x7e; byte++) classes[byte] = byte === 0x23 ? VALUE : VALUE | TARGET;
  classes[SPACE] = VALUE;
  classes[TAB] = VALUE;
  const others = "!#$%&'*+-.^_`|~";
  for (let byte = 0; byte < 128; byte++) {
    const text = String.fromCharCode(byte);
    if (/[0-9A-Za-z]/.test(text) || others.includes(text)) classes[byte] = (classes[byte] ?? 0) | TOKEN;
  }
  return classes;
}

/** Headers that say where the body is, or want something of the connection: not of a plain request, but for these values. */
const SPECIAL: ReadonlyMap<string, string | undefined> = new Map([
  ["connection", "keep-alive"],
  ["expect", undefined],
  ["proxy-connection", undefined],
  ["transfer-encoding", undefined],
  ["upgrade", undefined],
]);
const SPECIAL_LENGTHS = new Set([...SPECIAL.keys(), "host", "content-length"].map((name) => name.length));
/** Nothing that a parser might take for another number. */
const LENGTH = /^(0|[1-9]\d{0,6})$/;

/**
 * Reads the head of a GET, HEAD or PUT in its plainest form: origin-form, HTTP/1.1, one Host, no body but that of a PUT
 * whose length is told, nothing asked of the connection, lines that end as they should. Whatever this accepts, any parser
 * of HTTP reads in the same way; what is unusual, or not HTTP at all, is left to a whole parser. So there is no request on
 * which the two could disagree.
 *
 * @param maxBytes Of the head, at most {@link PLAIN_HEAD_BYTES}; a longer one is unusual.
 * @returns `undefined` if more bytes are needed.
 * @see RFC 9112 §2 to §6
 */
export function parsePlainHead(bytes: Uint8Array, maxBytes: number): PlainHead | "unusual" | undefined {
  const method = methodOf(bytes);
  if (method === undefined || method === "unusual") return method;
  const targetAt = method.length + 1;
  let at = targetAt;
  const limit = Math.min(bytes.length, maxBytes);
  const unfinished = bytes.length >= maxBytes ? "unusual" : undefined;
  while (at < limit && (CLASSES[bytes[at]!]! & TARGET) !== 0) at++;
  if (at >= limit) return unfinished;
  // An asterisk or a whole URL is for proxies.
  if (bytes[targetAt] !== 0x2f || bytes[at] !== SPACE) return "unusual";
  const url = textOf(bytes, targetAt, at);
  const versionEnd = at + VERSION.length;
  if (versionEnd > limit) return unfinished;
  for (let i = 0; i < VERSION.length; i++) if (bytes[at + i] !== VERSION.charCodeAt(i)) return "unusual";
  const rawHeaders: string[] = [];
  const end = readFields(bytes, versionEnd, limit, rawHeaders);
  if (end === undefined) return unfinished;
  const bodyBytes = end < 0 ? undefined : bodyBytesOf(method, rawHeaders);
  return bodyBytes === undefined ? "unusual" : { method, url, rawHeaders, endOffset: end, bodyBytes };
}

const VERSION = " HTTP/1.1\r\n";

function methodOf(bytes: Uint8Array): PlainMethod | "unusual" | undefined {
  for (const method of METHODS) {
    let i = 0;
    while (i < method.length && bytes[i] === method.charCodeAt(i)) i++;
    if (i >= bytes.length) return undefined;
    if (i === method.length && bytes[i] === SPACE) return method;
  }
  return "unusual";
}

/** @returns Where the fields end; -1 if they are unusual; `undefined` if they do not end before `limit`. */
function readFields(bytes: Uint8Array, start: number, limit: number, rawHeaders: string[]): number | undefined {
  let at = start;
  for (;;) {
    if (at + 1 >= limit) return undefined;
    if (bytes[at] === CR) return bytes[at + 1] === LF ? at + 2 : -1;
    const nameAt = at;
    while (at < limit && (CLASSES[bytes[at]!]! & TOKEN) !== 0) at++;
    if (at === limit) return undefined;
    if (bytes[at] !== COLON || at === nameAt || rawHeaders.length === 2 * HEADER_LIMIT) return -1;
    const nameEnd = at;
    at++;
    while (at < limit && (bytes[at] === SPACE || bytes[at] === TAB)) at++;
    const valueAt = at;
    while (at < limit && (CLASSES[bytes[at]!]! & VALUE) !== 0) at++;
    if (at + 1 >= limit) return undefined;
    if (bytes[at] !== CR || bytes[at + 1] !== LF) return -1;
    let valueEnd = at;
    while (valueEnd > valueAt && (bytes[valueEnd - 1] === SPACE || bytes[valueEnd - 1] === TAB)) valueEnd--;
    rawHeaders.push(textOf(bytes, nameAt, nameEnd), textOf(bytes, valueAt, valueEnd));
    at += 2;
  }
}

/** `undefined` if a header is not plain. */
function bodyBytesOf(method: PlainMethod, rawHeaders: readonly string[]): number | undefined {
  let hostCount = 0;
  let length: string | undefined;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const raw = rawHeaders[i]!;
    if (!SPECIAL_LENGTHS.has(raw.length)) continue;
    const name = raw.toLowerCase();
    if (name === "host") hostCount++;
    if (name === "content-length") {
      if (length !== undefined) return undefined;
      length = rawHeaders[i + 1]!;
    }
    if (SPECIAL.has(name) && SPECIAL.get(name) !== rawHeaders[i + 1]!.toLowerCase()) return undefined;
  }
  if (hostCount !== 1) return undefined;
  // A PUT without a length may be about to say more.
  if (length === undefined) return method === "PUT" ? undefined : 0;
  const bytes = LENGTH.test(length) ? Number(length) : PLAIN_BODY_BYTES + 1;
  return bytes <= (method === "PUT" ? PLAIN_BODY_BYTES : 0) ? bytes : undefined;
}

function textOf(bytes: Uint8Array, start: number, end: number): string {
  return (bytes as Buffer).toString("latin1", start, end);
}
