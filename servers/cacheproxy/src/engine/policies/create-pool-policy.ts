import type { Cluster, Pool } from "../cluster.ts";
import type { PoolPolicy } from "../pool-policy.ts";
import { BigValuePolicy } from "./big-value-policy.ts";
import { EjectedPolicy } from "./ejected-policy.ts";
import type { PolicyEnvironment } from "./environment.ts";
import { Homes } from "./homes.ts";
import { HotKeyPolicy } from "./hot-key-policy.ts";
import { MovingPolicy } from "./moving-policy.ts";
import { PlainPolicy } from "./plain-policy.ts";
import type { PoolMemory } from "./pool-memory.ts";
import { ReservedKeysPolicy } from "./reserved-keys-policy.ts";
import { ShadowPolicy } from "./shadow-policy.ts";

/**
 * The policy of one pool for one epoch. To be made anew for each; what lives longer is in `memory`.
 *
 * It is a stack: what a pool does not use is not in it.
 *
 * ```
 *  reserved keys ─▶ shadow ─▶ big values ─▶ hot keys ─▶ plain | ejected | moving
 * ```
 *
 * `run` answers at once, before it returns, when no server need be asked.
 *
 * @param memory One per pool name and worker.
 * @throws RangeError if there is no such pool, or a placement cannot be built.
 */
export function createPoolPolicy(
  cluster: Cluster,
  pool: string,
  memory: PoolMemory,
  environment: PolicyEnvironment,
): PoolPolicy {
  const found = cluster.config.pools.find(({ name }) => name === pool);
  if (!found) throw new RangeError(`Cannot make a policy for pool "${pool}": the cluster has none of that name`);
  const { hotKeys, bigValueBytes, shadow } = found.options;
  const homes = new Homes(cluster, found, found.placement, environment, memory.counts);

  let policy = ownerPolicy(cluster, found, homes, memory, environment);
  memory.sketch.setThreshold(hotKeys?.perSecond ?? Number.POSITIVE_INFINITY);
  if (hotKeys && hotKeys.replicas > 1) {
    policy = new HotKeyPolicy(policy, homes, hotKeys.replicas, memory, environment);
  }
  if (bigValueBytes !== undefined) policy = new BigValuePolicy(policy, bigValueBytes, environment);
  const shadowPool = shadow && cluster.config.pools.find(({ name }) => name === shadow.pool);
  if (shadow && shadowPool) {
    const target = new Homes(cluster, shadowPool, shadowPool.placement, environment, memory.counts);
    policy = new ShadowPolicy(policy, target, shadow.fraction, memory);
  }
  return mayHoldOurKeys(cluster, found) ? new ReservedKeysPolicy(policy) : policy;
}

function ownerPolicy(
  cluster: Cluster,
  pool: Pool,
  homes: Homes,
  memory: PoolMemory,
  environment: PolicyEnvironment,
): PoolPolicy {
  const move = cluster.moves.find((candidate) => candidate.pool === pool.name);
  if (move) {
    const from = new Homes(cluster, pool, move.from, environment, memory.counts);
    const to = new Homes(cluster, pool, move.to, environment, memory.counts);
    return new MovingPolicy(move, { from, to, counts: memory.counts, environment }, memory);
  }
  return homes.hasEjections ? new EjectedPolicy(homes, memory.sketch) : new PlainPolicy(homes.owners, memory.sketch);
}

/** Also those of another pool that uses this one as its gutter. */
function mayHoldOurKeys(cluster: Cluster, { name, options }: Pool): boolean {
  if (options.gutter || options.hotKeys || options.bigValueBytes !== undefined) return true;
  return cluster.config.pools.some((other) => other.options.gutter?.pool === name);
}
