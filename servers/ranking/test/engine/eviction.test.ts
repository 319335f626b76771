import { createRandom, seeds } from "@kagami/clock";
import { expect, test } from "vitest";
import { AccessWords } from "../../src/engine/access-words.ts";
import { EVICTION_POLICIES } from "../../src/engine/config/parameters.ts";
import { evictionLimitUs } from "../../src/engine/eviction.ts";
import { tick } from "../../src/engine/upkeep.ts";
import { EngineDriver } from "../support/engine-driver.ts";

const MIB = 1_048_576;
const OUT_OF_MEMORY = "-OOM command not allowed when used memory > 'maxmemory'.\r\n";

/** An engine whose memory is limited to `roomBytes` more than it takes empty. */
function limited(policy: string, roomBytes: number): EngineDriver {
  const driver = new EngineDriver();
  const limit = driver.engine.store.usedBytes + roomBytes;
  expect(driver.do("CONFIG", "SET", "maxmemory", limit, "maxmemory-policy", policy)).toBe("+OK\r\n");
  return driver;
}

function evictedOf({ engine }: EngineDriver): number {
  return engine.observer.statistics.evictedKeys;
}

const EVICTING = EVICTION_POLICIES.filter((policy) => policy !== "noeviction");

test.each(EVICTING)("%s keeps memory below its limit, and copies agree on who went", (policy) => {
  for (const seed of seeds(2)) {
    const random = createRandom(seed);
    const driver = limited(policy, MIB / 4);
    const { engine } = driver;
    let mostBytes = 0;
    for (let i = 0; i < 1_500; i++) {
      driver.nowMs += random.int(0, 200);
      const key = `key:${random.int(0, 1_000)}`;
      if (random.chance(0.1)) driver.do("SELECT", random.int(0, 2));
      if (random.chance(0.7)) driver.do("SET", key, "x".repeat(random.int(0, 1_500)), "PX", 3_600_000 + i);
      else driver.do("GET", key);
      mostBytes = Math.max(mostBytes, engine.store.usedBytes);
    }
    // The limit is looked at before a command, so one value may go beyond it, and tables that grow with it.
    expect(mostBytes).toBeLessThan(engine.maxMemoryBytes + 32 * 1_024);
    expect(evictedOf(driver)).toBeGreaterThan(200);
    const copy = driver.replayed();
    for (const [index, keyspace] of engine.store.keyspaces.entries()) {
      expect(copy.engine.store.keyspaces[index]?.size).toBe(keyspace.size);
    }
    expect(evictedOf(copy)).toBe(0);
  }
});

test("LRU keeps what is used, and drops what is not", () => {
  const driver = limited("allkeys-lru", MIB / 4);
  driver.do("CONFIG", "SET", "maxmemory-samples", 10);
  for (let i = 0; i < 50; i++) driver.do("SET", `hot:${i}`, "x".repeat(100));
  for (let i = 0; i < 3_000; i++) {
    driver.do("SET", `cold:${i}`, "x".repeat(200));
    driver.do("GET", `hot:${i % 50}`);
    driver.nowMs += 200;
  }
  let hotCount = 0;
  for (let i = 0; i < 50; i++) if (driver.do("EXISTS", `hot:${i}`) === ":1\r\n") hotCount++;
  expect(evictedOf(driver)).toBeGreaterThan(1_000);
  // Each hot key is used every 10 s, while a cold one is evicted when it is some 150 s old.
  expect(hotCount).toBeGreaterThanOrEqual(49);
});

test("LFU keeps what is used often, even when it was not used just now", () => {
  const driver = limited("allkeys-lfu", MIB / 4);
  driver.do("CONFIG", "SET", "maxmemory-samples", 10);
  for (let round = 0; round < 50; round++) for (let i = 0; i < 20; i++) driver.do("SET", `often:${i}`, "x");
  for (let i = 0; i < 2_000; i++) driver.do("SET", `once:${i}`, "x".repeat(200));
  let count = 0;
  for (let i = 0; i < 20; i++) if (driver.do("EXISTS", `often:${i}`) === ":1\r\n") count++;
  expect(evictedOf(driver)).toBeGreaterThan(500);
  expect(count).toBe(20);
});

