import { type MediaUnit, unitByteCount } from "./media-unit.ts";

export interface GopCacheLimits {
  readonly maxBytes: number;
  readonly maxUnits: number;
}

/** Sound kept for a newcomer when there is no picture to start from, in microseconds. */
const AUDIO_ONLY_US = 1_000_000;

/**
 * Everything since the last key frame, so that a newcomer sees a picture at once instead of waiting for the next one.
 *
 * A group of pictures that outgrows the limits is let go whole: half of one cannot be decoded. Newcomers then wait
 * for the next key frame, which is what they would do without a cache.
 */
export class GopCache {
  readonly #limits: GopCacheLimits;
  #units: MediaUnit[] = [];
  #byteCount = 0;
  #hasKey = false;
  #hasVideo = false;
  #overflowCount = 0;

  constructor(limits: GopCacheLimits) {
    this.#limits = limits;
  }

  get units(): readonly MediaUnit[] {
    return this.#units;
  }

  get byteCount(): number {
    return this.#byteCount;
  }

  /** How many groups of pictures were let go because they outgrew the limits. */
  get overflowCount(): number {
    return this.#overflowCount;
  }

  /** Presentation time of the key frame that the cache starts with; `undefined` if it holds none. */
  get keyPtsUs(): number | undefined {
    if (!this.#hasKey) return undefined;
    return this.#units.find((unit) => unit.sample.kind === "video")?.sample.ptsUs;
  }

  add(unit: MediaUnit): void {
    const { kind, isKey, dtsUs } = unit.sample;
    if (kind === "video") {
      this.#hasVideo = true;
      if (isKey) this.#startAt(dtsUs);
      else if (!this.#hasKey) return;
    } else if (this.#hasVideo && !this.#hasKey) {
      return;
    }
    this.#units.push(unit);
    this.#byteCount += unitByteCount(unit);
    if (!this.#hasVideo) this.#dropAudioBefore(dtsUs - AUDIO_ONLY_US);
    if (this.#byteCount > this.#limits.maxBytes || this.#units.length > this.#limits.maxUnits) {
      this.#letGo();
      this.#overflowCount++;
    }
  }

  /** Lets everything go, and whether there was picture: what comes next may be of other tracks. */
  clear(): void {
    this.#letGo();
    this.#hasVideo = false;
  }

  #letGo(): void {
    this.#units = [];
    this.#byteCount = 0;
    this.#hasKey = false;
  }

  #startAt(dtsUs: number): void {
    const kept = this.#units.filter(({ sample }) => sample.kind === "audio" && sample.dtsUs >= dtsUs);
    this.#units = kept;
    this.#byteCount = kept.reduce((sum, unit) => sum + unitByteCount(unit), 0);
    this.#hasKey = true;
  }

  #dropAudioBefore(dtsUs: number): void {
    while (this.#units.length > 1) {
      const first = this.#units[0];
      if (!first || first.sample.dtsUs >= dtsUs) return;
      this.#units.shift();
      this.#byteCount -= unitByteCount(first);
    }
  }
}
