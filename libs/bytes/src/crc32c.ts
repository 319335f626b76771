// Eight tables, so that eight bytes are taken at a step ("slicing by 8"): table `t` holds what a byte does to the checksum
// when `t` zero bytes follow it. They lie in one array, table after table.
const POLYNOMIAL = 0x82f6_3b78; // 0x1edc6f41 with its bits in reverse
const TABLES = makeTables();

/**
 * CRC-32C (Castagnoli) of `bytes[start, end)`. Runs on every record of a log, so it allocates nothing.
 *
 * @param before Checksum of the bytes that came before, to go on from; 0 at the beginning.
 * @throws RangeError if the range is not within `bytes`.
 * @see RFC 3720 §12.1 and its example values in appendix B.4
 */
export function crc32c(bytes: Uint8Array, start: number, end: number, before = 0): number {
  if (start < 0 || end > bytes.length) {
    throw new RangeError(`Cannot checksum bytes ${start} to ${end}: only ${bytes.length} given`);
  }
  const tables = TABLES;
  let crc = ~before;
  let i = start;
  // In range: `end` was checked above, and the tables cover every byte.
  for (const stop = end - 7; i < stop; i += 8) {
    crc ^= bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
    crc =
      tables[1792 + (crc & 0xff)]! ^
      tables[1536 + ((crc >>> 8) & 0xff)]! ^
      tables[1280 + ((crc >>> 16) & 0xff)]! ^
      tables[1024 + (crc >>> 24)]! ^
      tables[768 + bytes[i + 4]!]! ^
      tables[512 + bytes[i + 5]!]! ^
      tables[256 + bytes[i + 6]!]! ^
      tables[bytes[i + 7]!]!;
  }
  for (; i < end; i++) crc = (crc >>> 8) ^ tables[(crc ^ bytes[i]!) & 0xff]!;
  return ~crc >>> 0;
}

function makeTables(): Int32Array {
  const tables = new Int32Array(8 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    tables[byte] = crc;
  }
  for (let i = 256; i < tables.length; i++) {
    const before = tables[i - 256]!;
    tables[i] = (before >>> 8) ^ tables[before & 0xff]!;
  }
  return tables;
}
