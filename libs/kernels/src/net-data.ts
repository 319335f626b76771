import { CELL_CHANNELS, MOST_ACTIVATION } from "./net-work.ts";

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

/** Blocks in the middle look 1, 2 and 4 cells around. */
export const MAX_MIDDLE_BLOCKS = 3;

/** Throws RangeError for numbers that do not belong together, and for sums that could leave 32 bits. */
export function checkNet(data: NetData): void {
  const { stemChannels, fineChannels, coarseChannels, outputs } = data;
  for (const count of [stemChannels, fineChannels, coarseChannels]) {
    if (!Number.isInteger(count) || count < 8 || count > 256 || count % 8 !== 0) {
      throw new RangeError(`Cannot use a network with ${count} channels: use a multiple of 8, 8 to 256`);
    }
  }
  if (!Number.isInteger(outputs) || outputs < 1 || outputs > 256) {
    throw new RangeError(`Cannot use a network with ${outputs} outputs: use 1 to 256`);
  }
  if (data.middle.length > MAX_MIDDLE_BLOCKS) {
    throw new RangeError(
      `Cannot use a network with ${data.middle.length} blocks in the middle: use ${MAX_MIDDLE_BLOCKS} at most`,
    );
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
  for (const value of [shift, ...bias]) {
    if (!Number.isInteger(value)) throw new RangeError(`Cannot use the layer "${name}": ${value} is no whole number`);
  }
  for (let output = 0; output < outputs; output++) {
    let sum = Math.abs(bias[output] as number) + 2 ** shift;
    for (let input = 0; input < inputs; input++) {
      const weight = weights[output * inputs + input] as number;
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
