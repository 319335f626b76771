/** The settings of one window. Every limit is reached in a test. */
export interface HlsLimits {
  /** Wished length of a part, in microseconds. */
  readonly partUs: number;
  /** Key frames closer than this to the start of the segment do not end it. */
  readonly minSegmentUs: number;
  /** Audio-only streams are cut at this length. */
  readonly audioSegmentUs: number;
  /** Least and greatest EXT-X-TARGETDURATION, in whole seconds. */
  readonly minTargetS: number;
  readonly maxTargetS: number;
  /** The first segment ends here at the latest, key frame or not, so that the first viewers do not wait for a long GOP. */
  readonly firstSegmentUs: number;
  /** A hole in the timestamps that is longer is a discontinuity. */
  readonly maxHoleUs: number;
  /** Segments listed, unless three Target Durations need more. */
  readonly segmentCount: number;
  /** Segments kept at most, listed or only fetchable. */
  readonly maxSegmentCount: number;
  /** Bytes of all segments kept. Beyond it the oldest go, even if the playlist becomes shorter than it should be. */
  readonly maxBytes: number;
  /** Bytes of one segment; it is cut there. */
  readonly maxSegmentBytes: number;
  /** Fragments of one segment; it is cut there. */
  readonly maxSegmentFragments: number;
}

/** Limits that fit a 1080p60 stream of 12 Mbit/s. */
export const DEFAULT_HLS_LIMITS: HlsLimits = {
  partUs: 200_000,
  minSegmentUs: 1_000_000,
  audioSegmentUs: 2_000_000,
  minTargetS: 2,
  maxTargetS: 6,
  firstSegmentUs: 2_450_000,
  maxHoleUs: 1_000_000,
  segmentCount: 7,
  maxSegmentCount: 96,
  maxBytes: 128 * 1024 * 1024,
  maxSegmentBytes: 32 * 1024 * 1024,
  maxSegmentFragments: 8_192,
};

/** Parts shorter than this share of PART-TARGET may only be the last of a segment (RFC 8216bis §4.4.4.9). */
export const PART_FLOOR = 0.85;

/** Longer parts are no low latency; slower streams (below 1 frame/s) get parts with a shortened DURATION instead. */
const PART_TARGET_LIMIT_US = 1_000_000;

/**
 * Chooses PART-TARGET for frames of `frameUs`: the whole number of frames that comes nearest to the wish, plus 3 % and
 * 1 ms, so that the jitter of millisecond timestamps neither breaks the upper bound nor, since one frame more would
 * not fit, the lower bound of 85 %.
 *
 * @returns Microseconds, a multiple of 1000.
 */
export function choosePartTargetUs(frameUs: number, wishUs: number): number {
  const frame = Math.max(1_000, frameUs);
  const wholeFramesUs = Math.max(1, Math.round(wishUs / frame)) * frame;
  return Math.min(PART_TARGET_LIMIT_US, Math.ceil((wholeFramesUs * 1.03 + 1_000) / 1_000) * 1_000);
}

/**
 * Chooses EXT-X-TARGETDURATION from the first segment. If that ended at a key frame its length is taken for the GOP;
 * if not, the GOP is long and unknown, and the greatest is taken.
 */
export function chooseTargetDurationS(firstSegmentUs: number, endsAtKey: boolean, limits: HlsLimits): number {
  if (!endsAtKey) return limits.maxTargetS;
  // A tenth of a second over a whole number still rounds down to it; more and the next GOP might not.
  const wishedS = Math.ceil((firstSegmentUs - 100_000) / 1_000_000);
  return Math.min(limits.maxTargetS, Math.max(limits.minTargetS, wishedS));
}

/** The longest segment: EXTINF, rounded to whole seconds, must not exceed the Target Duration (§4.4.3.1). */
export function maxSegmentUs(targetDurationS: number): number {
  return targetDurationS * 1_000_000 + 450_000;
}
