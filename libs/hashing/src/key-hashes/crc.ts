const CRC_32 = crc32Table();
const CRC_16 = crc16Table();

/** CRC-32 (IEEE 802.3, as in zlib); twemproxy's `crc32a`. */
export function crc32(bytes: Uint8Array, start: number, end: number): number {
  let crc = -1;
  for (let i = start; i < end; i++) crc = (crc >>> 8) ^ (CRC_32[(crc ^ (bytes[i] as number)) & 0xff] as number);
  return ~crc >>> 0;
}

/** What libmemcached and twemproxy call `crc` and `crc32`: 15 bits out of the middle of CRC-32, 0 to 32,767. */
export function crc32Of15Bits(bytes: Uint8Array, start: number, end: number): number {
  return (crc32(bytes, start, end) >>> 16) & 0x7fff;
}

/**
 * twemproxy's `crc16`: CRC-16 with the polynomial 0x1021 (XMODEM) in the lower half. What a real CRC-16 shifts out stays
 * in the upper half, because twemproxy keeps the register in 32 bits.
 */
export function crc16(bytes: Uint8Array, start: number, end: number): number {
  let crc = 0;
  for (let i = start; i < end; i++) {
    crc = (crc << 8) ^ (CRC_16[((crc >>> 8) ^ (bytes[i] as number)) & 0xff] as number);
  }
  return crc >>> 0;
}

function crc32Table(): Int32Array {
  return Int32Array.from({ length: 256 }, (_, byte) => {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
    return crc;
  });
}

function crc16Table(): Uint16Array {
  return Uint16Array.from({ length: 256 }, (_, byte) => {
    let crc = byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = ((crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0)) & 0xffff;
    return crc;
  });
}
