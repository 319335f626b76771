// Streams
export {
  type Clip,
  type ClipMessage,
  type ClipOptions,
  clipArgs,
  encodeClip,
  fixtureClip,
  readClip,
  repeatMedia,
  shiftMessages,
} from "./clip.ts";
export { type Decoded, type DecodedFrame, type DecodeOptions, decode, parseFrameMd5, probe } from "./decode.ts";
export { FakeFilterHost, type FakeFilterStream } from "./fake-filter-host.ts";
// Peers
export { RtmpPeer, type RtmpPeerOptions } from "./rtmp-peer.ts";
// The server
export { type HttpAnswer, type LogLine, OPERATOR_TOKEN, startTestServer, type TestServer } from "./server.ts";
export { type ToldMessage, WsViewer } from "./ws-viewer.ts";
