import type { Kernels, Region, YuvFrame } from "@kagami/kernels";
import { type Band, layOutBand, toPicture } from "./band.ts";
import { BANNER_MODEL, OUTLINE_MODEL } from "./banner-model.ts";
import { Classifier, toProbability } from "./classifier.ts";
import type { BannerStyle, Detection, DetectionNote, Detector, ManualZone } from "./detection.ts";
import type { Scene } from "./features.ts";
import { Looker, type Sighting } from "./looker.ts";
import { nameOf, profilesFor } from "./profiles.ts";
import { SceneMemory } from "./scenes.ts";
import { ScreenFinder } from "./screen.ts";
import {
  type Card,
  followTrack,
  hasEnded,
  isSameCard,
  keepTrack,
  missTrack,
  startTrack,
  TRACKING,
  type Track,
} from "./track.ts";

export interface DetectorOptions {
  /** Room for the small pictures is taken from them once, and never given back; about half a megabyte. */
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
/** Banners that are followed at one time. */
const TRACK_LIMIT = 3;
/** Most change of a cell of 8 by 8 samples that stands still, and the share of a card's cells that need not. */
const STILL_CELL = 256;
const STILL_SHARE = 0.1;
/** A sighting that shares so much of its height with a card that is followed is no other card. */
const SAME_SHARE = 0.3;

/**
 * Finds notification banners.
 *
 * Each picture's top band is made small; where something in it changed, the rectangles that look most like a card's
 * outline are measured and classified, and those that look like a banner twice in a row are followed until they are
 * gone. The numbers are in `profiles.ts`, `track.ts` and the trained model.
 */
export function createDetector(options: DetectorOptions): Detector {
  return new BannerDetector(options);
}

class BannerDetector implements Detector {
  readonly #options: DetectorOptions;
  readonly #outlines = new Classifier(OUTLINE_MODEL);
  readonly #banners = new Classifier(BANNER_MODEL);
  readonly #memory: SceneMemory;
  #finder = new ScreenFinder();
  #screen: Region | undefined;
  #looker: Looker | undefined;
  #tracks: Track[] = [];
  #bannerCount = 0;
  #coverUntilUs: number | undefined;
  #clear: Detection | undefined;
  #width = 0;
  #height = 0;

  constructor(options: DetectorOptions) {
    this.#options = options;
    this.#memory = new SceneMemory(options.kernels);
    if (!options.startsCovered) this.#coverUntilUs = Number.NEGATIVE_INFINITY;
  }

