import { describe, expect, test } from "vitest";
import { EngineDriver } from "../../support/engine-driver.ts";

function driverWith(...fields: readonly string[]): EngineDriver {
  const driver = new EngineDriver();
  driver.do("HSET", "h", ...fields.flatMap((field) => [field, `value of ${field}`]));
  return driver;
}

/** A reply of whole numbers as an array. */
function numbers(reply: string): number[] {
  return [...reply.matchAll(/:(-?\d+)\r\n/g)].map(([, digits]) => Number(digits));
}

describe.each([
  { shape: "packed", extra: [] as string[] },
  { shape: "table", extra: ["x".repeat(65)] },
])("fields of a $shape hash", ({ extra }) => {
  test("are not there for any command once their time has come", () => {
    const driver = driverWith("a", "b", "c", ...extra);
    const size = 3 + extra.length;
    expect(numbers(driver.do("HPEXPIRE", "h", 100, "FIELDS", 2, "a", "b"))).toEqual([1, 1]);
    driver.nowMs += 99;
    expect(driver.do("HLEN", "h")).toBe(`:${size}\r\n`);
    driver.nowMs += 1;
    expect(driver.do("HLEN", "h")).toBe(`:${size - 2}\r\n`);
    expect(driver.do("HGET", "h", "a")).toBe("$-1\r\n");
    expect(driver.do("HEXISTS", "h", "b")).toBe(":0\r\n");
    expect(driver.do("HSTRLEN", "h", "a")).toBe(":0\r\n");
    expect(driver.do("HGETALL", "h")).not.toContain("value of a");
    expect(driver.do("HSCAN", "h", 0)).not.toContain("value of b");
    expect(driver.do("HDEL", "h", "a")).toBe(":0\r\n");
    expect(numbers(driver.do("HTTL", "h", "FIELDS", 2, "a", "c"))).toEqual([-2, -1]);
    expect(driver.do("HSETNX", "h", "a", "again")).toBe(":1\r\n");
    expect(numbers(driver.do("HTTL", "h", "FIELDS", 1, "a"))).toEqual([-1]);
  });

  test("lose their expiry when they are set, and keep it when they are counted up", () => {
    const driver = driverWith("a", "b", "c", ...extra);
    driver.do("HSET", "h", "b", "1", "c", "1");
    driver.do("HEXPIRE", "h", 50, "FIELDS", 3, "a", "b", "c");
    driver.do("HSET", "h", "a", "new");
    driver.do("HINCRBY", "h", "b", 5);
    driver.do("HINCRBYFLOAT", "h", "c", "0.5");
    expect(numbers(driver.do("HTTL", "h", "FIELDS", 3, "a", "b", "c"))).toEqual([-1, 50, 50]);
  });

  test("expire by themselves, and the key with the last of them", () => {
    const driver = driverWith("a", "b", ...extra);
    driver.do("HPEXPIRE", "h", 10, "FIELDS", 2 + extra.length, "a", "b", ...extra);
    driver.do("SADD", "other", "m");
    driver.nowMs += 10;
    expect(driver.engine.store.keyspaces[0]?.size).toBe(2);
    driver.do("PING");
    expect(driver.engine.store.keyspaces[0]?.size).toBe(1);
    expect(driver.do("EXISTS", "h")).toBe(":0\r\n");
    expect(driver.do("TYPE", "h")).toBe("+none\r\n");
  });

  test("keep their times when the key is renamed or copied", () => {
    const driver = driverWith("a", "b", ...extra);
    driver.do("HPEXPIRE", "h", 1_000, "FIELDS", 1, "a");
    driver.do("COPY", "h", "copy");
    driver.do("RENAME", "h", "renamed");
    driver.nowMs += 400;
    for (const key of ["copy", "renamed"]) {
      expect(numbers(driver.do("HPTTL", key, "FIELDS", 2, "a", "b"))).toEqual([600, -1]);
    }
    driver.nowMs += 600;
    driver.do("PING");
    for (const key of ["copy", "renamed"]) expect(driver.do("HLEN", key)).toBe(`:${1 + extra.length}\r\n`);
    driver.do("FLUSHALL");
    expect(driver.engine.store.keyspaces[0]?.nextExpiryMs).toBe(Number.POSITIVE_INFINITY);
  });
});

