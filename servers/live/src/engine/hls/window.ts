import {
  countSkippable,
  type PlaylistOpenSegment,
  type PlaylistSegment,
  renderMediaPlaylist,
  tokenSuffix,
} from "../../protocol/hls/playlist.ts";
import type { PlaylistQuery } from "../../protocol/hls/query.ts";
import { Cutter } from "./cutter.ts";
import { type HlsFragment, type InitInfo, StartGate } from "./fragment.ts";
import type { Segment } from "./segment.ts";
import { Shelf } from "./shelf.ts";
import { choosePartTargetUs, chooseTargetDurationS, DEFAULT_HLS_LIMITS, type HlsLimits } from "./timing.ts";
import { type Measurement, WarmUp } from "./warm-up.ts";

/** A moment of the playlist: a segment is complete, or, with `part`, that part of it is there. */
export interface PlaylistMoment {
  readonly msn: number;
  readonly part?: number;
}

export type PlaylistAnswer =
  | { readonly kind: "ready"; readonly text: string }
  /** Ask again once `isReady(until.msn, until.part)`. */
  | { readonly kind: "wait"; readonly until: PlaylistMoment }
  /** 400. */
  | { readonly kind: "bad-request"; readonly why: string }
  /** 404: the stream ended before there was anything to list. */
  | { readonly kind: "gone" };

export type MediaAnswer =
  /** The bytes, in order, shared and not to be changed. */
  | { readonly kind: "ready"; readonly chunks: readonly Uint8Array[]; readonly byteCount: number }
  /** It is the hinted part: ask again when `version` has risen. */
  | { readonly kind: "wait" }
  /** 404: never existed, not hinted, or dropped. */
  | { readonly kind: "gone" };

/** A playlist without a token, and cut where a token goes. */
interface RenderedPlaylist {
  readonly plain: string;
  readonly pieces: readonly string[];
}

/** Stands for the token in cached playlists; cannot be part of any URI. */
const SUFFIX_MARK = "\u0000";

/**
 * A live LL-HLS window of one stream: takes muxed fragments, answers playlist, part and segment requests. Owns no
 * clock, no timer and no waiter: who must wait is told for what, and `version` rises whenever it may have come.
 *
 * @see README.md for the map, the invariants and the table of rules; RFC 8216bis §4.4, §6.2
 */
export class HlsWindow {
  readonly #limits: HlsLimits;
  readonly #shelf: Shelf;
  readonly #gate = new StartGate();
  #info: InitInfo | undefined;
  #generation = -1;
  #warmUp: WarmUp | undefined;
  #cutter: Cutter | undefined;
  #isEnded = false;
  #droppedCount = 0;
  #ownVersion = 0;
  #cacheVersion = -1;
  #full: RenderedPlaylist | undefined;
  #delta: RenderedPlaylist | undefined;

  constructor(limits: Partial<HlsLimits> = {}) {
    this.#limits = { ...DEFAULT_HLS_LIMITS, ...limits };
    this.#shelf = new Shelf(this.#limits);
  }

  /** Rises with every change that a client can see. Never goes back. */
  get version(): number {
    return this.#ownVersion + (this.#cutter?.version ?? 0);
  }

  /** Bytes of media and initialization segments that this window keeps alive. */
  get byteCount(): number {
    return this.#shelf.byteCount + (this.#cutter?.open?.byteCount ?? 0) + (this.#warmUp?.byteCount ?? 0);
  }

  /** Segments kept, listed or only fetchable. */
  get segmentCount(): number {
    return this.#shelf.segmentCount;
  }

