import fc from "fast-check";
import { expect, test } from "vitest";
import { EngineDriver } from "../support/engine-driver.ts";

function queued(driver: EngineDriver, ...commands: (readonly string[])[]): void {
  expect(driver.do("MULTI")).toBe("+OK\r\n");
  for (const command of commands) expect(driver.do(...command)).toBe("+QUEUED\r\n");
}

test("queued commands run together, each error in its place, and are logged one by one", () => {
  const driver = new EngineDriver();
  queued(driver, ["SET", "k", "1"], ["LPUSH", "k", "x"], ["INCR", "k"], ["GET", "none"]);
  expect(driver.do("EXEC")).toBe(
    "*4\r\n+OK\r\n-WRONGTYPE Operation against a key holding the wrong kind of value\r\n:2\r\n$-1\r\n",
  );
  expect(driver.batches).toHaveLength(1);
  expect(driver.replayed().do("GET", "k")).toBe("$1\r\n2\r\n");
});

test.each([
  { bad: ["NOSUCH"], why: "it is not known" },
  { bad: ["GET"], why: "it has too few arguments" },
  { bad: ["OBJECT", "NOPE"], why: "its subcommand is not known" },
])("EXEC does nothing if a command could not be queued: $why", ({ bad }) => {
  const driver = new EngineDriver();
  queued(driver, ["SET", "k", "1"]);
  expect(driver.do(...bad)).toMatch(/^-ERR /);
  expect(driver.do("EXEC")).toBe("-EXECABORT Transaction discarded because of previous errors.\r\n");
  expect(driver.do("GET", "k")).toBe("$-1\r\n");
});

test.each([
  { command: ["EXEC"], error: "-ERR EXEC without MULTI\r\n" },
  { command: ["DISCARD"], error: "-ERR DISCARD without MULTI\r\n" },
  {
    command: ["EXEC", "a"],
    error: "-EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command\r\n",
  },
])("$command outside of a transaction is refused", ({ command, error }) => {
  expect(new EngineDriver().do(...command)).toBe(error);
});

test.each([
  { command: ["MULTI"], error: "-ERR MULTI calls can not be nested\r\n" },
  { command: ["WATCH", "k"], error: "-ERR WATCH inside MULTI is not allowed\r\n" },
])("$command inside of a transaction is refused, and does not end it", ({ command, error }) => {
  const driver = new EngineDriver();
  queued(driver, ["SET", "k", "1"]);
  expect(driver.do(...command)).toBe(error);
  expect(driver.do("EXEC")).toBe("*1\r\n+OK\r\n");
});

test.each([
  { change: ["SET", "k", "2"], breaks: true, why: "it was set" },
  { change: ["SET", "other", "2"], breaks: false, why: "another key was set" },
  { change: ["GET", "k"], breaks: false, why: "it was only read" },
  { change: ["DEL", "k"], breaks: true, why: "it was deleted" },
  { change: ["FLUSHALL"], breaks: true, why: "everything was deleted" },
  { change: ["SWAPDB", "0", "1"], breaks: true, why: "its database is another one" },
  { change: ["PEXPIRE", "k", "1"], breaks: true, why: "its time to live changed" },
])("a watched key breaks the transaction ($breaks): $why", ({ change, breaks }) => {
  const driver = new EngineDriver();
  const other = driver.connect();
  driver.do("SET", "k", "1");
  driver.do("WATCH", "k");
  driver.as(other, ...change);
  queued(driver, ["PING"]);
  expect(driver.do("EXEC")).toBe(breaks ? "*-1\r\n" : "*1\r\n+PONG\r\n");
  queued(driver, ["PING"]);
  expect(driver.do("EXEC")).toBe("*1\r\n+PONG\r\n");
  expect(driver.engine.watches.size).toBe(0);
});

test("a watched key that expired counts as changed, one that had expired before does not", () => {
  const driver = new EngineDriver();
  driver.engine.expiresActively = false;
  driver.do("SET", "k", "1", "PX", "10");
  driver.do("WATCH", "k");
  driver.nowMs += 10;
  queued(driver, ["PING"]);
  expect(driver.do("EXEC")).toBe("*-1\r\n");
  driver.do("SET", "k", "1", "PX", "10");
  driver.nowMs += 10;
  driver.do("WATCH", "k");
  driver.do("GET", "k");
  queued(driver, ["PING"]);
  expect(driver.do("EXEC")).toBe("*1\r\n+PONG\r\n");
});

test("UNWATCH and DISCARD forget the watched keys", () => {
  const driver = new EngineDriver();
  for (const end of [["UNWATCH"], ["MULTI"]]) {
    driver.do("WATCH", "k");
    driver.as(driver.connect(), "APPEND", "k", "x");
    driver.do(...end);
    if (end[0] === "MULTI") driver.do("DISCARD");
    queued(driver, ["PING"]);
    expect(driver.do("EXEC")).toBe("*1\r\n+PONG\r\n");
  }
});

test("a command that is not allowed any more is denied by EXEC, the others are done", () => {
  const driver = new EngineDriver();
  const { engine } = driver;
  engine.users.setUser("u", ["on", "nopass", "~*", "+@all"]);
  const user = driver.connect();
  user.session.user = engine.users.find("u")!;
  for (const command of [["MULTI"], ["SET", "k", "1"], ["GET", "k"]]) driver.as(user, ...command);
  engine.users.setUser("u", ["-set"]);
  expect(driver.as(user, "EXEC")).toBe(
    "*2\r\n-NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. " +
      "This command is no longer allowed for the following reason: no permission to execute the command or subcommand\r\n$-1\r\n",
  );
});

test.each([
  { limits: { commands: 2, bytes: 1_000 }, why: "too many commands" },
  { limits: { commands: 100, bytes: 17 }, why: "too many bytes" },
])("a transaction that is too long is refused and drops what it kept: $why", ({ limits }) => {
  const driver = new EngineDriver();
  driver.engine.queueLimits = limits;
  queued(driver, ["SET", "a", "1"], ["SET", "b", "1"]);
  expect(driver.do("SET", "c", "123456789")).toMatch(/^-ERR Transaction is too long: at most /);
  expect(driver.main.session.queue).toHaveLength(0);
  expect(driver.do("SET", "d", "1")).toBe("+QUEUED\r\n");
  expect(driver.do("EXEC")).toMatch(/^-EXECABORT/);
  expect(driver.do("GET", "a")).toBe("$-1\r\n");
  queued(driver, ["PING"]);
  expect(driver.do("EXEC")).toBe("*1\r\n+PONG\r\n");
});

test("random picks inside a transaction are the same when the log is read", () => {
  const step = fc.constantFrom(["SPOP", "s"], ["SPOP", "s", "2"], ["SRANDMEMBER", "s"], ["SADD", "s", "x"]);
  fc.assert(
    fc.property(fc.array(fc.array(step, { maxLength: 5 }), { maxLength: 6 }), (transactions) => {
      const driver = new EngineDriver();
      driver.do("SADD", "s", ..."abcdefghijklmnop");
      for (const transaction of transactions) {
        queued(driver, ...transaction);
        driver.do("EXEC");
      }
      expect(driver.replayed().do("SMEMBERS", "s")).toBe(driver.do("SMEMBERS", "s"));
    }),
    { numRuns: 50 },
  );
});
