import { crc32c } from "@node-rs/crc32";
import { CHUNK_BYTES } from "../protocol/volume/index.ts";

/** The checksums of a body, one for each 64 KiB, as they stand behind it: 4 bytes each, little-endian. */
export function chunkChecksums(body: Uint8Array): Buffer {
  const out = Buffer.allocUnsafe(4 * Math.ceil(body.length / CHUNK_BYTES));
  for (let i = 0, at = 0; at < body.length; i += 4, at += CHUNK_BYTES) {
    out.writeUInt32LE(crc32c(body.subarray(at, at + CHUNK_BYTES)), i);
  }
  return out;
}

/** Checksum of one chunk. */
export function chunkChecksum(chunk: Uint8Array): number {
  return crc32c(chunk);
}

/** Whether stored bytes are what the checksums behind them say. */
export function areChecksumsGood(rest: Uint8Array, storedBytes: number): boolean {
  const count = Math.ceil(storedBytes / CHUNK_BYTES);
  if (rest.length < storedBytes + 4 * count) return false;
  const table = new DataView(rest.buffer, rest.byteOffset + storedBytes, 4 * count);
  for (let i = 0; i < count; i++) {
    const chunk = rest.subarray(i * CHUNK_BYTES, Math.min(storedBytes, (i + 1) * CHUNK_BYTES));
    if (crc32c(chunk) !== table.getUint32(4 * i, true)) return false;
  }
  return true;
}
