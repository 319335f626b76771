// Names and values
export {
  algorithmOfHeader,
  CHECKSUM_ALGORITHMS,
  type ChecksumType,
  checksumHeader,
  checksumTypeOf,
  decodeChecksum,
  parseAlgorithm,
} from "./algorithms.ts";
// Uploads
export { type CrcName, type CrcOfPart, combineCrcs } from "./crc-combine.ts";
// Requests
export { checkChecksum, contentMd5Of, type RequestChecksum, requestChecksumOf } from "./request-checksums.ts";
export { combineChecksums, type PartToCombine } from "./upload-checksums.ts";
