import { decodeBase64, encodeBase64 } from "../base64.ts";
import { hexDigit } from "../routing/percent.ts";

const encoder = new TextEncoder();
const decoders = new Map([
  ["utf-8", new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })],
  ["us-ascii", new TextDecoder("utf-8", { fatal: true })],
  ["iso-8859-1", new TextDecoder("latin1")],
]);

/** An encoded word has at most 75 characters: `=?UTF-8?B?` and `?=` leave 45 bytes. */
const MAX_WORD_BYTES = 45;
const WORD = /=\?([\w-]{1,20})(?:\*[\w-]{0,20})?\?([bBqQ])\?([!->@-~]{0,100})\?=/g;

/**
 * A text as the value of a header: itself if all of it is printable ASCII, encoded words otherwise, so that nothing in
 * it can end the header.
 *
 * @see RFC 2047 §2
 */
export function encodeHeaderText(text: string): string {
  if (isPrintable(text)) return text;
  const words: string[] = [];
  let bytes: number[] = [];
  for (const character of text) {
    const more = encoder.encode(character);
    if (bytes.length + more.length > MAX_WORD_BYTES) {
      words.push(encodedWord(bytes));
      bytes = [];
    }
    bytes.push(...more);
  }
  words.push(encodedWord(bytes));
  return words.join(" ");
}

function encodedWord(bytes: readonly number[]): string {
  return `=?UTF-8?B?${encodeBase64(Uint8Array.from(bytes))}?=`;
}

/** Space inside is fine; at the ends a header would lose it. */
function isPrintable(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 || code > 0x7e) return false;
  }
  return !text.startsWith(" ") && !text.endsWith(" ");
}

/**
 * The text of a header's value. Encoded words are decoded if what they hold could not stand there otherwise: a value
 * that only looks like one comes back as it was sent. Raw UTF-8 is read as such, other raw bytes as Latin-1.
 *
 * @param raw One byte a character.
 */
export function decodeHeaderText(raw: string): string {
  if (raw.includes("=?")) {
    const decoded = decodeWords(raw);
    return decoded === undefined || isPrintable(decoded) ? raw : decoded;
  }
  for (let i = 0; i < raw.length; i++) if (raw.charCodeAt(i) > 0x7e) return decodeRaw(raw);
  return raw;
}

function decodeRaw(raw: string): string {
  const bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
  return decodeWith("utf-8", bytes) ?? raw;
}

/** Undefined if a word cannot be decoded. Space between two words belongs to neither. */
function decodeWords(raw: string): string | undefined {
  let out = "";
  let at = 0;
  for (const match of raw.matchAll(WORD)) {
    const between = raw.slice(at, match.index);
    if (at === 0 || between.trim() !== "") out += between;
    const [whole, charset = "", encoding = "", content = ""] = match;
    const bytes = encoding.toLowerCase() === "b" ? decodeBase64(content) : decodeQuoted(content);
    const text = bytes === undefined ? undefined : decodeWith(charset.toLowerCase(), bytes);
    if (text === undefined) return undefined;
    out += text;
    at = match.index + whole.length;
  }
  return out + raw.slice(at);
}

function decodeWith(charset: string, bytes: Uint8Array): string | undefined {
  try {
    return decoders.get(charset)?.decode(bytes);
  } catch {
    // Not of this charset: the caller keeps the text as it was sent.
    return undefined;
  }
}

function decodeQuoted(text: string): Uint8Array | undefined {
  const bytes: number[] = [];
  for (let i = 0; i < text.length; i++) {
    let code = text.charCodeAt(i);
    if (code === 0x5f) code = 0x20;
    if (code === 0x3d) {
      code = hexDigit(text.charCodeAt(i + 1)) * 16 + hexDigit(text.charCodeAt(i + 2));
      if (Number.isNaN(code)) return undefined;
      i += 2;
    }
    bytes.push(code);
  }
  return Uint8Array.from(bytes);
}
