import type { GrayImage, Plane } from "@kagami/kernels";
import type { Band } from "./band.ts";
import { type Candidate, strongest } from "./candidates.ts";
import { type EdgeTiles, STEP_SCALE, TILE_COLUMNS, TILE_ROWS } from "./edge-tiles.ts";
import { meanAndDetail, SAMPLE_STEP } from "./features-below.ts";
import { ChangeMap } from "./features-change.ts";

/** What a classifier is told of a candidate, by position. Trained weights depend on the order: append only. */
export const FEATURE_NAMES = [
  "strength",
  "sideLeft",
  "sideRight",
  "sideLeftAgreement",
  "sideRightAgreement",
  "sideOpposition",
  "sideCoverage",
  "sideBeyond",
  "bottom",
  "bottomAgreement",
  "bottomWeakestThird",
  "bottomCoverage",
  "top",
  "topAgreement",
  "topCoverage",
  "left",
  "topAt",
  "height",
  "insideMean",
  "insideSpread",
  "modeShare",
  "modeLevel",
  "modeAgainstBelow",
  "detailIcon",
  "detailText",
  "detailEnd",
  "detailBelow",
  "textRuns",
  "busyRows",
  "rimDistance",
  "rimRoughness",
  "outerRoughness",
  "neutralShare",
  "chromaSpread",
  "changeInside",
  "changeOutside",
  "changeShareInside",
  "changeShareOutside",
  "newInside",
  "newOutside",
  "newShareInside",
  "newShareOutside",
  "isPortrait",
] as const;

export const FEATURE_COUNT: number = FEATURE_NAMES.length;
/** Features from here to there are those of the inside; the others are quick. */
export const INSIDE_FEATURES = { from: 18, to: 34 } as const;

/** Numbers of the measurements; levels of 8-bit luma, lengths in samples of the small picture. */
const MEASURE = {
  fullStep: 14 * STEP_SCALE,
  /** A step that can be seen. */
  seenStep: 2.5 * STEP_SCALE,
  corner: 5,
  /** Levels next to the most frequent one that still are the card's ground. */
  groundSpread: 6,
  /** Mean horizontal difference of a row with text in it. */
  busyDetail: 4,
  /** Zones of a card, in fractions of its width. */
  iconTo: 0.17,
  textTo: 0.7,
  /** How far from gray, in levels, is still neutral. */
  neutralChroma: 9,
  rimInset: 3,
  /** Of taller rectangles every second row is measured. */
  manyRows: 30,
} as const;
const CHROMA_COLUMNS = 12;
const CHROMA_ROWS = 4;

export interface Scene {
  readonly band: Band;
  readonly image: GrayImage;
  readonly tiles: EdgeTiles;
  readonly u: Plane;
  readonly v: Plane;
  /** Differences of cells from the picture before, and from one some tenths of a second ago; see `cellDifferences`. */
  readonly sinceLast: Int32Array;
  readonly sinceReference: Int32Array;
}

/** Writes a candidate's features, all finite numbers, without garbage. */
export class FeatureExtractor {
  readonly #histogram = new Int32Array(512);
  readonly #last = new ChangeMap();
  readonly #reference = new ChangeMap();
  readonly #rowDetail: Float32Array;
  /** Results of helpers that have more than one. */
  readonly #pair = new Float64Array(4);
  #mode = 0;

  constructor(height: number) {
    this.#rowDetail = new Float32Array(height);
  }

  /** Sums up what changed in a picture; before any candidate of it is measured. */
  begin({ sinceLast, sinceReference, image }: Scene): void {
    this.#last.measure(sinceLast, image.width, image.height);
    this.#reference.measure(sinceReference, image.width, image.height);
  }

