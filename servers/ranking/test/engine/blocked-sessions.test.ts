import fc from "fast-check";
import { expect, test } from "vitest";
import { type DrivenSession, EngineDriver } from "../support/engine-driver.ts";

function waiter(driver: EngineDriver, ...command: string[]): DrivenSession {
  const made = driver.connect();
  expect(driver.as(made, ...command)).toBe("");
  expect(made.session.isBlocked).toBe(true);
  return made;
}

test.each([
  { wait: ["BLPOP", "k", "0"], push: ["RPUSH", "k", "a", "b"], got: "*2\r\n$1\r\nk\r\n$1\r\na\r\n", left: "b" },
  { wait: ["BRPOP", "k", "0"], push: ["RPUSH", "k", "a", "b"], got: "*2\r\n$1\r\nk\r\n$1\r\nb\r\n", left: "a" },
  { wait: ["BLPOP", "x", "k", "k", "0"], push: ["RPUSH", "k", "a"], got: "*2\r\n$1\r\nk\r\n$1\r\na\r\n", left: "" },
  { wait: ["BLMOVE", "k", "d", "LEFT", "RIGHT", "0"], push: ["RPUSH", "k", "a"], got: "$1\r\na\r\n", left: "" },
  { wait: ["BRPOPLPUSH", "k", "d", "0"], push: ["RPUSH", "k", "a", "b"], got: "$1\r\nb\r\n", left: "a" },
  {
    wait: ["BLMPOP", "0", "2", "x", "k", "RIGHT", "COUNT", "2"],
    push: ["RPUSH", "k", "a", "b", "c"],
    got: "*2\r\n$1\r\nk\r\n*2\r\n$1\r\nc\r\n$1\r\nb\r\n",
    left: "a",
  },
])("$wait is answered when there is something", ({ wait, push, got, left }) => {
  const driver = new EngineDriver();
  const { sent, session } = waiter(driver, ...wait);
  expect(driver.do(...push)).toMatch(/^:/);
  expect(sent).toEqual([got]);
  expect(session.isBlocked).toBe(false);
  expect(driver.do("LRANGE", "k", "0", "-1").replaceAll(/[*$]\d+\r\n|\r\n/g, "")).toBe(left);
  expect(driver.engine.blocked.keyCount).toBe(0);
  const all = ["LRANGE k 0 -1", "LRANGE d 0 -1"].map((line) => line.split(" "));
  for (const command of all) expect(driver.replayed().do(...command)).toBe(driver.do(...command));
});

test.each([
  { wait: ["BZPOPMIN", "k", "0"], resp: 2, got: "*3\r\n$1\r\nk\r\n$1\r\na\r\n$1\r\n1\r\n" },
  { wait: ["BZPOPMAX", "k", "0"], resp: 3, got: "*3\r\n$1\r\nk\r\n$1\r\nb\r\n,2\r\n" },
  { wait: ["BZMPOP", "0", "1", "k", "MIN"], resp: 2, got: "*2\r\n$1\r\nk\r\n*1\r\n*2\r\n$1\r\na\r\n$1\r\n1\r\n" },
])("$wait is answered when there is something, in RESP$resp", ({ wait, resp, got }) => {
  const driver = new EngineDriver();
  const made = driver.connect();
  made.session.resp = resp;
  driver.as(made, ...wait);
  driver.do("ZADD", "k", "1", "a", "2", "b");
  expect(made.sent).toEqual([got]);
  expect(driver.replayed().do("ZRANGE", "k", "0", "-1")).toBe(driver.do("ZRANGE", "k", "0", "-1"));
});

test.each([
  { lines: ["RPUSH s a", "RENAME s k"], why: "RENAME" },
  { lines: ["RPUSH s a", "COPY s k"], why: "COPY" },
  { lines: ["RPUSH s a", "LMOVE s k LEFT LEFT"], why: "LMOVE" },
  { lines: ["SELECT 1", "RPUSH k a", "MOVE k 0"], why: "MOVE" },
  { lines: ["SELECT 1", "RPUSH k a", "SWAPDB 0 1"], why: "SWAPDB" },
  { lines: ["SADD s a", "SORT s ALPHA STORE k"], why: "SORT STORE" },
  { lines: ["MULTI", "RPUSH k a", "EXEC"], why: "EXEC" },
])("a key that gets its list by $why serves who waits for it", ({ lines }) => {
  const driver = new EngineDriver();
  const { sent } = waiter(driver, "BLPOP", "k", "0");
  const other = driver.connect();
  for (const line of lines) driver.as(other, ...line.split(" "));
  expect(sent).toEqual(["*2\r\n$1\r\nk\r\n$1\r\na\r\n"]);
});

