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

/** A step as a part of a full one, for each size below it: they are asked for often, and a division takes long. */
const PARTS = Float64Array.from({ length: SEARCH.fullStep }, (_, size) => size / SEARCH.fullStep);

/** What a missing upper edge counts: less than a good one, more than a bad one. */
const HIDDEN_TOP = 0.35;
/** In place of a peak, for an upper edge above the picture. */
const NO_PEAK = -1;
const WEIGHTS = { side: 1, bottom: 1, top: 0.8, beyond: 0.4, sideRim: 0.8, bottomRim: 0.8, topRim: 0.5 } as const;

/** Finds the rectangles of a picture that look most like a card's outline. Keeps its memory from one to the next. */
export class CandidateSearch {
  readonly #limits: SearchLimits;
  readonly #columns: number;
  /** For each left side, running sums over bands of how well both sides show; `bandCount + 1` entries each. */
  readonly #sides: Float32Array;
  /** The same of the signed steps of each side. */
  readonly #leftSteps: Float32Array;
  readonly #rightSteps: Float32Array;
  readonly #sideStride: number;
  /** For each row, running sums over lanes of how well a level edge shows. */
  readonly #rows: Float32Array;
  readonly #rowSteps: Float32Array;
  readonly #rowStride: number;
  /** Lanes between the corners, for each of the few different spans, and the span of each left side. */
  readonly #spanFrom: number[] = [];
  readonly #spanTo: number[] = [];
  readonly #spans: Uint8Array;
  readonly #peaks: Int32Array;
  readonly #peakStrengths: Float32Array;
  #peakCount = 0;
  /** For each peak and span: how well the edge shows, and the rows inside of a card that ends or begins there. */
  readonly #edges: Float64Array;
  readonly #rimsAbove: Float64Array;
  readonly #rimsBelow: Float64Array;

  constructor(limits: SearchLimits, width: number, height: number) {
    this.#limits = limits;
    this.#columns = Math.max(0, limits.leftTo - limits.leftFrom + 1);
    const bandCount = Math.floor(height / TILE_ROWS);
    const laneCount = Math.floor(width / TILE_COLUMNS);
    const sideCount = this.#columns + SEARCH.rimFar;
    this.#sideStride = bandCount + 1;
    this.#sides = new Float32Array(sideCount * this.#sideStride);
    this.#leftSteps = new Float32Array(sideCount * this.#sideStride);
    this.#rightSteps = new Float32Array(sideCount * this.#sideStride);
    this.#rowStride = laneCount + 1;
    this.#rows = new Float32Array(height * this.#rowStride);
    this.#rowSteps = new Float32Array(height * this.#rowStride);
    this.#spans = new Uint8Array(this.#columns);
    this.#layOutSpans(width);
    this.#peaks = new Int32Array(SEARCH.rowPeaks);
    this.#peakStrengths = new Float32Array(SEARCH.rowPeaks);
    this.#edges = new Float64Array(SEARCH.rowPeaks * this.#spanFrom.length);
    this.#rimsAbove = new Float64Array(this.#edges.length);
    this.#rimsBelow = new Float64Array(this.#edges.length);
  }

  /** @returns How many of `into` were filled, best first. */
  find(tiles: EdgeTiles, into: Candidate[]): number {
    this.#sumSides(tiles);
    this.#sumRows(tiles);
    this.#findPeaks(tiles);
    this.#measurePeaks(tiles.height);
    for (let i = 0; i < into.length; i++) (into[i] as Candidate).strength = 0;
    for (let i = 0; i < this.#peakCount; i++) this.#tryBottom(tiles, i, into);
    let count = 0;
    while (count < into.length && (into[count] as Candidate).strength > 0) count++;
    return count;
  }

  #layOutSpans(width: number): void {
    for (let column = 0; column < this.#columns; column++) {
      const left = this.#limits.leftFrom + column;
      const from = Math.ceil((left + SEARCH.corner) / TILE_COLUMNS);
      const to = Math.max(from + 1, Math.floor((width - left - SEARCH.corner) / TILE_COLUMNS));
      let span = this.#spanFrom.length - 1;
      if (span < 0 || this.#spanFrom[span] !== from || this.#spanTo[span] !== to) {
        this.#spanFrom.push(from);
        this.#spanTo.push(to);
        span++;
      }
      this.#spans[column] = span;
    }
  }

