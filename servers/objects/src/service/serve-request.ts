import type { HttpRequest, HttpResponse } from "@kagami/kit";
import { answerActual } from "../engine/cors/cors.ts";
import { actionOf, BY_HANDLER, hidesAbsence, isRead } from "../engine/policy/operation-actions.ts";
import { S3Error } from "../protocol/errors.ts";
import { authorize, checkOwner, isAllowed, needsObjectTags, type Wish, wishFor } from "./authorize.ts";
import { ClientGone } from "./client-gone.ts";
import { HANDLERS, type Handler } from "./handlers/index.ts";
import { sendError } from "./reply.ts";
import { RequestContext } from "./request-context.ts";
import type { Service } from "./service.ts";
import { toS3Error } from "./store-errors.ts";

/**
 * Answers one request: verifies its signature, finds its operation, asks the policies, and calls the handler. It never
 * rejects: whatever goes wrong is answered, or the connection ends.
 *
 * @returns undefined if that is done: a request for what is in memory makes no promise on its whole way.
 */
export function serveRequest(
  service: Service,
  request: HttpRequest,
  response: HttpResponse,
  expectsContinue: boolean,
): Promise<void> | undefined {
  // Both may fail at any time when the peer hangs up; who waits for them notices by `close`.
  response.on("error", ignore);
  request.on("error", ignore);
  const cx = new RequestContext(service, request, response, expectsContinue);
  let serving: Promise<void> | undefined;
  try {
    serving = serve(cx);
  } catch (error) {
    refuse(cx, error);
  }
  if (serving) return settle(cx, serving);
  conclude(cx);
  return undefined;
}

async function settle(cx: RequestContext, serving: Promise<void>): Promise<void> {
  try {
    await serving;
  } catch (error) {
    refuse(cx, error);
  }
  conclude(cx);
}

function conclude(cx: RequestContext): void {
  const { service } = cx;
  const elapsedMs = service.monotonicMs() - cx.startedMs;
  if (!cx.request.complete) discardRest(cx);
  service.metrics.count(cx, elapsedMs);
  service.accessLog?.record(cx, elapsedMs);
}

function ignore(): void {}

/** Throws away what nobody read of a body, as long as it comes at a decent rate. */
function discardRest({ request, service }: RequestContext): void {
  const transfer = service.stalls.watch(() => request.destroy());
  request.on("data", (chunk: Buffer) => transfer.moved(chunk.length));
  request.once("close", () => transfer.end());
}

/** Throws at once or rejects. */
function serve(cx: RequestContext): Promise<void> | undefined {
  identify(cx);
  const { operation, bucket: name } = cx.route;
  const handler = HANDLERS[operation];
  if (!handler) throw new S3Error("NotImplemented", { message: `${operation} is not implemented` });
  if (cx.service.replicaOf !== undefined && !isRead(operation)) throw readOnly(cx.service.replicaOf);
  if (name !== "") findBucket(cx, name);
  admit(cx);
  const action = actionOf(operation, cx.route.query.has("versionId"));
  if (action === undefined) throw new S3Error("AccessDenied");
  if (action === BY_HANDLER) return handler(cx);
  // Making a bucket is judged before it is there, whoever owns one of that name.
  const bucket = operation === "CreateBucket" ? undefined : cx.bucket;
  const wish = { action, bucketName: name, bucket, key: cx.route.key };
  if (bucket && needsObjectTags(cx, bucket)) return serveWithTags(cx, wish, handler);
  authorize(cx, wish);
  return handler(cx);
}

/** Before its body is read. */
function readOnly(source: string): S3Error {
  const message = `This server is a replica of ${source} and takes no writes. Send them there.`;
  return new S3Error("MethodNotAllowed", { message, fields: { Source: source } });
}

async function serveWithTags(cx: RequestContext, wish: Wish, handler: Handler): Promise<void> {
  authorize(cx, await withTags(cx, wish));
  await handler(cx);
}

