import { MAX_SIDE } from "./limits.ts";
import { MAX_MIDDLE_BLOCKS, type NetData } from "./net-data.ts";
import { CELL_CHANNELS, type Walk } from "./net-work.ts";

/**
 * Where a network keeps its pictures of one grid. Pictures that are looked at around a cell have a border of zeros, as
 * wide as is looked; only what is inside it is ever written.
 */
export interface NetLayout {
  readonly width: number;
  readonly height: number;
  readonly halfWidth: number;
  readonly halfHeight: number;
  readonly quarterWidth: number;
  readonly quarterHeight: number;
  readonly packed: Walk;
  readonly stem: Walk;
  readonly skip: Walk;
  /** Room for what is between the two layers of any block, without gaps. */
  readonly scratch: number;
  /** Blocks in the middle read from one and write to the other. */
  readonly coarse: readonly [Walk, Walk];
  readonly upsampled: Walk;
  readonly sum: Walk;
  readonly refined: Walk;
  readonly result: Walk;
  /** First byte behind all of them. */
  readonly end: number;
}

/** The farthest that the middle looks. */
const COARSE_BORDER = 1 << (MAX_MIDDLE_BLOCKS - 1);
const SHORT_BYTES = 2;

/** Lays out the pictures of a grid of `width` by `height` cells, one behind the other from the byte `start` on. */
export function layOutNet(data: NetData, width: number, height: number, start: number): NetLayout {
  const { stemChannels, fineChannels, coarseChannels, outputs } = data;
  const halfWidth = (width + 1) >> 1;
  const halfHeight = (height + 1) >> 1;
  const quarterWidth = (halfWidth + 1) >> 1;
  const quarterHeight = (halfHeight + 1) >> 1;
  let end = start;
  const take = (sizeBytes: number): number => {
    const at = end;
    end += (sizeBytes + 15) & ~15;
    return at;
  };
  const picture = (columns: number, rows: number, channels: number, border: number): Walk => {
    const step = SHORT_BYTES * channels;
    const pitch = step * (columns + 2 * border);
    return { at: take(pitch * (rows + 2 * border)) + border * (pitch + step), step, pitch };
  };
  const packed = picture(width, height, CELL_CHANNELS, 1);
  const stem = picture(halfWidth, halfHeight, stemChannels, 1);
  const skip = picture(halfWidth, halfHeight, fineChannels, 1);
  const atHalf = halfWidth * halfHeight * Math.max(stemChannels, fineChannels);
  const atQuarter = quarterWidth * quarterHeight * Math.max(fineChannels, coarseChannels);
  const scratch = take(SHORT_BYTES * Math.max(atHalf, atQuarter));
  const coarse = (): Walk => picture(quarterWidth, quarterHeight, coarseChannels, COARSE_BORDER);
  return {
    width,
    height,
    halfWidth,
    halfHeight,
    quarterWidth,
    quarterHeight,
    packed,
    stem,
    skip,
    scratch,
    coarse: [coarse(), coarse()],
    upsampled: picture(quarterWidth, quarterHeight, fineChannels, 0),
    sum: picture(halfWidth, halfHeight, fineChannels, 1),
    // What is added to it has its layout: hence the border.
    refined: picture(halfWidth, halfHeight, fineChannels, 1),
    result: picture(halfWidth, halfHeight, (outputs + 7) & ~7, 0),
    end,
  };
}

/** Bytes that the pictures of any grid of at most so many cells need, with sides of at most {@link MAX_SIDE} cells. */
export function roomForNet(data: NetData, maxCells: number): number {
  let most = 0;
  // No picture becomes smaller when a grid grows, so of each shorter side only the longest grids matter.
  for (let short = 1; short * short <= maxCells; short++) {
    const long = Math.min(MAX_SIDE, Math.floor(maxCells / short));
    most = Math.max(most, layOutNet(data, long, short, 0).end, layOutNet(data, short, long, 0).end);
  }
  return most;
}
