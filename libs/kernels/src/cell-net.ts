import type { Arena } from "./arena.ts";
import type { GrayImage } from "./kernels.ts";
import {
  CELL_CHANNELS,
  type DenseLayer,
  type DepthwiseLayer,
  MOST_ACTIVATION,
  type NetWork,
  type Walk,
} from "./net-work.ts";

/** A layer's numbers as training wrote them. */
export interface LayerData {
  /** Output by output; of a layer of each channel alone, channel by channel: rows, then columns. */
  readonly weights: readonly number[];
  readonly bias: readonly number[];
  /** Bits that a sum is shifted by. */
  readonly shift: number;
}

/** A layer of each channel alone, and one that mixes them. */
export interface BlockData {
  readonly depthwise: LayerData;
  readonly pointwise: LayerData;
}

/**
 * A network over cells: a convolution of 3 by 3 to half the size (`stem`), a block, one to a quarter of the size
 * (`down`), some there that look ever farther around (`middle`, dilated 1, 2, 4 …) and add to what they got, back to
 * half the size (`up`), where it is added to the first block's result, one more block, and the `head`.
 *
 * Activations are whole numbers to {@link MOST_ACTIVATION}; see `NetWork` for the arithmetic.
 */
export interface NetData {
  /** Channels at half and at a quarter of the size: multiples of 8. */
  readonly stemChannels: number;
  readonly fineChannels: number;
  readonly coarseChannels: number;
  /** Outputs that mean something; the rest, up to a multiple of 8, are 0. */
  readonly outputs: number;
  readonly stem: LayerData;
  readonly first: BlockData;
  readonly down: BlockData;
  readonly middle: readonly BlockData[];
  readonly up: LayerData;
  readonly last: BlockData;
  readonly head: LayerData;
}

/** What the network is told of a picture: its cells, the last picture's and an older one's; all of one size. */
export interface NetInput {
  readonly mean: GrayImage;
  readonly texture: GrayImage;
  readonly meanBefore: GrayImage;
  readonly meanOlder: GrayImage;
  readonly textureOlder: GrayImage;
}

/** What it answers, in the kernels' own memory: valid until it runs again. */
export interface NetOutput {
  /** Half of the cells' columns and rows, rounded up. */
  readonly width: number;
  readonly height: number;
  /** `outputs` values for each place, `step` entries apart; rows are `pitch` entries apart. */
  readonly values: Int16Array;
  readonly step: number;
  readonly pitch: number;
}

/** Zeros around pictures at a quarter of the size: the farthest that the middle looks. */
const COARSE_BORDER = 4;

/** A network with its buffers, for grids of up to so many cells. */
export class CellNet {
  readonly #arena: Arena;
  readonly #work: NetWork;
  readonly #data: NetData;
  readonly #layers: Layers;
  readonly #memory: Int16Array;
  readonly #maxCells: number;
  #plan: Plan | undefined;

  constructor(arena: Arena, work: NetWork, data: NetData, maxCells: number) {
    checkNet(data);
    this.#arena = arena;
    this.#work = work;
    this.#data = data;
    this.#layers = writeLayers(arena, data);
    this.#maxCells = maxCells;
    this.#memory = arena.shorts(bufferShorts(data, maxCells));
  }

