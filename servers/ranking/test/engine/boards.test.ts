import { createRandom, seeds } from "@kagami/clock";
import { expect, test } from "vitest";
import { KeyPositions, keysOf, readCommandFacts } from "../../src/engine/commands/index.ts";
import { rebuildContainer } from "../../src/engine/rebuild/rebuilders.ts";
import type { Board } from "../../src/engine/structures/board.ts";
import { Args } from "../../src/protocol/args.ts";
import { EngineDriver } from "../support/engine-driver.ts";

const DAY_MS = 86_400_000;

/** A member as the model keeps it; `version` says who got a score first. */
interface Member {
  name: string;
  score: number;
  version: number;
}

/** Rows of (rank, member, score) of a reply in RESP2. */
function rowsOf(reply: string): [number, string, number][] {
  const rows = [...reply.matchAll(/\*3\r\n:(\d+)\r\n\$\d+\r\n(.*)\r\n\$\d+\r\n(.*)\r\n/g)];
  return rows.map(([, rank, name = "", score]) => [Number(rank), name, Number(score)]);
}

function containerAt<T>(driver: EngineDriver, key: string): T {
  const db = driver.engine.store.keyspaces[0]!;
  const bytes = Buffer.from(key);
  return db.containerOf(db.peek(bytes, 0, bytes.length)) as T;
}

function sorted(members: readonly Member[], dir: string, ties: string): Member[] {
  return members.toSorted((a, b) => {
    if (a.score !== b.score) return dir === "desc" ? b.score - a.score : a.score - b.score;
    if (ties === "lex") return a.name < b.name ? -1 : 1;
    return ties === "last" ? b.version - a.version : a.version - b.version;
  });
}

/** Rows of the whole board by the model. */
function modelRows(members: readonly Member[], dir: string, ties: string): [number, string, number][] {
  return sorted(members, dir, ties).map(({ name, score }, i, all) => {
    const rank = ties === "shared" ? all.findIndex((other) => other.score === score) : i;
    return [rank + 1, name, score];
  });
}

function expectEqualCopies(driver: EngineDriver, key: string): void {
  const asked = (on: EngineDriver, board: string): string =>
    on.do("RANK.TOP", board, 1_000) + on.do("RANK.TOP", board, 1_000, "PERIOD", "-1") + on.do("RANK.COUNT", board);
  expect(asked(driver.replayed(), key)).toBe(asked(driver, key));
  const commands: Uint8Array[][] = [];
  rebuildContainer(containerAt<Board>(driver, key), Buffer.from("rebuilt"), (args) => commands.push([...args]));
  for (const args of commands) expect(driver.do(...args)).toBe("+OK\r\n");
  expect(asked(driver, "rebuilt")).toBe(asked(driver, key));
  const copy = containerAt<Board>(driver, key).copy();
  expect(copy.size).toBe(containerAt<Board>(driver, key).size);
  while (!copy.release(10));
}

function expectNothingLeft(driver: EngineDriver, emptyBytes: number): void {
  const { store } = driver.engine;
  store.keyspaces[0]!.clear();
  while (!store.releaseSome(50));
  store.heap.trim();
  expect(store.usedBytes).toBe(emptyBytes);
}

const RULES = ["first", "last", "shared", "lex"].flatMap((ties) =>
  ["desc", "asc"].flatMap((dir) =>
    ["sum", "best", "last"].flatMap((agg) => [0, 25].map((cap) => ({ ties, dir, agg, cap }))),
  ),
);

