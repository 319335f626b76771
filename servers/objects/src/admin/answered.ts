import { HttpError, type Reply, type RouteHandler, type RouteRequest } from "@kagami/kit";
import { S3Error } from "../protocol/errors.ts";
import { ReplicaChangeError } from "../replica/replica-registry.ts";
import { UserChangeError } from "../service/user-changes.ts";
import { StoreError } from "../store/object-store.ts";

const STATUS: Readonly<Record<UserChangeError["code"], number>> = {
  USER_UNKNOWN: 404,
  USER_EXISTS: 409,
  USER_INVALID: 400,
  KEY_UNKNOWN: 404,
  KEY_FIXED: 409,
  TOO_MANY: 409,
  READ_ONLY: 409,
};

const REPLICA_STATUS: Readonly<Record<ReplicaChangeError["code"], number>> = {
  REPLICA_UNKNOWN: 404,
  REPLICA_EXISTS: 409,
  REPLICA_INVALID: 400,
  TOO_MANY: 409,
};

/** Errors of the store and of users, as the API tells them. */
export async function answered(handler: RouteHandler, route: RouteRequest): Promise<Reply | undefined> {
  try {
    return await handler(route);
  } catch (error) {
    if (error instanceof ReplicaChangeError) throw new HttpError(REPLICA_STATUS[error.code], error.code, error.message);
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