  /** Fragments left out: before the first key frame, after `end`, and before a change within the very first second. */
  get droppedFragmentCount(): number {
    return this.#droppedCount;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Whether there is a playlist, that is, whether a first segment is complete. */
  get isAvailable(): boolean {
    return this.#shelf.last !== undefined;
  }

  /** Answer 503 to a request that has waited this long: three Target Durations (§6.2.5.2). */
  get blockLimitMs(): number {
    return 3_000 * (this.#cutter?.targetDurationS ?? this.#limits.maxTargetS);
  }

  /** The bit rates of the listed segments, for a Multivariant Playlist; `undefined` before there is one. */
  get bitRates(): { readonly peakBitsPerSecond: number; readonly averageBitsPerSecond: number } | undefined {
    let peak = 0;
    let bytes = 0;
    let us = 0;
    for (const { byteCount, durationUs, isGap } of this.#shelf.listed) {
      if (isGap) continue;
      peak = Math.max(peak, (byteCount * 8_000_000) / durationUs);
      bytes += byteCount;
      us += durationUs;
    }
    return us === 0 ? undefined : { peakBitsPerSecond: peak, averageBitsPerSecond: (bytes * 8_000_000) / us };
  }

  /**
   * Sets the initialization segment of the fragments that follow. A new generation in mid-stream is a discontinuity
   * with a new EXT-X-MAP; the known generation again is nothing.
   *
   * @param generation Must rise.
   */
  setInit(generation: number, initBytes: Uint8Array, info: InitInfo): void {
    if (this.#isEnded || generation === this.#generation) return;
    this.markDiscontinuity();
    this.#generation = generation;
    this.#info = info;
    this.#shelf.setInit(generation, initBytes);
    this.#gate.reset(info.hasVideo);
    if (this.#cutter === undefined) this.#warmUp = new WarmUp(this.#limits, info.hasVideo);
    else this.#cutter.setInit(generation, info);
  }

  /**
   * Takes the next fragment, in decode order.
   *
   * @param wallMs When its first sample was captured, as well as one knows; ms since the Unix epoch.
   * @throws Error if there was no `setInit` yet.
   */
  append(fragment: HlsFragment, wallMs: number): void {
    if (this.#info === undefined) throw new Error("Cannot append a fragment: call setInit first");
    if (this.#isEnded || !this.#gate.accepts(fragment)) {
      this.#droppedCount++;
      return;
    }
    if (this.#cutter !== undefined) {
      this.#cutter.append(fragment, wallMs);
      return;
    }
    const measured = this.#warmUp?.add(fragment, wallMs);
    if (measured !== undefined) this.#start(measured);
  }

  /** The timestamps of what follows do not go on from what was: the publisher came back, or jumped. */
  markDiscontinuity(): void {
    if (this.#isEnded || this.#info === undefined) return;
    this.#abandonWarmUp(this.#info.hasVideo);
    this.#cutter?.discontinue();
    this.#gate.reset(this.#info.hasVideo);
  }

  /**
   * Adds a segment without media (EXT-X-GAP), for a time in which the publisher is away. Without it the playlist
   * stands still, and players that count on a new segment within 1.5 Target Durations give up. Call it once per
   * `blockLimitMs / 3` while away. Implies `markDiscontinuity`. Nothing happens before the playlist is available.
   */
  appendGap(durationUs: number): void {
    if (this.#isEnded || this.#info === undefined) return;
    this.markDiscontinuity();
    if (this.isAvailable && durationUs > 0) this.#cutter?.appendGap(durationUs);
  }

  /** Completes the last segment and ends the playlist for good. Segments stay fetchable for as long as the window lives. */
  end(): void {
    if (this.#isEnded) return;
    this.#finishWarmUp();
    this.#cutter?.cut();
    this.#isEnded = true;
    this.#ownVersion++;
  }

  /** Whether a playlist request for this moment can be answered now, be it with an error. */
  isReady(msn: number, part?: number): boolean {
    return this.#state(msn, part).kind !== "wait";
  }

  /** @see RFC 8216bis §6.2.5 */
  playlist(query: PlaylistQuery = {}): PlaylistAnswer {
    if (this.#isEnded) {
      // Directives are ignored in an ended playlist, `_HLS_skip` too.
      return this.isAvailable ? { kind: "ready", text: this.#render(false, query.token) } : { kind: "gone" };
    }
    if (query.part !== undefined && query.msn === undefined) {
      return { kind: "bad-request", why: "_HLS_part needs _HLS_msn beside it" };
    }
    if (query.msn !== undefined) {
      const state = this.#state(query.msn, query.part);
      if (state.kind !== "ready") return state;
    }
    if (!this.isAvailable) return { kind: "wait", until: { msn: 0 } };
    return { kind: "ready", text: this.#render(query.skip === true, query.token) };
  }

  /** A part; waits if it is the one that EXT-X-PRELOAD-HINT names (§6.2.6). */
  part(msn: number, index: number): MediaAnswer {
    const cutter = this.#cutter;
    const open = cutter?.open;
    const segment = open?.msn === msn ? open : this.#shelf.find(msn);
    const part = segment?.parts[index];
    if (segment !== undefined && part !== undefined) {
      return { kind: "ready", chunks: segment.chunksOf(part), byteCount: part.byteCount };
    }
    if (cutter === undefined || this.#isEnded) return { kind: "gone" };
    // The hint moves to the next segment when a key frame is due; the one before it stays answerable.
    const isNext = msn === cutter.openMsn && index === (open?.parts.length ?? 0);
    const hint = cutter.hint;
    return isNext || (msn === hint.msn && index === hint.part) ? { kind: "wait" } : { kind: "gone" };
  }

  segment(msn: number): MediaAnswer {
    const segment = this.#shelf.find(msn);
    if (segment === undefined || segment.isGap) return { kind: "gone" };
    return { kind: "ready", chunks: segment.fragments, byteCount: segment.byteCount };
  }

  init(generation: number): MediaAnswer {
    const bytes = this.#shelf.init(generation);
    return bytes === undefined ? { kind: "gone" } : { kind: "ready", chunks: [bytes], byteCount: bytes.length };
  }

  #start(measured: Measurement): void {
    const warmUp = this.#warmUp;
    const info = this.#info;
    if (warmUp === undefined || info === undefined) return;
    const frameUs = info.hasVideo ? (info.frameDurationUs ?? measured.frameUs) : measured.frameUs;
    const cutter = new Cutter(
      this.#limits,
      this.#shelf,
      choosePartTargetUs(frameUs, this.#limits.partUs),
      chooseTargetDurationS(measured.segmentUs, measured.endsAtKey, this.#limits),
      frameUs,
    );
    cutter.setInit(this.#generation, info);
    this.#cutter = cutter;
    this.#warmUp = undefined;
    for (const { fragment, wallMs } of warmUp.staged) cutter.append(fragment, wallMs);
    if (!measured.endsAtKey) cutter.cut();
  }

  #finishWarmUp(): void {
    const warmUp = this.#warmUp;
    if (warmUp !== undefined && warmUp.staged.length > 0) this.#start(warmUp.measure(0, false));
  }

  /**
   * Publishers often send the video codec, some frames, and then the audio codec: a first segment of a moment would
   * fix TARGETDURATION on nothing. Nobody has seen it, so it is left out.
   */
  #abandonWarmUp(hasVideo: boolean): void {
    const warmUp = this.#warmUp;
    if (warmUp === undefined) return;
    if (warmUp.elapsedUs >= this.#limits.minSegmentUs) {
      this.#finishWarmUp();
      return;
    }
    this.#droppedCount += warmUp.staged.length;
    this.#warmUp = new WarmUp(this.#limits, hasVideo);
  }

  /** Where the playlist is with regard to a blocking request (§6.2.5.2). */
  #state(msn: number, part: number | undefined): Exclude<PlaylistAnswer, { kind: "ready" }> | { kind: "ready" } {
    if (this.#isEnded) return { kind: "ready" };
    const openMsn = this.#cutter?.openMsn ?? 0;
    if (msn > openMsn + 1) {
      return { kind: "bad-request", why: `Segment ${msn} is more than two ahead of the last one, ${openMsn - 1}` };
    }
    if (!this.isAvailable) return { kind: "wait", until: { msn: 0 } };
    const until: PlaylistMoment = part === undefined ? { msn } : { msn, part };
    if (part === undefined) return msn < openMsn ? { kind: "ready" } : { kind: "wait", until };
    let wantedMsn = msn;
    let wantedPart = part;
    if (wantedMsn < openMsn) {
      const closed = this.#shelf.find(wantedMsn);
      if (closed === undefined || wantedPart < closed.parts.length) return { kind: "ready" };
      // A part beyond the last one is part 0 of the following segment.
      wantedMsn++;
      wantedPart = 0;
      if (wantedMsn < openMsn) return { kind: "ready" };
    }
    const partCount = wantedMsn === openMsn ? (this.#cutter?.open?.parts.length ?? 0) : 0;
    const aheadLimit = Math.ceil(3_000_000 / Math.min(1_000_000, this.#cutter?.partTargetUs ?? 1_000_000));
    if (wantedPart - (partCount - 1) > aheadLimit) {
      return { kind: "bad-request", why: `Part ${msn}.${part} is more than ${aheadLimit} parts ahead` };
    }
    return wantedMsn === openMsn && wantedPart < partCount ? { kind: "ready" } : { kind: "wait", until };
  }

  /** Rendered once a version, and once more for delta updates; a token costs one join. */
  #render(isDelta: boolean, token: string | undefined): string {
    if (this.#cacheVersion !== this.version) {
      this.#cacheVersion = this.version;
      this.#full = undefined;
      this.#delta = undefined;
    }
    if (isDelta) this.#delta ??= this.#renderNow(true);
    else this.#full ??= this.#renderNow(false);
    const { plain, pieces } = (isDelta ? this.#delta : this.#full) as RenderedPlaylist;
    return token === undefined || token === "" ? plain : pieces.join(tokenSuffix(token));
  }

  #renderNow(isDelta: boolean): RenderedPlaylist {
    const cutter = this.#cutter as Cutter;
    const { open, targetDurationS } = cutter;
    const endUs = this.#shelf.endPositionUs + (open?.partsUs ?? 0);
    const partsFromUs = endUs - 3 * targetDurationS * 1_000_000;
    const segments = this.#shelf.listed.map((segment) => describe(segment, partsFromUs));
    const text = renderMediaPlaylist(
      {
        targetDurationS,
        partTargetUs: cutter.partTargetUs,
        mediaSequence: this.#shelf.mediaSequence,
        discontinuitySequence: this.#shelf.discontinuitySequence,
        segments,
        ...(open !== undefined && { openSegment: describeOpening(open, partsFromUs) }),
        ...(!this.#isEnded && { preloadHintUri: partUri(cutter.hint.msn, cutter.hint.part) }),
        isEnded: this.#isEnded,
      },
      { uriSuffix: SUFFIX_MARK, skippedCount: isDelta ? countSkippable(segments, targetDurationS) : 0 },
    );
    const pieces = text.split(SUFFIX_MARK);
    return { plain: pieces.join(""), pieces };
  }
}

function describe(segment: Segment, partsFromUs: number): PlaylistSegment {
  return {
    ...describeOpening(segment, partsFromUs),
    uri: `seg-${segment.msn}.m4s`,
    durationUs: segment.durationUs,
    isGap: segment.isGap,
  };
}

/** Parts are listed for the last three Target Durations, a segment at a time: an index counts from its first part. */
function describeOpening(segment: Segment, partsFromUs: number): PlaylistOpenSegment {
  const { start, parts, msn } = segment;
  const isAtEdge = !segment.isClosed || start.positionUs >= partsFromUs;
  return {
    mapUri: `init-${start.generation}.mp4`,
    hasDiscontinuity: start.hasDiscontinuity,
    programDateTimeMs: start.programDateTimeMs,
    parts: isAtEdge
      ? parts.map(({ durationUs, isIndependent }, i) => ({ uri: partUri(msn, i), durationUs, isIndependent }))
      : [],
  };
}

function partUri(msn: number, part: number): string {
  return `part-${msn}.${part}.m4s`;
}
