import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { extname, join, normalize } from "node:path";
import type { Duplex } from "node:stream";
import { MockHls } from "./hls.ts";
import type { MockMedia } from "./media.ts";
import { MockPrivacy } from "./privacy.ts";
import { answerStudio } from "./studio.ts";
import { MockViewer } from "./viewer.ts";
import { MockSocket } from "./web-socket.ts";

/** A channel of the mock; tests change its fields. */
export interface MockChannel {
  readonly name: string;
  title: string;
  isPrivate: boolean;
  state: "live" | "waiting" | "interrupted" | "ended";
  viewerCount: number;
  readonly media: MockMedia;
  readonly hls: MockHls;
  readonly viewers: Set<MockViewer>;
}

/** The policy the page must live with: nothing inline, nothing from elsewhere. */
const CSP =
  "default-src 'self'; connect-src 'self' ws: wss:; media-src 'self' blob:; img-src 'self' data:; " +
  "object-src 'none'; base-uri 'none'; frame-ancestors 'none'";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
};

/**
 * Stands in for the live server in development and tests: the paths of its API, served from ffmpeg's test card. It
 * keeps no limits and checks little; it can misbehave on demand, which the real one cannot.
 */
export class MockServer {
  readonly channels = new Map<string, MockChannel>();
  readonly startedMs = Date.now();
  readonly token = "play-token-1";
  key = "demo-key";
  isOpenPublish = false;
  privacy = new MockPrivacy();
  /** Answer 403 to WebSockets, as some proxies do. */
  refusesWebSockets = false;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #root: string;

  /** @param root Folder of the built app. */
  constructor(root: string) {
    this.#root = root;
    this.#server = createServer((request, response) => void this.#answer(request, response));
    this.#server.on("upgrade", (request, socket) => this.#upgrade(request, socket));
    this.#server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
    });
  }

  /** @returns the origin, such as `http://127.0.0.1:4711`. */
  async listen(port = 0): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(port, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  addChannel(name: string, media: MockMedia, fields: Partial<MockChannel> = {}): MockChannel {
    const channel: MockChannel = {
      name,
      title: "",
      isPrivate: false,
      state: "live",
      viewerCount: 3,
      media,
      hls: new MockHls(media),
      viewers: new Set(),
      ...fields,
    };
    this.channels.set(name, channel);
    return channel;
  }

  /** Changes the state and tells the viewers; frames flow only while live. */
  setState(name: string, state: MockChannel["state"]): void {
    const channel = this.channels.get(name);
    if (channel === undefined) return;
    channel.state = state;
    for (const viewer of channel.viewers) {
      viewer.leave();
      viewer.socket.sendJson({ type: "state", state });
      if (state === "live") viewer.join();
      if (state === "ended") viewer.socket.close(1000);
    }
  }

  publicChannel(channel: MockChannel): Record<string, unknown> {
    const { name, title, isPrivate, state, viewerCount, media } = channel;
    const isLive = state === "live" || state === "interrupted";
    return {
      name,
      title,
      isLive,
      isInterrupted: state === "interrupted",
      isPrivate,
      startedAtMs: isLive ? this.startedMs - 4_521_000 : null,
      viewerCount,
      video: isLive
        ? { codec: "h264", codecString: "avc1.42c01f", width: media.width, height: media.height, fps: 30 }
        : null,
      audio: isLive ? { codec: "aac", codecString: "mp4a.40.2", sampleRate: 48_000, channelCount: 2 } : null,
      playback: { ws: `/live/${name}/ws`, hls: `/live/${name}/index.m3u8`, flv: `/live/${name}.flv` },
    };
  }

  #upgrade(request: IncomingMessage, socket: Duplex): void {
    const url = new URL(request.url ?? "/", "http://mock");
    const name = /^\/live\/([^/]+)\/ws$/.exec(url.pathname)?.[1];
    if (this.refusesWebSockets || name === undefined) {
      socket.end("HTTP/1.1 403 Forbidden\r\nconnection: close\r\n\r\n");
      return;
    }
    const webSocket = new MockSocket(request, socket);
    const channel = this.channels.get(decodeURIComponent(name));
    if (channel === undefined) {
      webSocket.close(4404);
      return;
    }
    if (channel.isPrivate && url.searchParams.get("token") !== this.token) {
      webSocket.close(1008);
      return;
    }
    const viewer = new MockViewer(webSocket, channel.media);
    channel.viewers.add(viewer);
    webSocket.onClose = () => {
      viewer.leave();
      channel.viewers.delete(viewer);
    };
    webSocket.sendJson({ type: "state", state: channel.state });
    webSocket.sendJson({ type: "viewers", count: channel.viewerCount });
    if (channel.state === "live") viewer.join();
    if (channel.state === "ended") webSocket.close(1000);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://mock");
    const media = /^\/live\/([^/]+)\/(.+)$/.exec(url.pathname);
    if (media !== null) {
      const channel = this.channels.get(decodeURIComponent(media[1] ?? ""));
      if (channel?.hls.answer(media[2] ?? "", url.searchParams, response) !== true) json(response, 404, {});
      return;
    }
    if (url.pathname.startsWith("/api/")) return this.#answerApi(request, response, url);
    await this.#answerFile(url.pathname, response);
  }

  async #answerApi(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const path = url.pathname;
    const name = /^\/api\/channels\/([^/]+)$/.exec(path)?.[1];
    if (path === "/api/server") {
      const { isOpenPublish } = this;
      json(response, 200, { version: "0", rtmpUrl: "rtmp://127.0.0.1:1935/live", rtmpsUrl: null, isOpenPublish });
    } else if (path === "/api/channels") {
      const live = [...this.channels.values()].filter(({ state, isPrivate }) => state !== "waiting" && !isPrivate);
      json(response, 200, { channels: live.map((channel) => this.publicChannel(channel)) });
    } else if (name !== undefined) {
      const channel = this.channels.get(decodeURIComponent(name));
      if (channel === undefined) json(response, 404, { error: { code: "CHANNEL_NOT_FOUND", message: "None" } });
      else json(response, 200, this.publicChannel(channel));
    } else {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const text = Buffer.concat(chunks).toString();
      const key = (request.headers.authorization ?? "").replace(/^Bearer /, "");
      const [method, body] = [request.method ?? "GET", text === "" ? {} : JSON.parse(text)];
      if (key === this.key && this.privacy.answer(method, url, body, response)) return;
      const answer = answerStudio(this, method, path, key, body);
      json(response, answer.status, answer.body);
    }
  }

  async #answerFile(path: string, response: ServerResponse): Promise<void> {
    const file = extname(path) === "" ? "/index.html" : normalize(path);
    try {
      const bytes = await readFile(join(this.#root, file));
      response.writeHead(200, {
        "content-type": TYPES[extname(file)] ?? "application/octet-stream",
        "content-security-policy": CSP,
      });
      response.end(bytes);
    } catch {
      json(response, 404, {}); // the only reason here: no such file
    }
  }
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
  response.end(status === 204 ? undefined : JSON.stringify(body));
}
