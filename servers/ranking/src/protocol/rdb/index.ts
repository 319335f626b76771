// Redis RDB files and DUMP payloads

// Checksum
export { Crc64 } from "./crc64.ts";
// DUMP and RESTORE
export { type DumpReading, DumpWriter, readDump } from "./dump.ts";
// Values
export {
  RDB_VERSION,
  RDB_VERSION_MAX,
  RDB_VERSION_MIN,
  RdbError,
  type RdbKeyAttributes,
  type RdbValue,
} from "./format.ts";
// Reading files
export {
  type RdbEntry,
  type RdbItem,
  RdbReader,
  type RdbReaderOptions,
  type RdbSkipped,
  readRdb,
} from "./reader.ts";
export type { UnkeptValue } from "./value-reader.ts";
// Writing files
export { type RdbContainer, type RdbHeader, RdbWriter, type RdbWriterOptions } from "./writer.ts";
