/** A body on its way, in either direction. */
export interface Transfer {
  /** Counts bytes that the peer has sent or taken. */
  moved(bytes: number): void;
  /** From now on we keep the peer waiting (disk, pacing, memory), not it us. */
  pause(): void;
  resume(): void;
  end(): void;
}

export interface StallGuardOptions {
  /** 0 cuts nobody. */
  readonly minBytesPerSecond: number;
  /** Over how long the rate is counted. */
  readonly windowMs: number;
  readonly nowMs: () => number;
}

class Guarded implements Transfer {
  readonly #guard: StallGuard;
  readonly #cut: () => void;
  readonly #unsentBytes: (() => number) | undefined;
  #windowBytes = 0;
  #windowStartMs: number;
  #pausedMs = 0;
  #pausedAtMs: number | undefined;

  constructor(guard: StallGuard, cut: () => void, unsentBytes: (() => number) | undefined, nowMs: number) {
    this.#guard = guard;
    this.#cut = cut;
    this.#unsentBytes = unsentBytes;
    this.#windowStartMs = nowMs;
  }

  moved(bytes: number): void {
    this.#windowBytes += bytes;
  }

  pause(): void {
    this.#pausedAtMs ??= this.#guard.nowMs();
  }

  resume(): void {
    if (this.#pausedAtMs === undefined) return;
    this.#pausedMs += this.#guard.nowMs() - this.#pausedAtMs;
    this.#pausedAtMs = undefined;
  }

  end(): void {
    this.#guard.forget(this);
  }

  /** Cuts the transfer if its window is over and was too slow; time that we kept it waiting does not count. */
  check(nowMs: number, { minBytesPerSecond, windowMs }: StallGuardOptions): void {
    const pausedMs = this.#pausedMs + (this.#pausedAtMs === undefined ? 0 : nowMs - this.#pausedAtMs);
    const waitedMs = nowMs - this.#windowStartMs - pausedMs;
    if (waitedMs < windowMs) return;
    const unsentBytes = this.#unsentBytes?.() ?? 0;
    if ((this.#windowBytes - unsentBytes) * 1_000 < minBytesPerSecond * waitedMs) {
      this.end();
      this.#cut();
      return;
    }
    // What the peer still has to take counts in the window in which it does.
    this.#windowBytes = unsentBytes;
    this.#windowStartMs = nowMs;
    this.#pausedMs = 0;
    if (this.#pausedAtMs !== undefined) this.#pausedAtMs = nowMs;
  }
}

/**
 * Cuts bodies that move slower than a least rate. Node's own limit on a whole request would kill large uploads that are
 * merely large; this one asks for progress. One sweep looks at all, so that a transfer costs no timer.
 */
export class StallGuard {
  readonly #options: StallGuardOptions;
  readonly #transfers = new Set<Guarded>();

  constructor(options: StallGuardOptions) {
    this.#options = options;
  }

  get nowMs(): () => number {
    return this.#options.nowMs;
  }

  /**
   * @param cut Ends the transfer; called at most once, never after `end`.
   * @param unsentBytes Tells how many of the bytes that were counted the peer has not taken yet.
   */
  watch(cut: () => void, unsentBytes?: () => number): Transfer {
    const transfer = new Guarded(this, cut, unsentBytes, this.#options.nowMs());
    if (this.#options.minBytesPerSecond > 0) this.#transfers.add(transfer);
    return transfer;
  }

  forget(transfer: Transfer): void {
    this.#transfers.delete(transfer as Guarded);
  }

  /** To be called every few seconds. */
  sweep(): void {
    const nowMs = this.#options.nowMs();
    for (const transfer of this.#transfers) transfer.check(nowMs, this.#options);
  }
}
