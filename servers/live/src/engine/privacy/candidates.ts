import { type EdgeTiles, STEP_SCALE, TILE_COLUMNS, TILE_ROWS } from "./edge-tiles.ts";
import type { SearchLimits } from "./profiles.ts";

/** A rectangle of the small picture that may be a card, centred, so that its right side is at `width - left`. */
export interface Candidate {
  left: number;
  /** 0 while the card's upper edge is above the picture. */
  top: number;
  bottom: number;
  /** How well its outline shows, for the order only. */
  strength: number;
}

/** Numbers of the search; lengths in samples. */
const SEARCH = {
  /** A step of so many levels is as good as any larger one: a few strong edges must not make up for gaps. */
  fullStep: 14 * STEP_SCALE,
  /** How much more a weak step counts that has one sign all along, as a shadow's. */
  coherence: 1.5,
  /** Samples from a card's edge inwards where it is empty: texture has edges there as well. */
  rimNear: 3,
  rimFar: 5,
  /** Rows kept as possible upper or lower edges. */
  rowPeaks: 10,
  /** How much all of a row counts beside its weakest third. */
  wholeRow: 0.1,
  /** Weakest row, 0 to 1. */
  rowFloor: 0.08,
  /** Weakest outline of a candidate. */
  sideFloor: 0.1,
  /** Corner, whose samples are on no edge. */
  corner: 5,
  /** Least visible part of a card that slides in. */
  visibleFrom: 8,
} as const;

/** What a missing upper edge counts: less than a good one, more than a bad one. */
const HIDDEN_TOP = 0.35;
const WEIGHTS = { side: 1, bottom: 1, top: 0.8, beyond: 0.4, sideRim: 0.8, bottomRim: 0.8, topRim: 0.5 } as const;

/** Finds the rectangles of a picture that look most like a card's outline. Keeps its memory from one to the next. */
export class CandidateSearch {
  readonly #limits: SearchLimits;
  readonly #columns: number;
  /** For each left side, running sums over bands of how well both sides show; `bandCount + 1` entries each. */
  readonly #sides: Float32Array[];
  /** The same of the signed steps of each side. */
  readonly #leftSteps: Float32Array[];
  readonly #rightSteps: Float32Array[];
  /** For each row, running sums over lanes of how well a level edge shows. */
  readonly #rows: Float32Array[];
  readonly #rowSteps: Float32Array[];
  readonly #peaks: Int32Array;
  readonly #peakStrengths: Float32Array;
  #peakCount = 0;

  constructor(limits: SearchLimits, width: number, height: number) {
    this.#limits = limits;
    this.#columns = Math.max(0, limits.leftTo - limits.leftFrom + 1);
    const sums = (count: number, length: number) => Array.from({ length: count }, () => new Float32Array(length + 1));
    const bandCount = Math.floor(height / TILE_ROWS);
    const laneCount = Math.floor(width / TILE_COLUMNS);
    const sideCount = this.#columns + SEARCH.rimFar;
    this.#sides = sums(sideCount, bandCount);
    this.#leftSteps = sums(sideCount, bandCount);
    this.#rightSteps = sums(sideCount, bandCount);
    this.#rowSteps = sums(height, laneCount);
    this.#rows = sums(height, laneCount);
    this.#peaks = new Int32Array(SEARCH.rowPeaks);
    this.#peakStrengths = new Float32Array(SEARCH.rowPeaks);
  }

  /** @returns How many of `into` were filled, best first. */
  find(tiles: EdgeTiles, into: Candidate[]): number {
    this.#sumSides(tiles);
    this.#sumRows(tiles);
    this.#findPeaks(tiles);
    for (const candidate of into) candidate.strength = 0;
    for (let i = 0; i < this.#peakCount; i++) this.#tryBottom(tiles, this.#peaks[i] as number, into);
    let count = 0;
    while (count < into.length && (into[count] as Candidate).strength > 0) count++;
    return count;
  }

  #sumSides({ upright, bandCount, width }: EdgeTiles): void {
    const { leftFrom } = this.#limits;
    const full = SEARCH.fullStep;
    for (let column = 0; column < this.#columns + SEARCH.rimFar; column++) {
      const sums = this.#sides[column] as Float32Array;
      const leftSums = this.#leftSteps[column] as Float32Array;
      const rightSums = this.#rightSteps[column] as Float32Array;
      const left = leftFrom + column;
      const right = width - 1 - left;
      let sum = 0;
      let leftSum = 0;
      let rightSum = 0;
      for (let band = 0; band < bandCount; band++) {
        const steps = upright[band] as Int16Array;
        const leftStep = steps[left] as number;
        const rightStep = strongest(steps, right);
        const leftSize = leftStep < 0 ? -leftStep : leftStep;
        const rightSize = rightStep < 0 ? -rightStep : rightStep;
        const both = leftSize < rightSize ? leftSize : rightSize;
        sum += both < full ? both / full : 1;
        leftSum += leftStep > full ? 1 : leftStep < -full ? -1 : leftStep / full;
        rightSum += rightStep > full ? 1 : rightStep < -full ? -1 : rightStep / full;
        sums[band + 1] = sum;
        leftSums[band + 1] = leftSum;
        rightSums[band + 1] = rightSum;
      }
    }
  }

