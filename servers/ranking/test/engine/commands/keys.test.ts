import { describe, expect, test } from "vitest";
import { watchName } from "../../../src/engine/key-watches.ts";
import { type Argument, EngineDriver } from "../../support/engine-driver.ts";

function last(...commands: (readonly Argument[])[]): string {
  const driver = new EngineDriver();
  let reply = "";
  for (const command of commands) reply = driver.do(...command);
  return reply;
}

const MAX = "9223372036854775807";

describe("expiry", () => {
  test.each([
    { first: undefined, command: ["EXPIRE", "k", 10, "XX"], reply: ":0\r\n", why: "there is none to change" },
    { first: undefined, command: ["EXPIRE", "k", 10, "GT"], reply: ":0\r\n", why: "never is later than any time" },
    { first: undefined, command: ["EXPIRE", "k", 10, "LT"], reply: ":1\r\n", why: "any time is earlier than never" },
    { first: 100, command: ["EXPIRE", "k", 10, "NX"], reply: ":0\r\n", why: "there is one" },
    { first: 100, command: ["EXPIRE", "k", 100, "GT"], reply: ":0\r\n", why: "the same is not later" },
    { first: 100, command: ["EXPIRE", "k", 50, "XX", "LT"], reply: ":1\r\n", why: "both hold" },
    {
      first: 100,
      command: ["EXPIRE", "k", 10, "NX", "XX"],
      reply: "-ERR NX and XX, GT or LT options at the same time are not compatible\r\n",
      why: "they exclude each other",
    },
    {
      first: 100,
      command: ["EXPIRE", "k", 10, "GT", "LT"],
      reply: "-ERR GT and LT options at the same time are not compatible\r\n",
      why: "so do these",
    },
    { first: 100, command: ["EXPIRE", "k", 10, "ZZ"], reply: "-ERR Unsupported option ZZ\r\n", why: "unknown" },
    {
      first: 100,
      command: ["EXPIRE", "k", MAX],
      reply: "-ERR invalid expire time in 'expire' command\r\n",
      why: "no ms of 64 bits",
    },
    {
      first: 100,
      command: ["PEXPIRE", "k", MAX],
      reply: "-ERR invalid expire time in 'pexpire' command\r\n",
      why: "with now it is beyond them",
    },
    { first: 100, command: ["PEXPIREAT", "k", MAX], reply: ":1\r\n", why: "the last ms there is" },
    {
      first: 100,
      command: ["EXPIREAT", "k", `-${MAX}`],
      reply: "-ERR invalid expire time in 'expireat' command\r\n",
      why: "the other way round",
    },
    { first: 100, command: ["EXPIRE", "k", -1], reply: ":1\r\n", why: "in the past deletes" },
  ])("after EXPIRE $first, $command: $why", ({ first, command, reply }) => {
    expect(last(["SET", "k", "v"], ...(first === undefined ? [] : [["EXPIRE", "k", first]]), command)).toBe(reply);
  });

  test("a key is gone at its time, not a ms before", () => {
    const driver = new EngineDriver();
    driver.do("SET", "k", "v");
    driver.do("PEXPIREAT", "k", driver.nowMs + 1_500);
    expect(driver.do("TTL", "k")).toBe(":2\r\n");
    driver.nowMs += 1_499;
    expect(driver.do("PTTL", "k")).toBe(":1\r\n");
    driver.nowMs += 1;
    expect(driver.do("TTL", "k")).toBe(":-2\r\n");
    expect(driver.do("SETNX", "k", "w")).toBe(":1\r\n");
    expect(driver.do("TTL", "k")).toBe(":-1\r\n");
  });

  test("a time in the past deletes at once, and the copy does so too", () => {
    const driver = new EngineDriver();
    driver.do("SET", "k", "v");
    driver.do("EXPIRE", "k", 0);
    expect(driver.do("DBSIZE")).toBe(":0\r\n");
    expect(driver.replayed().do("DBSIZE")).toBe(":0\r\n");
  });
});

