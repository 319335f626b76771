import { describe, expect, test } from "vitest";
import { type Argument, EngineDriver } from "../../support/engine-driver.ts";

const MAX = "9223372036854775807";
const MIN = "-9223372036854775808";
const NOT_INT = "-ERR value is not an integer or out of range\r\n";
const OVERFLOW = "-ERR increment or decrement would overflow\r\n";

/** Does all commands on a new engine and returns the last reply. */
function last(...commands: (readonly Argument[])[]): string {
  const driver = new EngineDriver();
  let reply = "";
  for (const command of commands) reply = driver.do(...command);
  return reply;
}

describe("numbers", () => {
  test.each([
    { value: MAX, command: ["INCR", "k"], reply: OVERFLOW, why: "64 bits end there" },
    { value: MIN, command: ["DECR", "k"], reply: OVERFLOW, why: "and there" },
    { value: "9007199254740993", command: ["INCR", "k"], reply: ":9007199254740994\r\n", why: "exact beyond 2^53" },
    {
      value: "9007199254740991",
      command: ["INCRBY", "k", 9],
      reply: ":9007199254741000\r\n",
      why: "exact across 2^53",
    },
    { value: "-1", command: ["DECRBY", "k", MAX], reply: `:${MIN}\r\n`, why: "the lowest number is reached" },
    {
      value: "0",
      command: ["DECRBY", "k", MIN],
      reply: "-ERR decrement would overflow\r\n",
      why: "it has no opposite",
    },
    { value: " 1", command: ["INCR", "k"], reply: NOT_INT, why: "no blanks" },
    { value: "-0", command: ["INCR", "k"], reply: NOT_INT, why: "no zero below zero" },
    { value: "1", command: ["INCRBY", "k", "+1"], reply: NOT_INT, why: "no plus sign" },
    {
      value: "x",
      command: ["INCRBYFLOAT", "k", "y"],
      reply: "-ERR value is not a valid float\r\n",
      why: "neither is one",
    },
    {
      value: "1",
      command: ["INCRBYFLOAT", "k", "inf"],
      reply: "-ERR increment would produce NaN or Infinity\r\n",
      why: "inf is a number to begin with",
    },
    { value: "3.0e3", command: ["INCRBYFLOAT", "k", "200"], reply: "$4\r\n3200\r\n", why: "no zeros behind the point" },
    { value: "0.1", command: ["INCRBYFLOAT", "k", "0.2"], reply: "$3\r\n0.3\r\n", why: "a long double is near enough" },
  ])("$value, $command: $why", ({ value, command, reply }) => {
    expect(last(["SET", "k", value], command)).toBe(reply);
  });

  test("what INCRBYFLOAT stores stays text, what INCR stores is a number", () => {
    expect(last(["INCRBYFLOAT", "k", "1"], ["OBJECT", "ENCODING", "k"])).toBe("$6\r\nembstr\r\n");
    expect(last(["INCRBYFLOAT", "k", "1"], ["INCR", "k"], ["OBJECT", "ENCODING", "k"])).toBe("$3\r\nint\r\n");
  });
});

describe("SET and GETEX", () => {
  test.each([
    { options: ["NX", "XX"], reply: "-ERR syntax error\r\n", why: "both at once" },
    { options: ["EX", 1, "PX", 1], reply: "-ERR syntax error\r\n", why: "two units" },
    { options: ["EX", 1, "EX", 2], reply: "+OK\r\n", why: "the same unit twice is no fault" },
    { options: ["KEEPTTL", "EX", 1], reply: "-ERR syntax error\r\n", why: "keep or change" },
    { options: ["EX"], reply: "-ERR syntax error\r\n", why: "no time" },
    { options: ["PERSIST"], reply: "-ERR syntax error\r\n", why: "that is GETEX's" },
    { options: ["EX", 0], reply: "-ERR invalid expire time in 'set' command\r\n", why: "not in the future" },
    {
      options: ["EX", "9223372036854775"],
      reply: "-ERR invalid expire time in 'set' command\r\n",
      why: "with now it is beyond 64 bits of ms",
    },
    { options: ["PXAT", MAX], reply: "+OK\r\n", why: "the last ms there is" },
    { options: ["EX", "1.5"], reply: NOT_INT, why: "whole seconds" },
    { options: ["XX", "GET"], reply: "$-1\r\n", why: "nothing to replace" },
  ])("SET $options: $why", ({ options, reply }) => {
    expect(last(["SET", "k", "v", ...options])).toBe(reply);
  });

  test("a time that has passed deletes with GETEX, and lets SET's key be gone at once", () => {
    expect(last(["SET", "k", "v"], ["GETEX", "k", "PXAT", 1])).toBe("$1\r\nv\r\n");
    expect(last(["SET", "k", "v"], ["GETEX", "k", "PXAT", 1], ["EXISTS", "k"])).toBe(":0\r\n");
    expect(last(["SET", "k", "v", "PXAT", 1], ["GET", "k"])).toBe("$-1\r\n");
  });

  test("the expiry goes with a plain SET and stays with KEEPTTL, APPEND and INCR", () => {
    const driver = new EngineDriver();
    driver.do("SET", "k", "1", "PX", 5_000);
    for (const command of [
      ["INCR", "k"],
      ["APPEND", "k", "0"],
      ["SET", "k", "7", "KEEPTTL"],
      ["SETRANGE", "k", 9_000, "x"],
    ]) {
      driver.do(...command);
      expect(driver.do("PTTL", "k")).toBe(":5000\r\n");
    }
    driver.do("SET", "k", "2");
    expect(driver.do("PTTL", "k")).toBe(":-1\r\n");
  });
});

