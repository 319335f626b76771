import type { CellNetwork, GrayImage, Kernels, NetInput, NetOutput } from "@kagami/kernels";
import { CELL_LIMIT, type CellBox } from "./grid.ts";
import { QUICK_NET } from "./quick-net.ts";
import { THOROUGH_NET } from "./thorough-net.ts";

/** Where the network sees a banner. */
export interface Sighting extends CellBox {
  /** Mean of its places' log-odds of being on a banner; above 0 more likely than not. */
  readonly logOdds: number;
}

/** Numbers of reading the network's answer. */
const READING = {
  /** Rows that are looked at first: those in which a banner begins. The training knows this number as well. */
  firstRows: 32,
  /** What ends within so many rows of where the look ends is looked at whole. */
  edgeRows: 3,
  /** Log-odds of a place below which it says nothing. */
  placeFloor: -1.5,
  /** Banners of a picture at most. */
  limit: 4,
  /** How much a place's own box must share with the best place's, of both together, to be about the same banner. */
  sameShare: 0.4,
  /** Places that say the same, at least. */
  supportFrom: 4,
} as const;
/** Of the network's values: one is so many steps. */
const ONE = 256;
/** Cells that a distance of one is. */
const DISTANCE_CELLS = 8;

/**
 * Finds banners in a picture's cells by two networks: a quick one for every picture, and a thorough one for those in
 * which it matters.
 *
 * Every second cell in both directions is a place, which says how likely it is to be on a banner and how far it is from
 * there to the banner's four edges. The likeliest place speaks first; all that mean the same box are averaged, and the
 * next one speaks for what is left.
 */
export class BannerFinder {
  readonly #quick: CellNetwork;
  readonly #thorough: CellNetwork;
  readonly #places: Place[] = [];
  #placeCount = 0;
  /** Whether all rows of the last picture had to be looked at. */
  #isWhole = false;

  /** Takes room for both from the kernels once. */
  constructor(kernels: Kernels) {
    this.#quick = kernels.cellNet(QUICK_NET, CELL_LIMIT);
    this.#thorough = kernels.cellNet(THOROUGH_NET, CELL_LIMIT);
  }

  /**
   * Looks at a picture.
   *
   * @param lowest Lower edge of what is known already; 0 if nothing is.
   * @param isThorough Takes about twice the time.
   * @returns The likeliest first; boxes may overlap.
   */
  find(input: NetInput, lowest: number, isThorough: boolean): readonly Sighting[] {
    this.#isWhole = lowest > READING.firstRows - READING.edgeRows || input.mean.height <= READING.firstRows;
    if (isThorough) return this.findAgain(input);
    const sightings = this.#read(this.#quick.run(this.#isWhole ? input : upperRows(input)));
    this.#isWhole ||= reachesEnd(sightings);
    return sightings;
  }

  /** Looks thoroughly at the picture that was looked at quickly, at all of it where something may reach far down. */
  findAgain(input: NetInput): readonly Sighting[] {
    if (!this.#isWhole) {
      const sightings = this.#read(this.#thorough.run(upperRows(input)));
      if (!reachesEnd(sightings)) return sightings;
    }
    return this.#read(this.#thorough.run(input));
  }

  #read(output: NetOutput): readonly Sighting[] {
    this.#collect(output);
    const sightings: Sighting[] = [];
    while (sightings.length < READING.limit) {
      const seed = this.#likeliest();
      if (!seed) break;
      const sighting = this.#average(seed, output);
      if (sighting) sightings.push(sighting);
    }
    return sightings;
  }

  #collect({ values, width, height, step, pitch }: NetOutput): void {
    this.#placeCount = 0;
    const floor = READING.placeFloor * ONE;
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const at = y * pitch + x * step;
        const value = values[at] as number;
        if (value < floor) continue;
        const place = this.#nextPlace();
        place.isFree = true;
        place.logOdds = value / ONE;
        place.sure = SURE[value + LEAST] as number;
        place.x = 2 * x + 0.5;
        place.y = 2 * y + 0.5;
        place.left = place.x - distance(values[at + 1] as number);
        place.top = place.y - distance(values[at + 2] as number);
        place.right = place.x + distance(values[at + 3] as number);
        place.bottom = place.y + distance(values[at + 4] as number);
      }
    }
  }

  /** Places are made once, as many as a picture ever had. */
  #nextPlace(): Place {
    const place = this.#places[this.#placeCount] ?? newPlace();
    this.#places[this.#placeCount] = place;
    this.#placeCount++;
    return place;
  }

  #likeliest(): Place | undefined {
    let best: Place | undefined;
    for (let i = 0; i < this.#placeCount; i++) {
      const place = this.#places[i] as Place;
      if (place.isFree && place.logOdds > (best?.logOdds ?? Number.NEGATIVE_INFINITY)) best = place;
    }
    return best;
  }

  /**
   * A place that is near an edge knows best where it is.
   *
   * @returns `undefined` if too few places say the same.
   */
  #average(seed: Place, output: NetOutput): Sighting | undefined {
    const left = new Mean();
    const top = new Mean();
    const right = new Mean();
    const bottom = new Mean();
    let count = 0;
    for (let i = 0; i < this.#placeCount; i++) {
      const place = this.#places[i] as Place;
      if (!place.isFree || (place !== seed && shareOf(seed, place) < READING.sameShare)) continue;
      place.isFree = false;
      count++;
      left.add(place.left, place.sure, place.x - place.left);
      top.add(place.top, place.sure, place.y - place.top);
      right.add(place.right, place.sure, place.right - place.x);
      bottom.add(place.bottom, place.sure, place.bottom - place.y);
    }
    if (count < READING.supportFrom) return undefined;
    const box = { left: left.value, top: Math.max(0, top.value), right: right.value, bottom: bottom.value };
    return { ...box, logOdds: meanInside(output, box) };
  }
}