describe("other names and databases", () => {
  test.each([
    { command: ["RENAME", "none", "x"], reply: "-ERR no such key\r\n", why: "nothing to rename" },
    { command: ["RENAMENX", "a", "a"], reply: ":0\r\n", why: "the name is taken, by itself" },
    { command: ["RENAME", "a", "a"], reply: "+OK\r\n", why: "nothing to do" },
    { command: ["COPY", "a", "a"], reply: "-ERR source and destination objects are the same\r\n", why: "onto itself" },
    { command: ["COPY", "a", "b"], reply: ":0\r\n", why: "the name is taken" },
    { command: ["COPY", "a", "b", "DB", 16], reply: "-ERR DB index is out of range\r\n", why: "there are 16" },
    { command: ["MOVE", "a", 0], reply: "-ERR source and destination objects are the same\r\n", why: "where it is" },
    {
      command: ["MOVE", "a", "99999999999"],
      reply: "-ERR value is out of range, value must between -2147483648 and 2147483647\r\n",
      why: "32 bits",
    },
    { command: ["SWAPDB", "x", 1], reply: "-ERR invalid first DB index\r\n", why: "no number" },
    { command: ["SWAPDB", 0, 99], reply: "-ERR DB index is out of range\r\n", why: "no database" },
    { command: ["FLUSHALL", "NOW"], reply: "-ERR syntax error\r\n", why: "SYNC or ASYNC" },
    { command: ["SCAN", "x"], reply: "-ERR invalid cursor\r\n", why: "no number" },
    { command: ["SCAN", "18446744073709551616"], reply: "-ERR invalid cursor\r\n", why: "65 bits" },
    { command: ["SCAN", 0, "COUNT", 0], reply: "-ERR syntax error\r\n", why: "at least one" },
    {
      command: ["OBJECT", "FREQ", "a"],
      reply:
        "-ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.\r\n",
      why: "LRU is the default",
    },
  ])("$command: $why", ({ command, reply }) => {
    expect(last(["MSET", "a", 1, "b", 2], command)).toBe(reply);
  });

  test.each(["text", "x".repeat(10_000)])(
    "RENAME, COPY and MOVE take value, expiry and encoding along (%#)",
    (value) => {
      const driver = new EngineDriver();
      driver.do("SET", "a", value, "PX", 7_000);
      driver.do("APPEND", "a", "!");
      const shown = `$${value.length + 1}\r\n${value}!\r\n`;
      driver.do("RENAME", "a", "b");
      driver.do("COPY", "b", "c");
      expect(driver.do("MOVE", "c", 3)).toBe(":1\r\n");
      expect(driver.do("EXISTS", "a", "c")).toBe(":0\r\n");
      for (const [database, key] of [
        [0, "b"],
        [3, "c"],
      ] as const) {
        driver.do("SELECT", database);
        expect(driver.do("GET", key)).toBe(shown);
        expect(driver.do("PTTL", key)).toBe(":7000\r\n");
        expect(driver.do("OBJECT", "ENCODING", key)).toBe("$3\r\nraw\r\n");
      }
    },
  );

  test("SWAPDB changes what a session sees and what the copy has", () => {
    const driver = new EngineDriver();
    driver.do("SET", "k", "zero");
    driver.do("SWAPDB", 0, 5);
    expect(driver.do("GET", "k")).toBe("$-1\r\n");
    driver.do("SELECT", 5);
    expect(driver.do("GET", "k")).toBe("$4\r\nzero\r\n");
    const copy = driver.replayed();
    copy.do("SELECT", 5);
    expect(copy.do("GET", "k")).toBe("$4\r\nzero\r\n");
  });
});

