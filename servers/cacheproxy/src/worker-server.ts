import type { TlsOptions } from "node:tls";
import { closeOnce, type Listener, type Logger, listenTcp, type Metrics, readListenerTls } from "@kagami/kit";
import type { CacheproxyConfig } from "./config.ts";
import type { Cluster } from "./engine/cluster.ts";
import type { WorkerReport } from "./engine/cluster-counts.ts";
import type { DataPathLimits } from "./engine/data-path.ts";
import { PoolPolicies } from "./pool-policies.ts";
import { readServerTls } from "./server-tls.ts";
import { Worker } from "./worker.ts";

/** What of the configuration a worker needs; plain data, for it goes to other processes. */
export type WorkerSettings = Pick<
  CacheproxyConfig,
  | "listen"
  | "tlsListen"
  | "tlsCert"
  | "tlsKey"
  | "tlsClientCa"
  | "serverTlsCa"
  | "serverTlsName"
  | "serverTlsCert"
  | "serverTlsKey"
  | "clientLimit"
  | "clientAddressLimit"
  | "clientIdleMs"
  | "clientRequestLimit"
  | "clientBufferBytes"
  | "maxValueBytes"
  | "maxKeysPerGet"
  | "maxHeldBytes"
  | "serverBufferBytes"
  | "serverRequestLimit"
  | "holdMs"
  | "connectTimeoutMs"
  | "reconnectMs"
  | "reconnectMaxMs"
  | "drainMs"
>;

/** `host:port` by what is served there: `memcached`, `memcachedTls`. */
export type Addresses = Readonly<Record<string, string>>;

/** A worker that serves clients in this process. */
export interface WorkerServer {
  readonly addresses: Addresses;
  apply(cluster: Cluster): void;
  takeReport(workerId: number): WorkerReport;
  /** Stops accepting, lets clients finish, and cuts who is left after `graceMs`. Idempotent. */
  close(graceMs: number): Promise<void>;
}

interface WorkerServerParts {
  /** Whether other processes listen at the same ports. */
  readonly reusePort: boolean;
  readonly log: Logger;
  readonly metrics?: Metrics;
}

/**
 * Serves clients by the cluster state given, and by those that follow.
 *
 * @throws ListenError, TlsFileError
 */
export async function startWorkerServer(
  settings: WorkerSettings,
  cluster: Cluster,
  { reusePort, log, metrics }: WorkerServerParts,
): Promise<WorkerServer> {
  const serverTls = await readServerTls(settings);
  const clientTls = await readListenerTls(settings);
  const worker = new Worker({ limits: limitsOf(settings), policyMaker: new PoolPolicies(), serverTls });
  const listeners: Listener[] = [];
  const listen = async (name: string, address: string, tls?: TlsOptions): Promise<string> => {
    const listener = await listenTcp({
      name,
      address,
      reusePort,
      ...(tls ? { tls } : {}),
      ...(metrics ? { metrics } : {}),
      log,
      maxConnections: settings.clientLimit,
      maxConnectionsPerIp: settings.clientAddressLimit,
      onConnection: (socket) => worker.accept(socket, tls !== undefined),
    });
    listeners.push(listener);
    return listener.addressText;
  };
  const addresses: Record<string, string> = {};
  try {
    worker.apply(cluster);
    await worker.connected();
    addresses.memcached = await listen("memcached", settings.listen);
    if (clientTls) addresses.memcachedTls = await listen("memcached-tls", settings.tlsListen, clientTls);
  } catch (error) {
    await Promise.all(listeners.map((listener) => listener.close()));
    worker.close();
    throw error;
  }
  return {
    addresses,
    apply: (next) => worker.apply(next),
    takeReport: (workerId) => worker.takeReport(workerId),
    close: closeOnce(async (graceMs: number) => {
      const closing = listeners.map((listener) => listener.close(graceMs));
      const timer = setTimeout(() => worker.endClients(), Math.min(settings.drainMs, graceMs / 2));
      await Promise.all(closing);
      clearTimeout(timer);
      worker.close();
    }),
  };
}

function limitsOf(settings: WorkerSettings): DataPathLimits {
  return {
    ...settings,
    holdUs: settings.holdMs * 1000,
    connectTimeoutUs: settings.connectTimeoutMs * 1000,
    reconnectUs: settings.reconnectMs * 1000,
    reconnectMaxUs: settings.reconnectMaxMs * 1000,
    clientIdleUs: settings.clientIdleMs * 1000,
  };
}
