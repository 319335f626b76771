import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { eventually, withTempDir } from "@kagami/testkit";
import { beforeAll, expect, test } from "vitest";
import {
  type Clip,
  type DecodedFrame,
  decode,
  encodeClip,
  FakeFilterHost,
  RtmpPeer,
  shiftMessages,
  startTestServer,
  type TestServer,
  WsViewer,
} from "./support/index.ts";

const PATH = "/api/studio/privacy";
const game = { token: "game" };
const GOP = 10;
const PICTURES = 50;

let clip: Clip;
beforeAll(async () => {
  clip = await encodeClip({ seconds: 2, gop: GOP });
});

async function withServer(
  use: (server: TestServer, host: FakeFilterHost, dir: string) => Promise<void>,
  changes: Parameters<typeof startTestServer>[1] = {},
): Promise<void> {
  await withTempDir(async (dir) => {
    const filterHost = new FakeFilterHost();
    const server = await startTestServer(dir, { openPublish: true, ...changes }, { filterHost });
    try {
      await use(server, filterHost, dir);
    } finally {
      await server.close();
    }
  });
}

async function setPrivacy(server: TestServer, change: object): Promise<void> {
  expect(await server.ask("PATCH", PATH, { ...game, body: change })).toMatchObject({ status: 200 });
}

async function statusOf(server: TestServer): Promise<{ state: string; [field: string]: unknown }> {
  return (await server.ask("GET", PATH, game)).json.status;
}

async function framesOf(file: Uint8Array, format: string): Promise<readonly DecodedFrame[]> {
  const { frames, complaints } = await decode(file, { stream: "v", format });
  // Initializations that follow one another are what a browser is given; ffmpeg goes by the first.
  expect(complaints.replace(/^.*duplicated MOOV Atom.*\n|^ +Last message repeated.*\n/gm, "")).toBe("");
  return frames;
}

/** Media of a round of the clip, so that the timeline goes on. */
function round(n: number): Clip["media"] {
  return shiftMessages(clip.media, n * clip.durationMs);
}

test("ws, flv, rtmp, hls and the recording all carry the replaced pictures, and none of the hidden ones", async () => {
  await withServer(
    async (server, host, dir) => {
      await setPrivacy(server, { isEnabled: true });
      host.isHiding = true;
      const publisher = await RtmpPeer.open({ port: server.rtmpPort, name: "game" });
      const viewer = await WsViewer.open(`${server.ws}/live/game/ws`);
      const player = await RtmpPeer.open({ port: server.rtmpPort, name: "game", mode: "play" });
      const flv = fetch(`${server.http}/live/game.flv`).then((response) => response.arrayBuffer());
      await eventually(async () => (await server.ask("GET", "/api/studio", game)).json.viewerCount === 3);
      publisher.sendClip(clip);
      await eventually(() => host.streams.length === 1 && host.stream.pictureCount === PICTURES);
      await eventually(async () => (await statusOf(server)).state === "hiding");
      expect(await statusOf(server)).toMatchObject({
        isEncoding: true,
        bannerCount: 1,
        regions: [{ x: 0.1, y: 0.1, width: 0.8, height: 0.2 }],
        lastHiddenAtMs: expect.any(Number),
        addedLatencyMs: expect.any(Number),
      });
      expect(server.events("privacy.hiding_started")).toHaveLength(1);
      const metrics = await (await fetch(`${server.admin}/metrics`)).text();
      for (const line of [
        'kagami_live_privacy_state{channel="game",state="hiding"} 1',
        'kagami_live_privacy_state{channel="game",state="failed"} 0',
        'kagami_live_privacy_pictures_total{answer="replaced"} 49',
        "kagami_live_privacy_hidden_pictures_total 49",
        "kagami_live_privacy_banners_total 1",
        'kagami_memory_bytes{owner="privacy"}',
        "kagami_live_privacy_added_latency_seconds_count 49",
      ]) {
        expect(metrics).toContain(line);
      }
      const playlist = await (await fetch(`${server.http}/live/game/index.m3u8`)).text();
      const names = [...playlist.matchAll(/URI="(init-[^"]+)"|^(seg-.+)$/gm)].map((match) => match[1] ?? match[2]);
      const hls = await Promise.all(
        names.map(
          async (name) => new Uint8Array(await (await fetch(`${server.http}/live/game/${name}`)).arrayBuffer()),
        ),
      );
      publisher.leave();
      await eventually(() => viewer.closeCode !== undefined && player.isClosed);

      const original = await framesOf(clip.flv, "flv");
      expect(new Set(original.map(({ md5 }) => md5)).size, "the publisher's pictures differ").toBe(PICTURES);
      const recordings = join(dir, "recordings", "game");
      const [recording = ""] = await eventually(async () => {
        const found = await readdir(recordings);
        return found.some((name) => name.includes("recording")) ? undefined : found;
      });
      const received = {
        ws: await framesOf(viewer.file, "mp4"),
        flv: await framesOf(new Uint8Array(await flv), "flv"),
        hls: await framesOf(Buffer.concat(hls), "mp4"),
        recording: await framesOf(await readFile(join(recordings, recording)), "mp4"),
      };
      for (const [path, frames] of Object.entries(received)) {
        expect(new Set(frames.map(({ md5 }) => md5)), path).toEqual(new Set([original[0]?.md5]));
        expect(frames.length, path).toBeGreaterThan(path === "hls" ? GOP : PICTURES - 2);
      }
      expect(received.recording.map(({ ptsMs }) => Math.round(ptsMs))).toHaveLength(PICTURES);
      const pictures = player.media.filter(({ messageType, payload }) => messageType === 9 && payload[1] === 1);
      expect(pictures.length).toBeGreaterThanOrEqual(PICTURES - 1);
      const [first] = pictures;
      for (const { payload } of pictures) expect(payload).toEqual(first?.payload);
    },
    { record: "all", graceMs: 200 },
  );
});

