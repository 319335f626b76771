export interface EventuallyOptions {
  /** 5,000 if absent. */
  readonly timeoutMs?: number;
  /** 10 if absent. */
  readonly intervalMs?: number;
  /** What is waited for, for the failure's message. */
  readonly what?: string;
}

/**
 * Polls until `check` returns something truthy, and returns that. The only waiting that tests may do: it ends as soon as
 * the condition holds, so a slow machine makes it slower and not wrong.
 *
 * @throws Error after `timeoutMs`, with what `check` last threw as its cause.
 */
export async function eventually<T>(
  check: () => T | Promise<T>,
  options: EventuallyOptions = {},
): Promise<NonNullable<T>> {
  const timeoutMs = options.timeoutMs ?? 5_000;
  const startedAtMs = performance.now();
  let failure: unknown;
  for (;;) {
    try {
      const value = await check();
      if (value) return value;
      failure = undefined;
    } catch (error) {
      failure = error;
    }
    if (performance.now() - startedAtMs >= timeoutMs) break;
    await new Promise((resolve) => setTimeout(resolve, options.intervalMs ?? 10));
  }
  const reason = failure instanceof Error ? `: ${failure.message}` : "";
  throw new Error(`${options.what ?? "The condition"} did not come true within ${timeoutMs} ms${reason}`, {
    cause: failure,
  });
}
