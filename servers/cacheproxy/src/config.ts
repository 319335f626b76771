import { AddressError, addressSetting, baseConfigShape, isLoopback, parseAddress } from "@kagami/kit";
import { z } from "zod";
import {
  checkDesired,
  desiredCluster,
  type PoolDefaults,
  poolSchema,
  readServerText,
  routeSchema,
  serverTextSchema,
} from "./control/cluster-document.ts";
import type { DesiredCluster, DesiredPool } from "./engine/cluster-desired.ts";

const MIB = 1 << 20;

type Group = "Pools" | "Limits" | "TLS" | "Health" | "Consul" | "Operation";

const text = (placeholder: string, group: Group, what: string) =>
  z.string().default("").meta({ placeholder, group }).describe(what);

const secret = (group: Group, what: string) =>
  z.string().default("").meta({ secret: true, placeholder: "SECRET", group }).describe(what);

const count = (initial: number, max: number, group: Group, what: string) =>
  z.int().min(1).max(max).default(initial).meta({ group }).describe(what);

const milliseconds = (initial: number, min: number, max: number, group: Group, what: string) =>
  z.int().min(min).max(max).default(initial).meta({ unit: "ms", group }).describe(what);

const bytes = (initial: number, min: number, max: number, group: Group, what: string) =>
  z.int().min(min).max(max).default(initial).meta({ unit: "bytes", group }).describe(what);

