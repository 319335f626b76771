import { keyHashNamesOf } from "@kagami/hashing";
import type { ClusterConfig, Placement, Pool, ServerSpec } from "./cluster.ts";
import { CLUSTER_LIMITS } from "./cluster-limits.ts";

/** One thing wrong with pools or routes. */
export interface ClusterProblem {
  /** Where, as one would write it: `pools[1] "sessions".servers[0]`. */
  readonly place: string;
  /** What is wrong and how to mend it. */
  readonly message: string;
}

const NAME = /^[A-Za-z0-9_-]+$/;

/** Kinds whose clients know no weights. */
const UNWEIGHTED: ReadonlySet<string> = new Set(["libmemcached-modula", "pymemcache-rendezvous"]);

/**
 * Everything that is wrong with pools and routes beyond their shape: names used twice or unknown, weights, gutter pools in
 * a ring, and the limits of {@link CLUSTER_LIMITS}. Empty if nothing is.
 */
export function checkClusterConfig(config: ClusterConfig): ClusterProblem[] {
  const { pools, routes } = config;
  const problems: ClusterProblem[] = [];
  const add = (place: string, message: string): void => void problems.push({ place, message });
  if (pools.length === 0) add("pools", "there is none; write at least one pool, or use --servers host:port");
  limit(pools.length, CLUSTER_LIMITS.pools, "pools", "pools", add);
  limit(routes.length, CLUSTER_LIMITS.routes, "routes", "routes", add);
  const serverCount = pools.reduce((sum, pool) => sum + pool.placement.servers.length, 0);
  limit(serverCount, CLUSTER_LIMITS.servers, "servers", "pools", add);

  const byName = new Map<string, number>();
  for (const [index, pool] of pools.entries()) {
    const place = poolPlace(index, pool);
    checkName(pool.name, `${place}.name`, add);
    const first = byName.get(pool.name);
    if (first !== undefined) add(`${place}.name`, `pools[${first}] has that name already; give each pool its own`);
    else byName.set(pool.name, index);
    checkPlacement(pool.placement, place, add);
  }
  for (const [index, pool] of pools.entries()) checkReferences(pool, poolPlace(index, pool), byName, add);
  checkGutterRings(pools, byName, add);
  checkRoutes(config, byName, add);
  return problems;
}

type Add = (place: string, message: string) => void;

function poolPlace(index: number, pool: Pool): string {
  return `pools[${index}] "${pool.name}"`;
}

function limit(count: number, most: number, what: string, place: string, add: Add): void {
  if (count > most)
    add(place, `${count} ${what} are more than the ${most} that one cluster may have; run a second one`);
}

function checkName(name: string, place: string, add: Add): void {
  if (name.length > CLUSTER_LIMITS.nameCharacters) {
    add(place, `it is longer than ${CLUSTER_LIMITS.nameCharacters} characters`);
  } else if (!NAME.test(name)) add(place, `"${name}" may only have letters, digits, "-" and "_"`);
}

function checkPlacement(placement: Placement, place: string, add: Add): void {
  const { servers, kind, hash } = placement;
  if (servers.length === 0) add(`${place}.servers`, "there is none; write at least one host:port");
  limit(servers.length, CLUSTER_LIMITS.serversPerPool, "servers", `${place}.servers`, add);
  const hashes = keyHashNamesOf(kind);
  if (hash !== undefined && !hashes.includes(hash)) {
    const mend = hashes.length > 0 ? `it knows ${hashes.join(", ")}` : 'it has no choice of them; leave "hash" out';
    add(`${place}.hash`, `placement "${kind}" has no key hash "${hash}": ${mend}`);
  }
  const names = new Map<string, number>();
  const addresses = new Map<string, number>();
  for (const [index, server] of servers.entries()) {
    const at = `${place}.servers[${index}] "${server.name}"`;
    checkServer(server, kind, at, add);
    const sameName = names.get(server.name);
    if (sameName !== undefined)
      add(at, `servers[${sameName}] has that name already; give each server of a pool its own`);
    else names.set(server.name, index);
    const address = `${server.host}:${server.port}`;
    const sameAddress = addresses.get(address);
    if (sameAddress !== undefined && sameName === undefined) {
      add(at, `servers[${sameAddress}] has the address ${address} already; one server has one name in a pool`);
    } else addresses.set(address, index);
  }
}

