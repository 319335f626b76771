import { expect, test } from "vitest";
import { EngineDriver } from "../../support/engine-driver.ts";

/** Replies that are easy to get wrong. That they are Redis's is shown by the differential tests. */
test.each([
  { setup: ["RPUSH k a b"], words: "LPOP k 0", reply: "*0\r\n", why: "no elements are asked for" },
  { setup: [], words: "LPOP k 0", reply: "*-1\r\n", why: "there is no list" },
  { setup: [], words: "LPOP k", reply: "$-1\r\n", why: "there is no element" },
  {
    setup: ["RPUSH k a"],
    words: "LPOP k 1 2",
    reply: "-ERR wrong number of arguments for 'lpop' command\r\n",
    why: "it is too much",
  },
  {
    setup: ["RPUSH k a"],
    words: "LPOP k -1",
    reply: "-ERR value is out of range, must be positive\r\n",
    why: "it is negative",
  },
  {
    setup: ["RPUSH k a b a"],
    words: "LPOS k a COUNT 0 RANK -1",
    reply: "*2\r\n:2\r\n:0\r\n",
    why: "it looks from the tail",
  },
  { setup: ["RPUSH k a b a"], words: "LPOS k a RANK 2 MAXLEN 2", reply: "$-1\r\n", why: "only two are looked at" },
  { setup: ["RPUSH k a"], words: "LREM k -9223372036854775808 a", reply: ":1\r\n", why: "that is more than there are" },
  {
    setup: ["RPUSH k a a"],
    words: "LPOS k a RANK -9223372036854775808 COUNT 1",
    reply: "*2\r\n:1\r\n:0\r\n",
    why: "it cannot be negated",
  },
  { setup: ["RPUSH k a b"], words: "LTRIM k 5 9", reply: "+OK\r\n", why: "nothing is left" },
  { setup: ["RPUSH k a b"], words: "LMOVE k k LEFT RIGHT", reply: "$1\r\na\r\n", why: "it turns itself" },
  {
    setup: ["RPUSH k2 a b c"],
    words: "LMPOP 2 k k2 RIGHT COUNT 2",
    reply: "*2\r\n$2\r\nk2\r\n*2\r\n$1\r\nc\r\n$1\r\nb\r\n",
    why: "the first is empty",
  },
  { setup: [], words: "LMPOP 1 k LEFT COUNT 1 COUNT 1", reply: "-ERR syntax error\r\n", why: "COUNT is said twice" },
  { setup: ["RPUSH k a"], words: "BLPOP none k 0", reply: "*2\r\n$1\r\nk\r\n$1\r\na\r\n", why: "there is one" },
  { setup: [], words: "BLMOVE a b LEFT LEFT -1", reply: "-ERR timeout is negative\r\n", why: "it is negative" },
  {
    setup: ["SADD k 1 2 3"],
    words: "SMEMBERS k",
    reply: "*3\r\n$1\r\n1\r\n$1\r\n2\r\n$1\r\n3\r\n",
    why: "numbers ascend",
  },
  { setup: ["SADD k a"], words: "SPOP k 1 1", reply: "-ERR syntax error\r\n", why: "it is too much" },
  {
    setup: ["SADD k a"],
    words: "SRANDMEMBER k -3",
    reply: "*3\r\n$1\r\na\r\n$1\r\na\r\n$1\r\na\r\n",
    why: "a negative count repeats",
  },
  {
    setup: ["SADD k a"],
    words: "SRANDMEMBER k -16777217",
    reply: "-ERR value is out of range\r\n",
    why: "that would be sent without end",
  },
  { setup: ["SADD k a"], words: "SMOVE k k a", reply: ":1\r\n", why: "it stays where it is" },
  { setup: ["SADD k a b", "SADD k2 b c"], words: "SINTERCARD 2 k k2 LIMIT 0", reply: ":1\r\n", why: "0 is no limit" },
  { setup: ["SADD k a b"], words: "SDIFF k k", reply: "*0\r\n", why: "a set has nothing that it has not" },
  {
    setup: ["SET k x", "SADD k2 a"],
    words: "SINTERSTORE k k2 k2",
    reply: ":1\r\n",
    why: "what was there does not matter",
  },
  {
    setup: ["HSET k f v"],
    words: "HSET k f",
    reply: "-ERR wrong number of arguments for 'hset' command\r\n",
    why: "a value is missing",
  },
  {
    setup: ["HSET k f v"],
    words: "HMSET k f v g",
    reply: "-ERR wrong number of arguments for 'hmset' command\r\n",
    why: "a value is missing",
  },
  { setup: ["HSET k f v"], words: "HINCRBY k f 1", reply: "-ERR hash value is not an integer\r\n", why: "v is none" },
  {
    setup: ["HSET k f 9223372036854775807"],
    words: "HINCRBY k f 1",
    reply: "-ERR increment or decrement would overflow\r\n",
    why: "64 bits are full",
  },
  { setup: ["HSET k f 9007199254740992"], words: "HINCRBY k f 1", reply: ":9007199254740993\r\n", why: "it is exact" },
  { setup: ["HSET k f 3.0e3"], words: "HINCRBYFLOAT k f 200", reply: "$4\r\n3200\r\n", why: "zeros are cut" },
  {
    setup: ["HSET k f v"],
    words: "HRANDFIELD k 5 WITHVALUES",
    reply: "*2\r\n$1\r\nf\r\n$1\r\nv\r\n",
    why: "there is only one",
  },
  { setup: ["HSET k f v"], words: "HSCAN k 0 COUNT 0", reply: "-ERR syntax error\r\n", why: "a count is positive" },
  {
    setup: ["SET k x"],
    words: "HGETALL k",
    reply: "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n",
    why: "it is a string",
  },
  {
    setup: ["SADD k 1"],
    words: "SSCAN k \0x",
    reply: "*2\r\n$1\r\n0\r\n*1\r\n$1\r\n1\r\n",
    why: "a zero ends the cursor",
  },
])("$setup, then $words replies $reply: $why", ({ setup, words, reply }) => {
  const driver = new EngineDriver();
  for (const command of setup) driver.do(...command.split(" "));
  expect(driver.do(...words.split(" "))).toBe(reply);
});

