import type { Metrics } from "@kagami/kit";
import type { ShardState } from "../storage/shard-state.ts";

/**
 * Why every write is refused until the next start; undefined while writes are taken. A disk that is full is no such reason:
 * it refuses puts only, and takes them again when there is room.
 */
export function writeRefusal(state: Pick<ShardState, "brokenBy"> | undefined): string | undefined {
  const brokenBy = state?.brokenBy;
  if (brokenBy === undefined) return undefined;
  const reason = brokenBy instanceof Error ? brokenBy.message : String(brokenBy);
  return `writes are refused since one of the index failed: ${reason}. Look at the disk, then restart the server`;
}

/** Shows in the metrics whether writes are refused. */
export function registerStoreHealth(metrics: Metrics, state: () => Pick<ShardState, "brokenBy"> | undefined): void {
  const refused = metrics.gauge(
    "kagami_objects_writes_refused",
    "1 if every write is refused until the next start, because one of the index failed",
  );
  metrics.onCollect(() => refused.set(state()?.brokenBy === undefined ? 0 : 1));
}
