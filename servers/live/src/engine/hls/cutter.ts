import { type HlsFragment, type InitInfo, leadKind } from "./fragment.ts";
import { Segment } from "./segment.ts";
import type { Shelf } from "./shelf.ts";
import { type HlsLimits, maxSegmentUs, PART_FLOOR } from "./timing.ts";

/** Audio moves the timeline only when it is this far ahead of the video: then the video stands still. */
const AUDIO_LEAD_US = 500_000;
/** No DURATION is shorter, so that none is ever 0. */
const LEAST_US = 1_000;

/**
 * Cuts fragments into parts and segments.
 *
 * The timeline is that of the leading track: video if there is any, else audio. A part is closed as soon as its last
 * frame is here, without waiting for the next one: when it has reached 85 % of PART-TARGET and one frame more would
 * not fit. A frame that is longer than PART-TARGET cannot be divided, so its part says PART-TARGET and the parts after
 * it make up for the difference; every bound of the specification holds, and EXTINF is always the true length.
 *
 * Invariants: `open` is `undefined` or has at least one fragment; parts and segments appear in order and are never
 * changed once they are visible; `partTargetUs` and `targetDurationS` are set once.
 */
export class Cutter {
  readonly #limits: HlsLimits;
  readonly #shelf: Shelf;
  readonly partTargetUs: number;
  readonly targetDurationS: number;
  open: Segment | undefined;
  /** Rises with every part and segment. */
  version = 0;
  #generation = 0;
  #hasVideo = false;
  #frameUs: number;
  #nextMsn = 0;
  #isDiscontinuous = false;
  /** The next segment starts at its first fragment, not at the end of the last segment. */
  #startsFresh = true;
  #cursorUs = 0;
  #videoEndUs = Number.NEGATIVE_INFINITY;
  #audioEndUs = Number.NEGATIVE_INFINITY;
  /** Wall time of a moment of the stream; programme times are counted from it. */
  #anchorWallMs = 0;
  #anchorUs = 0;
  #programEndMs = 0;
  /** Length of the last segment that ended where the stream let it. */
  #expectedUs = 0;
  /** Fragments that the last segment left to the next one. */
  #carried: readonly Uint8Array[] = [];

  constructor(limits: HlsLimits, shelf: Shelf, partTargetUs: number, targetDurationS: number, frameUs: number) {
    this.#limits = limits;
    this.#shelf = shelf;
    this.partTargetUs = partTargetUs;
    this.targetDurationS = targetDurationS;
    this.#frameUs = frameUs;
  }

  /** The Media Sequence Number of the segment that is being filled, or will be next. */
  get openMsn(): number {
    return this.#nextMsn;
  }

