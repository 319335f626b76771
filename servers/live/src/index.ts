// Running the server
export { configSchema, type LiveConfig } from "./config.ts";
export { LiveError, type LiveErrorCode } from "./errors.ts";
export { livePart } from "./part.ts";
// RTMP from the client's side, without a socket
export { type RtmpClientEvent, type RtmpClientOptions, RtmpClientSession } from "./protocol/rtmp/index.ts";
export { LIVE_VERSION, type LiveServer, startLiveServer } from "./server.ts";
