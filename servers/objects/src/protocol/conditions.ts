import type { WriteConditions } from "../store/object-store.ts";
import { parseHttpDate } from "./dates.ts";
import { unquoteEtag } from "./entity-tag.ts";
import { S3Error } from "./errors.ts";
import type { HeaderFields } from "./header-fields.ts";

/** What a condition is checked against. */
export interface Validators {
  /** Without quotes. */
  readonly etag: string;
  readonly modifiedMs: number;
}

/** The conditions of a read, or of the source of a copy. */
export interface ReadConditions {
  readonly ifMatch: string | undefined;
  readonly ifNoneMatch: string | undefined;
  /** In ms; undefined if absent or no date, which is passed over. */
  readonly ifModifiedSince: number | undefined;
  readonly ifUnmodifiedSince: number | undefined;
}

/** The conditions of GET and HEAD; undefined if there are none. */
export function readConditionsOf(headers: HeaderFields): ReadConditions | undefined {
  return conditionsWith(headers, "if-match", "if-none-match", "if-modified-since", "if-unmodified-since");
}

/** The conditions on the source of a copy; undefined if there are none. */
export function copyConditionsOf(headers: HeaderFields): ReadConditions | undefined {
  return conditionsWith(
    headers,
    "x-amz-copy-source-if-match",
    "x-amz-copy-source-if-none-match",
    "x-amz-copy-source-if-modified-since",
    "x-amz-copy-source-if-unmodified-since",
  );
}

function conditionsWith(
  headers: HeaderFields,
  match: string,
  noneMatch: string,
  modifiedSince: string,
  unmodifiedSince: string,
): ReadConditions | undefined {
  const ifMatch = headers.get(match);
  const ifNoneMatch = headers.get(noneMatch);
  const since = headers.get(modifiedSince);
  const until = headers.get(unmodifiedSince);
  if (ifMatch === undefined && ifNoneMatch === undefined && since === undefined && until === undefined) {
    return undefined;
  }
  return {
    ifMatch,
    ifNoneMatch,
    ifModifiedSince: since === undefined ? undefined : parseHttpDate(since),
    ifUnmodifiedSince: until === undefined ? undefined : parseHttpDate(until),
  };
}

/**
 * Checks the conditions of a read: `ok`, or `not-modified` for a reply 304 (with ETag and Last-Modified, no body).
 *
 * If-Match outweighs If-Unmodified-Since, If-None-Match outweighs If-Modified-Since.
 *
 * @throws S3Error PreconditionFailed
 * @see RFC 9110 §13.2.2
 */
export function checkRead(conditions: ReadConditions, validators: Validators): "ok" | "not-modified" {
  const failed = failedCondition(conditions, validators);
  if (failed === undefined) return "ok";
  if (failed === "If-None-Match" || failed === "If-Modified-Since") return "not-modified";
  throw preconditionFailed(failed);
}

/** Checks the conditions on the source of a copy. @throws S3Error PreconditionFailed for each that does not hold. */
export function checkCopySource(conditions: ReadConditions, validators: Validators): void {
  const failed = failedCondition(conditions, validators);
  if (failed !== undefined) throw preconditionFailed(`x-amz-copy-source-${failed}`);
}

type ConditionName = "If-Match" | "If-Unmodified-Since" | "If-None-Match" | "If-Modified-Since";

function failedCondition(conditions: ReadConditions, { etag, modifiedMs }: Validators): ConditionName | undefined {
  const { ifMatch, ifNoneMatch, ifModifiedSince, ifUnmodifiedSince } = conditions;
  // Headers tell whole seconds.
  const modified = Math.floor(modifiedMs / 1_000) * 1_000;
  if (ifMatch !== undefined) {
    if (!matches(ifMatch, etag, false)) return "If-Match";
  } else if (ifUnmodifiedSince !== undefined && modified > ifUnmodifiedSince) return "If-Unmodified-Since";

  if (ifNoneMatch !== undefined) {
    if (matches(ifNoneMatch, etag, true)) return "If-None-Match";
  } else if (ifModifiedSince !== undefined && modified <= ifModifiedSince) return "If-Modified-Since";
  return undefined;
}

/** The error of a condition that does not hold. */
function preconditionFailed(condition: string): S3Error {
  return new S3Error("PreconditionFailed", { fields: { Condition: condition } });
}

/** Whether a list of entity tags names this one. Tags without quotes are accepted, as S3 does. */
function matches(list: string, etag: string, isWeakEnough: boolean): boolean {
  for (const item of list.split(",")) {
    let tag = item.trim();
    if (tag === "*") return true;
    if (tag.startsWith("W/")) {
      if (!isWeakEnough) continue;
      tag = tag.slice(2);
    }
    if (unquoteEtag(tag) === etag) return true;
  }
  return false;
}

const NO_CONDITIONS: WriteConditions = {};

/**
 * The conditions of a write: `If-None-Match: *` and `If-Match: etag`, as S3 knows them.
 *
 * @throws S3Error NotImplemented for other values of If-None-Match and for both headers together.
 */
export function writeConditionsOf(headers: HeaderFields): WriteConditions {
  const ifMatch = headers.single("if-match");
  const ifNoneMatch = headers.single("if-none-match");
  if (ifMatch === undefined && ifNoneMatch === undefined) return NO_CONDITIONS;
  if (ifNoneMatch === undefined) return { etag: unquoteEtag(ifMatch as string) };
  if (ifMatch !== undefined || ifNoneMatch.trim() !== "*") {
    throw new S3Error("NotImplemented", { fields: { Header: "If-None-Match" } });
  }
  return { absent: true };
}

/**
 * Whether a Range header counts: without If-Range, or if that names the object as it is, by entity tag or by date.
 *
 * @see RFC 9110 §13.1.5
 */
export function isRangeWanted(ifRange: string | undefined, { etag, modifiedMs }: Validators): boolean {
  if (ifRange === undefined) return true;
  const date = parseHttpDate(ifRange.trim());
  if (date !== undefined) return Math.floor(modifiedMs / 1_000) * 1_000 === date;
  return unquoteEtag(ifRange) === etag;
}
