import { startServer } from "@kagami/ranking/testing";
import { eventually, withTempDir } from "@kagami/testkit";
import { Redis, type Result } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";

declare module "ioredis" {
  interface RedisCommander<Context> {
    /** Adds points to a player unless that exceeds the limit; defined by a test. */
    addUpTo(ranking: string, player: string, points: number, limit: number): Result<number, Context>;
  }
}

let server: Awaited<ReturnType<typeof startServer>>;
const clients: Redis[] = [];
let redis: Redis;

beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close(0));
afterEach(() => {
  for (const client of clients.splice(0)) client.disconnect();
});

function open(address: string, protocol: 2 | 3): Redis {
  const [host, port] = address.split(":") as [string, string];
  const client = new Redis({ host, port: Number(port), protocol, retryStrategy: () => 20, maxRetriesPerRequest: null });
  // A lost connection is an event that must be heard; the client then connects again by itself.
  client.on("error", () => undefined);
  clients.push(client);
  return client;
}

describe.each([2, 3] as const)("ioredis with RESP%i", (protocol) => {
  const connect = (address: string): Redis => open(address, protocol);

  beforeEach(async () => {
    redis = connect(server.address);
    await redis.flushall();
  });

  test("reads and writes values of all types", async () => {
    expect(await redis.client("INFO")).toContain(`resp=${protocol}`);
    expect(await redis.set("k", "v", "EX", 60, "NX")).toBe("OK");
    expect(await redis.set("k", "w", "NX")).toBeNull();
    expect(await redis.ttl("k")).toBe(60);
    expect(await redis.mget("k", "absent")).toEqual(["v", null]);
    await redis.hset("h", { a: 1, b: "two" });
    expect(await redis.hgetall("h")).toEqual({ a: "1", b: "two" });
    await redis.rpush("l", 1, 2, 3);
    expect(await redis.lrange("l", 0, -1)).toEqual(["1", "2", "3"]);
    await redis.sadd("s", "a", "b");
    expect((await redis.smembers("s")).sort()).toEqual(["a", "b"]);
    await redis.pfadd("p", "a", "b", "a");
    expect(await redis.pfcount("p")).toBe(2);
    await redis.setbit("bits", 7, 1);
    expect(await redis.bitcount("bits")).toBe(1);
  });

  test("keeps a ranking", async () => {
    await redis.zadd("r", 10, "ann", 30, "bob", 20, "cem");
    expect(await redis.zincrby("r", 15.5, "ann")).toBe("25.5");
    expect(await redis.zrevrange("r", 0, 1, "WITHSCORES")).toEqual(["bob", "30", "ann", "25.5"]);
    expect(await redis.zrevrank("r", "cem")).toBe(2);
    expect(await redis.zrange("r", "+inf", "(20", "BYSCORE", "REV")).toEqual(["bob", "ann"]);
  });

  test("returns bytes as they were written", async () => {
    const bytes = Buffer.from(Uint8Array.from({ length: 256 }, (_, byte) => byte));
    await redis.set(bytes, bytes);
    expect(await redis.getBuffer(bytes)).toEqual(bytes);
  });

  test("rejects with the server's error", async () => {
    await redis.set("k", "v");
    await expect(redis.lpush("k", "v")).rejects.toThrow(
      "WRONGTYPE Operation against a key holding the wrong kind of value",
    );
  });

  test("gets the replies of a pipeline in order, errors among them", async () => {
    const pipeline = redis.pipeline();
    for (let i = 0; i < 1_000; i++) pipeline.incr("n");
    pipeline.lpush("n", "v");
    pipeline.get("n");
    const replies = (await pipeline.exec()) ?? [];
    expect(replies.slice(0, 1_000).map(([, value]) => value)).toEqual(Array.from({ length: 1_000 }, (_, i) => i + 1));
    expect(replies[1_000]?.[0]?.message).toMatch(/^WRONGTYPE /);
    expect(replies[1_001]).toEqual([null, "1000"]);
  });

  test("runs a transaction, and none when a watched key has changed", async () => {
    expect(await redis.multi().set("k", "1").incr("k").exec()).toEqual([
      [null, "OK"],
      [null, 2],
    ]);
    await redis.watch("k");
    await connect(server.address).set("k", "other");
    expect(await redis.multi().set("k", "mine").exec()).toBeNull();
    expect(await redis.get("k")).toBe("other");
  });

  test("subscribes to channels and patterns", async () => {
    const subscriber = connect(server.address);
    const heard: string[][] = [];
    subscriber.on("message", (...message: string[]) => heard.push(message));
    subscriber.on("pmessage", (...message: string[]) => heard.push(message));
    expect(await subscriber.subscribe("a", "b")).toBe(2);
    expect(await subscriber.psubscribe("game:*")).toBe(3);
    expect(await redis.publish("a", "1")).toBe(1);
    expect(await redis.publish("game:7", "2")).toBe(1);
    await eventually(() => heard.length === 2);
    expect(heard).toEqual([
      ["a", "1"],
      ["game:*", "game:7", "2"],
    ]);
    expect(await subscriber.unsubscribe("a")).toBe(2);
    expect(await redis.publish("a", "3")).toBe(0);
  });

  test("defines a command in Lua, which is sent by its hash once it is loaded", async () => {
    redis.defineCommand("addUpTo", {
      numberOfKeys: 1,
      lua: `
        local points = tonumber(redis.call("ZSCORE", KEYS[1], ARGV[1]) or 0) + ARGV[2]
        if points > tonumber(ARGV[3]) then return 0 end
        redis.call("ZADD", KEYS[1], points, ARGV[1])
        return 1`,
    });
    expect(await redis.addUpTo("r", "ann", 6, 10)).toBe(1);
    expect(await redis.addUpTo("r", "ann", 6, 10)).toBe(0);
    expect(await redis.zscore("r", "ann")).toBe("6");
    await redis.script("FLUSH");
    expect(await redis.addUpTo("r", "ann", 4, 10)).toBe(1);
    expect(await redis.pipeline().addUpTo("r", "bob", 1, 10).exec()).toEqual([[null, 1]]);
  });

  test("streams the names of all keys, and the members of a set", async () => {
    const names = Array.from({ length: 2_000 }, (_, i) => `player:${i}`);
    await redis.mset(...names.flatMap((name) => [name, "v"]));
    await redis.sadd("set", ...names);
    for (const stream of [redis.scanStream({ match: "player:*", count: 100 }), redis.sscanStream("set")]) {
      const found = new Set<string>();
      for await (const some of stream) for (const name of some as string[]) found.add(name);
      expect([...found].sort()).toEqual([...names].sort());
    }
  });

  test("waits for an element of a list, and of a ranking", async () => {
    const waiting = connect(server.address);
    const popped = waiting.blpop("l", 0);
    await eventually(async () => /cmd=blpop/.test((await redis.client("LIST")) as string));
    await redis.rpush("l", "x");
    expect(await popped).toEqual(["l", "x"]);
    const lowest = waiting.bzpopmin("r", "0");
    await eventually(async () => /cmd=bzpopmin/.test((await redis.client("LIST")) as string));
    await redis.zadd("r", 2, "b", 1, "a");
    expect(await lowest).toEqual(["r", "a", "1"]);
  });

  test("connects again after a restart of the server, which has kept the data, and listens again", async () => {
    await withTempDir(async (data) => {
      const settings = { persistence: "log", data };
      const before = await startServer(settings);
      const { address } = before;
      const client = connect(address);
      const subscriber = connect(address);
      const heard: string[] = [];
      subscriber.on("message", (_channel, message) => heard.push(message));
      await subscriber.subscribe("news");
      await client.zadd("r", 1, "ann", 2, "bob");
      await client.set("k", "v", "EX", 1_000);
      const lost = new Promise((resolve) => client.once("close", resolve));
      await before.close(0);
      await lost;
      const during = client.get("k");
      const after = await startServer({ ...settings, listen: address });
      try {
        expect(await during).toBe("v");
        expect(await client.zrange("r", 0, "-1")).toEqual(["ann", "bob"]);
        expect(await client.ttl("k")).toBeGreaterThan(900);
        await eventually(async () => (await client.publish("news", "back")) === 1);
        await eventually(() => heard.includes("back"));
      } finally {
        client.disconnect();
        subscriber.disconnect();
        await after.close(0);
      }
    });
  });
});
