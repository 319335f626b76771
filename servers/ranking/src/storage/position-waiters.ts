interface Waiter {
  readonly position: number;
  readonly resolve: (position: number) => void;
  readonly reject: (error: Error) => void;
}

/** Those who wait until the log has come to a position. */
export class PositionWaiters {
  #waiters: Waiter[] = [];

  /** Settles with the position when the log is there; rejects with what it fails of before. */
  wait(position: number): Promise<number> {
    return new Promise((resolve, reject) => this.#waiters.push({ position, resolve, reject }));
  }

  /** The log has come to `position`. */
  settle(position: number): void {
    if (this.#waiters.length === 0) return;
    const waiters = this.#waiters;
    this.#waiters = waiters.filter((waiter) => waiter.position > position);
    for (const waiter of waiters) if (waiter.position <= position) waiter.resolve(waiter.position);
  }

  /** The log comes no further. */
  rejectAll(problem: Error): void {
    for (const { reject } of this.#waiters.splice(0)) reject(problem);
  }
}
