/** Of the first try again. */
const FIRST_MS = 250;
/** No wait is longer, however long the source is away. */
export const MAX_BACKOFF_MS = 30_000;

/**
 * How long to wait before the next try, so that many followers of a source that comes back do not all come at once: a
 * random time between a half and the whole of one that doubles, up to {@link MAX_BACKOFF_MS}.
 *
 * @param failureCount In a row, from 1.
 * @param random From 0 to 1.
 */
export function backoffMs(failureCount: number, random: number): number {
  const whole = Math.min(MAX_BACKOFF_MS, FIRST_MS * 2 ** Math.min(30, Math.max(0, failureCount - 1)));
  return Math.round(whole * (0.5 + random / 2));
}
