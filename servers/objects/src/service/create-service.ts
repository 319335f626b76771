import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { join } from "node:path";
import type { Logger, Metrics } from "@kagami/kit";
import type { ObjectsConfig } from "../config.ts";
import { Router } from "../protocol/routing/index.ts";
import { SignatureVerifier } from "../protocol/sigv4/index.ts";
import type { ObjectStore } from "../store/object-store.ts";
import { AccessLog } from "./access-log.ts";
import { AuditLog } from "./audit-log.ts";
import { BucketDocuments } from "./bucket-documents.ts";
import { HashThreads } from "./hashing/hash-threads.ts";
import { LineLog } from "./line-log.ts";
import { MemoryBudget } from "./memory-budget.ts";
import { RateRegistry } from "./rate-registry.ts";
import type { Service } from "./service.ts";
import { ServiceMetrics } from "./service-metrics.ts";
import { signingHashes } from "./signing-hashes.ts";
import { StallGuard } from "./stall-guard.ts";
import { TrustedProxies } from "./trusted-proxies.ts";
import type { Users } from "./users.ts";
import { VerifiedUrls } from "./verified-urls.ts";

const SWEEP_MS = 1_000;
const REMEMBERED_URLS = 20_000;
/** S3's own least size of a part. */
const MIN_PART_BYTES = 5 << 20;

interface ServiceParts {
  readonly config: ObjectsConfig;
  readonly store: ObjectStore;
  readonly users: Users;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly onLifecycleChanged: () => void;
}

/** The service and what must be closed with it. */
export interface RunningService {
  readonly service: Service;
  close(): Promise<void>;
}

/** Puts together what requests need. @throws RangeError for trusted proxies that are no networks; a log's file error */
export function createService({
  config,
  store,
  users,
  log,
  metrics,
  onLifecycleChanged,
}: ServiceParts): RunningService {
  const nowMs = Date.now;
  const monotonicMs = (): number => performance.now();
  const auditLines = new LineLog(config.auditLog === "" ? join(config.data, "audit.log") : config.auditLog);
  const accessLines = config.accessLog === "" ? undefined : new LineLog(config.accessLog);
  const budget = new MemoryBudget(config.maxBodyMemoryBytes, config.maxWaitingRequests);
  metrics.memoryAccount("objects-bodies", () => budget.heldBytes);
  const hashThreads = new HashThreads(config.hashThreads);
  const stalls = new StallGuard({
    minBytesPerSecond: config.minBytesPerSecond,
    windowMs: config.stallMs,
    nowMs: monotonicMs,
  });
  const sweeping = setInterval(() => stalls.sweep(), SWEEP_MS);
  const service: Service = {
    store,
    users,
    router: new Router(config.domains),
    verifier: new SignatureVerifier({
      hashes: signingHashes,
      region: config.region,
      secretOf: (accessKeyId) => users.find(accessKeyId)?.secretKey,
    }),
    verifiedUrls: new VerifiedUrls(REMEMBERED_URLS),
    signingHashes,
    documents: new BucketDocuments(),
    rates: new RateRegistry(),
    budget,
    hashThreads,
    stalls,
    proxies: new TrustedProxies(config.trustedProxies),
    metrics: new ServiceMetrics(metrics),
    accessLog: accessLines && new AccessLog(accessLines),
    audit: new AuditLog(auditLines, nowMs),
    log,
    region: config.region,
    hostId: hostname(),
    replicaOf: config.follow === "" ? undefined : config.follow,
    maxBucketsPerUser: config.maxBucketsPerUser,
    minPartBytes: MIN_PART_BYTES,
    nowMs,
    monotonicMs,
    nextRequestId: requestIds(),
    onLifecycleChanged,
  };
  const close = async (): Promise<void> => {
    clearInterval(sweeping);
    await hashThreads.close();
    await accessLines?.close();
    await auditLines.close();
  };
  return { service, close };
}

/** A random beginning, so that ids of two runs differ, and a count: 16 digits. */
function requestIds(): () => string {
  const prefix = randomBytes(4).toString("hex").toUpperCase();
  let count = 0;
  return () => {
    count = (count + 1) >>> 0;
    return prefix + count.toString(16).toUpperCase().padStart(8, "0");
  };
}
