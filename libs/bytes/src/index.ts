// Text

// Bits
export { BitReader } from "./bit-reader.ts";
export { BitWriter } from "./bit-writer.ts";
// Whole arrays
export { concatBytes, equalBytes } from "./byte-arrays.ts";
// Checksums
export { crc32c } from "./crc32c.ts";
// Integers at an offset
export {
  readI24,
  readU16,
  readU24,
  readU32,
  readU64,
  writeU16,
  writeU24,
  writeU32,
  writeU64,
} from "./fixed-integers.ts";
export { fromHex, toHex } from "./hex.ts";
// Memory
export { SlabAllocator } from "./slab-allocator.ts";
