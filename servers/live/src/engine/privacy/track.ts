import type { Sighting } from "./banner-finder.ts";
import type { CellBox, Grid } from "./grid.ts";

/** Numbers of following a banner; lengths in fractions of the screen's shorter side unless they say otherwise. */
export const TRACKING = {
  /** Log-odds at a quick look from which something may begin, and from which what is followed is clearly there. */
  doubt: -1,
  clear: 1.5,
  /** Log-odds at which one picture alone is enough. */
  enterAlone: 2,
  /** The same while nobody knows what was there before. */
  enterUnsettled: 4,
  /** Log-odds that each of two pictures in a row must have, and their sum. */
  enterEach: -0.5,
  enterTogether: 1.5,
  /** Log-odds that each of two parts of a wide card must have. */
  enterPart: 2,
  /** Log-odds at which the picture before is held for another one to be looked at. */
  unsure: -2,
  /** Log-odds at which a banner that is known is still there, wherever it went. */
  keepMoving: 0,
  /** The same for a box that shares so much with where it was, of both together. */
  keep: -1,
  keepShare: 0.6,
  /** Log-odds at which all that may be the card is hidden, not only what is likeliest. */
  coverFrom: 0.5,
  /** A card whose left or right edge is so far from where it was leaves sideways. */
  aside: 0.045,
  /** How much of the way to where they are the edges at rest follow in a picture. */
  restShare: 0.1,
  /** Two tracks that share so much of both together are one. */
  oneShare: 0.6,
  /** Pictures that make a suspect a banner. */
  confirmCount: 4,
  /** How long a banner, and a suspect that was none, stay hidden after they were last seen. */
  holdUs: 300_000,
  suspectHoldUs: 150_000,
  /** A card that nothing moves in is not asked for again for so long. */
  stillUs: 10_000_000,
  /** Share of the smaller box that two boxes of one banner have in common, at least. */
  sameShare: 0.5,
  /** A card that slides in or out goes so far between two pictures at most. */
  slide: 0.4,
  /** A box that begins so near to the upper edge may be sliding. */
  nearTop: 0.04,
  /** What is hidden around a card. */
  margin: 0.012,
  /** All that a card has been within this time is hidden. */
  memoryUs: 130_000,
  /** How far beyond its first sight a card is hidden at its sides and below: it has just begun. */
  startSides: 0.03,
  startBelow: 0.05,
} as const;

/** A card that is followed; all lengths in cells. */
export interface Track {
  box: CellBox;
  /** Where it was of late, the oldest first; never empty. */
  recent: readonly { readonly box: CellBox; readonly timeUs: number }[];
  /** Left and right edge, as they were for a while. */
  restLeft: number;
  restRight: number;
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
  // It comes from above, or grows: the pictures before had it within this.
  const start = {
    left: seen.left - TRACKING.startSides * unit,
    top: 0,
    right: seen.right + TRACKING.startSides * unit,
    bottom: seen.bottom + TRACKING.startBelow * unit,
  };
  return {
    box: sighting,
    recent: [{ box: start, timeUs }],
    restLeft: sighting.left,
    restRight: sighting.right,
    sinceUs: timeUs,
    seenUs: timeUs,
    foundUs: timeUs,
    foundCount: before ? 2 : 1,
    isThere: true,
    logOdds: sighting.logOdds,
  };
}

/**
 * Follows the card to where it was seen.
 *
 * @param others What else may be it, or another card over or under it.
 */
export function followTrack(track: Track, sighting: Sighting, others: readonly CellBox[], timeUs: number): void {
  track.box = sighting;
  track.recent = [
    ...track.recent.filter((entry) => Math.abs(timeUs - entry.timeUs) <= TRACKING.memoryUs),
    { box: others.reduce(enclose, sighting), timeUs },
  ];
  track.restLeft += TRACKING.restShare * (sighting.left - track.restLeft);
  track.restRight += TRACKING.restShare * (sighting.right - track.restRight);
  track.seenUs = timeUs;
  track.foundUs = timeUs;
  track.foundCount++;
  track.isThere = true;
  track.logOdds = sighting.logOdds;
}

/** The card was not found: it leaves, or was overlooked. */
export function missTrack(track: Track): void {
  track.isThere = false;
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
export function coverOf(track: Track, { screen, cellSize, unit, columns }: Grid): CellBox {
  const margin = TRACKING.margin * unit;
  const { isThere, box } = track;
  const cover = track.recent.map((entry) => entry.box).reduce(enclose);
  const aside = Math.max(Math.abs(box.left - track.restLeft), Math.abs(box.right - track.restRight));
  const isWide = !isThere || aside > TRACKING.aside * unit;
  // Banners are in the middle: what is seen of one side is true of the other.
  const middle = screen.width / cellSize / 2;
  const reach = Math.max(middle - cover.left, cover.right - middle) + margin;
  return {
    left: isWide ? 0 : middle - reach,
    top: isThere ? cover.top - margin : 0,
    // What is left of the screen beside whole cells belongs to the last one.
    right: isWide ? columns + 1 : middle + reach,
    bottom: cover.bottom + margin,
  };
}

/** The smallest box around two. */
export function enclose(a: CellBox, b: CellBox): CellBox {
  return {
    left: Math.min(a.left, b.left),
    top: Math.min(a.top, b.top),
    right: Math.max(a.right, b.right),
    bottom: Math.max(a.bottom, b.bottom),
  };
}
