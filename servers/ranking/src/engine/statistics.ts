import type { EvictionOutcome } from "./eviction.ts";

/** Different error codes that are counted; as Redis, whatever comes beyond is not counted by itself. */
const ERROR_CODE_LIMIT = 128;
const SAMPLE_COUNT = 16;

/** A rate over the last {@link SAMPLE_COUNT} samples, as INFO's `instantaneous_…`. */
export class Rate {
  readonly #samples = new Float64Array(SAMPLE_COUNT);
  #next = 0;
  #lastTotal = 0;
  #lastMs = -1;

  /** To be called about every 100 ms with a total that only grows. */
  sample(nowMs: number, total: number): void {
    if (this.#lastMs >= 0 && nowMs > this.#lastMs) {
      this.#samples[this.#next] = Math.max(0, ((total - this.#lastTotal) * 1_000) / (nowMs - this.#lastMs));
      this.#next = (this.#next + 1) % SAMPLE_COUNT;
    }
    this.#lastMs = nowMs;
    this.#lastTotal = total;
  }

  get perSecond(): number {
    return this.#samples.reduce((sum, sample) => sum + sample, 0) / SAMPLE_COUNT;
  }
}

/** Counts that INFO shows and CONFIG RESETSTAT sets back. */
export class Statistics {
  evictedKeys = 0;
  /** Times that an eviction stopped before memory was below its limit, and how long they took in all, in ms. */
  evictionLimitCount = 0;
  evictionExceededMs = 0;
  /** Since when memory is above its limit, in ms since 1970, or 0. */
  exceededSinceMs = 0;
  errorCount = 0;
  /** As {@link errorCount}, but never set back: tells what was counted meanwhile. */
  countedErrors = 0;
  deniedCommands = 0;
  deniedKeys = 0;
  deniedChannels = 0;
  deniedAuthentications = 0;
  peakBytes = 0;
  readonly errorsByCode = new Map<string, number>();
  readonly commandRate = new Rate();
  readonly inputRate = new Rate();
  readonly outputRate = new Rate();

  /** To be called about every 100 ms. */
  sample(
    nowMs: number,
    totals: { commandCount: number; netInputBytes: number; netOutputBytes: number; usedBytes: number },
  ): void {
    this.commandRate.sample(nowMs, totals.commandCount);
    this.inputRate.sample(nowMs, totals.netInputBytes);
    this.outputRate.sample(nowMs, totals.netOutputBytes);
    this.peakBytes = Math.max(this.peakBytes, totals.usedBytes);
  }

  /** What an eviction came to: how long memory stays above its limit is counted. */
  noteEviction(outcome: EvictionOutcome, nowMs: number): void {
    if (outcome === "exceeded-time") this.evictionLimitCount++;
    if (outcome !== "below") {
      if (this.exceededSinceMs === 0) this.exceededSinceMs = nowMs;
    } else if (this.exceededSinceMs !== 0) {
      this.evictionExceededMs += nowMs - this.exceededSinceMs;
      this.exceededSinceMs = 0;
    }
  }

  /** Counts an error reply by its code: what stands before the first blank. */
  countError(text: string): void {
    this.errorCount++;
    this.countedErrors++;
    const blank = text.indexOf(" ");
    const code = blank < 0 ? text : text.slice(0, blank);
    const count = this.errorsByCode.get(code);
    if (count === undefined && this.errorsByCode.size >= ERROR_CODE_LIMIT) return;
    this.errorsByCode.set(code, (count ?? 0) + 1);
  }

  reset(): void {
    this.evictedKeys = 0;
    this.evictionLimitCount = 0;
    this.evictionExceededMs = 0;
    this.errorCount = 0;
    this.deniedCommands = 0;
    this.deniedKeys = 0;
    this.deniedChannels = 0;
    this.deniedAuthentications = 0;
    this.errorsByCode.clear();
  }
}
