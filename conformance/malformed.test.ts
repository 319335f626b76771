import { randomBytes } from "node:crypto";
import {
  type Clip,
  type ClipMessage,
  encodeClip,
  type LogLine,
  RtmpPeer,
  shiftMessages,
  startTestServer,
  type TestServer,
  WsViewer,
} from "@kagami/live/testing";
import { eventually, withTempDir } from "@kagami/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { command, garbage, hello, message, WirePeer } from "./support/rtmp-wire.ts";

const HALF_OPEN = 100;

let server: TestServer;
let healthy: RtmpPeer;
let clip: Clip;
let stop: () => void = () => undefined;
let slowPeers: WirePeer[] = [];
let slowTimer: NodeJS.Timeout | undefined;
let memoryAtStart = 0;

// One server, and one healthy broadcast that nothing here may disturb.
beforeAll(async () => {
  clip = await encodeClip({ seconds: 2, gop: 25 });
  await new Promise<void>((resolve, reject) => {
    withTempDir(async (dir) => {
      server = await startTestServer(dir, { openPublish: true, graceMs: 50 });
      healthy = await RtmpPeer.open({ port: server.rtmpPort, name: "healthy" });
      healthy.loopClip(clip);
      await eventually(async () => (await server.ask("GET", "/api/channels/healthy")).json.video !== null);
      memoryAtStart = process.memoryUsage().arrayBuffers;
      openSlowPeers();
      resolve();
      await new Promise<void>((end) => {
        stop = end;
      });
      clearInterval(slowTimer);
      healthy.vanish();
      await server.close();
    }).catch(reject);
  });
});
afterAll(() => stop());

/** Handshakes begun and never ended; they run into the limit of ten seconds while everything else is tested. */
function openSlowPeers(): void {
  const half = Array.from({ length: HALF_OPEN }, () => new WirePeer(server.rtmpPort, hello().subarray(0, 100)));
  const loris = new WirePeer(server.rtmpPort, Uint8Array.of(3));
  const http = new WirePeer(Number(server.http.split(":").at(-1)), Buffer.from("GET / HTTP/1.1\r\nx: "));
  slowTimer = setInterval(() => {
    if (!loris.isClosed) loris.socket.write(Uint8Array.of(0));
    if (!http.isClosed) http.socket.write("x");
  }, 50);
  slowPeers = [...half, loris, http];
}

let linesBefore = 0;
beforeEach(() => {
  linesBefore = server.log.length;
});

const about = (events: readonly string[]): LogLine[] =>
  server.log.slice(linesBefore).filter(({ event, channel }) => events.includes(event) && channel !== "healthy");

// After each case: the healthy broadcast goes on, a newcomer sees it at once, and memory has not run away.
afterEach(async () => {
  const viewer = await WsViewer.open(`${server.ws}/live/healthy/ws`);
  await eventually(() => viewer.media.length > 3, { what: "The healthy broadcast" });
  viewer.end();
  expect(healthy.isClosed).toBe(false);
  expect(process.memoryUsage().arrayBuffers - memoryAtStart).toBeLessThan(200 << 20);
});

const connectCommand = command("connect", 1, null);
const nested = Buffer.concat([
  Buffer.from("020007636f6e6e656374003ff0000000000000", "hex"),
  Buffer.from("0a00000001".repeat(9_000), "hex"),
]);