  /** The part that is expected next. At the usual length of a segment that is the first one of the next segment. */
  get hint(): { readonly msn: number; readonly part: number } {
    const open = this.open;
    if (open === undefined) return { msn: this.#nextMsn, part: 0 };
    const isDue = open.parts.length > 0 && Math.abs(open.partsUs - this.#expectedUs) < 0.6 * this.#frameUs;
    return isDue ? { msn: this.#nextMsn + 1, part: 0 } : { msn: this.#nextMsn, part: open.parts.length };
  }

  setInit(generation: number, info: InitInfo): void {
    this.#generation = generation;
    this.#hasVideo = info.hasVideo;
  }

  append(fragment: HlsFragment, wallMs: number): void {
    const isLead = fragment.kind === leadKind(this.#hasVideo);
    if (this.open !== undefined) this.#cutBefore(this.open, fragment, isLead);
    const open = this.open ?? this.#openSegment(fragment, wallMs);
    open.add(fragment.bytes, fragment.isKey && isLead);
    const endUs = fragment.dtsUs + fragment.durationUs;
    if (fragment.kind === "video") this.#videoEndUs = Math.max(this.#videoEndUs, endUs);
    else this.#audioEndUs = Math.max(this.#audioEndUs, endUs);
    if (isLead && fragment.durationUs > 0) this.#frameUs += (fragment.durationUs - this.#frameUs) / 16;
    this.#cutAfter(open);
  }

  /** Ends the segment here, with what it has. The next one goes on at the same time. */
  cut(): void {
    if (this.open !== undefined) this.#closeSegment(this.open, this.#positionUs(), false);
  }

  /** Ends the segment; the next one has EXT-X-DISCONTINUITY and starts where its first fragment does. */
  discontinue(): void {
    this.cut();
    this.#isDiscontinuous = this.#nextMsn > 0;
    this.#startsFresh = true;
    this.#videoEndUs = Number.NEGATIVE_INFINITY;
    this.#audioEndUs = Number.NEGATIVE_INFINITY;
  }

  /** Adds one segment without media; see `HlsWindow.appendGap`. */
  appendGap(durationUs: number): void {
    this.discontinue();
    const segment = new Segment({
      msn: this.#nextMsn,
      generation: this.#shelf.last?.start.generation ?? this.#generation,
      hasDiscontinuity: false,
      startUs: this.#cursorUs,
      positionUs: this.#shelf.endPositionUs,
      programDateTimeMs: this.#programEndMs,
    });
    segment.isGap = true;
    this.#shelve(segment, Math.min(durationUs, maxSegmentUs(this.targetDurationS)));
  }

  /** How far the media has come on the timeline of the leading track. */
  #positionUs(): number {
    const hasPicture = this.#hasVideo && Number.isFinite(this.#videoEndUs);
    return hasPicture ? Math.max(this.#videoEndUs, this.#audioEndUs - AUDIO_LEAD_US) : this.#audioEndUs;
  }

  /** Ends the open segment if the fragment must not be in it. */
  #cutBefore(open: Segment, fragment: HlsFragment, isLead: boolean): void {
    const limits = this.#limits;
    const elapsedUs = fragment.dtsUs - open.start.startUs;
    if (isLead) {
      const positionUs = this.#positionUs();
      if (Number.isFinite(positionUs) && Math.abs(fragment.dtsUs - positionUs) > limits.maxHoleUs) {
        this.discontinue();
        return;
      }
      const leastUs = this.#hasVideo ? limits.minSegmentUs : limits.audioSegmentUs;
      const isTooLong = elapsedUs > maxSegmentUs(this.targetDurationS);
      if (isTooLong) {
        this.cut();
        this.#startsFresh = true;
        return;
      }
      if (fragment.isKey && elapsedUs >= leastUs) {
        // Sound that came between the last frame of a full part and the key frame goes into the next segment: a part
        // of its own would have next to no length on the timeline of the video.
        const restUs = fragment.dtsUs - open.partStartUs;
        if (open.parts.length > 0 && restUs < this.#frameUs / 2) this.#carried = open.takeOpenPart();
        this.#closeSegment(open, fragment.dtsUs, true);
        return;
      }
    }
    const isFull =
      open.fragments.length >= limits.maxSegmentFragments ||
      (open.byteCount > 0 && open.byteCount + fragment.bytes.length > limits.maxSegmentBytes);
    if (isFull) this.cut();
  }

  /** Publishes the open part if it is long enough, and the segment if no whole part more would fit. */
  #cutAfter(open: Segment): void {
    const positionUs = this.#positionUs();
    const elapsedUs = positionUs - open.partStartUs;
    if (elapsedUs < PART_FLOOR * this.partTargetUs || elapsedUs + this.#frameUs <= this.partTargetUs) return;
    open.closePart(Math.min(elapsedUs, this.partTargetUs));
    this.version++;
    const longestUs = maxSegmentUs(this.targetDurationS);
    const filledUs = Math.max(open.partsUs, positionUs - open.start.startUs);
    // Sound can be cut anywhere: whole parts, as near to the wished length as they come.
    const isAudioDue = !this.#hasVideo && filledUs + this.partTargetUs / 2 > this.#limits.audioSegmentUs;
    if (isAudioDue || filledUs + this.partTargetUs > longestUs) this.#closeSegment(open, positionUs, false);
  }

  #openSegment(fragment: HlsFragment, wallMs: number): Segment {
    const isFresh = this.#startsFresh;
    const startUs = isFresh ? fragment.dtsUs : this.#cursorUs;
    if (isFresh && (this.#isDiscontinuous || this.#nextMsn === 0)) {
      // Never before the end of the last segment: two segments must not claim the same programme time.
      this.#anchorWallMs = Math.max(wallMs, this.#programEndMs);
      this.#anchorUs = startUs;
    }
    const open = new Segment({
      msn: this.#nextMsn,
      generation: this.#generation,
      hasDiscontinuity: this.#isDiscontinuous,
      startUs,
      positionUs: this.#shelf.endPositionUs,
      programDateTimeMs: this.#anchorWallMs + (startUs - this.#anchorUs) / 1_000,
    });
    this.#isDiscontinuous = false;
    this.#startsFresh = false;
    for (const bytes of this.#carried) open.add(bytes, false);
    this.#carried = [];
    this.open = open;
    return open;
  }

  #closeSegment(open: Segment, endUs: number, isNatural: boolean): void {
    if (open.hasOpenPart) {
      const restUs = Math.max(LEAST_US, endUs - open.partStartUs);
      open.closePart(Math.min(restUs, this.partTargetUs));
    }
    const trueUs = Math.max(LEAST_US, endUs - open.start.startUs);
    const durationUs = Math.min(trueUs, maxSegmentUs(this.targetDurationS));
    if (isNatural) this.#expectedUs = durationUs;
    this.open = undefined;
    this.#shelve(open, durationUs);
  }

  #shelve(segment: Segment, durationUs: number): void {
    segment.close(durationUs);
    this.#cursorUs = segment.start.startUs + durationUs;
    this.#programEndMs = segment.start.programDateTimeMs + durationUs / 1_000;
    this.#nextMsn++;
    this.version++;
    this.#shelf.add(segment, this.targetDurationS);
  }
}
