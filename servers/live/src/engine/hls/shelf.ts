import type { Segment } from "./segment.ts";
import { type HlsLimits, maxSegmentUs } from "./timing.ts";

/**
 * The complete segments in order: first those that have left the playlist and can still be fetched, then the listed
 * ones. Keeps the two sequence numbers of the playlist and every bound on bytes and counts.
 *
 *     #segments   | 12 13 14 | 15 16 17 18 19 20 21 |
 *                   fetchable  listed, from #listedFrom on
 */
export class Shelf {
  readonly #limits: HlsLimits;
  #segments: Segment[] = [];
  #listedFrom = 0;
  #listedUs = 0;
  /** The longest playlist ever handed out; segments stay fetchable for that long after they leave it (§6.2.2). */
  #longestListedUs = 0;
  #segmentBytes = 0;
  #initBytes = 0;
  readonly #inits = new Map<number, Uint8Array>();
  mediaSequence = 0;
  discontinuitySequence = 0;
  /** Sum of the durations of all segments that ever were here. */
  endPositionUs = 0;

  constructor(limits: HlsLimits) {
    this.#limits = limits;
  }

  get listed(): Segment[] {
    return this.#listedFrom === 0 ? this.#segments : this.#segments.slice(this.#listedFrom);
  }

  get segmentCount(): number {
    return this.#segments.length;
  }

  get byteCount(): number {
    return this.#segmentBytes + this.#initBytes;
  }

  get last(): Segment | undefined {
    return this.#segments.at(-1);
  }

  /** @returns `undefined` if it was never complete or has been dropped. */
  find(msn: number): Segment | undefined {
    const first = this.#segments[0];
    return first === undefined ? undefined : this.#segments[msn - first.msn];
  }

  init(generation: number): Uint8Array | undefined {
    return this.#inits.get(generation);
  }

  setInit(generation: number, bytes: Uint8Array): void {
    // A publisher that changes its codec over and over without a frame in between leaves nothing behind.
    const newestUsed = this.last?.start.generation;
    for (const [older, unused] of this.#inits) {
      if (newestUsed === undefined || older > newestUsed) this.#forgetInit(older, unused);
    }
    this.#initBytes += bytes.length - (this.#inits.get(generation)?.length ?? 0);
    this.#inits.set(generation, bytes);
  }

  /** Takes a closed segment and lets go of what is over the limits. */
  add(segment: Segment, targetDurationS: number): void {
    this.#segments.push(segment);
    this.#segmentBytes += segment.byteCount;
    this.#listedUs += segment.durationUs;
    this.endPositionUs += segment.durationUs;
    this.#unlist(targetDurationS);
    this.#longestListedUs = Math.max(this.#longestListedUs, this.#listedUs);
    this.#drop(targetDurationS);
    this.#dropInits(segment.start.generation);
  }

  /** Removes segments from the playlist, but never so that it becomes shorter than three Target Durations (§6.2.2). */
  #unlist(targetDurationS: number): void {
    const leastUs = 3 * targetDurationS * 1_000_000;
    while (this.#segments.length - this.#listedFrom > this.#limits.segmentCount) {
      const first = this.#segments[this.#listedFrom] as Segment;
      if (this.#listedUs - first.durationUs < leastUs) return;
      this.#unlistFirst(first);
    }
  }

  #unlistFirst(first: Segment): void {
    this.#listedFrom++;
    this.#listedUs -= first.durationUs;
    this.mediaSequence = first.msn + 1;
    if (first.start.hasDiscontinuity) this.discontinuitySequence++;
  }

  /** Drops segments whose Availability Duration is over, and the oldest while there are too many or too large ones. */
  #drop(targetDurationS: number): void {
    // A part must stay three Target Durations after its tag has gone, which is three from the end of the playlist.
    const partsUs = 6 * targetDurationS * 1_000_000 + maxSegmentUs(targetDurationS);
    let count = 0;
    while (count < this.#segments.length - 1) {
      const first = this.#segments[count] as Segment;
      const ageUs = this.endPositionUs - first.start.positionUs - first.durationUs;
      const isExpired = count < this.#listedFrom && ageUs > Math.max(partsUs, this.#longestListedUs + first.durationUs);
      const isOver =
        this.#segments.length - count > this.#limits.maxSegmentCount || this.byteCount > this.#limits.maxBytes;
      if (!isExpired && !isOver) break;
      if (count >= this.#listedFrom) this.#unlistFirst(first);
      this.#segmentBytes -= first.byteCount;
      count++;
    }
    if (count === 0) return;
    this.#segments = this.#segments.slice(count);
    this.#listedFrom -= count;
  }

  #dropInits(newestGeneration: number): void {
    const oldest = this.#segments[0]?.start.generation ?? newestGeneration;
    for (const [generation, bytes] of this.#inits) {
      if (generation < oldest) this.#forgetInit(generation, bytes);
    }
  }

  #forgetInit(generation: number, bytes: Uint8Array): void {
    this.#inits.delete(generation);
    this.#initBytes -= bytes.length;
  }
}
