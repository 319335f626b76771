import { invalidArgument, S3Error } from "../errors.ts";
import { isBucketName } from "./bucket-name.ts";
import { HostTable } from "./host.ts";
import { LISTED_CONFIGURATIONS, type Operation, PLAIN_OPERATIONS, SUB_RESOURCES } from "./operations.ts";
import { decodePercent, utf8Length } from "./percent.ts";
import { parseQuery, type Query } from "./query.ts";

/** A key is at most so long, in bytes of UTF-8. */
export const MAX_KEY_BYTES = 1_024;

/** What of a request decides where it goes. */
export interface RequestTarget {
  readonly method: string;
  /** The Host header as sent; empty if there was none. */
  readonly host: string;
  /** From the first `/` to the `?`, as sent, one byte a character. */
  readonly path: string;
  /** Behind the `?`, as sent, one byte a character; empty if there was none. */
  readonly query: string;
  /** The same query, if the caller has parsed it already. */
  readonly parsedQuery?: Query;
  /** Whether the header `x-amz-copy-source` is there: a PUT then copies. */
  readonly hasCopySource: boolean;
}

/** Where a request goes. */
export interface Route {
  readonly operation: Operation;
  /** Empty for operations of the service. Otherwise a name that {@link isBucketName} accepts. */
  readonly bucket: string;
  /** Decoded; empty for operations of a bucket. At most {@link MAX_KEY_BYTES}. */
  readonly key: string;
  readonly query: Query;
}

type Place = "service" | "bucket" | "object";
type Methods = Readonly<Partial<Record<string, Operation>>>;

const PLAIN: Readonly<Record<Place, Methods>> = PLAIN_OPERATIONS;
const BY_PARAMETER: ReadonlyMap<string, { readonly bucket?: Methods; readonly object?: Methods }> = new Map(
  Object.entries(SUB_RESOURCES),
);

/** Finds the operation of a request by looking up tables; decides nothing else and never looks at a header or body. */
export class Router {
  readonly #hosts: HostTable;

  /** @param baseDomains See {@link HostTable}. */
  constructor(baseDomains: readonly string[]) {
    this.#hosts = new HostTable(baseDomains);
  }

  /**
   * @throws S3Error InvalidURI, InvalidBucketName, KeyTooLongError, InvalidArgument (sub-resources that exclude each
   * other, wrong arguments of one), MethodNotAllowed.
   */
  route(target: RequestTarget): Route {
    const { path } = target;
    if (path.charCodeAt(0) !== 0x2f) throw new S3Error("InvalidURI");
    let bucket = this.#hosts.bucketOf(target.host);
    let keyStart = 1;
    if (bucket === "" && path.length > 1) {
      const slash = path.indexOf("/", 1);
      const end = slash < 0 ? path.length : slash;
      bucket = decodePercent(path.slice(1, end), false);
      keyStart = end + 1;
      if (bucket === "") throw new S3Error("InvalidBucketName", { fields: { BucketName: "" } });
    }
    const key = keyStart < path.length ? decodeKey(path.slice(keyStart)) : "";
    const query = target.parsedQuery ?? parseQuery(target.query);
    const place = key !== "" ? "object" : bucket !== "" ? "bucket" : "service";
    if (place !== "service" && !isBucketName(bucket)) {
      throw new S3Error("InvalidBucketName", { fields: { BucketName: bucket } });
    }
    return { operation: operationOf(target, place, query), bucket, key, query };
  }
}

function decodeKey(raw: string): string {
  const key = decodePercent(raw, false);
  // A unit of UTF-16 is at most three bytes of UTF-8: most keys need no count.
  if (key.length * 3 > MAX_KEY_BYTES && utf8Length(key) > MAX_KEY_BYTES) {
    throw new S3Error("KeyTooLongError", {
      fields: { Size: String(utf8Length(key)), MaxSizeAllowed: String(MAX_KEY_BYTES) },
    });
  }
  return key;
}

