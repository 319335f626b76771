import type { Logger } from "@kagami/kit";
import type { Router } from "../protocol/routing/index.ts";
import type { SignatureVerifier, SigningHashes } from "../protocol/sigv4/index.ts";
import type { ObjectStore } from "../store/object-store.ts";
import type { AccessLog } from "./access-log.ts";
import type { AuditLog } from "./audit-log.ts";
import type { BucketDocuments } from "./bucket-documents.ts";
import type { HashThreads } from "./hashing/hash-threads.ts";
import type { MemoryBudget } from "./memory-budget.ts";
import type { RateRegistry } from "./rate-registry.ts";
import type { ServiceMetrics } from "./service-metrics.ts";
import type { StallGuard } from "./stall-guard.ts";
import type { TrustedProxies } from "./trusted-proxies.ts";
import type { Users } from "./users.ts";
import type { VerifiedUrls } from "./verified-urls.ts";

/** What every request needs: made once when the server starts. */
export interface Service {
  readonly store: ObjectStore;
  readonly users: Users;
  readonly router: Router;
  readonly verifier: SignatureVerifier;
  readonly verifiedUrls: VerifiedUrls;
  readonly signingHashes: SigningHashes;
  readonly documents: BucketDocuments;
  readonly rates: RateRegistry;
  readonly budget: MemoryBudget;
  readonly hashThreads: HashThreads;
  readonly stalls: StallGuard;
  readonly proxies: TrustedProxies;
  readonly metrics: ServiceMetrics;
  readonly accessLog: AccessLog | undefined;
  readonly audit: AuditLog;
  readonly log: Logger;
  readonly region: string;
  /** Told in errors: which server it was. */
  readonly hostId: string;
  /** Where a replica's writes must go instead; undefined for a store of its own. */
  readonly replicaOf: string | undefined;
  readonly maxBucketsPerUser: number;
  /** Least size of a part but the last. */
  readonly minPartBytes: number;
  /** Wall clock, ms since 1970. */
  readonly nowMs: () => number;
  readonly monotonicMs: () => number;
  readonly nextRequestId: () => string;
  /** Asks for a lifecycle run soon: objects that are there already must learn of the new rules. */
  readonly onLifecycleChanged: () => void;
}
