import { createRequire } from "node:module";
import { eventually, withTempDir } from "@kagami/testkit";
import HLS from "hls-parser";
import { expect, test } from "vitest";
import { applyDelta, checkPlaylist, type ParsedPlaylist, parseMediaPlaylist } from "../src/protocol/hls/index.ts";
import { encodeClip, RtmpPeer, startTestServer } from "./support/index.ts";

/** Times faster than it was made; a minute of stream then takes ten seconds. */
const SPEED = 6;

test("a minute of playlists, as a low-latency client and two other parsers read them, breaks no rule", async () => {
  const [clip, larger] = await Promise.all([
    encodeClip({ seconds: 2, gop: 25 }),
    encodeClip({ seconds: 2, gop: 25, size: "320x180" }),
  ]);
  await withTempDir(async (dir) => {
    const server = await startTestServer(dir, { openPublish: true, graceMs: 60_000 });
    const base = `${server.http}/live/game/index.m3u8`;
    // It has no types.
    const { Parser } = createRequire(import.meta.url)("m3u8-parser");
    // Not strict: it wants no parts before the last three segments, the specification three Target Durations.
    HLS.setOptions({ strictMode: false, silent: true });
    const load = async (query: string): Promise<ParsedPlaylist> => {
      const text = await (await fetch(`${base}${query}`)).text();
      const parser = new Parser();
      parser.push(text);
      parser.end();
      expect(HLS.parse(text).isMasterPlaylist).toBe(false);
      const playlist = parseMediaPlaylist(text);
      expect(parser.manifest.segments.length).toBeGreaterThanOrEqual(playlist.segments.length);
      expect(parser.manifest.mediaSequence).toBe(playlist.mediaSequence);
      return playlist;
    };

    let publisher = await RtmpPeer.open({ port: server.rtmpPort, name: "game" });
    publisher.loopClip(clip, SPEED);
    let held = await load("");
    const broken = new Set<string>();
    let reloadCount = 0;
    let discontinuityCount = 0;
    const followUntil = async (mediaMs: number) => {
      while (publisher.sentMs < mediaMs) {
        const msn = held.mediaSequence + held.segments.length;
        const delta = reloadCount % 2 === 1 ? "&_HLS_skip=YES" : "";
        const answer = await load(`?_HLS_msn=${msn}&_HLS_part=${held.open.parts.length}${delta}`);
        const now = applyDelta(held, answer);
        if (!now) throw new Error("A delta does not fit the playlist that the client holds");
        for (const what of checkPlaylist(now, held)) broken.add(what);
        held = now;
        reloadCount++;
        discontinuityCount = Math.max(discontinuityCount, held.segments.filter((s) => s.hasDiscontinuity).length);
      }
    };
    await followUntil(24_000);
    publisher.vanish();
    await eventually(async () => (await server.ask("GET", "/api/channels/game")).json.isInterrupted);
    publisher = await RtmpPeer.open({ port: server.rtmpPort, name: "game" });
    publisher.loopClip(larger, SPEED);
    await followUntil(36_000);
    expect([...broken]).toEqual([]);
    expect(reloadCount).toBeGreaterThan(100);
    expect(discontinuityCount).toBeGreaterThan(0);
    await server.ask("DELETE", "/api/studio/publisher", { token: "game" });
    const ended = await load("");
    expect(checkPlaylist(ended, held)).toEqual([]);
    expect(ended.isEnded).toBe(true);
    await server.close();
  });
});
