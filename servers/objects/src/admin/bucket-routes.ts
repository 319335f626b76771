import { HttpError, type RouteRequest, readJson } from "@kagami/kit";
import { z } from "zod";
import { readCors, writeCors } from "../protocol/documents/cors-document.ts";
import { readLifecycle, writeLifecycle } from "../protocol/documents/lifecycle-document.ts";
import { readPolicy } from "../protocol/documents/policy-document.ts";
import { isNewBucketName } from "../protocol/routing/index.ts";
import { RequestSigner } from "../protocol/sigv4/index.ts";
import { parseXml } from "../protocol/xml/index.ts";
import { DOCUMENTS } from "../service/bucket-documents.ts";
import { signingHashes } from "../service/signing-hashes.ts";
import { rateLimitsSchema } from "../service/stored-users.ts";
import { checkTransitionClasses } from "../service/tier-rules.ts";
import { FIRST_USER } from "../service/users.ts";
import type { Bucket, ObjectEntry } from "../store/object-store.ts";
import { type AdminParts, adminActor, findBucket } from "./access.ts";
import type { AdminRoutes } from "./routes.ts";

const BODY_LIMIT_BYTES = 1 << 20;
const PAGE_LIMIT = 1_000;
/** Versions that a count of a bucket looks at. */
const USAGE_LIMIT = 200_000;
const SHARE_LIMIT_SECONDS = 604_800;

const createSchema = z.strictObject({ name: z.string(), owner: z.string() });
/** `null` removes a document. */
const changeSchema = z.strictObject({
  versioning: z.enum(["enabled", "suspended"]).optional(),
  policy: z.string().nullable().optional(),
  cors: z.string().nullable().optional(),
  lifecycle: z.string().nullable().optional(),
  limits: rateLimitsSchema.nullable().optional(),
});
const deleteSchema = z.strictObject({ key: z.string().min(1), versionId: z.string().optional() });
const shareSchema = z.strictObject({
  key: z.string().min(1).max(1_024),
  method: z.enum(["GET", "PUT"]).default("GET"),
  seconds: z.int().min(1).max(SHARE_LIMIT_SECONDS).default(3_600),
  /** Whose right the link carries; the first user if absent. */
  user: z.string().default(FIRST_USER),
});

/** Buckets, what is in them, and links to it. */
export function addBucketRoutes(routes: AdminRoutes, parts: AdminParts): void {
  const { store, users, audit, nowMs } = parts.service;
  routes.get("/api/buckets", () => ({ json: store.buckets().map((bucket) => describe(bucket)) }));
  routes.get("/api/buckets/{bucket}", (route) => ({ json: { ...describe(findBucket(route, parts)) } }));
  routes.change("POST", "/api/buckets", async (route) => {
    const { name, owner } = await readJson(route.request, createSchema);
    if (!isNewBucketName(name)) throw new HttpError(400, "BUCKET_NAME_INVALID", `"${name}" is no bucket name`);
    if (!users.user(owner)) throw new HttpError(404, "USER_UNKNOWN", `There is no user "${owner}"`);
    const bucket = await store.createBucket({ name, owner, nowMs: nowMs() });
    audit.record("bucket.created", adminActor(route), { bucket: name, owner });
    return { status: 201, json: describe(bucket) };
  });
  routes.change("PATCH", "/api/buckets/{bucket}", (route) => changeBucket(route, parts));
  routes.change("DELETE", "/api/buckets/{bucket}", async (route) => {
    const { name } = findBucket(route, parts);
    await store.deleteBucket(name);
    audit.record("bucket.deleted", adminActor(route), { bucket: name });
    return {};
  });
  routes.get("/api/buckets/{bucket}/objects", async (route) => ({ json: await listObjects(route, parts) }));
  routes.get("/api/buckets/{bucket}/usage", async (route) => ({ json: await countUsage(route, parts) }));
  routes.change("POST", "/api/buckets/{bucket}/delete", async (route) => {
    const { name } = findBucket(route, parts);
    const { key, versionId } = await readJson(route.request, deleteSchema);
    const which = versionId === undefined ? {} : { versionId };
    const result = await store.delete({ bucket: name, key, ...which, conditions: {} });
    audit.record("object.deleted", adminActor(route), { bucket: name, key, versionId });
    return { json: result };
  });
  routes.change("POST", "/api/buckets/{bucket}/share", (route) => share(route, parts));
}

function describe({ name, owner, createdMs, versioning, documents }: Bucket) {
  const { policy = null, cors = null, lifecycle = null, limits } = documents;
  return { name, owner, createdMs, versioning, policy, cors, lifecycle, limits: limits ? JSON.parse(limits) : null };
}

