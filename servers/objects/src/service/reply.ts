import { type S3Error, writeErrorXml } from "../protocol/errors.ts";
import type { RequestContext } from "./request-context.ts";

const XML = "application/xml";

/** Answers with a document. */
export function sendXml(cx: RequestContext, status: number, xml: string): void {
  sendBytes(cx, status, XML, Buffer.from(xml));
}

/** Answers with a body that is known whole. */
export function sendBytes(cx: RequestContext, status: number, contentType: string, body: Uint8Array): void {
  cx.addHeader("content-type", contentType);
  cx.addHeader("content-length", String(body.length));
  beginReply(cx, status);
  cx.bytesOut += body.length;
  cx.response.end(body);
}

/** Answers without a body. */
export function sendEmpty(cx: RequestContext, status: number): void {
  if (status !== 204 && status !== 304) cx.addHeader("content-length", "0");
  beginReply(cx, status);
  cx.response.end();
}

/** Writes the head of the answer; the caller writes the body. */
export function beginReply(cx: RequestContext, status: number): void {
  cx.status = status;
  cx.addHeader("x-amz-request-id", cx.id);
  cx.response.writeHead(status, cx.replyHeaders);
}

/** Bodies that are left over up to this size are read and thrown away, so that the connection lives on. */
const DRAIN_BYTES = 262_144;
/** A larger one is thrown away for a moment before the connection ends: a reset would destroy the answer on its way. */
const LINGER_BYTES = 8 << 20;
const LINGER_MS = 2_000;

/**
 * Answers an error. A body that nobody has read is thrown away if it is small; for a large one the connection ends
 * behind the answer, since reading it only to answer no would be the most expensive way to refuse.
 */
export function sendError(cx: RequestContext, error: S3Error): void {
  cx.errorCode = error.code;
  // Headers of an answer that was about to begin do not belong to this one.
  cx.replyHeaders.length = 0;
  for (const [name, value] of cx.corsHeaders) cx.addHeader(name, value);
  for (const name of Object.keys(error.headers)) cx.addHeader(name, error.headers[name] as string);
  const closes = mustClose(cx);
  if (closes) cx.addHeader("connection", "close");
  let body = Buffer.alloc(0);
  if (error.status !== 304) {
    cx.addHeader("content-type", XML);
    if (cx.method !== "HEAD") {
      body = Buffer.from(writeErrorXml(error, { resource: cx.path, requestId: cx.id, hostId: cx.service.hostId }));
      cx.addHeader("content-length", String(body.length));
    }
  }
  beginReply(cx, error.status);
  cx.bytesOut += body.length;
  if (closes && !cx.expectsContinue && body.length > 0) {
    cx.response.write(body);
    lingerThenEnd(cx);
    return;
  }
  cx.response.end(body);
  // Without a reader the client's bytes would fill the socket, and its next request would never be read.
  if (!cx.request.readableEnded) cx.request.resume();
}

function mustClose({ request, expectsContinue, isBodyTaken, headers }: RequestContext): boolean {
  if (request.complete) return false;
  // The client may send its body or not: where the next request begins is unknown.
  if (expectsContinue && !isBodyTaken) return true;
  if (headers.has("transfer-encoding")) return true;
  return Number(headers.get("content-length") ?? 0) > DRAIN_BYTES;
}

function lingerThenEnd({ request, response }: RequestContext): void {
  let discardedBytes = 0;
  const end = (): void => {
    clearTimeout(timer);
    request.removeListener("data", onData);
    response.end();
  };
  const onData = (chunk: Buffer): void => {
    discardedBytes += chunk.length;
    if (discardedBytes > LINGER_BYTES) end();
  };
  const timer = setTimeout(end, LINGER_MS);
  request.on("data", onData);
  request.once("close", end);
  request.resume();
}
