/** Where a shell takes its time from; pure code is given the numbers instead. */
export interface Clock {
  /** Milliseconds since the Unix epoch; may jump when the machine's clock is set. */
  wallMs(): number;
  /** Milliseconds on a clock that never goes back; its zero has no meaning. */
  monotonicMs(): number;
}
