import type { Metrics } from "@kagami/kit";
import type { Maintenance } from "../storage/maintenance.ts";
import type { ShardState } from "../storage/shard-state.ts";
import type { ShardStore } from "../storage/shard-store.ts";
import type { TierStatus, TierWork } from "../storage/tiers/tier-work.ts";

/** What people call the tier of the data directory. */
export const FIRST_TIER = "first";

/** The memory and the disks of a store, fastest first. */
export interface TierDescription {
  readonly memory: {
    readonly recentBytes: number;
    readonly recentLimitBytes: number;
    /** Reads of current versions by what answered them. */
    readonly reads: { readonly recent: number; readonly cache: number; readonly disk: number };
  };
  readonly first: {
    readonly name: string;
    readonly storageClass: string;
    readonly freeBytes: number;
    readonly volumes: number;
    readonly volumeBytes: number;
    readonly bytesPerSecond: number;
  };
  readonly slow: readonly (TierStatus & { readonly bytesPerSecond: number })[];
}

/** All tiers as the admin API shows them. */
export function describeAllTiers({ state }: ShardStore, work: TierWork, maintenance: Maintenance): TierDescription {
  const { recent, reads, disk, volumes, options } = state;
  let [count, volumeBytes] = [0, 0];
  for (const { place, isAway, endOffset } of volumes.all()) {
    if (place !== "" || isAway) continue;
    count++;
    volumeBytes += endOffset;
  }
  return {
    memory: { recentBytes: recent.usedBytes, recentLimitBytes: options.recentBytes, reads: { ...reads } },
    first: {
      name: FIRST_TIER,
      storageClass: "STANDARD",
      freeBytes: disk.freeBytes(),
      volumes: count,
      volumeBytes,
      bytesPerSecond: maintenance.bytesPerSecondOn(),
    },
    slow: work.status().map((tier) => ({ ...tier, bytesPerSecond: maintenance.bytesPerSecondOn(tier.name) })),
  };
}

const PREFIX = "kagami_objects";

/** Shows memory and tiers in the metrics. */
export function registerTierMetrics(
  metrics: Metrics,
  state: ShardState,
  work: TierWork,
  maintenance: Maintenance,
): void {
  const reads = metrics.gauge(
    `${PREFIX}_reads`,
    "Reads of current versions since the start, by what answered",
    ["from"],
    3,
  );
  const recent = metrics.gauge(`${PREFIX}_recent_bytes`, "Memory of the bodies that were written last");
  metrics.onCollect(() => {
    for (const [from, count] of Object.entries(state.reads)) reads.set(count, { from });
    recent.set(state.recent.usedBytes);
  });
  if (state.disk.tiers.length === 0) return;
  const gauge = (name: string, what: string) => metrics.gauge(`${PREFIX}_tier_${name}`, what, ["tier"], 8);
  const isUp = gauge("up", "1 if the tier's disk is there, has room, and moves to it go on");
  const bytes = gauge("volume_bytes", "Bytes of volumes on the tier's disk");
  const free = gauge("free_bytes", "Free bytes of the tier's disk");
  const pending = gauge("pending_bytes", "Bytes of volumes that are to go to the tier");
  const moved = gauge("moved_bytes", "Bytes that went to the tier since the start, large bodies included");
  const failed = gauge("failed_moves", "Moves to the tier that failed since the start");
  const rate = gauge(
    "bytes_per_second",
    "What work in the background may read and write on the tier's disk each second",
  );
  metrics.onCollect(() => {
    for (const tier of work.status()) {
      const label = { tier: tier.name };
      isUp.set(tier.state === "ok" ? 1 : 0, label);
      bytes.set(tier.volumeBytes, label);
      free.set(tier.freeBytes ?? 0, label);
      pending.set(tier.pendingBytes, label);
      moved.set(tier.movedBytes, label);
      failed.set(tier.failedMoves, label);
      rate.set(maintenance.bytesPerSecondOn(tier.name), label);
    }
  });
}