test.each([
  { command: ["FLUSHALL"], watched: [0, "k"], breaks: true, why: "the key goes" },
  { command: ["FLUSHALL"], watched: [0, "none"], breaks: false, why: "there was none" },
  { command: ["FLUSHDB"], watched: [1, "other"], breaks: false, why: "another database" },
  { command: ["SWAPDB", 0, 1], watched: [0, "k"], breaks: true, why: "another value now" },
  { command: ["SWAPDB", 0, 1], watched: [0, "other"], breaks: true, why: "there is one now" },
  { command: ["SWAPDB", 0, 1], watched: [0, "none"], breaks: false, why: "neither has it" },
  { command: ["SWAPDB", 2, 1], watched: [0, "k"], breaks: false, why: "untouched" },
  { command: ["MOVE", "k", 2], watched: [0, "k"], breaks: true, why: "it goes" },
  { command: ["MOVE", "k", 2], watched: [2, "k"], breaks: true, why: "it comes" },
  { command: ["TOUCH", "k"], watched: [0, "k"], breaks: false, why: "no change" },
])("$command breaks a watch on $watched: $breaks, as $why", ({ command, watched, breaks }) => {
  const driver = new EngineDriver();
  driver.do("SET", "k", "v");
  driver.do("SELECT", 1);
  driver.do("SET", "other", "v");
  driver.do("SELECT", 0);
  const { session } = driver.connect();
  const [database, key] = watched as [number, string];
  driver.engine.watches.watch(session, watchName(database, Buffer.from(key), 0, key.length));
  driver.do(...command);
  expect(session.isWatchBroken).toBe(breaks);
});

test("SCAN sees every key once, whatever the step", () => {
  const driver = new EngineDriver();
  for (let i = 0; i < 300; i++) driver.do("SET", `key:${i}`, i);
  for (const count of [1, 7, 1_000]) {
    const seen: string[] = [];
    let cursor = "0";
    do {
      const [, next = "", rest = ""] =
        /^\*2\r\n\$\d+\r\n(\d+)\r\n\*\d+\r\n([\s\S]*)$/.exec(driver.do("SCAN", cursor, "COUNT", count)) ?? [];
      seen.push(...rest.split("\r\n").filter((text) => text.startsWith("key:")));
      cursor = next;
    } while (cursor !== "0");
    expect(seen.toSorted()).toEqual(Array.from({ length: 300 }, (_, i) => `key:${i}`).toSorted());
  }
});

describe("SORT", () => {
  const list = ["RPUSH", "l", 3, 10, 2];
  const weights = ["MSET", "w_3", "b", "w_10", "a", "n_3", 1, "n_10", 3, "n_2", 2];
  test.each([
    { command: ["SORT", "l"], reply: "*3\r\n$1\r\n2\r\n$1\r\n3\r\n$2\r\n10\r\n", why: "as numbers" },
    { command: ["SORT", "l", "ALPHA", "DESC"], reply: "*3\r\n$1\r\n3\r\n$1\r\n2\r\n$2\r\n10\r\n", why: "as texts" },
    { command: ["SORT", "l", "BY", "n_*"], reply: "*3\r\n$1\r\n3\r\n$1\r\n2\r\n$2\r\n10\r\n", why: "by other keys" },
    {
      command: ["SORT", "l", "BY", "h_*->f", "ALPHA", "GET", "#", "GET", "h_*->f", "LIMIT", 1, 1],
      reply: "*2\r\n$2\r\n10\r\n$-1\r\n",
      why: "by fields; what is missing comes first and is nil",
    },
    {
      command: ["SORT", "l", "BY", "nosort", "DESC"],
      reply: "*3\r\n$1\r\n2\r\n$2\r\n10\r\n$1\r\n3\r\n",
      why: "the list backwards",
    },
    {
      command: ["SORT", "l", "BY", "w_*"],
      reply: "-ERR One or more scores can't be converted into double\r\n",
      why: "texts are no numbers",
    },
    { command: ["SORT", "l", "STORE", "l2"], reply: ":3\r\n", why: "stored" },
    { command: ["SORT", "none", "STORE", "l"], reply: ":0\r\n", why: "nothing to store" },
    { command: ["SORT_RO", "l", "STORE", "l2"], reply: "-ERR syntax error\r\n", why: "reads only" },
    {
      command: ["SORT", "w_3"],
      reply: "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n",
      why: "a string",
    },
    {
      command: ["SORT", "z", "BY", "nosort", "GET", "#"],
      reply: "*2\r\n$1\r\nb\r\n$1\r\na\r\n",
      why: "a sorted set by score",
    },
  ])("$command: $why", ({ command, reply }) => {
    const setup = [list, weights, ["HSET", "h_2", "f", "x"], ["ZADD", "z", 2, "a", 1, "b"]];
    expect(last(...setup, command)).toBe(reply);
  });
});

