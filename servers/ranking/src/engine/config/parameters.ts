import { choice, integer, MAX_MEMORY, memory, memoryOrPercent, type Parameter, text, yesNo } from "./parameter.ts";
import {
  NOTIFY_PARAMETER,
  OUTPUT_LIMIT_PARAMETER,
  PERCENTILES_PARAMETER,
  SAVE_PARAMETER,
} from "./special-parameters.ts";

const MAX_LONG = 0x7fff_ffff_ffff_ffffn;
const U32 = 4_294_967_295;
const IMMUTABLE = { isImmutable: true } as const;

/** As `maxmemory-policy` names them, in Redis's order. */
export const EVICTION_POLICIES = [
  "volatile-lru",
  "volatile-lfu",
  "volatile-random",
  "volatile-ttl",
  "allkeys-lru",
  "allkeys-lfu",
  "allkeys-random",
  "noeviction",
] as const;

export type EvictionPolicy = (typeof EVICTION_POLICIES)[number];

/** A switch of a feature that is always as it is here: dashboards ask for it, nothing changes it. */
const fixed = (name: string, value: string): Parameter => text(name, value, IMMUTABLE);

/**
 * Every parameter there is, with Redis's names, defaults and limits. What Redis has for replication, clusters, TLS and its
 * own allocator means nothing here and is not known. The limits of encodings are fixed: they decide nothing here but what
 * OBJECT ENCODING says, and that is tested against Redis's defaults.
 */
export const PARAMETERS: readonly Parameter[] = [
  // Memory
  memory("maxmemory", 0, 0, 0xffff_ffff_ffff_ffffn),
  choice("maxmemory-policy", "noeviction", EVICTION_POLICIES),
  integer("maxmemory-samples", 5, 1),
  integer("maxmemory-eviction-tenacity", 10, 0, 100),
  memoryOrPercent("maxmemory-clients", "0"),
  integer("lfu-log-factor", 10, 0),
  integer("lfu-decay-time", 1, 0),
  yesNo("lazyfree-lazy-eviction", "no"),
  yesNo("lazyfree-lazy-expire", "no"),
  yesNo("lazyfree-lazy-server-del", "no"),
  yesNo("lazyfree-lazy-user-del", "no"),
  yesNo("lazyfree-lazy-user-flush", "no"),
  yesNo("activedefrag", "no", IMMUTABLE),
  yesNo("activerehashing", "yes"),
  // Files
  yesNo("appendonly", "no"),
  choice("appendfsync", "everysec", ["everysec", "always", "no"]),
  text("appendfilename", "appendonly.aof", IMMUTABLE),
  text("appenddirname", "appendonlydir", IMMUTABLE),
  yesNo("no-appendfsync-on-rewrite", "no"),
  yesNo("aof-load-truncated", "yes"),
  yesNo("aof-use-rdb-preamble", "yes"),
  integer("auto-aof-rewrite-percentage", 100, 0),
  memory("auto-aof-rewrite-min-size", 67_108_864, 0, MAX_MEMORY),
  SAVE_PARAMETER,
  yesNo("stop-writes-on-bgsave-error", "yes"),
  yesNo("rdbcompression", "yes"),
  yesNo("rdbchecksum", "yes", IMMUTABLE),
  text("dbfilename", "dump.rdb", { isProtected: true }),
  text("dir", ".", { isProtected: true }),
  text("aclfile", "", IMMUTABLE),
  integer("shutdown-timeout", 10, 0),
  // Connections
  integer("port", 6_379, 0, 65_535, IMMUTABLE),
  text("bind", "127.0.0.1 -::1", IMMUTABLE),
  text("unixsocket", "", IMMUTABLE),
  yesNo("protected-mode", "yes"),
  integer("tcp-backlog", 511, 0, undefined, IMMUTABLE),
  integer("tcp-keepalive", 300, 0),
  integer("timeout", 0, 0),
  integer("maxclients", 10_000, 1, U32),
  OUTPUT_LIMIT_PARAMETER,
  memory("client-query-buffer-limit", 1_073_741_824, 1_048_576, MAX_LONG),
  memory("proto-max-bulk-len", 536_870_912, 1_048_576, MAX_LONG),
  text("requirepass", "", { isSecret: true }),
  choice("acl-pubsub-default", "resetchannels", ["allchannels", "resetchannels"]),
  integer("acllog-max-len", 128, 0, MAX_LONG),
  // The server
  integer("databases", 16, 1, undefined, IMMUTABLE),
  integer("hz", 10, 0),
  yesNo("dynamic-hz", "yes"),
  NOTIFY_PARAMETER,
  integer("slowlog-log-slower-than", 10_000, -1, MAX_LONG),
  integer("slowlog-max-len", 128, 0, MAX_LONG),
  integer("latency-monitor-threshold", 0, 0, MAX_LONG),
  yesNo("latency-tracking", "yes"),
  PERCENTILES_PARAMETER,
  integer("busy-reply-threshold", 5_000, 0, MAX_LONG, { alias: "lua-time-limit" }),
  integer("active-expire-effort", 1, 1, 10),
  choice("loglevel", "notice", ["debug", "verbose", "notice", "warning"]),
  text("logfile", "", IMMUTABLE),
  choice("enable-debug-command", "no", ["no", "yes", "local"], IMMUTABLE),
  choice("enable-protected-configs", "no", ["no", "yes", "local"], IMMUTABLE),
  choice("sanitize-dump-payload", "no", ["no", "yes", "clients"]),
  // What decides OBJECT ENCODING
  integer("hash-max-listpack-entries", 512, 0, MAX_LONG, { ...IMMUTABLE, alias: "hash-max-ziplist-entries" }),
  memory("hash-max-listpack-value", 64, 0, MAX_LONG, { ...IMMUTABLE, alias: "hash-max-ziplist-value" }),
  integer("list-max-listpack-size", -2, -5, undefined, { ...IMMUTABLE, alias: "list-max-ziplist-size" }),
  integer("list-compress-depth", 0, 0, undefined, IMMUTABLE),
  integer("set-max-intset-entries", 512, 0, MAX_LONG, IMMUTABLE),
  integer("zset-max-listpack-entries", 128, 0, MAX_LONG, { ...IMMUTABLE, alias: "zset-max-ziplist-entries" }),
  memory("zset-max-listpack-value", 64, 0, MAX_LONG, { ...IMMUTABLE, alias: "zset-max-ziplist-value" }),
  memory("hll-sparse-max-bytes", 3_000, 0, MAX_LONG, IMMUTABLE),
  // What dashboards and clients ask for
  fixed("cluster-enabled", "no"),
  fixed("daemonize", "no"),
  fixed("io-threads", "1"),
  fixed("replicaof", ""),
  fixed("slaveof", ""),
  fixed("supervised", "no"),
  fixed("replica-read-only", "yes"),
  fixed("slave-read-only", "yes"),
  fixed("repl-backlog-size", "1048576"),
  fixed("min-replicas-to-write", "0"),
];
