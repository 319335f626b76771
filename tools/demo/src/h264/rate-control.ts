export interface RateControlOptions {
  readonly bitrateKbps: number;
  readonly fps: number;
  /** Pictures from one key frame to the next. */
  readonly gopLength: number;
  readonly pixelCount: number;
  readonly minQp?: number;
  readonly maxQp?: number;
}

/** A key frame is coded this much finer than the others: most of what follows is copied from it. */
const KEY_QP_GAIN = 2;
/** Weight of the newest picture in the running mean of what pictures cost. */
const LEARNING_SHARE = 1 / 45;
/** QP stays until the wanted one is this far away, so that it does not tremble. */
const HYSTERESIS = 0.8;

/** How much of what earlier GOPs saved or overspent the next one gets. */
const CREDIT_SHARE = 0.7;

/**
 * Chooses one QP for each picture so that every GOP takes about its share of the bitrate.
 *
 * It trusts one rule: six steps of QP halve the bits. A picture's `complexity` is what it would have cost at QP 0 by
 * that rule. From the last key frame's and the running mean of the others' follows what a GOP costs at any QP, and so
 * the one QP that fits; it moves by at most one step a picture. What earlier GOPs spent too much or too little is
 * mostly made up for in the next, within limits.
 */
export class RateControl {
  readonly #gopBits: number;
  readonly #gopLength: number;
  readonly #minQp: number;
  readonly #maxQp: number;
  #keyComplexity: number;
  #complexity: number;
  /** Bits that the GOPs before this one saved; negative if overspent. */
  #carried = 0;
  #gopSpent: number;
  #qp: number;

  constructor(options: RateControlOptions) {
    this.#gopBits = (options.bitrateKbps * 1000 * options.gopLength) / options.fps;
    this.#gopLength = options.gopLength;
    this.#minQp = options.minQp ?? 18;
    this.#maxQp = options.maxQp ?? 48;
    this.#gopSpent = this.#gopBits;
    // First guesses, for drawn content: half a bit a pixel for a key frame at QP 28, a thirtieth of it for the others.
    this.#keyComplexity = options.pixelCount * 0.5 * 2 ** (28 / 6);
    this.#complexity = this.#keyComplexity / 30;
    this.#qp = Math.round(this.#wantedQp());
  }

  /** QP of the next picture. */
  nextQp(isKey: boolean): number {
    const wanted = this.#wantedQp();
    if (wanted > this.#qp + HYSTERESIS) this.#qp++;
    else if (wanted < this.#qp - HYSTERESIS) this.#qp--;
    return isKey ? Math.max(this.#minQp, this.#qp - KEY_QP_GAIN) : this.#qp;
  }

  /** Tells what the picture took at `qp`. */
  spent(isKey: boolean, bitCount: number, qp: number): void {
    const seen = bitCount * 2 ** (qp / 6);
    if (isKey) {
      this.#keyComplexity = seen;
      const limit = this.#gopBits / 2;
      this.#carried = Math.max(-limit, Math.min(limit, this.#carried + this.#gopBits - this.#gopSpent));
      this.#gopSpent = 0;
    } else {
      this.#complexity += (seen - this.#complexity) * LEARNING_SHARE;
    }
    this.#gopSpent += bitCount;
  }

  /** For the first picture, which is made again once it is known what it costs: forgets it, but for that. */
  restart(): void {
    this.#carried = 0;
    this.#gopSpent = this.#gopBits;
    this.#complexity = this.#keyComplexity / 30;
    this.#qp = Math.round(this.#wantedQp());
  }

  #wantedQp(): number {
    const keyShare = this.#keyComplexity * 2 ** (KEY_QP_GAIN / 6);
    const total = keyShare + this.#complexity * (this.#gopLength - 1);
    const qp = 6 * Math.log2(total / (this.#gopBits + this.#carried * CREDIT_SHARE));
    return Math.min(this.#maxQp, Math.max(this.#minQp, qp));
  }
}