test.each([
  { name: "string", setup: ["SET", "k", "some text"], read: ["GET", "c"] },
  { name: "long string", setup: ["SET", "k", "ab".repeat(9_000)], read: ["GET", "c"] },
  { name: "list", setup: ["RPUSH", "k", "a", "", "x".repeat(5_000)], read: ["LRANGE", "c", 0, -1] },
  { name: "set of numbers", setup: ["SADD", "k", 3, 1, 2], read: ["SMEMBERS", "c"] },
  { name: "hash", setup: ["HSET", "k", "f", "v", "g", ""], read: ["HGETALL", "c"] },
  {
    name: "sorted set",
    setup: ["ZADD", "k", "-inf", "a", 0.1, "b", 1e21, "c"],
    read: ["ZRANGE", "c", 0, -1, "WITHSCORES"],
  },
])("a $name comes back from RESTORE as DUMP gave it", ({ setup, read }) => {
  const driver = new EngineDriver();
  driver.do(...setup);
  const dumped = driver.do("DUMP", "k");
  const payload = Buffer.from(dumped.slice(dumped.indexOf("\n") + 1, -2), "latin1");
  expect(driver.do("RESTORE", "k", 0, payload)).toBe("-BUSYKEY Target key name already exists.\r\n");
  expect(driver.do("RESTORE", "c", 5_000, payload)).toBe("+OK\r\n");
  expect(driver.do("PTTL", "c")).toBe(":5000\r\n");
  const restored = driver.do(...read);
  driver.do("RENAME", "k", "c");
  expect(restored).toBe(driver.do(...read));
  payload[0] = payload[0]! ^ 1;
  expect(driver.do("RESTORE", "d", 0, payload)).toBe("-ERR DUMP payload version or checksum are wrong\r\n");
});

test("HyperLogLogs count, keep the count and merge", () => {
  const driver = new EngineDriver();
  expect(driver.do("PFADD", "p")).toBe(":1\r\n");
  expect(driver.do("PFADD", "p", "a", "b", "a")).toBe(":1\r\n");
  expect(driver.do("PFADD", "p", "a")).toBe(":0\r\n");
  for (let i = 0; i < 3_000; i++) driver.do("PFADD", "q", i);
  driver.do("PFMERGE", "r", "p", "q");
  const union = driver.do("PFCOUNT", "p", "q");
  expect(driver.do("PFCOUNT", "r")).toBe(union);
  expect(Math.abs(Number(union.slice(1)) - 3_002)).toBeLessThan(60);
  expect(driver.do("PFADD", "l")).toBe(":1\r\n");
  driver.do("SET", "s", "text");
  expect(driver.do("PFCOUNT", "s")).toBe("-WRONGTYPE Key is not a valid HyperLogLog string value.\r\n");
  driver.do("RPUSH", "list", "e");
  for (const name of ["PFCOUNT", "PFMERGE"]) {
    expect(driver.do(name, "s", "list")).toBe("-WRONGTYPE Key is not a valid HyperLogLog string value.\r\n");
  }
  expect(driver.replayed().do("GET", "r")).toBe(driver.do("GET", "r"));
});
