import { signedByte } from "./key-hash.ts";

/*
 * FNV as libmemcached, twemproxy and pecl memcache have it: 32 bits come out of all four, and bytes are signed. The low half of a
 * product depends on nothing but the low halves, so the 64-bit ones are the 32-bit ones with the low halves of the
 * 64-bit offset (0xcbf29ce484222325) and prime (0x100000001b3).
 */
const OFFSET_32 = 0x811c9dc5;
const PRIME_32 = 0x01000193;
const OFFSET_64_LOW = 0x84222325;
const PRIME_64_LOW = 0x1b3;

/** FNV-1, 32 bits, of signed bytes. */
export function fnv1Of32(bytes: Uint8Array, start: number, end: number): number {
  let hash = OFFSET_32;
  for (let i = start; i < end; i++) hash = Math.imul(hash, PRIME_32) ^ signedByte(bytes[i] as number);
  return hash >>> 0;
}

/** FNV-1a, 32 bits, of signed bytes. */
export function fnv1aOf32(bytes: Uint8Array, start: number, end: number): number {
  let hash = OFFSET_32;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ signedByte(bytes[i] as number), PRIME_32);
  return hash >>> 0;
}

/** The low 32 bits of 64-bit FNV-1 of signed bytes. */
export function fnv1Of64(bytes: Uint8Array, start: number, end: number): number {
  let hash = OFFSET_64_LOW;
  for (let i = start; i < end; i++) hash = Math.imul(hash, PRIME_64_LOW) ^ signedByte(bytes[i] as number);
  return hash >>> 0;
}

/** The low 32 bits of 64-bit FNV-1a of signed bytes. */
export function fnv1aOf64(bytes: Uint8Array, start: number, end: number): number {
  let hash = OFFSET_64_LOW;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ signedByte(bytes[i] as number), PRIME_64_LOW);
  return hash >>> 0;
}
