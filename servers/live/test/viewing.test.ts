import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import { FlvDemuxer, isMalformed, parseFragment, parseInit } from "@kagami/media";
import { eventually, withTempDir } from "@kagami/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { encodeClientFrame, encodeUpgradeRequest, OPCODE } from "../src/protocol/websocket/index.ts";
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
let server: TestServer;
let publisher: RtmpPeer;
let stop: () => void = () => undefined;

// One broadcast for all that only watches it.
beforeAll(async () => {
  clip = await encodeClip({ seconds: 2, gop: 25 });
  await new Promise<void>((resolve, reject) => {
    withTempDir(async (dir) => {
      server = await startTestServer(dir, { openPublish: true });
      publisher = await RtmpPeer.open({ port: server.rtmpPort, name: "game" });
      publisher.loopClip(clip);
      resolve();
      await new Promise<void>((end) => {
        stop = end;
      });
      publisher.vanish();
      await server.close();
    }).catch(reject);
  });
});
afterAll(() => stop());

describe("a WebSocket viewer", () => {
  test("is told what comes, starts at a key frame, and can set its clock", async () => {
    const viewer = await WsViewer.open(`${server.ws}/live/game/ws`);
    viewer.say({ type: "ping", id: 7 });
    await eventually(() => viewer.ofType("pong").length === 1 && viewer.media.length > 10);
    const order = viewer.order.filter((type) => type !== "pong" && type !== "viewers");
    expect(order.slice(0, 5)).toEqual(["state", "init", "media", "clock", "media"]);
    expect(viewer.ofType("init")[0]).toEqual({
      type: "init",
      generation: 1,
      mime: expect.stringMatching(/^video\/mp4; codecs="avc1\.[0-9a-f]{6},mp4a\.40\.2"$/),
      hasVideo: true,
      hasAudio: true,
      width: 160,
      height: 90,
    });
    expect(viewer.ofType("pong")[0]).toEqual({ type: "pong", id: 7, serverMs: expect.any(Number) });
    const [clock] = viewer.ofType("clock");
    expect(Math.abs(clock?.serverMs - Date.now())).toBeLessThan(10_000);

    const [initBytes, ...fragments] = viewer.media;
    const init = parseInit(initBytes ?? new Uint8Array());
    if (isMalformed(init)) throw new Error(init.message);
    expect(init.tracks.map(({ config }) => config.kind)).toEqual(["video", "audio"]);
    for (const bytes of fragments) expect(parseFragment(bytes, init)).toMatchObject({ kind: "fragment" });
    const { frames, complaints } = await decode(viewer.file, { stream: "v", format: "mp4" });
    expect(frames.length).toBeGreaterThan(0);
    expect(complaints).toBe("");
    viewer.end();
  });

  test("hears how many watch when that has changed", async () => {
    const first = await WsViewer.open(`${server.ws}/live/game/ws`);
    const second = await WsViewer.open(`${server.ws}/live/game/ws`);
    await eventually(() => first.ofType("viewers").at(-1)?.count === 2);
    second.end();
    first.end();
  });

  test("that hangs up without a close frame is gone at once, also where nothing is sent", async () => {
    await withTempDir(async (dir) => {
      const quiet = await startTestServer(dir);
      await quiet.createChannel("quiet");
      const socket = await upgraded(quiet, "quiet");
      const count = async () => (await quiet.ask("GET", "/api/channels/quiet")).json.viewerCount;
      await eventually(async () => (await count()) === 1);
      socket.end();
      await eventually(async () => (await count()) === 0);
      await quiet.close();
    });
  });
});

/** A WebSocket by hand. */
async function upgraded(to: TestServer, channel: string): Promise<Socket> {
  const [host = "", port = ""] = to.http.replace("http://", "").split(":");
  const socket = connect({ host, port: Number(port) });
  socket.on("error", () => undefined);
  socket.write(encodeUpgradeRequest(`${host}:${port}`, `/live/${channel}/ws`, randomBytes(16).toString("base64")));
  let head = "";
  await new Promise<void>((resolve) => {
    const onData = (bytes: Buffer) => {
      head += bytes.toString("latin1");
      if (!head.includes("\r\n\r\n")) return;
      socket.off("data", onData);
      resolve();
    };
    socket.on("data", onData);
  });
  expect(head).toContain("101");
  return socket;
}

/** The code of the close frame that a socket is sent at last. */
async function closeCodeOf(socket: Socket): Promise<number> {
  let tail = Buffer.alloc(0);
  socket.on("data", (bytes: Buffer) => {
    tail = Buffer.concat([tail, bytes]).subarray(-200);
  });
  await new Promise((resolve) => socket.on("close", resolve));
  const at = tail.lastIndexOf(0x88);
  return at < 0 ? 0 : tail.readUInt16BE(at + 2);
}

