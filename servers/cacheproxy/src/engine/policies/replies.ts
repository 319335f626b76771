import type { ExchangeFailure, MetaReply, MetaRequest } from "../meta.ts";
import { hasFlag, tokenOf } from "./meta-flags.ts";

/** A miss, as `mg` says it. */
export const MISS: MetaReply = { code: "EN", flags: [] };
/** The same as `md`, `ma` and `cas` say it. */
const NOT_FOUND: MetaReply = { code: "NF", flags: [] };
/** Refused without being an error. */
const NOT_STORED: MetaReply = { code: "NS", flags: [] };

/**
 * What a memcached would say that has nothing and keeps nothing. This is how the keys of a server that is out of use, and
 * has no gutter pool, are answered.
 *
 * No error: a cache that has lost a value is no broken one, and users of other proxies complain of nothing more than of
 * failover that answers `SERVER_ERROR`, which client libraries turn into exceptions, or count against the proxy as if it
 * were the dead server. `NOT_STORED` is a legal answer to a `set`, and all client libraries we know return `false` for
 * it. A delete is answered with `NOT_FOUND` truthfully, for the server comes back empty.
 */
export function missReply(request: MetaRequest): MetaReply {
  switch (request.verb) {
    case "mg":
    case "me":
      return MISS;
    case "md":
      return NOT_FOUND;
    case "ma":
      return hasFlag(request.flags, "N") ? NOT_STORED : NOT_FOUND;
    case "ms":
      return {
        // A set or replace becomes a compare-and-swap by a cas number.
        code: hasFlag(request.flags, "C") && "SsRr".includes(tokenOf(request.flags, "M") ?? "S") ? "NF" : "NS",
        // Nothing stored has this cas number.
        flags: hasFlag(request.flags, "c") ? ["c0"] : [],
      };
    default:
      return request.verb satisfies never;
  }
}

/**
 * What the client is told when the server gave no reply. A read that was not even sent is a miss; whatever else may or
 * may not have happened is an error.
 */
export function failureReply(request: MetaRequest, failure: ExchangeFailure): MetaReply {
  if (failure === "down" && request.verb === "mg") return MISS;
  return serverError(FAILURE_TEXT[failure]);
}

/** `SERVER_ERROR` with its text. */
export function serverError(message: string): MetaReply {
  return { code: "SERVER_ERROR", flags: [], message };
}

const FAILURE_TEXT = {
  down: "no connection to the server",
  overloaded: "too many requests wait for the server",
  closed: "the connection to the server broke",
  timeout: "the server did not answer in time",
} as const satisfies Record<ExchangeFailure, string>;
