import { eventually, withTempDir } from "@kagami/testkit";
import { beforeAll, describe, expect, test } from "vitest";
import type { RtmpClientEvent } from "../src/protocol/rtmp/index.ts";
import {
  type Clip,
  decode,
  encodeClip,
  RtmpPeer,
  startTestServer,
  type TestServer,
  WsViewer,
} from "./support/index.ts";

let clip: Clip;
beforeAll(async () => {
  clip = await encodeClip({ seconds: 2, gop: 10 });
});

async function withServer(
  changes: Parameters<typeof startTestServer>[1],
  use: (server: TestServer) => Promise<void>,
): Promise<void> {
  await withTempDir(async (dir) => {
    const server = await startTestServer(dir, { openPublish: true, ...changes });
    try {
      await use(server);
    } finally {
      await server.close();
    }
  });
}

/** Decodes all that a viewer got and checks that time goes on without holes beyond `limitMs`. */
async function expectSmooth(viewer: WsViewer, frameCount: number, limitMs: number): Promise<void> {
  const { frames, complaints } = await decode(viewer.file, { stream: "v", format: "mp4" });
  expect(frames).toHaveLength(frameCount);
  const steps = frames.slice(1).map(({ ptsMs }, i) => ptsMs - (frames[i]?.ptsMs ?? 0));
  expect(Math.min(...steps)).toBeGreaterThan(0);
  expect(Math.max(...steps)).toBeLessThan(limitMs);
  expect(complaints).toBe("");
}

describe("a publisher with the same key", () => {
  test("takes over at once: viewers stay, and the timeline goes on", async () => {
    await withServer({}, async (server) => {
      const first = await RtmpPeer.open({ port: server.rtmpPort, name: "game" });
      const viewer = await WsViewer.open(`${server.ws}/live/game/ws`);
      first.sendClip(clip);
      await eventually(async () => (await decodedCount(viewer)) >= 50);
      const second = await RtmpPeer.open({ port: server.rtmpPort, name: "game" });
      await eventually(() => first.isClosed, { what: "The first publisher was sent away" });
      second.sendClip(clip);
      await eventually(async () => (await decodedCount(viewer)) >= 100);
      await expectSmooth(viewer, 100, 120);
      expect(viewer.ofType("init")).toHaveLength(1);
      expect(viewer.closeCode).toBeUndefined();
      expect(server.events("publisher.taken_over")).toHaveLength(1);
      const health = (await server.ask("GET", "/api/studio/health", { token: "game" })).json;
      expect(health).toMatchObject({ isLive: true, isInterrupted: false, reconnectCount: 1 });
      second.leave();
      viewer.end();
    });
  });

  test("returns within the grace time: viewers are told, stay, and see the timeline go on", async () => {
    await withServer({ graceMs: 60_000 }, async (server) => {
      const first = await RtmpPeer.open({ port: server.rtmpPort, name: "game" });
      first.sendClip(clip);
      const viewer = await WsViewer.open(`${server.ws}/live/game/ws`);
      await eventually(async () => (await decodedCount(viewer)) >= 10);
      first.vanish();
      await eventually(() => viewer.state === "interrupted");
      expect((await server.ask("GET", "/api/channels/game")).json).toMatchObject({ isLive: true, isInterrupted: true });
      const health = (await server.ask("GET", "/api/studio/health", { token: "game" })).json;
      expect(health.warnings.map(({ code }: { code: string }) => code)).toContain("PUBLISHER_AWAY");
      const second = await RtmpPeer.open({ port: server.rtmpPort, name: "game" });
      await eventually(() => viewer.state === "live");
      second.sendClip(clip);
      const joined = 10;
      await eventually(async () => (await decodedCount(viewer)) >= joined + 50);
      await expectSmooth(viewer, joined + 50, 120);
      second.leave();
      viewer.end();
    });
  });

  test("that stays away ends the broadcast: viewers are told and closed with 1000", async () => {
    await withServer({ graceMs: 200 }, async (server) => {
      const publisher = await RtmpPeer.open({ port: server.rtmpPort, name: "game" });
      publisher.sendClip(clip);
      const viewer = await WsViewer.open(`${server.ws}/live/game/ws`);
      const player = await RtmpPeer.open({ port: server.rtmpPort, name: "game", mode: "play" });
      const flv = await fetch(`${server.http}/live/game.flv`);
      publisher.leave();
      expect(await viewer.closed()).toBe(1000);
      expect(viewer.order.filter((type) => type === "state")).toHaveLength(3);
      expect(viewer.ofType("state").map(({ state }) => state)).toEqual(["live", "interrupted", "ended"]);
      await eventually(() => player.has("ended") && player.isClosed, { what: "The RTMP player was told" });
      expect((await flv.arrayBuffer()).byteLength, "the FLV body ended").toBeGreaterThan(1_000);
      const ended = await (await fetch(`${server.http}/live/game/index.m3u8`)).text();
      expect(ended).toContain("#EXT-X-ENDLIST");
    });
  });

  test("that comes back without sound gets an initialization without sound, and with it again later", async () => {
    const silent = await encodeClip({ seconds: 2, gop: 10, hasAudio: false });
    await withServer({}, async (server) => {
      const first = await RtmpPeer.open({ port: server.rtmpPort, name: "game" });
      const viewer = await WsViewer.open(`${server.ws}/live/game/ws`);
      for (const [i, each] of [clip, silent, clip].entries()) {
        const publisher = i === 0 ? first : await RtmpPeer.open({ port: server.rtmpPort, name: "game" });
        publisher.sendClip(each);
        await eventually(async () => (await decodedCount(viewer)) >= 50 * (i + 1));
      }
      const inits = viewer.ofType("init");
      expect(inits.map(({ generation, hasVideo, hasAudio }) => [generation, hasVideo, hasAudio])).toEqual([
        [1, true, true],
        [2, true, false],
        [3, true, true],
      ]);
      viewer.end();
    });
  });
});

