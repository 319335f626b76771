import { expect, test } from "vitest";
import { EngineDriver } from "../support/engine-driver.ts";

type Call = readonly (string | number)[];

/** The events that a call makes, as `event key`. */
function eventsOf(classes: string, before: readonly Call[], call: Call): string[] {
  const driver = new EngineDriver();
  for (const earlier of before) driver.do(...earlier);
  driver.do("CONFIG", "SET", "notify-keyspace-events", classes);
  const listener = driver.connect();
  driver.as(listener, "PSUBSCRIBE", "__keyevent@0__:*");
  listener.sent.length = 0;
  driver.do(...call);
  const lines = listener.sent.join("").split("\r\n");
  const isEvent = (line: string): boolean => line.startsWith("__keyevent") && !line.endsWith("*");
  return lines.flatMap((line, i) => (isEvent(line) ? [`${line.slice("__keyevent@0__:".length)} ${lines[i + 2]}`] : []));
}

// As redis-server 7.0.15 sends them.
test.each<{ classes: string; before: Call[]; call: Call; events: string[]; why: string }>([
  { classes: "En$", before: [], call: ["SET", "k", 1], events: ["new k", "set k"], why: "n alone" },
  { classes: "KEAn", before: [], call: ["SET", "k", 1], events: ["new k", "set k"], why: "A does not swallow n" },
  { classes: "EA", before: [], call: ["SET", "k", 1], events: ["set k"], why: "A has no n" },
  {
    classes: "EAn",
    before: [["SADD", "a", 1, 2]],
    call: ["SMOVE", "a", "b", 1],
    events: ["srem a", "new b", "sadd b"],
    why: "SMOVE makes the target last",
  },
  {
    classes: "EAn",
    before: [
      ["SADD", "a", 1],
      ["SADD", "b", 2],
    ],
    call: ["SMOVE", "a", "b", 1],
    events: ["srem a", "del a", "sadd b"],
    why: "SMOVE of the last member",
  },
  {
    classes: "Em",
    before: [["SET", "k", 1]],
    call: ["EXISTS", "a", "k", "b"],
    events: ["keymiss a", "keymiss b"],
    why: "EXISTS",
  },
  { classes: "Em", before: [], call: ["TTL", "a"], events: ["keymiss a"], why: "TTL" },
  { classes: "Em", before: [], call: ["PEXPIRETIME", "a"], events: ["keymiss a"], why: "PEXPIRETIME" },
  { classes: "Em", before: [], call: ["TYPE", "a"], events: ["keymiss a"], why: "TYPE" },
  {
    classes: "Em",
    before: [],
    call: ["RESTORE", "a", 0, "bad"],
    events: [],
    why: "RESTORE only looks whether it may write",
  },
  { classes: "Em", before: [], call: ["EXPIRE", "a", 5], events: [], why: "writes miss nothing" },
])("$why: $classes", ({ classes, before, call, events }) => {
  expect(eventsOf(classes, before, call)).toEqual(events);
});

test("CONFIG GET shows no n beside A, as Redis does", () => {
  const driver = new EngineDriver();
  driver.do("CONFIG", "SET", "notify-keyspace-events", "KEAn");
  expect(driver.do("CONFIG", "GET", "notify-keyspace-events")).toBe(
    "*2\r\n$22\r\nnotify-keyspace-events\r\n$3\r\nAKE\r\n",
  );
});

test("EXISTS, TTL and TYPE count as hits and misses and not as uses", () => {
  const driver = new EngineDriver();
  driver.do("SET", "k", 1);
  driver.nowMs += 10_000;
  for (const call of [
    ["EXISTS", "k", "no"],
    ["TTL", "k"],
    ["TYPE", "k"],
    ["TTL", "no"],
  ])
    driver.do(...call);
  expect([driver.engine.store.hits, driver.engine.store.misses]).toEqual([3, 2]);
  expect(driver.do("OBJECT", "IDLETIME", "k")).toBe(":10\r\n");
});

test("SMOVE to a name that is too long changes nothing", () => {
  const driver = new EngineDriver();
  driver.do("SADD", "a", 1);
  expect(driver.do("SMOVE", "a", "x".repeat(65_536), 1)).toMatch(/^-ERR key is too long/);
  expect(driver.do("SMEMBERS", "a")).toBe("*1\r\n$1\r\n1\r\n");
});
