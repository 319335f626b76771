import { HttpError, type Reply, type RouteRequest, readJson } from "@kagami/kit";
import { z } from "zod";
import { MAX_PARTS } from "../protocol/messages/index.ts";
import { MAX_KEY_BYTES } from "../protocol/routing/index.ts";
import { MAX_OBJECT_BYTES } from "../service/body/body-plan.ts";
import { hashWhileWriting } from "../service/body/hashed-write.ts";
import { STREAM_BYTES } from "../service/body/receive-body.ts";
import { digestOf } from "../service/hashing/body-hashes.ts";
import { HASHER_BYTES } from "../service/hashing/hash-threads.ts";
import { type RetentionContext, retentionFor, retentionForUpload } from "../service/retention.ts";
import type { BodyWriter, Bucket, ObjectMetadata } from "../store/object-store.ts";
import { type AdminParts, adminActor, findBucket } from "./access.ts";
import type { AdminRoutes } from "./routes.ts";

const COMPLETE_LIMIT_BYTES = 1 << 20;

const key = z.string().refine(isKey, "must be 1 to 1,024 bytes of UTF-8");
const beginSchema = z.strictObject({ key, contentType: z.string().max(256).optional() });
const completeSchema = z.strictObject({
  key,
  ifAbsent: z.boolean().default(false),
  parts: z.array(z.strictObject({ partNumber: z.int().min(1).max(MAX_PARTS), etag: z.string().max(64) })).min(1),
});

/**
 * Uploads through the admin port, in one piece or in parts. A page of another site cannot send a PUT without asking
 * first, which nobody answers.
 */
export function addUploadRoutes(routes: AdminRoutes, parts: AdminParts): void {
  const { store, audit, minPartBytes } = parts.service;
  routes.upload("/api/buckets/{bucket}/object", (route) => putObject(route, parts));
  routes.change("POST", "/api/buckets/{bucket}/uploads", async (route) => {
    const bucket = findBucket(route, parts);
    const { key, contentType } = await readJson(route.request, beginSchema);
    const metadata = metadataOf(contentType);
    const retention = retentionForUpload(retentionContext(bucket, parts), key, metadata);
    const none = { checksumAlgorithm: undefined, checksumType: undefined };
    const request = { bucket: bucket.name, key, metadata, retention, owner: bucket.owner, ...none };
    const { uploadId } = await store.createUpload(request);
    return { status: 201, json: { uploadId } };
  });
  routes.upload("/api/buckets/{bucket}/uploads/{uploadId}/{partNumber}", async (route) => {
    const { name } = findBucket(route, parts);
    const { uploadId = "" } = route.params;
    const partNumber = Number(route.params.partNumber);
    if (!(Number.isInteger(partNumber) && partNumber >= 1 && partNumber <= MAX_PARTS)) {
      throw new HttpError(400, "PART_INVALID", `The number of a part is 1 to ${MAX_PARTS}`);
    }
    const part = { bucket: name, key: keyOf(route), uploadId, partNumber };
    await store.upload(name, part.key, uploadId);
    const { etag } = await receive(route, parts, (sizeBytes) => store.putPart(part, sizeBytes));
    return { json: { partNumber, etag } };
  });
  routes.change("POST", "/api/buckets/{bucket}/uploads/{uploadId}/complete", async (route) => {
    const { name } = findBucket(route, parts);
    const { uploadId = "" } = route.params;
    const { ifAbsent, ...completed } = await readJson(route.request, completeSchema, COMPLETE_LIMIT_BYTES);
    const rest = { conditions: ifAbsent ? { absent: true } : {}, checksum: undefined, minPartBytes };
    const result = await store.completeUpload({ bucket: name, uploadId, ...completed, ...rest });
    audit.record("object.uploaded", adminActor(route), { bucket: name, key: completed.key });
    return { json: result };
  });
  routes.change("DELETE", "/api/buckets/{bucket}/uploads/{uploadId}", async (route) => {
    const { name } = findBucket(route, parts);
    await store.abortUpload(name, keyOf(route), route.params.uploadId ?? "");
    return {};
  });
}

async function putObject(route: RouteRequest, parts: AdminParts): Promise<Reply> {
  const { store, audit } = parts.service;
  const bucket = findBucket(route, parts);
  const key = keyOf(route);
  const metadata = metadataOf(route.request.headers["content-type"]);
  const conditions = route.query.get("ifAbsent") === "true" ? { absent: true } : {};
  const result = await receive(route, parts, (sizeBytes) => {
    const retention = retentionFor(retentionContext(bucket, parts), key, metadata, sizeBytes);
    return store.put({ bucket: bucket.name, key, metadata, retention, conditions }, sizeBytes);
  });
  audit.record("object.uploaded", adminActor(route), { bucket: bucket.name, key });
  return { status: 201, json: result };
}

/** Takes a body into the store; nothing of it stays behind if it does not come whole. */
async function receive<Result>(
  { request }: RouteRequest,
  { service }: AdminParts,
  open: (sizeBytes: number) => BodyWriter<Result>,
): Promise<Result> {
  const sizeBytes = Number(request.headers["content-length"] ?? Number.NaN);
  if (Number.isNaN(sizeBytes)) throw new HttpError(411, "LENGTH_MISSING", "Send the body with content-length");
  if (sizeBytes > MAX_OBJECT_BYTES) throw new HttpError(413, "BODY_TOO_LARGE", "Send more than 5 GiB in parts");
  const reservation = await service.budget.reserve(HASHER_BYTES + STREAM_BYTES);
  if (!reservation) throw new HttpError(503, "BUSY", "Too many uploads are under way; try again");
  const transfer = service.stalls.watch(() => request.destroy());
  try {
    const hashes = { sha256: false, checksum: undefined };
    return await hashWhileWriting(
      service.hashThreads,
      hashes,
      () => open(sizeBytes),
      async (body) => {
        for await (const chunk of request.iterator({ destroyOnReturn: false })) {
          transfer.pause();
          await body.take(chunk as Buffer);
          transfer.resume();
          transfer.moved((chunk as Buffer).length);
        }
        transfer.pause();
        return await body.commit(digestOf(await body.digest(), undefined));
      },
    );
  } catch (error) {
    if (request.destroyed && !request.complete) throw new HttpError(400, "BODY_INCOMPLETE", "The body ended early");
    throw error;
  } finally {
    transfer.end();
    reservation.release();
  }
}

function keyOf({ query }: RouteRequest): string {
  const key = query.get("key") ?? "";
  if (!isKey(key)) throw new HttpError(400, "KEY_INVALID", `key must be 1 to ${MAX_KEY_BYTES} bytes of UTF-8`);
  return key;
}

function isKey(key: string): boolean {
  return key !== "" && Buffer.byteLength(key) <= MAX_KEY_BYTES && key.isWellFormed();
}

function metadataOf(contentType: string | undefined): ObjectMetadata {
  return { ...(contentType === undefined || contentType === "" ? {} : { contentType }), user: {}, tags: {} };
}

function retentionContext(bucket: Bucket, { service }: AdminParts): RetentionContext {
  return { ownBucket: bucket, service, nowMs: service.nowMs() };
}
