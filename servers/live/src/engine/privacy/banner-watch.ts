import type { Kernels, NetInput } from "@kagami/kernels";
import { BannerFinder, type Sighting } from "./banner-finder.ts";
import { BannerTracker, type Following } from "./banner-tracker.ts";
import { isStill } from "./cell-history.ts";
import type { CellBox, Grid } from "./grid.ts";
import { isScrolled } from "./scene-motion.ts";
import type { Track } from "./track.ts";

/**
 * Looks for banners and follows them.
 *
 * A picture is looked at quickly. If that leaves a doubt, it is looked at thoroughly, and so are those after it, without
 * a quick look, until there is none: only the first of them takes the time of both.
 */
export class BannerWatch {
  readonly #finder: BannerFinder;
  readonly #tracker = new BannerTracker();
  #isInDoubt = false;

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

  /** Forgets all banners, because pictures to come are laid out otherwise. */
  clear(): void {
    this.#tracker.clear();
    this.#isInDoubt = false;
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
    const wasInDoubt = this.#isInDoubt;
    let sightings: readonly Sighting[] = this.#finder.find(input, this.#tracker.lowest, wasInDoubt).filter(isMeant);
    this.#isInDoubt = this.#tracker.isInDoubt(sightings, grid, isStillAt);
    if (this.#isInDoubt && !wasInDoubt) sightings = this.#finder.findAgain(input).filter(isMeant);
    return this.#tracker.follow(sightings, grid, timeUs, isStillAt, isSettled, (box) => isScrolled(input, box));
  }

  /** The picture is the same as the one before. */
  stay(timeUs: number): Following {
    return this.#tracker.stay(timeUs);
  }
}
