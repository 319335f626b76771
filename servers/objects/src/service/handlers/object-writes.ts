import { writeConditionsOf } from "../../protocol/conditions.ts";
import type { Checksum, ObjectMetadata, PutRequest, Retention } from "../../store/object-store.ts";
import { authorize, wishFor } from "../authorize.ts";
import { MAX_OBJECT_BYTES, readBodyPlan } from "../body/body-plan.ts";
import { storeBody } from "../body/receive-body.ts";
import { sendEmpty } from "../reply.ts";
import type { RequestContext } from "../request-context.ts";
import { retentionFor } from "../retention.ts";
import { refuseAcl } from "./buckets.ts";
import { addChecksum, addExpirationHeader } from "./object-headers.ts";
import { readMetadata, refuseUnsupported } from "./put-headers.ts";

export async function putObject(cx: RequestContext): Promise<void> {
  const { bucket, key } = cx.route;
  const metadata = readNewMetadata(cx);
  const conditions = writeConditionsOf(cx.headers);
  const plan = readBodyPlan(cx, MAX_OBJECT_BYTES);
  const retention = retentionFor(cx, key, metadata, plan.sizeBytes);
  const request: PutRequest = { bucket, key, metadata, retention, conditions };
  const { result, digest } = await storeBody(cx, plan, () => cx.service.store.put(request, plan.sizeBytes));
  addWrittenHeaders(cx, { ...result, checksum: digest.checksum, retention });
  sendEmpty(cx, 200);
}

/** Reads what is said of a new object, and asks whether its tags may be given. */
export function readNewMetadata(cx: RequestContext): ObjectMetadata {
  refuseUnsupported(cx);
  refuseAcl(cx);
  const metadata = readMetadata(cx);
  if (Object.keys(metadata.tags).length > 0) {
    authorize(cx, { ...wishFor("s3:putobjecttagging", cx.ownBucket, cx.route.key), requestTags: metadata.tags });
  }
  return metadata;
}

/** Headers that tell what was written. */
export function addWrittenHeaders(
  cx: RequestContext,
  written: {
    readonly etag: string;
    readonly versionId: string | undefined;
    readonly checksum: Checksum | undefined;
    readonly retention: Retention | undefined;
  },
): void {
  const { etag, versionId, checksum, retention } = written;
  cx.addHeader("etag", `"${etag}"`);
  if (versionId !== undefined) cx.addHeader("x-amz-version-id", versionId);
  if (checksum) {
    addChecksum(cx, checksum);
    cx.addHeader("x-amz-checksum-type", checksum.type);
  }
  if (retention) addExpirationHeader(cx, retention.expiresMs, retention.ruleKey);
}

export async function deleteObject(cx: RequestContext): Promise<void> {
  const { bucket, key, query } = cx.route;
  const versionId = query.get("versionId");
  const result = await cx.service.store.delete({
    bucket,
    key,
    ...(versionId === undefined ? {} : { versionId }),
    conditions: writeConditionsOf(cx.headers),
  });
  if (result.isDeleteMarker) cx.addHeader("x-amz-delete-marker", "true");
  if (result.versionId !== undefined) cx.addHeader("x-amz-version-id", result.versionId);
  sendEmpty(cx, 204);
}
