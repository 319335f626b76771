import type { Sighting } from "./banner-finder.ts";
import type { CellBox } from "./grid.ts";

/** Numbers of following a banner; lengths in fractions of the screen's shorter side unless they say otherwise. */
export const TRACKING = {
  /** Log-odds at which one picture alone is enough. */
  enterAlone: 2.5,
  /** Log-odds that each of two pictures in a row must have, and their sum. */
  enterEach: 0,
  enterTogether: 2,
  /** Log-odds at which a banner that is known is still there, wherever it went. */
  keepMoving: 0,
  /** The same for a box that shares so much with where it was, of both together. */
  keep: -1,
  keepShare: 0.6,
  /** Pictures that make a suspect a banner. */
  confirmCount: 4,
  /** How long a banner, and a suspect that was none, stay hidden after they were last seen. */
  holdUs: 400_000,
  suspectHoldUs: 250_000,
  /** A card that nothing moves in is not asked for again for so long. */
  stillUs: 10_000_000,
  /** Share of the smaller box that two boxes of one banner have in common, at least. */
  sameShare: 0.5,
  /** A card that slides in or out goes so far between two pictures at most. */
  slide: 0.4,
  /** A box that begins so near to the upper edge may be sliding. */
  nearTop: 0.04,
  /** What is hidden around a card. */
  margin: 0.025,
  /** Pictures of sliding that are hidden in advance. */
  slideAhead: 1.5,
  /** How far beyond its first sight a card is hidden at its sides and below: it has just begun. */
  startSides: 0.03,
  startBelow: 0.06,
  /** For so long after the start a card may grow, and all that it has been is hidden. */
  growUs: 800_000,
  /** What is hidden shrinks towards the card by so many cells in a picture. */
  shrinkCells: 0.15,
} as const;

/** A card that is followed; all lengths in cells. */
export interface Track {
  box: CellBox;
  /** That its lower edge went down with the last picture. */
  speed: number;
  /** What is hidden, without margin. */
  cover: CellBox;
  readonly sinceUs: number;
  seenUs: number;
  /** When it was last found by its looks; `seenUs` goes on while nothing moves. */
  foundUs: number;
  foundCount: number;
  /** Whether the last picture that was different still had it. */
  isThere: boolean;
  logOdds: number;
}

/** Whether two pictures' boxes can be one card, that stands still, slides in or out, or grows. */
export function isSameCard(before: CellBox, now: CellBox, unit: number): boolean {
  if (overlap(before.left, before.right, now.left, now.right) < TRACKING.sameShare) return false;
  if (overlap(before.top, before.bottom, now.top, now.bottom) >= TRACKING.sameShare) return true;
  const isSliding = Math.min(before.top, now.top) <= TRACKING.nearTop * unit;
  return isSliding && Math.abs(now.bottom - before.bottom) <= TRACKING.slide * unit;
}

/** What two spans share, of the shorter one. */
function overlap(from: number, to: number, otherFrom: number, otherTo: number): number {
  const shared = Math.min(to, otherTo) - Math.max(from, otherFrom);
  return shared / Math.max(1e-6, Math.min(to - from, otherTo - otherFrom));
}

/** @param before Where it was in the picture before, if it was seen there. */
export function startTrack(sighting: Sighting, before: Sighting | undefined, unit: number, timeUs: number): Track {
  const seen = before ? enclose(sighting, before) : sighting;
  return {
    box: sighting,
    speed: before ? Math.max(0, sighting.bottom - before.bottom) : 0,
    cover: {
      left: seen.left - TRACKING.startSides * unit,
      top: seen.top <= TRACKING.nearTop * unit ? 0 : seen.top,
      right: seen.right + TRACKING.startSides * unit,
      bottom: seen.bottom + TRACKING.startBelow * unit,
    },
    sinceUs: timeUs,
    seenUs: timeUs,
    foundUs: timeUs,
    foundCount: before ? 2 : 1,
    isThere: true,
    logOdds: sighting.logOdds,
  };
}

/** Follows the card to where it was seen. */
export function followTrack(track: Track, sighting: Sighting, timeUs: number): void {
  const moved = sighting.bottom - track.box.bottom;
  track.speed = Math.max(0, moved);
  track.box = sighting;
  track.seenUs = timeUs;
  track.foundUs = timeUs;
  track.foundCount++;
  track.isThere = true;
  track.logOdds = sighting.logOdds;
  const isGrowing = timeUs - track.sinceUs <= TRACKING.growUs;
  track.cover = enclose(sighting, isGrowing ? track.cover : shrunk(track.cover));
}

/** The card was not found: it leaves, or was overlooked. */
export function missTrack(track: Track): void {
  track.isThere = false;
  track.speed = 0;
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

/** What is hidden of a card, margin included; of one that leaves, through the top or to a side, all on its way. */
export function coverOf({ cover, speed, isThere }: Track, unit: number, columns: number): CellBox {
  const margin = TRACKING.margin * unit;
  return {
    left: isThere ? cover.left - margin : 0,
    top: isThere ? cover.top - margin : 0,
    right: isThere ? cover.right + margin : columns,
    bottom: cover.bottom + margin + speed * TRACKING.slideAhead,
  };
}

function enclose(a: CellBox, b: CellBox): CellBox {
  return {
    left: Math.min(a.left, b.left),
    top: Math.min(a.top, b.top),
    right: Math.max(a.right, b.right),
    bottom: Math.max(a.bottom, b.bottom),
  };
}

function shrunk({ left, top, right, bottom }: CellBox): CellBox {
  const by = TRACKING.shrinkCells;
  return { left: left + by, top: top + by, right: right - by, bottom: bottom - by };
}
