// The proxy in this process, and clients by hand
export { type LogLine, startTestProxy, type TestProxy } from "./test-proxy.ts";
export { TextClient } from "./text-client.ts";