test.each(RULES)(
  "a board with ties $ties, $dir, $agg and cap $cap equals a sorted array",
  ({ ties, dir, agg, cap }) => {
    const random = createRandom(ties.length + 10 * dir.length + 100 * agg.length + cap);
    const driver = new EngineDriver();
    const emptyBytes = driver.engine.store.usedBytes;
    driver.do("RANK.CREATE", "b", "TIES", ties, "DIR", dir, "AGG", agg, "CAP", cap);
    let members: Member[] = [];
    let version = 0;
    for (let step = 0; step < 400; step++) {
      const name = `m${Math.floor(random.float() * 60)}`;
      if (random.float() < 0.1) {
        const isThere = members.some((member) => member.name === name);
        expect(driver.do("RANK.REM", "b", name)).toBe(isThere ? ":1\r\n" : ":0\r\n");
        members = members.filter((member) => member.name !== name);
        version++;
        continue;
      }
      const amount = Math.floor(random.float() * 8) - 2;
      const old = members.find((member) => member.name === name);
      const place = old === undefined ? members.length : sorted(members, dir, ties).indexOf(old);
      let score = amount;
      if (old !== undefined && agg === "sum") score = old.score + amount;
      if (old !== undefined && agg === "best")
        score = dir === "desc" ? Math.max(old.score, amount) : Math.min(old.score, amount);
      version++;
      if (old === undefined) members.push({ name, score, version });
      else if (old.score !== score) {
        old.version = version;
        old.score = score;
      }
      const all = sorted(members, dir, ties);
      if (cap > 0 && all.length > cap) members = members.filter((member) => member !== all.at(-1));
      const reply = driver.do("RANK.ADD", name, amount, "BOARDS", 1, "b", "WITH", "RANK", "AROUND", 5, "PASSED", 3);
      const rows = modelRows(members, dir, ties);
      const index = rows.findIndex((row) => row[1] === name);
      if (index < 0) {
        expect(reply).toContain("rank\r\n$-1\r\n");
        continue;
      }
      expect(reply).toContain(`score\r\n$${String(score).length}\r\n${score}\r\n`);
      expect(reply).toContain(`rank\r\n:${rows[index]![0]}\r\n`);
      const first = Math.max(0, Math.min(index - 2, rows.length - 5));
      expect(rowsOf(reply)).toEqual(rows.slice(first, first + 5));
      const passed = Math.max(0, Math.min(place, rows.length - 1) - index);
      expect(reply).toContain(`passed\r\n*2\r\n:${passed}\r\n*${Math.min(3, passed)}\r\n`);
      if (step % 10 !== 0) continue;
      expect(rowsOf(driver.do("RANK.TOP", "b", 1_000))).toEqual(rows);
      expect(rowsOf(driver.do("RANK.PAGE", "b", 2, 7))).toEqual(rows.slice(7, 14));
      const inRange = rows.filter((row) => row[2] >= -1 && row[2] <= 4).length;
      expect(driver.do("RANK.COUNT", "b", -1, 4)).toBe(`:${inRange}\r\n`);
      const friends = rows.filter((_, i) => i % 3 === 0);
      expect(rowsOf(driver.do("RANK.AMONG", "b", "nobody", ...friends.map((row) => row[1]).toReversed()))).toEqual(
        friends,
      );
    }
    expectEqualCopies(driver, "b");
    expectNothingLeft(driver, emptyBytes);
  },
);

test.each(seeds(4))("a sliding board is the sum of the last sixteen steps of each member, seed %i", (seed) => {
  const random = createRandom(seed);
  const driver = new EngineDriver();
  const emptyBytes = driver.engine.store.usedBytes;
  driver.do("RANK.CREATE", "b", "SLIDING", 160_000, "TIES", "lex");
  const events: { name: string; amount: number; step: number }[] = [];
  for (let i = 0; i < 400; i++) {
    driver.nowMs += Math.floor(random.float() ** 6 * 100_000);
    const step = Math.floor(driver.nowMs / 10_000);
    const name = `m${Math.floor(random.float() * 20)}`;
    if (random.float() < 0.7) {
      const amount = 1 + Math.floor(random.float() * 9);
      driver.do("RANK.ADD", name, amount, "BOARDS", 1, "b");
      events.push({ name, amount, step });
    } else if (random.float() < 0.2) {
      driver.do("RANK.REM", "b", name);
      for (const event of events) if (event.name === name) event.amount = 0;
    }
    const sums = new Map<string, number>();
    for (const event of events) {
      if (event.step > step - 16 && event.amount > 0) sums.set(event.name, (sums.get(event.name) ?? 0) + event.amount);
    }
    const members = [...sums].map(([member, score]) => ({ name: member, score, version: 0 }));
    expect(rowsOf(driver.do("RANK.TOP", "b", 100))).toEqual(modelRows(members, "desc", "lex"));
  }
  expectEqualCopies(driver, "b");
  expectNothingLeft(driver, emptyBytes);
});

