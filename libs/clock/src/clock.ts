/** Where a shell takes its time from; pure code is given the numbers instead. */
export interface Clock {
  /** Milliseconds since the Unix epoch; may jump when the machine's clock is set. */
  wallMs(): number;
  /** Milliseconds on a clock that never goes back; its zero has no meaning. */
  monotonicMs(): number;
}

/** A callback that waits for its time. */
export interface Timer {
  /** Ends the wait. Harmless when the timer has fired or was cancelled. */
  cancel(): void;
}

/** A clock that can also wait; a shell that takes one can be run on a {@link FakeClock}. */
export interface TimerClock extends Clock {
  /** Calls back once, `delayMs` from now (0 if negative), never within this call. */
  after(delayMs: number, callback: () => void): Timer;
}
