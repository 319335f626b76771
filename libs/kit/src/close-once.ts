/**
 * Makes closing idempotent: the first call closes, every later one gets the same promise, its arguments unread.
 */
export function closeOnce<A extends readonly unknown[]>(
  close: (...args: A) => Promise<void>,
): (...args: A) => Promise<void> {
  let closing: Promise<void> | undefined;
  return (...args) => {
    closing ??= close(...args);
    return closing;
  };
}
