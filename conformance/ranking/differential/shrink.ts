/** Trials after which the shrinking ends with what it has. */
const TRIAL_LIMIT = 400;

/**
 * Finds a shorter list that still fails, by leaving out ever smaller runs of items (Zeller's delta debugging). The order
 * stays, and the outcome fails if the input did.
 *
 * @param isFailing Plays a list from the beginning.
 */
export async function shrink<T>(
  items: readonly T[],
  isFailing: (items: readonly T[]) => Promise<boolean>,
): Promise<readonly T[]> {
  let kept = items;
  let trialCount = 0;
  for (let size = Math.ceil(kept.length / 2); size >= 1 && trialCount < TRIAL_LIMIT; ) {
    let isShorter = false;
    for (let at = kept.length - size; at > -size && trialCount < TRIAL_LIMIT; at -= size) {
      const start = Math.max(0, at);
      const fewer = kept.toSpliced(start, at + size - start);
      trialCount += 1;
      if (await isFailing(fewer)) {
        kept = fewer;
        isShorter = true;
      }
    }
    if (size > 1) size = Math.floor(size / 2);
    else if (!isShorter) return kept;
  }
  return kept;
}
