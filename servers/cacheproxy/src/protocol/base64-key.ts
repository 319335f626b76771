/**
 * Keys in base64 as memcached reads them (flag `b`): characters outside of the alphabet are skipped, the others must
 * come in fours, everything after the first padding is ignored, and unused bits need not be zero. So several spellings
 * mean one key, and the proxy must know which, or it would look for it on different servers.
 */

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const PADDING = 61;
const SKIPPED = 255;

const VALUES = new Uint8Array(256).fill(SKIPPED);
const CHARACTERS = new Uint8Array(64);
for (let i = 0; i < 64; i++) {
  CHARACTERS[i] = ALPHABET.charCodeAt(i);
  VALUES[ALPHABET.charCodeAt(i)] = i;
}
VALUES[PADDING] = 0;

/**
 * Decodes `bytes[start, end)` to the begin of `target`, which must have room for three quarters of them.
 *
 * @returns How many bytes the key has; 0 if memcached says "error decoding key".
 */
export function decodeBase64Key(bytes: Uint8Array, start: number, end: number, target: Uint8Array): number {
  let count = 0;
  for (let at = start; at < end; at++) {
    if (VALUES[bytes[at] as number] !== SKIPPED) count++;
  }
  if (count % 4 !== 0) return 0;

  let length = 0;
  let inBlock = 0;
  let block = 0;
  let padding = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at] as number;
    const value = VALUES[byte] as number;
    if (value === SKIPPED) continue;
    if (byte === PADDING) padding++;
    block = (block << 6) | value;
    if (++inBlock < 4) continue;
    target[length++] = block >> 16;
    target[length++] = block >> 8;
    target[length++] = block;
    if (padding > 0) return padding > 2 ? 0 : length - padding;
    inBlock = 0;
    block = 0;
  }
  return length;
}

/** Encodes a key as memcached does where it returns one (`k` of a request with `b`). */
export function encodeBase64Key(key: Uint8Array): Uint8Array {
  const encoded = new Uint8Array(Math.ceil(key.length / 3) * 4);
  let length = 0;
  for (let at = 0; at < key.length; at += 3) {
    const left = key.length - at;
    const block = ((key[at] as number) << 16) | ((key[at + 1] ?? 0) << 8) | (key[at + 2] ?? 0);
    encoded[length++] = CHARACTERS[block >> 18] as number;
    encoded[length++] = CHARACTERS[(block >> 12) & 63] as number;
    encoded[length++] = left > 1 ? (CHARACTERS[(block >> 6) & 63] as number) : PADDING;
    encoded[length++] = left > 2 ? (CHARACTERS[block & 63] as number) : PADDING;
  }
  return encoded;
}

/** Whether a key can be written as it is in the text and meta protocols: 1 to 250 bytes, no space, LF or NUL. */
export function isPlainKey(key: Uint8Array): boolean {
  if (key.length === 0 || key.length > 250) return false;
  for (const byte of key) {
    if (byte === 32 || byte === 10 || byte === 0) return false;
  }
  return true;
}
