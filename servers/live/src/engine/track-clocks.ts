/** Where a picture goes, in microseconds. */
export interface VideoTiming {
  readonly dtsUs: number;
  /** How long the picture is thought to last: the next one has not come yet. */
  readonly durationUs: number;
}

const FIRST_GUESS_US = 33_333;
const DURATION_MIN_US = 4_000;
const DURATION_MAX_US = 100_000;

/**
 * Browsers take a step in decoding time beyond twice the last duration for a discontinuity, and then drop every picture
 * up to the next key frame (Media Source Extensions §3.5.8, coded frame processing, step 1.6). Steps are kept below.
 */
const STEP_LIMIT = 1.9;

/**
 * Decoding times and durations of pictures that are sent on the moment they arrive.
 *
 * To know a picture's duration one would have to hold it until the next one comes, a whole frame of latency. So the
 * duration is a guess, the usual distance between pictures, and after a hole (a picture lost on the publisher's side, a
 * phone screen that stood still) decoding time catches up in steps that browsers accept. Only decoding time: the
 * presentation time of each picture stays exact.
 */
export class VideoClock {
  #guessUs = FIRST_GUESS_US;
  #arrivedDtsUs: number | undefined;
  #sentDtsUs: number | undefined;

  next(dtsUs: number): VideoTiming {
    if (this.#arrivedDtsUs !== undefined) this.#learn(dtsUs - this.#arrivedDtsUs);
    const paced = this.#sentDtsUs === undefined ? dtsUs : Math.min(dtsUs, this.#sentDtsUs + this.#stepLimitUs);
    this.#stepLimitUs = Math.floor(this.#guessUs * STEP_LIMIT);
    this.#arrivedDtsUs = dtsUs;
    this.#sentDtsUs = paced;
    return { dtsUs: paced, durationUs: this.#guessUs };
  }

  #stepLimitUs = 0;

  #learn(deltaUs: number): void {
    if (deltaUs < DURATION_MIN_US) return;
    // A single long gap says nothing of the usual distance; several in a row move the guess.
    const boundedUs = Math.min(deltaUs, 2 * this.#guessUs, DURATION_MAX_US);
    this.#guessUs = Math.round(this.#guessUs + (boundedUs - this.#guessUs) / 4);
  }
}

/** Where an audio frame goes. */
export interface AudioTiming {
  readonly kind: "place";
  readonly dtsUs: number;
  /** Frames of silence to put in before it, each as long as the frame itself. */
  readonly silenceCount: number;
}

export interface AudioDrop {
  readonly kind: "drop";
}

/** A longer hole is left open rather than filled. */
const SILENCE_LIMIT_US = 3_000_000;

/** Frames that are this far from where they belong are put right at once, in microseconds. */
const AT_ONCE_US = 100_000;

/** Nearer ones only when so many in a row are on the same side; about a second. */
const PATIENCE_FRAMES = 40;

/**
 * Places audio frames end to end.
 *
 * RTMP rounds to milliseconds, so frames of 21.33 or 23.22 ms arrive with gaps and overlaps that a decoder may turn
 * into clicks, and some publishers (GStreamer's live muxer) stamp them in pairs, more than a frame off. Frames are
 * counted instead. When the count has left the wire, it is put right: by silence in a hole, since a browser would take
 * that for a discontinuity of the whole stream, or by leaving a frame out. A large error is put right at once, a small
 * one when it has lasted, for jitter goes to both sides and a lost frame to one.
 */
export class AudioClock {
  readonly #frameUs: number;
  #nextUs: number | undefined;
  /** Frames in a row that were off to the same side, and the least of their errors. */
  #offCount = 0;
  #leastErrorUs = 0;

  /**
   * @param frameUs Duration of one frame in microseconds, not rounded.
   * @param startUs Where the sound of a former format ended, to go on from; the first frame's own time if absent.
   */
  constructor(frameUs: number, startUs?: number) {
    this.#frameUs = frameUs;
    this.#nextUs = startUs;
  }

  /** Where the last frame ends, in microseconds; `undefined` before there was one. */
  get endUs(): number | undefined {
    return this.#nextUs;
  }

  next(dtsUs: number): AudioTiming | AudioDrop {
    const expectedUs = this.#nextUs;
    if (expectedUs === undefined) return this.#place(dtsUs, 0);
    const errorUs = this.#judge(dtsUs - expectedUs);
    if (Math.abs(errorUs) < 0.9 * this.#frameUs) return this.#place(expectedUs, 0);
    if (errorUs < 0) return { kind: "drop" };
    if (errorUs > SILENCE_LIMIT_US) return this.#place(dtsUs, 0);
    const silenceCount = Math.round(errorUs / this.#frameUs);
    return this.#place(expectedUs + silenceCount * this.#frameUs, silenceCount);
  }

  /** The error to put right now; 0 while it may be jitter. */
  #judge(errorUs: number): number {
    if (Math.abs(errorUs) >= AT_ONCE_US) {
      this.#offCount = 0;
      return errorUs;
    }
    const isOff = Math.abs(errorUs) >= 0.9 * this.#frameUs;
    const isSameSide = this.#offCount > 0 && errorUs > 0 === this.#leastErrorUs > 0;
    if (!isOff) {
      this.#offCount = 0;
      return 0;
    }
    this.#offCount = isSameSide ? this.#offCount + 1 : 1;
    const isLess = !isSameSide || Math.abs(errorUs) < Math.abs(this.#leastErrorUs);
    if (isLess) this.#leastErrorUs = errorUs;
    if (this.#offCount < PATIENCE_FRAMES) return 0;
    this.#offCount = 0;
    return this.#leastErrorUs;
  }

  /**
   * Leaves room for `count` frames behind the last one, or from `startUs` on if there was none.
   *
   * @returns Where the room ends, in microseconds.
   */
  skip(count: number, startUs: number): number {
    this.#nextUs = (this.#nextUs ?? startUs) + count * this.#frameUs;
    return this.#nextUs;
  }

  #place(dtsUs: number, silenceCount: number): AudioTiming {
    this.#nextUs = dtsUs + this.#frameUs;
    return { kind: "place", dtsUs: Math.round(dtsUs), silenceCount };
  }
}