test("a script serves after it is done, with what it left", () => {
  const driver = new EngineDriver();
  const { sent } = waiter(driver, "BLPOP", "k", "0");
  driver.do("EVAL", "redis.call('RPUSH', KEYS[1], 'a', 'b') redis.call('LPOP', KEYS[1]) return 1", "1", "k");
  expect(sent).toEqual(["*2\r\n$1\r\nk\r\n$1\r\nb\r\n"]);
  expect(driver.replayed().do("EXISTS", "k")).toBe(":0\r\n");
});

test.each([
  { lines: ["MULTI", "RPUSH k a", "DEL k", "EXEC"], why: "it was deleted again" },
  { lines: ["SET k a"], why: "it is a string" },
  { lines: ["ZADD k 1 a"], why: "it is a sorted set" },
  { lines: ["SELECT 1", "RPUSH k a"], why: "it is in another database" },
])("who waits for a list goes on waiting: $why", ({ lines }) => {
  const driver = new EngineDriver();
  const { sent } = waiter(driver, "BLPOP", "k", "0");
  const other = driver.connect();
  for (const line of lines) driver.as(other, ...line.split(" "));
  expect(sent).toEqual([]);
  driver.do("DEL", "k");
  driver.do("RPUSH", "k", "x");
  expect(sent).toEqual(["*2\r\n$1\r\nk\r\n$1\r\nx\r\n"]);
});

test("BLMOVE to a key of another type is answered with the error, and takes nothing", () => {
  const driver = new EngineDriver();
  const { sent } = waiter(driver, "BLMOVE", "k", "d", "LEFT", "LEFT", "0");
  driver.do("SET", "d", "text");
  driver.do("RPUSH", "k", "a");
  expect(sent).toEqual(["-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"]);
  expect(driver.do("LLEN", "k")).toBe(":1\r\n");
});

test("a moved element serves who waits for where it went", () => {
  const driver = new EngineDriver();
  const last = waiter(driver, "BLPOP", "c", "0");
  waiter(driver, "BLMOVE", "b", "c", "LEFT", "LEFT", "0");
  waiter(driver, "BLMOVE", "a", "b", "LEFT", "LEFT", "0");
  driver.do("RPUSH", "a", "x");
  expect(last.sent).toEqual(["*2\r\n$1\r\nc\r\n$1\r\nx\r\n"]);
});

test("time ends the waiting, in the order of the deadlines", () => {
  const driver = new EngineDriver();
  const { engine } = driver;
  expect(engine.nextDeadlineMs).toBe(Number.POSITIVE_INFINITY);
  const late = waiter(driver, "BLPOP", "k", "2");
  const early = waiter(driver, "BLMOVE", "k", "d", "LEFT", "LEFT", "0.5");
  const replicas = waiter(driver, "WAIT", "1", "700");
  const ever = waiter(driver, "BLPOP", "k", "0");
  expect(engine.nextDeadlineMs).toBe(driver.nowMs + 500);
  engine.onTime(driver.nowMs + 499);
  expect(early.sent).toEqual([]);
  engine.onTime(driver.nowMs + 700);
  expect([early.sent, replicas.sent, late.sent]).toEqual([["*-1\r\n"], [":0\r\n"], []]);
  engine.onTime(driver.nowMs + 2_000);
  expect([late.sent, ever.sent]).toEqual([["*-1\r\n"], []]);
  expect(engine.blocked.count).toBe(1);
});

test.each([
  { withError: false, got: "*-1\r\n" },
  { withError: true, got: "-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n" },
])("CLIENT UNBLOCK ends the waiting: $got", ({ withError, got }) => {
  const driver = new EngineDriver();
  const { sent, session } = waiter(driver, "BLPOP", "k", "5");
  expect(driver.do("CLIENT", "UNBLOCK", session.id, ...(withError ? ["ERROR"] : []))).toBe(":1\r\n");
  expect(driver.do("CLIENT", "UNBLOCK", session.id)).toBe(":0\r\n");
  expect(sent).toEqual([got]);
  expect(driver.engine.nextDeadlineMs).toBe(Number.POSITIVE_INFINITY);
});

