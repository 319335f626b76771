import type { Timer, TimerClock } from "@kagami/clock";
import { IoBudget, type IoBudgetOptions, type IoPriority } from "../engine/io-budget.ts";
import { StoreError } from "../store/object-store.ts";

/** The I/O budget of a disk with a clock: who asks waits for its turn. */
export class IoGate {
  readonly #clock: TimerClock;
  readonly #budget: IoBudget;
  #timer: Timer | undefined;
  #isClosed = false;

  constructor(clock: TimerClock, options: IoBudgetOptions) {
    this.#clock = clock;
    this.#budget = new IoBudget(options);
  }

  get bytesPerSecond(): number {
    return this.#budget.bytesPerSecond;
  }

  /** Resolves when so many bytes may be read or written. @throws StoreError CLOSED when it is closed before */
  take(bytes: number, priority: IoPriority): Promise<void> {
    return new Promise((resolve, reject) => {
      const grant = (): void => {
        if (this.#isClosed) reject(new StoreError("CLOSED", "Cannot go on: the store is closing"));
        else resolve();
      };
      if (this.#isClosed) return grant();
      this.#budget.claim(this.#clock.monotonicMs(), bytes, priority, grant);
      this.#arm();
    });
  }

  /** What clients waited lately; undefined if there were none. */
  onForegroundP99(p99Ms: number | undefined): void {
    this.#budget.onForegroundP99(this.#clock.monotonicMs(), p99Ms);
    this.#arm();
  }

  /** Who waits is refused, so that it ends. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#budget.grantAll();
  }

  #arm(): void {
    this.#timer?.cancel();
    const nowMs = this.#clock.monotonicMs();
    const deadlineMs = this.#budget.deadlineMs(nowMs);
    if (deadlineMs === undefined) return;
    this.#timer = this.#clock.after(Math.ceil(deadlineMs - nowMs), () => {
      this.#budget.onDeadline(this.#clock.monotonicMs());
      this.#arm();
    });
  }
}