/** The only list of the cache proxy's settings. */
export const configSchema = z
  .strictObject({
    ...baseConfigShape,
    listen: addressSetting().default("127.0.0.1:11211").describe("Address and port for memcached clients"),
    workers: z
      .int()
      .min(0)
      .max(64)
      .default(1)
      .describe("Processes that serve clients at the same port; 1 is this process itself, 0 one for each core"),
    drainMs: milliseconds(1_000, 0, 60_000, "Operation", "Idle connections are closed this soon after SIGTERM"),
    adminToken: secret(
      "Operation",
      "Asked for by the admin API as Authorization: Bearer; must be set unless admin is on loopback or off",
    ),

    servers: z
      .array(serverTextSchema)
      .default([])
      .meta({ placeholder: "host:port[=weight]", group: "Pools" })
      .describe("The quick form: servers of one pool that has all keys"),
    pools: z.array(poolSchema).default([]).meta({ placeholder: "JSON", group: "Pools" }).describe("Pools; see API.md"),
    routes: z
      .array(routeSchema)
      .default([])
      .meta({ placeholder: "JSON", group: "Pools" })
      .describe("Which pool has the keys of a prefix; without them the only pool has all"),
    timeoutMs: milliseconds(500, 10, 60_000, "Pools", "A server's answer that takes longer fails the request"),
    moveWindowSlots: count(4_096, 65_536, "Pools", "Slots of a pool that move together, of 65536"),
    moveTtlMs: milliseconds(
      86_400_000,
      1_000,
      31 * 86_400_000,
      "Pools",
      "Moving slots are done at the latest after this; no item that matters lives longer",
    ),

    clientLimit: count(10_000, 100_000, "Limits", "Client connections per worker"),
    clientAddressLimit: count(10_000, 100_000, "Limits", "Client connections of one address per worker"),
    clientIdleMs: milliseconds(0, 0, 86_400_000, "Limits", "Close a silent client after this; 0 is never"),
    clientRequestLimit: count(1_024, 65_536, "Limits", "Unanswered requests of a client beyond which it is not read"),
    clientBufferBytes: bytes(
      4 * MIB,
      65_536,
      256 * MIB,
      "Limits",
      "Replies waiting for a client beyond which it is not read",
    ),
    maxValueBytes: bytes(MIB, 1_024, 128 * MIB, "Limits", "Largest value; as memcached's -I"),
    maxKeysPerGet: count(1_000, 100_000, "Limits", "Keys of one get"),
    serverBufferBytes: bytes(
      8 * MIB,
      65_536,
      256 * MIB,
      "Limits",
      "Bytes waiting for a server, per worker, beyond which its clients are not read",
    ),
    maxHeldBytes: bytes(
      256 * MIB,
      1_048_576,
      16_384 * MIB,
      "Limits",
      "Bytes held for all clients and servers of a worker together, beyond which no client is read",
    ),
    serverRequestLimit: count(16_384, 262_144, "Limits", "Unanswered requests of a server, per worker"),
    holdMs: milliseconds(
      1_000,
      0,
      60_000,
      "Limits",
      "Changes wait this long for a server that was lost, or for its ejection, before they fail",
    ),
    connectTimeoutMs: milliseconds(1_000, 10, 60_000, "Limits", "A connection to a server that takes longer failed"),
    reconnectMs: milliseconds(100, 1, 60_000, "Limits", "Wait before the first reconnect to a server; doubles"),
    reconnectMaxMs: milliseconds(2_000, 1, 60_000, "Limits", "Longest wait before a reconnect to a server"),

    openAccess: z
      .boolean()
      .default(false)
      .meta({ group: "TLS" })
      .describe(
        "Let others than this machine connect without a client certificate; memcached asks nobody who they are",
      ),
    tlsListen: z
      .union([z.literal("off"), addressSetting()])
      .default("off")
      .meta({ placeholder: "host:port|off", group: "TLS" })
      .describe("Address for clients over TLS; needs tlsCert and tlsKey"),
    tlsCert: text("FILE", "TLS", "Certificate chain, PEM"),
    tlsKey: text("FILE", "TLS", "Private key of the certificate, PEM"),
    tlsClientCa: text("FILE", "TLS", "Clients must show a certificate of these authorities, PEM; empty asks for none"),
    serverTls: z
      .boolean()
      .default(false)
      .meta({ group: "TLS" })
      .describe("Speak TLS to servers that do not say otherwise"),
    serverTlsCa: text("FILE", "TLS", "Authorities of the servers' certificates, PEM; empty takes the system's"),
    serverTlsName: text("NAME", "TLS", "Name that servers' certificates must have; empty takes each one's host"),
    serverTlsCert: text("FILE", "TLS", "Certificate shown to servers, PEM"),
    serverTlsKey: text("FILE", "TLS", "Private key of that certificate, PEM"),

    failureLimit: count(3, 100, "Health", "Failed probes in a row after which a server is voted out"),
    recoveryLimit: count(3, 100, "Health", "Good probes in a row after which it is voted in again"),
    probeMs: milliseconds(1_000, 20, 60_000, "Health", "Time between two probes of a server"),
    probeTimeoutMs: milliseconds(500, 10, 60_000, "Health", "A probe that takes longer failed"),
    ejectionShare: z
      .number()
      .min(0)
      .max(1)
      .default(0.5)
      .meta({ group: "Health" })
      .describe("Share of a pool's servers that may be ejected at once; more are left in, and their requests fail"),

    consul: text("URL", "Consul", "Consul agent, such as http://127.0.0.1:8500; empty works without"),
    consulToken: secret("Consul", "Token for Consul"),
    consulPrefix: z
      .string()
      .regex(/^[^/].*[^/]$/, "it must not begin or end with a slash")
      .max(200)
      .default("kagami/cacheproxy")
      .meta({ placeholder: "PATH", group: "Consul" })
      .describe("Where proxies that share pools keep them in Consul's KV store"),
    consulSessionTtlMs: milliseconds(10_000, 10_000, 86_400_000, "Consul", "A proxy not heard of this long is dead"),
    consulWaitMs: milliseconds(60_000, 1_000, 600_000, "Consul", "Longest wait of a blocking query"),
    proxyId: text("NAME", "Consul", "Tells proxies apart; empty is host name and a random part"),
  })
  .superRefine((config, context) => {
    for (const { key, message } of configProblems(config)) context.addIssue({ code: "custom", path: [key], message });
  });

export type CacheproxyConfig = z.output<typeof configSchema>;

/** What pools that say nothing about it get. */
export function poolDefaults(
  config: Pick<CacheproxyConfig, "timeoutMs" | "failureLimit" | "recoveryLimit" | "serverTls">,
): PoolDefaults {
  const { timeoutMs, failureLimit, recoveryLimit, serverTls } = config;
  return { timeoutMs, failureLimit, recoveryLimit, tls: serverTls };
}

/**
 * The pools and routes that a configuration asks for: those of `--servers`, or of the file.
 *
 * @returns `undefined` if they are in Consul.
 */
export function configuredCluster(config: ClusterSettings): DesiredCluster | undefined {
  const defaults = poolDefaults(config);
  if (config.servers.length > 0) {
    const servers = config.servers.map((server) => readServerText(server, config.serverTls));
    const { timeoutMs, failureLimit, recoveryLimit } = defaults;
    const pool: DesiredPool = {
      name: QUICK_POOL,
      placement: { kind: "slots", servers },
      options: {
        ...{ timeoutMs, failureLimit, recoveryLimit },
        // One alone has nobody to take over.
        ...(servers.length > 1 && { gutter: { pool: QUICK_POOL, ttlSec: QUICK_GUTTER_TTL_SEC } }),
      },
      move: false,
      service: undefined,
    };
    return { pools: [pool], routes: [{ prefix: "", pool: QUICK_POOL }] };
  }
  if (config.consul !== "") return undefined;
  return desiredCluster({ pools: config.pools, routes: config.routes }, defaults);
}

