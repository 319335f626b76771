import type { BitWriter } from "../bit-writer.ts";
import {
  CHROMA_DC,
  CHROMA_HORIZONTAL,
  CHROMA_VERTICAL,
  chromaDifference,
  INTRA_DC,
  INTRA_HORIZONTAL,
  INTRA_PLANE,
  INTRA_VERTICAL,
  lumaDifference,
  predictChroma,
  predictLuma,
} from "./intra.ts";
import { blockDifference, isMoved, isStill, predictInter } from "./motion.ts";
import { MotionField } from "./motion-field.ts";
import type { Picture } from "./picture.ts";
import { ResidualCoder } from "./residual.ts";
import { INTER_CBP_CODE } from "./tables.ts";

/** A macroblock copied from a picture this much coarser than the slice is coded again when its turn comes. */
const REFINE_QP_GAP = 3;
/** One macroblock in this many has its turn in a picture, so that refinement never bursts. */
const REFINE_TURN_COUNT = 12;
/** Intra must beat inter by this much: its neighbours' errors spread and its DC levels always cost bits. */
const INTRA_PENALTY = 256;

/** What `SliceCoder.codeInter` did, in macroblocks. */
export interface SliceCounts {
  skipped: number;
  /** Copied with a motion vector of its own. */
  moved: number;
  coded: number;
  intra: number;
}

/**
 * Codes the macroblocks of one slice that covers a picture, and leaves the picture as a decoder sees it in `recon`.
 *
 * Owns the per-macroblock memory: motion, coefficient counts, and `quality`, the QP that each macroblock of the
 * reference was last coded at, which says whether an exact copy of it is good enough.
 */
export class SliceCoder {
  readonly counts: SliceCounts = { skipped: 0, moved: 0, coded: 0, intra: 0 };
  readonly #mbWidth: number;
  readonly #mbHeight: number;
  readonly #stride: number;
  readonly #residual: ResidualCoder;
  readonly #motion: MotionField;
  readonly #prediction = new Uint8Array(256);
  #quality: Uint8Array;
  #lastQuality: Uint8Array;
  #qp = 26;

  constructor(mbWidth: number, mbHeight: number) {
    this.#mbWidth = mbWidth;
    this.#mbHeight = mbHeight;
    this.#stride = mbWidth * 16;
    this.#residual = new ResidualCoder(mbWidth, mbHeight);
    this.#motion = new MotionField(mbWidth, mbHeight);
    this.#quality = new Uint8Array(mbWidth * mbHeight);
    this.#lastQuality = new Uint8Array(mbWidth * mbHeight);
  }

  /** Codes `source` as an I slice. */
  codeIntra(bits: BitWriter, source: Picture, recon: Picture, qp: number): void {
    this.#begin(qp);
    for (let mbY = 0; mbY < this.#mbHeight; mbY++) {
      for (let mbX = 0; mbX < this.#mbWidth; mbX++) {
        bits.reserve(4096);
        const mode = this.#chooseIntra(source.y, recon.y, mbX, mbY).mode;
        this.#codeIntraMacroblock(bits, source, recon, mbX, mbY, mode, 0);
      }
    }
  }

  /**
   * Codes `source` as a P slice.
   *
   * @param last The source of the picture before, whose reconstruction is `reference`.
   * @param vectors Pairs (dx, dy) of whole luma pixels from a pixel to where it was in the last picture.
   * @param turn Number of the picture, which chooses the macroblocks that may be refined.
   */
  codeInter(
    bits: BitWriter,
    source: Picture,
    last: Picture,
    reference: Picture,
    recon: Picture,
    qp: number,
    vectors: Int16Array,
    turn: number,
  ): void {
    this.#begin(qp);
    const motion = this.#motion;
    let skipRun = 0;
    for (let mbY = 0; mbY < this.#mbHeight; mbY++) {
      for (let mbX = 0; mbX < this.#mbWidth; mbX++) {
        const mb = mbY * this.#mbWidth + mbX;
        motion.predict(mbX, mbY);
        const isExact = this.#findExact(source, last, mbX, mbY, vectors);
        const dx = motion.dx;
        const dy = motion.dy;
        const referenceQuality = isExact ? this.#qualityAt(mbX, mbY, dx, dy) : qp;
        const isRefined = isExact && referenceQuality > qp + REFINE_QP_GAP && (mb + turn) % REFINE_TURN_COUNT === 0;
        if (isExact && !isRefined) {
          this.#quality[mb] = referenceQuality;
          if (motion.isSkip(dx, dy)) {
            // `recon` starts as a copy of the reference, so a still macroblock is there already.
            if ((dx | dy) !== 0) predictInter(reference, recon, mbX, mbY, dx, dy);
            motion.setInter(mb, dx, dy);
            this.counts.skipped++;
            skipRun++;
            continue;
          }
        }
        bits.reserve(4096);
        if (!isExact && this.#tryIntra(source, reference, recon, mbX, mbY, vectors)) {
          bits.putUe(skipRun);
          skipRun = 0;
          this.#codeIntraMacroblock(bits, source, recon, mbX, mbY, this.#intraMode, 5);
          continue;
        }
        const needsResidual = !isExact || isRefined;
        skipRun = this.#codeInterMacroblock(bits, source, reference, recon, mbX, mbY, needsResidual, skipRun);
      }
    }
    if (skipRun > 0) bits.putUe(skipRun);
  }

