import { S3Error } from "../errors.ts";

// A byte-order mark is part of a key like any other character.
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Decodes `%XX` of a raw path or query. `raw` holds one byte a character, as `node:http` gives it; the bytes must be
 * UTF-8 without NUL.
 *
 * @param plusIsSpace In queries only: a `+` of a path is a plus.
 * @throws S3Error InvalidURI for a broken escape, for what is not UTF-8, and for NUL.
 */
export function decodePercent(raw: string, plusIsSpace: boolean): string {
  for (let i = 0; i < raw.length; i++) {
    const code = raw.charCodeAt(i);
    if (code === 0x25 || code >= 0x80 || code === 0 || (plusIsSpace && code === 0x2b)) {
      return decodeSlowly(plusIsSpace ? raw.replaceAll("+", " ") : raw);
    }
  }
  return raw;
}

function decodeSlowly(raw: string): string {
  let text: string;
  try {
    text = isAscii(raw) ? decodeURIComponent(raw) : utf8.decode(decodeBytes(raw));
  } catch (cause) {
    throw new S3Error("InvalidURI", { cause });
  }
  if (text.includes("\0")) throw new S3Error("InvalidURI");
  return text;
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) >= 0x80) return false;
  return true;
}

function decodeBytes(raw: string): Uint8Array {
  const bytes = new Uint8Array(raw.length);
  let length = 0;
  for (let i = 0; i < raw.length; i++) {
    let code = raw.charCodeAt(i);
    if (code > 0xff) throw new RangeError(`Cannot decode "${raw}": character ${i} is no byte`);
    if (code === 0x25) {
      code = hexDigit(raw.charCodeAt(i + 1)) * 16 + hexDigit(raw.charCodeAt(i + 2));
      if (!(code >= 0)) throw new RangeError(`Cannot decode "${raw}": the escape at ${i} is broken`);
      i += 2;
    }
    bytes[length++] = code;
  }
  return bytes.subarray(0, length);
}

/** The value of a hexadecimal digit given by its character code; NaN of any other character. */
export function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : Number.NaN;
}

/** How many bytes `text` takes in UTF-8; a lone surrogate counts as the replacement character that would be written. */
export function utf8Length(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x80) continue;
    bytes += code < 0x800 ? 1 : 2;
    if (code >= 0xd800 && code < 0xdc00) {
      const next = text.charCodeAt(i + 1);
      if (next >= 0xdc00 && next < 0xe000) {
        // Two units make four bytes: two were counted for the units, two above for the first.
        i++;
      }
    }
  }
  return bytes;
}