describe("ranges", () => {
  test.each([
    { command: ["GETRANGE", "k", -3, -5], reply: "$0\r\n\r\n", why: "from behind to before" },
    { command: ["GETRANGE", "k", -100, 0], reply: "$1\r\nh\r\n", why: "too far back is the first" },
    { command: ["SUBSTR", "k", 3, 100], reply: "$2\r\nlo\r\n", why: "too far is the last" },
    { command: ["SETRANGE", "k", 536_870_912, ""], reply: ":5\r\n", why: "nothing to write changes nothing" },
    {
      command: ["SETRANGE", "k", 536_870_911, "xx"],
      reply: "-ERR string exceeds maximum allowed size (proto-max-bulk-len)\r\n",
      why: "512 MB and a byte",
    },
    { command: ["SETRANGE", "k", -1, "x"], reply: "-ERR offset is out of range\r\n", why: "no negative offset" },
    { command: ["SETRANGE", "missing", 3, "x"], reply: ":4\r\n", why: "zeros in front" },
  ])("$command: $why", ({ command, reply }) => {
    expect(last(["SET", "k", "hello"], command)).toBe(reply);
  });

  test("LCS tells length, text and runs", () => {
    const both = ["MSET", "a", "ohmytext", "b", "mynewtext"];
    expect(last(both, ["LCS", "a", "b"])).toBe("$6\r\nmytext\r\n");
    expect(last(both, ["LCS", "a", "b", "LEN"])).toBe(":6\r\n");
    expect(last(both, ["LCS", "a", "b", "IDX", "MINMATCHLEN", 4, "WITHMATCHLEN"])).toBe(
      "*4\r\n$7\r\nmatches\r\n*1\r\n*3\r\n*2\r\n:4\r\n:7\r\n*2\r\n:5\r\n:8\r\n:4\r\n$3\r\nlen\r\n:6\r\n",
    );
    const long = "x".repeat(20_000);
    expect(last(["MSET", "a", long, "b", long], ["LCS", "a", "b"])).toContain("exceeds proto-max-bulk-len");
  });
});

test("a string that grows a little many times moves only now and then", () => {
  const driver = new EngineDriver();
  driver.do("SET", "k", "x".repeat(5_000));
  const sizes = new Set<number>();
  for (let i = 0; i < 5_000; i++) {
    driver.do("APPEND", "k", "y".repeat(100));
    sizes.add(driver.engine.store.usedBytes);
  }
  expect(driver.do("STRLEN", "k")).toBe(":505000\r\n");
  expect(sizes.size).toBeLessThan(12);
});

test.each([
  ["SET", "v"],
  ["APPEND", "v"],
  ["INCRBY", 1],
  ["SETBIT", 5, 1],
  ["PFADD", "e"],
  ["RPUSH", "e"],
  ["MSETNX", "v"],
])("%s refuses a key that is too long before anything changes", (name, ...rest) => {
  const driver = new EngineDriver();
  const before = driver.engine.store.usedBytes;
  const key = "k".repeat(65_536);
  const reply = driver.do(name, key, ...rest);
  expect(reply).toBe("-ERR key is too long (65536 bytes, at most 65535)\r\n");
  expect(driver.do("GET", key)).toBe("$-1\r\n");
  expect(driver.engine.store.usedBytes).toBe(before);
  expect(driver.batches).toEqual([]);
});

test("a key that is too long keeps MSET and RENAME from doing a part", () => {
  const driver = new EngineDriver();
  const key = "k".repeat(65_536);
  expect(driver.do("MSET", "a", 1, key, 2)).toContain("key is too long");
  expect(driver.do("EXISTS", "a")).toBe(":0\r\n");
  driver.do("SET", "a", 1);
  for (const name of ["RENAME", "RENAMENX", "COPY"]) expect(driver.do(name, "a", key)).toContain("key is too long");
  expect(driver.do("GET", "a")).toBe("$1\r\n1\r\n");
});
