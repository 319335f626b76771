import type { ServerResponse } from "node:http";
import { HttpError, type Reply, type RouteRequest, type Router } from "@kagami/kit";
import type { Access } from "../channels/access.ts";
import type { Broadcast } from "../channels/broadcast.ts";
import type { Timing } from "../channels/channel.ts";
import type { ChannelRegistry } from "../channels/channel-registry.ts";
import type { MediaAnswer } from "../engine/hls/index.ts";
import { parsePlaylistQuery, renderMultivariantPlaylist, tokenSuffix } from "../protocol/hls/index.ts";
import { admitViewer } from "./admit-viewer.ts";
import type { DeliveryCounters } from "./delivery-counters.ts";

export interface HlsEndpointOptions {
  readonly access: Access;
  readonly registry: ChannelRegistry;
  readonly counters: DeliveryCounters;
  readonly timing: Timing;
}

const PLAYLIST_TYPE = "application/vnd.apple.mpegurl";
const SEGMENT_TYPE = "video/mp4";

/** Requests that wait at once for one broadcast; the next one is answered 503. */
const WAITING_LIMIT = 20_000;

/** Playlists change all the time; segments and parts never do. */
const CACHE_PLAYLIST = "no-cache";
const CACHE_MEDIA = "public, max-age=60, immutable";

/** LL-HLS: playlists, initialization segments, segments and parts. */
export class HlsEndpoint {
  readonly #options: HlsEndpointOptions;
  #waitingCount = 0;

  constructor(options: HlsEndpointOptions) {
    this.#options = options;
  }

  /** Requests that wait for media to come. */
  get waitingCount(): number {
    return this.#waitingCount;
  }

  addRoutes(router: Router): void {
    router.add("GET", "/live/{name}/index.m3u8", (route) => this.#playlist(route));
    router.add("GET", "/live/{name}/master.m3u8", (route) => this.#multivariant(route));
    router.add("GET", "/live/{name}/init-{generation}.mp4", (route) =>
      this.#media(route, (hls) => hls.init(numberOf(route, "generation"))),
    );
    router.add("GET", "/live/{name}/seg-{msn}.m4s", (route) =>
      this.#media(route, (hls) => hls.segment(numberOf(route, "msn"))),
    );
    router.add("GET", "/live/{name}/part-{msn}.{part}.m4s", (route) =>
      this.#media(route, (hls) => hls.part(numberOf(route, "msn"), numberOf(route, "part"))),
    );
  }

  async #playlist(route: RouteRequest): Promise<Reply> {
    const broadcast = await this.#open(route, true);
    const parsed = parsePlaylistQuery(route.query.toString());
    if (parsed.kind === "bad-request") throw new HttpError(400, "BAD_REQUEST", parsed.why);
    const answer = await this.#wait(broadcast, route.response, () => broadcast.hls.playlist(parsed.query));
    if (answer.kind === "bad-request") throw new HttpError(400, "BAD_REQUEST", answer.why);
    if (answer.kind === "gone") throw notLive(route);
    return this.#send(Buffer.from(answer.text), PLAYLIST_TYPE, CACHE_PLAYLIST);
  }

  async #multivariant(route: RouteRequest): Promise<Reply> {
    const broadcast = await this.#open(route, true);
    const { hls } = broadcast;
    await this.#wait(broadcast, route.response, () => hls.playlist({}));
    const rates = hls.bitRates;
    const { video, audio } = broadcast.config;
    if (!rates) throw notLive(route);
    const variant = {
      uri: "index.m3u8",
      ...rates,
      codecStrings: [video, audio].flatMap((track) => (track ? [track.codecString] : [])),
      ...(video && {
        resolution: { width: video.width, height: video.height },
        frameRate: broadcast.stats.recent(this.#options.timing.wallMs()).fps,
      }),
    };
    const text = renderMultivariantPlaylist([variant], tokenSuffix(route.query.get("token") ?? undefined));
    return this.#send(Buffer.from(text), PLAYLIST_TYPE, CACHE_PLAYLIST);
  }

  async #media(route: RouteRequest, find: (hls: Broadcast["hls"]) => MediaAnswer): Promise<Reply | undefined> {
    const broadcast = await this.#open(route, false);
    const answer = await this.#wait(broadcast, route.response, () => find(broadcast.hls));
    if (answer.kind === "gone")
      throw new HttpError(404, "SEGMENT_GONE", "That part of the stream is not there any more");
    const { response, request } = route;
    response.writeHead(200, {
      "content-type": SEGMENT_TYPE,
      "cache-control": CACHE_MEDIA,
      "content-length": answer.byteCount,
    });
    this.#options.counters.countBytes("hls", answer.byteCount);
    if (request.method !== "HEAD") {
      // Fragments are shared with every other delivery, so they are written one by one rather than joined.
      response.cork();
      for (const chunk of answer.chunks) response.write(chunk);
    }
    response.end();
    return undefined;
  }