test.each([
  { words: "RPOP k", setup: "RPUSH k a" },
  { words: "LREM k 0 a", setup: "RPUSH k a a" },
  { words: "LTRIM k 3 4", setup: "RPUSH k a" },
  { words: "LMOVE k other LEFT LEFT", setup: "RPUSH k a" },
  { words: "SREM k a b", setup: "SADD k a b" },
  { words: "SPOP k 7", setup: "SADD k a b" },
  { words: "SMOVE k other a", setup: "SADD k a" },
  { words: "SINTERSTORE k none k", setup: "SADD k a" },
  { words: "HDEL k f", setup: "HSET k f v" },
])("after $setup, $words leaves no empty key", ({ words, setup }) => {
  const driver = new EngineDriver();
  driver.do(...setup.split(" "));
  driver.do(...words.split(" "));
  expect(driver.do("EXISTS", "k")).toBe(":0\r\n");
});

test.each([
  { words: ["SADD", "k", "a", "y".repeat(65_533)], why: "a member has 65,532 bytes at most" },
  { words: ["HSET", "k", "a", "1", "y".repeat(65_525), "1"], why: "a field has 65,524 bytes at most" },
  { words: ["HSETNX", "k", "y".repeat(65_525), "1"], why: "a field has 65,524 bytes at most" },
  { words: ["HINCRBY", "k", "y".repeat(65_525), "1"], why: "a field has 65,524 bytes at most" },
])("what is too long is refused before anything changes: $why", ({ words }) => {
  const driver = new EngineDriver();
  expect(driver.do(...words)).toBe("-ERR member is too long\r\n");
  expect(driver.do("EXISTS", "k")).toBe(":0\r\n");
  expect(driver.batches).toEqual([]);
});

test("commands that change nothing are not put into the log", () => {
  const driver = new EngineDriver();
  driver.do("SADD", "s", "a");
  driver.do("HSET", "h", "f", "v");
  driver.do("RPUSH", "l", "a");
  const batches = driver.batches.length;
  for (const words of [
    "SADD s a",
    "SREM s b",
    "HDEL h g",
    "HSETNX h f w",
    "LREM l 0 b",
    "LPUSHX none a",
    "BLPOP none 1",
  ]) {
    driver.do(...words.split(" "));
  }
  expect(driver.batches.length).toBe(batches);
});

test("RESP3 has maps, sets and pairs", () => {
  const driver = new EngineDriver();
  driver.main.session.resp = 3;
  driver.do("HSET", "h", "f", "v");
  driver.do("SADD", "s", "a");
  expect(driver.do("HGETALL", "h")).toBe("%1\r\n$1\r\nf\r\n$1\r\nv\r\n");
  expect(driver.do("SMEMBERS", "s")).toBe("~1\r\n$1\r\na\r\n");
  expect(driver.do("HRANDFIELD", "h", 1, "WITHVALUES")).toBe("*1\r\n*2\r\n$1\r\nf\r\n$1\r\nv\r\n");
  expect(driver.do("SPOP", "s", 1)).toBe("~1\r\n$1\r\na\r\n");
  expect(driver.do("LPOP", "none", 1)).toBe("_\r\n");
});