test("volatile-ttl takes the key that expires first, exactly", () => {
  const driver = limited("volatile-ttl", MIB);
  driver.do("SET", "stays", "x");
  const order = createRandom(1).shuffle(Array.from({ length: 500 }, (_, i) => i));
  for (const i of order) driver.do("SET", `k:${i}`, "x".repeat(1_000), "EX", 1_000 + i);
  driver.do("CONFIG", "SET", "maxmemory", Math.floor(driver.engine.store.usedBytes * 0.6));
  driver.do("SET", "another", "x");
  const evicted = evictedOf(driver);
  expect(evicted).toBeGreaterThan(100);
  const left = order.filter((i) => driver.do("EXISTS", `k:${i}`) === ":1\r\n");
  expect(Math.min(...left)).toBe(evicted);
  expect(driver.do("EXISTS", "stays")).toBe(":1\r\n");
});

test.each(["volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl"])(
  "%s leaves keys that stay for ever, and refuses when only they are left",
  (policy) => {
    const driver = limited(policy, MIB / 4);
    driver.do("SET", "goes", "x".repeat(1_000), "EX", 100);
    let reply = "";
    let count = 0;
    for (; count < 2_000 && reply !== OUT_OF_MEMORY; count++)
      reply = driver.do("SET", `stays:${count}`, "x".repeat(500));
    expect(reply).toBe(OUT_OF_MEMORY);
    expect(driver.do("EXISTS", "goes", "stays:0")).toBe(":1\r\n");
    expect(evictedOf(driver)).toBe(1);
    expect(driver.do("GET", "stays:1")).toMatch(/^\$500/);
    expect(driver.do("DEL", "stays:1")).toBe(":1\r\n");
  },
);

test("without eviction a command that needs memory is refused, alone and queued, and others are not", () => {
  const driver = limited("noeviction", MIB / 8);
  for (let i = 0; i < 300; i++) driver.do("SET", `k:${i}`, "x".repeat(500));
  expect(driver.do("SET", "more", "x")).toBe(OUT_OF_MEMORY);
  expect(driver.do("GET", "k:1")).toMatch(/^\$500/);
  expect(driver.do("INFO", "errorstats")).toMatch(/errorstat_OOM:count=\d+/);
  expect(evictedOf(driver)).toBe(0);
});

// As redis-server 7.0.15 with maxmemory 1.
test.each([
  { calls: ["MULTI", "GET a", "EXEC"], replies: ["OK", "OOM", "EXECABORT"], why: "what is queued takes memory" },
  { calls: ["MULTI", "PING", "DISCARD"], replies: ["OK", "OOM", "OK"], why: "DISCARD ends it" },
  { calls: ["MULTI", "MULTI", "RESET"], replies: ["OK", "OOM", "RESET"], why: "RESET ends it" },
  { calls: ["MULTI", "EXEC"], replies: ["OK", "*0"], why: "EXEC of nothing needs none" },
  { calls: ["MULTI", "WATCH x", "QUIT"], replies: ["OK", "OOM", "OK"], why: "QUIT ends it" },
  { calls: ["GET a", "MULTI"], replies: ["$-1", "OK"], why: "outside of MULTI reads are taken" },
])("without memory between MULTI and EXEC: $why", ({ calls, replies }) => {
  const driver = new EngineDriver();
  driver.engine.maxMemoryBytes = 1;
  for (const [i, call] of calls.entries()) {
    expect(
      driver
        .do(...call.split(" "))
        .replace(/^[+-]/, "")
        .startsWith(replies[i]!),
    ).toBe(true);
  }
});

test("a value of many elements makes room only as it is given back, and the eviction waits for that", () => {
  const driver = limited("allkeys-lru", 2 * MIB);
  const members = Array.from({ length: 20_000 }, (_, i) => `member:${i}`);
  driver.do("SADD", "large", ...members);
  driver.nowMs += 10_000;
  for (let i = 0; i < 1_500; i++) driver.do("SET", `k:${i}`, "x".repeat(1_500));
  expect(driver.do("EXISTS", "large")).toBe(":0\r\n");
  expect(driver.engine.store.usedBytes).toBeLessThan(driver.engine.maxMemoryBytes + 64 * 1_024);
});

