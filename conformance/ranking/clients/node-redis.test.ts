import { startServer } from "@kagami/ranking/testing";
import { eventually, withTempDir } from "@kagami/testkit";
import { createClient, defineScript } from "redis";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";

/** What a test of either protocol version needs to know of a client. */
type Client = Awaited<ReturnType<typeof open>>;

let server: Awaited<ReturnType<typeof startServer>>;
const clients = new Set<{ destroy(): void }>();

const SCRIPTS = {
  addUpTo: defineScript({
    NUMBER_OF_KEYS: 1,
    SCRIPT: `
      local points = tonumber(redis.call("ZSCORE", KEYS[1], ARGV[1]) or 0) + ARGV[2]
      if points > tonumber(ARGV[3]) then return 0 end
      redis.call("ZADD", KEYS[1], points, ARGV[1])
      return 1`,
    parseCommand(parser, ranking: string, player: string, points: number, limit: number) {
      parser.pushKey(ranking);
      parser.push(player, String(points), String(limit));
    },
    transformReply: (reply: unknown) => reply as number,
  }),
};

beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close(0));
afterEach(() => {
  for (const client of clients) client.destroy();
  clients.clear();
});

async function open(address: string, RESP: 2 | 3) {
  const socket = { reconnectStrategy: () => 20 };
  const client = createClient({ url: `redis://${address}`, RESP, scripts: SCRIPTS, socket });
  // A lost connection is an event that must be heard; the client then connects again by itself.
  client.on("error", () => undefined);
  await client.connect();
  clients.add(client);
  return client;
}

