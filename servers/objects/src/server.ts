import { mkdir } from "node:fs/promises";
import {
  type AdminServer,
  closeOnce,
  type HttpRequest,
  type HttpResponse,
  type Listener,
  type Logger,
  listenHttp,
  Metrics,
  registerProcessMetrics,
  startAdmin,
  systemClock,
} from "@kagami/kit";
import { MaintenanceView } from "./admin/maintenance-view.ts";
import { RateHistory } from "./admin/rate-history.ts";
import { addAdminRoutes } from "./admin/routes.ts";
import { registerStoreHealth, writeRefusal } from "./admin/store-health.ts";
import type { ObjectsConfig } from "./config.ts";
import { readServerTls } from "./server-tls.ts";
import { createService, type RunningService } from "./service/create-service.ts";
import { LifecycleRunner } from "./service/lifecycle-runner.ts";
import { serveRequest } from "./service/serve-request.ts";
import type { Service } from "./service/service.ts";
import { type GeneratedKey, Users } from "./service/users.ts";
import {
  DEFAULT_MAINTENANCE,
  Maintenance,
  type MaintenanceEvent,
  type MaintenanceOptions,
} from "./storage/maintenance.ts";
import { openStore } from "./storage/open-store.ts";
import type { ShardStore } from "./storage/shard-store.ts";

/** Parts that the admin page uploads come in this time, however slow the line. */
const ADMIN_REQUEST_TIMEOUT_MS = 3_600_000;
const HISTORY_INTERVAL_MS = 2_000;
const HEADERS_TIMEOUT_MS = 15_000;
const KEEP_ALIVE_MS = 60_000;
const MAX_HEADER_BYTES = 16_384;

/** A running object store. */
export interface ObjectsServer {
  /** Where it really listens: `s3`, and `admin` if it is on. */
  readonly addresses: Readonly<Record<string, string>>;
  readonly service: Service;
  readonly lifecycle: LifecycleRunner;
  /** Drains: stops accepting, lets requests finish, cuts who is left after `graceMs`, closes the store. Idempotent. */
  close(graceMs?: number): Promise<void>;
}

/**
 * Opens the store and serves it.
 *
 * @param onFirstKey Told the first user's key when it was made at this start: to be shown, once. It is told before
 * anything else can fail, since no later start would tell it again.
 * @throws ListenError, FileError, ObjectsError, StoreError
 */
export async function startObjectsServer(
  config: ObjectsConfig,
  log: Logger,
  onFirstKey?: (key: GeneratedKey) => void,
): Promise<ObjectsServer> {
  await mkdir(config.data, { recursive: true, mode: 0o700 });
  const tls = await readServerTls(config);
  const metrics = new Metrics();
  registerProcessMetrics(metrics);
  const { accessKey, secretKey } = config;
  const { users, generated } = await Users.open({ directory: config.data, accessKey, secretKey, nowMs: Date.now });
  if (generated) onFirstKey?.(generated);
  const store = await openStore({
    directory: config.data,
    engine: config.indexEngine,
    volumeBytes: config.volumeBytes,
    cacheBytes: config.cacheBytes,
    maxBuckets: config.maxBuckets,
  });
  const maintenanceView = new MaintenanceView(Date.now);
  registerStoreHealth(metrics, store.state);
  const maintenance = new Maintenance(store, systemClock, maintenanceOptions(config), (event) => {
    maintenanceView.note(event);
    logMaintenance(log, event);
  });
  let running: RunningService | undefined;
  let lifecycle: LifecycleRunner | undefined;
  let listener: Listener | undefined;
  let admin: RunningAdmin | undefined;
  const close = closeOnce(async (graceMs: number) => {
    admin?.server.startDraining();
    await lifecycle?.close();
    await listener?.close(graceMs);
    await running?.close();
    await maintenance.close();
    await store.close();
    await admin?.close(graceMs);
  });
  try {
    running = createService({
      config,
      store,
      users,
      log,
      metrics,
      onLifecycleChanged: () => lifecycle?.runSoon(),
    });
    const { service } = running;
    lifecycle = new LifecycleRunner(service, {
      intervalMs: config.lifecycleIntervalMs,
      keysPerSecond: config.lifecycleKeysPerSecond,
    });
    const serve = (expectsContinue: boolean) => (request: HttpRequest, response: HttpResponse) =>
      serveRequest(service, request, response, expectsContinue);
    listener = await listenHttp({
      name: "s3",
      address: config.listen,
      ...(tls ? { tls } : {}),
      onRequest: serve(false),
      onPlainRequest: serve(false),
      onExpectContinue: serve(true),
      headersTimeoutMs: HEADERS_TIMEOUT_MS,
      // A large upload takes as long as it takes; the stall guard asks for progress.
      requestTimeoutMs: 0,
      keepAliveTimeoutMs: KEEP_ALIVE_MS,
      maxHeaderBytes: MAX_HEADER_BYTES,
      maxConnections: config.maxConnections,
      maxConnectionsPerIp: config.maxConnectionsPerIp,
      metrics,
      log,
    });
    if (config.admin !== "off") {
      const s3Address = (): string => listener?.addressText ?? config.listen;
      admin = await openAdmin({ config, service, store, maintenance, maintenanceView, metrics, log, s3Address });
    }
    const addresses = { s3: listener.addressText, ...(admin ? { admin: admin.server.addressText } : {}) };
    return { addresses, service, lifecycle, close: (graceMs) => close(graceMs ?? 0) };
  } catch (error) {
    await close(0);
    throw error;
  }
}

