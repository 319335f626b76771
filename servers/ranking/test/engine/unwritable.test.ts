import { beforeEach, expect, test } from "vitest";
import { tick } from "../../src/engine/upkeep.ts";
import { EngineDriver } from "../support/engine-driver.ts";

const REFUSAL = "MISCONF the log cannot be written";
const MINUTE_MS = 60_000;

let driver: EngineDriver;

beforeEach(() => {
  driver = new EngineDriver();
});

/** Batches of what is done while nothing can be put into the log. */
function batchesUnwritten(work: () => void): number {
  driver.engine.writeRefusal = REFUSAL;
  const before = driver.batches.length;
  work();
  driver.engine.writeRefusal = "";
  return driver.batches.length - before;
}

test("a sliding board is read as it was last, and old scores leave it when the log can be written again", () => {
  driver.do("RANK.CREATE", "board", "SLIDING", MINUTE_MS);
  driver.do("RANK.ADD", "ann", 5, "BOARDS", 1, "board");
  driver.nowMs += 2 * MINUTE_MS;
  const count = batchesUnwritten(() => expect(driver.do("RANK.COUNT", "board")).toBe(":1\r\n"));
  expect(count).toBe(0);
  expect(driver.do("RANK.COUNT", "board")).toBe(":0\r\n");
  expect(driver.replayed().do("RANK.COUNT", "board")).toBe(":0\r\n");
});

test("a count of different elements is told and not kept", () => {
  driver.do("PFADD", "seen", "a", "b");
  const value = driver.do("GET", "seen");
  const count = batchesUnwritten(() => expect(driver.do("PFCOUNT", "seen")).toBe(":2\r\n"));
  expect([count, driver.do("GET", "seen")]).toEqual([0, value]);
  driver.do("PFCOUNT", "seen");
  expect(driver.do("GET", "seen")).not.toBe(value);
});

test("nothing is evicted, neither for a command nor by the tick", () => {
  for (let i = 0; i < 500; i++) driver.do("SET", `k:${i}`, "x".repeat(500));
  driver.do("CONFIG", "SET", "maxmemory", 100_000, "maxmemory-policy", "allkeys-lru");
  const { engine } = driver;
  const before = engine.observer.statistics.evictedKeys;
  const sizeBefore = engine.store.keyspaces[0]?.size;
  const count = batchesUnwritten(() => {
    expect(driver.do("SET", "k:1", "new")).toBe(`-${REFUSAL}\r\n`);
    expect(driver.do("EXISTS", "k:1")).toMatch(/^:/);
    engine.beginTurn(driver.nowMs, 1);
    tick(engine);
    expect(engine.endTurn()).toBe(false);
  });
  expect([count, engine.store.keyspaces[0]?.size]).toEqual([0, sizeBefore]);
  driver.do("EXISTS", "k:1");
  expect(engine.observer.statistics.evictedKeys).toBeGreaterThan(before);
});
