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