async function decodedCount(viewer: WsViewer): Promise<number> {
  // One fragment is one sample; those of video name track 1.
  let count = 0;
  for (const bytes of viewer.media) {
    for (let at = bytes.indexOf(0x74); at >= 0; at = bytes.indexOf(0x74, at + 1)) {
      const isTfhd = bytes[at + 1] === 0x66 && bytes[at + 2] === 0x68 && bytes[at + 3] === 0x64;
      if (isTfhd && bytes[at + 11] === 1) count++;
    }
  }
  return count;
}

describe("shutting down", () => {
  test("tells viewers to come back, publishers to reconnect, and balancers to look elsewhere", async () => {
    await withTempDir(async (dir) => {
      const server = await startTestServer(dir, { openPublish: true });
      const able = await RtmpPeer.open({ port: server.rtmpPort, name: "able" });
      const unable = await RtmpPeer.open({ port: server.rtmpPort, name: "unable", capsEx: 0 });
      able.sendClip(clip);
      unable.sendClip(clip);
      const viewer = await WsViewer.open(`${server.ws}/live/able/ws`);
      const waiting = await WsViewer.open(`${server.ws}/live/unable/ws`);
      const player = await RtmpPeer.open({ port: server.rtmpPort, name: "able", mode: "play" });
      await eventually(() => viewer.media.length > 1);
      expect((await fetch(`${server.admin}/readyz`)).status).toBe(200);
      // A client that keeps its connection holds the drain open, so that it can be looked at.
      const idle = RtmpPeer.start({ port: server.rtmpPort, name: "idle" });
      await eventually(() => idle.has("connected"));
      const closing = server.close(5_000);
      const readiness = await fetch(`${server.admin}/readyz`);
      expect(readiness.status).toBe(503);
      expect(await readiness.json()).toMatchObject({ isReady: false, problems: { server: "draining" } });
      expect([await viewer.closed(), await waiting.closed()]).toEqual([1001, 1001]);
      await eventually(() => able.isClosed && unable.isClosed && player.isClosed);
      const requests = (events: readonly RtmpClientEvent[]) =>
        events.filter(({ kind }) => kind === "reconnect-request");
      expect(requests(able.events)).toHaveLength(1);
      expect(requests(unable.events)).toHaveLength(0);
      idle.vanish();
      await closing;
      await expect(fetch(`${server.admin}/healthz`)).rejects.toThrow();
      expect(server.close(), "closing again waits for the same end").toBeInstanceOf(Promise);
    });
  });

  test("leaves no timer and no handle behind", async () => {
    await withTempDir(async (dir) => {
      const before = activeHandles();
      const server = await startTestServer(dir, { openPublish: true, record: "all" });
      const publisher = await RtmpPeer.open({ port: server.rtmpPort, name: "game" });
      publisher.sendClip(clip);
      const viewer = await WsViewer.open(`${server.ws}/live/game/ws`);
      await eventually(() => viewer.media.length > 1);
      await server.close(3_000);
      await eventually(() => publisher.isClosed && viewer.closeCode !== undefined);
      await eventually(() => activeHandles().Timeout <= before.Timeout, {
        what: `No timer (${JSON.stringify(before)})`,
      });
    });
  });

  function activeHandles(): { Timeout: number } {
    const kinds = process.getActiveResourcesInfo();
    return { Timeout: kinds.filter((kind) => kind === "Timeout").length };
  }
});

