// Big-endian integers at an offset. They check no bounds: the caller has compared the length once, before
// a run of reads. A read past the end gives a meaningless number, never a throw; a write past it does nothing.

/** Unsigned 16-bit big-endian number at `offset`. The caller has checked the bounds. */
export function readU16(bytes: Uint8Array, offset: number): number {
  return ((bytes[offset] as number) << 8) | (bytes[offset + 1] as number);
}

/** Unsigned 24-bit big-endian number at `offset`. The caller has checked the bounds. */
export function readU24(bytes: Uint8Array, offset: number): number {
  return ((bytes[offset] as number) << 16) | ((bytes[offset + 1] as number) << 8) | (bytes[offset + 2] as number);
}

/** Signed (two's complement) 24-bit big-endian number at `offset`. The caller has checked the bounds. */
export function readI24(bytes: Uint8Array, offset: number): number {
  return (readU24(bytes, offset) << 8) >> 8;
}

/** Unsigned 32-bit big-endian number at `offset`. The caller has checked the bounds. */
export function readU32(bytes: Uint8Array, offset: number): number {
  return ((readU16(bytes, offset) << 16) | readU16(bytes, offset + 2)) >>> 0;
}

/** Unsigned 64-bit big-endian number at `offset`, exact up to 2^53. The caller has checked the bounds. */
export function readU64(bytes: Uint8Array, offset: number): number {
  return readU32(bytes, offset) * 0x1_0000_0000 + readU32(bytes, offset + 4);
}

/** Writes the low 16 bits of `value` big-endian and returns the offset after them. */
export function writeU16(bytes: Uint8Array, offset: number, value: number): number {
  bytes[offset] = value >>> 8;
  bytes[offset + 1] = value;
  return offset + 2;
}

/** Writes the low 24 bits of `value` big-endian (two's complement if negative) and returns the offset after them. */
export function writeU24(bytes: Uint8Array, offset: number, value: number): number {
  bytes[offset] = value >>> 16;
  bytes[offset + 1] = value >>> 8;
  bytes[offset + 2] = value;
  return offset + 3;
}

/** Writes the low 32 bits of `value` big-endian (two's complement if negative) and returns the offset after them. */
export function writeU32(bytes: Uint8Array, offset: number, value: number): number {
  bytes[offset] = value >>> 24;
  bytes[offset + 1] = value >>> 16;
  bytes[offset + 2] = value >>> 8;
  bytes[offset + 3] = value;
  return offset + 4;
}

/** Writes a non-negative integer up to 2^53 as 64 bits big-endian and returns the offset after them. */
export function writeU64(bytes: Uint8Array, offset: number, value: number): number {
  writeU32(bytes, offset, Math.floor(value / 0x1_0000_0000));
  return writeU32(bytes, offset + 4, value % 0x1_0000_0000);
}
