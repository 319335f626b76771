// What all proxies agree on
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
export { type Access, type PoolPolicy, SLOW } from "./engine/pool-policy.ts";
