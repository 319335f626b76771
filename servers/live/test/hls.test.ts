import { eventually, withTempDir } from "@kagami/testkit";
import { expect, test } from "vitest";
import { checkPlaylist, type ParsedPlaylist, parseMediaPlaylist } from "../src/protocol/hls/index.ts";
import { decode, encodeClip, probe, RtmpPeer, startTestServer } from "./support/index.ts";

test("LL-HLS over the wire: reloads and hinted parts wait, deltas fit, everything listed can be had, ffmpeg plays it", async () => {
  const clip = await encodeClip({ seconds: 2, gop: 25 });
  await withTempDir(async (dir) => {
    const server = await startTestServer(dir, { openPublish: true });
    const publisher = await RtmpPeer.open({ port: server.rtmpPort, name: "game" });
    publisher.loopClip(clip, 2);
    const base = `${server.http}/live/game`;
    const load = async (query = ""): Promise<ParsedPlaylist> => {
      const response = await fetch(`${base}/index.m3u8${query}`);
      expect(response.status, query).toBe(200);
      expect(response.headers.get("content-type")).toBe("application/vnd.apple.mpegurl");
      expect(response.headers.get("access-control-allow-origin")).toBe("*");
      return parseMediaPlaylist(await response.text());
    };

    let before = await load();
    expect(checkPlaylist(before)).toEqual([]);
    for (let i = 0; i < 8; i++) {
      const msn = before.mediaSequence + before.segments.length;
      const startedAtMs = performance.now();
      const now = await load(`?_HLS_msn=${msn}&_HLS_part=${before.open.parts.length}`);
      expect(performance.now() - startedAtMs, "answered when it came, not at a time-out").toBeLessThan(2_500);
      expect(checkPlaylist(now, before)).toEqual([]);
      const nowLast = now.mediaSequence + now.segments.length;
      expect(nowLast > msn || now.open.parts.length > before.open.parts.length).toBe(true);
      before = now;
    }

    const hint = before.hintUris[0] ?? "";
    const part = await fetch(`${base}/${hint}`);
    expect(part.status).toBe(200);
    const bytes = new Uint8Array(await part.arrayBuffer());
    expect(Number(part.headers.get("content-length"))).toBe(bytes.length);
    expect(part.headers.get("cache-control")).toContain("immutable");
    expect(String.fromCharCode(...bytes.subarray(4, 8))).toBe("moof");
    const after = await load();
    const listed = [...after.segments, after.open].flatMap(({ parts }) => parts.map(({ uri }) => uri));
    expect(listed, "the hinted part became a part").toContain(hint);

    for (const [path, status] of [
      ["index.m3u8?_HLS_part=1", 400],
      ["index.m3u8?_HLS_msn=99999", 400],
      ["index.m3u8?_HLS_msn=x", 400],
      ["seg-99999.m4s", 404],
      ["seg-x.m4s", 404],
      ["init-99.mp4", 404],
      ["part-0.99999.m4s", 404],
    ] as const) {
      expect((await fetch(`${base}/${path}`)).status, path).toBe(status);
    }

    const skip = await load("?_HLS_skip=YES");
    expect(skip.skips.length).toBeLessThanOrEqual(1);
    const master = await (await fetch(`${base}/master.m3u8`)).text();
    expect(master).toMatch(/CODECS="avc1\.[0-9a-f]{6},mp4a\.40\.2"/);
    expect(master).toMatch(/RESOLUTION=160x90/);

    const health = (await server.ask("GET", "/api/studio/health", { token: "game" })).json;
    expect(health.viewersByProtocol.hls).toBe(1);

    const { frames, complaints } = await decode(`${base}/index.m3u8`, { stream: "v", seconds: 1 });
    expect(frames.length).toBeGreaterThan(15);
    expect(complaints).not.toMatch(/error|invalid|non-existing/i);
    expect(await probe(`${base}/index.m3u8`, "stream=codec_name")).toMatch(/h264\s+aac/);

    const waiting = load(`?_HLS_msn=${(await load()).mediaSequence + (await load()).segments.length + 1}`);
    publisher.leave();
    await server.ask("DELETE", "/api/studio/publisher", { token: "game" });
    expect((await waiting).isEnded, "who waits when the broadcast ends is told").toBe(true);
    const ended = await load();
    expect(checkPlaylist(ended)).toEqual([]);
    await eventually(async () => (await server.ask("GET", "/api/channels/game")).json.isLive === false);
    await server.close();
  });
});