async function changeBucket(route: RouteRequest, parts: AdminParts) {
  const { store, audit, onLifecycleChanged } = parts.service;
  const { name } = findBucket(route, parts);
  const { versioning, policy, cors, lifecycle, limits } = await readJson(route.request, changeSchema, BODY_LIMIT_BYTES);
  const documents: Record<string, string | undefined> = {};
  if (policy !== undefined) {
    if (policy !== null) readPolicy(policy, name);
    documents[DOCUMENTS.policy] = policy ?? undefined;
  }
  if (cors !== undefined) documents[DOCUMENTS.cors] = cors === null ? undefined : writeCors(readCors(xml(cors)));
  if (lifecycle !== undefined) {
    const rules = lifecycle === null ? undefined : readLifecycle(xml(lifecycle));
    if (rules !== undefined) checkTransitionClasses(rules, store.storageClasses);
    documents[DOCUMENTS.lifecycle] = rules && writeLifecycle(rules);
  }
  if (limits !== undefined) documents[DOCUMENTS.limits] = limits === null ? undefined : JSON.stringify(limits);
  const bucket = await store.updateBucket(name, { ...(versioning === undefined ? {} : { versioning }), documents });
  audit.record("bucket.changed", adminActor(route), { bucket: name, versioning, policy, cors, lifecycle, limits });
  if (lifecycle !== undefined) onLifecycleChanged();
  return { json: describe(bucket) };
}

function xml(text: string) {
  return parseXml(Buffer.from(text));
}

async function listObjects(route: RouteRequest, parts: AdminParts) {
  const { name } = findBucket(route, parts);
  const { query } = route;
  const limit = Number(query.get("limit") ?? PAGE_LIMIT);
  if (!(Number.isInteger(limit) && limit >= 1 && limit <= PAGE_LIMIT)) {
    throw new HttpError(400, "LIMIT_INVALID", `limit must be 1 to ${PAGE_LIMIT}`);
  }
  const afterVersion = query.get("afterVersion");
  const page = await parts.service.store.list({
    bucket: name,
    prefix: query.get("prefix") ?? "",
    delimiter: query.get("delimiter") ?? "",
    startAfter: query.get("after") ?? "",
    ...(afterVersion === null ? {} : { startAfterVersion: afterVersion }),
    maxKeys: limit,
    versions: query.get("versions") === "true",
  });
  const { commonPrefixes, isTruncated, nextAfter = null, nextAfterVersion = null } = page;
  return { objects: page.entries.map(describeObject), commonPrefixes, isTruncated, nextAfter, nextAfterVersion };
}

/** Counts by walking the bucket, up to a limit: an answer within seconds is worth more than a whole one within hours. */
async function countUsage(route: RouteRequest, parts: AdminParts) {
  const { name } = findBucket(route, parts);
  const usage = { versions: 0, deleteMarkers: 0, bytes: 0, isComplete: false };
  let after: { startAfter: string; startAfterVersion?: string } = { startAfter: "" };
  while (usage.versions + usage.deleteMarkers < USAGE_LIMIT) {
    const request = { bucket: name, prefix: "", delimiter: "", maxKeys: PAGE_LIMIT, versions: true, ...after };
    const page = await parts.service.store.list(request);
    for (const { isDeleteMarker, sizeBytes } of page.entries) {
      if (isDeleteMarker) usage.deleteMarkers += 1;
      else usage.versions += 1;
      usage.bytes += sizeBytes;
    }
    const { isTruncated, nextAfter, nextAfterVersion } = page;
    if (!isTruncated || nextAfter === undefined) return { ...usage, isComplete: true };
    after = {
      startAfter: nextAfter,
      ...(nextAfterVersion === undefined ? {} : { startAfterVersion: nextAfterVersion }),
    };
  }
  return usage;
}

function describeObject(entry: ObjectEntry) {
  const { key, versionId, isLatest, isDeleteMarker, sizeBytes, etag, modifiedMs, expiresMs = null, metadata } = entry;
  const { contentType = null, tags, user } = metadata;
  return { key, versionId, isLatest, isDeleteMarker, sizeBytes, etag, modifiedMs, expiresMs, contentType, tags, user };
}

/** A presigned path: who has it may do what the user may with that object, until it ends. */
async function share(route: RouteRequest, parts: AdminParts) {
  const { service } = parts;
  const { name } = findBucket(route, parts);
  const { key, method, seconds, user } = await readJson(route.request, shareSchema);
  const holder = service.users.anyKeyOf(user);
  if (!holder) throw new HttpError(409, "KEY_UNKNOWN", `User "${user}" has no key that is enabled`);
  const { publicUrl, tlsCert } = parts.config;
  const base = new URL(publicUrl === "" ? `${tlsCert === "" ? "http" : "https"}://${parts.s3Address()}` : publicUrl);
  // As clients send it: without the port that the scheme has anyway.
  const { host } = base;
  const identity = {
    accessKeyId: holder.accessKey,
    secretAccessKey: holder.secretKey,
    region: service.region,
  };
  const path = `/${name}/${key.split("/").map(escapeSegment).join("/")}`;
  const signer = new RequestSigner(signingHashes, identity);
  const query = signer.presign({ method, path, query: "", rawHeaders: ["host", host] }, seconds, service.nowMs());
  service.audit.record("object.shared", adminActor(route), { bucket: name, key, method, seconds, user });
  return { json: { url: `${base.protocol}//${host}${path}?${query}` } };
}

function escapeSegment(segment: string): string {
  return encodeURIComponent(segment).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}
