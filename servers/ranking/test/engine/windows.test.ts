import { createRandom, seeds } from "@kagami/clock";
import { expect, test } from "vitest";
import { rebuildContainer } from "../../src/engine/rebuild/rebuilders.ts";
import type { EventWindow } from "../../src/engine/structures/window.ts";
import type { RateLimiter } from "../../src/engine/structures/window-limiter.ts";
import { EngineDriver } from "../support/engine-driver.ts";
import { eventSum, type ModelEvent, memberCount, within } from "./window-model.ts";

const DAY_MS = 86_400_000;

function numbersOf(reply: string): number[] {
  return [...reply.matchAll(/:(-?\d+)\r\n/g)].map(([, digits]) => Number(digits));
}

function containerAt<T>(driver: EngineDriver, key: string): T {
  const db = driver.engine.store.keyspaces[0]!;
  const bytes = Buffer.from(key);
  return db.containerOf(db.peek(bytes, 0, bytes.length)) as T;
}

/** What can be asked of a window, as one text. */
function answers(driver: EngineDriver, key: string, spans: readonly number[]): string {
  return [
    driver.do("WIN.COUNT", key, ...spans),
    driver.do("WIN.COUNT", key, ...spans, "UNIQUE"),
    driver.do("WIN.INFO", key).replace(/bytes\r\n:\d+/, ""),
  ].join("");
}

test.each(seeds(12))("counts and exact uniques equal a list of all events, for every span, seed %i", (seed) => {
  const random = createRandom(seed);
  const driver = new EngineDriver();
  const offsetMs = 3_600_000 * (Math.floor(random.float() * 25) - 12);
  const tz = `UTC${offsetMs < 0 ? "-" : "+"}${Math.abs(offsetMs) / 3_600_000}`;
  driver.do("WIN.CREATE", "w", "RESOLUTION", 1_000, 20, "RESOLUTION", 5_000, 13, "RESOLUTION", 60_000, 7, "TZ", tz);
  const rings = [
    { stepMs: 1_000, length: 20 },
    { stepMs: 5_000, length: 13 },
    { stepMs: 60_000, length: 7 },
  ];
  const events: ModelEvent[] = [];
  for (let step = 0; step < 600; step++) {
    driver.nowMs += Math.floor(random.float() ** 8 * 200_000);
    const lateMs = random.float() < 0.3 ? Math.floor(random.float() ** 3 * 500_000) : 0;
    const member = random.float() < 0.9 ? `m${Math.floor(random.float() ** 2 * 60)}` : undefined;
    const event = { atMs: driver.nowMs - lateMs, count: 1 + Math.floor(random.float() * 3), member };
    const last = Math.floor((driver.nowMs + offsetMs) / 60_000);
    const isHeld = Math.floor((event.atMs + offsetMs) / 60_000) > last - 7;
    const call = ["WIN.HIT", "w", "COUNT", event.count, "AT", event.atMs];
    const reply = driver.do(...call, ...(member === undefined ? [] : ["MEMBER", member]));
    expect(reply).toBe(isHeld ? ":1\r\n" : ":0\r\n");
    if (isHeld) events.push(event);
    if (step % 20 !== 0) continue;
    driver.nowMs += Math.floor(random.float() * 30_000);
    const spans: number[] = [];
    const counts: number[] = [];
    const uniques: number[] = [];
    for (let windowMs = 1_000; windowMs <= 420_000; windowMs += 7_000 + (step % 1_000)) {
      const ring = rings.find(({ stepMs, length }) => windowMs <= stepMs * length)!;
      const buckets = Math.ceil(windowMs / ring.stepMs);
      // A finer ring never had an event that came when its bucket was gone.
      const inside = within(events, { stepMs: ring.stepMs, buckets, nowMs: driver.nowMs, offsetMs });
      spans.push(windowMs);
      counts.push(eventSum(inside));
      uniques.push(memberCount(inside));
    }
    expect(numbersOf(driver.do("WIN.COUNT", "w", ...spans))).toEqual(counts);
    expect(numbersOf(driver.do("WIN.COUNT", "w", ...spans, "UNIQUE"))).toEqual(uniques);
  }
  expect(answers(driver.replayed(), "w", [20_000, 60_000, 400_000])).toBe(
    answers(driver, "w", [20_000, 60_000, 400_000]),
  );
});