  #sumRows({ level, laneCount, height }: EdgeTiles): void {
    const full = SEARCH.fullStep;
    for (let y = 0; y < height; y++) {
      const sums = this.#rows[y] as Float32Array;
      const stepSums = this.#rowSteps[y] as Float32Array;
      let sum = 0;
      let stepSum = 0;
      for (let lane = 0; lane < laneCount; lane++) {
        const step = (level[lane] as Int16Array)[y] as number;
        const part = step > full ? 1 : step < -full ? -1 : step / full;
        stepSum += part;
        sum += part < 0 ? -part : part;
        sums[lane + 1] = sum;
        stepSums[lane + 1] = stepSum;
      }
    }
  }

  /** Rows where a level edge shows all along the middle of the picture. */
  #findPeaks({ height, laneCount }: EdgeTiles): void {
    const lastLeft = this.#limits.leftTo + SEARCH.corner;
    const from = Math.min(Math.ceil(lastLeft / TILE_COLUMNS), Math.floor(laneCount / 2) - 1);
    this.#peakCount = 0;
    let before = 0;
    let strength = this.#allAlongRow(1, from, laneCount - from);
    for (let y = 2; y < height - 1; y++) {
      const after = this.#allAlongRow(y, from, laneCount - from);
      if (strength >= SEARCH.rowFloor && strength >= before && strength > after) this.#keepPeak(y - 1, strength);
      before = strength;
      strength = after;
    }
  }

  /** A line of text ends somewhere, a card's edge goes from side to side: the weakest third counts most. */
  #allAlongRow(y: number, fromLane: number, toLane: number): number {
    const third = (toLane - fromLane) / 3;
    const first = Math.round(fromLane + third);
    const second = Math.round(toLane - third);
    const left = this.#alongRow(y, fromLane, first);
    const middle = this.#alongRow(y, first, second);
    const right = this.#alongRow(y, second, toLane);
    const weakest = left < middle ? (left < right ? left : right) : middle < right ? middle : right;
    return weakest + SEARCH.wholeRow * (left + middle + right);
  }

  #keepPeak(y: number, strength: number): void {
    let slot = this.#peakCount;
    if (slot === SEARCH.rowPeaks) {
      slot = 0;
      for (let i = 1; i < SEARCH.rowPeaks; i++) {
        if ((this.#peakStrengths[i] as number) < (this.#peakStrengths[slot] as number)) slot = i;
      }
      if ((this.#peakStrengths[slot] as number) >= strength) return;
    } else {
      this.#peakCount++;
    }
    this.#peaks[slot] = y;
    this.#peakStrengths[slot] = strength;
  }

  /** How well a level edge shows between two lanes: 0 to 1, more for a step of one sign. */
  #alongRow(y: number, fromLane: number, toLane: number): number {
    if (toLane <= fromLane) return 0;
    const sums = this.#rows[y] as Float32Array;
    const steps = this.#rowSteps[y] as Float32Array;
    const size = (sums[toLane] as number) - (sums[fromLane] as number);
    const step = Math.abs((steps[toLane] as number) - (steps[fromLane] as number)) * SEARCH.coherence;
    return Math.min(1, (size > step ? size : step) / (toLane - fromLane));
  }

  /** The same for both sides of a card at once. */
  #alongSides(column: number, fromBand: number, toBand: number): number {
    if (toBand <= fromBand) return 0;
    const count = toBand - fromBand;
    const size = ((this.#sides[column]?.[toBand] as number) - (this.#sides[column]?.[fromBand] as number)) / count;
    const left = this.#leftSteps[column] as Float32Array;
    const right = this.#rightSteps[column] as Float32Array;
    const leftStep = Math.abs((left[toBand] as number) - (left[fromBand] as number));
    const rightStep = Math.abs((right[toBand] as number) - (right[fromBand] as number));
    const step = ((leftStep < rightStep ? leftStep : rightStep) * SEARCH.coherence) / count;
    return Math.min(1, size > step ? size : step);
  }

  #tryBottom(tiles: EdgeTiles, bottom: number, into: Candidate[]): void {
    if (bottom < SEARCH.visibleFrom) return;
    const { topTo, heightFrom, heightTo } = this.#limits;
    if (bottom <= heightTo) this.#tryTop(tiles, 0, bottom, into);
    for (let i = 0; i < this.#peakCount; i++) {
      const top = this.#peaks[i] as number;
      const height = bottom - top;
      if (top <= topTo && height >= heightFrom && height <= heightTo) this.#tryTop(tiles, top, bottom, into);
    }
  }

  #tryTop(tiles: EdgeTiles, top: number, bottom: number, into: Candidate[]): void {
    const corner = Math.min(SEARCH.corner, (bottom - top) >> 2);
    const fromBand = top === 0 ? 0 : Math.ceil((top + corner) / TILE_ROWS);
    const toBand = Math.max(fromBand + 1, Math.floor((bottom - corner) / TILE_ROWS));
    const beyondFrom = Math.min(Math.ceil((bottom + 1) / TILE_ROWS), tiles.bandCount);
    const beyondTo = Math.min(beyondFrom + 3, tiles.bandCount);
    for (let column = 0; column < this.#columns; column++) {
      const side = this.#alongSides(column, fromBand, toBand);
      if (side < SEARCH.sideFloor) continue;
      const beyond = this.#alongSides(column, beyondFrom, beyondTo);
      const left = this.#limits.leftFrom + column;
      const fromLane = Math.ceil((left + SEARCH.corner) / TILE_COLUMNS);
      const toLane = Math.max(fromLane + 1, Math.floor((tiles.width - left - SEARCH.corner) / TILE_COLUMNS));
      const sideRim = Math.min(
        this.#alongSides(column + SEARCH.rimNear, fromBand, toBand),
        this.#alongSides(column + SEARCH.rimFar, fromBand, toBand),
      );
      const below = this.#alongRow(bottom, fromLane, toLane);
      const bottomRim = Math.min(
        this.#alongRow(bottom - SEARCH.rimNear, fromLane, toLane),
        this.#alongRow(bottom - SEARCH.rimFar, fromLane, toLane),
      );
      const above = top === 0 ? HIDDEN_TOP : this.#alongRow(top, fromLane, toLane);
      const topRim =
        top === 0
          ? 0
          : Math.min(
              this.#alongRow(top + SEARCH.rimNear, fromLane, toLane),
              this.#alongRow(top + SEARCH.rimFar, fromLane, toLane),
            );
      const strength =
        WEIGHTS.side * side +
        WEIGHTS.bottom * below +
        WEIGHTS.top * above -
        WEIGHTS.beyond * beyond -
        WEIGHTS.sideRim * sideRim -
        WEIGHTS.bottomRim * bottomRim -
        WEIGHTS.topRim * topRim;
      keepBest(into, left, top, bottom, strength);
    }
  }
}

