import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { HOOK_SIGNATURE_HEADER, verifyHook } from "@kagami/kit";
import { eventually, withTempDir } from "@kagami/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseMediaPlaylist } from "../src/protocol/hls/index.ts";
import {
  type Clip,
  encodeClip,
  OPERATOR_TOKEN,
  RtmpPeer,
  startTestServer,
  type TestServer,
  WsViewer,
} from "./support/index.ts";

let clip: Clip;
beforeAll(async () => {
  clip = await encodeClip({ seconds: 4 });
});

async function withServer(
  changes: Parameters<typeof startTestServer>[1],
  use: (server: TestServer) => Promise<void>,
): Promise<void> {
  await withTempDir(async (dir) => {
    const server = await startTestServer(dir, changes);
    try {
      await use(server);
    } finally {
      await server.close();
    }
  });
}

/** The answer's status alone; an endless body is let go. */
async function statusOf(url: string): Promise<{ status: number; code: string | undefined }> {
  const response = await fetch(url);
  const isJson = response.headers.get("content-type")?.includes("json") ?? false;
  const code = isJson ? ((await response.json()) as { error?: { code: string } }).error?.code : undefined;
  if (!isJson) await response.body?.cancel();
  return { status: response.status, code };
}

test("a private channel is watched with a play token on every protocol, and not without", async () => {
  await withServer({}, async (server) => {
    const key = await server.createChannel("secret", true);
    const otherKey = await server.createChannel("other", true);
    const publisher = await RtmpPeer.open({ port: server.rtmpPort, name: key });
    publisher.loopClip(clip, 4);
    const ask = { token: key, body: { expiresInS: 3_600 } };
    const made = (await server.ask("POST", "/api/studio/play-tokens", ask)).json;
    expect(made.expiresAtMs).toBeGreaterThan(Date.now() + 3_500_000);
    const foreign = (await server.ask("POST", "/api/studio/play-tokens", { ...ask, token: otherKey })).json.token;
    for (const body of [{}, { expiresInS: 1 }, { expiresInS: "3600" }, { expiresInS: 1e9 }]) {
      expect((await server.ask("POST", "/api/studio/play-tokens", { token: key, body })).status).toBe(400);
    }

    for (const query of ["", "?token=", "?token=wrong", `?token=${foreign}`, `?token=${made.token}x`]) {
      const viewer = await WsViewer.open(`${server.ws}/live/secret/ws${query}`);
      expect(await viewer.closed(), query).toBe(1008);
      expect(viewer.closeReason).not.toBe("");
      for (const path of [
        "secret.flv",
        "secret/index.m3u8",
        "secret/init-1.mp4",
        "secret/seg-0.m4s",
        "secret/part-0.0.m4s",
      ]) {
        const answer = await statusOf(`${server.http}/live/${path}${query}`);
        expect(answer, path).toEqual({ status: 403, code: "PLAY_TOKEN_REFUSED" });
      }
      const player = RtmpPeer.open({ port: server.rtmpPort, name: `secret${query}`, mode: "play" });
      await expect(player).rejects.toThrow(/StreamNotFound/);
    }

    const query = `?token=${made.token}`;
    const viewer = await WsViewer.open(`${server.ws}/live/secret/ws${query}`);
    await eventually(() => viewer.media.length > 1);
    const player = await RtmpPeer.open({ port: server.rtmpPort, name: `secret${query}`, mode: "play" });
    await eventually(() => player.media.length > 1);
    expect((await statusOf(`${server.http}/live/secret.flv${query}`)).status).toBe(200);

    const text = await (await fetch(`${server.http}/live/secret/index.m3u8${query}`)).text();
    const playlist = parseMediaPlaylist(text);
    const uris = [playlist.open, ...playlist.segments].flatMap(({ uri, mapUri, parts }) => [
      ...(uri === "" ? [] : [uri]),
      ...(mapUri === undefined ? [] : [mapUri]),
      ...parts.map((part) => part.uri),
    ]);
    expect(uris.length).toBeGreaterThan(2);
    for (const uri of [...uris, ...playlist.hintUris]) expect(uri).toContain(query);
    const statuses = await Promise.all(uris.map((uri) => statusOf(`${server.http}/live/secret/${uri}`)));
    expect(new Set(statuses.map(({ status }) => status))).toEqual(new Set([200]));
    player.leave();
    viewer.end();
    publisher.leave();
  });
});

test("a channel that does not exist, or is not live, is told as such on every protocol", async () => {
  await withServer({}, async (server) => {
    await server.createChannel("idle");
    const unknown = await WsViewer.open(`${server.ws}/live/nobody/ws`);
    expect(await unknown.closed()).toBe(4404);
    for (const path of ["nobody.flv", "nobody/index.m3u8"]) {
      expect(await statusOf(`${server.http}/live/${path}`)).toEqual({ status: 404, code: "CHANNEL_NOT_FOUND" });
    }
    for (const path of ["idle.flv", "idle/index.m3u8", "idle/seg-0.m4s"]) {
      expect(await statusOf(`${server.http}/live/${path}`)).toEqual({ status: 404, code: "NOT_LIVE" });
    }
    const player = RtmpPeer.open({ port: server.rtmpPort, name: "nobody", mode: "play" });
    await expect(player).rejects.toThrow(/StreamNotFound/);
    const waiting = await WsViewer.open(`${server.ws}/live/idle/ws`);
    expect(waiting.state).toBe("waiting");
    waiting.end();
  });
});

