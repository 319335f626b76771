import type { Cluster } from "./engine/cluster.ts";
import type { PoolCounts } from "./engine/cluster-counts.ts";
import type { PolicyMaker } from "./engine/data-path.ts";
import { createPoolPolicy } from "./engine/policies/create-pool-policy.ts";
import { PlacementCache } from "./engine/policies/placement-cache.ts";
import { PoolMemory } from "./engine/policies/pool-memory.ts";
import type { PoolPolicy } from "./engine/pool-policy.ts";
import type { ServerRefs } from "./engine/server-refs.ts";

/** Makes the policies of each epoch, and keeps what of a pool lives longer. */
export class PoolPolicies implements PolicyMaker {
  readonly #placements = new PlacementCache();
  #memories = new Map<string, PoolMemory>();

  policiesOf(cluster: Cluster, { refOf }: ServerRefs): ReadonlyMap<string, PoolPolicy> {
    const environment = { refOf, nowMs: Date.now, random: Math.random, placements: this.#placements };
    const memories = new Map<string, PoolMemory>();
    const policies = cluster.config.pools.map(({ name }): readonly [string, PoolPolicy] => {
      const memory = this.#memories.get(name) ?? new PoolMemory(Math.random, Date.now);
      memories.set(name, memory);
      return [name, createPoolPolicy(cluster, name, memory, environment)];
    });
    this.#memories = memories;
    return new Map(policies);
  }

  takeCounts(): PoolCounts[] {
    const nowMs = Date.now();
    return [...this.#memories].map(([name, memory]) => memory.takeCounts(name, nowMs));
  }
}