test.each([1, 2, 3])("a chart has the events and different members of each calendar bucket, seed %i", (seed) => {
  const random = createRandom(seed);
  const driver = new EngineDriver();
  const offsetMs = 9 * 3_600_000;
  driver.do("WIN.CREATE", "w", "RESOLUTION", 3_600_000, 100, "RESOLUTION", DAY_MS, 10, "TZ", "UTC+09:00");
  const events: ModelEvent[] = [];
  for (let step = 0; step < 400; step++) {
    driver.nowMs += Math.floor(random.float() * 3_000_000);
    const member = `m${Math.floor(random.float() * 30)}`;
    driver.do("WIN.HIT", "w", "MEMBER", member);
    events.push({ atMs: driver.nowMs, count: 1, member });
  }
  for (const { stepMs, length } of [
    { stepMs: 3_600_000, length: 100 },
    { stepMs: DAY_MS, length: 10 },
  ]) {
    const last = Math.floor((driver.nowMs + offsetMs) / stepMs);
    const rows = Array.from({ length }, (_, i) => {
      const startMs = (last - length + 1 + i) * stepMs - offsetMs;
      const inside = within(events, { stepMs, buckets: 1, nowMs: startMs, offsetMs });
      return { startMs, events: eventSum(inside), members: memberCount(inside) };
    });
    expect(numbersOf(driver.do("WIN.BUCKETS", "w", stepMs, length))).toEqual(
      rows.flatMap((row) => [row.startMs, row.events]),
    );
    expect(numbersOf(driver.do("WIN.BUCKETS", "w", stepMs, length, "UNIQUE"))).toEqual(
      rows.flatMap((row) => [row.startMs, row.members]),
    );
  }
  const sixHours = numbersOf(driver.do("WIN.BUCKETS", "w", 6 * 3_600_000, 5));
  const hours = numbersOf(driver.do("WIN.BUCKETS", "w", 3_600_000, 40));
  const first = hours.indexOf(sixHours[2]!);
  expect(sixHours[3]).toBe([1, 3, 5, 7, 9, 11].reduce((sum, i) => sum + hours[first + i]!, 0));
});

test("members that left the window are removed with later hits, and an idle window goes with its key", () => {
  const driver = new EngineDriver();
  const before = driver.engine.store.usedBytes;
  for (let i = 0; i < 200; i++) driver.do("WIN.HIT", "w", "MEMBER", `viewer-${i}`);
  expect(containerAt<EventWindow>(driver, "w").size).toBe(200);
  driver.nowMs += 41 * DAY_MS - 1;
  // The engine expires keys in the next turn; a hit shortly before keeps this one.
  driver.nowMs -= 2 * DAY_MS;
  driver.do("WIN.HIT", "w", "MEMBER", "late");
  driver.nowMs += 3 * DAY_MS;
  for (let i = 0; i < 50; i++) driver.do("WIN.HIT", "w", "MEMBER", "new");
  expect(containerAt<EventWindow>(driver, "w").size).toBe(2);
  expect(driver.do("WIN.COUNT", "w", 40 * DAY_MS, "UNIQUE")).toBe("*1\r\n:2\r\n");
  driver.nowMs += 41 * DAY_MS;
  expect(driver.do("WIN.INFO", "w")).toBe("-ERR no such key\r\n");
  driver.engine.store.heap.trim();
  expect(driver.engine.store.usedBytes).toBe(before);
});

