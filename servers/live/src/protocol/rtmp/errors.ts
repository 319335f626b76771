import type { HandshakeFailureCode } from "./handshake.ts";

/** `code` is API: never renamed, never reused. Each of them ends the connection. */
export type RtmpFailureCode =
  | HandshakeFailureCode
  | "RTMP_CHUNK_HEADER_MISSING"
  | "RTMP_CHUNK_SIZE_INVALID"
  | "RTMP_CHUNK_STREAM_LIMIT"
  | "RTMP_MESSAGE_LIMIT"
  | "RTMP_PARTIAL_LIMIT"
  | "RTMP_CONTROL_MALFORMED"
  | "RTMP_COMMAND_MALFORMED"
  | "RTMP_COMMAND_FLOOD"
  | "RTMP_CONNECT_EXPECTED"
  | "RTMP_CONNECT_REFUSED"
  | "RTMP_STREAM_REFUSED"
  | "RTMP_AGGREGATE_MALFORMED"
  | "RTMP_UNDECIDED_LIMIT"
  | "RTMP_HANDSHAKE_TIMEOUT"
  | "RTMP_CONNECT_TIMEOUT"
  | "RTMP_IDLE_TIMEOUT"
  | "RTMP_PEER_SILENT";

/** Why a connection cannot go on. The message says what, where and how to mend it. */
export interface RtmpFailure {
  readonly code: RtmpFailureCode;
  readonly message: string;
}
