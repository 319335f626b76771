import type { CellInputs, DenseLayer, DepthwiseLayer, NetWork, Walk } from "./net-work.ts";

/** What assembly/net.ts exports. */
export interface NetExports {
  packCells(
    mean: number,
    texture: number,
    meanBefore: number,
    meanOlder: number,
    textureOlder: number,
    width: number,
    height: number,
    to: number,
    toPitch: number,
  ): void;
  dense(
    from: number,
    pixelStep: number,
    rowStep: number,
    runStep: number,
    runs: number,
    pairs: number,
    weights: number,
    bias: number,
    outputs: number,
    shift: number,
    least: number,
    residual: number,
    to: number,
    toPixel: number,
    toPitch: number,
    width: number,
    height: number,
  ): void;
  depthwise(
    from: number,
    pixelStep: number,
    rowStep: number,
    tapStep: number,
    tapPitch: number,
    channels: number,
    weights: number,
    bias: number,
    shift: number,
    to: number,
    toPixel: number,
    toPitch: number,
    width: number,
    height: number,
  ): void;
  addUpsampled(
    from: number,
    fromPitch: number,
    coarse: number,
    coarsePitch: number,
    channels: number,
    to: number,
    toPitch: number,
    width: number,
    height: number,
  ): void;
}

/** The layers in WebAssembly SIMD. */
export class WasmNetWork implements NetWork {
  readonly #exports: NetExports;

  constructor(exports: NetExports) {
    this.#exports = exports;
  }

  packCells(cells: CellInputs, width: number, height: number, to: number, toPitch: number): void {
    const { mean, texture, meanBefore, meanOlder, textureOlder } = cells;
    this.#exports.packCells(mean, texture, meanBefore, meanOlder, textureOlder, width, height, to, toPitch);
  }

  dense(layer: DenseLayer, from: Walk, to: Walk, residual: number, width: number, height: number): void {
    this.#exports.dense(
      from.at,
      from.step,
      from.pitch,
      layer.runStep,
      layer.runs,
      layer.pairs,
      layer.weights,
      layer.bias,
      layer.outputs,
      layer.shift,
      layer.least,
      residual,
      to.at,
      to.step,
      to.pitch,
      width,
      height,
    );
  }

  depthwise(layer: DepthwiseLayer, from: Walk, to: Walk, width: number, height: number): void {
    this.#exports.depthwise(
      from.at,
      from.step,
      from.pitch,
      layer.tapStep,
      layer.tapPitch,
      layer.channels,
      layer.weights,
      layer.bias,
      layer.shift,
      to.at,
      to.step,
      to.pitch,
      width,
      height,
    );
  }

  addUpsampled(from: Walk, coarse: Walk, channels: number, to: Walk, width: number, height: number): void {
    this.#exports.addUpsampled(from.at, from.pitch, coarse.at, coarse.pitch, channels, to.at, to.pitch, width, height);
  }
}
