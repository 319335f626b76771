import { startServer } from "@kagami/ranking/testing";
import { Redis } from "ioredis";
import { RateLimiterRedis, RateLimiterRedisNonAtomic } from "rate-limiter-flexible";
import { createClient } from "redis";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";

let server: Awaited<ReturnType<typeof startServer>>;
let ioredis: Redis;
let nodeRedis: ReturnType<typeof createClient>;

beforeAll(async () => {
  server = await startServer();
  ioredis = new Redis(`redis://${server.address}`);
  nodeRedis = createClient({ url: `redis://${server.address}` });
  await nodeRedis.connect();
});
afterAll(async () => {
  ioredis?.disconnect();
  nodeRedis?.destroy();
  await server.close(0);
});
beforeEach(async () => {
  await ioredis.flushall();
});

const CLIENTS = [
  { name: "ioredis", options: () => ({ storeClient: ioredis }) },
  { name: "node-redis", options: () => ({ storeClient: nodeRedis, useRedisPackage: true }) },
];

describe.each(CLIENTS)("rate-limiter-flexible with $name", ({ options }) => {
  test("lets pass what is within the limit and nothing more, also when all come at once", async () => {
    const limiter = new RateLimiterRedis({ ...options(), points: 5, duration: 60 });
    const results = await Promise.allSettled(Array.from({ length: 20 }, () => limiter.consume("ann")));
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(5);
    await expect(limiter.consume("ann")).rejects.toMatchObject({ remainingPoints: 0, consumedPoints: 21 });
    expect(await limiter.consume("bob", 2)).toMatchObject({ remainingPoints: 3, isFirstInDuration: true });
  });

  test("says how long to wait, and forgets at the end of the duration", async () => {
    const limiter = new RateLimiterRedis({ ...options(), keyPrefix: "hits", points: 1, duration: 60 });
    await limiter.consume("ann");
    const refusal = (await limiter.consume("ann").catch((reason: unknown) => reason)) as { msBeforeNext: number };
    expect(refusal.msBeforeNext).toBeGreaterThan(50_000);
    expect(refusal.msBeforeNext).toBeLessThanOrEqual(60_000);
    await ioredis.pexpireat("hits:ann", 1);
    expect(await limiter.consume("ann")).toMatchObject({ consumedPoints: 1 });
  });

  test("blocks, rewards, penalises, reads and deletes", async () => {
    const limiter = new RateLimiterRedis({ ...options(), points: 3, duration: 60, blockDuration: 600 });
    await limiter.penalty("ann", 2);
    await limiter.reward("ann", 1);
    expect(await limiter.get("ann")).toMatchObject({ consumedPoints: 1, remainingPoints: 2 });
    await expect(limiter.consume("ann", 3)).rejects.toMatchObject({ consumedPoints: 4 });
    expect((await limiter.get("ann"))?.msBeforeNext).toBeGreaterThan(500_000);
    expect(await limiter.delete("ann")).toBe(true);
    expect(await limiter.get("ann")).toBeNull();
    await limiter.block("bob", 30);
    await expect(limiter.consume("bob")).rejects.toMatchObject({ remainingPoints: 0 });
    await limiter.set("cem", 2, 30);
    expect(await limiter.consume("cem")).toMatchObject({ remainingPoints: 0 });
  });

  test("counts without a script too", async () => {
    const limiter = new RateLimiterRedisNonAtomic({ ...options(), points: 2, duration: 60 });
    await limiter.consume("ann");
    expect(await limiter.consume("ann")).toMatchObject({ remainingPoints: 0 });
    await expect(limiter.consume("ann")).rejects.toMatchObject({ consumedPoints: 3 });
  });

  test("goes on after the server has lost its scripts", async () => {
    const limiter = new RateLimiterRedis({ ...options(), points: 5, duration: 60 });
    await limiter.consume("ann");
    await ioredis.script("FLUSH");
    expect(await limiter.consume("ann")).toMatchObject({ consumedPoints: 2 });
  });
});