test("periods follow the calendar of the time zone, older ones are kept, closed and dropped", () => {
  const driver = new EngineDriver();
  driver.nowMs = Date.UTC(2026, 10, 29, 14, 59, 59); // 23:59:59 in Tokyo, a Sunday
  const periods = ["hour", "day", "week", "month"];
  for (const period of periods) driver.do("RANK.CREATE", period, "PERIOD", period, "TZ", "UTC+9", "KEEP", 2);
  const add = (score: number): string => driver.do("RANK.ADD", "ann", score, "BOARDS", 4, ...periods);
  const today = (...options: string[]): string[] =>
    periods.map(
      (period) =>
        driver
          .do("RANK.SCORE", period, "ann", ...options)
          .split("\r\n")
          .at(-2)!,
    );
  add(1);
  driver.nowMs += 1_000;
  expect(today()).toEqual(["$-1", "$-1", "$-1", "1"]);
  add(10);
  expect(today()).toEqual(["10", "10", "10", "11"]);
  expect(today("PERIOD", "-1")).toEqual(["1", "1", "1", "$-1"]);
  expect(driver.do("RANK.SCORE", "day", "ann", "PERIOD", "2026-11-29")).toBe("*1\r\n$1\r\n1\r\n");
  expect(driver.do("RANK.SCORE", "week", "ann", "PERIOD", "2026-11-24")).toBe("*1\r\n$1\r\n1\r\n");
  expect(driver.do("RANK.SCORE", "hour", "ann", "PERIOD", "2026-11-29T23")).toBe("*1\r\n$1\r\n1\r\n");
  expect(driver.do("RANK.SCORE", "month", "ann", "PERIOD", "2026-11")).toBe("*1\r\n$2\r\n11\r\n");
  expect(driver.do("RANK.CLOSE", "day")).toBe(":1\r\n");
  expect(add(100)).toBe("-ERR the running period of board 'day' is closed\r\n");
  expect(today()).toEqual(["10", "10", "10", "11"]);
  driver.nowMs += 2 * DAY_MS;
  expect(today("PERIOD", "-2")[1]).toBe("10");
  add(1_000);
  expect(driver.do("RANK.INFO", "day")).toContain("2026-11-30\r\n:1\r\n:131\r\n$6\r\nclosed");
  expect(driver.do("RANK.DROP", "day", "PERIOD", "2026-11-30")).toBe(":1\r\n");
  expect(driver.do("RANK.COUNT", "day", "PERIOD", "-2")).toBe(":0\r\n");
  expectEqualCopies(driver, "day");
  driver.nowMs += 3 * DAY_MS;
  expect(driver.do("RANK.COUNT", "day", "PERIOD", "-3")).toBe(":0\r\n");
  expect(driver.do("RANK.TOP", "day", 5)).toBe("*0\r\n");
});

