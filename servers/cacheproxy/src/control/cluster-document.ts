import { AddressError, formatAddress, parseAddress } from "@kagami/kit";
import { z } from "zod";
import type { Placement, PoolOptions, Route, ServerSpec } from "../engine/cluster.ts";
import { type ClusterProblem, checkClusterConfig } from "../engine/cluster-check.ts";
import type { DesiredCluster, DesiredPool } from "../engine/cluster-desired.ts";
import { CLUSTER_LIMITS } from "../engine/cluster-limits.ts";

/** What pools that say nothing about it get. */
export interface PoolDefaults {
  readonly timeoutMs: number;
  readonly failureLimit: number;
  readonly recoveryLimit: number;
  /** Whether servers written as `host:port` are spoken to over TLS. */
  readonly tls: boolean;
}

/** The text is no usable list of pools and routes; `problems` has every reason with its place. */
export class ClusterDocumentError extends Error {
  override readonly name = "ClusterDocumentError";
  readonly code = "CLUSTER_CONFIG_INVALID";
  readonly problems: readonly ClusterProblem[];

  constructor(source: string, problems: readonly ClusterProblem[]) {
    const lines = problems.slice(0, 20).map(({ place, message }) => `  ${place}: ${message}`);
    super(`Cannot use the pools and routes of ${source}:\n${lines.join("\n")}`);
    this.problems = problems;
  }
}

const SERVER_TEXT = /^(.+:\d{1,5})(?:=(\d{1,9}))?$/;

/** `host:port` or `host:port=weight`. */
export const serverTextSchema = z
  .string()
  .refine((text) => serverTextProblem(text) === undefined, {
    error: (issue) => serverTextProblem(String(issue.input)),
    // What checks several settings together reads it.
    abort: true,
  })
  .meta({ placeholder: "host:port[=weight]" });

const serverSchema = z.union([
  serverTextSchema,
  z.strictObject({
    name: z.string().optional(),
    address: serverTextSchema,
    weight: z.number().optional(),
    tls: z.boolean().optional(),
  }),
]);

const placementKindSchema = z.enum([
  "slots",
  "libmemcached-ketama",
  "libmemcached-consistent",
  "libmemcached-modula",
  "twemproxy-ketama",
  "twemproxy-modula",
  "spymemcached-ketama",
  "pecl-consistent",
  "pymemcache-rendezvous",
]);

/** Another layout of a pool, as the admin API takes it. What is left out stays as it is. */
export const placementChangeSchema = z.strictObject({
  placement: placementKindSchema.optional(),
  hash: z.string().max(40).optional(),
  servers: z
    .array(serverSchema)
    .max(4 * CLUSTER_LIMITS.serversPerPool)
    .optional(),
});

export const poolSchema = z.strictObject({
  name: z.string(),
  placement: placementKindSchema.default("slots"),
  hash: z.string().max(40).optional(),
  servers: z
    .array(serverSchema)
    .max(4 * CLUSTER_LIMITS.serversPerPool)
    .optional(),
  service: z.string().min(1).max(200).optional(),
  move: z.boolean().default(false),
  timeoutMs: z.int().min(10).max(60_000).optional(),
  gutter: z.strictObject({ pool: z.string(), ttlSec: z.int().min(1).max(86_400).default(10) }).optional(),
  hotKeys: z
    .strictObject({ perSecond: z.int().min(1).max(10_000_000), replicas: z.int().min(2).max(8).default(2) })
    .optional(),
  shadow: z.strictObject({ pool: z.string(), fraction: z.number().min(0).max(1) }).optional(),
  bigValueBytes: z.int().min(1_024).max(1_048_576).optional(),
  failureLimit: z.int().min(1).max(100).optional(),
  recoveryLimit: z.int().min(1).max(100).optional(),
});

export const routeSchema = z.strictObject({ prefix: z.string(), pool: z.string() });

/** Pools and routes as they are written in Consul's KV store, and by the same names in the configuration file. */
export const clusterDocumentSchema = z.strictObject({
  pools: z.array(poolSchema).max(4 * CLUSTER_LIMITS.pools),
  routes: z
    .array(routeSchema)
    .max(4 * CLUSTER_LIMITS.routes)
    .default([]),
});

export type ClusterDocument = z.output<typeof clusterDocumentSchema>;

/** Reads `host:port[=weight]`; the text must have passed {@link serverTextSchema}. */
export function readServerText(text: string, tls: boolean): ServerSpec {
  const [, address = "", weight = "1"] = SERVER_TEXT.exec(text) ?? [];
  const { host, port } = parseAddress(address);
  return { name: formatAddress({ host, port }), host, port, weight: Number(weight), tls };
}

/** Reads one entry of a pool's `servers`. */
export function readServer(entry: z.output<typeof serverSchema>, defaults: Pick<PoolDefaults, "tls">): ServerSpec {
  if (typeof entry === "string") return readServerText(entry, defaults.tls);
  const server = readServerText(entry.address, entry.tls ?? defaults.tls);
  return { ...server, name: entry.name ?? server.name, weight: entry.weight ?? server.weight };
}

/**
 * Makes the cluster that a document asks for. Does not check it; see {@link checkDesired}.
 */
