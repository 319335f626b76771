import { type Sighting, shareOf } from "./banner-finder.ts";
import type { CellBox, Grid } from "./grid.ts";
import { canBegin } from "./profiles.ts";
import {
  coverOf,
  enclose,
  followTrack,
  hasEnded,
  isSameCard,
  keepTrack,
  missTrack,
  startTrack,
  TRACKING,
  type Track,
} from "./track.ts";

/** Banners that are followed at one time. */
const TRACK_LIMIT = 3;
/** A sighting that shares so much of its height with what is hidden already is no other card. */
const HIDDEN_SHARE = 0.6;
/** Two parts of one card share so much of the taller one's height. */
const PART_SHARE = 0.6;

/** What a picture brought. */
export interface Following {
  /** A banner was seen for the first time: the pictures before may have had it as well. */
  readonly hasStarted: boolean;
  /** Something may become one. */
  readonly isUnsure: boolean;
}

/** Follows banners from picture to picture: from sightings to what is hidden. */
export class BannerTracker {
  #tracks: Track[] = [];
  #before: readonly Sighting[] = [];
  #isUnsure = false;
  #bannerCount = 0;

  get tracks(): readonly Track[] {
    return this.#tracks;
  }

  /** Banners that were confirmed since the start. */
  get bannerCount(): number {
    return this.#bannerCount;
  }

  /** Lower edge of the lowest banner, in cells; 0 if there is none. */
  get lowest(): number {
    return this.#tracks.reduce((lowest, { box }) => Math.max(lowest, box.bottom), 0);
  }

  /** Forgets all tracks, because pictures to come are laid out otherwise. */
  clear(): void {
    this.#tracks = [];
    this.#before = [];
    this.#isUnsure = false;
  }

