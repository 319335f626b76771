import { invalidArgument } from "../../protocol/errors.ts";
import type { Owner } from "../../protocol/messages/index.ts";
import type { Query } from "../../protocol/routing/index.ts";
import type { RequestContext } from "../request-context.ts";

/** A listing gives at most so many at once, whatever is asked for. */
export const PAGE_LIMIT = 1_000;

/**
 * Reads a count from the query; more than a page is a page.
 *
 * @throws S3Error InvalidArgument for what is no whole number of at least 0.
 */
export function readCount(query: Query, name: string): number {
  const text = query.get(name);
  if (text === undefined || text === "") return PAGE_LIMIT;
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value <= 0x7fff_ffff)) {
    throw invalidArgument(`Argument ${name} must be an integer between 0 and 2147483647`, name, text);
  }
  return Math.min(value, PAGE_LIMIT);
}

/** Whether keys of the answer are to be percent-encoded. @throws S3Error InvalidArgument */
function readEncoding(query: Query): boolean {
  const encoding = query.get("encoding-type");
  if (encoding === undefined || encoding === "") return false;
  if (encoding.toLowerCase() === "url") return true;
  throw invalidArgument("Invalid Encoding Method specified in Request", "encoding-type", encoding);
}

/** What a listing is asked, to be told again in its answer. */
export interface ListingQuestion {
  readonly bucket: string;
  /** The bucket's owner, who owns every object in it. */
  readonly owner: Owner;
  readonly prefix: string;
  readonly delimiter: string;
  readonly maxKeys: number;
  readonly isUrlEncoded: boolean;
}

/** A user as listings name owners: every ID is the name. */
export function ownerNamed(name: string): Owner {
  return { id: name, displayName: name };
}

/** What all listings of a bucket's keys are asked. */
export function readQuestion(cx: RequestContext, countName: string): ListingQuestion {
  const { query, bucket } = cx.route;
  return {
    bucket,
    owner: ownerNamed(cx.ownBucket.owner),
    prefix: query.get("prefix") ?? "",
    delimiter: query.get("delimiter") ?? "",
    maxKeys: readCount(query, countName),
    isUrlEncoded: readEncoding(query),
  };
}