  /** Throws RangeError for pictures of different sizes and for more cells than there is room for. */
  run(input: NetInput): NetOutput {
    const { width, height } = input.mean;
    for (const image of [input.mean, input.texture, input.meanBefore, input.meanOlder, input.textureOlder]) {
      this.#arena.checkImage(image);
      if (image.width !== width || image.height !== height) {
        throw new RangeError(
          `Cannot run a network on pictures of ${image.width} x ${image.height} and ${width} x ${height}`,
        );
      }
    }
    if (this.#plan?.width !== width || this.#plan.height !== height) this.#plan = this.#lay(width, height);
    this.#runPlan(this.#plan, input);
    return this.#plan.output;
  }

  #runPlan(plan: Plan, input: NetInput): void {
    const work = this.#work;
    const layers = this.#layers;
    const { width, height, halfWidth, halfHeight, quarterWidth, quarterHeight } = plan;
    const offsets = {
      mean: input.mean.pixels.byteOffset,
      texture: input.texture.pixels.byteOffset,
      meanBefore: input.meanBefore.pixels.byteOffset,
      meanOlder: input.meanOlder.pixels.byteOffset,
      textureOlder: input.textureOlder.pixels.byteOffset,
    };
    work.packCells(offsets, width, height, plan.packed.at, plan.packed.pitch);
    work.dense(plan.stemLayer, plan.stemFrom, plan.stem, 0, halfWidth, halfHeight);
    this.#runBlock(plan.first, plan.scratch, plan.skip, 0, halfWidth, halfHeight);
    this.#runBlock(plan.down, plan.scratch, plan.coarse[0] as Walk, 0, quarterWidth, quarterHeight);
    for (const [i, block] of plan.middle.entries()) {
      const from = plan.coarse[i % 2] as Walk;
      const to = plan.coarse[(i + 1) % 2] as Walk;
      this.#runBlock(block, plan.scratch, to, from.at, quarterWidth, quarterHeight);
    }
    const deepest = plan.coarse[plan.middle.length % 2] as Walk;
    work.dense(layers.up, deepest, plan.upsampled, 0, quarterWidth, quarterHeight);
    work.addUpsampled(plan.skip, plan.upsampled, this.#data.fineChannels, plan.sum, halfWidth, halfHeight);
    this.#runBlock(plan.last, plan.scratch, plan.refined, plan.sum.at, halfWidth, halfHeight);
    work.dense(layers.head, plan.refined, plan.result, 0, halfWidth, halfHeight);
  }

  #runBlock(block: PlannedBlock, scratch: Walk, to: Walk, residual: number, width: number, height: number): void {
    const { channels } = block.depthwise;
    const between = { at: scratch.at, step: 2 * channels, pitch: 2 * channels * width };
    this.#work.depthwise(block.depthwise, block.from, between, width, height);
    this.#work.dense(block.pointwise, between, to, residual, width, height);
  }

  /** Lays out the buffers for a grid; borders are zero, and only what is inside them is ever written. */
  #lay(width: number, height: number): Plan {
    if (width * height > this.#maxCells) {
      throw new RangeError(`Cannot run a network on ${width} x ${height} cells: there is room for ${this.#maxCells}`);
    }
    this.#memory.fill(0);
    const { stemChannels, fineChannels, coarseChannels, outputs } = this.#data;
    const halfWidth = (width + 1) >> 1;
    const halfHeight = (height + 1) >> 1;
    const quarterWidth = (halfWidth + 1) >> 1;
    const quarterHeight = (halfHeight + 1) >> 1;
    let at = this.#memory.byteOffset;
    const take = (columns: number, rows: number, channels: number, border: number): Walk => {
      const step = 2 * channels;
      // Odd sizes are looked at one cell past their end.
      const pitch = step * (columns + 2 * border + 1);
      const inside = { at: at + border * (pitch + step), step, pitch };
      at += (pitch * (rows + 2 * border + 1) + 15) & ~15;
      return inside;
    };
    const packed = take(width, height, CELL_CHANNELS, 1);
    const stem = take(halfWidth, halfHeight, stemChannels, 1);
    const skip = take(halfWidth, halfHeight, fineChannels, 1);
    const scratch = take(halfWidth, halfHeight, Math.max(fineChannels, coarseChannels, stemChannels), 0);
    const coarse = [0, 1].map(() => take(quarterWidth, quarterHeight, coarseChannels, COARSE_BORDER));
    const upsampled = take(quarterWidth, quarterHeight, fineChannels, 0);
    const sum = take(halfWidth, halfHeight, fineChannels, 1);
    // What is added has the layout of what it is added to.
    const refined = take(halfWidth, halfHeight, fineChannels, 1);
    const headChannels = (outputs + 7) & ~7;
    const result = take(halfWidth, halfHeight, headChannels, 0);
    const layers = this.#layers;
    const around = (block: LaidBlock, input: Walk, dilation: number, stride: number): PlannedBlock => ({
      depthwise: { ...block.depthwise, tapStep: input.step * dilation, tapPitch: input.pitch * dilation },
      pointwise: block.pointwise,
      from: {
        at: input.at - dilation * (input.step + input.pitch),
        step: input.step * stride,
        pitch: input.pitch * stride,
      },
    });
    const values = new Int16Array(this.#memory.buffer, result.at, (result.pitch / 2) * halfHeight);
    return {
      width,
      height,
      halfWidth,
      halfHeight,
      quarterWidth,
      quarterHeight,
      packed,
      stem,
      stemLayer: { ...layers.stem, runStep: packed.pitch },
      stemFrom: { at: packed.at - packed.step - packed.pitch, step: 2 * packed.step, pitch: 2 * packed.pitch },
      skip,
      scratch,
      coarse,
      upsampled,
      sum,
      refined,
      result,
      first: around(layers.first, stem, 1, 1),
      down: around(layers.down, skip, 1, 2),
      middle: layers.middle.map((block, i) => around(block, coarse[i % 2] as Walk, 1 << i, 1)),
      last: around(layers.last, sum, 1, 1),
      output: { width: halfWidth, height: halfHeight, values, step: headChannels, pitch: result.pitch / 2 },
    };
  }
}