  /** The features that cost little: outline, place, change. Not in {@link INSIDE_FEATURES}. */
  extractQuick({ band, tiles }: Scene, candidate: Candidate, into: Float32Array): void {
    const { unit, isPortrait, width } = band;
    const { left, top, bottom } = candidate;
    into[0] = candidate.strength;
    this.#sides(tiles, candidate, into);
    this.#levelEdge(tiles, left, bottom, into, 8);
    if (top > 0) {
      this.#levelEdge(tiles, left, top, into, 12);
      into[14] = into[15] as number;
    } else {
      into.fill(-1, 12, 15);
    }
    into[15] = isPortrait ? left / unit : (width - 2 * left) / unit;
    into[16] = top / unit;
    into[17] = (bottom - top) / unit;
    this.#last.compare(left, top, width - left, bottom, into, 34);
    this.#reference.compare(left, top, width - left, bottom, into, 38);
    into[42] = isPortrait ? 1 : 0;
  }

  /** All the others: what is in the rectangle. */
  extractInside(scene: Scene, candidate: Candidate, into: Float32Array): void {
    this.#inside(scene.image, candidate, into);
    this.#rims(scene.image, candidate, into);
    this.#chroma(scene, candidate, into);
  }

  /** sideLeft to sideBeyond. */
  #sides({ upright, width, bandCount }: EdgeTiles, { left, top, bottom }: Candidate, into: Float32Array): void {
    const corner = Math.min(MEASURE.corner, (bottom - top) >> 2);
    const from = top === 0 ? 0 : Math.ceil((top + corner) / TILE_ROWS);
    const to = Math.max(from + 1, Math.floor((bottom - corner) / TILE_ROWS));
    const right = width - 1 - left;
    let leftSum = 0;
    let rightSum = 0;
    let leftSigned = 0;
    let rightSigned = 0;
    let seen = 0;
    for (let band = from; band < to; band++) {
      const l = upright[band * width + left] as number;
      const r = strongest(upright, band * width + right);
      leftSum += Math.min(Math.abs(l), MEASURE.fullStep);
      rightSum += Math.min(Math.abs(r), MEASURE.fullStep);
      leftSigned += clip(l);
      rightSigned += clip(r);
      if (Math.abs(l) >= MEASURE.seenStep && Math.abs(r) >= MEASURE.seenStep) seen++;
    }
    const full = (to - from) * MEASURE.fullStep;
    into[1] = leftSum / full;
    into[2] = rightSum / full;
    into[3] = leftSum > 0 ? Math.abs(leftSigned) / leftSum : 0;
    into[4] = rightSum > 0 ? Math.abs(rightSigned) / rightSum : 0;
    into[5] = (-leftSigned * rightSigned) / (full * full);
    into[6] = seen / (to - from);
    const beyondFrom = Math.min(Math.ceil((bottom + 1) / TILE_ROWS), bandCount);
    const beyondTo = Math.min(beyondFrom + 3, bandCount);
    let beyond = 0;
    for (let band = beyondFrom; band < beyondTo; band++) {
      const l = Math.abs(upright[band * width + left] as number);
      beyond += Math.min(l, Math.abs(strongest(upright, band * width + right)), MEASURE.fullStep);
    }
    into[7] = beyondTo > beyondFrom ? beyond / ((beyondTo - beyondFrom) * MEASURE.fullStep) : 0;
  }

  /** Strength, agreement, weakest third and coverage of an edge from side to side. */
  #levelEdge({ level, laneCount, width }: EdgeTiles, left: number, y: number, into: Float32Array, at: number): void {
    const from = Math.ceil((left + MEASURE.corner) / TILE_COLUMNS);
    const to = Math.max(from + 1, Math.floor((width - left - MEASURE.corner) / TILE_COLUMNS));
    const third = (to - from) / 3;
    let sum = 0;
    let signed = 0;
    let seen = 0;
    let weakest = 1;
    let thirdSum = 0;
    let thirdEnd = from + third;
    let thirdCount = 0;
    for (let lane = from; lane < to; lane++) {
      const step = level[y * laneCount + lane] as number;
      const size = Math.min(Math.abs(step), MEASURE.fullStep);
      sum += size;
      thirdSum += size;
      thirdCount++;
      signed += clip(step);
      if (size >= MEASURE.seenStep) seen++;
      if (lane + 1 >= thirdEnd) {
        weakest = Math.min(weakest, thirdSum / (thirdCount * MEASURE.fullStep));
        thirdSum = 0;
        thirdCount = 0;
        thirdEnd += third;
      }
    }
    into[at] = sum / ((to - from) * MEASURE.fullStep);
    into[at + 1] = sum > 0 ? Math.abs(signed) / sum : 0;
    into[at + 2] = weakest;
    into[at + 3] = seen / (to - from);
  }

  /** insideMean to busyRows. */
  #inside(image: GrayImage, { left, top, bottom }: Candidate, into: Float32Array): void {
    const { width, height, pixels } = image;
    const right = width - left;
    const iconTo = left + Math.round((right - left) * MEASURE.iconTo);
    const textTo = left + Math.round((right - left) * MEASURE.textTo);
    const histogram = this.#histogram.fill(0);
    let count = 0;
    let iconDetail = 0;
    let textDetail = 0;
    let endDetail = 0;
    const from = top + 2;
    const to = Math.max(from + 1, bottom - 2);
    const rowStep = to - from > MEASURE.manyRows ? 2 : 1;
    let rows = 0;
    for (let y = from; y < to; y += rowStep) {
      const start = y * width + left + 3;
      const end = Math.max(start, y * width + right - 3);
      const iconEnd = sampleFrom(start, Math.min(end, y * width + iconTo));
      const textEnd = sampleFrom(iconEnd, Math.min(end, y * width + textTo));
      const rowText = this.#walk(pixels, iconEnd, textEnd);
      iconDetail += this.#walk(pixels, start, iconEnd);
      endDetail += this.#walk(pixels, textEnd, end);
      count += Math.ceil((end - start) / SAMPLE_STEP);
      textDetail += rowText;
      this.#rowDetail[rows++] = (SAMPLE_STEP * rowText) / (textTo - iconTo);
    }
    let sum = 0;
    let squares = 0;
    for (let level = 0; level < 256; level++) {
      const samples = (histogram[level] as number) + (histogram[level + 256] as number);
      histogram[level] = samples;
      sum += samples * level;
      squares += samples * level * level;
    }
    const mean = count > 0 ? sum / count : 0;
    into[18] = mean;
    into[19] = count > 0 ? Math.sqrt(Math.max(0, squares / count - mean * mean)) : 0;
    into[20] = this.#findMode(count);
    into[21] = this.#mode;
    into[23] = (SAMPLE_STEP * iconDetail) / (rows * Math.max(1, iconTo - left));
    into[24] = (SAMPLE_STEP * textDetail) / (rows * Math.max(1, textTo - iconTo));
    into[25] = (SAMPLE_STEP * endDetail) / (rows * Math.max(1, right - textTo));
    this.#textRuns(rows, into);
    meanAndDetail(image, left + 3, right - 3, Math.min(bottom + 2, height), Math.min(bottom + 10, height), this.#pair);
    const [belowMean = 0, belowDetail = 0, belowCount = 0] = this.#pair;
    into[22] = belowCount > 0 ? Math.abs(this.#mode - belowMean) : 0;
    into[26] = belowCount > 0 ? belowDetail : 0;
  }

  /** Counts the levels of some samples of a row. @returns Sum of their differences to the next ones. */
  #walk(pixels: Uint8Array, from: number, to: number): number {
    const histogram = this.#histogram;
    let detail = 0;
    // Two counts of each level, in turns: to add to what has just been written takes the longest.
    let turn = 0;
    for (let i = from; i < to; i += SAMPLE_STEP) {
      const p = pixels[i] as number;
      const d = (pixels[i + 1] as number) - p;
      histogram[p + turn] = (histogram[p + turn] as number) + 1;
      turn ^= 256;
      detail += d < 0 ? -d : d;
    }
    return detail;
  }

  /** Keeps the level that most samples are near to; returns the share of those samples. */
  #findMode(count: number): number {
    const histogram = this.#histogram;
    const span = MEASURE.groundSpread;
    let sum = 0;
    for (let level = 0; level < span; level++) sum += histogram[level] as number;
    let best = -1;
    for (let level = 0; level < 256; level++) {
      if (level + span < 256) sum += histogram[level + span] as number;
      if (level - span - 1 >= 0) sum -= histogram[level - span - 1] as number;
      if (sum > best) {
        best = sum;
        this.#mode = level;
      }
    }
    return count > 0 ? best / count : 0;
  }

  /** How many lines of text there are, and how many of the rows they fill. */
  #textRuns(rows: number, into: Float32Array): void {
    let runs = 0;
    let busy = 0;
    let wasBusy = false;
    for (let row = 0; row < rows; row++) {
      const isBusy = (this.#rowDetail[row] as number) >= MEASURE.busyDetail;
      if (isBusy) busy++;
      if (isBusy && !wasBusy) runs++;
      wasBusy = isBusy;
    }
    into[27] = runs;
    into[28] = busy / rows;
  }

  /** rimDistance to outerRoughness: along the outline, inside and outside of it. */
  #rims(image: GrayImage, { left, top, bottom }: Candidate, into: Float32Array): void {
    const { width, height, pixels } = image;
    const inset = MEASURE.rimInset;
    const right = width - 1 - left;
    const corner = MEASURE.corner;
    const rimRow = Math.max(top, bottom - inset) * width;
    const outerRow = Math.min(height - 1, bottom + inset) * width;
    let distance = 0;
    let rough = 0;
    let outer = 0;
    let count = 0;
    for (let x = left + corner; x < right - corner; x += 2) {
      const p = pixels[rimRow + x] as number;
      distance += Math.min(40, Math.abs(p - this.#mode));
      rough += Math.abs((pixels[rimRow + x + 2] as number) - p);
      outer += Math.abs((pixels[outerRow + x + 2] as number) - (pixels[outerRow + x] as number));
      count++;
    }
    for (let y = top + corner; y < bottom - corner; y += 2) {
      const l = y * width + left + inset;
      const r = y * width + right - inset;
      distance += Math.min(40, Math.abs((pixels[l] as number) - this.#mode));
      distance += Math.min(40, Math.abs((pixels[r] as number) - this.#mode));
      rough += Math.abs((pixels[l + 2 * width] as number) - (pixels[l] as number));
      rough += Math.abs((pixels[r + 2 * width] as number) - (pixels[r] as number));
      count += 2;
    }
    into[29] = count > 0 ? distance / count : 40;
    into[30] = count > 0 ? rough / count : 40;
    into[31] = count > 0 ? outer / count : 40;
  }

  /** neutralShare and chromaSpread, from a grid of points. */
  #chroma({ band, image, u, v }: Scene, { left, top, bottom }: Candidate, into: Float32Array): void {
    const scale = band.factor / 2;
    const spanX = image.width - 2 * left - 2 * MEASURE.rimInset;
    let neutral = 0;
    let uSum = 0;
    let vSum = 0;
    let squares = 0;
    for (let row = 0; row < CHROMA_ROWS; row++) {
      const down = top + ((bottom - top) * (row + 0.5)) / CHROMA_ROWS;
      const y = Math.min(u.height - 1, Math.floor(band.screen.y / 2 + down * scale));
      for (let column = 0; column < CHROMA_COLUMNS; column++) {
        const at = left + MEASURE.rimInset + (spanX * (column + 0.5)) / CHROMA_COLUMNS;
        const x = Math.min(u.width - 1, Math.floor(band.screen.x / 2 + at * scale));
        const du = (u.data[y * u.stride + x] as number) - 128;
        const dv = (v.data[y * v.stride + x] as number) - 128;
        if (Math.abs(du) <= MEASURE.neutralChroma && Math.abs(dv) <= MEASURE.neutralChroma) neutral++;
        uSum += du;
        vSum += dv;
        squares += du * du + dv * dv;
      }
    }
    const count = CHROMA_ROWS * CHROMA_COLUMNS;
    into[32] = neutral / count;
    into[33] = Math.sqrt(Math.max(0, squares / count - (uSum * uSum + vSum * vSum) / (count * count)));
  }
}

/** The first of the samples from `start` on that is at `end` or after it. */
function sampleFrom(start: number, end: number): number {
  return end <= start ? start : start + SAMPLE_STEP * Math.ceil((end - start) / SAMPLE_STEP);
}

function clip(step: number): number {
  return step > MEASURE.fullStep ? MEASURE.fullStep : step < -MEASURE.fullStep ? -MEASURE.fullStep : step;
}