  #send(body: Uint8Array, type: string, cacheControl: string): Reply {
    this.#options.counters.countBytes("hls", body.length);
    return { body, headers: { "content-type": type, "cache-control": cacheControl } };
  }

  /** The broadcast that a request is for. Playlists are checked with hooks and all; media by its token alone. */
  async #open(route: RouteRequest, isPlaylist: boolean): Promise<Broadcast> {
    const { access, registry } = this.#options;
    const { request, params, query } = route;
    const token = query.get("token") ?? undefined;
    const peer = { address: request.socket.remoteAddress ?? "", protocol: "hls" } as const;
    const name = params.name ?? "";
    const channel = registry.find(name);
    const userAgent = request.headers["user-agent"] ?? "";
    // The hook was asked when the viewer came; a player that reloads five times a second does not ask it each time.
    const isAdmitted = channel?.hlsAudience.isWatching(peer.address, userAgent) ?? false;
    await admitViewer(access, name, token, peer, isAdmitted);
    const broadcast = channel?.hlsBroadcast;
    if (!broadcast) throw notLive(route);
    if (isPlaylist) channel?.hlsAudience.onRequest(peer.address, userAgent);
    return broadcast;
  }

  /** Asks again whenever the window has changed, until it does not say "wait" any more. */
  async #wait<Answer extends { readonly kind: string }>(
    broadcast: Broadcast,
    response: ServerResponse,
    ask: () => Answer,
  ): Promise<Exclude<Answer, { kind: "wait" }>> {
    const isSettled = (answer: Answer): answer is Exclude<Answer, { kind: "wait" }> => answer.kind !== "wait";
    const first = ask();
    if (isSettled(first)) return first;
    if (this.#waitingCount >= WAITING_LIMIT) {
      throw new HttpError(503, "WAITING_LIMIT", "Too many requests wait for this stream", { "retry-after": "1" });
    }
    this.#waitingCount++;
    let stop: () => void = () => undefined;
    try {
      return await new Promise((resolve, reject) => {
        const listener = () => {
          const answer = ask();
          if (isSettled(answer)) resolve(answer);
        };
        const onClose = () => reject(new HttpError(499, "CLIENT_GONE", "The client has gone"));
        const timer = this.#options.timing.setTimer(() => {
          reject(new HttpError(503, "BLOCKED_TOO_LONG", "The stream stands still", { "retry-after": "1" }));
        }, broadcast.hls.blockLimitMs);
        stop = () => {
          timer.cancel();
          broadcast.hlsListeners.delete(listener);
          response.off("close", onClose);
        };
        broadcast.hlsListeners.add(listener);
        response.on("close", onClose);
      });
    } finally {
      stop();
      this.#waitingCount--;
    }
  }
}

function numberOf(route: RouteRequest, name: string): number {
  const text = route.params[name] ?? "";
  if (!/^\d{1,9}$/.test(text)) throw new HttpError(404, "NOT_FOUND", "There is nothing at this path");
  return Number(text);
}

function notLive(route: RouteRequest): HttpError {
  return new HttpError(404, "NOT_LIVE", `Channel "${route.params.name ?? ""}" is not live just now`);
}
