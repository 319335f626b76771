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
/**
 * How a part of the page is known again after the page was scrolled: where it was, sharing so much of both boxes together,
 * seen so often, and for so long at most.
 */
const ON_PAGE = { share: 0.5, seenUs: 400_000, restUs: 2_000_000 } as const;

/** What a picture brought. */
export interface Following {
  /** A banner was seen for the first time: the pictures before may have had it as well. */
  readonly hasStarted: boolean;
  /** Something may become one. */
  readonly isUnsure: boolean;
}

/** What is known of a look besides what was seen. */
export interface Look {
  /** Whether nothing moved within a box: a card that was there cannot have left, whatever it looks like. */
  readonly isStillAt: (box: CellBox) => boolean;
  /** Whether it is known what was there before. */
  readonly isSettled: boolean;
  /** Whether the look was good enough to begin a banner by it; if not, it is only held for the next one. */
  readonly canStart: boolean;
  /** Whether what is in a box came with the page around it; asked only where a banner would begin. */
  readonly isScrolledAt: (box: CellBox) => boolean;
}

/** Follows banners from picture to picture: from sightings to what is hidden. */
export class BannerTracker {
  #tracks: Track[] = [];
  #before: readonly Sighting[] = [];
  #isUnsure = false;
  #bannerCount = 0;
  /** What would have been a banner, had it not come with the page. */
  #onPage: { readonly box: CellBox; readonly seenUs: number; readonly scrolledUs: number } | undefined;

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
    this.#onPage = undefined;
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

  /** Takes in what was seen in a picture that was different from the one before. */
  follow(sightings: readonly Sighting[], grid: Grid, timeUs: number, look: Look): Following {
    const { isStillAt } = look;
    for (const track of this.#tracks) {
      if (this.#find(track, sightings, grid.unit, timeUs)) continue;
      if (track.isThere && track.foundCount >= TRACKING.confirmCount && isStillAt(track.box)) keepTrack(track, timeUs);
      else missTrack(track);
    }
    let hasStarted = false;
    let isUnsure = false;
    for (const part of sightings) {
      if (this.#tracks.length >= TRACK_LIMIT) break;
      this.#seeOnPage(part, timeUs);
      const sighting = wholeOf(part, sightings, grid);
      if (!this.#mayBegin(sighting, grid)) continue;
      const before = likeliestOf(this.#before, sighting, grid.unit, TRACKING.enterEach);
      if (look.canStart && isSure(sighting, before, look.isSettled) && canBegin(sighting, grid, false)) {
        if (this.#isPartOfPage(sighting, timeUs, look)) continue;
        this.#tracks.push(startTrack(sighting, before, grid, timeUs));
        hasStarted = true;
      } else if (sighting.logOdds >= (look.canStart ? TRACKING.unsure : TRACKING.doubt)) isUnsure = true;
    }
    this.#before = look.canStart ? sightings : sightings.map(lessSure);
    this.#isUnsure = isUnsure;
    this.#endAt(timeUs);
    this.#merge();
    return { hasStarted, isUnsure };
  }

  /** What came with the page stays a part of it when the page comes to rest. */
  #isPartOfPage(sighting: Sighting, timeUs: number, look: Look): boolean {
    const isScrolled = look.isScrolledAt(sighting);
    const known = this.#onPage;
    const scrolledUs = isScrolled ? timeUs : known?.scrolledUs;
    if (scrolledUs === undefined) return false;
    const isKnown =
      known !== undefined &&
      Math.abs(timeUs - known.seenUs) <= ON_PAGE.seenUs &&
      Math.abs(timeUs - scrolledUs) <= ON_PAGE.restUs &&
      sighting.logOdds < TRACKING.enterOnPage &&
      shareOf(known.box, sighting) >= ON_PAGE.share;
    if (!isScrolled && !isKnown) return false;
    this.#onPage = { box: sighting, seenUs: timeUs, scrolledUs };
    return true;
  }

  /** Follows a part of the page, however little it looks like a banner now. */
  #seeOnPage(sighting: Sighting, timeUs: number): void {
    const known = this.#onPage;
    if (!known || timeUs === known.seenUs || shareOf(known.box, sighting) < ON_PAGE.share) return;
    this.#onPage = { ...known, box: sighting, seenUs: timeUs };
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

/** What a quick look says counts less. */
function lessSure(sighting: Sighting): Sighting {
  return { ...sighting, logOdds: Math.min(TRACKING.quickMost, sighting.logOdds) };
}

/** @param before Where it was in the picture before, if it was seen there. */
function isSure({ logOdds }: Sighting, before: Sighting | undefined, isSettled: boolean): boolean {
  if (!isSettled) return logOdds >= TRACKING.enterUnsettled;
  const together = logOdds + (before?.logOdds ?? Number.NEGATIVE_INFINITY);
  return logOdds >= TRACKING.enterAlone || (logOdds >= TRACKING.enterEach && together >= TRACKING.enterTogether);
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
