// What all proxies agree on

// Running the proxy
export { type CacheproxyConfig, configSchema } from "./config.ts";
export type {
  Cluster,
  ClusterConfig,
  Ejection,
  Move,
  Placement,
  Pool,
  PoolOptions,
  Route,
  ServerSpec,
} from "./engine/cluster.ts";
// The inner language
export type {
  Exchange,
  ExchangeFailure,
  ExchangeResult,
  MetaReply,
  MetaRequest,
  MetaVerb,
  ServerRef,
} from "./engine/meta.ts";
export { type Access, type Patience, type PoolPolicy, SLOW } from "./engine/pool-policy.ts";
export { CacheproxyError, type CacheproxyErrorCode } from "./errors.ts";
export { cacheproxyPart, runCacheproxy } from "./part.ts";
export { type CacheproxyServer, startCacheproxyServer } from "./server.ts";
