import { pipeline } from "node:stream/promises";
import { HttpError, type RouteRequest, type Router, readJson } from "@kagami/kit";
import { z } from "zod";
import { contentRange, parseRange } from "../protocol/ranges.ts";
import type { Service } from "../service/service.ts";
import type { Transfer } from "../service/stall-guard.ts";
import type { OpenObject } from "../store/object-store.ts";
import { type AdminParts, checkAccess } from "./access.ts";
import { answered } from "./answered.ts";
import type { AdminRoutes } from "./routes.ts";
import { TEXT_LIMIT_BYTES, viewOf } from "./view-kinds.ts";
import { type ViewTicket, ViewTickets } from "./view-tickets.ts";

/**
 * Whatever is in an object, a browser that is led to it runs nothing and has no origin: neither the page's token nor its
 * API can be reached from there.
 */
const VIEW_HEADERS = {
  "content-security-policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'",
  "x-content-type-options": "nosniff",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "accept-ranges": "bytes",
} as const;

/** What browsers take off a body; the header is the uploader's word like the type. */
const DECODED = /^(gzip|deflate|br|zstd)$/i;

const viewSchema = z.strictObject({
  key: z.string().min(1),
  versionId: z.string().optional(),
  download: z.boolean().default(false),
});

/** Looking at objects and downloading them. */
export function addViewRoutes(routes: AdminRoutes, router: Router, parts: AdminParts): void {
  const { store, nowMs } = parts.service;
  const tickets = new ViewTickets(nowMs);
  routes.change("POST", "/api/buckets/{bucket}/view", async ({ request, params: { bucket = "" } }) => {
    const { key, versionId, download } = await readJson(request, viewSchema);
    const entry = await store.head(bucket, key, versionId);
    if (!entry || entry.isDeleteMarker) throw new HttpError(404, "NO_SUCH_KEY", "There is no such object");
    const { contentType, contentEncoding } = entry.metadata;
    const view = viewOf(key, contentType);
    const limitBytes = view.kind === "text" && !download ? TEXT_LIMIT_BYTES : Number.POSITIVE_INFINITY;
    // A part of something compressed shows nothing.
    const kind = contentEncoding !== undefined && entry.sizeBytes > limitBytes ? "none" : view.kind;
    const isDownload = download || kind === "none";
    const ticket = { bucket, key, versionId, contentType: view.contentType, isDownload, limitBytes };
    return { json: { path: `view/${tickets.issue(ticket)}`, kind, isWhole: entry.sizeBytes <= limitBytes } };
  });
  router.add("GET", "/view/{ticket}", async (route) => {
    if (parts.config.adminToken === "") checkAccess(route, parts);
    const ticket = tickets.find(route.params.ticket ?? "");
    if (!ticket) throw new HttpError(404, "TICKET_UNKNOWN", "This address has ended; ask for a new one");
    return await answered(async () => {
      await sendView(route, ticket, parts);
      return undefined;
    }, route);
  });
}

async function sendView(route: RouteRequest, ticket: ViewTicket, { service }: AdminParts): Promise<void> {
  const { bucket, key, versionId } = ticket;
  const object = await service.store.open(bucket, key, versionId);
  if (!object) throw new HttpError(404, "NO_SUCH_KEY", "There is no such object any more");
  try {
    await sendObject(route, ticket, object, service);
  } finally {
    object.close();
  }
}

async function sendObject(
  { request, response }: RouteRequest,
  ticket: ViewTicket,
  object: OpenObject,
  { stalls, log }: Service,
): Promise<void> {
  const { contentEncoding } = object.entry.metadata;
  const sizeBytes = Math.min(object.entry.sizeBytes, ticket.limitBytes);
  const range = parseRange(request.headers.range, sizeBytes);
  const { start, end } = range ?? { start: 0, end: sizeBytes };
  response.writeHead(range ? 206 : 200, {
    ...VIEW_HEADERS,
    "content-type": ticket.contentType,
    "content-length": end - start,
    "content-disposition": disposition(ticket),
    ...(contentEncoding !== undefined && DECODED.test(contentEncoding) ? { "content-encoding": contentEncoding } : {}),
    ...(range ? { "content-range": contentRange(range, sizeBytes) } : {}),
  });
  if (request.method === "HEAD" || start === end) {
    response.end();
    return;
  }
  // A video that is paused is cut, too; the browser asks for the rest of it when it goes on.
  const transfer = stalls.watch(() => response.destroy());
  const onDamage = (error: unknown): void => {
    log.error("view.failed", { bucket: ticket.bucket, object: ticket.key, error });
  };
  try {
    await pipeline(watched(object.read(start, end), transfer, onDamage), response);
  } catch {
    // The answer has begun: its early end tells the browser. Damage is in the log; that somebody has left is no news.
  } finally {
    transfer.end();
  }
}

async function* watched(
  chunks: AsyncIterable<Uint8Array>,
  transfer: Transfer,
  onDamage: (error: unknown) => void,
): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of chunks) {
      transfer.moved(chunk.length);
      yield chunk;
    }
  } catch (error) {
    onDamage(error);
    throw error;
  }
}

function disposition({ key, isDownload }: ViewTicket): string {
  const name = key.split("/").findLast((part) => part !== "") ?? "object";
  const encoded = encodeURIComponent(name.toWellFormed()).replace(/['()*]/g, (c) => `%${c.charCodeAt(0).toString(16)}`);
  return `${isDownload ? "attachment" : "inline"}; filename*=UTF-8''${encoded}`;
}
