import type { IncomingMessage, ServerResponse } from "node:http";
import type { TimerClock } from "@kagami/clock";
import { bearerToken, createRouter, HttpError, type RouteRequest, type Router, readJson, sendError } from "@kagami/kit";
import { z } from "zod";
import { type ClaimRefusal, refuseClaim } from "../engine/replica/claim.ts";
import { bytesBehind, SequenceMoments } from "../engine/replica/lag.ts";
import { VOLUME_HEADER_BYTES } from "../protocol/volume/index.ts";
import type { Users } from "../service/users.ts";
import { blobPath, isAbsent } from "../storage/disk.ts";
import type { ShardState } from "../storage/shard-state.ts";
import { ChangeSender } from "./change-sender.ts";
import { FollowerLink } from "./follower-link.ts";
import type { ReplicaRegistry } from "./replica-registry.ts";

/** Where followers ask; no bucket can have the name. */
export const REPLICA_PATH = "/_kagami/replica/";

/** Of one follower at once. */
const MAX_BLOB_TRANSFERS = 2;
const BLOB_PIECE_BYTES = 262_144;
const WATCH_MS = 1_000;

const progressSchema = z.strictObject({ after: z.int().min(0) });

export interface ReplicaSourceParts {
  readonly state: ShardState;
  readonly registry: ReplicaRegistry;
  readonly users: Pick<Users, "generation" | "exported">;
  readonly clock: TimerClock;
  /** Waits for the budget of a tier's disk, with the priority of replication. */
  readonly takeIo: (bytes: number, place: string) => Promise<void>;
  readonly onEvent: (event: ReplicaEvent) => void;
}

/** What happened, for the log. */
export type ReplicaEvent =
  | { readonly kind: "connected"; readonly replica: string; readonly after: number; readonly address: string }
  | { readonly kind: "left"; readonly replica: string; readonly why: string }
  | { readonly kind: "refused"; readonly replica: string; readonly code: string };

/** How far a replica is, as the admin API shows it. */
export interface ReplicaStatus {
  readonly name: string;
  readonly createdMs: number;
  readonly isConnected: boolean;
  readonly address: string | null;
  /** What it said last that it has; `null` before it has said so since the start. */
  readonly after: number | null;
  readonly lag: { readonly sequences: number; readonly seconds: number; readonly bytes: number } | null;
  readonly sentBytes: number;
  readonly connectCount: number;
}

/**
 * Serves the change stream of the shard to the replicas that are registered, each with its token. One stream and two large
 * bodies at once for each; a new stream of the same one ends the one before, which may be a connection that is long dead.
 */
export class ReplicaSource {
  readonly #parts: ReplicaSourceParts;
  readonly #router: Router;
  readonly #links = new Map<string, FollowerLink>();
  readonly #moments = new SequenceMoments();
  readonly #senders = new Set<ChangeSender>();
  readonly #watch: NodeJS.Timeout;
  #isClosed = false;
  /** Requests of somebody without a token that is in force. */
  strangerCount = 0;

