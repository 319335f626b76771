import { checksumHeader } from "../../protocol/checksums/index.ts";
import { formatHttpDate } from "../../protocol/dates.ts";
import { metadataHeaders, responseOverridesOf } from "../../protocol/metadata/index.ts";
import type { Checksum, ObjectEntry } from "../../store/object-store.ts";
import type { RequestContext } from "../request-context.ts";

/** Entries are never changed and live in the store's cache as long as they are asked for: so do their headers. */
const known = new WeakMap<ObjectEntry, readonly string[]>();

/** What an answer says of the object: GET and HEAD, whole or part, and 304. @throws S3Error for overrides */
export function addObjectHeaders(cx: RequestContext, entry: ObjectEntry): void {
  const overrides = responseOverridesOf(cx.route.query, cx.user === undefined);
  let headers = overrides ? undefined : known.get(entry);
  if (!headers) {
    headers = headersOf(entry, overrides);
    if (!overrides) known.set(entry, headers);
  }
  for (let i = 0; i < headers.length; i++) cx.replyHeaders.push(headers[i] as string);
  addVersionHeader(cx, entry.versionId);
}

function headersOf(entry: ObjectEntry, overrides: ReadonlyMap<string, string> | undefined): string[] {
  const headers = metadataHeaders(entry.metadata, overrides).flat();
  headers.push("etag", `"${entry.etag}"`, "last-modified", formatHttpDate(entry.modifiedMs), "accept-ranges", "bytes");
  const tagCount = Object.keys(entry.metadata.tags).length;
  if (tagCount > 0) headers.push("x-amz-tagging-count", String(tagCount));
  if (entry.expiresMs !== undefined) headers.push("x-amz-expiration", expirationText(entry.expiresMs, undefined));
  return headers;
}

/** Told only in buckets that have or had versions. */
export function addVersionHeader(cx: RequestContext, versionId: string | undefined): void {
  if (versionId !== undefined && cx.ownBucket.versioning !== "off") cx.addHeader("x-amz-version-id", versionId);
}

export function addExpirationHeader(cx: RequestContext, expiresMs: number, ruleId: string): void {
  cx.addHeader("x-amz-expiration", expirationText(expiresMs, ruleId));
}

function expirationText(expiresMs: number, ruleId: string | undefined): string {
  const rule = ruleId === undefined ? "" : `, rule-id="${encodeURIComponent(ruleId)}"`;
  return `expiry-date="${formatHttpDate(expiresMs)}"${rule}`;
}

/** Told to clients that ask for it, and only of what is sent whole: of a range it would be wrong. */
export function addChecksumHeader(cx: RequestContext, checksum: Checksum | undefined): void {
  if (!checksum || cx.headers.get("x-amz-checksum-mode")?.toUpperCase() !== "ENABLED") return;
  addChecksum(cx, checksum);
  cx.addHeader("x-amz-checksum-type", checksum.type);
}

/** The checksum by the header of its algorithm. */
export function addChecksum(cx: RequestContext, { algorithm, value }: Checksum): void {
  cx.addHeader(checksumHeader(algorithm), value);
}
