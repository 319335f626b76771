import { systemClock } from "@kagami/kit";
import type { Timing } from "./channels/channel.ts";

/** The machine's clock and timers. */
export const systemTiming: Timing = {
  monotonicMs: () => systemClock.monotonicMs(),
  wallMs: () => systemClock.wallMs(),
  setTimer: (run, delayMs) => {
    const timer = setTimeout(run, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
};
