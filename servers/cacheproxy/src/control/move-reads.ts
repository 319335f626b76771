import type { Cluster } from "../engine/cluster.ts";
import type { PoolCounts } from "../engine/cluster-counts.ts";
import type { MoveReads } from "../engine/cluster-leader.ts";
import type { MemberReport } from "./agreement.ts";

type OwnReads = MemberReport["moveReads"][string];

/** Counts this proxy's reads of moving slots, for each window of a move anew. */
export class MoveReadsCounter {
  readonly #reads = new Map<string, OwnReads>();

  /** Adds what a worker counted while it acted by `epoch`; counts of an earlier window are dropped. */
  add(cluster: Cluster, epoch: number, pools: readonly PoolCounts[]): void {
    for (const { pool, moveHitsTo, moveHitsFrom, moveMisses } of pools) {
      const move = cluster.moves.find((candidate) => candidate.pool === pool);
      if (!move || epoch < cluster.epoch) continue;
      const before = this.#reads.get(pool);
      const base =
        before?.windowSinceMs === move.windowSinceMs
          ? before
          : { windowSinceMs: move.windowSinceMs, hitsTo: 0, hitsFrom: 0, misses: 0 };
      this.#reads.set(pool, {
        windowSinceMs: move.windowSinceMs,
        hitsTo: base.hitsTo + moveHitsTo,
        hitsFrom: base.hitsFrom + moveHitsFrom,
        misses: base.misses + moveMisses,
      });
    }
    for (const pool of this.#reads.keys()) {
      if (!cluster.moves.some((move) => move.pool === pool)) this.#reads.delete(pool);
    }
  }

  get reads(): MemberReport["moveReads"] {
    return Object.fromEntries(this.#reads);
  }
}

/** All proxies' reads of each move's present window. */
export function sumMoveReads(cluster: Cluster, members: readonly MemberReport[]): Map<string, MoveReads> {
  const sums = new Map<string, MoveReads>();
  for (const move of cluster.moves) {
    let [hitsTo, hitsFrom, misses] = [0, 0, 0];
    for (const { moveReads } of members) {
      const reads = moveReads[move.pool];
      if (reads?.windowSinceMs !== move.windowSinceMs) continue;
      hitsTo += reads.hitsTo;
      hitsFrom += reads.hitsFrom;
      misses += reads.misses;
    }
    sums.set(move.pool, { hitsTo, hitsFrom, misses });
  }
  return sums;
}
