/** What to do after the socket closed. */
export type ClosePlan =
  | { readonly action: "retry"; readonly delayMs: number }
  | { readonly action: "stop"; readonly reason: "not-allowed" };

const FIRST_MS = 400;
const LONGEST_MS = 10_000;
/** A channel that is over or not there yet is looked at now and then, not hammered. */
const IDLE_FIRST_MS = 3_000;
const IDLE_LONGEST_MS = 30_000;

/**
 * Back-off with jitter: half of the delay is fixed, half random, so that viewers of a restarted server do not all come
 * back in the same instant and nobody waits for nothing.
 *
 * @param attempt 0 for the first try after a loss.
 * @param random In [0, 1).
 */
export function backOffMs(attempt: number, random: number, firstMs = FIRST_MS, longestMs = LONGEST_MS): number {
  const ceilingMs = Math.min(longestMs, firstMs * 2 ** Math.min(attempt, 20));
  return Math.round(ceilingMs * (0.5 + random / 2));
}

/**
 * Chooses what follows a close code.
 *
 * @param attempt Closes in a row without media since; 0 for the first.
 * @see servers/live API.md, "The WebSocket"
 */
export function planAfterClose(code: number, attempt: number, random: number): ClosePlan {
  switch (code) {
    case 1008:
      return { action: "stop", reason: "not-allowed" };
    case 1001:
      // A restart: at once, but spread over half a second; then like any loss.
      return { action: "retry", delayMs: attempt === 0 ? Math.round(random * 500) : backOffMs(attempt, random) };
    case 1000:
    case 4404:
      return { action: "retry", delayMs: backOffMs(attempt, random, IDLE_FIRST_MS, IDLE_LONGEST_MS) };
    case 1013:
      return { action: "retry", delayMs: backOffMs(attempt + 1, random) };
    default:
      return { action: "retry", delayMs: backOffMs(attempt, random) };
  }
}