describe("limits", () => {
  test("a publisher too many is refused with a reason; one on a running channel is not", async () => {
    await withServer({ publisherLimit: 1 }, async (server) => {
      const first = await RtmpPeer.open({ port: server.rtmpPort, name: "one" });
      await expect(RtmpPeer.open({ port: server.rtmpPort, name: "two" })).rejects.toThrow(/no more publishers/);
      const again = await RtmpPeer.open({ port: server.rtmpPort, name: "one" });
      await eventually(() => first.isClosed);
      expect(server.events("publisher.refused")).toMatchObject([{ code: "PUBLISHER_LIMIT" }]);
      again.leave();
    });
  });

  test("a viewer too many is refused on every protocol that holds a connection", async () => {
    await withServer({ viewerLimit: 1 }, async (server) => {
      const publisher = await RtmpPeer.open({ port: server.rtmpPort, name: "game" });
      publisher.sendClip(clip);
      const first = await WsViewer.open(`${server.ws}/live/game/ws`);
      await eventually(() => first.media.length > 0);
      const second = await WsViewer.open(`${server.ws}/live/game/ws`);
      expect(await second.closed()).toBe(1013);
      expect(await server.ask("GET", "/live/game.flv")).toMatchObject({
        status: 503,
        json: { error: { code: "VIEWER_LIMIT" } },
      });
      publisher.leave();
      first.end();
    });
    await withServer({ viewerLimit: 1, publisherLimit: 5 }, async (server) => {
      const publisher = await RtmpPeer.open({ port: server.rtmpPort, name: "game" });
      publisher.sendClip(clip);
      const first = await RtmpPeer.open({ port: server.rtmpPort, name: "game", mode: "play" });
      await eventually(() => first.media.length > 0);
      const second = RtmpPeer.open({ port: server.rtmpPort, name: "game", mode: "play" });
      await expect(second).rejects.toThrow(/no more viewers/);
      first.leave();
      publisher.leave();
    });
  });

  test("a connection too many is cut before it costs anything", async () => {
    await withServer({ viewerLimit: 1, publisherLimit: 1 }, async (server) => {
      const first = await RtmpPeer.open({ port: server.rtmpPort, name: "game" });
      const second = await RtmpPeer.open({ port: server.rtmpPort, name: "game", mode: "play" });
      const third = RtmpPeer.start({ port: server.rtmpPort, name: "game" });
      await eventually(() => third.isClosed);
      expect(server.events("connection.refused")).toMatchObject([{ listener: "rtmp", reason: "max-connections" }]);
      first.vanish();
      second.vanish();
    });
  });

  test("messages over the limits end the connection before and after acceptance, with one line that says why", async () => {
    await withServer({ maxMessageBytes: 100_000 }, async (server) => {
      const stranger = RtmpPeer.start({ port: server.rtmpPort, name: "x".repeat(70_000) });
      await eventually(() => stranger.isClosed, { what: "The stranger was cut" });
      const publisher = await RtmpPeer.open({ port: server.rtmpPort, name: "game" });
      publisher.sendClip(clip);
      publisher.send([{ messageType: 9, timestampMs: 5_000, body: new Uint8Array(90_000).fill(0x17, 0, 1) }]);
      publisher.send([{ messageType: 9, timestampMs: 5_000, body: new Uint8Array(100_001) }]);
      await eventually(() => publisher.isClosed);
      const lines = server.events("rtmp.peer_refused");
      expect(lines).toMatchObject([{ code: "RTMP_MESSAGE_LIMIT" }, { code: "RTMP_MESSAGE_LIMIT" }]);
      expect(lines[1]?.message).toContain("100001");
      const next = await RtmpPeer.open({ port: server.rtmpPort, name: "game" });
      next.leave();
    });
  });
});
