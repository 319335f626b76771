import { describe, expect, test } from "vitest";
import { applyDelta, type ParsedPlaylist, parseMediaPlaylist } from "../../protocol/hls/parsed-playlist.ts";
import { checkPlaylist } from "../../protocol/hls/rules.ts";
import type { HlsFragment } from "./fragment.ts";
import { numberAt, type StreamShape, seededRandom, simulateStream } from "./simulated-stream.ts";
import { HlsWindow, type MediaAnswer } from "./window.ts";

const WALL_MS = 1_764_000_000_000;

function concat(answer: MediaAnswer): Uint8Array {
  if (answer.kind !== "ready") throw new Error(`Not ready: ${answer.kind}`);
  const out = new Uint8Array(answer.byteCount);
  let offset = 0;
  for (const chunk of answer.chunks) {
    out.set(chunk, offset);
    offset += chunk.length;
  }
  if (offset !== answer.byteCount) throw new Error(`byteCount is ${answer.byteCount}, not ${offset}`);
  return out;
}

/** A client that sees every version, checks every rule against the last one and against an older one, and fetches all. */
class Watcher {
  readonly window = new HlsWindow();
  readonly seen: ParsedPlaylist[] = [];
  readonly received: number[] = [];
  readonly sent: number[] = [];
  readonly #random: () => number;
  readonly #name: string;
  #version = -1;
  #dropped = 0;
  #nextMsn = 0;
  readonly #unlistedParts = new Map<string, number>();
  #latestUs = 0;
  #partUpdateUs: number | undefined;
  longestPartWaitUs = 0;
  /** How far the DURATIONs of parts may add up to something else than EXTINF: one frame that is longer than a part. */
  driftLimitS = 0.05;

  constructor(name: string, seed: number) {
    this.#name = name;
    this.#random = seededRandom(seed ^ 0x5eed);
  }

  get last(): ParsedPlaylist {
    return this.seen.at(-1) as ParsedPlaylist;
  }

  init(generation: number, hasVideo: boolean): void {
    this.window.setInit(generation, new Uint8Array([generation]), { hasVideo, hasAudio: true });
    this.look();
  }

  append(fragments: readonly HlsFragment[]): void {
    for (const fragment of fragments) {
      this.sent.push(numberAt(fragment.bytes));
      this.window.append(fragment, WALL_MS + fragment.dtsUs / 1_000);
      this.#latestUs = Math.max(this.#latestUs, fragment.dtsUs + fragment.durationUs);
      this.look();
    }
  }

  gap(durationUs: number): void {
    this.#latestUs += durationUs;
    this.window.appendGap(durationUs);
    this.look();
  }

