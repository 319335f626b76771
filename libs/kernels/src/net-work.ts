/**
 * Layers of a network over cells, on 16-bit activations, 16-bit weights and sums of 32 bits; pictures are NHWC. Places
 * are byte offsets in the kernels' memory, steps and pitches are bytes. The caller has made sure that everything lies
 * within it, that channels and outputs are multiples of 8, and that no sum can leave 32 bits.
 */
export interface NetWork {
  /** Side by side for each cell: mean, texture, their changes since earlier pictures, and how far down it is. */
  packCells(cells: CellInputs, width: number, height: number, to: number, toPitch: number): void;

  /** Sums over `runs` pieces of `pairs` pairs of values, a rounding shift, a floor, a sum with `residual`, a ceiling. */
  dense(layer: DenseLayer, from: Walk, to: Walk, residual: number, width: number, height: number): void;

  /** Each channel alone over 3 by 3 cells; nothing below 0 is kept. */
  depthwise(layer: DepthwiseLayer, from: Walk, to: Walk, width: number, height: number): void;

  /** Adds a picture of half the size; nothing below 0 is kept. */
  addUpsampled(from: Walk, coarse: Walk, channels: number, to: Walk, width: number, height: number): void;
}

/** Offsets of pictures of bytes. */
export interface CellInputs {
  readonly mean: number;
  readonly texture: number;
  readonly meanBefore: number;
  readonly meanOlder: number;
  readonly textureOlder: number;
}

/** How a picture is gone over: where its first cell is, and how far it is to the next in a row and to the next row. */
export interface Walk {
  readonly at: number;
  readonly step: number;
  readonly pitch: number;
}

export interface DenseLayer {
  /** From one run of values to the next; 0 if there is one only. */
  readonly runStep: number;
  readonly runs: number;
  readonly pairs: number;
  /** For each 8 outputs, for each pair of values: both weights of output 0, of output 1, and so on. */
  readonly weights: number;
  /** 32 bits for each output. */
  readonly bias: number;
  readonly outputs: number;
  readonly shift: number;
  /** Least value before the residual: 0, or the least of 16 bits. */
  readonly least: number;
}

export interface DepthwiseLayer {
  readonly tapStep: number;
  readonly tapPitch: number;
  readonly channels: number;
  /** For each 8 channels, for each of the 9 taps: 8 weights. */
  readonly weights: number;
  readonly bias: number;
  readonly shift: number;
}

/** No activation is more than this. */
export const MOST_ACTIVATION = 8191;
/** Values that a cell is described by. */
export const CELL_CHANNELS = 6;