test("a live page that follows the changes sees the same board, and is told when it must load it again", () => {
  const random = createRandom(3);
  const driver = new EngineDriver();
  driver.do("RANK.CREATE", "b", "CHANGES", 20, "TIES", "lex", "CAP", 15);
  const page = new Map<string, number>();
  let version = 0;
  let reloads = 0;
  for (let round = 0; round < 200; round++) {
    for (let left = Math.floor(random.float() * 24); left > 0; left--) {
      const name = `m${Math.floor(random.float() * 30)}`;
      if (random.float() < 0.3) driver.do("RANK.REM", "b", name);
      else driver.do("RANK.ADD", name, Math.floor(random.float() * 10), "BOARDS", 1, "b");
    }
    const reply = driver.do("RANK.CHANGES", "b", version);
    version = Number(/version\r\n:(\d+)/.exec(reply)![1]);
    if (reply.includes("reload\r\n:1")) {
      reloads++;
      page.clear();
      for (const [, name, score] of rowsOf(driver.do("RANK.TOP", "b", 100))) page.set(name, score);
    }
    for (const [, name = ""] of reply.matchAll(/\*3\r\n\$-1\r\n\$\d+\r\n(.*)\r\n\$-1\r\n/g)) page.delete(name);
    for (const [, name, score] of rowsOf(reply)) page.set(name, score);
    const board = rowsOf(driver.do("RANK.TOP", "b", 100));
    expect(page).toEqual(new Map(board.map(([, name, score]) => [name, score])));
  }
  expect(reloads).toBeGreaterThan(0);
  expect(reloads).toBeLessThan(150);
});

test("where a member stands: rank by three rules, percentile, and the distance to the next", () => {
  const driver = new EngineDriver();
  driver.do("RANK.CREATE", "b", "TIES", "shared");
  for (const [name, score] of Object.entries({ a: 9, b: 7, c: 7, d: 7, e: 3 })) {
    driver.do("RANK.ADD", name, score, "BOARDS", 1, "b");
  }
  const standing = (name: string, ...rule: string[]): string =>
    driver.do("RANK.OF", "b", name, ...rule).replaceAll("\r\n", " ");
  expect(standing("d")).toBe(
    "*12 $4 rank :2 $5 score $1 7 $2 of :5 $10 percentile $2 25 $4 next $1 c $8 distance $1 0 ",
  );
  expect(standing("d", "ORDINAL")).toContain("rank :4 ");
  expect(standing("e", "DENSE")).toContain("rank :3 ");
  expect(standing("e", "COMPETITION")).toContain("rank :5 ");
  expect(standing("a")).toContain("percentile $3 100 $4 next $-1 $8 distance $-1 ");
  expect(standing("nobody")).toBe("*-1 ");
  driver.main.session.resp = 3;
  expect(standing("e")).toBe("%6 $4 rank :5 $5 score ,3 $2 of :5 $10 percentile ,0 $4 next $1 d $8 distance ,4 ");
});

test("boards are made on first use like a template, with its expiry from then on", () => {
  const driver = new EngineDriver();
  driver.do("RANK.CREATE", "template", "DIR", "asc", "EXPIRE", 10);
  driver.nowMs += 5_000;
  driver.do("RANK.ADD", "a", 5, "BOARDS", 2, "x", "y", "LIKE", "template");
  driver.do("RANK.ADD", "b", 4, "BOARDS", 2, "x", "x");
  expect(rowsOf(driver.do("RANK.TOP", "x", 5))).toEqual([
    [1, "a", 5],
    [2, "b", 8],
  ]);
  driver.nowMs += 9_999;
  expect(driver.do("RANK.COUNT", "x")).toBe(":2\r\n");
  driver.nowMs += 1;
  expect(driver.do("RANK.COUNT", "x")).toBe(":0\r\n");
});

