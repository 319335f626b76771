import { createRequire } from "node:module";
import fc from "fast-check";
import HLS from "hls-parser";
import { describe, expect, test } from "vitest";
import { HlsWindow } from "./index.ts";
import { type StreamShape, simulateStream } from "./simulated-stream.ts";
import type { HlsLimits } from "./timing.ts";
import { choosePartTargetUs } from "./timing.ts";

const WALL_MS = 1_764_000_000_000;
const INIT = new Uint8Array([1, 2, 3]);

function feed(window: HlsWindow, shape: Partial<StreamShape> & { seconds: number }, startUs = 0): void {
  for (const fragment of simulateStream({ seed: 1, fps: 30, gopS: 2, ...shape }, startUs)) {
    window.append(fragment, WALL_MS + fragment.dtsUs / 1_000);
  }
}

function live(seconds: number, limits: Partial<HlsLimits> = {}, shape: Partial<StreamShape> = {}): HlsWindow {
  const window = new HlsWindow(limits);
  window.setInit(1, INIT, { hasVideo: true, hasAudio: true });
  feed(window, { ...shape, seconds });
  return window;
}

function textOf(window: HlsWindow, token?: string): string {
  const answer = window.playlist(token === undefined ? {} : { token });
  if (answer.kind !== "ready") throw new Error(answer.kind);
  return answer.text;
}

