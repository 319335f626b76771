export type { SkimmerHandlers } from "./client.ts";
export { encodeClientFrame, WebSocketSkimmer } from "./client.ts";
export {
  binaryFrameHeader,
  binaryHeaderSize,
  CONTROL_LIMIT_BYTES,
  encodeClose,
  encodeFrame,
  encodePing,
  encodePong,
  encodeText,
  isCloseCode,
  OPCODE,
  writeBinaryHeader,
  writeHeader,
} from "./frame.ts";
export type { UpgradeRefusalCode, UpgradeRequest, UpgradeResult } from "./handshake.ts";
export { acceptKey, answerUpgrade, encodeUpgradeRequest } from "./handshake.ts";
export type { WebSocketEvent, WebSocketLimits, WebSocketViolationCode } from "./reader.ts";
export { DEFAULT_WEBSOCKET_LIMITS, WebSocketReader } from "./reader.ts";
export { sha1 } from "./sha1.ts";
