import { eventually, withTempDir } from "@kagami/testkit";
import { expect, test } from "vitest";
import { configSchema } from "../src/config.ts";
import { encodeClip, OPERATOR_TOKEN, RtmpPeer, startTestServer, type TestServer, WsViewer } from "./support/index.ts";

const operator = { token: OPERATOR_TOKEN };

async function withServer(
  use: (server: TestServer) => Promise<void>,
  changes: Parameters<typeof startTestServer>[1] = {},
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

test("the operator creates channels, rotates their keys, lists private ones and deletes them", async () => {
  await withServer(async (server) => {
    const body = { name: "alice", title: "Alice plays", isPrivate: true };
    const made = await server.ask("POST", "/api/channels", { ...operator, body });
    expect(made).toMatchObject({ status: 201, json: { name: "alice", key: expect.stringMatching(/^sk_/) } });
    const again = await server.ask("POST", "/api/channels", { ...operator, body });
    expect(again).toMatchObject({ status: 409, json: { error: { code: "CHANNEL_EXISTS" } } });

    expect((await server.ask("GET", "/api/channels")).json.channels).toEqual([]);
    const all = await server.ask("GET", "/api/channels?all=1", operator);
    expect(all.json.channels).toMatchObject([{ name: "alice", title: "Alice plays", isPrivate: true, isLive: false }]);

    const rotated = await server.ask("POST", "/api/channels/alice/key", operator);
    const oldKey = await server.ask("GET", "/api/studio", { token: made.json.key });
    expect(oldKey).toMatchObject({ status: 401, json: { error: { code: "KEY_UNKNOWN" } } });
    expect(await server.ask("GET", "/api/studio", { token: rotated.json.key })).toMatchObject({ status: 200 });

    const waiting = await WsViewer.open(`${server.ws}/live/alice/ws?token=none`);
    expect(await waiting.closed()).toBe(1008);
    expect(await server.ask("DELETE", "/api/channels/alice", operator)).toMatchObject({ status: 204 });
    const gone = await server.ask("GET", "/api/channels/alice");
    expect(gone).toMatchObject({ status: 404, json: { error: { code: "CHANNEL_NOT_FOUND" } } });
    expect(await server.ask("DELETE", "/api/channels/alice", operator)).toMatchObject({ status: 404 });
    expect(await server.ask("POST", "/api/channels/alice/key", operator)).toMatchObject({ status: 404 });
  });
});

test.each([
  { method: "POST", path: "/api/channels", body: { name: "a" } },
  { method: "POST", path: "/api/channels/a/key" },
  { method: "DELETE", path: "/api/channels/a" },
  { method: "GET", path: "/api/channels?all=1" },
])("$method $path is for the operator alone", async ({ method, path, body }) => {
  await withServer(async (server) => {
    for (const token of [undefined, "wrong", "sk_0000"]) {
      const answer = await server.ask(method, path, { token, ...(body && { body }) });
      expect(answer).toMatchObject({ status: 401, json: { error: { code: "OPERATOR_ONLY" } } });
    }
  });
});

test("names, titles and bodies that are not as documented are refused with 400", async () => {
  await withServer(async (server) => {
    const bad = [
      { name: "-a" },
      { name: "a/b" },
      { name: "" },
      { name: "a".repeat(65) },
      { name: "a", title: "" },
      { name: "a", title: "t".repeat(121) },
      { name: "a", unknown: 1 },
      { title: "no name" },
      [],
    ];
    for (const body of bad) {
      const answer = await server.ask("POST", "/api/channels", { ...operator, body });
      expect(answer.status, JSON.stringify(body)).toBe(400);
      expect(answer.json.error.message).not.toBe("");
    }
    const nothing = await server.ask("GET", "/api/nothing");
    expect(nothing.status).toBe(404);
    expect((await server.ask("PUT", "/api/channels")).status).toBe(405);
  });
});

test("the channel limit is told as a conflict", async () => {
  await withServer(
    async (server) => {
      await server.createChannel("one");
      const answer = await server.ask("POST", "/api/channels", { ...operator, body: { name: "two" } });
      expect(answer).toMatchObject({ status: 409, json: { error: { code: "CHANNEL_LIMIT" } } });
    },
    { channelLimit: 1 },
  );
});

test("the studio shows, changes, measures and stops a broadcast", async () => {
  const clip = await encodeClip({ seconds: 2 });
  await withServer(async (server) => {
    const token = await server.createChannel("alice");
    await server.createChannel("zoe");
    const port = server.rtmpPort;

    const idle = await server.ask("GET", "/api/studio", { token });
    expect(idle.json).toEqual({
      name: "alice",
      title: "alice",
      isLive: false,
      isInterrupted: false,
      isPrivate: false,
      startedAtMs: null,
      viewerCount: 0,
      video: null,
      audio: null,
      playback: { ws: "/live/alice/ws", hls: "/live/alice/index.m3u8", flv: "/live/alice.flv" },
      rtmpUrl: `rtmp://127.0.0.1:${port}/live`,
      rtmpsUrl: null,
      watchPath: "/watch/alice",
    });
    const idleHealth = (await server.ask("GET", "/api/studio/health", { token })).json;
    expect(idleHealth).toMatchObject({
      isLive: false,
      video: null,
      audio: null,
      uptimeMs: 0,
      history: [],
      warnings: [],
    });

    const publisher = await RtmpPeer.open({ port, name: token });
    publisher.session.sendMetadata({ encoder: "Test 1.0" });
    publisher.sendClip(clip);
    const live = await eventually(async () => {
      const { json } = await server.ask("GET", "/api/channels/alice");
      return json.video && json.audio ? json : undefined;
    });
    expect(live).toMatchObject({
      isLive: true,
      video: { codec: "h264", codecString: expect.stringMatching(/^avc1\./), width: 160, height: 90 },
      audio: { codec: "aac", codecString: "mp4a.40.2", sampleRate: 48_000, channelCount: 2 },
      startedAtMs: expect.any(Number),
    });
    const listed = (await server.ask("GET", "/api/channels")).json.channels;
    expect(listed.map(({ name }: { name: string }) => name)).toEqual(["alice", "zoe"]);
    const onlyLive = (await server.ask("GET", "/api/channels?live=1")).json.channels;
    expect(onlyLive.map(({ name }: { name: string }) => name)).toEqual(["alice"]);

    const viewer = await WsViewer.open(`${server.ws}/live/alice/ws`);
    const health = (await server.ask("GET", "/api/studio/health", { token })).json;
    expect(health).toMatchObject({
      isLive: true,
      isInterrupted: false,
      encoder: "Test 1.0",
      video: { codec: "h264", width: 160, height: 90, hasReordering: false },
      audio: { codec: "aac", sampleRate: 48_000, channelCount: 2 },
      viewerCount: 1,
      viewersByProtocol: { ws: 1, hls: 0, flv: 0, rtmp: 0 },
      droppedFrameCount: 0,
      reconnectCount: 0,
    });
    expect(health.video.gopMs).toBeCloseTo(1_000, -1);

    const changed = await server.ask("PATCH", "/api/studio", { token, body: { title: "New title" } });
    expect(changed.json).toMatchObject({ title: "New title", isPrivate: false, watchPath: "/watch/alice" });
    expect((await server.ask("PATCH", "/api/studio", { token, body: { name: "x" } })).status).toBe(400);

    const rotated = await server.ask("POST", "/api/studio/key", { token });
    expect(rotated.json.key).toMatch(/^sk_/);
    expect(publisher.isClosed, "a publisher that is connected stays").toBe(false);
    await expect(RtmpPeer.open({ port, name: token })).rejects.toThrow(/BadName|not known/);

    const newKey = { token: rotated.json.key as string };
    expect((await server.ask("DELETE", "/api/studio/publisher", newKey)).status).toBe(204);
    await eventually(() => publisher.isClosed, { what: "The publisher's connection ended" });
    expect(await viewer.closed()).toBe(1000);
    expect(viewer.state).toBe("ended");
    expect((await server.ask("GET", "/api/channels/alice")).json.isLive).toBe(false);
    for (const secret of [token, rotated.json.key as string, OPERATOR_TOKEN]) {
      expect(JSON.stringify(server.log), "no log line holds a key or token").not.toContain(secret);
    }
  });
});

test.each([
  "GET /api/studio",
  "GET /api/studio/health",
  "PATCH /api/studio",
  "POST /api/studio/key",
  "POST /api/studio/play-tokens",
  "DELETE /api/studio/publisher",
])("%s needs a stream key", async (line) => {
  const [method = "", path = ""] = line.split(" ");
  await withServer(async (server) => {
    for (const token of [undefined, "", "sk_wrong", OPERATOR_TOKEN]) {
      const answer = await server.ask(method, path, { token, ...(method !== "GET" && { body: {} }) });
      expect(answer).toMatchObject({ status: 401, json: { error: { code: "KEY_UNKNOWN" } } });
    }
  });
});

test("in open-publish mode a key is its channel's name, which no API call can rotate", async () => {
  const clip = await encodeClip({ seconds: 2 });
  await withServer(
    async (server) => {
      const about = (await server.ask("GET", "/api/server")).json;
      expect(about).toEqual({
        version: expect.any(String),
        rtmpUrl: `rtmp://127.0.0.1:${server.rtmpPort}/live`,
        rtmpsUrl: null,
        isOpenPublish: true,
      });
      const publisher = await RtmpPeer.open({ port: server.rtmpPort, name: "game" });
      publisher.sendClip(clip);
      await eventually(async () => (await server.ask("GET", "/api/channels?live=1")).json.channels.length === 1);
      const rotated = await server.ask("POST", "/api/studio/key", { token: "game" });
      expect(rotated).toMatchObject({ status: 409, json: { error: { code: "OPEN_PUBLISH" } } });
      await expect(RtmpPeer.open({ port: server.rtmpPort, name: "../etc" })).rejects.toThrow();
    },
    { openPublish: true },
  );
});

test.each(["listen", "rtmp", "rtmps"] as const)(
  "open publishing is refused when %s is not the loopback",
  async (name) => {
    await withTempDir(async (dir) => {
      const start = startTestServer(dir, { openPublish: true, [name]: "0.0.0.0:0" });
      await expect(start).rejects.toMatchObject({
        code: "CONFIG_UNSAFE",
        message: expect.stringMatching(/0\.0\.0\.0:0/),
      });
    });
    expect(configSchema.parse({}).openPublish).toBe(false);
  },
);

test("channels, their keys and the operator's token outlive a restart, and the key is nowhere on disk", async () => {
  await withTempDir(async (dir) => {
    const first = await startTestServer(dir, { operatorToken: "" });
    expect(first.server.newOperatorToken).toMatch(/^.{20,}$/);
    await first.server.store.create({ name: "alice", title: "Alice", isPrivate: false }).then(async (key) => {
      await first.close();
      const second = await startTestServer(dir, { operatorToken: "" });
      expect(second.server.newOperatorToken).toBeUndefined();
      expect((await second.ask("GET", "/api/studio", { token: key })).json).toMatchObject({ title: "Alice" });
      const all = { token: first.server.newOperatorToken };
      expect((await second.ask("GET", "/api/channels?all=1", all)).status).toBe(200);
      const { readFile } = await import("node:fs/promises");
      expect(await readFile(`${dir}/live/channels.json`, "utf8")).not.toContain(key.slice(3));
      await second.close();
    });
  });
});
