import type { Kernels, NetInput } from "@kagami/kernels";
import { BannerFinder, isBelowUpper } from "./banner-finder.ts";
import { BannerTracker, type Following } from "./banner-tracker.ts";
import { isStill } from "./cell-history.ts";
import type { CellBox, Grid } from "./grid.ts";
import { isScrolled } from "./scene-motion.ts";
import type { Track } from "./track.ts";

/** A quick look and one by each of the thorough networks: more say no more of a picture. */
const LOOKS = 3;

/**
 * Looks for banners and follows them.
 *
 * A picture is looked at once, quickly. If that leaves a doubt, the next one is looked at thoroughly instead, and so are
 * those after it until there is none: no picture takes the time of both, and what begins is held back for long enough
 * to be hidden all the same. Where a banner reaches far down, only the quick look can see all of it in that time.
 */
export class BannerWatch {
  readonly #finder: BannerFinder;
  readonly #tracker = new BannerTracker();
  #isInDoubt = false;
  /** Looks in a row that left a doubt. */
  #doubtCount = 0;

  constructor(kernels: Kernels) {
    this.#finder = new BannerFinder(kernels);
  }

  get tracks(): readonly Track[] {
    return this.#tracker.tracks;
  }

  /** Banners that were confirmed since the start. */
  get bannerCount(): number {
    return this.#tracker.bannerCount;
  }

  /** While a banner is followed, what it covers is remembered, but not for ever. */
  isHolding(timeUs: number): boolean {
    return this.#tracker.isHolding(timeUs);
  }

  /** Whether the last look left a doubt that another one may end, even at a picture in which nothing is different. */
  get isAwaiting(): boolean {
    return this.#isInDoubt && this.#doubtCount < LOOKS;
  }

  /** Forgets all banners, because pictures to come are laid out otherwise. */
  clear(): void {
    this.#tracker.clear();
    this.#isInDoubt = false;
    this.#doubtCount = 0;
  }

  /**
   * Takes in a picture that is different from the one before.
   *
   * @param isSettled Whether it is known what was there before.
   * @param isMeant Whether a box may be a banner of the style that is searched for.
   */
  follow(
    input: NetInput,
    grid: Grid,
    timeUs: number,
    isSettled: boolean,
    isMeant: (box: CellBox) => boolean,
  ): Following {
    const isStillAt = (box: CellBox): boolean => isStill(input, box);
    const tracker = this.#tracker;
    const isThorough = this.#isInDoubt && !isBelowUpper(tracker.lowest);
    const middle = grid.screen.width / grid.cellSize / 2;
    const seen = isThorough
      ? this.#finder.findThoroughly(input, middle)
      : this.#finder.find(input, tracker.lowest, middle);
    const sightings = seen.filter(isMeant);
    this.#isInDoubt = tracker.isInDoubt(sightings, grid, isStillAt);
    this.#doubtCount = this.#isInDoubt ? this.#doubtCount + 1 : 0;
    const canStart = isThorough || isBelowUpper(tracker.lowest);
    return tracker.follow(sightings, grid, timeUs, {
      isStillAt,
      isSettled,
      canStart,
      isScrolledAt: (box) => isScrolled(input, box),
    });
  }

  /** The picture is the same as the one before. */
  stay(timeUs: number): Following {
    return this.#tracker.stay(timeUs);
  }
}