describe("the first playlist", () => {
  test.each([
    { gopS: 1, atMost: 1.1, targetS: 2, why: "after the first GOP" },
    { gopS: 2, atMost: 2.1, targetS: 2, why: "after the first GOP" },
    { gopS: 2.3, atMost: 2.4, targetS: 3, why: "the Target Duration is rounded up from the GOP" },
    { gopS: 12, atMost: 2.5, targetS: 6, why: "a long GOP is not waited for" },
  ])("comes within $atMost s for a GOP of $gopS s: $why", ({ gopS, atMost, targetS }) => {
    const window = new HlsWindow();
    expect(window.playlist()).toEqual({ kind: "wait", until: { msn: 0 } });
    window.setInit(1, INIT, { hasVideo: true, hasAudio: true });
    feed(window, { seconds: 0.9, gopS });
    expect(window.isAvailable).toBe(false);
    feed(window, { seconds: atMost - 0.9, gopS: 99 }, 900_000);
    const steady = live(atMost, {}, { gopS });
    expect(steady.isAvailable).toBe(true);
    expect(textOf(steady)).toContain(`#EXT-X-TARGETDURATION:${targetS}\n`);
  });

  test("never comes if the stream ends before it has a frame", () => {
    const window = new HlsWindow();
    window.setInit(1, INIT, { hasVideo: true, hasAudio: true });
    window.end();
    expect(window.playlist()).toEqual({ kind: "gone" });
  });

  test("is not spoilt by an audio codec that comes a moment after the video codec", () => {
    const window = new HlsWindow();
    window.setInit(1, INIT, { hasVideo: true, hasAudio: false });
    feed(window, { seconds: 0.2, hasAudio: false });
    window.setInit(2, INIT, { hasVideo: true, hasAudio: true });
    expect([window.droppedFragmentCount, window.byteCount]).toEqual([6, 3]);
    feed(window, { seconds: 4.5 }, 200_000);
    expect(textOf(window)).toContain("#EXT-X-TARGETDURATION:2\n");
    expect(textOf(window)).not.toContain("DISCONTINUITY\n");
    expect(textOf(window).match(/#EXTINF.*/g)).toEqual(["#EXTINF:2,", "#EXTINF:2,"]);
  });

  test("comes with what there is if the stream ends early", () => {
    const window = live(0.5);
    window.end();
    expect(textOf(window)).toContain("#EXTINF:0.5,\nseg-0.m4s\n#EXT-X-ENDLIST");
  });
});

describe("what does not start with a key frame", () => {
  test("is dropped until one comes", () => {
    const window = new HlsWindow();
    window.setInit(1, INIT, { hasVideo: true, hasAudio: false });
    const frame = { bytes: INIT, kind: "video", dtsUs: 0, durationUs: 40_000, isKey: false } as const;
    window.append(frame, WALL_MS);
    expect([window.droppedFragmentCount, window.byteCount]).toEqual([1, 3]);
    window.append({ ...frame, dtsUs: 40_000, isKey: true }, WALL_MS);
    expect([window.droppedFragmentCount, window.byteCount]).toEqual([1, 6]);
  });

  test("goes through as sound alone after a second without any picture", () => {
    const window = new HlsWindow();
    window.setInit(1, INIT, { hasVideo: true, hasAudio: true });
    for (const fragment of simulateStream({ seed: 1, seconds: 8 })) window.append(fragment, WALL_MS);
    expect(window.isAvailable).toBe(true);
    expect(window.droppedFragmentCount).toBe(47);
  });

  test("needs an initialization segment first", () => {
    const fragment = { bytes: INIT, kind: "audio", dtsUs: 0, durationUs: 1, isKey: true } as const;
    expect(() => new HlsWindow().append(fragment, 0)).toThrow("call setInit first");
  });
});

describe("blocking playlist reload (§6.2.5.2)", () => {
  // Segments 0 to 3 are complete, segment 4 has 4 parts.
  const window = live(8.9);

  test.each([
    { query: {}, kind: "ready", why: "no directive" },
    { query: { msn: 3 }, kind: "ready", why: "complete" },
    { query: { msn: 0, part: 0 }, kind: "ready", why: "long ago" },
    { query: { msn: 4 }, kind: "wait", why: "not complete" },
    { query: { msn: 4, part: 3 }, kind: "ready", why: "the last part there is" },
    { query: { msn: 4, part: 4 }, kind: "wait", why: "the next part" },
    { query: { msn: 3, part: 10 }, kind: "ready", why: "beyond the last part of 3 is part 0 of 4" },
    { query: { msn: 5 }, kind: "wait", why: "two ahead of the last complete one" },
    { query: { msn: 6 }, kind: "bad-request", why: "three ahead" },
    { query: { msn: 4, part: 18 }, kind: "wait", why: "the Advance Part Limit is 3 s of parts: 15" },
    { query: { msn: 4, part: 19 }, kind: "bad-request", why: "one more" },
    { query: { part: 0 }, kind: "bad-request", why: "a part of what?" },
  ])("$query is $kind: $why", ({ query, kind }) => {
    expect(window.playlist(query).kind).toBe(kind);
    if ("msn" in query && query.msn !== undefined) expect(window.isReady(query.msn, query.part)).toBe(kind !== "wait");
  });

  test("before there is a playlist only the near future is waited for", () => {
    const early = live(0.5);
    expect(early.playlist({ msn: 1 }).kind).toBe("wait");
    expect(early.playlist({ msn: 500 }).kind).toBe("bad-request");
    expect(early.part(0, 0).kind).toBe("gone");
  });

  test("an ended playlist ignores every directive", () => {
    const ended = live(30);
    ended.end();
    for (const query of [{ msn: 999 }, { part: 1 }, { msn: 1, part: 0 }, { skip: true }]) {
      expect(ended.playlist(query)).toEqual(ended.playlist());
    }
    expect(ended.part(999, 0).kind).toBe("gone");
  });

  test("whoever waits is served by the next rise of the version, and never sooner", () => {
    const growing = live(4.1);
    let last = growing.playlist({ msn: 2, part: 3 });
    let version = growing.version;
    for (const fragment of simulateStream({ seed: 1, seconds: 2, fps: 30, gopS: 9 }, 4_133_333)) {
      growing.append({ ...fragment, isKey: fragment.kind === "audio" }, WALL_MS);
      const now = growing.playlist({ msn: 2, part: 3 });
      if (now.kind !== last.kind) expect(growing.version).toBeGreaterThan(version);
      last = now;
      version = growing.version;
    }
    expect(last.kind).toBe("ready");
  });
});

describe("preload hints (§6.2.6)", () => {
  test("the hinted part waits, then comes; others are not found", () => {
    const window = live(8.9);
    expect(textOf(window)).toContain('URI="part-4.4.m4s"');
    expect(window.part(4, 4).kind).toBe("wait");
    expect(window.part(4, 5).kind).toBe("gone");
    expect(window.part(5, 0).kind).toBe("gone");
    feed(window, { seconds: 0.3, gopS: 9 }, 8_900_000);
    expect(window.part(4, 4).kind).not.toBe("wait");
  });

  test("when a key frame is due the first part of the next segment is hinted", () => {
    // 10 parts of 6 frames are published with the 60th frame; the key frame is the 61st.
    const window = live(3.99);
    expect(textOf(window)).toContain('#EXT-X-PRELOAD-HINT:TYPE=PART,URI="part-2.0.m4s"');
    expect([window.part(2, 0).kind, window.part(1, 10).kind]).toEqual(["wait", "wait"]);
    feed(window, { seconds: 0.3 }, 4_000_000);
    expect([window.part(2, 0).kind, window.part(1, 10).kind]).toEqual(["ready", "gone"]);
  });
});

describe("limits", () => {
  test("the window is bounded by count, and old segments go in the end", () => {
    const window = live(120);
    const msns = [...textOf(window).matchAll(/^seg-(\d+)/gm)].map(([, msn]) => Number(msn));
    expect(msns).toHaveLength(7);
    expect(window.segment(msns[0]! - 2).kind).toBe("ready");
    expect(window.segment(0).kind).toBe("gone");
    expect(window.segmentCount).toBeLessThan(20);
  });

  test("bytes are bounded, if need be at the cost of the playlist", () => {
    const window = live(60, { maxBytes: 15_000 });
    const full = live(60);
    expect(full.byteCount).toBeGreaterThan(40_000);
    expect(window.byteCount).toBeLessThanOrEqual(15_000 + 6_000);
    expect(textOf(window).match(/^seg-/gm)?.length).toBeLessThan(7);
    expect(Number(/MEDIA-SEQUENCE:(\d+)/.exec(textOf(window))?.[1])).toBeGreaterThan(24);
  });

  test.each([{ maxSegmentBytes: 2_000 }, { maxSegmentFragments: 20 }])("a segment is cut at %o", (limits) => {
    const window = live(10, limits);
    for (let msn = 0; msn < window.segmentCount; msn++) {
      const segment = window.segment(msn);
      if (segment.kind !== "ready") continue;
      expect(segment.byteCount).toBeLessThanOrEqual(limits.maxSegmentBytes ?? 1e9);
      expect(segment.chunks.length).toBeLessThanOrEqual(limits.maxSegmentFragments ?? 1e9);
    }
  });

  test("time that stands still, or a thousand codec changes, do not make it grow", () => {
    const still = live(3, { maxSegmentFragments: 100 });
    const fragment = {
      bytes: new Uint8Array(10),
      kind: "video",
      dtsUs: 3_000_000,
      durationUs: 0,
      isKey: false,
    } as const;
    for (let i = 0; i < 20_000; i++) still.append(fragment, WALL_MS);
    expect(still.segmentCount).toBeLessThanOrEqual(97);
    for (let generation = 2; generation < 1_000; generation++) {
      still.setInit(generation, new Uint8Array(10_000), { hasVideo: true, hasAudio: true });
    }
    expect(still.byteCount).toBeLessThan(200_000);
  });

  test("any fragments at all keep the accounts and never throw", () => {
    const any = fc.record({
      kind: fc.constantFrom("video", "audio"),
      dtsUs: fc.integer({ min: -(2 ** 40), max: 2 ** 40 }),
      durationUs: fc.integer({ min: 0, max: 2 ** 33 }),
      isKey: fc.boolean(),
      size: fc.nat(20),
    });
    fc.assert(
      fc.property(fc.array(any, { maxLength: 200 }), (fragments) => {
        const window = new HlsWindow({ maxSegmentCount: 10 });
        window.setInit(1, INIT, { hasVideo: true, hasAudio: true });
        for (const { size, kind, ...rest } of fragments) {
          window.append({ ...rest, kind: kind as "video", bytes: new Uint8Array(size) }, WALL_MS);
        }
        window.end();
        expect(window.segmentCount).toBeLessThanOrEqual(11);
        let bytes = INIT.length;
        for (let msn = 0; msn < 300; msn++) {
          const segment = window.segment(msn);
          if (segment.kind === "ready") bytes += segment.byteCount;
        }
        expect(window.byteCount).toBe(bytes);
      }),
      { numRuns: 60 },
    );
  });
});

test("a token is handed on to every address, and nothing else changes", () => {
  const window = live(10);
  const plain = textOf(window);
  const signed = textOf(window, "a b");
  expect(signed.replaceAll("?token=a%20b", "")).toBe(plain);
  expect(signed.match(/\.(m4s|mp4)\?token=a%20b/g)?.length).toBe(plain.match(/\.(m4s|mp4)/g)?.length);
});

test("bytes are shared, not copied", () => {
  const window = new HlsWindow();
  window.setInit(1, INIT, { hasVideo: true, hasAudio: true });
  const fragments = simulateStream({ seed: 1, seconds: 5, fps: 30 });
  for (const fragment of fragments) window.append(fragment, WALL_MS);
  const [segment, part, init] = [window.segment(0), window.part(0, 0), window.init(1)];
  if (segment.kind !== "ready" || part.kind !== "ready" || init.kind !== "ready") throw new Error("not ready");
  expect(segment.chunks[0]).toBe(fragments[0]?.bytes);
  expect(part.chunks[0]).toBe(fragments[0]?.bytes);
  expect(init.chunks[0]).toBe(INIT);
  expect(window.init(2).kind).toBe("gone");
});

test.each([
  { fps: 24, frames: 5 },
  { fps: 25, frames: 5 },
  { fps: 29.97, frames: 6 },
  { fps: 30, frames: 6 },
  { fps: 50, frames: 10 },
  { fps: 60, frames: 12 },
  { fps: 3, frames: 1 },
])("PART-TARGET for $fps frames/s fits $frames frames, neither one more nor under 85 %", ({ fps, frames }) => {
  const frameUs = 1_000_000 / fps;
  const targetUs = choosePartTargetUs(frameUs, 200_000);
  expect(frames * frameUs + 2_000).toBeLessThanOrEqual(targetUs);
  expect((frames + 1) * frameUs).toBeGreaterThan(targetUs);
  expect(frames * frameUs - 2_000).toBeGreaterThanOrEqual(0.85 * targetUs);
});

describe("other people's parsers", () => {
  // m3u8-parser has no types.
  const { Parser } = createRequire(import.meta.url)("m3u8-parser");
  const window = live(21);
  window.appendGap(2_000_000);
  window.setInit(2, INIT, { hasVideo: true, hasAudio: true });
  feed(window, { seconds: 4.5, gopS: 1 }, 30_000_000);
  const text = textOf(window);

  test("hls-parser agrees", () => {
    // Not strict: it wants no parts before the last three segments, the specification three Target Durations.
    HLS.setOptions({ strictMode: false, silent: true });
    const parsed = HLS.parse(text) as HLS.types.MediaPlaylist;
    const closed = parsed.segments.filter(({ uri }) => uri !== "");
    expect(closed.map(({ uri }) => uri)).toEqual(text.match(/^seg-.*/gm));
    expect(closed.at(-1)?.map.uri).toBe("init-2.mp4");
    expect(parsed.segments.flatMap(({ parts }) => parts).map(({ uri }) => uri)).toEqual(
      [...text.matchAll(/URI="(part-[^"]*)"/g)].map(([, uri]) => uri),
    );
  });

  test("m3u8-parser agrees", () => {
    const parser = new Parser();
    parser.push(text);
    parser.end();
    const { manifest } = parser;
    expect(manifest.segments.filter(({ uri }: { uri?: string }) => uri).map(({ uri }: { uri: string }) => uri)).toEqual(
      text.match(/^seg-.*/gm),
    );
    expect(manifest.serverControl).toMatchObject({ canBlockReload: true, canSkipUntil: 12 });
    expect(manifest.preloadSegment.preloadHints).toHaveLength(1);
    expect(manifest.discontinuityStarts.length).toBe(text.match(/DISCONTINUITY$/gm)?.length);
  });
});
