import { join } from "node:path";
import { createRandom, type Random, seeds } from "@kagami/clock";
import { withTempDir } from "@kagami/testkit";
import { expect, test } from "vitest";
import { rebuildStore } from "../../src/engine/rebuild/rebuild.ts";
import { exportRdb } from "../../src/rdb-files/export-rdb.ts";
import { type Argument, EngineDriver } from "../support/engine-driver.ts";

const KEYS = ["a", "b", "key:with:a:longer:name", "c"];
const MEMBERS = ["", "1", "-7", "70000", "9007199254740993", "x", "word", "y".repeat(40), "z".repeat(70)];

/** One command on small sets, hashes, sorted sets and what may take their place. */
function commandOf(random: Random): Argument[] {
  const key = random.pick(KEYS);
  const other = random.pick(KEYS);
  const member = (): string => (random.chance(0.6) ? String(random.int(0, 60)) : random.pick(MEMBERS));
  return random.pick<() => Argument[]>([
    () => ["SADD", key, member(), member()],
    () => ["SADD", key, ...Array.from({ length: random.int(1, 80) }, member)],
    () => ["SREM", key, member(), member()],
    () => ["SPOP", key],
    () => ["SMEMBERS", key],
    () => ["SISMEMBER", key, member()],
    () => ["SRANDMEMBER", key, 3],
    () => ["SMOVE", key, other, member()],
    () => ["SUNIONSTORE", key, key, other],
    () => ["SINTERSTORE", other, key, other],
    () => ["HSET", key, member(), member(), "n", random.int(0, 1_000)],
    () => ["HSET", key, ...Array.from({ length: 2 * random.int(1, 40) }, member)],
    () => ["HDEL", key, member(), "n"],
    () => ["HINCRBY", key, "n", random.int(-5, 5)],
    () => ["HGETALL", key],
    () => ["ZADD", key, random.int(-9, 9), member(), random.pick([1.5, 1e12, -0.25]), member()],
    () => ["ZADD", key, ...Array.from({ length: random.int(1, 70) }, () => [random.int(0, 5), member()]).flat()],
    () => ["ZREM", key, member(), member()],
    () => ["ZINCRBY", key, random.pick([1, 0.5, -3]), member()],
    () => ["ZPOPMIN", key, 2],
    () => ["ZRANGE", key, 0, -1, "WITHSCORES"],
    () => ["ZRANK", key, member()],
    () => ["ZUNIONSTORE", key, 2, key, other],
    () => ["HEXPIRE", key, random.int(1, 3), "FIELDS", 1, "n"],
    () => ["EXPIRE", key, random.int(1, 5)],
    () => ["PERSIST", key],
    () => ["RENAME", key, other],
    () => ["COPY", key, other, "REPLACE"],
    () => ["MOVE", key, random.int(0, 1)],
    () => ["SWAPDB", 0, 1],
    () => ["SET", key, member()],
    () => ["APPEND", key, member()],
    () => ["DEL", key],
    () => ["UNLINK", key, other],
    () => ["OBJECT", "ENCODING", key],
    () => ["DUMP", key],
    () => ["SORT", key, "ALPHA"],
    () => ["SCAN", 0],
    () => ["TYPE", key],
    () => ["TTL", key],
    () => (random.chance(0.05) ? ["FLUSHDB"] : ["DBSIZE"]),
  ])();
}

function contentOf(driver: EngineDriver): string {
  let text = "";
  rebuildStore(driver.engine.store, (bytes, start, end) => {
    text += Buffer.from(bytes.subarray(start, end)).toString("latin1");
  });
  return text;
}

test.each(seeds(12))("small values fold into their keys, and nobody can tell, seed %i", (seed) => {
  const random = createRandom(seed);
  const [folding, plain] = [new EngineDriver(), new EngineDriver()];
  folding.engine.store.keptUnfolded = random.pick([0, 0, 1, 3]);
  for (let step = 0; step < 1_000; step++) {
    const command = commandOf(random);
    const reply = folding.do(...command);
    expect(`${command.join(" ")}: ${reply}`).toBe(`${command.join(" ")}: ${plain.do(...command)}`);
    if (random.chance(0.2)) for (const driver of [folding, plain]) driver.nowMs += 700;
    if (step % 250 === 0) expect(contentOf(folding)).toBe(contentOf(plain));
  }
  expect(contentOf(folding)).toBe(contentOf(plain));
  const replayed = folding.replayed();
  // Its time is that of the last change; a turn of its own brings it up to the present.
  for (const driver of [replayed, plain]) driver.do("PING");
  expect(contentOf(replayed)).toBe(contentOf(plain));
  folding.do("FLUSHALL");
  folding.do("PING");
  const { heap, objects } = folding.engine.store;
  heap.trim();
  expect(heap.use.liveBytes).toBe(0);
  expect(objects.size).toBe(0);
});

test("a small value that nobody uses is no object, and is one again while it is used", () => {
  const driver = new EngineDriver();
  const { store } = driver.engine;
  store.keptUnfolded = 2;
  for (let i = 0; i < 10; i++) driver.do(i % 2 === 0 ? "SADD" : "HSET", `k${i}`, "1", "2");
  driver.do("PING");
  expect(store.objects.size).toBe(2);
  expect(driver.do("MEMORY", "USAGE", "k0")).not.toBe(driver.do("MEMORY", "USAGE", "k9"));
  driver.do("SADD", "k0", "3");
  expect(store.objects.size).toBe(3);
  driver.do("PING");
  expect(store.objects.size).toBe(2);
  expect(driver.do("SMEMBERS", "k0")).toContain("$1\r\n3\r\n");
});

test("many values that were made at once are folded little by little, and all in the end", () => {
  const driver = new EngineDriver();
  const { store } = driver.engine;
  store.keptUnfolded = 10;
  driver.do("EVAL", "for i = 1, 20000 do redis.call('SADD', 'k' .. i, i) end", 0);
  expect(store.objects.size).toBe(20_000);
  let most = 0;
  for (let turns = 0; store.objects.size > 10; turns++) {
    const before = store.objects.size;
    driver.do("PING");
    most = Math.max(most, before - store.objects.size);
    expect(turns).toBeLessThan(60);
  }
  expect(most).toBeLessThan(3_100);
});

test("a large value, one with fields that expire and one of another type stay objects", () => {
  const driver = new EngineDriver();
  const { store } = driver.engine;
  store.keptUnfolded = 0;
  driver.do("SADD", "large", ...Array.from({ length: 60 }, (_, i) => `${i}:${"m".repeat(50)}`));
  driver.do("HSET", "expiring", "f", "v");
  driver.do("HEXPIRE", "expiring", 100, "FIELDS", 1, "f");
  driver.do("RPUSH", "list", "e");
  driver.do("ZADD", "sorted", 1, "m".repeat(100));
  driver.do("PING");
  expect(store.objects.size).toBe(4);
});

test("an export leaves folded values as they are", async () => {
  await withTempDir(async (directory) => {
    const driver = new EngineDriver();
    const { store } = driver.engine;
    store.keptUnfolded = 0;
    for (let i = 0; i < 100; i++) driver.do("HSET", `h:${i}`, "field", i);
    driver.do("PING");
    expect(store.objects.size).toBe(0);
    const usedBytes = store.usedBytes;
    const { keys } = exportRdb(driver.engine, {
      path: join(directory, "store.rdb"),
      nowMs: driver.nowMs,
      skips: false,
    });
    expect([keys, store.objects.size, store.usedBytes]).toEqual([100, 0, usedBytes]);
  });
});
