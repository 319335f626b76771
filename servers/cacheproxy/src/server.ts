import { availableParallelism } from "node:os";
import { type AdminServer, closeOnce, type Logger, Metrics, registerProcessMetrics, startAdmin } from "@kagami/kit";
import { type CacheproxyConfig, configuredCluster } from "./config.ts";
import type { Cluster } from "./engine/cluster.ts";
import type { WorkerReport } from "./engine/cluster-counts.ts";
import { type Addresses, startWorkerServer, type WorkerSettings } from "./worker-server.ts";
import { Workers } from "./workers.ts";

/** A running cache proxy. */
export interface CacheproxyServer {
  /** Where it really listens: `memcached`, and `memcachedTls` and `admin` if they are on. */
  readonly addresses: Addresses;
  /** Process ids of the workers; empty if this process serves by itself. */
  readonly workerPids: readonly number[];
  /** Puts a cluster state into use in all workers. */
  apply(cluster: Cluster): void;
  /** Drains: stops accepting, lets clients finish, and cuts who is left after `graceMs`. Idempotent. */
  close(graceMs?: number): Promise<void>;
}

const REPORT_MS = 1_000;

/**
 * Starts the cache proxy.
 *
 * @throws ListenError, CacheproxyError
 */
export async function startCacheproxyServer(config: CacheproxyConfig, log: Logger): Promise<CacheproxyServer> {
  const metrics = new Metrics();
  registerProcessMetrics(metrics);
  const desired = configuredCluster(config);
  if (!desired) throw new Error("Consul is not there yet");
  const cluster: Cluster = { epoch: 1, config: desired, ejections: [], moves: [] };
  const serving = await serve(config, cluster, { log, metrics, onReport: () => undefined, onGone: () => undefined });
  let admin: AdminServer | undefined;
  try {
    if (config.admin !== "off") admin = await startAdmin({ address: config.admin, metrics, log });
  } catch (error) {
    await serving.close(0);
    throw error;
  }
  return {
    addresses: { ...serving.addresses, ...(admin ? { admin: admin.addressText } : {}) },
    get workerPids() {
      return serving.pids;
    },
    apply: (next) => serving.apply(next),
    close: closeOnce(async (graceMs = 0) => {
      admin?.startDraining();
      await serving.close(graceMs);
      await admin?.close(graceMs);
    }),
  };
}

interface ServingParts {
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly onReport: (report: WorkerReport) => void;
  readonly onGone: (workerId: number) => void;
}

/** One worker in this process, or many in others. */
interface Serving {
  readonly addresses: Addresses;
  readonly pids: readonly number[];
  apply(cluster: Cluster): void;
  close(graceMs: number): Promise<void>;
}

async function serve(config: CacheproxyConfig, cluster: Cluster, parts: ServingParts): Promise<Serving> {
  const count = config.workers === 0 ? availableParallelism() : config.workers;
  const { log, metrics, onReport, onGone } = parts;
  const settings = workerSettings(config);
  if (count > 1) {
    const workers = new Workers({ count, settings, cluster, logLevel: config.log, log, onReport, onGone });
    await workers.start();
    return workers;
  }

  const server = await startWorkerServer(settings, cluster, { reusePort: false, log, metrics });
  const report = (): void => onReport(server.takeReport(0));
  const timer = setInterval(report, REPORT_MS);
  return {
    addresses: server.addresses,
    pids: [],
    apply: (next) => {
      server.apply(next);
      report();
    },
    close: async (graceMs) => {
      await server.close(graceMs);
      clearInterval(timer);
    },
  };
}

/** What workers may know: not the tokens. */
function workerSettings(config: CacheproxyConfig): WorkerSettings {
  const { adminToken: _adminToken, consulToken: _consulToken, ...settings } = config;
  return settings;
}