const mask = Uint8Array.of(1, 2, 3, 4);
const text = (value: string) => encodeClientFrame(OPCODE.text, new TextEncoder().encode(value), mask);
const many = (frame: Uint8Array, count: number) => Buffer.concat(Array.from({ length: count }, () => frame));
const ping = encodeClientFrame(OPCODE.ping, new Uint8Array(100), mask);

test.each([
  { what: "an unmasked frame", bytes: Uint8Array.of(0x81, 2, 0x7b, 0x7d), code: 1002 },
  { what: "reserved bits", bytes: Uint8Array.of(0xc1, 0x80, 1, 2, 3, 4), code: 1002 },
  {
    what: "a frame that promises 2^62 bytes",
    bytes: Uint8Array.of(0x82, 0xff, 0x40, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4),
    code: 1009,
  },
  { what: "a text of 5,000 bytes", bytes: text(`"${"x".repeat(5_000)}"`), code: 1009 },
  {
    what: "text that is not UTF-8",
    bytes: encodeClientFrame(OPCODE.text, Uint8Array.of(0xff, 0xfe), mask),
    code: 1007,
  },
  { what: "a binary message", bytes: encodeClientFrame(OPCODE.binary, new Uint8Array(3), mask), code: 1003 },
  { what: "text that is not JSON", bytes: text("{"), code: 1008 },
  { what: "JSON that is no message", bytes: text("[1]"), code: 1008 },
  { what: "a message of unknown type", bytes: text('{"type":"shout"}'), code: 1008 },
  { what: "an ack without a time", bytes: text('{"type":"ack","mediaMs":"now"}'), code: 1008 },
  { what: "a flood of messages", bytes: many(text('{"type":"ping","id":1}'), 200), code: 1008 },
  { what: "a flood of pings", bytes: many(ping, 2_000), code: 1008 },
  { what: "a close of its own", bytes: encodeClientFrame(OPCODE.close, Uint8Array.of(0x0f, 0xa1), mask), code: 4001 },
])("$what is answered with close code $code", async ({ bytes, code }) => {
  const socket = await upgraded(server, "game");
  const closed = closeCodeOf(socket);
  socket.write(bytes);
  expect(await closed).toBe(code);
  socket.destroy();
});

test.each([
  { what: "another path", path: "/live/game/other", version: 13, status: 404 },
  { what: "a path of no channel", path: "/elsewhere", version: 13, status: 404 },
  { what: "an old version", path: "/live/game/ws", version: 8, status: 426 },
])("an upgrade of $what is refused with $status", async ({ path, version, status }) => {
  const [host = "", port = ""] = server.http.replace("http://", "").split(":");
  const socket = connect({ host, port: Number(port) });
  const key = randomBytes(16).toString("base64");
  const head = `GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n`;
  socket.write(`${head}sec-websocket-version: ${version}\r\nsec-websocket-key: ${key}\r\n\r\n`);
  let answer = "";
  for await (const bytes of socket) answer += String(bytes);
  expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
});

/** About 15 Mbit/s: sockets fill within a second or two. */
function heavyClip(): Promise<Clip> {
  const filter = "noise=alls=60:allf=t";
  return encodeClip({ seconds: 1, size: "320x180", gop: 25, filter, encoderArgs: ["-qp", "4"] });
}

test("a viewer that stops reading loses pictures, is told, and sees a whole picture again; the others see everything", async () => {
  const heavy = await heavyClip();
  await withTempDir(async (dir) => {
    const busy = await startTestServer(dir, { openPublish: true, viewerBufferBytes: 65_536, viewerLagMs: 60_000 });
    const source = await RtmpPeer.open({ port: busy.rtmpPort, name: "game" });
    const slow = await WsViewer.open(`${busy.ws}/live/game/ws`);
    const healthy = await WsViewer.open(`${busy.ws}/live/game/ws`);
    source.loopClip(heavy, 4);
    await eventually(() => slow.media.length > 5 && healthy.media.length > 5);
    slow.socket.pause();
    const dropped = async () => (await busy.ask("GET", "/api/studio/health", { token: "game" })).json.droppedFrameCount;
    await eventually(async () => (await dropped()) > 50, { timeoutMs: 15_000, what: "Pictures were left out" });
    slow.socket.resume();
    await eventually(() => slow.ofType("gap").length > 0, { what: "The gap was told" });
    const seen = slow.media.length;
    await eventually(() => slow.media.length > seen + 20);
    source.leave();
    const [gap] = slow.ofType("gap");
    expect(gap?.toMs).toBeGreaterThan(gap?.fromMs);
    for (const viewer of [slow, healthy]) {
      const { complaints } = await decode(viewer.file, { stream: "v", format: "mp4" });
      expect(complaints).toBe("");
    }
    const { frames } = await decode(healthy.file, { stream: "v", format: "mp4" });
    const steps = frames.slice(1).map(({ ptsMs }, i) => Math.round(ptsMs - (frames[i]?.ptsMs ?? 0)));
    expect(new Set(steps)).toEqual(new Set([40]));
    slow.end();
    healthy.end();
    await busy.close();
  });
});

