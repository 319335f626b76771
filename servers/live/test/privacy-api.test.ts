import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { eventually, withTempDir } from "@kagami/testkit";
import { expect, test } from "vitest";
import { encodeClip, FakeFilterHost, RtmpPeer, startTestServer, type TestServer } from "./support/index.ts";

const PATH = "/api/studio/privacy";
const game = { token: "game" };
const DEFAULTS = { isEnabled: false, mode: "selective", style: "any", strength: 2, onFailure: "cover", zones: [] };
const ZONE = { x: 0.1, y: 0, width: 0.5, height: 0.2 };

async function withServer(
  use: (server: TestServer, host: FakeFilterHost) => Promise<void>,
  changes: Parameters<typeof startTestServer>[1] = {},
): Promise<void> {
  await withTempDir(async (dir) => {
    const filterHost = new FakeFilterHost();
    const server = await startTestServer(dir, { openPublish: true, ...changes }, { filterHost });
    try {
      await use(server, filterHost);
    } finally {
      await server.close();
    }
    expect(filterHost.isClosed).toBe(true);
  });
}

test("a channel's filter is off at first, and its settings change one by one", async () => {
  await withServer(async (server) => {
    const first = await server.ask("GET", PATH, game);
    expect(first.json).toEqual({
      isAvailable: true,
      unavailableReason: null,
      settings: DEFAULTS,
      status: {
        state: "off",
        isEncoding: false,
        regions: [],
        bannerCount: 0,
        lastHiddenAtMs: null,
        restartCount: 0,
        cpuPercent: null,
        addedLatencyMs: null,
        message: null,
      },
    });
    const on = await server.ask("PATCH", PATH, { ...game, body: { isEnabled: true, zones: [ZONE] } });
    expect(on.json).toMatchObject({
      settings: { ...DEFAULTS, isEnabled: true, zones: [ZONE] },
      status: { state: "waiting" },
    });
    const more = await server.ask("PATCH", PATH, { ...game, body: { strength: 3, onFailure: "pause" } });
    expect(more.json.settings).toEqual({
      ...DEFAULTS,
      isEnabled: true,
      zones: [ZONE],
      strength: 3,
      onFailure: "pause",
    });
    expect((await server.ask("GET", PATH, { token: "other" })).json.settings).toEqual(DEFAULTS);
  });
});

test.each([
  { body: { strength: 4 }, says: "strength", why: "a strength there is not" },
  { body: { mode: "sometimes" }, says: "mode", why: "a mode there is not" },
  { body: { style: "windows" }, says: "style", why: "a style there is not" },
  { body: { onFailure: "ignore" }, says: "onFailure", why: "a policy there is not" },
  { body: { zones: Array(9).fill(ZONE) }, says: "zones", why: "more than eight zones" },
  { body: { zones: [{ ...ZONE, width: 0 }] }, says: "zones.0.width", why: "a zone without a width" },
  { body: { zones: [{ ...ZONE, x: 0.6 }] }, says: "x + width", why: "a zone that leaves the picture" },
  { body: { zones: [{ ...ZONE, y: -0.1 }] }, says: "zones.0.y", why: "a zone above the picture" },
  { body: { zones: [{ x: 0, y: 0 }] }, says: "zones.0.width", why: "half a zone" },
  { body: { isOn: true }, says: "isOn", why: "a setting there is not" },
  { body: [], says: "object", why: "no object" },
])("settings are refused and named: $why", async ({ body, says }) => {
  await withServer(async (server) => {
    const answer = await server.ask("PATCH", PATH, { ...game, body });
    expect(answer).toMatchObject({ status: 400, json: { error: { code: "PRIVACY_SETTINGS_INVALID" } } });
    expect(answer.json.error.message).toContain(says);
    expect((await server.ask("GET", PATH, game)).json.settings).toEqual(DEFAULTS);
  });
});

test("a body that is no JSON is refused", async () => {
  await withServer(async (server) => {
    const headers = { authorization: "Bearer game" };
    const response = await fetch(`${server.http}${PATH}`, { method: "PATCH", headers, body: "{" });
    expect([response.status, ((await response.json()) as { error: { code: string } }).error.code]).toEqual([
      400,
      "PRIVACY_SETTINGS_INVALID",
    ]);
  });
});

test.each(["GET", "PATCH"])("%s needs a stream key", async (method) => {
  await withServer(
    async (server) => {
      const answer = await server.ask(method, PATH, { token: "sk_wrong", ...(method === "PATCH" && { body: {} }) });
      expect(answer).toMatchObject({ status: 401, json: { error: { code: "KEY_UNKNOWN" } } });
    },
    { openPublish: false },
  );
});