test.each([
  { what: "AMF nested 9,000 deep", bytes: [hello(), message(20, nested)], code: "RTMP_COMMAND_MALFORMED" },
  {
    what: "an AMF string of 4 GiB",
    bytes: [hello(), message(20, Uint8Array.of(12, 255, 255, 255, 255))],
    code: "RTMP_COMMAND_MALFORMED",
  },
  {
    what: "a chunk size of zero",
    bytes: [hello(), message(1, new Uint8Array(4), 0, 2)],
    code: "RTMP_CHUNK_SIZE_INVALID",
  },
  {
    what: "a chunk size of 4 GiB",
    bytes: [hello(), message(1, new Uint8Array(4).fill(255), 0, 2)],
    code: "RTMP_CHUNK_SIZE_INVALID",
  },
  {
    what: "a message of 16 MiB from a stranger",
    bytes: [hello(), Uint8Array.of(3, 0, 0, 0, 255, 255, 255, 20, 0, 0, 0, 0)],
    code: "RTMP_MESSAGE_LIMIT",
  },
  { what: "a chunk that continues nothing", bytes: [hello(), Uint8Array.of(0xff)], code: "RTMP_CHUNK_HEADER_MISSING" },
  { what: "publish before connect", bytes: [hello(), command("publish", 1, null, "k")], code: "RTMP_CONNECT_EXPECTED" },
  {
    what: "a control message cut short",
    bytes: [hello(), message(3, Uint8Array.of(1), 0, 2)],
    code: "RTMP_CONTROL_MALFORMED",
  },
  {
    what: "a flood of commands",
    bytes: [hello(), connectCommand, ...Array.from({ length: 500 }, () => command("x", 5, null))],
    code: "RTMP_COMMAND_FLOOD",
  },
  { what: "garbage", bytes: [garbage(50_000)], code: "RTMP_VERSION_UNSUPPORTED" },
  { what: "HTTP", bytes: [Buffer.from("GET / HTTP/1.1\r\n\r\n")], code: "RTMP_VERSION_UNSUPPORTED" },
  { what: "a TLS hello", bytes: [Buffer.from("160301020001fc0303", "hex")], code: "RTMP_VERSION_UNSUPPORTED" },
])("$what ends that connection alone, and one line says $code", async ({ bytes, code }) => {
  const peer = new WirePeer(server.rtmpPort, ...bytes);
  await eventually(() => peer.isClosed, { what: "The end of the connection" });
  const lines = about(["rtmp.peer_refused", "rtmp.request_failed"]).filter(
    (line) => line.code !== "RTMP_HANDSHAKE_TIMEOUT",
  );
  expect(lines).toMatchObject([{ code, peer: "127.0.0.1", message: expect.stringMatching(/^Cannot /) }]);
});

test("garbage behind a handshake, a hundred times over, never hurts", async () => {
  const peers = Array.from(
    { length: 100 },
    () => new WirePeer(server.rtmpPort, hello(), new Uint8Array(randomBytes(2_000))),
  );
  for (const peer of peers) peer.socket.end();
  await eventually(() => peers.every(({ isClosed }) => isClosed), { timeoutMs: 15_000 });
  expect(about(["rtmp.request_failed"])).toEqual([]);
});

test("messages of 8 MiB that are promised by twenty publishers and never come cost little", async () => {
  const peers = await Promise.all(
    Array.from({ length: 20 }, (_, i) => RtmpPeer.open({ port: server.rtmpPort, name: `promise-${i}` })),
  );
  const before = process.memoryUsage().arrayBuffers;
  for (const peer of peers) peer.socket.write(Uint8Array.of(6, 0, 0, 0, 0x7f, 255, 255, 9, 1, 0, 0, 0, 1, 2, 3));
  await server.ask("GET", "/api/server");
  await eventually(async () => (await server.ask("GET", "/api/channels?live=1")).json.channels.length === 21);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(40 << 20);
  for (const peer of peers) peer.vanish();
});

/** A publisher that is let in, sends this, and leaves. */
async function publish(name: string, messages: readonly ClipMessage[]): Promise<void> {
  const publisher = await RtmpPeer.open({ port: server.rtmpPort, name });
  publisher.send(messages);
  publisher.leave();
  await eventually(() => publisher.isClosed);
  await eventually(() => server.log.some((line) => line.event === "broadcast.ended" && line.channel === name));
}

const video = (...bytes: number[]): ClipMessage => ({ messageType: 9, timestampMs: 0, body: Uint8Array.from(bytes) });
const TOLD = ["publisher.noticed", "publisher.message_refused", "rtmp.peer_refused"];