  #intraMode = INTRA_DC;

  #begin(qp: number): void {
    this.#qp = qp;
    this.#residual.beginSlice(qp);
    this.#motion.reset();
    const quality = this.#lastQuality;
    this.#lastQuality = this.#quality;
    this.#quality = quality;
    quality.fill(qp);
    this.counts.skipped = 0;
    this.counts.moved = 0;
    this.counts.coded = 0;
    this.counts.intra = 0;
  }

  /** Looks for a vector by which the source is exactly the last source; leaves it in `motion.dx`, `motion.dy`. */
  #findExact(source: Picture, last: Picture, mbX: number, mbY: number, vectors: Int16Array): boolean {
    const motion = this.#motion;
    if (this.#isExact(source, last, mbX, mbY, motion.skipX, motion.skipY)) return true;
    if ((motion.skipX | motion.skipY) !== 0 && this.#isExact(source, last, mbX, mbY, 0, 0)) return true;
    for (let i = 0; i < vectors.length; i += 2) {
      if (this.#isExact(source, last, mbX, mbY, vectors[i]!, vectors[i + 1]!)) return true;
    }
    return false;
  }

  #isExact(source: Picture, last: Picture, mbX: number, mbY: number, dx: number, dy: number): boolean {
    // An odd vector interpolates chroma, so even equal sources would differ there.
    if (((dx | dy) & 1) !== 0 || !this.#motion.isInside(mbX, mbY, dx, dy)) return false;
    const isSame = (dx | dy) === 0 ? isStill(source, last, mbX, mbY) : isMoved(source, last, mbX, mbY, dx, dy);
    if (!isSame) return false;
    this.#motion.dx = dx;
    this.#motion.dy = dy;
    return true;
  }

  /** The coarsest QP among the macroblocks of the reference that the displaced macroblock touches. */
  #qualityAt(mbX: number, mbY: number, dx: number, dy: number): number {
    const left = (mbX * 16 + dx) >> 4;
    const top = (mbY * 16 + dy) >> 4;
    const right = (mbX * 16 + dx + 15) >> 4;
    const bottom = (mbY * 16 + dy + 15) >> 4;
    const quality = this.#lastQuality;
    const upper = Math.max(quality[top * this.#mbWidth + left]!, quality[top * this.#mbWidth + right]!);
    return Math.max(upper, quality[bottom * this.#mbWidth + left]!, quality[bottom * this.#mbWidth + right]!);
  }

  /** Finds the best vector, then whether intra prediction is better still; if so its mode is in `#intraMode`. */
  #tryIntra(
    source: Picture,
    reference: Picture,
    recon: Picture,
    mbX: number,
    mbY: number,
    vectors: Int16Array,
  ): boolean {
    const motion = this.#motion;
    const at = mbY * 16 * this.#stride + mbX * 16;
    const lambda = this.#qp < 12 ? 1 : 1 << ((this.#qp - 12) / 6);
    let best = blockDifference(source.y, at, reference.y, at, this.#stride, 1 << 30);
    if (!motion.isSkip(0, 0)) best += 2 * lambda;
    motion.dx = 0;
    motion.dy = 0;
    for (let i = -2; i < vectors.length; i += 2) {
      const dx = i < 0 ? motion.predictedX : vectors[i]!;
      const dy = i < 0 ? motion.predictedY : vectors[i + 1]!;
      if ((dx | dy) === 0 || !motion.isInside(mbX, mbY, dx, dy)) continue;
      const cost = i < 0 ? 0 : 6 * lambda;
      const from = at + dy * this.#stride + dx;
      const error = cost + blockDifference(source.y, at, reference.y, from, this.#stride, best - cost);
      if (error >= best) continue;
      best = error;
      motion.dx = dx;
      motion.dy = dy;
    }
    if (best < 4 * INTRA_PENALTY) return false;
    const intra = this.#chooseIntra(source.y, recon.y, mbX, mbY);
    this.#intraMode = intra.mode;
    return intra.error + INTRA_PENALTY < best;
  }

  readonly #choice = { mode: INTRA_DC, error: 0 };

  #chooseIntra(source: Uint8Array, recon: Uint8Array, mbX: number, mbY: number): { mode: number; error: number } {
    const choice = this.#choice;
    const at = mbY * 16 * this.#stride + mbX * 16;
    choice.mode = INTRA_DC;
    choice.error = 1 << 30;
    for (let mode = 0; mode < 4; mode++) {
      if (mode === INTRA_VERTICAL && mbY === 0) continue;
      if (mode === INTRA_HORIZONTAL && mbX === 0) continue;
      if (mode === INTRA_PLANE && (mbX === 0 || mbY === 0)) continue;
      predictLuma(recon, at, this.#stride, mode, mbX > 0, mbY > 0, this.#prediction);
      const error = lumaDifference(source, at, this.#stride, this.#prediction, choice.error);
      if (error < choice.error) {
        choice.error = error;
        choice.mode = mode;
      }
      if (choice.error < 64) break;
    }
    return choice;
  }

  #codeIntraMacroblock(
    bits: BitWriter,
    source: Picture,
    recon: Picture,
    mbX: number,
    mbY: number,
    mode: number,
    typeBase: number,
  ): void {
    const residual = this.#residual;
    const stride = this.#stride;
    const at = mbY * 16 * stride + mbX * 16;
    predictLuma(recon.y, at, stride, mode, mbX > 0, mbY > 0, this.#prediction);
    for (let y = 0; y < 16; y++) {
      for (let x = 0; x < 16; x++) recon.y[at + y * stride + x] = this.#prediction[y * 16 + x]!;
    }
    const hasAc = residual.transformIntraLuma(source.y, recon.y, at, stride);
    residual.reconstructIntraLuma(recon.y, at, stride, hasAc);

    const chromaStride = stride >> 1;
    const chromaAt = mbY * 8 * chromaStride + mbX * 8;
    const chromaMode = this.#chooseChroma(source, recon, mbX, mbY, chromaAt);
    predictChroma(recon.u, chromaAt, chromaStride, chromaMode, mbX > 0, mbY > 0);
    predictChroma(recon.v, chromaAt, chromaStride, chromaMode, mbX > 0, mbY > 0);
    const chromaPattern = residual.transformChroma(source, recon, chromaAt, chromaStride, true);
    residual.reconstructChroma(recon, chromaAt, chromaStride, chromaPattern);

    bits.putUe(typeBase + 1 + mode + 4 * chromaPattern + (hasAc ? 12 : 0));
    bits.putUe(chromaMode);
    bits.putSe(0); // mb_qp_delta
    residual.putIntraLuma(bits, mbX, mbY, hasAc);
    residual.putChroma(bits, mbX, mbY, chromaPattern);
    this.#motion.setIntra(mbY * this.#mbWidth + mbX);
    this.counts.intra++;
  }

  #chooseChroma(source: Picture, recon: Picture, mbX: number, mbY: number, at: number): number {
    if (mbX === 0 || mbY === 0) return CHROMA_DC;
    const stride = this.#stride >> 1;
    const across =
      chromaDifference(source.u, recon.u, at, stride, false) + chromaDifference(source.v, recon.v, at, stride, false);
    const down =
      chromaDifference(source.u, recon.u, at, stride, true) + chromaDifference(source.v, recon.v, at, stride, true);
    return down < across ? CHROMA_VERTICAL : CHROMA_HORIZONTAL;
  }

  /** Codes with the vector in `motion`. @returns The run of skipped macroblocks now pending. */
  #codeInterMacroblock(
    bits: BitWriter,
    source: Picture,
    reference: Picture,
    recon: Picture,
    mbX: number,
    mbY: number,
    needsResidual: boolean,
    skipRun: number,
  ): number {
    const residual = this.#residual;
    const motion = this.#motion;
    const { dx, dy } = motion;
    const stride = this.#stride;
    const at = mbY * 16 * stride + mbX * 16;
    const chromaAt = mbY * 4 * stride + mbX * 8;
    if ((dx | dy) !== 0) predictInter(reference, recon, mbX, mbY, dx, dy);
    let lumaPattern = 0;
    let chromaPattern = 0;
    if (needsResidual) {
      lumaPattern = residual.transformInterLuma(source.y, recon.y, at, stride);
      residual.reconstructInterLuma(recon.y, at, stride, lumaPattern);
      chromaPattern = residual.transformChroma(source, recon, chromaAt, stride >> 1, false);
      residual.reconstructChroma(recon, chromaAt, stride >> 1, chromaPattern);
    }
    const pattern = lumaPattern | (chromaPattern << 4);
    motion.setInter(mbY * this.#mbWidth + mbX, dx, dy);
    if (pattern === 0 && motion.isSkip(dx, dy)) {
      this.counts.skipped++;
      return skipRun + 1;
    }
    bits.putUe(skipRun);
    bits.putUe(0); // mb_type P_L0_16x16
    bits.putSe(4 * (dx - motion.predictedX));
    bits.putSe(4 * (dy - motion.predictedY));
    bits.putUe(INTER_CBP_CODE[pattern]!);
    if (pattern !== 0) bits.putSe(0); // mb_qp_delta
    residual.putInterLuma(bits, mbX, mbY, lumaPattern);
    residual.putChroma(bits, mbX, mbY, chromaPattern);
    if (pattern === 0) this.counts.moved++;
    else this.counts.coded++;
    return 0;
  }
}