// Client-side caching is not tried: it needs CLIENT TRACKING.
describe.each([2, 3] as const)("node-redis with RESP%i", (version) => {
  let client: Client;

  beforeEach(async () => {
    client = await open(server.address, version);
    await client.flushAll();
  });

  test("reads and writes values of all types", async () => {
    expect(await client.sendCommand(["CLIENT", "INFO"])).toContain(`resp=${version}`);
    expect(await client.set("k", "v", { expiration: { type: "EX", value: 60 }, condition: "NX" })).toBe("OK");
    expect(await client.ttl("k")).toBe(60);
    expect(await client.mGet(["k", "absent"])).toEqual(["v", null]);
    await client.hSet("h", { a: "1", b: "two" });
    expect({ ...(await client.hGetAll("h")) }).toEqual({ a: "1", b: "two" });
    await client.rPush("l", ["1", "2", "3"]);
    expect(await client.lRange("l", 0, -1)).toEqual(["1", "2", "3"]);
    await client.sAdd("s", ["a", "b"]);
    expect([...(await client.sMembers("s"))].sort()).toEqual(["a", "b"]);
    expect(await client.incrByFloat("f", 1.5)).toBe("1.5");
    await client.pfAdd("p", ["a", "b", "a"]);
    expect(await client.pfCount("p")).toBe(2);
  });

  test("keeps a ranking, whose scores are numbers", async () => {
    await client.zAdd("r", [
      { score: 10, value: "ann" },
      { score: Number.POSITIVE_INFINITY, value: "bob" },
      { score: -0.5, value: "cem" },
    ]);
    expect(await client.zIncrBy("r", 15.5, "ann")).toBe(25.5);
    expect(await client.zScore("r", "absent")).toBeNull();
    expect(await client.zRangeWithScores("r", 0, -1, { REV: true })).toEqual([
      { score: Number.POSITIVE_INFINITY, value: "bob" },
      { score: 25.5, value: "ann" },
      { score: -0.5, value: "cem" },
    ]);
    expect(await client.zmScore("r", ["cem", "absent"])).toEqual([-0.5, null]);
    expect(await client.zPopMin("r")).toEqual({ score: -0.5, value: "cem" });
  });

  test("understands what the server says of itself", async () => {
    expect(await client.info("server")).toMatch(/^redis_version:7\.0\.15\r$/m);
    expect({ ...(await client.configGet("databases")) }).toEqual({ databases: "16" });
    expect((await client.commandInfo(["GET"]))[0]).toMatchObject({ name: "get", arity: 2, firstKeyIndex: 1 });
    expect(await client.aclWhoAmI()).toBe("default");
    await client.set("k", "v");
    expect(await client.memoryUsage("k")).toBeGreaterThan(0);
    expect(await client.objectEncoding("k")).toBe("embstr");
  });

  test("rejects with the server's error", async () => {
    await client.set("k", "v");
    await expect(client.lPush("k", "v")).rejects.toThrow(
      "WRONGTYPE Operation against a key holding the wrong kind of value",
    );
  });

  test("sends what is asked in one turn as a pipeline", async () => {
    const replies = await Promise.all(Array.from({ length: 1_000 }, () => client.incr("n")));
    expect(replies).toEqual(Array.from({ length: 1_000 }, (_, i) => i + 1));
  });

  test("runs a transaction, and none when a watched key has changed", async () => {
    expect(await client.multi().set("k", "1").incr("k").zAdd("r", { score: 1, value: "a" }).exec()).toEqual([
      "OK",
      2,
      1,
    ]);
    const other = await open(server.address, version);
    await client.watch("k");
    await other.set("k", "other");
    await expect(client.multi().set("k", "mine").exec()).rejects.toThrow("One (or more) of the watched keys");
    expect(await client.get("k")).toBe("other");
  });

  test("subscribes to channels and patterns", async () => {
    const subscriber = await open(server.address, version);
    const heard: string[][] = [];
    await subscriber.subscribe("a", (message, channel) => heard.push([channel, message]));
    await subscriber.pSubscribe("game:*", (message, channel) => heard.push([channel, message]));
    expect(await client.publish("a", "1")).toBe(1);
    expect(await client.publish("game:7", "2")).toBe(1);
    await eventually(() => heard.length === 2);
    expect(heard).toEqual([
      ["a", "1"],
      ["game:7", "2"],
    ]);
    await subscriber.unsubscribe("a");
    expect(await client.publish("a", "3")).toBe(0);
  });

  test("runs a script by its hash, and sends it when the server has lost it", async () => {
    expect(await client.addUpTo("r", "ann", 6, 10)).toBe(1);
    expect(await client.addUpTo("r", "ann", 6, 10)).toBe(0);
    await client.scriptFlush();
    expect(await client.addUpTo("r", "ann", 4, 10)).toBe(1);
    expect(await client.zScore("r", "ann")).toBe(10);
  });

  test("iterates over all keys and all members of a ranking", async () => {
    const names = Array.from({ length: 2_000 }, (_, i) => `player:${i}`);
    await client.mSet(Object.fromEntries(names.map((name) => [name, "v"])));
    await client.zAdd(
      "ranking",
      names.map((value, score) => ({ score, value })),
    );
    const found = new Set<string>();
    for await (const some of client.scanIterator({ MATCH: "player:*", COUNT: 100 })) for (const k of some) found.add(k);
    expect([...found].sort()).toEqual([...names].sort());
    const members = new Map<string, number>();
    for await (const some of client.zScanIterator("ranking")) for (const m of some) members.set(m.value, m.score);
    expect(members).toEqual(new Map(names.map((name, score) => [name, score])));
  });

  test("waits for an element of a list", async () => {
    const waiting = await open(server.address, version);
    const popped = waiting.blPop("l", 0);
    await eventually(async () => /cmd=blpop/.test(String(await client.sendCommand(["CLIENT", "LIST"]))));
    await client.rPush("l", "x");
    expect(await popped).toEqual({ key: "l", element: "x" });
  });

  test("connects again after a restart of the server, which has kept the data", async () => {
    await withTempDir(async (data) => {
      const settings = { persistence: "log", data };
      const before = await startServer(settings);
      const restarting = await open(before.address, version);
      await restarting.zAdd("r", { score: 1, value: "ann" });
      const lost = new Promise((resolve) => restarting.once("reconnecting", resolve));
      await before.close(0);
      await lost;
      const during = restarting.zScore("r", "ann");
      const after = await startServer({ ...settings, listen: before.address });
      try {
        expect(await during).toBe(1);
      } finally {
        restarting.destroy();
        clients.delete(restarting);
        await after.close(0);
      }
    });
  });
});

describe("node-redis that caches on its side", () => {
  test("is told that the server does not track keys", async () => {
    const client = createClient({
      url: `redis://${server.address}`,
      RESP: 3,
      clientSideCache: { maxEntries: 10 },
      socket: { reconnectStrategy: false },
    });
    client.on("error", () => undefined);
    await expect(client.connect()).rejects.toThrow("Client side caching is not available");
  });
});
