import type { Arena } from "./arena.ts";
import type { BlockData, LayerData, NetData } from "./net-data.ts";
import { CELL_CHANNELS, type DenseLayer, type DepthwiseLayer } from "./net-work.ts";

/** A block whose numbers are in memory. */
export interface LaidBlock {
  readonly depthwise: Omit<DepthwiseLayer, "tapStep" | "tapPitch">;
  readonly pointwise: DenseLayer;
}

/** All layers of a network, their numbers in memory in the order in which the loops read them. */
export interface Layers {
  readonly stem: DenseLayer;
  readonly first: LaidBlock;
  readonly down: LaidBlock;
  readonly middle: readonly LaidBlock[];
  readonly up: DenseLayer;
  readonly last: LaidBlock;
  readonly head: DenseLayer;
}

/** A floor that lets everything through. */
const LEAST_SHORT = -32_768;

/** Takes room for a network's numbers, which were checked, and writes them. */
export function writeLayers(arena: Arena, data: NetData): Layers {
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