test.each([
  { members: 50, why: "few: nearly exact" },
  { members: 6_000, why: "many" },
])("estimated uniques of $members are within three standard errors of 2.3 %, and forget what left", ({ members }) => {
  const driver = new EngineDriver();
  driver.do("WIN.CREATE", "w", "UNIQUES", "APPROX", "RETENTION", 7_200_000);
  for (let i = 0; i < members; i++) driver.do("WIN.HIT", "w", "MEMBER", `old-${i}`);
  driver.nowMs += 1_000_000;
  for (let i = 0; i < members / 2; i++) driver.do("WIN.HIT", "w", "MEMBER", `new-${i}`);
  const near = (count: number, expected: number): void =>
    expect(Math.abs(count - expected)).toBeLessThanOrEqual(Math.max(1, 0.069 * expected));
  near(numbersOf(driver.do("WIN.COUNT", "w", 900_000, "UNIQUE"))[0]!, members / 2);
  near(numbersOf(driver.do("WIN.COUNT", "w", 7_200_000, "UNIQUE"))[0]!, 1.5 * members);
  const span = [60_000, 900_000, 7_200_000];
  expect(answers(driver.replayed(), "w", span)).toBe(answers(driver, "w", span));
});

test.each(seeds(6))(
  "the top of a window has every frequent member, and its counts are within the said error, seed %i",
  (seed) => {
    const random = createRandom(seed);
    const driver = new EngineDriver();
    driver.do("WIN.CREATE", "w", "TOP", 20, "STEP", 10_000, "BUCKETS", 12);
    const events: ModelEvent[] = [];
    for (let step = 0; step < 3_000; step++) {
      driver.nowMs += Math.floor(random.float() * 120);
      const member = `m${Math.floor(random.float() ** 4 * 300)}`;
      driver.do("WIN.HIT", "w", "MEMBER", member);
      events.push({ atMs: driver.nowMs, count: 1, member });
    }
    for (const buckets of [1, 4, 12]) {
      const inside = within(events, { stepMs: 10_000, buckets, nowMs: driver.nowMs, offsetMs: 0 });
      const reply = driver.do("WIN.TOP", "w", 10_000 * buckets, 1_000);
      const rows = [...reply.matchAll(/\$\d+\r\n(.+)\r\n:(\d+)\r\n:(\d+)\r\n/g)];
      const found = new Map(rows.map(([, name, count, error]) => [name, [Number(count), Number(error)] as const]));
      for (const member of new Set(inside.map((event) => event.member!))) {
        const real = inside.filter((event) => event.member === member).length;
        if (!found.has(member)) {
          expect(real).toBeLessThanOrEqual(inside.length / 20);
          continue;
        }
        const [count, error] = found.get(member)!;
        expect(real).toBeLessThanOrEqual(count);
        expect(real).toBeGreaterThanOrEqual(count - error);
        expect(error).toBeLessThanOrEqual(inside.length / 20);
      }
    }
    expect(driver.replayed().do("WIN.TOP", "w", 120_000, 50)).toBe(driver.do("WIN.TOP", "w", 120_000, 50));
  },
);

test.each([
  { options: [], why: "the default" },
  { options: ["UNIQUES", "APPROX"], why: "registers" },
  { options: ["UNIQUES", "NONE", "TOP", 8, "TZ", "-03:30"], why: "sketches" },
  { options: ["RESOLUTION", 1_000, 4_096, "EXPIRES"], why: "one long ring" },
])("a window is rebuilt from its blobs and copied, with nothing lost or left: $why", ({ options }) => {
  const driver = new EngineDriver();
  const empty = driver.engine.store.usedBytes;
  const random = createRandom(7);
  driver.do("WIN.CREATE", "w", ...options);
  for (let i = 0; i < 2_000; i++) {
    driver.nowMs += Math.floor(random.float() * 2_000);
    driver.do("WIN.HIT", "w", "MEMBER", `a-rather-long-member-name-${i % 700}`);
  }
  const commands: Uint8Array[][] = [];
  rebuildContainer(containerAt<EventWindow>(driver, "w"), Buffer.from("v"), (args) => commands.push([...args]));
  expect(commands.length).toBeGreaterThan(1);
  for (const args of commands) {
    expect(driver.do(...args)).toBe("+OK\r\n");
    expect(args[2]!.length).toBeLessThan(130_000);
  }
  const span = [10_000, 600_000, 4_000_000];
  const isExact = options[1] !== "NONE";
  const asked = (key: string): string =>
    isExact ? answers(driver, key, span) : driver.do("WIN.COUNT", key, ...span) + driver.do("WIN.TOP", key, 600_000, 8);
  expect(asked("v")).toBe(asked("w"));
  const copy = containerAt<EventWindow>(driver, "w").copy();
  expect(copy.usedBytes).toBe(containerAt<EventWindow>(driver, "w").usedBytes);
  while (!copy.release(100));
  const db = driver.engine.store.keyspaces[0]!;
  db.clear();
  while (!driver.engine.store.releaseSome(100));
  driver.engine.store.heap.trim();
  expect(driver.engine.store.usedBytes).toBe(empty);
});

