// Records
export {
  CHUNK_BYTES,
  decodeHead,
  encodeHead,
  FIRST_OF_COMMIT,
  FIXED_BYTES,
  headBytesOf,
  IN_BLOB,
  KEEP_OLDER,
  MARKER,
  MAX_KEY_BYTES,
  MAX_METADATA_BYTES,
  NULL_VERSION,
  peekHeadBytes,
  RECORD_KINDS,
  type RecordHead,
  recordBytesOf,
} from "./record.ts";
// Volumes
export {
  decodeVolumeHeader,
  encodeVolumeHeader,
  type GroupInfo,
  VOLUME_HEADER_BYTES,
  type VolumeHeader,
} from "./volume-header.ts";
