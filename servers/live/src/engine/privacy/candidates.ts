import { type EdgeTiles, TILE_COLUMNS, TILE_ROWS } from "./edge-tiles.ts";
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
  fullStep: 14,
  /** Rows kept as possible upper or lower edges. */
  rowPeaks: 8,
  /** Weakest row, 0 to 1. */
  rowFloor: 0.12,
  /** Weakest outline of a candidate. */
  sideFloor: 0.1,
  /** Corner, whose samples are on no edge. */
  corner: 5,
  /** Least visible part of a card that slides in. */
  visibleFrom: 8,
} as const;

/** What a missing upper edge counts: less than a good one, more than a bad one. */
const HIDDEN_TOP = 0.35;
const WEIGHTS = { side: 1, bottom: 1, top: 0.8, beyond: 0.6 } as const;

/** Finds the rectangles of a picture that look most like a card's outline. Keeps its memory from one to the next. */
export class CandidateSearch {
  readonly #limits: SearchLimits;
  readonly #columns: number;
  /** For each left side, running sums over bands of how well both sides show; `bandCount + 1` entries each. */
  readonly #sides: Float32Array[];
  /** For each row, running sums over lanes of how well a level edge shows. */
  readonly #rows: Float32Array[];
  readonly #peaks: Int32Array;
  readonly #peakStrengths: Float32Array;
  #peakCount = 0;

  constructor(limits: SearchLimits, width: number, height: number) {
    this.#limits = limits;
    this.#columns = Math.max(0, limits.leftTo - limits.leftFrom + 1);
    this.#sides = Array.from({ length: this.#columns }, () => new Float32Array(Math.floor(height / TILE_ROWS) + 1));
    this.#rows = Array.from({ length: height }, () => new Float32Array(Math.floor(width / TILE_COLUMNS) + 1));
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
    for (let column = 0; column < this.#columns; column++) {
      const sums = this.#sides[column] as Float32Array;
      const left = leftFrom + column;
      const right = width - 1 - left;
      let sum = 0;
      for (let band = 0; band < bandCount; band++) {
        const steps = upright[band] as Int16Array;
        const leftStep = Math.abs(steps[left] as number);
        const a = Math.abs(steps[right - 1] as number);
        const b = Math.abs(steps[right] as number);
        const c = Math.abs(steps[right + 1] as number);
        const rightStep = a > b ? (a > c ? a : c) : b > c ? b : c;
        const both = leftStep < rightStep ? leftStep : rightStep;
        sum += both < SEARCH.fullStep ? both / SEARCH.fullStep : 1;
        sums[band + 1] = sum;
      }
    }
  }

  #sumRows({ level, laneCount, height }: EdgeTiles): void {
    for (let y = 0; y < height; y++) {
      const sums = this.#rows[y] as Float32Array;
      let sum = 0;
      for (let lane = 0; lane < laneCount; lane++) {
        const step = Math.abs((level[lane] as Int16Array)[y] as number);
        sum += step < SEARCH.fullStep ? step / SEARCH.fullStep : 1;
        sums[lane + 1] = sum;
      }
    }
  }

  /** Rows where a level edge shows all along the middle of the picture. */
  #findPeaks({ height, laneCount }: EdgeTiles): void {
    const lastLeft = this.#limits.leftTo + SEARCH.corner;
    const from = Math.min(Math.ceil(lastLeft / TILE_COLUMNS), Math.floor(laneCount / 2) - 1);
    this.#peakCount = 0;
    for (let y = 2; y < height - 1; y++) {
      const strength = this.#alongRow(y, from, laneCount - from);
      if (strength < SEARCH.rowFloor) continue;
      if (strength < this.#alongRow(y - 1, from, laneCount - from)) continue;
      if (strength <= this.#alongRow(y + 1, from, laneCount - from)) continue;
      this.#keepPeak(y, strength);
    }
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

  #alongRow(y: number, fromLane: number, toLane: number): number {
    const sums = this.#rows[y] as Float32Array;
    return toLane > fromLane ? ((sums[toLane] as number) - (sums[fromLane] as number)) / (toLane - fromLane) : 0;
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
      const sums = this.#sides[column] as Float32Array;
      const side = ((sums[toBand] as number) - (sums[fromBand] as number)) / (toBand - fromBand);
      if (side < SEARCH.sideFloor) continue;
      const beyond =
        beyondTo > beyondFrom
          ? ((sums[beyondTo] as number) - (sums[beyondFrom] as number)) / (beyondTo - beyondFrom)
          : 0;
      const left = this.#limits.leftFrom + column;
      const fromLane = Math.ceil((left + SEARCH.corner) / TILE_COLUMNS);
      const toLane = Math.max(fromLane + 1, Math.floor((tiles.width - left - SEARCH.corner) / TILE_COLUMNS));
      const below = this.#alongRow(bottom, fromLane, toLane);
      const above = top === 0 ? HIDDEN_TOP : this.#alongRow(top, fromLane, toLane);
      const strength = WEIGHTS.side * side + WEIGHTS.bottom * below + WEIGHTS.top * above - WEIGHTS.beyond * beyond;
      keepBest(into, left, top, bottom, strength);
    }
  }
}

/** Insertion into the few best; a rectangle that nearly is another replaces it or is left out. */
function keepBest(into: Candidate[], left: number, top: number, bottom: number, strength: number): void {
  const last = into[into.length - 1] as Candidate;
  if (strength <= last.strength) return;
  let place = into.length - 1;
  for (let i = 0; i < into.length; i++) {
    const other = into[i] as Candidate;
    if (other.strength <= 0) continue;
    const isSame =
      Math.abs(other.left - left) <= 2 && Math.abs(other.top - top) <= 2 && Math.abs(other.bottom - bottom) <= 2;
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
