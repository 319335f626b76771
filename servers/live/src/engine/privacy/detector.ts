import type { Kernels, Region, YuvFrame } from "@kagami/kernels";
import type { Band } from "./band.ts";
import { BANNER_MODEL } from "./banner-model.ts";
import { CandidateSearch } from "./candidates.ts";
import { Classifier, toProbability } from "./classifier.ts";
import type { BannerStyle, Detection, DetectionNote, Detector, ManualZone } from "./detection.ts";
import { FEATURE_COUNT, FeatureExtractor, type Scene } from "./features.ts";
import { type BannerProfile, nameOf, profilesFor, searchLimits } from "./profiles.ts";
import { type SceneMaker, SceneMakers } from "./scenes.ts";
import {
  type Card,
  followTrack,
  hasEnded,
  isSameCard,
  missTrack,
  type Sighting,
  startTrack,
  TRACKING,
  type Track,
} from "./track.ts";

export interface DetectorOptions {
  readonly kernels: Kernels;
  readonly style: BannerStyle;
  readonly zones: readonly ManualZone[];
  /** Hides the top band for the first {@link COVER_US}: nobody knows what was there before. */
  readonly startsCovered: boolean;
}

/** Rectangles of a picture that are classified; more cost time, fewer miss cards on busy pictures. */
const CANDIDATE_COUNT = 3;
/** How long the top band stays covered after a start, in microseconds. */
export const COVER_US = 1_000_000;
/** Height of the covered top band, in shorter sides. */
const COVER_HEIGHT = 0.5;
const TRACK_LIMIT = 3;
const NOTE_LIMIT = 4;

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
  readonly #classifier = new Classifier(BANNER_MODEL);
  readonly #makers: SceneMakers;
  #looker: Looker | undefined;
  #tracks: Track[] = [];
  #bannerCount = 0;
  #coverUntilUs: number | undefined;
  #clear: Detection | undefined;
  #width = 0;
  #height = 0;

  constructor(options: DetectorOptions) {
    this.#options = options;
    this.#makers = new SceneMakers(options.kernels);
    if (!options.startsCovered) this.#coverUntilUs = Number.NEGATIVE_INFINITY;
  }

  inspect(frame: YuvFrame, timeUs: number): Detection {
    this.#coverUntilUs ??= timeUs + COVER_US;
    if (frame.y.width !== this.#width || frame.y.height !== this.#height) this.#resize(frame, timeUs);
    const looker = this.#looker;
    if (!looker) return this.#say("clear", [], false, []);
    const scene = looker.maker.look(frame, timeUs);
    if (!scene && this.#tracks.length === 0) {
      return this.#quiet(timeUs);
    }
    const reachesBack = scene ? this.#follow(looker, scene, timeUs) : this.#stay(timeUs);
    this.#tracks = this.#tracks.filter((track) => !hasEnded(track, timeUs));
    if (this.#tracks.length === 0) return this.#quiet(timeUs);
    const regions = this.#tracks.map((track) => coverOf(track, looker.maker.band));
    return this.#say(this.#stateAt(timeUs), regions, reachesBack, this.#explain(looker), timeUs);
  }

  /** Follows tracks to where their cards are now, and starts new ones. @returns Whether one was started. */
  #follow(looker: Looker, scene: Scene, timeUs: number): boolean {
    const { unit } = scene.band;
    const count = looker.sight(scene, this.#classifier);
    for (const track of this.#tracks) {
      const sighting = bestMatch(looker.now, count, track, unit);
      if (sighting) {
        followTrack(track, sighting, timeUs);
        if (track.foundCount === TRACKING.confirmCount) this.#bannerCount++;
      } else if (timeUs - track.foundUs <= TRACKING.stillUs && isStill(scene, track)) {
        track.seenUs = timeUs;
      } else {
        missTrack(track);
      }
    }
    let hasStarted = false;
    for (let i = 0; i < count; i++) {
      const sighting = looker.now[i] as Sighting;
      if (this.#tracks.length >= TRACK_LIMIT || this.#tracks.some((track) => overlaps(track, sighting))) continue;
      const before = looker.beforeOf(sighting, unit);
      const together = sighting.logOdds + (before?.logOdds ?? Number.NEGATIVE_INFINITY);
      const isPair =
        before !== undefined && sighting.logOdds >= TRACKING.enterEach && together >= TRACKING.enterTogether;
      if (!isPair && sighting.logOdds < TRACKING.enterAlone) continue;
      this.#tracks.push(startTrack(sighting, before, timeUs));
      hasStarted = true;
    }
    looker.remember(count);
    return hasStarted;
  }

  /** Nothing moved: what was there still is. */
  #stay(timeUs: number): false {
    for (const track of this.#tracks) if (timeUs - track.foundUs <= TRACKING.stillUs) track.seenUs = timeUs;
    return false;
  }

  #stateAt(timeUs: number): Detection["state"] {
    let state: Detection["state"] = "held";
    for (const track of this.#tracks) {
      if (track.foundCount >= TRACKING.confirmCount && track.seenUs === timeUs) return "banner";
      if (track.foundCount < TRACKING.confirmCount) state = "suspect";
    }
    return state;
  }

  #explain(looker: Looker): DetectionNote[] {
    const { band } = looker.maker;
    return this.#tracks.slice(0, NOTE_LIMIT).map((track) => ({
      region: toPicture(band, track.left, track.top, band.width - track.left, track.bottom),
      rule: nameOf(looker.profiles, track, band.unit, band.width),
      score: toProbability(track.logOdds),
    }));
  }

  #resize(frame: YuvFrame, timeUs: number): void {
    const isFirst = this.#width === 0;
    this.#width = frame.y.width;
    this.#height = frame.y.height;
    this.#clear = undefined;
    const maker = this.#makers.of(this.#width, this.#height);
    const wasHiding = this.#tracks.length > 0;
    this.#tracks = [];
    this.#looker = maker && new Looker(maker, profilesFor(this.#options.style, maker.band.isPortrait));
    // A banner may have lived through the turn of the phone, and is somewhere else now.
    if (!isFirst && wasHiding) this.#coverUntilUs = Math.max(this.#coverUntilUs ?? timeUs, timeUs + TRACKING.holdUs);
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
    timeUs = Number.POSITIVE_INFINITY,
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