test("where the filter cannot run it cannot be switched on, and everything else can be set", async () => {
  await withServer(async (server, host) => {
    host.unavailableReason = "node-av is not installed; run npm install node-av";
    const answer = await server.ask("PATCH", PATH, { ...game, body: { isEnabled: true } });
    expect(answer).toMatchObject({ status: 409, json: { error: { code: "PRIVACY_UNAVAILABLE" } } });
    expect(answer.json.error.message).toContain("npm install node-av");
    const other = await server.ask("PATCH", PATH, { ...game, body: { strength: 1 } });
    expect(other.json).toMatchObject({ isAvailable: false, settings: { isEnabled: false, strength: 1 } });
  });
});

test("settings of a channel with a key outlive a restart, and a state file from before they existed is read", async () => {
  await withTempDir(async (dir) => {
    const start = () => startTestServer(dir, {}, { filterHost: new FakeFilterHost() });
    const first = await start();
    const token = await first.createChannel("alice");
    await first.ask("PATCH", PATH, { token, body: { isEnabled: true, style: "ios" } });
    await first.close();
    const second = await start();
    expect((await second.ask("GET", PATH, { token })).json.settings).toMatchObject({ isEnabled: true, style: "ios" });
    await second.close();

    const path = join(dir, "live", "channels.json");
    const state = JSON.parse(await readFile(path, "utf8"));
    expect(state.version).toBe(2);
    state.version = 1;
    for (const channel of state.channels) delete channel.privacy;
    await writeFile(path, JSON.stringify(state));
    const third = await start();
    expect((await third.ask("GET", PATH, { token })).json.settings).toEqual(DEFAULTS);
    await third.ask("PATCH", PATH, { token, body: { mode: "always" } });
    await third.close();
    expect(JSON.parse(await readFile(path, "utf8"))).toMatchObject({
      version: 2,
      channels: [{ name: "alice", privacy: { mode: "always" } }],
    });
  });
});

test("what happens upon failure is the server's default until a channel says otherwise", async () => {
  await withServer(
    async (server) => expect((await server.ask("GET", PATH, game)).json.settings.onFailure).toBe("pause"),
    { privacyOnFailure: "pause" },
  );
});

test("an open channel keeps its settings when its broadcast is over, so that the next one is protected as well", async () => {
  const clip = await encodeClip({ seconds: 2, gop: 10 });
  await withServer(
    async (server, host) => {
      await server.ask("PATCH", PATH, { ...game, body: { isEnabled: true } });
      for (const streamCount of [1, 2]) {
        const publisher = await RtmpPeer.open({ port: server.rtmpPort, name: "game" });
        publisher.sendClip(clip);
        await eventually(() => host.streams.length === streamCount);
        publisher.leave();
        await eventually(async () => !(await server.ask("GET", "/api/studio", game)).json.isLive);
      }
    },
    { graceMs: 0 },
  );
});

test("a preview is the next picture of a live, protected channel", async () => {
  const clip = await encodeClip({ seconds: 2, gop: 10 });
  await withServer(async (server, host) => {
    const path = `${PATH}/preview.jpg`;
    expect(await server.ask("GET", path, game)).toMatchObject({ status: 409, json: { error: { code: "NOT_LIVE" } } });
    const publisher = await RtmpPeer.open({ port: server.rtmpPort, name: "game" });
    publisher.loopClip(clip);
    expect(await server.ask("GET", path, game)).toMatchObject({
      status: 409,
      json: { error: { code: "PRIVACY_OFF" } },
    });
    await server.ask("PATCH", PATH, { ...game, body: { isEnabled: true } });
    await eventually(() => host.streams.length === 1 && host.stream.pictureCount > 0);
    for (const test of [0, 1]) {
      const response = await fetch(`${server.http}${path}?test=${test}`, { headers: { authorization: "Bearer game" } });
      expect([response.status, response.headers.get("content-type"), response.headers.get("cache-control")]).toEqual([
        200,
        "image/jpeg",
        "no-store",
      ]);
      expect(response.headers.get("x-kagami-detection")).toBe(test === 1 ? "banner" : "clear");
      expect([...new Uint8Array(await response.arrayBuffer())]).toEqual([0xff, 0xd8, test]);
    }
    host.isPreviewing = false;
    const many = await Promise.all(Array.from({ length: 9 }, () => server.ask("GET", path, game)));
    expect(many.map(({ json }) => json.error.code)).toEqual(Array(9).fill("PREVIEW_LATE"));
    publisher.leave();
  });
});