test("an eviction that takes too long stops, lets the command in, and goes on at the next tick", () => {
  let nowUs = 0;
  const driver = new EngineDriver(1, { clockUs: () => (nowUs += 100) });
  for (let i = 0; i < 2_000; i++) driver.do("SET", `k:${i}`, "x".repeat(500));
  driver.do("CONFIG", "SET", "maxmemory", 200_000, "maxmemory-policy", "allkeys-random");
  expect(driver.do("SET", "more", "x")).toBe("+OK\r\n");
  const { engine } = driver;
  expect(engine.store.usedBytes).toBeGreaterThan(200_000);
  expect(driver.do("INFO", "stats")).toMatch(/evicted_keys:[1-9]/);
  for (let i = 0; i < 100; i++) {
    engine.beginTurn(driver.nowMs, i);
    tick(engine);
    engine.endTurn();
  }
  expect(engine.store.usedBytes).toBeLessThanOrEqual(200_000);
});

test("keys whose time has come are no candidates for ever", () => {
  const driver = new EngineDriver();
  for (let i = 0; i < 1_000; i++) driver.do("SET", `k:${i}`, "x".repeat(100), "PX", 1_000);
  driver.do("CONFIG", "SET", "maxmemory", 1, "maxmemory-policy", "allkeys-lru");
  driver.nowMs += 2_000;
  expect(driver.do("SET", "more", "x")).toBe(OUT_OF_MEMORY);
  expect(driver.do("DBSIZE")).toBe(":0\r\n");
});

test("nobody is evicted while clients pause, nor while the log is applied", () => {
  const driver = limited("allkeys-lru", MIB / 8);
  driver.do("CLIENT", "PAUSE", 1_000, "WRITE");
  for (let i = 0; i < 500; i++) driver.do("SET", `k:${i}`, "x".repeat(500));
  expect(evictedOf(driver)).toBe(0);
  const copy = driver.replayed();
  copy.engine.maxMemoryBytes = 1;
  for (const batch of driver.batches) copy.engine.apply(batch);
  expect(copy.do("DBSIZE")).toBe(":500\r\n");
});

test.each([
  { tenacity: 0, limitUs: 0, why: "it stops at once" },
  { tenacity: 10, limitUs: 500, why: "the default" },
  { tenacity: 100, limitUs: Number.POSITIVE_INFINITY, why: "it never stops" },
])("a tenacity of $tenacity is $limitUs µs: $why", ({ tenacity, limitUs }) => {
  expect(evictionLimitUs(tenacity)).toBe(limitUs);
});

test("an LFU counter grows ever more slowly, and falls with time", () => {
  const access = new AccessWords();
  access.isLfu = true;
  access.advance(1_700_000_000_000);
  let word = access.initial;
  expect(access.frequency(word)).toBe(5);
  for (let i = 0; i < 100; i++) word = access.counted(word);
  const after100 = access.frequency(word);
  for (let i = 0; i < 100_000; i++) word = access.counted(word);
  const after100000 = access.frequency(word);
  // Redis's table for a factor of 10: 100 hits 10, 100 K hits 142.
  expect(after100).toBeGreaterThanOrEqual(7);
  expect(after100).toBeLessThanOrEqual(14);
  expect(after100000).toBeGreaterThanOrEqual(120);
  expect(after100000).toBeLessThanOrEqual(165);
  access.advance(1_700_000_000_000 + 10 * 60_000);
  expect(access.frequency(word)).toBe(after100000 - 10);
  access.decayMinutes = 0;
  expect(access.frequency(word)).toBe(after100000);
});

test("an LRU word counts seconds, over the end of its 24 bits", () => {
  const access = new AccessWords();
  const endMs = 2 ** 24 * 1_000 * 100;
  access.advance(endMs - 5_000);
  const word = access.initial;
  access.advance(endMs + 5_000);
  expect(access.idleSeconds(word)).toBe(10);
});
