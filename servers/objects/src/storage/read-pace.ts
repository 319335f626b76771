/** A read that took longer went to the device, or the system gave the processor to somebody else meanwhile. */
const SLOW_READ_MS = 1;
/** A busy machine makes one read in some hundreds slow, a device one in a few. */
const RARE_READS = 64;
/** So many reads go to other threads when they are slow; four times as many if the next one here is slow again. */
const READS_ELSEWHERE = 16;
const MAX_READS_ELSEWHERE = 256;

/**
 * Whether to read on this thread. From the page cache that costs half of what a hop to another thread does; from a device
 * it would stop everybody for as long as the device takes. One slow read says little: the system may have given the
 * processor to somebody else. A second one soon after it sends the next reads to the threads; only some, and more while it
 * happens again.
 */
export class ReadPace {
  /** Whether the device is known to be slow: then nothing is done on this thread. */
  readonly isSlow: boolean;
  #elsewhereCount = 0;
  #penalty = READS_ELSEWHERE;
  #readsSinceSlow = RARE_READS;

  constructor(isSlow: boolean) {
    this.isSlow = isSlow;
  }

  /** Asked before each read. */
  isHere(): boolean {
    if (this.isSlow) return false;
    if (this.#elsewhereCount === 0) return true;
    this.#elsewhereCount--;
    return false;
  }

  /** How long a read on this thread took. */
  onRead(tookMs: number): void {
    this.#readsSinceSlow++;
    if (tookMs <= SLOW_READ_MS) {
      if (this.#readsSinceSlow > RARE_READS) this.#penalty = READS_ELSEWHERE;
      return;
    }
    const isRare = this.#readsSinceSlow > RARE_READS;
    this.#readsSinceSlow = 0;
    if (isRare) return;
    this.#elsewhereCount = this.#penalty;
    this.#penalty = Math.min(MAX_READS_ELSEWHERE, 4 * this.#penalty);
  }
}