interface Plan {
  readonly width: number;
  readonly height: number;
  readonly halfWidth: number;
  readonly halfHeight: number;
  readonly quarterWidth: number;
  readonly quarterHeight: number;
  readonly packed: Walk;
  readonly stem: Walk;
  readonly stemLayer: DenseLayer;
  readonly stemFrom: Walk;
  readonly skip: Walk;
  readonly scratch: Walk;
  readonly coarse: readonly Walk[];
  readonly upsampled: Walk;
  readonly sum: Walk;
  readonly refined: Walk;
  readonly result: Walk;
  readonly first: PlannedBlock;
  readonly down: PlannedBlock;
  readonly middle: readonly PlannedBlock[];
  readonly last: PlannedBlock;
  readonly output: NetOutput;
}

interface LaidBlock {
  readonly depthwise: Omit<DepthwiseLayer, "tapStep" | "tapPitch">;
  readonly pointwise: DenseLayer;
}

interface PlannedBlock {
  readonly depthwise: DepthwiseLayer;
  readonly pointwise: DenseLayer;
  /** The first tap of the first place. */
  readonly from: Walk;
}

interface Layers {
  readonly stem: DenseLayer;
  readonly first: LaidBlock;
  readonly down: LaidBlock;
  readonly middle: readonly LaidBlock[];
  readonly up: DenseLayer;
  readonly last: LaidBlock;
  readonly head: DenseLayer;
}

const LEAST_SHORT = -32_768;

function writeLayers(arena: Arena, data: NetData): Layers {
  const { stemChannels, fineChannels, coarseChannels, outputs } = data;
  const block = (layers: BlockData, inputs: number, results: number): LaidBlock => ({
    depthwise: writeDepthwise(arena, layers.depthwise, inputs),
    pointwise: writeDense(arena, layers.pointwise, 1, inputs, results, 0),
  });
  return {
    stem: writeDense(arena, data.stem, 3, 3 * CELL_CHANNELS, stemChannels, 0),
    first: block(data.first, stemChannels, fineChannels),
    down: block(data.down, fineChannels, coarseChannels),
    middle: data.middle.map((layers) => block(layers, coarseChannels, coarseChannels)),
    up: writeDense(arena, data.up, 1, coarseChannels, fineChannels, LEAST_SHORT),
    last: block(data.last, fineChannels, fineChannels),
    head: writeDense(arena, data.head, 1, fineChannels, outputs, LEAST_SHORT),
  };
}

/** @param length Values of a run. */
function writeDense(
  arena: Arena,
  layer: LayerData,
  runs: number,
  length: number,
  given: number,
  least: number,
): DenseLayer {
  const outputs = (given + 7) & ~7;
  const pairs = length / 2;
  const weights = arena.shorts(outputs * runs * length);
  const inputs = runs * length;
  for (let output = 0; output < given; output++) {
    for (let input = 0; input < inputs; input++) {
      const at = (output >> 3) * 8 * inputs + (input >> 1) * 16 + (output & 7) * 2 + (input & 1);
      weights[at] = layer.weights[output * inputs + input] as number;
    }
  }
  const bias = writeBias(arena, layer, outputs);
  return { runs, runStep: 0, pairs, outputs, shift: layer.shift, least, weights: weights.byteOffset, bias };
}

