import {
  type DeletedObject,
  MAX_DELETE_BYTES,
  type ObjectToDelete,
  parseDelete,
  writeDeleteResult,
} from "../../protocol/messages/index.ts";
import { authorize, needsObjectTags, wishFor } from "../authorize.ts";
import { readBodyPlan } from "../body/body-plan.ts";
import { receiveDocument } from "../body/receive-body.ts";
import { requireIntegrity } from "../body/verify-body.ts";
import { sendXml } from "../reply.ts";
import type { RequestContext } from "../request-context.ts";
import { toS3Error } from "../store-errors.ts";

/** Deletes that wait together share a sync. */
const AT_ONCE = 64;

/** Deletes many objects; each is judged by itself, and one that fails does not stop the others. */
export async function deleteObjects(cx: RequestContext): Promise<void> {
  const plan = readBodyPlan(cx, MAX_DELETE_BYTES);
  requireIntegrity(plan);
  const { objects, isQuiet } = parseDelete(await receiveDocument(cx, plan));
  const results: DeletedObject[] = [];
  for (let at = 0; at < objects.length; at += AT_ONCE) {
    const batch = objects.slice(at, at + AT_ONCE);
    results.push(...(await Promise.all(batch.map((object) => deleteOne(cx, object)))));
  }
  sendXml(cx, 200, writeDeleteResult(isQuiet ? results.filter((result) => "error" in result) : results));
}

async function deleteOne(cx: RequestContext, { key, versionId, etag }: ObjectToDelete): Promise<DeletedObject> {
  const bucket = cx.ownBucket;
  const { store } = cx.service;
  try {
    const action = versionId === undefined ? "s3:deleteobject" : "s3:deleteobjectversion";
    const entry = needsObjectTags(cx, bucket) ? await store.head(bucket.name, key, versionId) : undefined;
    authorize(cx, { ...wishFor(action, bucket, key), tags: entry?.metadata.tags });
    const result = await store.delete({
      bucket: bucket.name,
      key,
      ...(versionId === undefined ? {} : { versionId }),
      conditions: etag === undefined ? {} : { etag },
    });
    return { key, versionId, deleteMarkerVersionId: result.isDeleteMarker ? result.versionId : undefined };
  } catch (error) {
    const { answer, isAlarming } = toS3Error(error);
    if (isAlarming) cx.service.log.error("delete.failed", { requestId: cx.id, bucket: bucket.name, error });
    return { key, versionId, error: answer };
  }
}
