export { BatchDecoder, type BatchDecoderOptions, MAX_BATCH_BYTES, type StreamEvent } from "./batch-decoder.ts";
export {
  type Crc32c,
  encodeFrameHeader,
  FRAME_HEADER_BYTES,
  FRAME_KINDS,
  FrameDecoder,
  type FrameKind,
  MAX_FRAME_BYTES,
  ReplicaStreamError,
} from "./frames.ts";
export {
  type BatchEnd,
  encodeMessage,
  encodeWireRecord,
  type Heartbeat,
  MAX_DAMAGED_TOLD,
  type ReplicaHello,
  type StreamEnd,
  type WireRecord,
} from "./messages.ts";
