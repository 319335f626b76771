import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8";

/** What the youngest objects may take: more than a turn makes. */
const LIMIT_BYTES = 16 << 20;
const LOOK_EVERY_MS = 200;

/**
 * Ends the growth of V8's young generation once it has `limitBytes`, for the whole process.
 *
 * V8 doubles it whenever many objects survive a collection, up to some 100 MB, and may do so after hours: memory that
 * looks like a leak. The store's data are not there, and what a turn makes is garbage at its end, so more of it gains
 * nothing.
 *
 * @returns Stops looking; what was ended stays so.
 */
export function boundYoungGeneration(limitBytes = LIMIT_BYTES): () => void {
  const timer = setInterval(() => look(), LOOK_EVERY_MS);
  timer.unref();
  const look = (): void => {
    const space = getHeapSpaceStatistics().find(({ space_name }) => space_name === "new_space");
    // Growing doubles it, so it is ended at half of the limit.
    if (space === undefined || 2 * space.space_size <= limitBytes) return;
    setFlagsFromString("--semi-space-growth-factor=1");
    clearInterval(timer);
  };
  look();
  return () => clearInterval(timer);
}