  look(): void {
    const { window } = this;
    // What is dropped is always the newest: one before a key frame, or all of a first segment that was abandoned.
    const dropped = window.droppedFragmentCount - this.#dropped;
    this.#dropped += dropped;
    if (dropped > 0) this.sent.splice(-dropped);
    if (window.version === this.#version) return;
    if (window.version < this.#version) throw new Error(`${this.#name}: the version went back`);
    this.#version = window.version;
    const answer = window.playlist();
    if (answer.kind !== "ready") return;
    const now = parseMediaPlaylist(answer.text);
    const previous = this.seen.at(-1);
    const older = this.seen[Math.floor(this.#random() * this.seen.length)];
    expect(checkPlaylist(now, previous), this.#name).toEqual([]);
    if (this.seen.length % 4 === 0) expect(checkPlaylist(now, older), this.#name).toEqual([]);
    this.#checkDelta(now, previous);
    this.#checkDelta(now, older);
    this.#checkFetchable(now, previous);
    this.#timeParts(now, previous);
    this.seen.push(now);
  }

  #checkDelta(now: ParsedPlaylist, held: ParsedPlaylist | undefined): void {
    const answer = this.window.playlist({ skip: true });
    if (answer.kind !== "ready" || held === undefined) return;
    const merged = applyDelta(held, parseMediaPlaylist(answer.text));
    if (merged === undefined) return;
    // Deep comparison is slow and there are ten thousands of these.
    if (JSON.stringify(merged) !== JSON.stringify(now)) expect(merged, this.#name).toEqual(now);
  }

  #checkFetchable(now: ParsedPlaylist, previous: ParsedPlaylist | undefined): void {
    for (const [i, segment] of now.segments.entries()) {
      const msn = now.mediaSequence + i;
      if (segment.uri !== `seg-${msn}.m4s`) throw new Error(`${segment.uri} has the number ${msn}`);
      if (segment.isGap) {
        expect(this.window.segment(msn).kind).toBe("gone");
        if (msn === this.#nextMsn) this.#nextMsn++;
        continue;
      }
      if (msn !== this.#nextMsn) continue;
      this.#nextMsn++;
      const whole = this.window.segment(msn);
      const bytes = concat(whole);
      if (whole.kind === "ready") for (const chunk of whole.chunks) this.received.push(numberAt(chunk));
      // Parts stay fetchable as long as the segment, listed or not.
      const parts: Uint8Array[] = [];
      for (let index = 0; ; index++) {
        const part = this.window.part(msn, index);
        if (part.kind !== "ready") break;
        parts.push(concat(part));
      }
      expect(Buffer.concat(parts).equals(Buffer.from(bytes)), this.#name).toBe(true);
      const partsS = segment.parts.reduce((sum, part) => sum + part.durationS, 0);
      if (segment.parts.length > 0)
        expect(Math.abs(partsS - segment.durationS), this.#name).toBeLessThan(this.driftLimitS);
    }
    const listed = new Set([...now.segments, now.open].flatMap(({ parts }) => parts.map(({ uri }) => uri)));
    for (const { parts } of previous === undefined ? [] : [...previous.segments, previous.open]) {
      for (const { uri } of parts) if (!listed.has(uri)) this.#unlistedParts.set(uri, this.#latestUs);
    }
    const missing: string[] = [];
    for (const [uri, sinceUs] of this.#unlistedParts) {
      if (this.#latestUs - sinceUs > 3_000_000 * now.targetDurationS) this.#unlistedParts.delete(uri);
      else if (this.#fetch(uri) !== "ready") missing.push(uri);
    }
    for (const uri of listed) if (this.#fetch(uri) !== "ready") missing.push(uri);
    expect(missing, this.#name).toEqual([]);
    if (!now.isEnded) expect(this.#fetch(now.hintUris[0] as string), this.#name).toBe("wait");
    for (const mapUri of new Set(now.segments.map((segment) => segment.mapUri))) {
      const generation = Number(/\d+/.exec(mapUri ?? "")?.[0]);
      expect(concat(this.window.init(generation))).toEqual(new Uint8Array([generation]));
    }
  }

  #fetch(uri: string): string {
    const [, msn, index] = /^part-(\d+)\.(\d+)\.m4s$/.exec(uri) ?? [];
    return this.window.part(Number(msn), Number(index)).kind;
  }

  #timeParts(now: ParsedPlaylist, previous: ParsedPlaylist | undefined): void {
    const count = (playlist: ParsedPlaylist): string =>
      `${playlist.segments.length}/${playlist.mediaSequence}/${playlist.open.parts.length}`;
    if (previous !== undefined && count(previous) === count(now)) return;
    if (this.#partUpdateUs !== undefined) {
      this.longestPartWaitUs = Math.max(this.longestPartWaitUs, this.#latestUs - this.#partUpdateUs);
    }
    this.#partUpdateUs = this.#latestUs;
  }
}

function run(shape: StreamShape, name: string): Watcher {
  const watcher = new Watcher(name, shape.seed);
  watcher.init(1, shape.fps !== undefined);
  watcher.append(simulateStream(shape));
  watcher.window.end();
  watcher.look();
  expect(watcher.received, name).toEqual(watcher.sent);
  return watcher;
}

describe("every playlist obeys every rule, and no media is lost or doubled", () => {
  const rates = [10, 24, 25, 29.97, 30, 50, 60];
  test.each(rates.flatMap((fps) => [0.5, 1, 2, 2.5, 4, 12].map((gopS) => ({ fps, gopS }))))(
    "$fps frames/s with a key frame every $gopS s",
    ({ fps, gopS }) => {
      for (const isMillisecond of gopS === 2 ? [false, true] : [gopS !== 1]) {
        const watcher = run(
          { seed: fps * 100 + gopS, seconds: gopS > 2 ? 26 : 20, fps, gopS, isMillisecond },
          `${fps} ${gopS}`,
        );
        const frameUs = 1_000_000 / fps + 1_000;
        // §6.2.1: a new part within one Part Target Duration of the last one; a frame is the grain of the input.
        expect(watcher.longestPartWaitUs).toBeLessThanOrEqual((watcher.last.partTargetS ?? 0) * 1_000_000 + frameUs);
        const firstParts = watcher.seen.flatMap(({ segments }) => segments.flatMap(({ parts }) => parts.slice(0, 1)));
        // Only GOPs longer than a segment may be, 2.45 s before the stream is known, are cut at other frames.
        if (gopS <= 2) expect(firstParts.every((part) => part.isIndependent)).toBe(true);
      }
    },
  );

  test.each([
    { variation: 0.1, fps: 30 },
    { variation: 0.5, fps: 30 },
    { variation: 0.9, fps: 30 },
    { variation: 0.9, fps: 8 },
    { variation: 0.99, fps: 3 },
  ])("variable frame lengths, $fps frames/s ± $variation", ({ variation, fps }) => {
    for (let seed = 1; seed <= 4; seed++) {
      for (const hasAudio of [true, false]) {
        const shape = {
          seed,
          seconds: 40,
          fps,
          variation,
          gopS: 2,
          isMillisecond: true,
          hasAudio,
          audioBatch: 1 + (seed % 3),
        };
        const watcher = new Watcher(JSON.stringify(shape), seed);
        watcher.driftLimitS = 0.3 + 4 / fps;
        watcher.init(1, true);
        watcher.append(simulateStream(shape));
        watcher.window.end();
        watcher.look();
        expect(watcher.received, `seed ${seed}`).toEqual(watcher.sent);
      }
    }
  });

  test.each([1, 2, 3])("audio alone in fragments of %i frames", (audioBatch) => {
    const watcher = run({ seed: audioBatch, seconds: 40, audioBatch }, `audio ${audioBatch}`);
    expect(watcher.last.targetDurationS).toBe(2);
    expect(watcher.last.segments.slice(0, -1).every(({ durationS }) => durationS >= 1.88 && durationS < 2.12)).toBe(
      true,
    );
    expect(watcher.seen.at(0)?.segments[0]?.parts.every((part) => part.isIndependent)).toBe(true);
  });

  test.each(Array.from({ length: 24 }, (_, seed) => seed))(
    "interruptions, codec changes and an end, seed %i",
    (seed) => {
      const random = seededRandom(seed);
      const watcher = new Watcher(`seed ${seed}`, seed);
      let generation = 1;
      let startUs = 0;
      let number = 0;
      watcher.init(generation, true);
      for (let stretch = 0; stretch < 8; stretch++) {
        const fps = [24, 25, 30, 60][Math.floor(random() * 4)] as number;
        const gopS = [0.5, 1, 2, 5, 12][Math.floor(random() * 5)] as number;
        const shape = {
          seed: seed * 100 + stretch,
          seconds: 0.2 + random() * 12,
          fps,
          gopS,
          isMillisecond: random() < 0.5,
        };
        const fragments = simulateStream(shape, startUs, number);
        watcher.append(fragments);
        number += fragments.length;
        startUs += shape.seconds * 1_000_000;
        const what = random();
        if (what < 0.25) watcher.init(++generation, true);
        else if (what < 0.45) watcher.window.markDiscontinuity();
        else if (what < 0.7) {
          for (let away = random() * 12; away > 0; away -= 2) {
            watcher.gap(2_000_000);
            startUs += 2_000_000;
          }
        } else if (what < 0.85) startUs += 3_000_000;
        watcher.look();
      }
      watcher.window.end();
      watcher.look();
      expect(watcher.received, `seed ${seed}`).toEqual(watcher.sent);
      expect(watcher.last.isEnded).toBe(true);
    },
  );
});