test("a rate limit lets the burst through, then one after each interval, and says when", () => {
  const driver = new EngineDriver();
  const rate = (...more: (string | number)[]): number[] => numbersOf(driver.do("WIN.RATE", "r", 3, 1_000, ...more));
  expect(rate()).toEqual([0, 3, 2, -1, 334]);
  expect(rate()).toEqual([0, 3, 1, -1, 667]);
  expect(rate()).toEqual([0, 3, 0, -1, 1_000]);
  expect(rate()).toEqual([1, 3, 0, 334, 1_000]);
  driver.nowMs += 333;
  expect(rate()).toEqual([1, 3, 0, 1, 667]);
  driver.nowMs += 1;
  expect(rate()).toEqual([0, 3, 0, -1, 1_000]);
  expect(rate("COST", 4)).toEqual([1, 3, 0, -1, 1_000]);
  expect(rate("COST", 0)).toEqual([0, 3, 0, -1, 1_000]);
  const limiterCommands: Uint8Array[][] = [];
  rebuildContainer(containerAt<RateLimiter>(driver, "r"), Buffer.from("s"), (args) => limiterCommands.push([...args]));
  for (const args of limiterCommands) driver.do(...args);
  expect(numbersOf(driver.do("WIN.RATE", "s", 3, 1_000, 5))).toEqual([0, 5, 1, -1, 1_333]);
  expect(driver.replayed().do("WIN.RATE", "r", 3, 1_000)).toBe(driver.do("WIN.RATE", "r", 3, 1_000));
  driver.nowMs += 1_000;
  expect(driver.do("WIN.INFO", "r")).toBe("-ERR no such key\r\n");
});

test.each(seeds(10))("a rate limit never lets more through than its rate allows, seed %i", (seed) => {
  const random = createRandom(seed);
  const driver = new EngineDriver();
  const limit = 1 + Math.floor(random.float() * 20);
  const periodMs = 1 + Math.floor(random.float() * 5_000);
  const burst = 1 + Math.floor(random.float() * 30);
  const startMs = driver.nowMs;
  let taken = 0;
  for (let step = 0; step < 300; step++) {
    driver.nowMs += Math.floor(random.float() ** 3 * periodMs);
    const cost = 1 + Math.floor(random.float() * 3);
    const [isLimited, , , retryMs] = numbersOf(driver.do("WIN.RATE", "r", limit, periodMs, burst, "COST", cost));
    if (isLimited === 0) taken += cost;
    else if (retryMs! > 0) {
      driver.nowMs += retryMs!;
      expect(numbersOf(driver.do("WIN.RATE", "r", limit, periodMs, burst, "COST", cost))[0]).toBe(0);
      taken += cost;
    }
    expect(taken).toBeLessThanOrEqual(burst + ((driver.nowMs - startMs) * limit) / periodMs);
  }
});

