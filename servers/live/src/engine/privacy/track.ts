import type { Candidate } from "./candidates.ts";
import type { Sighting } from "./looker.ts";

/** Numbers of following a banner; lengths in fractions of the picture's shorter side unless they say otherwise. */
export const TRACKING = {
  /** Log-odds at which one picture alone is enough. */
  enterAlone: 4.5,
  /** Log-odds that each of two pictures in a row must have, and their sum. */
  enterEach: 0,
  enterTogether: 2,
  /** Log-odds at which a banner that is known is still there. */
  keep: -2,
  /** Pictures that make a suspect a banner. */
  confirmCount: 4,
  /** How long a banner, and a suspect that was none, stay hidden after they were last seen. */
  holdUs: 450_000,
  suspectHoldUs: 250_000,
  /** A card that nothing moves in is not asked for again for so long. */
  stillUs: 10_000_000,
  /** How far the same card's side and edges may be from one picture to the next. */
  sameSide: 0.025,
  sameEdge: 0.08,
  /** How far the side of a card goes that grows out of a smaller one, with its upper edge standing still. */
  growSide: 0.06,
  /** A card that slides goes so far between two pictures at most. */
  slide: 0.4,
  /** What is hidden around a card. */
  margin: 0.02,
  /** Pictures of sliding that are hidden in advance. */
  slideAhead: 1.5,
  /** For so long after the start a card may grow, and all that it has been is hidden. */
  growUs: 800_000,
  /** Samples of the small picture that a card at rest seems to move by. */
  settled: 1,
} as const;

/** A card that is followed; samples of the small picture. */
export interface Track {
  left: number;
  top: number;
  bottom: number;
  /** Samples that the lower edge went down with the last picture. */
  speed: number;
  /** What has been hidden since the start, without margin. */
  coverLeft: number;
  coverTop: number;
  coverBottom: number;
  readonly sinceUs: number;
  seenUs: number;
  /** When it was last found by its looks; `seenUs` goes on while nothing moves in it. */
  foundUs: number;
  foundCount: number;
  /** Whether the last picture that was different still had it. */
  isThere: boolean;
  logOdds: number;
}

/** Where a card is, in samples of the small picture. */
export type Card = Pick<Candidate, "left" | "top" | "bottom">;

/** Whether two pictures' sightings can be one card, that stands still, slides in or out, or grows. */
export function isSameCard(before: Card, now: Card, unit: number): boolean {
  const isTopHidden = before.top === 0 || now.top === 0;
  const sideways = Math.abs(before.left - now.left);
  if (sideways > (isTopHidden ? TRACKING.sameSide : TRACKING.growSide) * unit + 1) return false;
  const moved = Math.abs(now.bottom - before.bottom);
  if (isTopHidden) return moved <= TRACKING.slide * unit;
  return moved <= TRACKING.sameEdge * unit && Math.abs(now.top - before.top) <= TRACKING.sameEdge * unit;
}

export function startTrack(sighting: Sighting, before: Sighting | undefined, timeUs: number): Track {
  const { left, top, bottom, logOdds } = sighting;
  return {
    left,
    top,
    bottom,
    speed: before ? Math.max(0, bottom - before.bottom) : 0,
    coverLeft: before ? Math.min(left, before.left) : left,
    coverTop: before ? Math.min(top, before.top) : top,
    coverBottom: before ? Math.max(bottom, before.bottom) : bottom,
    sinceUs: timeUs,
    seenUs: timeUs,
    foundUs: timeUs,
    foundCount: before ? 2 : 1,
    isThere: true,
    logOdds,
  };
}

/** Follows the card to where it was seen. */
export function followTrack(track: Track, sighting: Sighting, timeUs: number): void {
  const moved = sighting.bottom - track.bottom;
  track.speed = Math.max(0, moved);
  track.left = sighting.left;
  track.top = sighting.top;
  track.bottom = sighting.bottom;
  track.seenUs = timeUs;
  track.foundUs = timeUs;
  track.foundCount++;
  track.isThere = true;
  track.logOdds = sighting.logOdds;
  if (timeUs - track.sinceUs <= TRACKING.growUs) {
    track.coverLeft = Math.min(track.coverLeft, track.left);
    track.coverTop = Math.min(track.coverTop, track.top);
    track.coverBottom = Math.max(track.coverBottom, track.bottom);
  } else {
    track.coverLeft = track.left;
    track.coverTop = moved < -TRACKING.settled ? 0 : Math.min(track.top, track.coverTop + 1);
    track.coverBottom = Math.max(track.bottom, track.coverBottom - 1);
  }
}

/** The card was not found: it leaves, through the top or to a side, and all on its way is hidden. */
export function missTrack(track: Track): void {
  track.isThere = false;
  track.speed = 0;
  track.coverTop = 0;
  track.coverLeft = 0;
}

/** Nothing moved where the card is, so that it is there if it was. */
export function keepTrack(track: Track, timeUs: number): void {
  if (track.isThere && timeUs - track.foundUs <= TRACKING.stillUs) track.seenUs = timeUs;
}

/** Whether a track has been without its card for too long to stay. */
export function hasEnded(track: Track, timeUs: number): boolean {
  const holdUs = track.foundCount >= TRACKING.confirmCount ? TRACKING.holdUs : TRACKING.suspectHoldUs;
  return timeUs - track.seenUs > holdUs;
}
