import { S3Error } from "../errors.ts";
import type { HeaderFields } from "../header-fields.ts";
import { hexDigit } from "../routing/percent.ts";

const HEX = "0123456789ABCDEF";
const UNRESERVED = new Uint8Array(256);
for (const character of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~") {
  UNRESERVED[character.charCodeAt(0)] = 1;
}

/**
 * The path as signatures write it: every byte but unreserved ones and `/` escaped, whatever the client escaped; nothing
 * normalised. An escaped slash stays escaped, see {@link hasEscapedSlash}.
 *
 * @param path Raw, one byte a character.
 * @throws S3Error InvalidURI for a broken escape.
 * @see Amazon S3 API Reference, "Create a canonical request"
 */
export function canonicalPath(path: string): string {
  return canonicalText(path, 0x2f, false);
}

/** Whether the path has `%2F`: clients that sign decoded paths sign it as `/`. */
export function hasEscapedSlash(path: string): boolean {
  return path.includes("%2F") || path.includes("%2f");
}

/**
 * The query as signatures write it: each part escaped anew, sorted by name, then by value.
 *
 * @param query Raw, one byte a character.
 * @param without A parameter left out: the signature itself.
 * @throws S3Error InvalidURI for a broken escape.
 */
export function canonicalQuery(query: string, without?: string): string {
  if (query === "") return "";
  const pairs: { readonly name: string; readonly value: string }[] = [];
  let isSorted = true;
  for (const part of query.split("&")) {
    if (part === "") continue;
    const equals = part.indexOf("=");
    const name = canonicalText(equals < 0 ? part : part.slice(0, equals), 0x100, true);
    if (name === without) continue;
    const pair = { name, value: equals < 0 ? "" : canonicalText(part.slice(equals + 1), 0x100, true) };
    const last = pairs.at(-1);
    if (last !== undefined && comparePairs(last, pair) > 0) isSorted = false;
    pairs.push(pair);
  }
  if (!isSorted) pairs.sort(comparePairs);
  let out = "";
  for (const { name, value } of pairs) out += out === "" ? `${name}=${value}` : `&${name}=${value}`;
  return out;
}

interface Pair {
  readonly name: string;
  readonly value: string;
}

function comparePairs(a: Pair, b: Pair): number {
  if (a.name !== b.name) return a.name < b.name ? -1 : 1;
  return a.value === b.value ? 0 : a.value < b.value ? -1 : 1;
}

/** Most texts are already as they must be: those are returned as they are. */
function canonicalText(text: string, alsoPlain: number, plusIsSpace: boolean): string {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (UNRESERVED[code] === 1 || code === alsoPlain) continue;
    if (code !== 0x25 || !isCanonicalEscape(text, i)) return rewriteText(text, i, alsoPlain, plusIsSpace);
    i += 2;
  }
  return text;
}

/** Whether the escape at `index` is written in capitals and escapes what must be escaped. */
function isCanonicalEscape(text: string, index: number): boolean {
  const high = text.charCodeAt(index + 1);
  const low = text.charCodeAt(index + 2);
  const byte = hexDigit(high) * 16 + hexDigit(low);
  return byte >= 0 && high < 0x61 && low < 0x61 && UNRESERVED[byte] === 0;
}

function rewriteText(text: string, start: number, alsoPlain: number, plusIsSpace: boolean): string {
  let out = text.slice(0, start);
  for (let i = start; i < text.length; i++) {
    let code = text.charCodeAt(i);
    if (code === 0x25) {
      code = hexDigit(text.charCodeAt(i + 1)) * 16 + hexDigit(text.charCodeAt(i + 2));
      if (!(code >= 0)) throw new S3Error("InvalidURI");
      i += 2;
      // Unlike a slash, an escaped slash stays escaped.
      out += UNRESERVED[code] === 1 ? String.fromCharCode(code) : `%${HEX[code >> 4]}${HEX[code & 15]}`;
      continue;
    }
    if (code > 0xff) throw new S3Error("InvalidURI");
    if (plusIsSpace && code === 0x2b) code = 0x20;
    const isPlain = UNRESERVED[code] === 1 || code === alsoPlain;
    out += isPlain ? String.fromCharCode(code) : `%${HEX[code >> 4]}${HEX[code & 15]}`;
  }
  return out;
}

/**
 * The signed headers as signatures write them, one a line: values of one name joined by commas in their order, white
 * space at the ends cut and inside made one space. A header that is signed but absent counts as empty.
 *
 * @param signedNames In lower case, in the order in which they were signed.
 */
export function canonicalHeaders(headers: HeaderFields, signedNames: readonly string[]): string {
  let out = "";
  for (const name of signedNames) {
    let index = headers.names.indexOf(name);
    let value = index < 0 ? "" : trimValue(headers.values[index] as string);
    while (index >= 0) {
      index = headers.names.indexOf(name, index + 1);
      if (index >= 0) value += `,${trimValue(headers.values[index] as string)}`;
    }
    out += `${name}:${value}\n`;
  }
  return out;
}

function trimValue(value: string): string {
  let previous = 0x20;
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    // Only ASCII white space: 0xa0 is half a character of UTF-8 here.
    if ((code === 0x20 && previous === 0x20) || (code >= 0x09 && code <= 0x0d)) return collapse(value);
    previous = code;
  }
  return previous === 0x20 ? collapse(value) : value;
}

function collapse(value: string): string {
  return value.replace(/[\t-\r ]+/g, " ").replace(/^ | $/g, "");
}
