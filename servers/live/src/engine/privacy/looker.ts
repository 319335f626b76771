import type { YuvFrame } from "@kagami/kernels";
import type { Band } from "./band.ts";
import { type Candidate, CandidateSearch } from "./candidates.ts";
import { findChange } from "./change-search.ts";
import type { Classifier } from "./classifier.ts";
import { FEATURE_COUNT, FeatureExtractor, type Scene } from "./features.ts";
import { type BannerProfile, type SearchLimits, searchLimits } from "./profiles.ts";
import { SceneMaker, type SceneMemory } from "./scenes.ts";

/** A candidate and how sure the classifier is. */
export interface Sighting extends Candidate {
  /** Above 0 more likely a banner than not. */
  logOdds: number;
}

/** Rectangles of a picture that are classified; more cost time, fewer miss cards on busy pictures. */
/** Log-odds of the quick classifier below which a rectangle is not measured any further. */
const OUTLINE_FLOOR = -4.5;
const OUTLINE_COUNT = 8;
/** The same for those found by what is new. */
const CHANGE_COUNT = 2;

/** Looks at the pictures of one band: what changed, which rectangles are there, how much they look like a banner. */
export class Looker {
  readonly band: Band;
  readonly profiles: readonly BannerProfile[];
  readonly #maker: SceneMaker;
  readonly #limits: SearchLimits;
  readonly #search: CandidateSearch;
  readonly #extractor: FeatureExtractor;
  readonly #features = new Float32Array(FEATURE_COUNT);
  readonly #outlines: Candidate[] = emptySightings(OUTLINE_COUNT);
  readonly #changes: Candidate[] = emptySightings(CHANGE_COUNT);
  #now: Sighting[] = emptySightings(OUTLINE_COUNT + CHANGE_COUNT);
  #nowCount = 0;
  #before: Sighting[] = emptySightings(OUTLINE_COUNT + CHANGE_COUNT);
  #beforeCount = 0;

  constructor(memory: SceneMemory, band: Band, profiles: readonly BannerProfile[]) {
    this.band = band;
    this.profiles = profiles;
    this.#maker = new SceneMaker(memory, band);
    this.#limits = searchLimits(profiles, band.unit, band.width);
    this.#search = new CandidateSearch(this.#limits, band.width, band.height);
    this.#extractor = new FeatureExtractor(band.height);
  }

  /** @returns `undefined` if nothing changed; see `SceneMaker.look`. */
  look(frame: YuvFrame, timeUs: number, isHolding: boolean): Scene | undefined {
    return this.#maker.look(frame, timeUs, isHolding);
  }

  /** Finds rectangles, drops those that by their outline alone are none, and classifies the others; those of the last time become the ones before. */
  sight(scene: Scene, outlines: Classifier, banners: Classifier): void {
    const free = this.#before;
    this.#before = this.#now;
    this.#beforeCount = this.#nowCount;
    this.#now = free;
    const { width, height, unit, isPortrait } = this.band;
    const count = this.#search.find(scene.tiles, this.#outlines);
    for (let i = 0; i < count; i++) copyCandidate(this.#outlines[i] as Candidate, free[i] as Sighting);
    const newCount = findChange(scene.sinceReference, width, height, unit, isPortrait, this.#limits, this.#changes);
    for (let i = 0; i < newCount; i++) copyCandidate(this.#changes[i] as Candidate, free[count + i] as Sighting);
    this.#nowCount = count + newCount;
    this.#extractor.begin(scene);
    for (let i = 0; i < this.#nowCount; i++) {
      const sighting = free[i] as Sighting;
      this.#extractor.extractQuick(scene, sighting, this.#features);
      const quick = outlines.score(this.#features);
      if (quick < OUTLINE_FLOOR) {
        sighting.logOdds = quick;
        continue;
      }
      this.#extractor.extractInside(scene, sighting, this.#features);
      sighting.logOdds = banners.score(this.#features);
    }
  }

  /** What {@link sight} found, best outline first; valid until it is called again. */
  get count(): number {
    return this.#nowCount;
  }

  at(index: number): Sighting {
    return this.#now[index] as Sighting;
  }

  /** What it found the time before. */
  get beforeCount(): number {
    return this.#beforeCount;
  }

  beforeAt(index: number): Sighting {
    return this.#before[index] as Sighting;
  }

  /** Features of a sighting of the last scene, for training and explanations; overwritten by the next call. */
  featuresOf(scene: Scene, sighting: Sighting): Float32Array {
    this.#extractor.extractQuick(scene, sighting, this.#features);
    this.#extractor.extractInside(scene, sighting, this.#features);
    return this.#features;
  }
}

function emptySightings(length: number): Sighting[] {
  return Array.from({ length }, () => ({ left: 0, top: 0, bottom: 0, strength: 0, logOdds: 0 }));
}

function copyCandidate({ left, top, bottom, strength }: Candidate, into: Sighting): void {
  into.left = left;
  into.top = top;
  into.bottom = bottom;
  into.strength = strength;
}