test.each([
  { line: "BLPOP k 0", got: "*-1\r\n" },
  { line: "BLMOVE k d LEFT LEFT 0", got: "$-1\r\n" },
  { line: "BRPOPLPUSH k d 0", got: "$-1\r\n" },
  { line: "BLMPOP 0 1 k LEFT", got: "*-1\r\n" },
  { line: "BZPOPMIN k 0", got: "*-1\r\n" },
  { line: "BZMPOP 0 1 k MIN", got: "*-1\r\n" },
  { line: "WAIT 1 0", got: ":0\r\n" },
])("$line does not wait inside a transaction", ({ line, got }) => {
  const driver = new EngineDriver();
  driver.do("MULTI");
  driver.do(...line.split(" "));
  expect(driver.do("EXEC")).toBe(`*1\r\n${got}`);
  expect(driver.engine.blocked.count).toBe(0);
});

test("one session waits for so many keys and no more", () => {
  const driver = new EngineDriver();
  driver.engine.blocked.keyLimit = 2;
  expect(driver.do("BLPOP", "a", "b", "c", "0")).toMatch(/^-ERR Cannot wait for 3 keys: 2 are the most/);
  expect(driver.do("BLPOP", "a", "b", "0")).toBe("");
  expect(driver.engine.blocked.keyCount).toBe(2);
});

/** What waits in a model: who came first is served first. */
interface ModelWaiter {
  readonly client: number;
  readonly keys: readonly string[];
}

const KEY = fc.constantFrom("a", "b", "c");
const STEP = fc.oneof(
  fc.record({
    kind: fc.constant("wait" as const),
    client: fc.nat(7),
    keys: fc.array(KEY, { minLength: 1, maxLength: 3 }),
  }),
  fc.record({ kind: fc.constant("push" as const), key: KEY, count: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ kind: fc.constant("leave" as const), client: fc.nat(7) }),
);

test("every element goes to who waited first for its key, and none is lost or doubled", () => {
  fc.assert(
    fc.property(fc.array(STEP, { maxLength: 40 }), (steps) => {
      const driver = new EngineDriver();
      const clients = Array.from({ length: 8 }, () => driver.connect());
      const expected: string[][] = clients.map(() => []);
      const lists: Record<string, string[]> = { a: [], b: [], c: [] };
      let waiters: ModelWaiter[] = [];
      let next = 0;
      for (const step of steps) {
        if (step.kind === "push") {
          const values = Array.from({ length: step.count }, () => `v${next++}`);
          driver.do("RPUSH", step.key, ...values);
          const list = lists[step.key]!;
          list.push(...values);
          for (const { client, keys } of waiters.filter(({ keys }) => keys.includes(step.key))) {
            if (list.length === 0) break;
            expected[client]!.push(`${step.key} ${list.shift()}`);
            waiters = waiters.filter((waiter) => waiter.client !== client || waiter.keys !== keys);
          }
        } else if (step.kind === "wait") {
          if (waiters.some(({ client }) => client === step.client)) continue;
          const reply = driver.as(clients[step.client]!, "BLPOP", ...step.keys, "0");
          if (reply !== "") clients[step.client]!.sent.push(reply);
          const key = step.keys.find((name) => lists[name]!.length > 0);
          if (key === undefined) waiters.push({ client: step.client, keys: step.keys });
          else expected[step.client]!.push(`${key} ${lists[key]!.shift()}`);
        } else {
          driver.engine.blocked.unblock(clients[step.client]!.session, true);
          waiters = waiters.filter(({ client }) => client !== step.client);
        }
      }
      const got = clients.map(({ sent }) =>
        sent
          .filter((text) => !text.startsWith("-"))
          .map((text) =>
            text
              .split("\r\n")
              .filter((_, i) => i % 2 === 0)
              .slice(1, 3)
              .join(" "),
          ),
      );
      expect(got).toEqual(expected);
      for (const key of ["a", "b", "c"]) expect(driver.do("LLEN", key)).toBe(`:${lists[key]!.length}\r\n`);
      expect(driver.replayed().do("LRANGE", "a", "0", "-1")).toBe(driver.do("LRANGE", "a", "0", "-1"));
      expect(driver.engine.blocked.count).toBe(waiters.length);
    }),
    { numRuns: 100 },
  );
});
