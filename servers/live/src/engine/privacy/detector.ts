import type { ImageSlot, Kernels, Region, YuvFrame } from "@kagami/kernels";
import type { Following } from "./banner-tracker.ts";
import { BannerWatch } from "./banner-watch.ts";
import { CellHistory } from "./cell-history.ts";
import type { BannerStyle, Detection, DetectionNote, Detector, ManualZone } from "./detection.ts";
import { type CellBox, type Grid, layOutGrid, toPicture } from "./grid.ts";
import { profileOf } from "./profiles.ts";
import { ScreenFinder } from "./screen.ts";
import { coverOf, TRACKING } from "./track.ts";

export interface DetectorOptions {
  /** Room for cells and the network is taken from them once, and never given back; about a megabyte. */
  readonly kernels: Kernels;
  readonly style: BannerStyle;
  readonly zones: readonly ManualZone[];
  /** Hides the top band for the first {@link COVER_US}: nobody knows what was there before. */
  readonly startsCovered: boolean;
}

/** How long the top band stays covered after a start, in microseconds. */
export const COVER_US = 1_000_000;
/** Height of the covered top band, in shorter sides of the picture. */
const COVER_HEIGHT = 0.5;

/**
 * Finds notification banners.
 *
 * Each picture's top band is measured in cells; where something in it changed, a small network says what looks like a
 * banner, by itself and by what was there before, and what looks like one is followed until it is gone. The numbers are
 * in `track.ts` and in the trained network.
 */
export function createDetector(options: DetectorOptions): Detector {
  return new BannerDetector(options);
}

class BannerDetector implements Detector {
  readonly #options: DetectorOptions;
  readonly #history: CellHistory;
  readonly #watch: BannerWatch;
  #screenFinder = new ScreenFinder();
  #screen: Region | undefined;
  #grid: Grid | undefined;
  #coverUntilUs: number | undefined;
  #clear: Detection | undefined;
  #width = 0;
  #height = 0;

  constructor(options: DetectorOptions) {
    this.#options = options;
    this.#history = new CellHistory(options.kernels);
    this.#watch = new BannerWatch(options.kernels);
    if (!options.startsCovered) this.#coverUntilUs = Number.NEGATIVE_INFINITY;
  }

  inspect(frame: YuvFrame, timeUs: number): Detection {
    this.#coverUntilUs ??= timeUs + COVER_US;
    this.#findScreen(frame, timeUs);
    const grid = this.#grid;
    if (!grid) return this.#quiet(timeUs);
    const { hasStarted, isUnsure } = this.#follow(frame, grid, timeUs);
    const { tracks } = this.#watch;
    if (tracks.length === 0) return isUnsure ? { ...this.#quiet(timeUs), isUnsure } : this.#quiet(timeUs);
    const regions = tracks.map((track) => toPicture(grid, coverOf(track, grid)));
    const said = this.#say(this.#stateAt(timeUs), regions, this.#explain(grid), timeUs);
    return { ...said, reachesBack: hasStarted, isUnsure };
  }

  #findScreen(frame: YuvFrame, timeUs: number): void {
    const { width, height } = frame.y;
    if (width !== this.#width || height !== this.#height) {
      this.#width = width;
      this.#height = height;
      this.#screenFinder = new ScreenFinder();
      this.#clear = undefined;
    }
    const screen = this.#screenFinder.find(frame.y, timeUs);
    if (screen === this.#screen) return;
    const isFirst = this.#screen === undefined;
    this.#screen = screen;
    this.#grid = layOutGrid(screen);
    // A banner may have lived through the turn of the phone, and is somewhere else now.
    if (!isFirst && this.#watch.tracks.length > 0) {
      this.#coverUntilUs = Math.max(this.#coverUntilUs ?? timeUs, timeUs + TRACKING.holdUs);
    }
    this.#history.clear();
    this.#watch.clear();
  }

  #follow(frame: YuvFrame, grid: Grid, timeUs: number): Following {
    const { kernels, style } = this.#options;
    const measure = (means: ImageSlot, textures: ImageSlot) =>
      kernels.measureCells(frame.y, grid.region, grid.cellSize, means, textures);
    const input = this.#history.take(measure, timeUs, this.#watch.isHolding(timeUs));
    if (!input) {
      return this.#watch.stay(timeUs);
    }
    const isMeant = (box: CellBox): boolean => style === "any" || profileOf(style, box, grid) !== undefined;
    return this.#watch.follow(input, grid, timeUs, this.#history.isSettled, isMeant);
  }

  #stateAt(timeUs: number): Detection["state"] {
    let state: Detection["state"] = "held";
    for (const track of this.#watch.tracks) {
      if (track.foundCount >= TRACKING.confirmCount && track.seenUs === timeUs) return "banner";
      if (track.foundCount < TRACKING.confirmCount) state = "suspect";
    }
    return state;
  }

  #explain(grid: Grid): DetectionNote[] {
    return this.#watch.tracks.map(({ box, logOdds }) => ({
      region: toPicture(grid, box),
      rule: profileOf("any", box, grid) ?? "any",
      score: 1 / (1 + Math.exp(-logOdds)),
    }));
  }

  /** The answer for pictures without anything; made once for each size. */
  #quiet(timeUs: number): Detection {
    if (timeUs < (this.#coverUntilUs ?? 0)) return this.#say("held", [], [], timeUs);
    if (this.#clear?.bannerCount !== this.#watch.bannerCount) this.#clear = this.#say("clear", [], [], timeUs);
    return this.#clear as Detection;
  }

  #say(
    state: Detection["state"],
    found: readonly Region[],
    explanation: readonly DetectionNote[],
    timeUs: number,
  ): Detection {
    const regions = [...found];
    const notes = [...explanation];
    for (const zone of this.#options.zones) {
      const region = zoneRegion(zone, this.#width, this.#height);
      if (region) regions.push(region);
    }
    if (timeUs < (this.#coverUntilUs ?? 0)) {
      const height = Math.ceil(Math.min(this.#height, Math.min(this.#width, this.#height) * COVER_HEIGHT));
      const region = { x: 0, y: 0, width: this.#width, height };
      regions.push(region);
      notes.push({ region, rule: "covered", score: 1 });
    }
    const { bannerCount } = this.#watch;
    return { state, regions, reachesBack: false, isUnsure: false, bannerCount, explanation: notes };
  }
}

/** @returns `undefined` for a zone outside the picture. */
function zoneRegion(zone: ManualZone, width: number, height: number): Region | undefined {
  const x = Math.max(0, Math.floor(zone.x * width));
  const y = Math.max(0, Math.floor(zone.y * height));
  const endX = Math.min(width, Math.ceil((zone.x + zone.width) * width));
  const endY = Math.min(height, Math.ceil((zone.y + zone.height) * height));
  return endX > x && endY > y ? { x, y, width: endX - x, height: endY - y } : undefined;
}