/** Whether something ends so near to the end of the upper rows that it may go on below. */
function reachesEnd(sightings: readonly Sighting[]): boolean {
  return sightings.some(({ bottom }) => bottom > READING.firstRows - READING.edgeRows);
}

function upperRows({ mean, texture, meanBefore, meanOlder, textureOlder }: NetInput): NetInput {
  const cut = ({ pixels, width }: GrayImage): GrayImage => {
    const height = READING.firstRows;
    return { pixels: pixels.subarray(0, width * height), width, height };
  };
  return {
    mean: cut(mean),
    texture: cut(texture),
    meanBefore: cut(meanBefore),
    meanOlder: cut(meanOlder),
    textureOlder: cut(textureOlder),
  };
}

class Mean {
  #sum = 0;
  #weights = 0;

  add(value: number, sure: number, distance: number): void {
    const weight = sure / (1 + distance) ** 2;
    this.#sum += weight * value;
    this.#weights += weight;
  }

  get value(): number {
    return this.#sum / this.#weights;
  }
}

interface Place {
  isFree: boolean;
  x: number;
  y: number;
  logOdds: number;
  /** The same as a probability. */
  sure: number;
  left: number;
  top: number;
  right: number;
  bottom: number;
}

const newPlace = (): Place => ({
  isFree: false,
  x: 0,
  y: 0,
  logOdds: 0,
  sure: 0,
  left: 0,
  top: 0,
  right: 0,
  bottom: 0,
});

/** Values of the network below this are as good as this. */
const LEAST = 2048;
/** Values above 8191 do not come out of a network. */
const STEPS = LEAST + 8192;
/** Of each value the softplus, in cells, and the logistic function: hundreds of places a picture ask for them. */
const DISTANCES = tableOf((value) => Math.log1p(Math.exp(value)) * DISTANCE_CELLS);
const SURE = tableOf((value) => 1 / (1 + Math.exp(-value)));

function tableOf(of: (value: number) => number): Float64Array {
  return Float64Array.from({ length: STEPS }, (_, i) => of((i - LEAST) / ONE));
}

function distance(value: number): number {
  return DISTANCES[Math.max(0, value + LEAST)] as number;
}

function meanInside({ values, width, height, step, pitch }: NetOutput, box: CellBox): number {
  const fromX = Math.max(0, Math.ceil(box.left / 2 - 0.25));
  const toX = Math.min(width - 1, Math.floor(box.right / 2 - 0.25));
  const fromY = Math.max(0, Math.ceil(box.top / 2 - 0.25));
  const toY = Math.min(height - 1, Math.floor(box.bottom / 2 - 0.25));
  let sum = 0;
  let count = 0;
  for (let y = fromY; y <= toY; y++) {
    for (let x = fromX; x <= toX; x++) {
      sum += values[y * pitch + x * step] as number;
      count++;
    }
  }
  return count === 0 ? Number.NEGATIVE_INFINITY : sum / count / ONE;
}

/** Shared area by that of both together, 0 to 1. */
export function shareOf(a: CellBox, b: CellBox): number {
  const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
  const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
  if (width <= 0 || height <= 0) return 0;
  const shared = width * height;
  return shared / (areaOf(a) + areaOf(b) - shared);
}

function areaOf({ left, top, right, bottom }: CellBox): number {
  return (right - left) * (bottom - top);
}