function operationOf(target: RequestTarget, place: Place, query: Query): Operation {
  if (target.method === "OPTIONS") return "Preflight";
  const selected = place === "service" ? undefined : selectedBy(query);
  if (selected === undefined) return plainOperation(target, place, query);

  const methods = BY_PARAMETER.get(selected)?.[place === "object" ? "object" : "bucket"];
  const operation = allowedOf(methods, target.method);
  if (operation === undefined) throw methodNotAllowed(target.method, selected, methods);
  return refine(operation, target, query);
}

/** The parameter that selects the operation; undefined if none does. */
function selectedBy(query: Query): string | undefined {
  let selected: string | undefined;
  for (const name of query.names) {
    if (!BY_PARAMETER.has(name) || name === selected) continue;
    if (selected !== undefined) {
      throw invalidArgument(`Conflicting query string parameters: ${selected}, ${name}`, "ResourceType", selected);
    }
    selected = name;
  }
  return selected;
}

function plainOperation(target: RequestTarget, place: Place, query: Query): Operation {
  const operation = allowedOf(PLAIN[place], target.method);
  if (operation === undefined) throw methodNotAllowed(target.method, place, PLAIN[place]);
  if (query.names.length === 0) return target.hasCopySource && operation === "PutObject" ? "CopyObject" : operation;

  if (operation === "PutObject") {
    // Taken for a whole object, a part that lost its upload would replace what is there.
    if (query.has("partNumber")) throw needsBoth("partNumber");
    refuseVersionId(query);
    return target.hasCopySource ? "CopyObject" : operation;
  }
  if (operation === "ListObjects") return listingOf(query);
  if (place === "object") checkVersionId(query);
  return operation;
}

function allowedOf(methods: Methods | undefined, method: string): Operation | undefined {
  return methods !== undefined && Object.hasOwn(methods, method) ? methods[method] : undefined;
}

function listingOf(query: Query): Operation {
  const listType = query.get("list-type");
  if (listType === undefined) return "ListObjects";
  if (listType === "2") return "ListObjectsV2";
  throw invalidArgument("Invalid List Type supplied in Request", "list-type", listType);
}

/** What besides the sub-resource decides. */
function refine(operation: Operation, target: RequestTarget, query: Query): Operation {
  switch (operation) {
    case "UploadPart":
      if (!query.has("partNumber")) throw needsBoth("uploadId");
      refuseVersionId(query);
      return target.hasCopySource ? "UploadPartCopy" : operation;
    case "GetBucketAnalyticsConfiguration":
    case "GetBucketIntelligentTieringConfiguration":
    case "GetBucketInventoryConfiguration":
    case "GetBucketMetricsConfiguration":
      return query.has("id") ? operation : LISTED_CONFIGURATIONS[operation];
    case "CreateMultipartUpload":
    case "CompleteMultipartUpload":
    case "AbortMultipartUpload":
      refuseVersionId(query);
      return operation;
    default:
      checkVersionId(query);
      return operation;
  }
}

function checkVersionId(query: Query): void {
  if (query.get("versionId") === "") throw invalidArgument("Version id cannot be the empty string", "versionId", "");
}

function refuseVersionId(query: Query): void {
  const versionId = query.get("versionId");
  if (versionId !== undefined) {
    throw invalidArgument("This operation does not accept a version-id.", "versionId", versionId);
  }
}

function needsBoth(given: string): S3Error {
  return invalidArgument("This operation needs partNumber and uploadId together.", "ResourceType", given);
}

function methodNotAllowed(method: string, resource: string, methods: Methods | undefined): S3Error {
  const allowed = Object.keys(methods ?? {});
  return new S3Error("MethodNotAllowed", {
    fields: { Method: method, ResourceType: resource.toUpperCase() },
    headers: allowed.length === 0 ? {} : { Allow: allowed.join(", ") },
  });
}