  constructor(parts: ReplicaSourceParts) {
    this.#parts = parts;
    this.#router = createRouter({ headers: { "cache-control": "no-store", "x-content-type-options": "nosniff" } });
    this.#router.add("GET", `${REPLICA_PATH}changes`, (route) => this.#changes(route, this.#linkOf(route)));
    this.#router.add("GET", `${REPLICA_PATH}blobs/{id}`, (route) => this.#blob(route, this.#linkOf(route)));
    this.#router.add("GET", `${REPLICA_PATH}users`, (route) => {
      this.#linkOf(route);
      return { body: parts.users.exported(), headers: { "content-type": "application/json" } };
    });
    this.#router.add("POST", `${REPLICA_PATH}progress`, (route) => this.#progress(route, this.#linkOf(route)));
    parts.state.tombstonesWanted = () => this.#tombstonesWanted();
    this.#watch = setInterval(() => this.#look(), WATCH_MS);
    this.#watch.unref();
  }

  /** Answers a request below {@link REPLICA_PATH}. */
  handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // The peer may reset at any time; who writes notices by `close`.
    response.on("error", ignore);
    request.on("error", ignore);
    // Until there is a token: what a stranger sends behind the head is not read to its end.
    response.setHeader("connection", "close");
    if (request.method === "HEAD") {
      sendError(response, 405, "METHOD_NOT_ALLOWED", "This path takes GET", { allow: "GET" });
      return Promise.resolve();
    }
    return this.#router.handle(request, response);
  }

  /** Every replica that is registered, in the order they were added. */
  statuses(): readonly ReplicaStatus[] {
    const { registry, clock, state } = this.#parts;
    const nowMs = clock.monotonicMs();
    return registry.list().map(({ name, createdMs }) => {
      const link = this.#links.get(name);
      const after = link?.after;
      const lag = after === undefined ? null : this.#lag(nowMs, after, state.appliedSequence);
      const { isConnected = false, address = null, sentBytes = 0, connectCount = 0 } = link ?? {};
      return { name, createdMs, isConnected, address, after: after ?? null, lag, sentBytes, connectCount };
    });
  }

  /** Ends what a replica has open: its token was taken away. */
  disconnect(name: string): void {
    this.#links.get(name)?.endAll();
    this.#links.delete(name);
  }

  /** Ends all streams and takes none any more. */
  close(): void {
    this.#isClosed = true;
    clearInterval(this.#watch);
    for (const sender of this.#senders) sender.end();
    for (const link of this.#links.values()) link.endAll();
  }

  #lag(nowMs: number, after: number, appliedSequence: number) {
    const { volumes } = this.#parts.state;
    const extents = [...volumes.all()].map(({ endOffset, minSequence, maxSequence }) => {
      return { bytes: endOffset - VOLUME_HEADER_BYTES, minSequence, maxSequence };
    });
    const seconds = Math.round(this.#moments.ageMs(nowMs, after) / 100) / 10;
    return { sequences: Math.max(0, appliedSequence - after), seconds, bytes: bytesBehind(extents, after) };
  }

  /** Those behind what any replica has that is on its way: it would have to begin anew without. */
  #tombstonesWanted(): number {
    let wanted = Number.POSITIVE_INFINITY;
    for (const { after = wanted, advances } of this.#links.values()) if (advances) wanted = Math.min(wanted, after);
    return wanted;
  }

  #look(): void {
    this.#moments.note(this.#parts.clock.monotonicMs(), this.#parts.state.appliedSequence);
    for (const link of this.#links.values()) if (link.isStalled) link.endAll();
  }

  /** @throws HttpError 401 for whoever has no token that is in force */
  #linkOf({ request, response }: RouteRequest): FollowerLink {
    if (this.#isClosed) throw new HttpError(503, "CLOSED", "The server is shutting down");
    const token = bearerToken(request);
    const replica = token === undefined ? undefined : this.#parts.registry.find(token);
    if (replica === undefined) {
      this.strangerCount++;
      const message = "Send the token of a replica that is registered here as: Authorization: Bearer TOKEN";
      throw new HttpError(401, "TOKEN_WRONG", message, { "www-authenticate": "Bearer" });
    }
    response.removeHeader("connection");
    let link = this.#links.get(replica.name);
    if (link === undefined) {
      link = new FollowerLink(replica.name, this.#parts.clock);
      this.#links.set(replica.name, link);
    }
    link.touch();
    return link;
  }

  async #changes({ request, response, query }: RouteRequest, link: FollowerLink): Promise<undefined> {
    const { state, clock, takeIo, users, onEvent } = this.#parts;
    const claim = {
      storeId: query.get("store") ?? "",
      epoch: readWhole(query.get("epoch") ?? "1", "epoch"),
      after: readWhole(query.get("after"), "after"),
    };
    const drops = readWhole(query.get("drops") ?? "0", "drops");
    const refusal = this.#refusal(claim);
    if (refusal !== undefined) {
      // It may go on asking for ever, and nothing is kept for it.
      link.after = undefined;
      onEvent({ kind: "refused", replica: link.name, code: refusal.code });
      throw new HttpError(409, refusal.code, refusal.message);
    }
    // What it had open is of a process or a connection that is gone.
    link.endAll();
    const usersGeneration = () => users.generation;
    const sender = new ChangeSender({ state, link, response, clock, takeIo, usersGeneration }, { ...claim, drops });
    const endStream = (): void => {
      sender.end();
      response.destroy();
    };
    const address = request.socket.remoteAddress ?? "";
    Object.assign(link, { endStream, address, after: claim.after, connectCount: link.connectCount + 1 });
    this.#senders.add(sender);
    onEvent({ kind: "connected", replica: link.name, after: claim.after, address });
    let why = "it has left";
    try {
      response.writeHead(200, { "content-type": "application/octet-stream", "x-accel-buffering": "no" });
      await sender.run();
      response.end();
    } catch (error) {
      why = error instanceof Error ? error.message : String(error);
      response.destroy();
    } finally {
      this.#senders.delete(sender);
      if (link.endStream === endStream) link.endStream = undefined;
      onEvent({ kind: "left", replica: link.name, why });
    }
    return undefined;
  }

  #refusal(claim: Parameters<typeof refuseClaim>[0]): ClaimRefusal | undefined {
    const { identity, appliedSequence } = this.#parts.state;
    return refuseClaim(claim, { storeId: identity.storeId, epochs: identity.epochs, appliedSequence });
  }

  async #blob({ response, query, params }: RouteRequest, link: FollowerLink): Promise<undefined> {
    const { blobs, identity } = this.#parts.state;
    const id = readWhole(params.id ?? null, "id");
    const from = readWhole(query.get("from") ?? "0", "from");
    if (query.get("store") !== identity.storeId) {
      throw new HttpError(409, "STORE_MISMATCH", `This is store ${identity.storeId}`);
    }
    if (link.blobTransfers.size >= MAX_BLOB_TRANSFERS) {
      throw new HttpError(429, "TOO_MANY", `A replica gets ${MAX_BLOB_TRANSFERS} large bodies at once`);
    }
    try {
      blobs.hold(id);
    } catch (error) {
      // Only that it is gone lets a replica do without it: a disk that fails or is away may have it.
      if (!isAbsent(error)) throw new HttpError(503, "BLOB_UNREADABLE", `Large body ${id} cannot be read now`);
      throw new HttpError(404, "BLOB_GONE", `There is no large body ${id} any more`);
    }
    link.blobTransfers.add(response);
    try {
      const sizeBytes = blobs.file(id).sizeBytes();
      if (from > sizeBytes) throw new HttpError(416, "RANGE_WRONG", `The body has ${sizeBytes} bytes`);
      response.writeHead(200, { "content-type": "application/octet-stream", "content-length": sizeBytes - from });
      // Its first bytes may have to wait for the disk's budget, longer than an answer is waited for.
      response.flushHeaders();
      await this.#sendBlob(id, { from, sizeBytes }, link, response);
    } finally {
      link.blobTransfers.delete(response);
      blobs.release(id);
    }
    return undefined;
  }

  async #sendBlob(
    id: number,
    { from, sizeBytes }: { readonly from: number; readonly sizeBytes: number },
    link: FollowerLink,
    response: ServerResponse,
  ): Promise<void> {
    const { state, takeIo } = this.#parts;
    const place = state.disk.placeOf(blobPath(id)) ?? "";
    for (let at = from; at < sizeBytes; ) {
      const length = Math.min(BLOB_PIECE_BYTES, sizeBytes - at);
      await takeIo(length, place);
      const bytes = await state.blobs.file(id).read(at, length);
      if (bytes.length === 0 || this.#isClosed) return void response.destroy();
      at += bytes.length;
      if (!(await link.send(response, [bytes]))) return;
    }
    response.end();
  }

  async #progress({ request }: RouteRequest, link: FollowerLink) {
    const { after } = await readJson(request, progressSchema, 1_024);
    link.after = after;
    return {};
  }
}

function readWhole(text: string | null, name: string): number {
  const number = /^\d{1,16}$/.test(text ?? "") ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(number)) return number;
  throw new HttpError(400, "QUERY_INVALID", `Give ${name} as a whole number`);
}

function ignore(): void {}
