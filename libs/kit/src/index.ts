// Configuration

// Addresses
export { type Address, AddressError, addressSetting, formatAddress, isLoopback, parseAddress } from "./address.ts";
// Life cycle
export { closeOnce } from "./close-once.ts";
export { baseConfigShape } from "./config/base.ts";
export {
  ConfigError,
  type ConfigProblem,
  type ConfigProblemCode,
  type ConfigSource,
  formatSource,
} from "./config/errors.ts";
export { type ConfigOutcome, type ConfigRequest, loadConfig, type ResolvedSetting } from "./config/load.ts";
export { nearest } from "./config/nearest.ts";
export { type ConfigDocumentation, renderConfigTable, renderHelp, renderManual } from "./config/render.ts";
export { describeSettings, envName, flagName, type Setting, type SettingKind } from "./config/settings.ts";
// Files and secrets
export { FileError, type FileErrorCode, readJsonFile, writeFileAtomic } from "./files.ts";
// HTTP
export { type AdminOptions, type AdminServer, type ReadinessCheck, startAdmin } from "./http/admin.ts";
export {
  callHook,
  HOOK_SIGNATURE_HEADER,
  type HookOptions,
  type HookProblem,
  type HookResult,
  signHook,
  verifyHook,
} from "./http/call-hook.ts";
export type { HttpRequest, HttpResponse } from "./http/http-exchange.ts";
export { type HttpListenerOptions, listenHttp } from "./http/listen-http.ts";
export { HttpError, sendError, sendJson } from "./http/reply.ts";
export {
  bearerToken,
  createRouter,
  type HttpMethod,
  type Reply,
  type RouteHandler,
  type RouteRequest,
  type Router,
  type RouterOptions,
  readBody,
  readJson,
  requireBearer,
} from "./http/router.ts";
export { type StaticHandler, type StaticOptions, serveStatic } from "./http/serve-static.ts";
export { checkAdminAccess, readSinglePage } from "./http/single-page.ts";
// Logging
export { createLogger, type LogFields, type Logger, type LoggerOptions, type LogLevel } from "./log/logger.ts";
export { FileDescriptorSink, type LogSink } from "./log/sink.ts";
// Metrics
export type {
  Counter,
  CounterSeries,
  Gauge,
  GaugeSeries,
  Histogram,
  HistogramSeries,
  Labels,
} from "./metrics/metric.ts";
export { registerProcessMetrics } from "./metrics/process.ts";
export { DEFAULT_BUCKETS_S, METRICS_CONTENT_TYPE, Metrics } from "./metrics/registry.ts";
// Listeners
export { type ConnectionLimits, networkOf } from "./net/connection-ledger.ts";
export { ListenError, type ListenErrorCode } from "./net/listen.ts";
export { type Listener, listenTcp, type TcpListenerOptions } from "./net/listen-tcp.ts";
export { readListenerTls, readPem, TlsFileError, type TlsListenerSettings } from "./net/pem-files.ts";
export { type EndWatcher, readIntoShared, SocketWire, unsentBytesOf, type Wire, watchEnd } from "./net/socket-wire.ts";
export { EXIT_CODES, type RunMainOptions, type RunningPart, runMain, type StartContext } from "./run-main.ts";
export { type PartRequest, runPart } from "./run-part.ts";
export {
  equalSecret,
  hashSecret,
  randomToken,
  signToken,
  type TokenKey,
  type TokenProblem,
  type TokenResult,
  verifyToken,
} from "./secrets.ts";
export { systemClock } from "./system-clock.ts";