/** Finds out who asks for what. Nothing of the request is believed before. @throws S3Error */
function identify(cx: RequestContext): void {
  const { service, method, path, query, headers, host } = cx;
  const { verifier, verifiedUrls, users, router } = service;
  const presigned = { method, url: cx.url, host, headers };
  const known = verifiedUrls.get(presigned, users.generation, cx.nowMs);
  if (known) {
    cx.authentication = known.authentication;
    cx.user = known.user;
    cx.route = known.route;
    return;
  }
  const authentication = verifier.verify({ method, path, query, headers }, cx.nowMs);
  cx.authentication = authentication;
  cx.route = router.route({ method, host, path, query, hasCopySource: headers.has("x-amz-copy-source") });
  if (authentication.kind === "anonymous") return;
  const holder = users.find(authentication.accessKeyId);
  // The key was switched off while its signature was checked.
  if (!holder) throw new S3Error("InvalidAccessKeyId");
  cx.user = holder.user;
  const { expiresMs } = authentication;
  if (expiresMs === undefined) return;
  const { user, route } = cx;
  verifiedUrls.remember(presigned, { authentication, user, route, expiresMs, usersGeneration: users.generation });
}

function findBucket(cx: RequestContext, name: string): void {
  const { operation } = cx.route;
  cx.bucket = cx.service.store.bucket(name);
  if (!cx.bucket) {
    if (operation === "CreateBucket") return;
    throw new S3Error("NoSuchBucket", { fields: { BucketName: name } });
  }
  checkOwner(cx.bucket, cx.headers.get("x-amz-expected-bucket-owner"));
  const origin = cx.headers.get("origin");
  if (origin === undefined || operation === "Preflight") return;
  const rules = cx.service.documents.cors(cx.bucket);
  if (!rules) return;
  cx.corsHeaders = answerActual(rules, origin, cx.method);
  for (const [header, value] of cx.corsHeaders) cx.addHeader(header, value);
}

/** Holds the request to the rates of its user and its bucket. */
function admit(cx: RequestContext): void {
  const { service, user, bucket } = cx;
  const nowMs = cx.startedMs;
  if (user) cx.userRates = service.rates.get("user", user.name, user.limits, nowMs);
  if (bucket) cx.bucketRates = service.rates.get("bucket", bucket.name, service.documents.limits(bucket), nowMs);
  if ((cx.userRates?.admits(nowMs) ?? true) && (cx.bucketRates?.admits(nowMs) ?? true)) return;
  throw new S3Error("SlowDown", { headers: { "retry-after": "1" } });
}

async function withTags(cx: RequestContext, wish: Wish): Promise<Wish> {
  const { key, bucket, query } = cx.route;
  if (key === "") return wish;
  const entry = await cx.service.store.head(bucket, key, query.get("versionId"));
  return { ...wish, tags: entry?.metadata.tags };
}

function refuse(cx: RequestContext, error: unknown): void {
  const { service, response } = cx;
  if (error instanceof ClientGone) {
    cx.errorCode = "ClientGone";
    response.destroy();
    return;
  }
  const { answer, isAlarming } = toS3Error(error);
  if (isAlarming) {
    const { operation, bucket, key } = cx.route;
    service.log.error("request.failed", { requestId: cx.id, operation, bucket, object: key, error });
  }
  if (response.headersSent) {
    // The answer has begun and cannot be taken back: the client must see that it is not whole.
    cx.errorCode = answer.code;
    response.destroy();
    return;
  }
  try {
    sendError(cx, hideAbsence(cx, answer));
  } catch (failure) {
    service.log.error("answer.failed", { requestId: cx.id, error: failure });
    response.destroy();
  }
}

/** Who may not list a bucket is not told which keys are absent from it. */
function hideAbsence(cx: RequestContext, answer: S3Error): S3Error {
  if (answer.code !== "NoSuchKey" || !cx.bucket || !hidesAbsence(cx.route.operation)) return answer;
  if (isAllowed(cx, wishFor("s3:listbucket", cx.bucket))) return answer;
  return new S3Error("AccessDenied");
}
