import { expect, test } from "vitest";
import type { ClusterConfig, Pool, PoolOptions, ServerSpec } from "./cluster.ts";
import { checkClusterConfig } from "./cluster-check.ts";

const OPTIONS: PoolOptions = { timeoutMs: 500, failureLimit: 3, recoveryLimit: 3 };

function server(name: string, more: Partial<ServerSpec> = {}): ServerSpec {
  return { name, host: name, port: 11_211, weight: 1, tls: false, ...more };
}

function pool(name: string, more: Partial<Pool> = {}): Pool {
  return { name, placement: { kind: "slots", servers: [server("a")] }, options: OPTIONS, ...more };
}

function gutter(name: string, target: string): Pool {
  return pool(name, { options: { ...OPTIONS, gutter: { pool: target, ttlSec: 10 } } });
}

const ROUTES = [{ prefix: "", pool: "p" }];

function slots(...servers: ServerSpec[]): Partial<Pool> {
  return { placement: { kind: "slots", servers } };
}

test("what is right has no problem", () => {
  const pools = [gutter("p", "g"), pool("g")];
  expect(checkClusterConfig({ pools, routes: [...ROUTES, { prefix: "a:", pool: "g" }] })).toEqual([]);
});

const many = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));

test.each<{ config: ClusterConfig; place: string; message: string; why: string }>([
  { config: { pools: [], routes: ROUTES }, place: "pools", message: "there is none", why: "no pool" },
  { config: { pools: [pool("p")], routes: [] }, place: "routes", message: "there is none", why: "no route" },
  {
    config: { pools: [pool("p"), pool("p")], routes: ROUTES },
    place: 'pools[1] "p".name',
    message: "pools[0] has that name already",
    why: "a pool's name twice",
  },
  {
    config: { pools: [pool("p q")], routes: [{ prefix: "", pool: "p q" }] },
    place: 'pools[0] "p q".name',
    message: "may only have letters",
    why: "a space in a name",
  },
  {
    config: { pools: [pool("p", slots(server("a"), server("a", { port: 1 })))], routes: ROUTES },
    place: 'pools[0] "p".servers[1] "a"',
    message: "servers[0] has that name already",
    why: "a server's name twice",
  },
  {
    config: { pools: [pool("p", slots(server("a"), server("b", { host: "a" })))], routes: ROUTES },
    place: 'pools[0] "p".servers[1] "b"',
    message: "servers[0] has the address a:11211 already",
    why: "one server under two names",
  },
  {
    config: { pools: [pool("p", slots(server("a", { weight: 1.5 })))], routes: ROUTES },
    place: 'pools[0] "p".servers[0] "a".weight',
    message: "not a whole number from 1 to 1000",
    why: "half a weight",
  },
  {
    config: {
      pools: [pool("p", { placement: { kind: "pymemcache-rendezvous", servers: [server("a", { weight: 2 })] } })],
      routes: ROUTES,
    },
    place: 'pools[0] "p".servers[0] "a".weight',
    message: "knows no weights",
    why: "a fleet without weights",
  },
  {
    config: {
      pools: [pool("p", { placement: { kind: "slots", hash: "md5", servers: [server("a")] } })],
      routes: ROUTES,
    },
    place: 'pools[0] "p".hash',
    message: 'leave "hash" out',
    why: "a hash where there is no choice",
  },
  {
    config: { pools: [pool("p", { options: { ...OPTIONS, shadow: { pool: "p", fraction: 1 } } })], routes: ROUTES },
    place: 'pools[0] "p".shadow.pool',
    message: "cannot be its own shadow",
    why: "itself as shadow",
  },
  {
    config: { pools: [gutter("p", "q"), gutter("q", "r"), gutter("r", "q")], routes: ROUTES },
    place: 'pools[0] "p".gutter.pool',
    message: "q -> r -> q",
    why: "gutters in a ring",
  },
  {
    config: { pools: [pool("p", { options: { ...OPTIONS, shadow: { pool: "x", fraction: 1 } } })], routes: ROUTES },
    place: 'pools[0] "p".shadow.pool',
    message: 'there is no pool "x"; there are p',
    why: "an unknown shadow",
  },
  {
    config: { pools: [pool("p", { options: { ...OPTIONS, hotKeys: { perSecond: 1, replicas: 2 } } })], routes: ROUTES },
    place: 'pools[0] "p".hotKeys.replicas',
    message: "2 replicas need as many servers",
    why: "more replicas than servers",
  },
  {
    config: { pools: [pool("p")], routes: [...ROUTES, { prefix: "", pool: "p" }] },
    place: "routes[1].prefix",
    message: 'routes[0] has the prefix "" already',
    why: "a prefix twice",
  },
  {
    config: { pools: [pool("p")], routes: [{ prefix: "a b", pool: "p" }] },
    place: "routes[0].prefix",
    message: "no key has a space",
    why: "a prefix no key has",
  },
  {
    config: { pools: [pool("p")], routes: [{ prefix: "é".repeat(126), pool: "p" }] },
    place: "routes[0].prefix",
    message: "longer than 250 bytes",
    why: "bytes count, not characters",
  },
  {
    config: { pools: many(65, (i) => pool(i === 0 ? "p" : `p${i}`)), routes: ROUTES },
    place: "pools",
    message: "65 pools are more than the 64",
    why: "too many pools",
  },
  {
    config: { pools: [pool("p", slots(...many(257, (i) => server(`s${i}`))))], routes: ROUTES },
    place: 'pools[0] "p".servers',
    message: "257 servers are more than the 256",
    why: "too many servers in a pool",
  },
  {
    config: {
      pools: many(5, (i) => pool(i === 0 ? "p" : `p${i}`, slots(...many(256, (j) => server(`s${j}`))))),
      routes: ROUTES,
    },
    place: "pools",
    message: "1280 servers are more than the 1024",
    why: "too many servers in all",
  },
  {
    config: { pools: [pool("p")], routes: many(513, (i) => ({ prefix: i === 0 ? "" : `k${i}`, pool: "p" })) },
    place: "routes",
    message: "513 routes are more than the 512",
    why: "too many routes",
  },
])("it is told where and how: $why", ({ config, place, message }) => {
  const problems = checkClusterConfig(config);
  expect(problems).toContainEqual({ place, message: expect.stringContaining(message) });
  // Without pools every route is wrong as well.
  expect(problems).toHaveLength(config.pools.length === 0 ? 2 : 1);
});
