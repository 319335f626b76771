import { HttpError, type Reply, type RouteHandler, type RouteRequest, type Router } from "@kagami/kit";
import { S3Error } from "../protocol/errors.ts";
import { UserChangeError } from "../service/users.ts";
import { StoreError } from "../store/object-store.ts";
import { type AdminParts, checkAccess, checkChange } from "./access.ts";
import { addBucketRoutes } from "./bucket-routes.ts";
import { addUserRoutes } from "./user-routes.ts";

const STATUS: Readonly<Record<UserChangeError["code"], number>> = {
  USER_UNKNOWN: 404,
  USER_EXISTS: 409,
  USER_INVALID: 400,
  KEY_UNKNOWN: 404,
  KEY_FIXED: 409,
  TOO_MANY: 409,
};

/** How the parts of the API add their routes: access is checked before, errors become answers behind. */
export interface AdminRoutes {
  get(pattern: string, handler: RouteHandler): void;
  /** A change; `handler` reads the body itself. */
  change(method: "POST" | "PUT" | "PATCH" | "DELETE", pattern: string, handler: RouteHandler): void;
}

/** The API of API.md. */
export function addAdminRoutes(router: Router, parts: AdminParts): void {
  const routes: AdminRoutes = {
    get: (pattern, handler) => {
      router.add("GET", pattern, (route) => {
        checkAccess(route, parts);
        return answered(handler, route);
      });
    },
    change: (method, pattern, handler) => {
      router.add(method, pattern, (route) => {
        checkAccess(route, parts);
        checkChange(route);
        return answered(handler, route);
      });
    },
  };
  routes.get("/api/status", () => ({ json: describeStatus(parts) }));
  routes.get("/api/volumes", () => ({ json: parts.describeVolumes() }));
  addUserRoutes(routes, parts);
  addBucketRoutes(routes, parts);
}

function describeStatus({ service, config, s3Address }: AdminParts) {
  const { budget, store, users, region } = service;
  return {
    s3: s3Address(),
    region,
    indexEngine: config.indexEngine,
    buckets: store.buckets().length,
    users: users.list().length,
    bodies: { heldBytes: budget.heldBytes, waiting: budget.waiting, limitBytes: config.maxBodyMemoryBytes },
  };
}

async function answered(handler: RouteHandler, route: RouteRequest): Promise<Reply | undefined> {
  try {
    return await handler(route);
  } catch (error) {
    if (error instanceof UserChangeError) throw new HttpError(STATUS[error.code], error.code, error.message);
    // Codes of S3 and of the store are told as they are: the documents are the same.
    if (error instanceof S3Error) throw new HttpError(error.status, error.code, error.message);
    if (error instanceof StoreError) throw new HttpError(storeStatus(error), error.code, error.message);
    throw error;
  }
}

function storeStatus({ code }: StoreError): number {
  if (code.startsWith("NO_SUCH")) return 404;
  return code === "DISK_FAILED" || code === "CORRUPT" ? 500 : code === "DISK_FULL" || code === "BUSY" ? 503 : 409;
}