  inspect(frame: YuvFrame, timeUs: number): Detection {
    this.#coverUntilUs ??= timeUs + COVER_US;
    this.#findScreen(frame, timeUs);
    const looker = this.#looker;
    if (!looker) return this.#quiet(timeUs);
    const scene = looker.look(frame, timeUs, this.#isHolding(timeUs));
    if (!scene && this.#tracks.length === 0) return this.#quiet(timeUs);
    const reachesBack = scene ? this.#follow(looker, scene, timeUs) : this.#stay(timeUs);
    this.#tracks = this.#tracks.filter((track) => !hasEnded(track, timeUs));
    if (this.#tracks.length === 0) return this.#quiet(timeUs);
    const regions = this.#tracks.map((track) => coverOf(track, looker.band));
    return this.#say(this.#stateAt(timeUs), regions, reachesBack, this.#explain(looker), timeUs);
  }

  #findScreen(frame: YuvFrame, timeUs: number): void {
    const { width, height } = frame.y;
    if (width !== this.#width || height !== this.#height) {
      this.#width = width;
      this.#height = height;
      this.#finder = new ScreenFinder();
      this.#clear = undefined;
    }
    const screen = this.#finder.find(frame.y, timeUs);
    if (screen === this.#screen) return;
    const isFirst = this.#screen === undefined;
    this.#screen = screen;
    const band = layOutBand(screen);
    this.#looker = band && new Looker(this.#memory, band, profilesFor(this.#options.style, band.isPortrait));
    // A banner may have lived through the turn of the phone, and is somewhere else now.
    if (!isFirst && this.#tracks.length > 0) {
      this.#coverUntilUs = Math.max(this.#coverUntilUs ?? timeUs, timeUs + TRACKING.holdUs);
    }
    this.#tracks = [];
  }

  /** Follows tracks to where their cards are now, and starts new ones. @returns Whether one was started. */
  #follow(looker: Looker, scene: Scene, timeUs: number): boolean {
    const { unit } = scene.band;
    looker.sight(scene, this.#outlines, this.#banners);
    for (const track of this.#tracks) {
      const sighting = matchNow(looker, track, unit);
      if (sighting) {
        followTrack(track, sighting, timeUs);
        if (track.foundCount === TRACKING.confirmCount) this.#bannerCount++;
      } else if (isStill(scene, track)) {
        keepTrack(track, timeUs);
      } else {
        missTrack(track);
      }
    }
    let hasStarted = false;
    for (let i = 0; i < looker.count; i++) {
      const sighting = looker.at(i);
      if (this.#tracks.length >= TRACK_LIMIT || this.#tracks.some((track) => sharesRows(track, sighting))) continue;
      const before = matchBefore(looker, sighting, unit);
      const together = sighting.logOdds + (before?.logOdds ?? Number.NEGATIVE_INFINITY);
      const isPair = sighting.logOdds >= TRACKING.enterEach && together >= TRACKING.enterTogether;
      if (!isPair && sighting.logOdds < TRACKING.enterAlone) continue;
      this.#tracks.push(startTrack(sighting, before, timeUs));
      hasStarted = true;
    }
    return hasStarted;
  }

  /** Nothing moved: what was there still is. */
  #stay(timeUs: number): false {
    for (const track of this.#tracks) keepTrack(track, timeUs);
    return false;
  }

  /** While a banner is followed, what it covers is remembered, but not for ever. */
  #isHolding(timeUs: number): boolean {
    return this.#tracks.some((track) => timeUs - track.sinceUs <= TRACKING.stillUs);
  }

  #stateAt(timeUs: number): Detection["state"] {
    let state: Detection["state"] = "held";
    for (const track of this.#tracks) {
      if (track.foundCount >= TRACKING.confirmCount && track.seenUs === timeUs) return "banner";
      if (track.foundCount < TRACKING.confirmCount) state = "suspect";
    }
    return state;
  }

  #explain({ band, profiles }: Looker): DetectionNote[] {
    return this.#tracks.map((track) => ({
      region: toPicture(band, track.left, track.top, band.width - track.left, track.bottom),
      rule: nameOf(profiles, track, band.unit, band.width),
      score: toProbability(track.logOdds),
    }));
  }

  /** The answer for pictures without anything; made once for each size. */
  #quiet(timeUs: number): Detection {
    if (timeUs < (this.#coverUntilUs ?? 0)) return this.#say("held", [], false, [], timeUs);
    if (this.#clear?.bannerCount !== this.#bannerCount) this.#clear = this.#say("clear", [], false, [], timeUs);
    return this.#clear as Detection;
  }

  #say(
    state: Detection["state"],
    found: readonly Region[],
    reachesBack: boolean,
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
    return { state, regions, reachesBack, bannerCount: this.#bannerCount, explanation: notes };
  }
}

/** The likeliest sighting of this picture that can be the card. */
function matchNow(looker: Looker, card: Card, unit: number): Sighting | undefined {
  let best: Sighting | undefined;
  for (let i = 0; i < looker.count; i++) {
    const sighting = looker.at(i);
    if (sighting.logOdds >= (best?.logOdds ?? TRACKING.keep) && isSameCard(card, sighting, unit)) best = sighting;
  }
  return best;
}

/** The likeliest sighting of the picture before that can have been the card. */
function matchBefore(looker: Looker, card: Card, unit: number): Sighting | undefined {
  let best: Sighting | undefined;
  for (let i = 0; i < looker.beforeCount; i++) {
    const sighting = looker.beforeAt(i);
    if (sighting.logOdds >= (best?.logOdds ?? TRACKING.enterEach) && isSameCard(sighting, card, unit)) best = sighting;
  }
  return best;
}

function sharesRows(track: Track, { top, bottom }: Card): boolean {
  const shared = Math.min(track.coverBottom, bottom) - Math.max(track.coverTop, top);
  return shared > SAME_SHARE * (bottom - top);
}

/** Whether next to nothing changed where the card is. */
function isStill({ sinceLast, image }: Scene, { left, top, bottom }: Track): boolean {
  const columns = (image.width + 7) >> 3;
  const rows = (image.height + 7) >> 3;
  let changed = 0;
  let count = 0;
  for (let row = Math.ceil(top / 8); row < Math.min(rows, Math.floor(bottom / 8)); row++) {
    for (let column = Math.ceil(left / 8); column < Math.floor((image.width - left) / 8); column++) {
      if ((sinceLast[row * columns + column] as number) > STILL_CELL) changed++;
      count++;
    }
  }
  return changed <= STILL_SHARE * count;
}

function coverOf(track: Track, band: Band): Region {
  const margin = TRACKING.margin * band.unit;
  const ahead = track.speed * TRACKING.slideAhead;
  const left = track.coverLeft - margin;
  return toPicture(band, left, track.coverTop - margin, band.width - left, track.coverBottom + margin + ahead);
}

/** @returns `undefined` for a zone outside the picture. */
function zoneRegion(zone: ManualZone, width: number, height: number): Region | undefined {
  const x = Math.max(0, Math.floor(zone.x * width));
  const y = Math.max(0, Math.floor(zone.y * height));
  const endX = Math.min(width, Math.ceil((zone.x + zone.width) * width));
  const endY = Math.min(height, Math.ceil((zone.y + zone.height) * height));
  return endX > x && endY > y ? { x, y, width: endX - x, height: endY - y } : undefined;
}
