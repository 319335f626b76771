import { checkRead, isRangeWanted, readConditionsOf } from "../../protocol/conditions.ts";
import { S3Error } from "../../protocol/errors.ts";
import { parsePartNumber } from "../../protocol/messages/index.ts";
import { type ByteRange, contentRange, parseRange } from "../../protocol/ranges.ts";
import type { ObjectEntry, OpenObject } from "../../store/object-store.ts";
import { sendObject } from "../body/send-object.ts";
import { beginReply, sendEmpty } from "../reply.ts";
import type { RequestContext } from "../request-context.ts";
import { addChecksumHeader, addObjectHeaders } from "./object-headers.ts";

/**
 * GET of an object. One that is in memory is answered without a pause: that is the way of live segments, and what
 * nearly every request costs.
 */
export function getObject(cx: RequestContext): Promise<void> | undefined {
  const { bucket, key, query } = cx.route;
  const versionId = query.get("versionId");
  const object = versionId === undefined ? cx.service.store.openNow(bucket, key) : undefined;
  return object ? answerWith(cx, object) : openAndAnswer(cx, versionId);
}

async function openAndAnswer(cx: RequestContext, versionId: string | undefined): Promise<void> {
  const { bucket, key } = cx.route;
  const object = await cx.service.store.open(bucket, key, versionId);
  if (!object) throw await absence(cx, versionId);
  try {
    await answerWith(cx, object);
  } finally {
    object.close();
  }
}

function answerWith(cx: RequestContext, object: OpenObject): Promise<void> | undefined {
  const { entry } = object;
  const range = planRead(cx, entry);
  if (range === undefined) return sendObject(cx, object, 200, 0, entry.sizeBytes);
  if (range !== "not-modified") return sendObject(cx, object, 206, range.start, range.end);
  sendEmpty(cx, 304);
  return undefined;
}

export async function headObject(cx: RequestContext): Promise<void> {
  const entry = await findObject(cx);
  const range = planRead(cx, entry);
  if (range === "not-modified") sendEmpty(cx, 304);
  else {
    beginReply(cx, range === undefined ? 200 : 206);
    cx.response.end();
  }
}

/** The object that the request names. @throws S3Error NoSuchKey, NoSuchVersion, MethodNotAllowed for a delete marker */
export async function findObject(cx: RequestContext): Promise<ObjectEntry> {
  const { bucket, key, query } = cx.route;
  const versionId = query.get("versionId");
  const entry = await cx.service.store.head(bucket, key, versionId);
  if (!entry) throw absenceOf(key, versionId);
  if (entry.isDeleteMarker) throw markerError(entry, versionId);
  return entry;
}

/** Checks the conditions, writes the headers, and says which bytes are to be sent; undefined is all. */
function planRead(cx: RequestContext, entry: ObjectEntry): ByteRange | "not-modified" | undefined {
  const { headers, route } = cx;
  const conditions = readConditionsOf(headers);
  const outcome = conditions ? checkRead(conditions, entry) : "ok";
  const partText = route.query.get("partNumber");
  const range = outcome === "ok" ? rangeOf(cx, entry, partText) : undefined;
  addObjectHeaders(cx, entry);
  if (outcome === "not-modified") return outcome;
  const part = partText === undefined ? undefined : partOf(entry, parsePartNumber(partText));
  if (range === undefined || part) addChecksumHeader(cx, part ? part.checksum : entry.checksum);
  if (part && entry.parts) cx.addHeader("x-amz-mp-parts-count", String(entry.parts.length));
  if (range) cx.addHeader("content-range", contentRange(range, entry.sizeBytes));
  cx.addHeader("content-length", String(range ? range.end - range.start : entry.sizeBytes));
  return range;
}

function rangeOf(cx: RequestContext, entry: ObjectEntry, partText: string | undefined): ByteRange | undefined {
  const { headers } = cx;
  const range = headers.get("range");
  if (partText === undefined) {
    if (range === undefined || !isRangeWanted(headers.get("if-range"), entry)) return undefined;
    return parseRange(range, entry.sizeBytes);
  }
  if (range !== undefined) {
    throw new S3Error("InvalidRequest", { message: "Cannot specify both Range header and partNumber query parameter" });
  }
  const partNumber = parsePartNumber(partText);
  if (!entry.parts) {
    if (partNumber !== 1) throw new S3Error("InvalidPartNumber");
    return entry.sizeBytes === 0 ? undefined : { start: 0, end: entry.sizeBytes };
  }
  let start = 0;
  for (const part of entry.parts) {
    if (part.partNumber === partNumber) return { start, end: start + part.sizeBytes };
    start += part.sizeBytes;
  }
  throw new S3Error("InvalidPartNumber");
}

function partOf(entry: ObjectEntry, partNumber: number) {
  return entry.parts?.find((part) => part.partNumber === partNumber);
}

/** Why `open` found nothing: no such key, or a delete marker. */
async function absence(cx: RequestContext, versionId: string | undefined): Promise<S3Error> {
  const { bucket, key } = cx.route;
  const entry = cx.ownBucket.versioning === "off" ? undefined : await cx.service.store.head(bucket, key, versionId);
  return entry?.isDeleteMarker ? markerError(entry, versionId) : absenceOf(key, versionId);
}

/** @param versionId Of the request. */
export function absenceOf(key: string, versionId: string | undefined): S3Error {
  if (versionId === undefined) return new S3Error("NoSuchKey", { fields: { Key: key } });
  return new S3Error("NoSuchVersion", { fields: { Key: key, VersionId: versionId } });
}

function markerError(entry: ObjectEntry, versionId: string | undefined): S3Error {
  const headers = { "x-amz-delete-marker": "true", "x-amz-version-id": entry.versionId };
  if (versionId === undefined) return new S3Error("NoSuchKey", { fields: { Key: entry.key }, headers });
  return new S3Error("MethodNotAllowed", { headers: { ...headers, allow: "DELETE" } });
}
