// Running the server
export { configSchema, type LiveConfig } from "./config.ts";
export { LiveError, type LiveErrorCode } from "./errors.ts";
export { livePart } from "./part.ts";
export { privacyUnavailableReason } from "./privacy-host.ts";
export { type LiveServer, startLiveServer } from "./server.ts";
