import { HttpError, isLoopback, type RouteRequest, requireBearer } from "@kagami/kit";
import type { ObjectsConfig } from "../config.ts";
import type { AuditActor } from "../service/audit-log.ts";
import type { Service } from "../service/service.ts";
import type { Bucket } from "../store/object-store.ts";
import type { RateHistory } from "./rate-history.ts";

/** What the admin API stands on. */
export interface AdminParts {
  readonly config: ObjectsConfig;
  readonly service: Service;
  /** Where S3 is served. */
  readonly s3Address: () => string;
  readonly describeVolumes: () => readonly unknown[];
  readonly describeMaintenance: () => unknown;
  readonly history: RateHistory;
}

/**
 * With a token it is asked for. Without one the API answers on loopback only, and only by a name of it: a page of
 * another site could let a name of its own point there.
 */
export function checkAccess({ request }: RouteRequest, { config }: AdminParts): void {
  if (config.adminToken !== "") {
    requireBearer(request, config.adminToken);
    return;
  }
  const host = (request.headers.host ?? "").replace(/:\d+$/, "").replace(/^\[|\]$/g, "");
  if (isLoopback(host) && isLoopback(request.socket.localAddress ?? "")) return;
  throw new HttpError(403, "HOST_REFUSED", "Set adminToken, or ask by 127.0.0.1 or localhost");
}

/** A page of another site can send a form, but not JSON without asking first, which nobody answers. */
export function checkChange({ request }: RouteRequest): void {
  if (/^application\/json\b/i.test(request.headers["content-type"] ?? "")) return;
  throw new HttpError(415, "BODY_NOT_JSON", "Send changes with content-type: application/json");
}

/** Who changed something at this API. */
export function adminActor({ request }: RouteRequest): AuditActor {
  return { who: "admin-api", from: request.socket.remoteAddress, requestId: undefined };
}

/** The bucket that the path names. @throws HttpError 404 `BUCKET_UNKNOWN` */
export function findBucket({ params }: RouteRequest, { service }: AdminParts): Bucket {
  const bucket = service.store.bucket(params.bucket ?? "");
  if (!bucket) throw new HttpError(404, "BUCKET_UNKNOWN", `There is no bucket "${params.bucket ?? ""}"`);
  return bucket;
}
