/** What pictures of ours start with: of 2 Mbit/s they look as alike as with CRF 28, and need less of it. */
export const QUANTIZER_START = 26;
const QUANTIZER_FINEST = 22;
const QUANTIZER_COARSEST = 40;
/** Six steps are half the bits. */
const STEPS_PER_HALVING = 6;
/** What may go over the publisher's own rate: ultrafast needs more for the same look. */
const MOST_OF_PUBLISHERS = 1.5;
/** Below this share of the publisher's rate there is room for a finer picture. */
const LEAST_OF_PUBLISHERS = 0.75;
/** A source so still that it hardly sends a thing leaves us so much, in bits a second. */
const FLOOR_BITS = 1_500_000;
/** What a choice is judged by at the least, in microseconds of pictures; pauses between runs do not count. */
const JUDGED_US = 1_000_000;
const PAUSE_US = 500_000;

/**
 * Chooses how coarse our pictures are, so that they need about as much as the publisher's.
 *
 * One choice holds from one IDR picture to the next. x264 could control the rate by itself, by looking at every picture
 * twice: that took 5.4 ms of CPU time for a picture of 720x1280 where a fixed quantizer takes 3.6, and what it saved at
 * a cut was seen, since one picture alone became coarse.
 */
export class QuantizerControl {
  #quantizer = QUANTIZER_START;
  #sumBytes = 0;
  #spanUs = 0;
  #lastUs = Number.POSITIVE_INFINITY;

  /** A picture of ours, coded. */
  add(ptsUs: number, sizeBytes: number): void {
    const stepUs = ptsUs - this.#lastUs;
    if (stepUs > 0 && stepUs < PAUSE_US) this.#spanUs += stepUs;
    this.#sumBytes += sizeBytes;
    this.#lastUs = ptsUs;
  }

  /**
   * For the IDR picture to come and those after it.
   *
   * @param publisherBits The publisher's rate, in bits a second; 0 if it is not known.
   */
  next(publisherBits: number): number {
    if (this.#spanUs < JUDGED_US || publisherBits === 0) return this.#quantizer;
    const ours = (this.#sumBytes * 8e6) / this.#spanUs;
    this.#sumBytes = 0;
    this.#spanUs = 0;
    const most = Math.max(FLOOR_BITS, publisherBits * MOST_OF_PUBLISHERS);
    const over = ours > most ? Math.ceil(STEPS_PER_HALVING * Math.log2(ours / most)) : 0;
    const under = ours < publisherBits * LEAST_OF_PUBLISHERS ? 1 : 0;
    this.#quantizer = Math.min(QUANTIZER_COARSEST, Math.max(QUANTIZER_FINEST, this.#quantizer + over - under));
    return this.#quantizer;
  }
}