test("switched on and off while live: at a key frame, one new initialization each, viewers stay and decode it all", async () => {
  await withServer(async (server, host) => {
    const publisher = await RtmpPeer.open({ port: server.rtmpPort, name: "game" });
    const viewer = await WsViewer.open(`${server.ws}/live/game/ws`);
    publisher.send(clip.headers);
    publisher.send(round(0));
    await eventually(async () => (await framesOf(viewer.file, "mp4")).length === PICTURES);
    expect(host.streams, "a channel that is not protected opens nothing").toHaveLength(0);
    host.isHiding = true;
    await setPrivacy(server, { isEnabled: true });
    await eventually(() => host.streams.length === 1);
    publisher.send(round(1));
    await eventually(() => host.stream.pictureCount === PICTURES);
    await setPrivacy(server, { isEnabled: false });
    publisher.send(round(2));
    await eventually(async () => (await statusOf(server)).state === "off");
    await eventually(() => viewer.ofType("init").length === 3);
    publisher.send(round(3));
    await eventually(async () => (await framesOf(viewer.file, "mp4")).length >= 4 * PICTURES, { timeoutMs: 10_000 });
    const frames = await framesOf(viewer.file, "mp4");
    const original = (await framesOf(clip.flv, "flv")).map(({ md5 }) => md5);
    const shown = frames.map(({ md5 }) => md5);
    expect(shown.slice(0, PICTURES)).toEqual(original);
    expect(new Set(shown.slice(PICTURES, 2 * PICTURES))).toEqual(new Set([original[0]]));
    expect(shown.slice(2 * PICTURES)).toEqual([...original, ...original]);
    expect(viewer.closeCode).toBeUndefined();
    expect(server.events("privacy.switched_on")).toHaveLength(1);
    expect(server.events("privacy.switched_off")).toHaveLength(1);
    publisher.leave();
    viewer.end();
  });
});

test("cover: when the filter dies, viewers stay, nothing that was not looked at leaves, and the picture comes back", async () => {
  await withServer(async (server, host) => {
    await setPrivacy(server, { isEnabled: true });
    const publisher = await RtmpPeer.open({ port: server.rtmpPort, name: "game" });
    const viewer = await WsViewer.open(`${server.ws}/live/game/ws`);
    const half = clip.media.findIndex(({ messageType, timestampMs }) => messageType === 9 && timestampMs >= 1_000);
    publisher.send([...clip.headers, ...clip.media.slice(0, half)]);
    await eventually(() => host.streams.length === 1 && host.stream.pictureCount > 20);
    host.stream.die();
    publisher.send(clip.media.slice(half));
    const failed = await eventually(async () => {
      const status = await statusOf(server);
      return status.state === "failed" ? status : undefined;
    });
    expect(failed.message).toContain("The filter process was killed");
    const health = (await server.ask("GET", "/api/studio/health", game)).json;
    expect(health.warnings).toContainEqual(expect.objectContaining({ code: "PRIVACY_FAILED", severity: "error" }));
    expect(server.events("privacy.filter_failed")).toMatchObject([
      { level: "error", code: "FILTER_DIED", onFailure: "cover" },
    ]);
    const atDeath = (await framesOf(viewer.file, "mp4")).length;
    expect(atDeath).toBeLessThan(30);
    host.stream.start();
    publisher.send(round(1));
    await eventually(() => server.events("privacy.recovered").length === 1);
    await eventually(async () => (await framesOf(viewer.file, "mp4")).length > atDeath + PICTURES - 10);
    expect(await statusOf(server)).toMatchObject({ restartCount: 1, message: null });
    expect(viewer.closeCode).toBeUndefined();
    publisher.leave();
    viewer.end();
  });
});