interface AdminServerParts {
  readonly config: ObjectsConfig;
  readonly service: Service;
  readonly store: ShardStore;
  readonly maintenance: Maintenance;
  readonly maintenanceView: MaintenanceView;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly s3Address: () => string;
}

interface RunningAdmin {
  readonly server: AdminServer;
  close(graceMs: number): Promise<void>;
}

/** The admin port, and the samples that its charts show. @throws ListenError */
async function openAdmin({ store, metrics, log, maintenance, ...parts }: AdminServerParts): Promise<RunningAdmin> {
  const { config, service, maintenanceView } = parts;
  const history = new RateHistory(service, () => process.memoryUsage.rss());
  const describeMaintenance = () => ({
    ...maintenanceView.totals,
    bytesPerSecond: maintenance.bytesPerSecondOn(),
    writesRefusedBecause: writeRefusal(store.state) ?? null,
  });
  const describeVolumes = () => describeAllVolumes(store, maintenanceView);
  const server = await startAdmin({
    address: config.admin,
    metrics,
    log,
    requestTimeoutMs: ADMIN_REQUEST_TIMEOUT_MS,
    addRoutes: (router) => addAdminRoutes(router, { ...parts, describeMaintenance, describeVolumes, history }),
  });
  server.addCheck("store", () => writeRefusal(store.state));
  const sampling = setInterval(() => history.sample(), HISTORY_INTERVAL_MS);
  const close = async (graceMs: number): Promise<void> => {
    clearInterval(sampling);
    await server.close(graceMs);
  };
  return { server, close };
}

function maintenanceOptions(config: ObjectsConfig): MaintenanceOptions {
  return {
    ...DEFAULT_MAINTENANCE,
    bytesPerSecond: config.maintenanceBytesPerSecond,
    targetP99Ms: config.maintenanceTargetP99Ms,
    scrubIntervalMs: config.scrubIntervalMs,
    minDeadPart: config.compactionDeadPercent / 100,
  };
}

function logMaintenance(log: Logger, event: MaintenanceEvent): void {
  if (event.kind === "groups-expired") log.info("groups.expired", { count: event.count });
  else if (event.kind === "swept") log.info("objects.expired", { count: event.count });
  else if (event.kind === "compacted") log.info("volume.compacted", { ...event.report });
  else if (event.kind === "divided") log.info("volume.divided", { ...event.report });
  else if (event.kind === "moved") log.info("volume.moved", { ...event.report });
  else if (event.kind === "assigned") log.info("volume.assigned", { volumeId: event.volumeId, tier: event.tier });
  else if (event.kind === "failed") log.error("maintenance.failed", { task: event.task, error: event.error });
  else {
    const { volumeId, readBytes, damaged, damagedBlobs } = event.report;
    if (damaged.length + damagedBlobs.length === 0) log.info("volume.scrubbed", { volumeId, readBytes });
    else log.error("volume.damaged", { volumeId, damaged, damagedBlobs });
  }
}

/** Volumes as the admin API shows them. */
function describeAllVolumes({ state }: ShardStore, view: MaintenanceView) {
  const { catalog, volumes } = state;
  const bucketNames = new Map(catalog.buckets().map(({ id, name }) => [id, name]));
  return [...volumes.all()].map(({ id, group, endOffset, deadBytes, tombstoneBytes, isSealed }) => {
    const { bucketId = 0, endsMs = 0 } = catalog.group(group) ?? {};
    const owner = { bucket: bucketNames.get(bucketId) ?? null, endsMs: endsMs === 0 ? null : endsMs };
    return { id, group, ...owner, sizeBytes: endOffset, deadBytes, tombstoneBytes, isSealed, ...view.scrubOf(id) };
  });
}