/** The mirrored side may be a sample off: a picture's width need not be a multiple of the factor. */
export function strongest(steps: Int16Array, x: number): number {
  const a = steps[x - 1] as number;
  const b = steps[x] as number;
  const c = steps[x + 1] as number;
  const ab = Math.abs(a) > Math.abs(b) ? a : b;
  return Math.abs(c) > Math.abs(ab) ? c : ab;
}

/** Rectangles with as nearly the same sides that share so much of their height are one. */
const SAME_SHARE = 0.85;

/** Insertion into the few best; a rectangle that nearly is another replaces it or is left out. */
function keepBest(into: Candidate[], left: number, top: number, bottom: number, strength: number): void {
  const last = into[into.length - 1] as Candidate;
  if (strength <= last.strength) return;
  let place = into.length - 1;
  for (let i = 0; i < into.length; i++) {
    const other = into[i] as Candidate;
    if (other.strength <= 0) continue;
    const shared = Math.min(other.bottom, bottom) - Math.max(other.top, top);
    const isSame =
      Math.abs(other.left - left) <= 3 && shared > SAME_SHARE * Math.max(other.bottom - other.top, bottom - top);
    if (!isSame) continue;
    if (other.strength >= strength) return;
    place = i;
    break;
  }
  const moved = into[place] as Candidate;
  while (place > 0 && (into[place - 1] as Candidate).strength < strength) {
    into[place] = into[place - 1] as Candidate;
    place--;
  }
  into[place] = moved;
  moved.left = left;
  moved.top = top;
  moved.bottom = bottom;
  moved.strength = strength;
}
