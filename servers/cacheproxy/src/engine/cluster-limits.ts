/** How large a cluster may be; the agreed document, with a move under way, must fit into one value of Consul (512 KiB). */
export const CLUSTER_LIMITS = {
  pools: 64,
  serversPerPool: 256,
  /** Over all pools. */
  servers: 1_024,
  routes: 512,
  /** In bytes; no key is longer. */
  prefixBytes: 250,
  weight: 1_000,
  nameCharacters: 64,
} as const;
