import type { YuvFrame } from "@kagami/kernels";
import type { Band } from "./band.ts";
import { type Candidate, CandidateSearch } from "./candidates.ts";
import type { Classifier } from "./classifier.ts";
import { FEATURE_COUNT, FeatureExtractor, type Scene } from "./features.ts";
import { type BannerProfile, searchLimits } from "./profiles.ts";
import { SceneMaker, type SceneMemory } from "./scenes.ts";

/** A candidate and how sure the classifier is. */
export interface Sighting extends Candidate {
  /** Above 0 more likely a banner than not. */
  logOdds: number;
}

/** Rectangles of a picture that are classified; more cost time, fewer miss cards on busy pictures. */
export const CANDIDATE_COUNT = 4;

/** Looks at the pictures of one band: what changed, which rectangles are there, how much they look like a banner. */
export class Looker {
  readonly band: Band;
  readonly profiles: readonly BannerProfile[];
  readonly #maker: SceneMaker;
  readonly #search: CandidateSearch;
  readonly #extractor: FeatureExtractor;
  readonly #features = new Float32Array(FEATURE_COUNT);
  #now: Sighting[] = emptySightings();
  #nowCount = 0;
  #before: Sighting[] = emptySightings();
  #beforeCount = 0;

  constructor(memory: SceneMemory, band: Band, profiles: readonly BannerProfile[]) {
    this.band = band;
    this.profiles = profiles;
    this.#maker = new SceneMaker(memory, band);
    this.#search = new CandidateSearch(searchLimits(profiles, band.unit, band.width), band.width, band.height);
    this.#extractor = new FeatureExtractor(band.height);
  }

  /** @returns `undefined` if nothing changed; see `SceneMaker.look`. */
  look(frame: YuvFrame, timeUs: number): Scene | undefined {
    return this.#maker.look(frame, timeUs);
  }

  /** Finds and classifies rectangles; those of the last time become the ones before. */
  sight(scene: Scene, classifier: Classifier): void {
    const free = this.#before;
    this.#before = this.#now;
    this.#beforeCount = this.#nowCount;
    this.#now = free;
    this.#nowCount = this.#search.find(scene.tiles, free);
    for (let i = 0; i < this.#nowCount; i++) {
      const sighting = free[i] as Sighting;
      this.#extractor.extract(scene, sighting, this.#features);
      sighting.logOdds = classifier.score(this.#features);
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
    this.#extractor.extract(scene, sighting, this.#features);
    return this.#features;
  }
}

function emptySightings(): Sighting[] {
  return Array.from({ length: CANDIDATE_COUNT }, () => ({ left: 0, top: 0, bottom: 0, strength: 0, logOdds: 0 }));
}
