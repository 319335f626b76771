// Requests to operations

export { isBucketName, isNewBucketName } from "./bucket-name.ts";
export { HostTable } from "./host.ts";
export type { Operation } from "./operations.ts";
// Raw text
export { decodePercent, utf8Length } from "./percent.ts";
export { MAX_QUERY_PARAMETERS, NO_QUERY, parseQuery, Query } from "./query.ts";
export { MAX_KEY_BYTES, type RequestTarget, type Route, Router } from "./router.ts";
