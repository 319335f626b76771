import { availableParallelism } from "node:os";
import { type AdminServer, closeOnce, type Logger, Metrics, registerProcessMetrics, startAdmin } from "@kagami/kit";
import type { CacheproxyConfig } from "./config.ts";
import { type ControlPlane, startControlPlane } from "./control/control-plane.ts";
import type { ConfigReload } from "./control/file-source.ts";
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
  readonly control: ControlPlane;
  /** Drains: stops accepting, lets clients finish, and cuts who is left after `graceMs`. Idempotent. */
  close(graceMs?: number): Promise<void>;
}

const REPORT_MS = 1_000;

/**
 * Starts the cache proxy.
 *
 * @param reload How to read the configuration again, if its pools are in a file.
 * @throws ListenError, FileError, ConsulError, CacheproxyError
 */
export async function startCacheproxyServer(
  config: CacheproxyConfig,
  log: Logger,
  reload?: ConfigReload,
): Promise<CacheproxyServer> {
  const metrics = new Metrics();
  registerProcessMetrics(metrics);
  const control = await startControlPlane({ config, log, metrics, reload });
  let serving: Serving | undefined;
  let admin: AdminServer | undefined;
  try {
    serving = await serve(config, { control, log, metrics });
    if (config.admin !== "off") {
      admin = await startAdmin({
        address: config.admin,
        metrics,
        log,
        addRoutes: (router) => control.addAdminRoutes(router),
      });
      admin.addCheck("cluster", () => control.readiness());
    }
  } catch (error) {
    await serving?.close(0);
    await control.close();
    throw error;
  }
  const opened = serving;
  const unsubscribe = control.subscribe((cluster) => opened.apply(cluster));
  // One may have come while the workers started.
  opened.apply(control.current);
  return {
    addresses: { ...opened.addresses, ...(admin ? { admin: admin.addressText } : {}) },
    get workerPids() {
      return opened.pids;
    },
    control,
    close: closeOnce(async (graceMs = 0) => {
      admin?.startDraining();
      await opened.close(graceMs);
      unsubscribe();
      await control.close();
      await admin?.close(graceMs);
    }),
  };
}

interface ServingParts {
  readonly control: ControlPlane;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** One worker in this process, or many in others. */
interface Serving {
  readonly addresses: Addresses;
  readonly pids: readonly number[];
  apply(cluster: Cluster): void;
  close(graceMs: number): Promise<void>;
}

async function serve(config: CacheproxyConfig, { control, log, metrics }: ServingParts): Promise<Serving> {
  const count = config.workers === 0 ? availableParallelism() : config.workers;
  const settings = workerSettings(config);
  const cluster = control.current;
  const onReport = (report: WorkerReport): void => control.report(report);
  if (count > 1) {
    const workers = new Workers({
      count,
      settings,
      cluster,
      logLevel: config.log,
      log,
      onStarting: (workerId, epoch) => control.workerStarting(workerId, epoch),
      onReport,
      onGone: (workerId) => control.workerGone(workerId),
    });
    await workers.start();
    return workers;
  }
  control.workerStarting(0, cluster.epoch);
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
