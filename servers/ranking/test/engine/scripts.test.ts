import fc from "fast-check";
import { expect, test } from "vitest";
import { EngineDriver } from "../support/engine-driver.ts";

function texts(driver: EngineDriver): string[] {
  return driver.batches.map((batch) => Buffer.from(batch.subarray(17)).toString("latin1"));
}

test.each([
  { script: "return redis.call('SET', KEYS[1], ARGV[1])", reply: "+OK\r\n" },
  { script: "return redis.call('GET', KEYS[1])", reply: "$-1\r\n" },
  { script: "return redis.pcall('NOSUCH')", reply: "-ERR Unknown Redis command called from script\r\n" },
  { script: "return redis.pcall('SET')", reply: "-ERR Wrong number of args calling Redis command from script\r\n" },
  { script: "return redis.pcall('MULTI')", reply: "-ERR This Redis command is not allowed from script\r\n" },
  { script: "return redis.pcall('BLMPOP', 0, 1, 'l', 'LEFT')", reply: "$-1\r\n" },
  { script: "redis.call('SELECT', 5) return redis.call('SET', KEYS[1], 1)", reply: "+OK\r\n" },
])("$script", ({ script, reply }) => {
  const driver = new EngineDriver();
  expect(driver.do("EVAL", script, "1", "k", "v")).toBe(reply);
  expect(driver.main.session.database).toBe(0);
});

test("what a script did is logged as EVAL with its body, also for EVALSHA", () => {
  const driver = new EngineDriver();
  const sha = driver.do("SCRIPT", "LOAD", "return redis.call('INCR', KEYS[1])").split("\r\n")[1]!;
  expect(driver.do("EVALSHA", sha.toUpperCase(), "1", "n")).toBe(":1\r\n");
  expect(driver.do("EVAL", "return 1", "0")).toBe(":1\r\n");
  expect(texts(driver)).toHaveLength(1);
  expect(texts(driver)[0]).toContain("EVAL");
  expect(texts(driver)[0]).toContain("return redis.call('INCR', KEYS[1])");
  expect(driver.replayed().do("GET", "n")).toBe("$1\r\n1\r\n");
});

test.each([
  {
    why: "a command was denied",
    script: "redis.pcall('SET', 'a', 1) redis.call('DEL', 'b') return 1",
    before: (driver: EngineDriver) => driver.engine.users.setUser("u", ["on", "nopass", "~*", "+@all", "-set"]),
  },
  {
    why: "how many listen is not in the log",
    script: "if redis.call('PUBLISH', 'c', 'm') > 0 then redis.call('DEL', 'b') end",
    before: (driver: EngineDriver) => driver.as(driver.connect(), "SUBSCRIBE", "c"),
  },
  { why: "it failed half way", script: "redis.call('DEL', 'b') error('stop')", before: () => undefined },
  {
    why: "memory was short",
    script: "redis.pcall('SET', 'a', 1) redis.call('DEL', 'b')",
    before: (driver: EngineDriver) => {
      driver.engine.maxMemoryBytes = 1;
    },
  },
])("a script that others decided for is logged as what it did: $why", ({ script, before }) => {
  const driver = new EngineDriver();
  driver.do("SET", "b", "1");
  const caller = driver.connect();
  before(driver);
  caller.session.user = driver.engine.users.find("u") ?? caller.session.user;
  driver.as(caller, "EVAL", script, "0");
  expect(texts(driver).at(-1)).toMatch(/DEL/);
  expect(texts(driver).at(-1)).not.toContain("EVAL");
  const replayed = driver.replayed();
  expect(replayed.do("EXISTS", "a", "b")).toBe(":0\r\n");
});

test("a read-only script may not write", () => {
  const driver = new EngineDriver();
  expect(driver.do("EVAL_RO", "return redis.pcall('SET', 'a', 1)", "0")).toBe(
    "-ERR Write commands are not allowed from read-only scripts.\r\n",
  );
  expect(driver.do("EVAL_RO", "#!lua\nreturn 1", "0")).toBe(
    "-ERR Can not execute a script with write flag using *_ro command.\r\n",
  );
});

test("a script runs with the rights of its caller", () => {
  const driver = new EngineDriver();
  driver.engine.users.setUser("u", ["on", "nopass", "~a", "+eval", "+get", "+set"]);
  const caller = driver.connect();
  caller.session.user = driver.engine.users.find("u")!;
  const script = "return redis.pcall(ARGV[1], ARGV[2])";
  expect(driver.as(caller, "EVAL", script, "0", "get", "a")).toBe("$-1\r\n");
  expect(driver.as(caller, "EVAL", script, "0", "get", "b")).toBe(
    "-ERR The user executing the script can't access at least one of the keys mentioned in the command arguments\r\n",
  );
  expect(driver.as(caller, "EVAL", script, "0", "del", "a")).toBe(
    "-ERR The user executing the script can't run this command or subcommand\r\n",
  );
});

test("a script that takes too long without writing is stopped; one that has written ends by itself", () => {
  let us = 0;
  const driver = new EngineDriver(1, { clockUs: () => (us += 1_000_000) });
  expect(driver.do("EVAL", "while true do end", "0")).toMatch(/^-ERR Script killed/);
  const script = "redis.call('SET', 'a', 1) for i = 1, 3e6 do end return 1";
  expect(driver.do("EVAL", script, "0")).toBe(":1\r\n");
});

test("without Lua scripts are refused, and a log that has one is not read", () => {
  const driver = new EngineDriver();
  driver.do("EVAL", "return redis.call('SET', 'a', 1)", "0");
  const bare = new EngineDriver(12_345, { scripts: undefined as never });
  expect(bare.do("EVAL", "return 1", "0")).toMatch(/^-ERR Scripts cannot be run/);
  expect(() => bare.engine.apply(driver.batches[0]!)).toThrow("The log has a script");
});

const CALL = fc.constantFrom(
  "redis.call('SPOP', 's')",
  "redis.call('SADD', 's', redis.call('SRANDMEMBER', 's') or 'x', 'y')",
  "redis.call('SET', 'r', math.random())",
  "redis.call('RPUSH', 'l', redis.call('SRANDMEMBER', 's') or '')",
  "redis.call('PUBLISH', 'c', 'm')",
  "redis.call('SET', 't', redis.call('TIME')[1])",
);

test("random numbers in scripts and around them are the same when the log is read", () => {
  const step = fc.oneof(
    fc.array(CALL, { maxLength: 4 }).map((calls) => ["EVAL", calls.join(" "), "0"]),
    fc.constantFrom(["SPOP", "s"], ["SRANDMEMBER", "s"]),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 6 }), fc.boolean(), (steps, isTogether) => {
      const driver = new EngineDriver();
      driver.do("SADD", "s", ..."abcdefghijklmnop");
      if (isTogether) driver.do("MULTI");
      for (const command of steps) driver.do(...command);
      if (isTogether) driver.do("EXEC");
      const replayed = driver.replayed();
      for (const command of [
        ["SMEMBERS", "s"],
        ["GET", "r"],
        ["LRANGE", "l", "0", "-1"],
        ["GET", "t"],
      ]) {
        expect(replayed.do(...command)).toBe(driver.do(...command));
      }
    }),
    { numRuns: 60 },
  );
});
