import { useEffect } from "preact/hooks";

const LONGEST_MS = 30_000;

/** The pause before the next poll: doubled with every failure in a row, up to half a minute. */
export function nextPollMs(everyMs: number, failureCount: number): number {
  return Math.max(everyMs, Math.min(LONGEST_MS, everyMs * 2 ** Math.min(failureCount, 10)));
}

/**
 * Calls `ask` now and then while the component lives: never two at once, never in a hidden tab, slower after failures.
 *
 * @param ask Must not reject; returns whether it went well.
 * @param turn A change of it starts anew, at once.
 */
export function usePoll(ask: () => Promise<boolean>, everyMs: number, turn: unknown): void {
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isEnded = false;
    let isAsking = false;
    let failureCount = 0;
    const run = async () => {
      clearTimeout(timer);
      if (isEnded || isAsking || document.visibilityState === "hidden") return;
      isAsking = true;
      failureCount = (await ask()) ? 0 : failureCount + 1;
      isAsking = false;
      if (!isEnded) timer = setTimeout(run, nextPollMs(everyMs, failureCount));
    };
    const onVisible = () => void run();
    document.addEventListener("visibilitychange", onVisible);
    void run();
    return () => {
      isEnded = true;
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", onVisible);
    };
  }, [turn, everyMs]);
}
