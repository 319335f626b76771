import type { Arena } from "./arena.ts";
import type { GrayImage } from "./kernels.ts";
import { MAX_SIDE } from "./limits.ts";
import { checkNet, type NetData } from "./net-data.ts";
import { type LaidBlock, type Layers, writeLayers } from "./net-layers.ts";
import { layOutNet, type NetLayout, roomForNet } from "./net-layout.ts";
import type { DenseLayer, DepthwiseLayer, NetWork, Walk } from "./net-work.ts";

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

/** A network with its pictures, for grids of up to so many cells. */
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
    if (!Number.isInteger(maxCells) || maxCells < 1 || maxCells > MAX_SIDE * MAX_SIDE) {
      throw new RangeError(`Cannot make a network for ${maxCells} cells: use 1 to ${MAX_SIDE * MAX_SIDE}`);
    }
    this.#arena = arena;
    this.#work = work;
    this.#data = data;
    this.#layers = writeLayers(arena, data);
    this.#maxCells = maxCells;
    this.#memory = arena.shorts(roomForNet(data, maxCells) / 2);
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
    const { layout } = this.#plan ?? {};
    if (layout?.width !== width || layout.height !== height) this.#plan = this.#planFor(width, height);
    const plan = this.#plan as Plan;
    this.#runPlan(plan, input);
    return plan.output;
  }

  #runPlan(plan: Plan, input: NetInput): void {
    const work = this.#work;
    const layers = this.#layers;
    const { layout } = plan;
    const { width, height, halfWidth, halfHeight, quarterWidth, quarterHeight } = layout;
    const offsets = {
      mean: input.mean.pixels.byteOffset,
      texture: input.texture.pixels.byteOffset,
      meanBefore: input.meanBefore.pixels.byteOffset,
      meanOlder: input.meanOlder.pixels.byteOffset,
      textureOlder: input.textureOlder.pixels.byteOffset,
    };
    work.packCells(offsets, width, height, layout.packed.at, layout.packed.pitch);
    work.dense(plan.stem, plan.stemFrom, layout.stem, 0, halfWidth, halfHeight);
    this.#runBlock(plan.first, layout.scratch, layout.skip, 0, halfWidth, halfHeight);
    this.#runBlock(plan.down, layout.scratch, layout.coarse[0], 0, quarterWidth, quarterHeight);
    for (const [i, block] of plan.middle.entries()) {
      const from = coarseOf(layout, i);
      this.#runBlock(block, layout.scratch, coarseOf(layout, i + 1), from.at, quarterWidth, quarterHeight);
    }
    const deepest = coarseOf(layout, plan.middle.length);
    work.dense(layers.up, deepest, layout.upsampled, 0, quarterWidth, quarterHeight);
    work.addUpsampled(layout.skip, layout.upsampled, this.#data.fineChannels, layout.sum, halfWidth, halfHeight);
    this.#runBlock(plan.last, layout.scratch, layout.refined, layout.sum.at, halfWidth, halfHeight);
    work.dense(layers.head, layout.refined, layout.result, 0, halfWidth, halfHeight);
  }

  /** @param residual Where values that are added lie, in the layout of `to`; 0 for none. */
  #runBlock(block: PlannedBlock, scratch: number, to: Walk, residual: number, width: number, height: number): void {
    const step = 2 * block.depthwise.channels;
    const between = { at: scratch, step, pitch: step * width };
    this.#work.depthwise(block.depthwise, block.from, between, width, height);
    this.#work.dense(block.pointwise, between, to, residual, width, height);
  }

  #planFor(width: number, height: number): Plan {
    if (width * height > this.#maxCells || width > MAX_SIDE || height > MAX_SIDE) {
      throw new RangeError(
        `Cannot run a network on ${width} x ${height} cells: there is room for ${this.#maxCells}, sides to ${MAX_SIDE}`,
      );
    }
    const start = this.#memory.byteOffset;
    const layout = layOutNet(this.#data, width, height, start);
    // What another grid left behind would be in the borders.
    this.#memory.fill(0, 0, (layout.end - start) / 2);
    return planOf(layout, this.#layers, this.#memory.buffer);
  }
}

/** What is worked out once for a size of the grid. */
interface Plan {
  readonly layout: NetLayout;
  readonly stem: DenseLayer;
  readonly stemFrom: Walk;
  readonly first: PlannedBlock;
  readonly down: PlannedBlock;
  readonly middle: readonly PlannedBlock[];
  readonly last: PlannedBlock;
  readonly output: NetOutput;
}

interface PlannedBlock {
  readonly depthwise: DepthwiseLayer;
  readonly pointwise: DenseLayer;
  /** The first tap of the first place. */
  readonly from: Walk;
}

function planOf(layout: NetLayout, layers: Layers, buffer: ArrayBufferLike): Plan {
  const { packed, result, halfWidth, halfHeight } = layout;
  const values = new Int16Array(buffer, result.at, (result.pitch / 2) * halfHeight);
  return {
    layout,
    stem: { ...layers.stem, runStep: packed.pitch },
    stemFrom: around(packed, 1, 2),
    first: planBlock(layers.first, layout.stem, 1, 1),
    down: planBlock(layers.down, layout.skip, 1, 2),
    middle: layers.middle.map((block, i) => planBlock(block, coarseOf(layout, i), 1 << i, 1)),
    last: planBlock(layers.last, layout.sum, 1, 1),
    output: { width: halfWidth, height: halfHeight, values, step: result.step / 2, pitch: result.pitch / 2 },
  };
}

function planBlock({ depthwise, pointwise }: LaidBlock, input: Walk, dilation: number, stride: number): PlannedBlock {
  const taps = { tapStep: input.step * dilation, tapPitch: input.pitch * dilation };
  return { depthwise: { ...depthwise, ...taps }, pointwise, from: around(input, dilation, stride) };
}

/** From `distance` cells to the left of and above the first one, every `stride`-th cell. */
function around({ at, step, pitch }: Walk, distance: number, stride: number): Walk {
  return { at: at - distance * (step + pitch), step: step * stride, pitch: pitch * stride };
}

/** What the middle's block `index` reads; its result is what the next one reads. */
function coarseOf({ coarse }: NetLayout, index: number): Walk {
  return index % 2 === 0 ? coarse[0] : coarse[1];
}