  #sumSides({ upright, bandCount, width }: EdgeTiles): void {
    const { leftFrom } = this.#limits;
    const full = SEARCH.fullStep;
    const sums = this.#sides;
    const leftSums = this.#leftSteps;
    const rightSums = this.#rightSteps;
    for (let column = 0; column < this.#columns + SEARCH.rimFar; column++) {
      const left = leftFrom + column;
      const right = width - 1 - left;
      let sum = 0;
      let leftSum = 0;
      let rightSum = 0;
      for (let band = 0, at = column * this.#sideStride + 1; band < bandCount; band++, at++) {
        const leftStep = upright[band * width + left] as number;
        const rightStep = strongest(upright, band * width + right);
        const leftSize = leftStep < 0 ? -leftStep : leftStep;
        const rightSize = rightStep < 0 ? -rightStep : rightStep;
        const leftPart = leftSize < full ? (PARTS[leftSize] as number) : 1;
        const rightPart = rightSize < full ? (PARTS[rightSize] as number) : 1;
        sum += leftPart < rightPart ? leftPart : rightPart;
        leftSum += leftStep < 0 ? -leftPart : leftPart;
        rightSum += rightStep < 0 ? -rightPart : rightPart;
        sums[at] = sum;
        leftSums[at] = leftSum;
        rightSums[at] = rightSum;
      }
    }
  }

  #sumRows({ level, laneCount, height }: EdgeTiles): void {
    const full = SEARCH.fullStep;
    const sums = this.#rows;
    const stepSums = this.#rowSteps;
    for (let y = 0; y < height; y++) {
      const at = y * this.#rowStride + 1;
      let sum = 0;
      let stepSum = 0;
      for (let lane = 0; lane < laneCount; lane++) {
        const step = level[y * laneCount + lane] as number;
        const size = step < 0 ? -step : step;
        const part = size < full ? (PARTS[size] as number) : 1;
        stepSum += step < 0 ? -part : part;
        sum += part;
        sums[at + lane] = sum;
        stepSums[at + lane] = stepSum;
      }
    }
  }

  /** Rows where a level edge shows all along the middle of the picture. */
  #findPeaks({ height, laneCount }: EdgeTiles): void {
    const lastLeft = this.#limits.leftTo + SEARCH.corner;
    const from = Math.min(Math.ceil(lastLeft / TILE_COLUMNS), Math.floor(laneCount / 2) - 1);
    const to = laneCount - from;
    const first = Math.round(from + (to - from) / 3);
    const second = Math.round(to - (to - from) / 3);
    this.#peakCount = 0;
    let before = 0;
    let strength = this.#allAlongRow(1, from, first, second, to);
    for (let y = 2; y < height - 1; y++) {
      const after = this.#allAlongRow(y, from, first, second, to);
      if (strength >= SEARCH.rowFloor && strength >= before && strength > after) this.#keepPeak(y - 1, strength);
      before = strength;
      strength = after;
    }
  }

  /** A line of text ends somewhere, a card's edge goes from side to side: the weakest third counts most. */
  #allAlongRow(y: number, fromLane: number, first: number, second: number, toLane: number): number {
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

  /** What a card gets for its upper and lower edge depends on the peak and the span only. */
  #measurePeaks(height: number): void {
    const { rimNear, rimFar, visibleFrom } = SEARCH;
    const spanCount = this.#spanFrom.length;
    for (let i = 0; i < this.#peakCount; i++) {
      const y = this.#peaks[i] as number;
      for (let span = 0; span < spanCount; span++) {
        const from = this.#spanFrom[span] as number;
        const to = this.#spanTo[span] as number;
        const at = i * spanCount + span;
        this.#edges[at] = this.#alongRow(y, from, to);
        if (y >= visibleFrom) {
          const near = this.#alongRow(y - rimNear, from, to);
          const far = this.#alongRow(y - rimFar, from, to);
          this.#rimsAbove[at] = near < far ? near : far;
        }
        if (y <= this.#limits.topTo && y + rimFar < height) {
          const near = this.#alongRow(y + rimNear, from, to);
          const far = this.#alongRow(y + rimFar, from, to);
          this.#rimsBelow[at] = near < far ? near : far;
        }
      }
    }
  }

  /** How well a level edge shows between two lanes: 0 to 1, more for a step of one sign. */
  #alongRow(y: number, fromLane: number, toLane: number): number {
    if (toLane <= fromLane) return 0;
    const base = y * this.#rowStride;
    const sums = this.#rows;
    const steps = this.#rowSteps;
    const size = (sums[base + toLane] as number) - (sums[base + fromLane] as number);
    const step = Math.abs((steps[base + toLane] as number) - (steps[base + fromLane] as number)) * SEARCH.coherence;
    const share = (size > step ? size : step) / (toLane - fromLane);
    return share < 1 ? share : 1;
  }

  /** The same for both sides of a card at once. */
  #alongSides(column: number, fromBand: number, toBand: number): number {
    if (toBand <= fromBand) return 0;
    const from = column * this.#sideStride + fromBand;
    const to = column * this.#sideStride + toBand;
    const count = toBand - fromBand;
    const size = ((this.#sides[to] as number) - (this.#sides[from] as number)) / count;
    const leftStep = Math.abs((this.#leftSteps[to] as number) - (this.#leftSteps[from] as number));
    const rightStep = Math.abs((this.#rightSteps[to] as number) - (this.#rightSteps[from] as number));
    const step = ((leftStep < rightStep ? leftStep : rightStep) * SEARCH.coherence) / count;
    const share = size > step ? size : step;
    return share < 1 ? share : 1;
  }

  #tryBottom(tiles: EdgeTiles, bottomPeak: number, into: Candidate[]): void {
    const bottom = this.#peaks[bottomPeak] as number;
    if (bottom < SEARCH.visibleFrom) return;
    const { topTo, heightFrom, heightTo } = this.#limits;
    if (bottom <= heightTo) this.#tryTop(tiles, NO_PEAK, bottomPeak, into);
    for (let i = 0; i < this.#peakCount; i++) {
      const top = this.#peaks[i] as number;
      const height = bottom - top;
      if (top <= topTo && height >= heightFrom && height <= heightTo) this.#tryTop(tiles, i, bottomPeak, into);
    }
  }

  #tryTop({ bandCount }: EdgeTiles, topPeak: number, bottomPeak: number, into: Candidate[]): void {
    const top = topPeak === NO_PEAK ? 0 : (this.#peaks[topPeak] as number);
    const bottom = this.#peaks[bottomPeak] as number;
    const corner = Math.min(SEARCH.corner, (bottom - top) >> 2);
    const fromBand = top === 0 ? 0 : Math.ceil((top + corner) / TILE_ROWS);
    const toBand = Math.max(fromBand + 1, Math.floor((bottom - corner) / TILE_ROWS));
    const beyondFrom = Math.min(Math.ceil((bottom + 1) / TILE_ROWS), bandCount);
    const beyondTo = Math.min(beyondFrom + 3, bandCount);
    const topBase = topPeak * this.#spanFrom.length;
    const bottomBase = bottomPeak * this.#spanFrom.length;
    for (let column = 0; column < this.#columns; column++) {
      const least = (into[into.length - 1] as Candidate).strength;
      const span = this.#spans[column] as number;
      const below = this.#edges[bottomBase + span] as number;
      const above = top === 0 ? HIDDEN_TOP : (this.#edges[topBase + span] as number);
      // What follows only takes away: most rectangles need not be looked at any further.
      if (WEIGHTS.side + WEIGHTS.bottom * below + WEIGHTS.top * above <= least) continue;
      const side = this.#alongSides(column, fromBand, toBand);
      if (side < SEARCH.sideFloor) continue;
      const best = WEIGHTS.side * side + WEIGHTS.bottom * below + WEIGHTS.top * above;
      if (best <= least) continue;
      const near = this.#alongSides(column + SEARCH.rimNear, fromBand, toBand);
      const far = this.#alongSides(column + SEARCH.rimFar, fromBand, toBand);
      const strength =
        best -
        WEIGHTS.beyond * this.#alongSides(column, beyondFrom, beyondTo) -
        WEIGHTS.sideRim * (near < far ? near : far) -
        WEIGHTS.bottomRim * (this.#rimsAbove[bottomBase + span] as number) -
        WEIGHTS.topRim * (top === 0 ? 0 : (this.#rimsBelow[topBase + span] as number));
      if (strength > least) keepBest(into, this.#limits.leftFrom + column, top, bottom, strength);
    }
  }
}

/** The mirrored side may be a sample off: a picture's width need not be a multiple of the factor. */
export function strongest(steps: Int32Array, x: number): number {
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