test.each([
  { call: ["WIN.HIT", "w", "MEMBER"], error: "ERR syntax error" },
  { call: ["WIN.HIT", "w", "COUNT", 0], error: "ERR COUNT must be from 1 to 1000000000" },
  { call: ["WIN.HIT", "w", "COUNT", "x"], error: "ERR value is not an integer or out of range" },
  {
    call: ["WIN.HIT", "w", "AT", 1_700_000_060_001],
    error: "ERR AT must be a time in ms since 1970, at most a minute ahead of the server's",
  },
  { call: ["WIN.HIT", "w", "MEMBER", "m".repeat(65_512)], error: "ERR member is too long" },
  { call: ["WIN.HIT", "s"], error: "WRONGTYPE Operation against a key holding the wrong kind of value" },
  {
    call: ["WIN.HIT", "small", "MEMBER", "c"],
    error: "ERR the window has its 2 members: make it with UNIQUES APPROX or more MEMBERS",
  },
  { call: ["WIN.CREATE", "small"], error: "ERR the window exists: delete it with DEL to make it anew" },
  {
    call: ["WIN.CREATE", "n", "RESOLUTION", 999, 5],
    error: "ERR the step of a resolution in ms must be from 1000 to 31622400000",
  },
  {
    call: ["WIN.CREATE", "n", "RESOLUTION", 1_000, 4_097],
    error: "ERR the buckets of a resolution must be from 1 to 4096",
  },
  {
    call: ["WIN.CREATE", "n", "RESOLUTION", 2_000, 5, "RESOLUTION", 3_000, 5],
    error: "ERR resolutions go from fine to coarse, each step a multiple of the one before",
  },
  {
    call: ["WIN.CREATE", "n", "RESOLUTION", 1_000, 50, "RESOLUTION", 2_000, 5],
    error: "ERR a coarser resolution must reach back at least as far as the finer one",
  },
  { call: ["WIN.CREATE", "n", "TOP", 1_025], error: "ERR TOP must be from 0 to 1024" },
  { call: ["WIN.CREATE", "n", "TOP", 5, "BUCKETS", 257], error: "ERR the buckets of TOP must be from 1 to 256" },
  {
    call: ["WIN.CREATE", "n", "TZ", "Asia/Tokyo"],
    error:
      "ERR TZ must be an offset of at most 14 hours such as UTC+9 or -03:30, or the name of a time zone such as Asia/Tokyo",
  },
  {
    call: ["WIN.CREATE", "n", "RETENTION", 5_000, "RESOLUTION", 1_000, 5],
    error: "ERR RETENTION chooses the resolutions: give it or RESOLUTION, not both",
  },
  { call: ["WIN.CREATE", "n", "UNIQUES", "MAYBE"], error: "ERR UNIQUES must be EXACT, APPROX or NONE" },
  { call: ["WIN.COUNT", "small", 3_000_001], error: "ERR the window keeps the last 3000000 ms" },
  { call: ["WIN.COUNT", "small", 0], error: "ERR a window is a positive number of ms" },
  {
    call: ["WIN.COUNT", "small", ...Array<number>(65).fill(1)],
    error: "ERR at most 64 windows can be asked for at once",
  },
  {
    call: ["WIN.COUNT", "none", 1_000, "UNIQUE"],
    error: "ERR the window does not tell members apart: make it with UNIQUES EXACT or APPROX",
  },
  { call: ["WIN.BUCKETS", "small", 1_500, 3], error: "ERR the step must be a multiple of the window's: 1000, 60000" },
  { call: ["WIN.BUCKETS", "small", 2_000, 4_000], error: "ERR the window keeps 60 buckets of that step" },
  { call: ["WIN.TOP", "small", 1_000, 5], error: "ERR the window keeps no top: make it with WIN.CREATE ... TOP" },
  { call: ["WIN.RATE", "r", 0, 1_000], error: "ERR limit must be a whole number from 1 to 1000000000" },
  {
    call: ["WIN.RATE", "r", 1_000_000_000, 31_622_400_000],
    error: "ERR burst or COST times period in ms must be at most 2^52: take a shorter period",
  },
  { call: ["WIN.RATE", "r", 1, 1_000, "COST"], error: "ERR syntax error" },
  { call: ["WIN.LOAD", "n", "\x02"], error: "ERR Bad data format: it was not written by the rebuild of such a value" },
])("$call is refused, and changes nothing", ({ call, error }) => {
  const driver = new EngineDriver();
  driver.do("SET", "s", "1");
  driver.do("WIN.CREATE", "small", "MEMBERS", 2, "RETENTION", 3_000_000);
  driver.do("WIN.CREATE", "none", "UNIQUES", "NONE");
  for (const member of ["a", "b"]) driver.do("WIN.HIT", "small", "MEMBER", member);
  const batches = driver.batches.length;
  const bytes = driver.engine.store.usedBytes;
  expect(driver.do(...call)).toBe(`-${error}\r\n`);
  expect(driver.batches.length).toBe(batches);
  expect(driver.engine.store.usedBytes).toBe(bytes);
});