test.each([
  { before: 0, condition: "NX", after: 100, reply: 1, why: "it has no expiry" },
  { before: 50, condition: "NX", after: 100, reply: 0, why: "it has one" },
  { before: 0, condition: "XX", after: 100, reply: 0, why: "it has none" },
  { before: 50, condition: "XX", after: 100, reply: 1, why: "it has one" },
  { before: 0, condition: "GT", after: 100, reply: 0, why: "never is later than any time" },
  { before: 50, condition: "GT", after: 100, reply: 1, why: "it is later" },
  { before: 100, condition: "GT", after: 100, reply: 0, why: "it is the same" },
  { before: 0, condition: "lt", after: 100, reply: 1, why: "never is later than any time" },
  { before: 100, condition: "LT", after: 50, reply: 1, why: "it is earlier" },
  { before: 50, condition: "LT", after: 50, reply: 0, why: "it is the same" },
  { before: 50, condition: "LT", after: 0, reply: 2, why: "its time has come already" },
  { before: 0, condition: "XX", after: 0, reply: 0, why: "the condition comes first" },
])("HEXPIRE $after $condition of a field that expires in $before replies $reply: $why", (row) => {
  const driver = driverWith("a", "b");
  if (row.before > 0) driver.do("HEXPIRE", "h", row.before, "FIELDS", 1, "a");
  expect(numbers(driver.do("HEXPIRE", "h", row.after, row.condition, "FIELDS", 2, "a", "none"))).toEqual([
    row.reply,
    -2,
  ]);
  const left = { 0: row.before === 0 ? -1 : row.before, 1: row.after, 2: -2 }[row.reply];
  expect(numbers(driver.do("HTTL", "h", "FIELDS", 1, "a"))).toEqual([left]);
});

test("each unit and each kind of time is the same time", () => {
  const driver = driverWith("a", "b", "c", "d");
  const second = driver.nowMs / 1_000 + 7;
  driver.do("HEXPIRE", "h", 7, "FIELDS", 1, "a");
  driver.do("HPEXPIRE", "h", 7_000, "FIELDS", 1, "b");
  driver.do("HEXPIREAT", "h", second, "FIELDS", 1, "c");
  driver.do("HPEXPIREAT", "h", 1_000 * second, "FIELDS", 1, "d");
  const fields = ["FIELDS", 4, "a", "b", "c", "d"];
  expect(numbers(driver.do("HEXPIRETIME", "h", ...fields))).toEqual([second, second, second, second]);
  expect(numbers(driver.do("HPEXPIRETIME", "h", ...fields))).toEqual(Array(4).fill(1_000 * second));
  driver.nowMs += 6_001;
  expect(numbers(driver.do("HPTTL", "h", ...fields))).toEqual([999, 999, 999, 999]);
  expect(numbers(driver.do("HTTL", "h", ...fields))).toEqual([1, 1, 1, 1]);
  expect(numbers(driver.do("HPERSIST", "h", "FIELDS", 3, "a", "a", "none"))).toEqual([1, -1, -2]);
});

test("a key that is not there has no fields", () => {
  const driver = new EngineDriver();
  expect(numbers(driver.do("HEXPIRE", "none", 5, "FIELDS", 2, "a", "b"))).toEqual([-2, -2]);
  expect(numbers(driver.do("HTTL", "none", "FIELDS", 1, "a"))).toEqual([-2]);
  expect(numbers(driver.do("HPERSIST", "none", "FIELDS", 1, "a"))).toEqual([-2]);
});

test("the key goes when its last field is told to have expired", () => {
  const driver = driverWith("a");
  expect(numbers(driver.do("HPEXPIREAT", "h", 1, "FIELDS", 1, "a"))).toEqual([2]);
  expect(driver.do("EXISTS", "h")).toBe(":0\r\n");
});

const TOO_FEW = "The `numfields` parameter must match the number of arguments";
test.each([
  {
    words: ["HEXPIRE", "s", "1", "FIELDS", "1", "a"],
    error: "WRONGTYPE Operation against a key holding the wrong kind of value",
  },
  { words: ["HEXPIRE", "h", "x", "FIELDS", "1", "a"], error: "ERR value is not an integer or out of range" },
  { words: ["HEXPIRE", "h", "-1", "FIELDS", "1", "a"], error: "ERR invalid expire time, must be >= 0" },
  { words: ["HEXPIRE", "h", "70368744178", "FIELDS", "1", "a"], error: "ERR invalid expire time in 'hexpire' command" },
  {
    words: ["HPEXPIREAT", "h", "70368744177664", "FIELDS", "1", "a"],
    error: "ERR invalid expire time in 'hpexpireat' command",
  },
  {
    words: ["HEXPIRE", "h", "1", "YY", "FIELDS", "1", "a"],
    error: "ERR Mandatory argument FIELDS is missing or not at the right position",
  },
  { words: ["HEXPIRE", "h", "1", "FIELDS", "0", "a"], error: "ERR Parameter `numFields` should be greater than 0" },
  { words: ["HEXPIRE", "h", "1", "FIELDS", "2", "a"], error: `ERR ${TOO_FEW}` },
  {
    words: ["HTTL", "h", "FIELD", "1", "a"],
    error: "ERR Mandatory argument FIELDS is missing or not at the right position",
  },
  { words: ["HTTL", "h", "FIELDS", "x", "a"], error: "ERR Number of fields must be a positive integer" },
  { words: ["HPERSIST", "h", "FIELDS", "1", "a", "b"], error: `ERR ${TOO_FEW}` },
  { words: ["HPERSIST", "h", "FIELDS", "1"], error: "ERR wrong number of arguments for 'hpersist' command" },
])("$words is refused as Redis 7.4 does", ({ words, error }) => {
  const driver = driverWith("a", "b");
  driver.do("SET", "s", "a string");
  const batches = driver.batches.length;
  expect(driver.do(...words)).toBe(`-${error}\r\n`);
  expect(driver.batches.length).toBe(batches);
});