/** What is needed to look at pictures of one size, and what was seen in the last one. */
class Looker {
  readonly maker: SceneMaker;
  readonly profiles: readonly BannerProfile[];
  now: Sighting[] = emptySightings();
  #before: Sighting[] = emptySightings();
  #beforeCount = 0;
  #search: CandidateSearch | undefined;
  readonly #extractor: FeatureExtractor;
  readonly #features = new Float32Array(FEATURE_COUNT);

  constructor(maker: SceneMaker, profiles: readonly BannerProfile[]) {
    this.maker = maker;
    this.profiles = profiles;
    this.#extractor = new FeatureExtractor(maker.band.height);
  }

  /** @returns How many of `now` are filled. */
  sight(scene: Scene, classifier: Classifier): number {
    const { unit, width } = scene.band;
    this.#search ??= new CandidateSearch(searchLimits(this.profiles, unit, width), scene.tiles);
    const count = this.#search.find(scene.tiles, this.now);
    for (let i = 0; i < count; i++) {
      const sighting = this.now[i] as Sighting;
      this.#extractor.extract(scene, sighting, this.#features);
      sighting.logOdds = classifier.score(this.#features);
    }
    return count;
  }

  beforeOf(sighting: Sighting, unit: number): Sighting | undefined {
    return bestMatch(this.#before, this.#beforeCount, sighting, unit, TRACKING.enterEach);
  }

  remember(count: number): void {
    const free = this.#before;
    this.#before = this.now;
    this.#beforeCount = count;
    this.now = free;
  }
}

function emptySightings(): Sighting[] {
  return Array.from({ length: CANDIDATE_COUNT }, () => ({ left: 0, top: 0, bottom: 0, strength: 0, logOdds: 0 }));
}

function bestMatch(
  sightings: readonly Sighting[],
  count: number,
  card: Card,
  unit: number,
  floor: number = TRACKING.keep,
): Sighting | undefined {
  let best: Sighting | undefined;
  for (let i = 0; i < count; i++) {
    const sighting = sightings[i] as Sighting;
    if (sighting.logOdds < (best?.logOdds ?? floor) || !isSameCard(card, sighting, unit)) continue;
    best = sighting;
  }
  return best;
}

function overlaps(track: Track, { top, bottom }: Card): boolean {
  const shared = Math.min(track.coverBottom, bottom) - Math.max(track.coverTop, top);
  return shared > 0.3 * (bottom - top);
}

/** Whether nothing changed where the card is. */
function isStill({ sinceLast, image }: Scene, { left, top, bottom }: Track): boolean {
  const columns = (image.width + 7) >> 3;
  const rows = (image.height + 7) >> 3;
  for (let row = Math.ceil(top / 8); row < Math.min(rows, Math.floor(bottom / 8)); row++) {
    for (let column = Math.ceil(left / 8); column < Math.floor((image.width - left) / 8); column++) {
      if ((sinceLast[row * columns + column] as number) > STILL_CELL) return false;
    }
  }
  return true;
}
const STILL_CELL = 192;

function coverOf(track: Track, band: Band): Region {
  const margin = TRACKING.margin * band.unit;
  const ahead = track.speed * TRACKING.slideAhead;
  const left = track.coverLeft - margin;
  return toPicture(band, left, track.coverTop - margin, band.width - left, track.coverBottom + margin + ahead);
}

/** Whole luma samples of the picture around a rectangle of the small one. */
function toPicture(band: Band, left: number, top: number, right: number, bottom: number): Region {
  const x = Math.max(0, Math.floor(left * band.factor));
  const y = Math.max(0, Math.floor(top * band.factor));
  const endX = Math.min(band.pictureWidth, Math.ceil(right * band.factor));
  const endY = Math.min(band.pictureHeight, Math.ceil(bottom * band.factor));
  return { x, y, width: Math.max(1, endX - x), height: Math.max(1, endY - y) };
}

/** @returns `undefined` for a zone outside the picture. */
function zoneRegion(zone: ManualZone, width: number, height: number): Region | undefined {
  const x = Math.max(0, Math.floor(zone.x * width));
  const y = Math.max(0, Math.floor(zone.y * height));
  const endX = Math.min(width, Math.ceil((zone.x + zone.width) * width));
  const endY = Math.min(height, Math.ceil((zone.y + zone.height) * height));
  return endX > x && endY > y ? { x, y, width: endX - x, height: endY - y } : undefined;
}
