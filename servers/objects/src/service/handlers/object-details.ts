import { formatHttpDate } from "../../protocol/dates.ts";
import { invalidArgument } from "../../protocol/errors.ts";
import {
  MAX_OBJECT_TAGS,
  parseObjectAttributes,
  parseTagging,
  type Tags,
  writeObjectAttributes,
  writeTagging,
} from "../../protocol/messages/index.ts";
import { authorize, needsObjectTags, wishFor } from "../authorize.ts";
import { sendEmpty, sendXml } from "../reply.ts";
import type { RequestContext } from "../request-context.ts";
import { readDocument } from "./documents.ts";
import { PAGE_LIMIT } from "./listing-arguments.ts";
import { addVersionHeader } from "./object-headers.ts";
import { findObject } from "./object-reads.ts";

export async function getObjectAttributes(cx: RequestContext): Promise<void> {
  const { key, query } = cx.route;
  const hasVersion = query.has("versionId");
  // S3 asks for both: who may not read the object is not told its checksum.
  const tags = needsObjectTags(cx, cx.ownBucket) ? (await findObject(cx)).metadata.tags : undefined;
  authorize(cx, { ...wishFor(hasVersion ? "s3:getobjectversion" : "s3:getobject", cx.ownBucket, key), tags });
  const { names, values } = cx.headers;
  const asked = parseObjectAttributes(values.filter((_, i) => names[i] === "x-amz-object-attributes"));
  const page = {
    partNumberMarker: readHeaderCount(cx, "x-amz-part-number-marker", 0),
    maxParts: Math.min(readHeaderCount(cx, "x-amz-max-parts", PAGE_LIMIT), PAGE_LIMIT),
  };
  const entry = await findObject(cx);
  cx.addHeader("last-modified", formatHttpDate(entry.modifiedMs));
  addVersionHeader(cx, entry.versionId);
  sendXml(cx, 200, writeObjectAttributes(entry, asked, page));
}

function readHeaderCount(cx: RequestContext, name: string, absent: number): number {
  const text = cx.headers.get(name);
  if (text === undefined) return absent;
  if (!/^\d{1,9}$/.test(text)) throw invalidArgument(`${name} must be a whole number of at least 0`, name, text);
  return Number(text);
}

export async function getObjectTagging(cx: RequestContext): Promise<void> {
  const entry = await findObject(cx);
  addVersionHeader(cx, entry.versionId);
  sendXml(cx, 200, writeTagging(entry.metadata.tags));
}

/** The body is read before the decision: policies may ask for the tags that it gives. */
export async function putObjectTagging(cx: RequestContext): Promise<void> {
  const { key, query } = cx.route;
  const tags = parseTagging(await readDocument(cx), MAX_OBJECT_TAGS);
  const action = query.has("versionId") ? "s3:putobjectversiontagging" : "s3:putobjecttagging";
  const bucket = cx.ownBucket;
  const entry = needsObjectTags(cx, bucket)
    ? await cx.service.store.head(bucket.name, key, query.get("versionId"))
    : undefined;
  authorize(cx, { ...wishFor(action, bucket, key), tags: entry?.metadata.tags, requestTags: tags });
  await changeTags(cx, tags);
  sendEmpty(cx, 200);
}

export async function deleteObjectTagging(cx: RequestContext): Promise<void> {
  await changeTags(cx, {});
  sendEmpty(cx, 204);
}

async function changeTags(cx: RequestContext, tags: Tags): Promise<void> {
  const { bucket, key, query } = cx.route;
  await findObject(cx);
  const entry = await cx.service.store.setTags(bucket, key, query.get("versionId"), tags);
  addVersionHeader(cx, entry.versionId);
}
