import type { Cluster } from "../cluster.ts";
import type { PoolPolicy } from "../pool-policy.ts";
import type { PolicyEnvironment } from "./environment.ts";
import { ownersOf } from "./owners.ts";
import { PlainPolicy } from "./plain-policy.ts";
import type { PoolMemory } from "./pool-memory.ts";

/**
 * The policy of one pool for one epoch. To be made anew for each; what lives longer is in `memory`.
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
  return new PlainPolicy(ownersOf(found.placement, environment), memory.sketch);
}