/** The settings that pools and routes are made from. */
export type ClusterSettings = Pick<
  CacheproxyConfig,
  "servers" | "pools" | "routes" | "consul" | "timeoutMs" | "failureLimit" | "recoveryLimit" | "serverTls"
>;

/** Name of the pool that `--servers` makes. */
const QUICK_POOL = "main";
/** How long its keys live at most at another server, while their own is out of use. */
const QUICK_GUTTER_TTL_SEC = 60;

interface Problem {
  readonly key: keyof CacheproxyConfig;
  readonly message: string;
}

type Checked = ClusterSettings &
  Pick<
    CacheproxyConfig,
    | "admin"
    | "adminToken"
    | "listen"
    | "openAccess"
    | "tlsListen"
    | "tlsClientCa"
    | "tlsCert"
    | "tlsKey"
    | "serverTlsCert"
    | "serverTlsKey"
    | "reconnectMs"
  > &
  Pick<CacheproxyConfig, "reconnectMaxMs" | "probeMs" | "probeTimeoutMs">;

/** What is wrong with settings that are right each by itself. */
function configProblems(config: Checked): Problem[] {
  const problems: Problem[] = [...sourceProblems(config)];
  const add = (key: keyof CacheproxyConfig, message: string): void => void problems.push({ key, message });
  const isAdminExposed = isExposed(config.admin);
  if (isAdminExposed && config.adminToken === "") {
    add("admin", "others can reach it and nothing asks who they are; set --admin-token, or listen on 127.0.0.1");
  }
  if (config.adminToken !== "" && config.adminToken.length < 16) add("adminToken", "it needs at least 16 characters");
  const isListenExposed = isExposed(config.listen);
  const isTlsExposed = isExposed(config.tlsListen);
  if (!config.openAccess && isListenExposed) {
    add("listen", "others can reach it and nothing asks who they are; say --open-access if that is meant");
  }
  if (!config.openAccess && isTlsExposed && config.tlsClientCa === "") {
    add("tlsListen", "it asks clients for no certificate; set --tls-client-ca, or say --open-access if that is meant");
  }
  if (config.tlsListen !== "off" && (config.tlsCert === "" || config.tlsKey === "")) {
    add("tlsListen", "TLS needs --tls-cert and --tls-key, both in PEM");
  }
  if ((config.serverTlsCert === "") !== (config.serverTlsKey === "")) {
    add(config.serverTlsCert === "" ? "serverTlsKey" : "serverTlsCert", "certificate and key go together; give both");
  }
  if (config.reconnectMs > config.reconnectMaxMs) add("reconnectMs", "it is longer than reconnectMaxMs");
  return problems;
}

/** Whether others than this machine reach it. An address that cannot be read has its own message. */
function isExposed(address: string): boolean {
  if (address === "off") return false;
  try {
    return !isLoopback(parseAddress(address).host);
  } catch (error) {
    if (error instanceof AddressError) return false;
    throw error;
  }
}

function sourceProblems(config: ClusterSettings): Problem[] {
  const { servers, pools, routes, consul } = config;
  const isWritten = pools.length > 0 || routes.length > 0;
  if (consul !== "" && !/^https?:\/\/[^/?#]+\/?$/.test(consul)) {
    return [{ key: "consul", message: "write http://host:port or https://host:port" }];
  }
  if (consul !== "" && servers.length > 0) {
    return [{ key: "servers", message: "with --consul pools are read from its KV store; leave one of the two out" }];
  }
  if (consul !== "" && isWritten) {
    const message =
      "with --consul they are read from its KV store; leave them out here, and see API.md for putting them there";
    return [{ key: pools.length > 0 ? "pools" : "routes", message }];
  }
  if (servers.length > 0 && isWritten) {
    return [{ key: "servers", message: "it makes a pool of its own; leave it out, or pools and routes" }];
  }
  if (servers.length === 0 && !isWritten && consul === "") {
    return [
      { key: "servers", message: "there are no servers; give --servers host:port, pools in the file, or --consul" },
    ];
  }
  const desired = configuredCluster(config);
  if (!desired) return [];
  return checkDesired(desired, false).map(({ place, message }): Problem => {
    const key = servers.length > 0 ? "servers" : place.startsWith("routes") && routes.length > 0 ? "routes" : "pools";
    return { key, message: `${place}: ${message}` };
  });
}