describe("an odd publisher is told of in one line, and hurts nobody", () => {
  test("truncated NAL units", async () => {
    const cut = clip.media.map((each) =>
      each.messageType === 9 ? { ...each, body: each.body.subarray(0, 15) } : each,
    );
    await publish("truncated", [...clip.headers, ...cut]);
    expect(about(TOLD)).toMatchObject([{ event: "publisher.message_refused", code: expect.any(String) }]);
  });

  test("messages of no bytes", async () => {
    const nothing = [8, 9].map((messageType) => ({
      messageType: messageType as 8 | 9,
      timestampMs: 5,
      body: new Uint8Array(),
    }));
    await publish("empty", [...nothing, ...clip.headers, ...nothing, ...clip.media, ...nothing]);
    expect(about(TOLD)).toEqual([]);
  });

  test("clocks that jump", async () => {
    const jumps = [0, 3_600_000, 1_000, 2 ** 31].flatMap((byMs) => shiftMessages(clip.media.slice(0, 60), byMs));
    await publish("jumping", [...clip.headers, ...jumps]);
    // Picture and sound of a piece end at different times, which silence evens out.
    const told = about(TOLD).filter(({ code }) => code !== "SILENCE_FILLED");
    expect(told).toMatchObject([{ code: "TIMESTAMPS_REBASED" }]);
  });

  test("B-frames", async () => {
    const reordered = await encodeClip({ seconds: 2, gop: 25, bFrames: 2 });
    await publish("b-frames", [...reordered.headers, ...reordered.media]);
    expect(about(TOLD)).toMatchObject([{ code: "REORDERING" }]);
  });

  test("another resolution", async () => {
    const small = await encodeClip({ seconds: 1, hasAudio: false });
    const large = await encodeClip({ seconds: 1, hasAudio: false, size: "320x180" });
    const second = shiftMessages([...large.headers, ...large.media], 1_000);
    await publish("resized", [...small.headers, ...small.media, ...second]);
    expect(about(TOLD)).toEqual([]);
    const sizes = about(["publisher.tracks_changed"]).map(({ width }) => width);
    expect([...new Set(sizes)]).toEqual([160, 320]);
  });

  test("sound alone", async () => {
    const sound = await encodeClip({ seconds: 1, hasVideo: false });
    await publish("audio-only", [...sound.headers, ...sound.media]);
    expect(about([...TOLD, "publisher.tracks_changed"])).toMatchObject([{ audio: "mp4a.40.2" }]);
  });

  test("a variable frame rate", async () => {
    const vfr = await encodeClip({
      seconds: 3,
      fps: 30,
      filter: "select='not(between(mod(n,30),10,22))'",
      encoderArgs: ["-fps_mode", "vfr"],
    });
    await publish("vfr", [...vfr.headers, ...vfr.media]);
    expect(about(TOLD)).toEqual([]);
  });

  test("pictures without a sequence header", async () => {
    await publish("headless", clip.media);
    expect(about(TOLD)).toMatchObject([{ code: "FRAME_BEFORE_CONFIG" }]);
  });

  test("a codec that nobody carries", async () => {
    await publish("sorenson", [video(0x12, 0, 0, 0), video(0x22, 0, 0, 0)]);
    expect(about(TOLD)).toMatchObject([{ code: "CODEC_UNSUPPORTED" }]);
  });

  test("bodies of chance", async () => {
    const noise = Array.from({ length: 2_000 }, (_, i): ClipMessage => {
      const body = new Uint8Array(randomBytes(1 + (i % 200)));
      return { messageType: i % 2 === 0 ? 8 : 9, timestampMs: i, body };
    });
    await publish("noise", [...clip.headers, ...noise, ...clip.media]);
    const refusals = about(["publisher.message_refused", "rtmp.request_failed", "broadcast.end_failed"]);
    expect(refusals).toHaveLength(1);
  });
});

test("handshakes that never end are ended after ten seconds, one line each, and so is a slow HTTP request", async () => {
  await eventually(() => slowPeers.every(({ isClosed }) => isClosed), {
    timeoutMs: 18_000,
    what: "Every slow peer was cut",
  });
  const lines = server.events("rtmp.peer_refused").filter(({ code }) => code === "RTMP_HANDSHAKE_TIMEOUT");
  expect(lines).toHaveLength(HALF_OPEN + 1);
});
