import { mkdir } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
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
} from "@kagami/kit";
import { MaintenanceView } from "./admin/maintenance-view.ts";
import { RateHistory } from "./admin/rate-history.ts";
import { addAdminRoutes } from "./admin/routes.ts";
import { registerStoreHealth, writeRefusal } from "./admin/store-health.ts";
import { FIRST_TIER } from "./admin/tier-view.ts";
import type { ObjectsConfig } from "./config.ts";
import { HostTable } from "./protocol/routing/index.ts";
import { REPLICA_PATH } from "./replica/replica-source.ts";
import { readServerTls } from "./server-tls.ts";
import { createService, type RunningService } from "./service/create-service.ts";
import { LifecycleRunner } from "./service/lifecycle-runner.ts";
import { serveRequest } from "./service/serve-request.ts";
import type { Service } from "./service/service.ts";
import { type GeneratedKey, Users } from "./service/users.ts";
import type { MaintenanceEvent } from "./storage/maintenance.ts";
import type { ShardStore } from "./storage/shard-store.ts";
import { openStoreHost, type StoreHost } from "./store-host.ts";

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
  /** Undefined on a replica: what ends is told by its source. */
  readonly lifecycle: LifecycleRunner | undefined;
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
  const ofReplica = config.follow === "" ? {} : { source: config.follow };
  const usersOptions = { directory: config.data, accessKey, secretKey, nowMs: Date.now, ...ofReplica };
  const { users, generated } = await Users.open(usersOptions);
  if (generated) onFirstKey?.(generated);
  const maintenanceView = new MaintenanceView(Date.now);
  const onMaintenance = (event: MaintenanceEvent): void => {
    maintenanceView.note(event);
    logMaintenance(log, event);
  };
  const host = await openStoreHost({ config, users, log, metrics, onMaintenance });
  registerStoreHealth(metrics, () => host.shard()?.state);
  let running: RunningService | undefined;
  let lifecycle: LifecycleRunner | undefined;
  let listener: Listener | undefined;
  let admin: RunningAdmin | undefined;
  const close = closeOnce(async (graceMs: number) => {
    admin?.server.startDraining();
    host.endStreams();
    await lifecycle?.close();
    await listener?.close(graceMs);
    await running?.close();
    await host.close();
    await admin?.close(graceMs);
  });
  try {
    const { store } = host;
    const onLifecycleChanged = (): void => {
      host.onRulesChanged();
      lifecycle?.runSoon();
    };
    running = createService({ config, store, users, log, metrics, onLifecycleChanged });
    const { service } = running;
    lifecycle = startLifecycle(config, service);
    listener = await listenHttp({
      name: "s3",
      address: config.listen,
      ...(tls ? { tls } : {}),
      ...requestServer(config, service, host),
      headersTimeoutMs: HEADERS_TIMEOUT_MS,
      // A large upload takes as long as it takes; the stall guard asks for progress.
      requestTimeoutMs: 0,
      keepAliveTimeoutMs: KEEP_ALIVE_MS,
      minBytesPerSecond: config.minBytesPerSecond,
      maxHeaderBytes: MAX_HEADER_BYTES,
      maxConnections: config.maxConnections,
      maxConnectionsPerIp: config.maxConnectionsPerIp,
      metrics,
      log,
    });
    if (config.admin !== "off") {
      const s3Address = (): string => listener?.addressText ?? config.listen;
      admin = await openAdmin({ config, service, host, maintenanceView, metrics, log, s3Address });
    }
    const addresses = { s3: listener.addressText, ...(admin ? { admin: admin.server.addressText } : {}) };
    return { addresses, service, lifecycle, close: (graceMs) => close(graceMs ?? 0) };
  } catch (error) {
    await close(0);
    throw error;
  }
}

function startLifecycle(config: ObjectsConfig, service: Service): LifecycleRunner | undefined {
  if (config.follow !== "") return undefined;
  const { lifecycleIntervalMs: intervalMs, lifecycleKeysPerSecond: keysPerSecond } = config;
  return new LifecycleRunner(service, { intervalMs, keysPerSecond });
}

/** What answers requests of S3, and of followers: those have a path that no bucket can have. */
function requestServer({ domains }: ObjectsConfig, service: Service, { handleFollower }: StoreHost) {
  const hosts = new HostTable(domains);
  const onRequest = (expectsContinue: boolean) => (request: IncomingMessage, response: ServerResponse) => {
    if (request.url?.startsWith(REPLICA_PATH) && handleFollower && hosts.bucketOf(request.headers.host ?? "") === "") {
      return handleFollower(request, response);
    }
    return serveRequest(service, request, response, expectsContinue);
  };
  return {
    onRequest: onRequest(false),
    onExpectContinue: onRequest(true),
    onPlainRequest: (request: HttpRequest, response: HttpResponse) => serveRequest(service, request, response, false),
    // A stream without an end wants what a plain answer does not have.
    isPlainUrl: (url: string) => !url.startsWith(REPLICA_PATH),
  };
}

interface AdminServerParts {
  readonly config: ObjectsConfig;
  readonly service: Service;
  readonly host: StoreHost;
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
async function openAdmin({ host, metrics, log, ...parts }: AdminServerParts): Promise<RunningAdmin> {
  const { config, service, maintenanceView } = parts;
  const history = new RateHistory(service, () => process.memoryUsage.rss());
  const describeMaintenance = () => ({
    ...maintenanceView.totals,
    bytesPerSecond: host.bytesPerSecond(),
    writesRefusedBecause: writeRefusal(host.shard()?.state) ?? null,
  });
  const describeVolumes = () => describeAllVolumes(host.shard(), maintenanceView);
  const server = await startAdmin({
    address: config.admin,
    metrics,
    log,
    requestTimeoutMs: ADMIN_REQUEST_TIMEOUT_MS,
    addRoutes: (router) => addAdminRoutes(router, { ...parts, host, describeMaintenance, describeVolumes, history }),
  });
  server.addCheck("store", () => writeRefusal(host.shard()?.state));
  server.addCheck("replica", () => host.problem());
  const sampling = setInterval(() => history.sample(), HISTORY_INTERVAL_MS);
  const close = async (graceMs: number): Promise<void> => {
    clearInterval(sampling);
    await server.close(graceMs);
  };
  return { server, close };
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
function describeAllVolumes(shard: ShardStore | undefined, view: MaintenanceView) {
  if (shard === undefined) return [];
  const { catalog, volumes } = shard.state;
  const bucketNames = new Map(catalog.buckets().map(({ id, name }) => [id, name]));
  return [...volumes.all()].map(
    ({ id, group, tier, place, isAway, endOffset, deadBytes, tombstoneBytes, isSealed }) => {
      const { bucketId = 0, endsMs = 0 } = catalog.group(group) ?? {};
      const owner = { bucket: bucketNames.get(bucketId) ?? null, endsMs: endsMs === 0 ? null : endsMs };
      const where = { tier: tier === "" ? FIRST_TIER : tier, place: isAway ? null : place === "" ? FIRST_TIER : place };
      return {
        id,
        group,
        ...owner,
        ...where,
        sizeBytes: endOffset,
        deadBytes,
        tombstoneBytes,
        isSealed,
        ...view.scrubOf(id),
      };
    },
  );
}