function writeDepthwise(arena: Arena, layer: LayerData, channels: number): LaidBlock["depthwise"] {
  const weights = arena.shorts(channels * 9);
  for (let channel = 0; channel < channels; channel++) {
    for (let tap = 0; tap < 9; tap++) {
      weights[(channel >> 3) * 72 + tap * 8 + (channel & 7)] = layer.weights[channel * 9 + tap] as number;
    }
  }
  return { channels, shift: layer.shift, weights: weights.byteOffset, bias: writeBias(arena, layer, channels) };
}

/** With half of the last bit that is kept, so that the shift rounds. */
function writeBias(arena: Arena, { bias, shift }: LayerData, outputs: number): number {
  const words = arena.words(outputs);
  for (const [i, value] of bias.entries()) words[i] = value + (shift > 0 ? 1 << (shift - 1) : 0);
  return words.byteOffset;
}

/** Room for all buffers of a grid of any shape with so many cells. */
function bufferShorts(data: NetData, maxCells: number): number {
  const channels = CELL_CHANNELS + 2 * data.stemChannels + 5 * data.fineChannels + 3 * data.coarseChannels + 16;
  // The borders of the longest and narrowest grid are what matters at the small end.
  return channels * (maxCells + 64 * (COARSE_BORDER * 2 + 2) * 8);
}

/** Throws RangeError for numbers that do not belong together, and for sums that could leave 32 bits. */
function checkNet(data: NetData): void {
  const { stemChannels, fineChannels, coarseChannels, outputs } = data;
  for (const count of [stemChannels, fineChannels, coarseChannels]) {
    if (!Number.isInteger(count) || count < 8 || count > 256 || count % 8 !== 0) {
      throw new RangeError(`Cannot use a network with ${count} channels: use a multiple of 8, 8 to 256`);
    }
  }
  if (data.middle.length > Math.log2(COARSE_BORDER) + 1) {
    throw new RangeError(`Cannot use a network with ${data.middle.length} blocks in the middle: use 3 at most`);
  }
  const checkBlock = (name: string, block: BlockData, inputs: number, results: number): void => {
    checkLayer(`${name} depthwise`, block.depthwise, inputs, 9, MOST_ACTIVATION);
    checkLayer(`${name} pointwise`, block.pointwise, results, inputs, MOST_ACTIVATION);
  };
  checkLayer("stem", data.stem, stemChannels, 9 * CELL_CHANNELS, 255);
  checkBlock("first", data.first, stemChannels, fineChannels);
  checkBlock("down", data.down, fineChannels, coarseChannels);
  for (const [i, block] of data.middle.entries()) checkBlock(`middle ${i}`, block, coarseChannels, coarseChannels);
  checkLayer("up", data.up, fineChannels, coarseChannels, MOST_ACTIVATION);
  checkBlock("last", data.last, fineChannels, fineChannels);
  checkLayer("head", data.head, outputs, fineChannels, MOST_ACTIVATION);
}

function checkLayer(name: string, layer: LayerData, outputs: number, inputs: number, most: number): void {
  const { weights, bias, shift } = layer;
  if (weights.length !== outputs * inputs || bias.length !== outputs || !(shift >= 0 && shift <= 24)) {
    throw new RangeError(
      `Cannot use the layer "${name}": it needs ${outputs * inputs} weights and ${outputs} biases, ${weights.length} and ${bias.length} given, and a shift of 0 to 24`,
    );
  }
  for (let output = 0; output < outputs; output++) {
    let sum = Math.abs(bias[output] as number) + 2 ** shift;
    for (const weight of weights.slice(output * inputs, (output + 1) * inputs)) {
      if (!Number.isInteger(weight) || Math.abs(weight) > 32_767) {
        throw new RangeError(`Cannot use the layer "${name}": ${weight} is no weight of 16 bits`);
      }
      sum += Math.abs(weight) * most;
    }
    if (sum >= 2 ** 31) {
      throw new RangeError(`Cannot use the layer "${name}": sums of output ${output} could leave 32 bits`);
    }
  }
}
