import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { HttpError, type RouteRequest } from "@kagami/kit";
import { buildFlvFileHeader } from "@kagami/media";
import type { Access } from "../channels/access.ts";
import type { Timing } from "../channels/channel.ts";
import type { ChannelRegistry } from "../channels/channel-registry.ts";
import { admitViewer } from "./admit-viewer.ts";
import type { ViewerLink } from "./viewer.ts";

/** `GET /live/{name}.flv`: the stream as one endless FLV file, for tools. */
export async function serveFlv(
  route: RouteRequest,
  access: Access,
  registry: ChannelRegistry,
  timing: Timing,
): Promise<undefined> {
  const { request, response, params, query } = route;
  const settings = await admitViewer(access, params.name ?? "", query.get("token") ?? undefined, {
    address: request.socket.remoteAddress ?? "",
    protocol: "flv",
  });
  const channel = registry.find(settings.name);
  const broadcast = channel?.broadcast;
  if (!channel || !broadcast) {
    throw new HttpError(404, "NOT_LIVE", `Channel "${settings.name}" is not live just now`);
  }
  if (!registry.hasRoomForViewer) throw new HttpError(503, "VIEWER_LIMIT", "The server takes no more viewers just now");
  // With neither a length nor chunks the body is what comes until the connection closes, as players expect; so the bytes
  // can go to the socket as they are.
  response.useChunkedEncodingByDefault = false;
  response.writeHead(200, { "content-type": "video/x-flv", "cache-control": "no-store", connection: "close" });
  if (request.method === "HEAD") {
    response.end();
    return undefined;
  }
  const { video, audio } = broadcast.config;
  response.write(buildFlvFileHeader(video !== undefined, audio !== undefined));
  const viewer = channel.addViewer(new FlvLink(response, request.socket, timing));
  registry.adaptMerging();
  response.on("close", () => {
    channel.removeViewer(viewer);
    registry.adaptMerging();
  });
  return undefined;
}

/** Time for a viewer that was told to go to take what waits for it, in milliseconds. */
const LINGER_MS = 2_000;

/** Once the head is out, media goes to the socket itself: the response would cost as much again for each write. */
class FlvLink implements ViewerLink {
  readonly protocol = "flv";
  readonly #response: ServerResponse;
  readonly #socket: Socket;
  readonly #timing: Timing;

  constructor(response: ServerResponse, socket: Socket, timing: Timing) {
    this.#response = response;
    this.#socket = socket;
    this.#timing = timing;
    response.on("error", () => undefined); // "close" follows and does what is needed
  }

  get bufferedBytes(): number {
    return this.#socket.writableLength;
  }

  write(bytes: Uint8Array): void {
    if (!this.#response.writableEnded) this.#socket.write(bytes);
  }

  leave(): void {
    this.#response.end();
    // A viewer that reads nothing would otherwise hold its connection, and what waits for it, for ever.
    const timer = this.#timing.setTimer(() => this.#response.destroy(), LINGER_MS);
    this.#response.on("close", () => timer.cancel());
  }
}