  /**
   * Whether what was seen in a picture at a quick look is not enough to go by: something may begin, or what is followed
   * was not clearly seen.
   */
  isInDoubt(sightings: readonly Sighting[], grid: Grid, isStillAt: (box: CellBox) => boolean): boolean {
    const isUnclear = this.#tracks.some((track) => {
      if (track.foundCount < TRACKING.confirmCount) return true;
      return !likeliestOf(sightings, track.box, grid.unit, TRACKING.clear) && !(track.isThere && isStillAt(track.box));
    });
    return isUnclear || sightings.some((seen) => seen.logOdds >= TRACKING.doubt && this.#mayBegin(seen, grid));
  }

  #mayBegin(sighting: Sighting, grid: Grid): boolean {
    return canBegin(sighting, grid, true) && !this.#tracks.some((track) => isHidden(track, sighting, grid));
  }

  /**
   * Takes in what was seen in a picture that was different from the one before.
   *
   * @param isStillAt Whether nothing moved within a box: a card that was there cannot have left, whatever it looks like.
   * @param isSettled Whether it is known what was there before.
   * @param isScrolledAt Whether what is in a box came with the page around it; asked only where a banner would begin.
   */
  follow(
    sightings: readonly Sighting[],
    grid: Grid,
    timeUs: number,
    isStillAt: (box: CellBox) => boolean,
    isSettled: boolean,
    isScrolledAt: (box: CellBox) => boolean,
  ): Following {
    for (const track of this.#tracks) {
      if (this.#find(track, sightings, grid.unit, timeUs)) continue;
      if (track.isThere && track.foundCount >= TRACKING.confirmCount && isStillAt(track.box)) keepTrack(track, timeUs);
      else missTrack(track);
    }
    let hasStarted = false;
    let isUnsure = false;
    for (const part of sightings) {
      if (this.#tracks.length >= TRACK_LIMIT) break;
      const sighting = wholeOf(part, sightings, grid);
      if (!this.#mayBegin(sighting, grid)) continue;
      const before = likeliestOf(this.#before, sighting, grid.unit, TRACKING.enterEach);
      const together = sighting.logOdds + (before?.logOdds ?? Number.NEGATIVE_INFINITY);
      const isPair = sighting.logOdds >= TRACKING.enterEach && together >= TRACKING.enterTogether;
      const isSure = isSettled
        ? isPair || sighting.logOdds >= TRACKING.enterAlone
        : sighting.logOdds >= TRACKING.enterUnsettled;
      if (isSure && canBegin(sighting, grid, false)) {
        if (isScrolledAt(sighting)) continue;
        this.#tracks.push(startTrack(sighting, before, grid.unit, timeUs));
        hasStarted = true;
      } else if (sighting.logOdds >= TRACKING.unsure) isUnsure = true;
    }
    this.#before = sightings;
    this.#isUnsure = isUnsure;
    this.#endAt(timeUs);
    this.#merge();
    return { hasStarted, isUnsure };
  }

  #find(track: Track, sightings: readonly Sighting[], unit: number, timeUs: number): boolean {
    // Parts of a card look like cards themselves: what is where it was counts first.
    const near = sightings.filter((seen) => shareOf(track.box, seen) >= TRACKING.keepShare);
    const sighting =
      likeliestOf(near, track.box, unit, TRACKING.keep) ?? likeliestOf(sightings, track.box, unit, TRACKING.keepMoving);
    if (!sighting) return false;
    const others = sightings.filter((seen) => seen.logOdds >= TRACKING.coverFrom && isSameCard(track.box, seen, unit));
    followTrack(track, sighting, others, timeUs);
    if (track.foundCount === TRACKING.confirmCount) this.#bannerCount++;
    return true;
  }

  /** The picture is the same as the one before: what was there still is, and what was not clear is not. */
  stay(timeUs: number): Following {
    for (const track of this.#tracks) keepTrack(track, timeUs);
    this.#endAt(timeUs);
    return { hasStarted: false, isUnsure: this.#isUnsure };
  }

  /** While a banner is followed, what it covers is remembered, but not for ever. */
  isHolding(timeUs: number): boolean {
    return this.#tracks.some((track) => timeUs - track.sinceUs <= TRACKING.stillUs);
  }

  /** Of two tracks that came to follow the same card, the older one stays. */
  #merge(): void {
    if (this.#tracks.length < 2) return;
    this.#tracks = this.#tracks.filter(
      (track, i) => !this.#tracks.slice(0, i).some((older) => shareOf(older.box, track.box) > TRACKING.oneShare),
    );
  }

  #endAt(timeUs: number): void {
    this.#tracks = this.#tracks.filter((track) => !hasEnded(track, timeUs));
  }
}

function likeliestOf(sightings: readonly Sighting[], box: CellBox, unit: number, least: number): Sighting | undefined {
  let best: Sighting | undefined;
  for (const sighting of sightings) {
    if (sighting.logOdds >= (best?.logOdds ?? least) && isSameCard(box, sighting, unit)) best = sighting;
  }
  return best;
}

/**
 * A card that is wider than a place of the network can see comes as its left and its right part; neither is in the
 * middle, both together are.
 */
function wholeOf(part: Sighting, sightings: readonly Sighting[], grid: Grid): Sighting {
  if (grid.isPortrait || canBegin(part, grid, false)) return part;
  for (const other of sightings) {
    if (other === part || Math.min(part.logOdds, other.logOdds) < TRACKING.enterPart) continue;
    const shared = Math.min(part.bottom, other.bottom) - Math.max(part.top, other.top);
    const isBeside = Math.min(part.right, other.right) > Math.max(part.left, other.left);
    const lower = Math.max(part.bottom - part.top, other.bottom - other.top);
    if (!isBeside || shared < PART_SHARE * lower) continue;
    const whole = { ...enclose(part, other), logOdds: Math.min(part.logOdds, other.logOdds) };
    if (canBegin(whole, grid, false)) return whole;
  }
  return part;
}

function isHidden(track: Track, sighting: CellBox, grid: Grid): boolean {
  const { left, top, right, bottom } = coverOf(track, grid);
  const width = Math.min(right, sighting.right) - Math.max(left, sighting.left);
  const height = Math.min(bottom, sighting.bottom) - Math.max(top, sighting.top);
  return (
    width > 0 &&
    height > HIDDEN_SHARE * (sighting.bottom - sighting.top) &&
    width > 0.9 * (sighting.right - sighting.left)
  );
}
