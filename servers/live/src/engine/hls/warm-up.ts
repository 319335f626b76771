import { type HlsFragment, leadKind } from "./fragment.ts";
import type { HlsLimits } from "./timing.ts";

/** A fragment and when it came, in ms since the Unix epoch. */
export interface StagedFragment {
  readonly fragment: HlsFragment;
  readonly wallMs: number;
}

/** What the first segment shows about the stream. */
export interface Measurement {
  readonly segmentUs: number;
  readonly endsAtKey: boolean;
  readonly frameUs: number;
}

/**
 * Holds the fragments of the first segment back until it is complete, so that PART-TARGET and TARGETDURATION, which
 * must never change, are measured and not guessed. Nobody waits longer for it: there is no playlist without a complete
 * segment anyway (hls.js 1.7 refuses one that has parts only as empty).
 */
export class WarmUp {
  readonly #limits: HlsLimits;
  readonly #hasVideo: boolean;
  readonly #staged: StagedFragment[] = [];
  byteCount = 0;

  constructor(limits: HlsLimits, hasVideo: boolean) {
    this.#limits = limits;
    this.#hasVideo = hasVideo;
  }

  /** From the first fragment to the end of the last one, in microseconds. */
  get elapsedUs(): number {
    const [first] = this.#staged;
    const last = this.#staged.at(-1);
    if (first === undefined || last === undefined) return 0;
    return last.fragment.dtsUs + last.fragment.durationUs - first.fragment.dtsUs;
  }

  get staged(): readonly StagedFragment[] {
    return this.#staged;
  }

  /** @returns What was measured once the first segment is complete; then this object is done with. */
  add(fragment: HlsFragment, wallMs: number): Measurement | undefined {
    this.#staged.push({ fragment, wallMs });
    this.byteCount += fragment.bytes.length;
    const startUs = (this.#staged[0] as StagedFragment).fragment.dtsUs;
    const elapsedUs = fragment.dtsUs - startUs;
    if (fragment.kind === leadKind(this.#hasVideo) && fragment.isKey) {
      const leastUs = this.#hasVideo ? this.#limits.minSegmentUs : this.#limits.audioSegmentUs;
      if (elapsedUs >= leastUs && elapsedUs <= this.#limits.firstSegmentUs) return this.measure(elapsedUs, true);
    }
    const isOver =
      elapsedUs + fragment.durationUs >= this.#limits.firstSegmentUs ||
      this.#staged.length >= this.#limits.maxSegmentFragments ||
      this.byteCount >= this.#limits.maxSegmentBytes;
    return isOver ? this.measure(elapsedUs, false) : undefined;
  }

  measure(segmentUs: number, endsAtKey: boolean): Measurement {
    return { segmentUs, endsAtKey, frameUs: this.#frameUs() };
  }

  /** The mean of the frame lengths near their median: steady under jitter, not moved by a pause of the encoder. */
  #frameUs(): number {
    const kind = this.#staged.some(({ fragment }) => fragment.kind === "video") ? "video" : "audio";
    const lengths: number[] = [];
    for (const { fragment } of this.#staged) {
      if (fragment.kind === kind && fragment.durationUs > 0) lengths.push(fragment.durationUs);
    }
    lengths.sort((a, b) => a - b);
    const median = lengths[lengths.length >> 1] ?? 33_333;
    const near = lengths.filter((length) => length > median * 0.5 && length < median * 1.5);
    return near.length === 0 ? median : near.reduce((sum, length) => sum + length, 0) / near.length;
  }
}