test("who waits for a channel that is deleted is sent away", async () => {
  await withServer({}, async (server) => {
    await server.createChannel("idle");
    const waiting = await WsViewer.open(`${server.ws}/live/idle/ws`);
    expect((await server.ask("DELETE", "/api/channels/idle", { token: OPERATOR_TOKEN })).status).toBe(204);
    expect(await waiting.closed()).toBe(1000);
  });
});

interface HookCall {
  readonly body: { readonly action: string; readonly [field: string]: unknown };
  readonly isSigned: boolean;
}

const SECRET = "hook-secret";

/** A hook that answers as its channel's name says. */
class Hook {
  readonly calls: HookCall[] = [];
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<Hook> {
    const server = createServer((request, response) => {
      let text = "";
      request.on("data", (bytes) => {
        text += String(bytes);
      });
      request.on("end", () => {
        const header = String(request.headers[HOOK_SIGNATURE_HEADER]);
        const body = JSON.parse(text) as HookCall["body"];
        hook.calls.push({ body, isSigned: verifyHook(text, header, SECRET, Date.now()) });
        if (body.channel === "late") return; // never answered
        response.writeHead(body.channel === "no" ? 403 : body.channel === "broken" ? 500 : 200).end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const hook = new Hook(server);
    return hook;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/hook`;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

describe("hooks", () => {
  let hook: Hook;
  beforeAll(async () => {
    hook = await Hook.start();
  });
  afterAll(() => hook.stop());

  const settings = () => ({ publishHook: hook.url, playHook: hook.url, hookSecret: SECRET, hookTimeoutMs: 300 });

  test.each([
    { channel: "no", why: "refuses", logged: 0 },
    { channel: "broken", why: "fails", logged: 2 },
    { channel: "late", why: "does not answer in time", logged: 2 },
  ])("a hook that $why keeps publishers and viewers out", async ({ channel, logged }) => {
    await withServer(settings(), async (server) => {
      const key = await server.createChannel(channel);
      await expect(RtmpPeer.open({ port: server.rtmpPort, name: key })).rejects.toThrow(/BadName/);
      expect(server.events("publisher.refused")).toMatchObject([{ code: "HOOK_REFUSED" }]);
      const viewer = await WsViewer.open(`${server.ws}/live/${channel}/ws`);
      expect(await viewer.closed()).toBe(1008);
      expect(server.events("hook.failed")).toHaveLength(logged);
      if (logged > 0) return;
      expect(await statusOf(`${server.http}/live/${channel}/index.m3u8`)).toEqual({
        status: 403,
        code: "HOOK_REFUSED",
      });
      const player = RtmpPeer.open({ port: server.rtmpPort, name: channel, mode: "play" });
      await expect(player).rejects.toThrow(/StreamNotFound/);
    });
  });

  test("a hook that agrees is told who asks for what, signed, and once for each HLS viewer", async () => {
    await withServer(settings(), async (server) => {
      hook.calls.length = 0;
      const key = await server.createChannel("yes");
      const publisher = await RtmpPeer.open({ port: server.rtmpPort, name: `${key}?from=app` });
      publisher.loopClip(clip, 4);
      const viewer = await WsViewer.open(`${server.ws}/live/yes/ws`);
      await eventually(() => viewer.media.length > 1);
      for (let i = 0; i < 3; i++) await (await fetch(`${server.http}/live/yes/index.m3u8`)).text();
      const from = { channel: "yes", address: "127.0.0.1" };
      expect(hook.calls).toEqual([
        { isSigned: true, body: { action: "publish", query: "from=app", protocol: "rtmp", ...from } },
        { isSigned: true, body: { action: "play", protocol: "ws", ...from } },
        { isSigned: true, body: { action: "play", protocol: "hls", ...from } },
      ]);
      expect(JSON.stringify(hook.calls)).not.toContain(key);
      viewer.end();
      publisher.leave();
    });
  });

  test("a publisher that leaves while the hook thinks takes no channel", async () => {
    let answer: (() => void) | undefined;
    const slow = createServer((_request, response) => {
      answer = () => response.end();
    });
    await new Promise<void>((resolve) => slow.listen(0, "127.0.0.1", resolve));
    const publishHook = `http://127.0.0.1:${(slow.address() as AddressInfo).port}/`;
    await withServer({ publishHook }, async (server) => {
      const key = await server.createChannel("game");
      const publisher = RtmpPeer.start({ port: server.rtmpPort, name: key });
      await eventually(() => answer !== undefined, { what: "The hook was asked" });
      const heardBytes = publisher.socket.bytesRead;
      publisher.session.close();
      publisher.send([]);
      await eventually(() => publisher.socket.bytesRead > heardBytes, { what: "The end was confirmed" });
      answer?.();
      await eventually(() => server.events("publisher.left_early").length > 0);
      expect((await server.ask("GET", "/api/channels/game")).json.isLive).toBe(false);
      publisher.vanish();
    });
    slow.closeAllConnections();
    slow.close();
  });
});