function checkServer(server: ServerSpec, kind: string, at: string, add: Add): void {
  if (server.name === "" || server.name.length > 2 * CLUSTER_LIMITS.nameCharacters) {
    add(`${at}.name`, `a server's name has 1 to ${2 * CLUSTER_LIMITS.nameCharacters} characters`);
  }
  if (server.port < 1 || server.port > 65_535) add(`${at}.port`, `port ${server.port} is not 1 to 65535`);
  const isWeight = Number.isInteger(server.weight) && server.weight >= 1 && server.weight <= CLUSTER_LIMITS.weight;
  if (!isWeight)
    add(`${at}.weight`, `weight ${server.weight} is not a whole number from 1 to ${CLUSTER_LIMITS.weight}`);
  else if (server.weight !== 1 && UNWEIGHTED.has(kind)) {
    add(`${at}.weight`, `placement "${kind}" knows no weights; leave it out, or choose "slots"`);
  }
}

function checkReferences(pool: Pool, place: string, byName: ReadonlyMap<string, number>, add: Add): void {
  const { gutter, shadow, hotKeys } = pool.options;
  for (const [what, target] of [["gutter", gutter?.pool] as const, ["shadow", shadow?.pool] as const]) {
    if (target !== undefined && !byName.has(target)) add(`${place}.${what}.pool`, unknownPool(target, byName));
  }
  if (shadow?.pool === pool.name) add(`${place}.shadow.pool`, "a pool cannot be its own shadow; name another one");
  if (hotKeys && hotKeys.replicas > pool.placement.servers.length) {
    const count = pool.placement.servers.length;
    add(`${place}.hotKeys.replicas`, `${hotKeys.replicas} replicas need as many servers; the pool has ${count}`);
  }
}

/** Each pool has at most one gutter, so a ring is found by following them. One that is its own makes none. */
function checkGutterRings(pools: readonly Pool[], byName: ReadonlyMap<string, number>, add: Add): void {
  const cleared = new Set<string>();
  for (const [index, start] of pools.entries()) {
    const path: string[] = [];
    for (let pool: Pool | undefined = start; pool && !cleared.has(pool.name); ) {
      const seenAt = path.indexOf(pool.name);
      if (seenAt >= 0) {
        const ring = [...path.slice(seenAt), pool.name];
        if (ring.length > 2) {
          const message = `gutter pools go in a ring: ${ring.join(" -> ")}; let one of them have none`;
          add(`${poolPlace(index, start)}.gutter.pool`, message);
        }
        break;
      }
      path.push(pool.name);
      const next: string | undefined = pool.options.gutter?.pool;
      pool = next === undefined ? undefined : pools[byName.get(next) ?? -1];
    }
    for (const name of path) cleared.add(name);
  }
}

function checkRoutes({ routes }: ClusterConfig, byName: ReadonlyMap<string, number>, add: Add): void {
  if (routes.length === 0)
    add("routes", 'there is none; write { prefix: "", pool: NAME } for the pool of all other keys');
  const prefixes = new Map<string, number>();
  for (const [index, route] of routes.entries()) {
    const place = `routes[${index}]`;
    if (!byName.has(route.pool)) add(`${place}.pool`, unknownPool(route.pool, byName));
    const first = prefixes.get(route.prefix);
    if (first !== undefined) add(`${place}.prefix`, `routes[${first}] has the prefix "${route.prefix}" already`);
    else prefixes.set(route.prefix, index);
    if (new TextEncoder().encode(route.prefix).length > CLUSTER_LIMITS.prefixBytes) {
      add(`${place}.prefix`, `it is longer than ${CLUSTER_LIMITS.prefixBytes} bytes, as no key is`);
    } else if (hasSpaceOrControl(route.prefix)) add(`${place}.prefix`, "no key has a space or a control character");
  }
}

function hasSpaceOrControl(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code <= 0x20 || code === 0x7f) return true;
  }
  return false;
}

function unknownPool(name: string, byName: ReadonlyMap<string, number>): string {
  const known = [...byName.keys()].slice(0, 10).join(", ");
  return `there is no pool "${name}"; ${known === "" ? "write it under pools" : `there are ${known}`}`;
}
