// The server's side of a connection, and media for players.

export {
  AmfDate,
  type AmfDecoded,
  AmfDictionary,
  AmfEcmaArray,
  type AmfFailure,
  type AmfFailureCode,
  type AmfLimits,
  type AmfObject,
  AmfTypedObject,
  type AmfValue,
  AmfVector,
  AmfXml,
  amfObject,
  amfProperties,
  DEFAULT_AMF_LIMITS,
} from "./amf-value.ts";
export { decodeAmf0, decodeAmf0Sequence, encodeAmf0 } from "./amf0.ts";
export { decodeAmf3 } from "./amf3.ts";
export { encodeAmf3 } from "./amf3-encode.ts";
export { ChunkReader, type RtmpMessage } from "./chunk-reader.ts";
export { ChunkWriter, type OutgoingMessage } from "./chunk-writer.ts";
// The client's side of a connection.
export type {
  ClientConnectedEvent,
  ClientDataEvent,
  ClientEndedEvent,
  ClientMediaEvent,
  ClientMetadataEvent,
  ClientReadyEvent,
  ClientReconnectEvent,
  ClientStatusEvent,
  RtmpClientEvent,
} from "./client-events.ts";
export { type RtmpClientOptions, RtmpClientSession } from "./client-session.ts";
// Enhanced RTMP flags.
export { CAPS_EX, FOUR_CC_INFO } from "./commands.ts";
export type { RtmpFailure, RtmpFailureCode } from "./errors.ts";
// Below the sessions: handshake, chunks, AMF.
export { type DigestScheme, HANDSHAKE_BYTES, type RandomBytes } from "./handshake.ts";

// Limits and failures.
export { type ChunkLimits, DEFAULT_RTMP_LIMITS, type RtmpLimits } from "./limits.ts";
export {
  AUDIO_MESSAGE_TYPE,
  encodeMediaMessage,
  type MediaMessage,
  mediaMessageSize,
  PLAY_CHUNK_BYTES,
  PLAY_STREAM_ID,
  VIDEO_MESSAGE_TYPE,
  writeMediaMessage,
} from "./media-message.ts";
export type {
  AckEvent,
  ConnectEvent,
  DataEvent,
  ErrorEvent,
  MediaEvent,
  MetadataEvent,
  PauseEvent,
  PlayEvent,
  PublishEvent,
  RtmpEvent,
  StopEvent,
  UnpublishEvent,
} from "./server-events.ts";
export type { AcceptPlayOptions, RtmpServerOptions } from "./server-options.ts";
export { RtmpServerSession } from "./server-session.ts";
