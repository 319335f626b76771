/** One published part: a run of its segment's fragments. */
export interface Part {
  /** Index of its first fragment in the segment, and of the one after its last. */
  readonly firstFragment: number;
  readonly endFragment: number;
  /** As the playlist says it. */
  readonly durationUs: number;
  readonly isIndependent: boolean;
  readonly byteCount: number;
}

/** What all segments of one stretch without discontinuity share. */
export interface SegmentStart {
  readonly msn: number;
  readonly generation: number;
  readonly hasDiscontinuity: boolean;
  /** Decoding time at which it starts, in microseconds of the stream. */
  readonly startUs: number;
  /** Sum of the durations of all segments before it. */
  readonly positionUs: number;
  readonly programDateTimeMs: number;
}

/**
 * A segment and its parts, growing or complete. It owns a list of references to the fragments: a part is a range of
 * that list, so no media byte is ever copied and a part can be had for as long as its segment.
 *
 *     fragments  | v a v v a | v v a v | v a v ...
 *     parts      |     0     |    1    |  open: fragments from #partFirst on, not visible yet
 *     time       startUs ->  partStartUs ->
 */
export class Segment {
  readonly start: SegmentStart;
  readonly fragments: Uint8Array[] = [];
  readonly parts: Part[] = [];
  byteCount = 0;
  /** Sum of the DURATIONs of the published parts. */
  partsUs = 0;
  /** Set by `close`. */
  durationUs = 0;
  isClosed = false;
  isGap = false;
  #partFirst = 0;
  #partBytes = 0;
  #isPartIndependent = false;

  constructor(start: SegmentStart) {
    this.start = start;
  }

  get msn(): number {
    return this.start.msn;
  }

  /** Where the open part starts on the stream's timeline. */
  get partStartUs(): number {
    return this.start.startUs + this.partsUs;
  }

  get hasOpenPart(): boolean {
    return this.fragments.length > this.#partFirst;
  }

  add(bytes: Uint8Array, isIndependent: boolean): void {
    this.fragments.push(bytes);
    this.byteCount += bytes.length;
    this.#partBytes += bytes.length;
    if (isIndependent) this.#isPartIndependent = true;
  }

  closePart(durationUs: number): void {
    this.parts.push({
      firstFragment: this.#partFirst,
      endFragment: this.fragments.length,
      durationUs,
      isIndependent: this.#isPartIndependent,
      byteCount: this.#partBytes,
    });
    this.partsUs += durationUs;
    this.#partFirst = this.fragments.length;
    this.#partBytes = 0;
    this.#isPartIndependent = false;
  }

  /** Takes the fragments of the open part out again. */
  takeOpenPart(): Uint8Array[] {
    this.byteCount -= this.#partBytes;
    this.#partBytes = 0;
    this.#isPartIndependent = false;
    return this.fragments.splice(this.#partFirst);
  }

  close(durationUs: number): void {
    this.durationUs = durationUs;
    this.isClosed = true;
  }

  /** The fragments of a published part; the list is new, the bytes are shared. */
  chunksOf(part: Part): Uint8Array[] {
    return this.fragments.slice(part.firstFragment, part.endFragment);
  }
}