test("pass: the log says in so many words that pictures go out unprotected", async () => {
  await withServer(async (server, host) => {
    await setPrivacy(server, { isEnabled: true, onFailure: "pass" });
    const publisher = await RtmpPeer.open({ port: server.rtmpPort, name: "game" });
    const viewer = await WsViewer.open(`${server.ws}/live/game/ws`);
    publisher.send([...clip.headers, ...round(0)]);
    await eventually(() => host.streams.length === 1 && host.stream.pictureCount === PICTURES);
    host.stream.die();
    publisher.send(round(1));
    await eventually(() => server.events("privacy.passing_unprotected").length === 1);
    expect(server.events("privacy.passing_unprotected")).toMatchObject([{ level: "warn" }]);
    expect((await statusOf(server)).message).toContain("UNPROTECTED");
    await eventually(async () => (await framesOf(viewer.file, "mp4")).length >= 2 * PICTURES - 1);
    expect(viewer.ofType("init"), "the initialization decodes both").toHaveLength(1);
    const metrics = await (await fetch(`${server.admin}/metrics`)).text();
    expect(metrics).toContain(`kagami_live_privacy_unprotected_pictures_total ${PICTURES}`);
    expect(metrics).toContain('kagami_live_privacy_failures_total{reason="FILTER_DIED"} 1');
    publisher.leave();
    viewer.end();
  });
});

test("a filter that goes silent is restarted after the budget, and sound goes on meanwhile", async () => {
  await withServer(
    async (server, host) => {
      await setPrivacy(server, { isEnabled: true });
      const publisher = await RtmpPeer.open({ port: server.rtmpPort, name: "game" });
      publisher.loopClip(clip);
      const viewer = await WsViewer.open(`${server.ws}/live/game/ws`);
      await eventually(() => host.streams.length === 1 && host.stream.pictureCount > 5);
      host.stream.isHung = true;
      await eventually(() => host.stream.restartMessages.length === 1);
      const before = viewer.media.length;
      await eventually(() => viewer.media.length > before + 20, { what: "Sound goes on" });
      host.stream.start();
      await eventually(() => server.events("privacy.recovered").length === 1);
      expect(server.events("privacy.filter_failed")).toMatchObject([{ code: "FILTER_LATE" }]);
      publisher.leave();
      viewer.end();
    },
    { privacyBudgetMs: 200 },
  );
});

test("with --privacy off a channel whose filter is on shows nothing, and the studio says why", async () => {
  await withTempDir(async (dir) => {
    const first = await startTestServer(dir, {}, { filterHost: new FakeFilterHost() });
    const token = await first.createChannel("alice");
    await first.ask("PATCH", PATH, { token, body: { isEnabled: true } });
    await first.close();
    const server = await startTestServer(dir, { privacy: "off" });
    const publisher = await RtmpPeer.open({ port: server.rtmpPort, name: token });
    const viewer = await WsViewer.open(`${server.ws}/live/alice/ws`);
    publisher.loopClip(clip);
    await eventually(() => server.events("privacy.filter_failed").length === 1);
    await eventually(() => viewer.media.length > 10, { what: "Sound" });
    expect(viewer.ofType("init")).toMatchObject([{ hasVideo: false, hasAudio: true }]);
    const health = (await server.ask("GET", "/api/studio/health", { token })).json;
    const warning = health.warnings.find(({ code }: { code: string }) => code === "PRIVACY_UNAVAILABLE");
    expect(warning.message).toContain("--privacy off");
    publisher.leave();
    viewer.end();
    await server.close();
  });
});
