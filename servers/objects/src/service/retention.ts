import { type LifecycleRule, retentionOf } from "../engine/lifecycle/lifecycle.ts";
import type { ObjectMetadata, Retention } from "../store/object-store.ts";
import type { RequestContext } from "./request-context.ts";

/** What of a request decides how long its object is kept. */
export type RetentionContext = Pick<RequestContext, "ownBucket" | "service" | "nowMs">;

/**
 * How long the bucket's rules keep an object that is written now. In a bucket with versions an expired object is hidden,
 * not removed, so there the lifecycle run does it.
 */
export function retentionFor(
  cx: RetentionContext,
  key: string,
  metadata: ObjectMetadata,
  sizeBytes: number,
): Retention | undefined {
  const bucket = cx.ownBucket;
  if (bucket.versioning !== "off") return undefined;
  const rules = cx.service.documents.lifecycle(bucket);
  return rules && retentionOf(rules, { key, sizeBytes, tags: metadata.tags, createdMs: cx.nowMs });
}

/** As {@link retentionFor} for an upload whose size is not known: rules about sizes wait for the lifecycle run. */
export function retentionForUpload(cx: RetentionContext, key: string, metadata: ObjectMetadata): Retention | undefined {
  const bucket = cx.ownBucket;
  const rules = bucket.versioning === "off" ? cx.service.documents.lifecycle(bucket) : undefined;
  const sizeless = rules?.filter((rule) => !hasSize(rule));
  return sizeless && retentionOf(sizeless, { key, sizeBytes: 0, tags: metadata.tags, createdMs: cx.nowMs });
}

function hasSize({ filter }: LifecycleRule): boolean {
  return filter.sizeGreaterThan !== undefined || filter.sizeLessThan !== undefined;
}
