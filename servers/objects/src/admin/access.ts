import { checkAdminAccess, HttpError, isLoopback, type RouteRequest } from "@kagami/kit";
import type { ObjectsConfig } from "../config.ts";
import type { AuditActor } from "../service/audit-log.ts";
import type { Service } from "../service/service.ts";
import type { Bucket } from "../store/object-store.ts";
import type { StoreHost } from "../store-host.ts";
import type { RateHistory } from "./rate-history.ts";

/** What the admin API stands on. */
export interface AdminParts {
  readonly config: ObjectsConfig;
  readonly service: Service;
  readonly host: StoreHost;
  /** Where S3 is served. */
  readonly s3Address: () => string;
  readonly describeVolumes: () => readonly unknown[];
  readonly describeMaintenance: () => unknown;
  readonly history: RateHistory;
}

/** Asks for the token, if there is one. Without it the API answers on loopback only, wherever the port listens. */
export function checkAccess({ request }: RouteRequest, { config }: AdminParts): void {
  checkAdminAccess(request, config.adminToken);
  if (config.adminToken !== "" || isLoopback(request.socket.localAddress ?? "")) return;
  throw new HttpError(403, "HOST_REFUSED", "Set adminToken to ask from elsewhere than this machine");
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
