import type { TimerClock } from "@kagami/clock";

/** The machine's own clock. Its timers keep the process alive. */
export const systemClock: TimerClock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
};