test("FLV and RTMP viewers that take nothing are cut, and do not hinder the next broadcast", async () => {
  const heavy = await heavyClip();
  await withTempDir(async (dir) => {
    const limits = { viewerBufferBytes: 65_536, viewerStallMs: 1_000, graceMs: 0 };
    const busy = await startTestServer(dir, { openPublish: true, ...limits });
    const source = await RtmpPeer.open({ port: busy.rtmpPort, name: "game" });
    source.loopClip(heavy, 4);
    await eventually(async () => (await busy.ask("GET", "/api/channels/game")).json.video !== null);
    const player = await RtmpPeer.open({ port: busy.rtmpPort, name: "game", mode: "play" });
    player.socket.pause();
    const [host = "", port = ""] = busy.http.replace("http://", "").split(":");
    const flv = connect({ host, port: Number(port) });
    flv.on("error", () => undefined);
    flv.write("GET /live/game.flv HTTP/1.1\r\nhost: x\r\n\r\n");
    flv.pause();
    const viewers = async () => (await busy.ask("GET", "/api/channels/game")).json.viewerCount;
    await eventually(async () => (await viewers()) === 2);
    await eventually(async () => (await viewers()) === 0, { timeoutMs: 20_000, what: "Both were cut" });
    const metrics = await (await fetch(`${busy.admin}/metrics`)).text();
    expect(metrics).toMatch(/^kagami_live_slow_leaves_total 2$/m);
    source.leave();
    await eventually(() => busy.events("broadcast.ended").length === 1);
    const next = await RtmpPeer.open({ port: busy.rtmpPort, name: "game" });
    next.sendClip(clip);
    const viewer = await WsViewer.open(`${busy.ws}/live/game/ws`);
    await eventually(() => viewer.media.length > 1);
    viewer.end();
    next.leave();
    player.vanish();
    flv.destroy();
    await busy.close();
  });
});

test("HTTP-FLV is one FLV file that begins with its headers and a key frame", async () => {
  const response = await fetch(`${server.http}/live/game.flv`);
  expect(response.headers.get("content-type")).toBe("video/x-flv");
  expect(response.headers.get("access-control-allow-origin")).toBe("*");
  const demuxer = new FlvDemuxer();
  const items: ReturnType<FlvDemuxer["push"]> = [];
  for await (const bytes of response.body ?? []) {
    items.push(...demuxer.push(bytes as Uint8Array));
    if (items.length > 30) break;
  }
  expect(items[0]).toEqual({ kind: "header", hasVideo: true, hasAudio: true });
  expect(items.some(({ kind }) => kind === "malformed")).toBe(false);
  const tags = items.flatMap((item) => (item.kind === "tag" ? [item] : []));
  expect(tags.slice(0, 2).map(({ type, body }) => [type, body[1]])).toEqual([
    [9, 0],
    [8, 0],
  ]);
  const firstPicture = tags.slice(2).find(({ type }) => type === 9);
  expect((firstPicture?.body[0] ?? 0) >> 4).toBe(1);
  const head = await fetch(`${server.http}/live/game.flv`, { method: "HEAD" });
  expect(head.status).toBe(200);
});

test("the metrics say what happens, under the documented names", async () => {
  const viewer = await WsViewer.open(`${server.ws}/live/game/ws`);
  await eventually(() => viewer.media.length > 3);
  const metrics = await (await fetch(`${server.admin}/metrics`)).text();
  for (const name of [
    "kagami_live_sent_bytes_total",
    "kagami_live_dropped_frames_total",
    "kagami_live_resumes_total",
    "kagami_live_slow_leaves_total",
    "kagami_live_merge_wait_seconds_bucket",
    "kagami_live_received_bytes_total",
    "kagami_live_publishers_total",
    "kagami_live_recorded_bytes_total",
    "kagami_live_recording_failures_total",
    "kagami_live_stream_bitrate_kbps",
    "kagami_live_stream_fps",
    "kagami_live_stream_viewers",
    "kagami_connections_open",
  ]) {
    expect(metrics, name).toMatch(new RegExp(`^${name}[{ ]`, "m"));
  }
  expect(metrics).toMatch(/^kagami_live_streams 1$/m);
  expect(metrics).toMatch(/^kagami_live_stream_viewers\{channel="game",protocol="ws"\} [1-9]/m);
  expect(metrics).toMatch(/gop-cache/);
  viewer.end();
});