export function desiredCluster(document: ClusterDocument, defaults: PoolDefaults): DesiredCluster {
  const pools = document.pools.map((pool): DesiredPool => {
    const servers = (pool.servers ?? []).map((server) => readServer(server, defaults));
    const placement: Placement = {
      kind: pool.placement,
      ...(pool.hash === undefined ? {} : { hash: pool.hash }),
      servers,
    };
    const options: PoolOptions = {
      timeoutMs: pool.timeoutMs ?? defaults.timeoutMs,
      failureLimit: pool.failureLimit ?? defaults.failureLimit,
      recoveryLimit: pool.recoveryLimit ?? defaults.recoveryLimit,
      ...(pool.gutter ? { gutter: pool.gutter } : {}),
      ...(pool.hotKeys ? { hotKeys: pool.hotKeys } : {}),
      ...(pool.shadow ? { shadow: pool.shadow } : {}),
      ...(pool.bigValueBytes === undefined ? {} : { bigValueBytes: pool.bigValueBytes }),
    };
    return { name: pool.name, placement, options, move: pool.move, service: pool.service };
  });
  return { pools, routes: document.routes.length > 0 ? document.routes : defaultRoutes(pools) };
}

/** Without routes, the only pool that is no other's gutter or shadow has all keys. */
function defaultRoutes(pools: readonly DesiredPool[]): Route[] {
  const targets = new Set(
    pools.flatMap(({ name, options }) =>
      [options.gutter?.pool, options.shadow?.pool].filter((target) => target !== name),
    ),
  );
  const candidates = pools.filter((pool) => !targets.has(pool.name));
  return candidates.length === 1 && candidates[0] ? [{ prefix: "", pool: candidates[0].name }] : [];
}

/**
 * Everything wrong with what operators want. Pools of a Consul service are checked without their servers, which are not
 * known yet.
 *
 * @param hasConsul Whether services can be looked up.
 */
export function checkDesired(desired: DesiredCluster, hasConsul: boolean): ClusterProblem[] {
  const problems = checkClusterConfig({
    routes: desired.routes,
    pools: desired.pools.map((pool) => (pool.service === undefined ? pool : withStandIn(pool))),
  });
  for (const [index, pool] of desired.pools.entries()) {
    if (pool.service === undefined) continue;
    const place = `pools[${index}] "${pool.name}".service`;
    if (!hasConsul)
      problems.push({ place, message: "services are looked up in Consul; set --consul, or write servers" });
    if (pool.placement.servers.length > 0) {
      problems.push({ place, message: "the pool has servers too; write one of the two" });
    }
  }
  return problems;
}

function withStandIn(pool: DesiredPool): DesiredPool {
  const standIn = { name: "service", host: "127.0.0.1", port: 11_211, weight: 1, tls: false };
  const { hotKeys: _, ...options } = pool.options;
  const servers = pool.placement.servers.length > 0 ? pool.placement.servers : [standIn];
  return { ...pool, placement: { ...pool.placement, servers }, options };
}

/**
 * Reads a document, such as that in Consul's KV store.
 *
 * @param source What it is called in the error.
 * @throws ClusterDocumentError
 */
export function parseClusterDocument(
  text: string,
  source: string,
  defaults: PoolDefaults,
  hasConsul: boolean,
): DesiredCluster {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message.slice(0, 200) : "";
    throw new ClusterDocumentError(source, [{ place: "document", message: `it is not JSON: ${reason}` }]);
  }
  const parsed = clusterDocumentSchema.safeParse(json);
  if (!parsed.success) throw new ClusterDocumentError(source, parsed.error.issues.map(describeIssue));
  const desired = desiredCluster(parsed.data, defaults);
  const problems = checkDesired(desired, hasConsul);
  if (problems.length > 0) throw new ClusterDocumentError(source, problems);
  return desired;
}

function describeIssue(issue: z.core.$ZodIssue): ClusterProblem {
  let place = "";
  for (const part of issue.path)
    place += typeof part === "number" ? `[${part}]` : `${place === "" ? "" : "."}${String(part)}`;
  return { place: place === "" ? "document" : place, message: issueText(issue) };
}

function issueText(issue: z.core.$ZodIssue): string {
  if (issue.code !== "invalid_union") return issue.message;
  const reasons = issue.errors.flat().map((inner) => issueText(inner as z.core.$ZodIssue));
  return reasons.length > 0 ? [...new Set(reasons)].join("; or ") : issue.message;
}

function serverTextProblem(text: string): string | undefined {
  const match = SERVER_TEXT.exec(text);
  if (!match) return `"${text.slice(0, 100)}" is not host:port or host:port=weight, such as "10.0.0.1:11211=2"`;
  try {
    const { port } = parseAddress(match[1] ?? "");
    if (port === 0) return `"${text.slice(0, 100)}" has port 0; write the port the server listens on`;
  } catch (error) {
    if (error instanceof AddressError) return error.message;
    throw error;
  }
  const weight = Number(match[2] ?? "1");
  if (weight >= 1 && weight <= CLUSTER_LIMITS.weight) return undefined;
  return `"${text.slice(0, 100)}" has weight ${weight}; write 1 to ${CLUSTER_LIMITS.weight}`;
}
