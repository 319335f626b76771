import {
  CELL_CHANNELS,
  type CellInputs,
  type DenseLayer,
  type DepthwiseLayer,
  MOST_ACTIVATION,
  type NetWork,
  type Walk,
} from "../net-work.ts";

/** The layers in plain TypeScript, to check the others by. */
export class PlainNetWork implements NetWork {
  readonly #bytes: Uint8Array;
  readonly #shorts: Int16Array;
  readonly #words: Int32Array;

  constructor(buffer: ArrayBuffer) {
    this.#bytes = new Uint8Array(buffer);
    this.#shorts = new Int16Array(buffer);
    this.#words = new Int32Array(buffer);
  }

  packCells(cells: CellInputs, width: number, height: number, to: number, toPitch: number): void {
    const bytes = this.#bytes;
    const shorts = this.#shorts;
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const i = y * width + x;
        const out = (to + y * toPitch) / 2 + x * CELL_CHANNELS;
        const mean = bytes[cells.mean + i]!;
        const texture = bytes[cells.texture + i]!;
        shorts[out] = mean;
        shorts[out + 1] = texture;
        shorts[out + 2] = Math.abs(mean - bytes[cells.meanBefore + i]!);
        shorts[out + 3] = Math.abs(mean - bytes[cells.meanOlder + i]!);
        shorts[out + 4] = Math.abs(texture - bytes[cells.textureOlder + i]!);
        shorts[out + 5] = Math.min(255, 4 * y);
      }
    }
  }

  dense(layer: DenseLayer, from: Walk, to: Walk, residual: number, width: number, height: number): void {
    const shorts = this.#shorts;
    const { runs, runStep, pairs, outputs } = layer;
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const at = from.at + y * from.pitch + x * from.step;
        for (let output = 0; output < outputs; output++) {
          let sum = this.#words[layer.bias / 4 + output]!;
          let weight = layer.weights / 2 + (output >> 3) * 16 * runs * pairs + (output & 7) * 2;
          for (let run = 0; run < runs; run++) {
            const start = (at + run * runStep) / 2;
            for (let pair = 0; pair < pairs; pair++) {
              sum += shorts[start + 2 * pair]! * shorts[weight]! + shorts[start + 2 * pair + 1]! * shorts[weight + 1]!;
              weight += 16;
            }
          }
          const place = y * to.pitch + x * to.step + 2 * output;
          const kept = Math.max(narrow(sum >> layer.shift), layer.least);
          const added = residual === 0 ? kept : narrow(kept + shorts[(residual + place) / 2]!);
          shorts[(to.at + place) / 2] = Math.min(added, MOST_ACTIVATION);
        }
      }
    }
  }

  depthwise(layer: DepthwiseLayer, from: Walk, to: Walk, width: number, height: number): void {
    const shorts = this.#shorts;
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        for (let channel = 0; channel < layer.channels; channel++) {
          let sum = this.#words[layer.bias / 4 + channel]!;
          const weights = layer.weights / 2 + (channel >> 3) * 72 + (channel & 7);
          const at = from.at + y * from.pitch + x * from.step + 2 * channel;
          for (let tap = 0; tap < 9; tap++) {
            const place = at + Math.floor(tap / 3) * layer.tapPitch + (tap % 3) * layer.tapStep;
            sum += shorts[place / 2]! * shorts[weights + 8 * tap]!;
          }
          const value = Math.max(narrow(sum >> layer.shift), 0);
          shorts[(to.at + y * to.pitch + x * to.step) / 2 + channel] = Math.min(value, MOST_ACTIVATION);
        }
      }
    }
  }

  addUpsampled(from: Walk, coarse: Walk, channels: number, to: Walk, width: number, height: number): void {
    const shorts = this.#shorts;
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const at = (from.at + y * from.pitch + x * from.step) / 2;
        const add = (coarse.at + (y >> 1) * coarse.pitch + (x >> 1) * coarse.step) / 2;
        const out = (to.at + y * to.pitch + x * to.step) / 2;
        for (let channel = 0; channel < channels; channel++) {
          const sum = narrow(shorts[at + channel]! + shorts[add + channel]!);
          shorts[out + channel] = Math.min(Math.max(sum, 0), MOST_ACTIVATION);
        }
      }
    }
  }
}

function narrow(value: number): number {
  return Math.max(-32_768, Math.min(32_767, value));
}
