import { type Sighting, shareOf } from "./banner-finder.ts";
import type { CellBox } from "./grid.ts";
import {
  coverOf,
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

/** Follows banners from picture to picture: from sightings to what is hidden. */
export class BannerTracker {
  #tracks: Track[] = [];
  #before: readonly Sighting[] = [];
  #bannerCount = 0;

  get tracks(): readonly Track[] {
    return this.#tracks;
  }

  /** Banners that were confirmed since the start. */
  get bannerCount(): number {
    return this.#bannerCount;
  }

  /** Forgets all tracks, because pictures to come are laid out otherwise. */
  clear(): void {
    this.#tracks = [];
    this.#before = [];
  }

  /**
   * Takes in what was seen in a picture that was different from the one before.
   *
   * @param columns, unit Of the grid.
   * @returns Whether a banner was seen for the first time, so that the picture before may have had it as well.
   */
  follow(sightings: readonly Sighting[], columns: number, unit: number, timeUs: number): boolean {
    for (const track of this.#tracks) {
      const sighting =
        likeliestOf(sightings, track.box, unit, TRACKING.keepMoving) ??
        likeliestOf(
          sightings.filter((seen) => shareOf(track.box, seen) >= TRACKING.keepShare),
          track.box,
          unit,
          TRACKING.keep,
        );
      if (sighting) {
        followTrack(track, sighting, timeUs);
        if (track.foundCount === TRACKING.confirmCount) this.#bannerCount++;
      } else missTrack(track);
    }
    let hasStarted = false;
    for (const sighting of sightings) {
      if (this.#tracks.length >= TRACK_LIMIT) break;
      if (this.#tracks.some((track) => isHidden(track, sighting, columns))) continue;
      const before = likeliestOf(this.#before, sighting, unit, TRACKING.enterEach);
      const together = sighting.logOdds + (before?.logOdds ?? Number.NEGATIVE_INFINITY);
      const isPair = sighting.logOdds >= TRACKING.enterEach && together >= TRACKING.enterTogether;
      if (!isPair && sighting.logOdds < TRACKING.enterAlone) continue;
      this.#tracks.push(startTrack(sighting, before, unit, timeUs));
      hasStarted = true;
    }
    this.#before = sightings;
    this.#endAt(timeUs);
    return hasStarted;
  }

  /** The picture is the same as the one before: what was there still is. */
  stay(timeUs: number): void {
    for (const track of this.#tracks) keepTrack(track, timeUs);
    this.#endAt(timeUs);
  }

  /** While a banner is followed, what it covers is remembered, but not for ever. */
  isHolding(timeUs: number): boolean {
    return this.#tracks.some((track) => timeUs - track.sinceUs <= TRACKING.stillUs);
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

function isHidden(track: Track, sighting: CellBox, columns: number): boolean {
  const { left, top, right, bottom } = coverOf(track, 0, columns);
  const width = Math.min(right, sighting.right) - Math.max(left, sighting.left);
  const height = Math.min(bottom, sighting.bottom) - Math.max(top, sighting.top);
  return (
    width > 0 &&
    height > HIDDEN_SHARE * (sighting.bottom - sighting.top) &&
    width > 0.9 * (sighting.right - sighting.left)
  );
}