test.each([
  { call: ["RANK.ADD", "m", "nan", "BOARDS", 1, "b"], error: "ERR value is not a valid float" },
  { call: ["RANK.ADD", "m", "inf", "BOARDS", 1, "b"], error: "ERR value is not a valid float" },
  { call: ["RANK.ADD", "m", 1, "BOARDS", 64, "b"], error: "ERR the number of boards must be from 1 to 63" },
  { call: ["RANK.ADD", "m", 1, "BOARDS", 2, "b"], error: "ERR syntax error" },
  {
    call: ["RANK.ADD", "m", 1, "BOARDS", 2, "b", "s"],
    error: "WRONGTYPE Operation against a key holding the wrong kind of value",
  },
  { call: ["RANK.ADD", "m", 1, "BOARDS", 1, "new", "LIKE", "none"], error: "ERR no such template" },
  { call: ["RANK.ADD", "m", 1, "BOARDS", 1, "b", "WITH"], error: "ERR syntax error" },
  { call: ["RANK.ADD", "m", 1, "BOARDS", 1, "b", "WITH", "AROUND", 1_001], error: "ERR AROUND must be from 1 to 1000" },
  { call: ["RANK.ADD", "m".repeat(65_512), 1, "BOARDS", 1, "b"], error: "ERR member is too long" },
  { call: ["RANK.CREATE", "b"], error: "ERR the board exists" },
  { call: ["RANK.CREATE", "n", "DIR", "up"], error: "ERR DIR must be desc, asc" },
  { call: ["RANK.CREATE", "n", "CAP", -1], error: "ERR CAP must be a whole number from 0 to 100000000" },
  { call: ["RANK.CREATE", "n", "KEEP", 401], error: "ERR KEEP must be a whole number from 0 to 400" },
  {
    call: ["RANK.CREATE", "n", "SLIDING", 59_999],
    error: "ERR SLIDING must be a whole number from 60000 to 31622400000",
  },
  {
    call: ["RANK.CREATE", "n", "SLIDING", 60_000, "PERIOD", "day"],
    error: "ERR a board has a PERIOD or is SLIDING, not both",
  },
  {
    call: ["RANK.CREATE", "n", "SLIDING", 60_000, "AGG", "best"],
    error: "ERR a SLIDING board adds scores up: AGG must be sum",
  },
  { call: ["RANK.CREATE", "n", "CHANGES", 4_097], error: "ERR CHANGES must be a whole number from 0 to 4096" },
  { call: ["RANK.ALTER", "b", "DIR", "asc"], error: "ERR DIR cannot be changed: make another board" },
  { call: ["RANK.ALTER", "none", "CAP", 1], error: "ERR no such key" },
  { call: ["RANK.TOP", "b", 10_001], error: "ERR n must be from 1 to 10000" },
  {
    call: ["RANK.TOP", "b", 1, "PERIOD", "2026-02-30"],
    error: "ERR PERIOD must be 0, -1, ... or a date such as 2026-11-29",
  },
  { call: ["RANK.OF", "b", "m", "DENSE"], error: "ERR only boards with TIES shared count different scores" },
  { call: ["RANK.CLOSE", "b", "PERIOD", "-1"], error: "ERR no such period" },
  { call: ["RANK.CHANGES", "b", -1], error: "ERR a version is not negative" },
  { call: ["RANK.LOAD", "n", "\x03"], error: "ERR Bad data format: it was not written by the rebuild of such a value" },
])("$call is refused, and changes nothing", ({ call, error }) => {
  const driver = new EngineDriver();
  driver.do("SET", "s", "1");
  driver.do("RANK.CREATE", "b");
  driver.do("RANK.ADD", "m", 1, "BOARDS", 1, "b");
  const batches = driver.batches.length;
  const bytes = driver.engine.store.usedBytes;
  expect(driver.do(...call)).toBe(`-${error}\r\n`);
  expect(driver.batches.length).toBe(batches);
  expect(driver.engine.store.usedBytes).toBe(bytes);
});

test("rights to keys hold for every board of a call and for its template", () => {
  const facts = readCommandFacts().get("rank.add")!;
  const keys = (...words: (string | number)[]): string[] => {
    const args = new Args();
    args.assign(["RANK.ADD", "m", 1, ...words].map((word) => Buffer.from(String(word))));
    const positions = new KeyPositions();
    const count = keysOf(facts, args, positions);
    return Array.from({ length: count }, (_, i) => args.text(positions.positions[i]!));
  };
  expect(keys("BOARDS", 2, "x", "y")).toEqual(["x", "y"]);
  expect(keys("BOARDS", 2, "x", "y", "LIKE", "secret", "WITH", "RANK")).toEqual(["x", "y", "secret"]);
  expect(keys("BOARDS", 2, "LIKE", "y", "LIKE", "LIKE")).toEqual(["LIKE", "y", "LIKE"]);
});
