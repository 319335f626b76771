import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { rebuildStore } from "../../src/engine/rebuild/rebuild.ts";
import { Zone, type ZoneRules } from "../../src/engine/zones.ts";
import { zoneRulesOf } from "../../src/time-zones.ts";
import { EngineDriver } from "../support/engine-driver.ts";

const NOW_MS = Date.UTC(2026, 0, 1);
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

const known = new Map<string, ZoneRules | undefined>();

/** As a machine knows them; each is asked of ICU once. */
function rulesOf(name: string): ZoneRules | undefined {
  if (!known.has(name)) known.set(name, zoneRulesOf(name, NOW_MS));
  return known.get(name);
}

/** A driver whose machine knows time zones; what is replayed from it does not. */
function zoned(zoneRules = rulesOf): EngineDriver {
  const driver = new EngineDriver(1, { shell: { zoneRules } });
  driver.nowMs = NOW_MS;
  return driver;
}

function at(text: string): number {
  const timeMs = Date.parse(text);
  expect(timeMs).not.toBeNaN();
  return timeMs;
}

/** The date on a zone's clocks, as ICU has it. */
function dateIn(timeZone: string, timeMs: number): string {
  return new Intl.DateTimeFormat("en-CA", { timeZone, dateStyle: "short" }).format(timeMs);
}

/** Whatever is told of the running period of a board. */
function currentOf(driver: EngineDriver, board: string): string {
  return /current\r\n\$\d+\r\n([^\r]+)/.exec(driver.do("RANK.INFO", board))?.[1] ?? "";
}

describe("the rules of a zone", () => {
  const ZONES = ["Asia/Tokyo", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca"];
  const OTHERS = ["America/Havana", "Asia/Kolkata", "Pacific/Apia", "America/St_Johns", "Etc/UTC", "Africa/Cairo"];
  const minute = fc.integer({ min: at("2025-01-01T00:00Z") / 60_000, max: at("2060-01-01T00:00Z") / 60_000 });

  test.each([...ZONES, ...OTHERS])("%s has the offset of ICU at every time", (name) => {
    const rules = zoneRulesOf(name, NOW_MS);
    const zone = new Zone(name, rules?.rules ?? "");
    const format = new Intl.DateTimeFormat("en-US", { timeZone: name, timeZoneName: "longOffset" });
    fc.assert(
      fc.property(minute, (time) => {
        const timeMs = 60_000 * time;
        const shown = format.formatToParts(timeMs).find(({ type }) => type === "timeZoneName")?.value;
        const offset = zone.offsetAt(timeMs) / 60_000;
        const two = (value: number): string => String(Math.trunc(Math.abs(value))).padStart(2, "0");
        const expected = `GMT${offset < 0 ? "-" : "+"}${two(offset / 60)}:${two(offset % 60)}`;
        expect(shown === "GMT" ? "GMT+00:00" : shown).toBe(expected);
      }),
      { numRuns: 200 },
    );
  });

  test.each(ZONES)("%s: its clocks show a time first at that instant", (name) => {
    const zone = new Zone(name, zoneRulesOf(name, NOW_MS)?.rules ?? "");
    fc.assert(
      fc.property(minute, (time) => {
        const timeMs = zone.instantOf(60_000 * time);
        const localOf = (instantMs: number): number => instantMs + zone.offsetAt(instantMs);
        expect(localOf(timeMs)).toBeGreaterThanOrEqual(60_000 * time);
        expect(localOf(timeMs - 60_000)).toBeLessThan(60_000 * time);
      }),
      { numRuns: 300 },
    );
  });

  test.each(["", "x", "60;5=60;5=120", "60;7=1;6=2", "2000", "60;1=2;", "60;1"])("%j are no rules", (rules) => {
    expect(() => new Zone("x", rules)).toThrow(RangeError);
  });

  test.each(["Mars/Olympus", "", "+09:00", "x".repeat(70)])("%j is no zone", (name) => {
    expect(zoneRulesOf(name, NOW_MS)).toBeUndefined();
  });
});

const MIDNIGHTS = [
  { zone: "Asia/Tokyo", begins: "2026-03-28T15:00Z", day: "2026-03-29", why: "no summer time" },
  { zone: "Europe/Berlin", begins: "2026-03-28T23:00Z", day: "2026-03-29", why: "the day on which clocks go forward" },
  { zone: "Europe/Berlin", begins: "2026-03-29T22:00Z", day: "2026-03-30", why: "23 hours later" },
  { zone: "Europe/Berlin", begins: "2026-10-24T22:00Z", day: "2026-10-25", why: "the day on which clocks go back" },
  { zone: "Europe/Berlin", begins: "2026-10-25T23:00Z", day: "2026-10-26", why: "25 hours later" },
  { zone: "America/New_York", begins: "2026-03-08T05:00Z", day: "2026-03-08", why: "forward" },
  { zone: "America/New_York", begins: "2026-03-09T04:00Z", day: "2026-03-09", why: "23 hours later" },
  { zone: "America/New_York", begins: "2026-11-01T04:00Z", day: "2026-11-01", why: "back" },
  { zone: "America/New_York", begins: "2026-11-02T05:00Z", day: "2026-11-02", why: "25 hours later" },
];

test.each(MIDNIGHTS)("a board's day $day in $zone begins at $begins: $why, also when the log is read again", (row) => {
  const driver = zoned();
  expect(driver.do("RANK.CREATE", "b", "PERIOD", "day", "TZ", row.zone, "KEEP", 7)).toBe("+OK\r\n");
  driver.nowMs = at(row.begins) - 1;
  driver.do("RANK.ADD", "ann", 5, "BOARDS", 1, "b");
  driver.do("RANK.ADD", "ann", 5, "BOARDS", 1, "like", "LIKE", "b");
  expect(currentOf(driver, "b")).toBe(dateIn(row.zone, driver.nowMs));
  driver.nowMs = at(row.begins);
  expect(currentOf(driver, "b")).toBe(row.day);
  for (const board of ["b", "like"]) driver.do("RANK.ADD", "bob", 7, "BOARDS", 1, board);
  expect(driver.do("RANK.INFO", "b")).toContain(`${row.zone}\r\n`);
  const others = [driver.replayed(), rebuilt(driver)];
  for (const other of [driver, ...others]) {
    for (const board of ["b", "like"]) {
      expect(other.do("RANK.SCORE", board, "ann", "bob")).toBe("*2\r\n$-1\r\n$1\r\n7\r\n");
      expect(other.do("RANK.SCORE", board, "ann", "bob", "PERIOD", "-1")).toBe("*2\r\n$1\r\n5\r\n$-1\r\n");
    }
  }
});

/** The store as a snapshot would have it. */
function rebuilt(driver: EngineDriver): EngineDriver {
  const other = new EngineDriver(driver.engine.store.hashSeed);
  rebuildStore(driver.engine.store, (bytes, start, end) => other.engine.apply(bytes.slice(start, end)));
  other.nowMs = driver.nowMs;
  return other;
}

function integersOf(reply: string): number[] {
  return [...reply.matchAll(/:(-?\d+)\r\n/g)].map((match) => Number(match[1]));
}

test.each([
  { kind: "hour", before: "2026-11-01T23", after: "2026-11-02T00" },
  { kind: "week", before: "2026-10-26", after: "2026-11-02" },
  { kind: "month", before: "2026-11", after: "2026-11" },
])("the $kind goes by the zone too", ({ kind, before, after }) => {
  const driver = zoned();
  driver.do("RANK.CREATE", "b", "PERIOD", kind, "TZ", "America/New_York");
  // A Monday; in New York the month began a day before, in summer time.
  driver.nowMs = at("2026-11-02T04:59:59Z");
  expect(currentOf(driver, "b")).toBe(before);
  driver.nowMs = at("2026-11-02T05:00:00Z");
  expect(currentOf(driver, "b")).toBe(after);
});

describe("a window", () => {
  test.each(MIDNIGHTS)("counts by the days of $zone: $day begins at $begins ($why)", (row) => {
    const driver = zoned();
    driver.nowMs = at(row.begins) - 3 * DAY_MS;
    expect(driver.do("WIN.CREATE", "w", "TZ", row.zone)).toBe("+OK\r\n");
    driver.nowMs = at(row.begins) - 1;
    driver.do("WIN.HIT", "w", "MEMBER", "ann", "COUNT", 3);
    driver.nowMs = at(row.begins);
    driver.do("WIN.HIT", "w", "MEMBER", "ann");
    driver.do("WIN.HIT", "w", "MEMBER", "bob", "AT", at(row.begins) - 1);
    const others = [driver.replayed(), rebuilt(driver)];
    for (const other of [driver, ...others]) {
      const days = integersOf(other.do("WIN.BUCKETS", "w", DAY_MS, 2));
      expect(days.slice(1)).toEqual([4, at(row.begins), 1]);
      expect(dateIn(row.zone, days[0] ?? 0)).not.toBe(dateIn(row.zone, (days[0] ?? 0) - 1));
      const members = integersOf(other.do("WIN.BUCKETS", "w", DAY_MS, 2, "UNIQUE"));
      expect([members[1], members[3]]).toEqual([2, 1]);
      expect(integersOf(other.do("WIN.COUNT", "w", 4 * DAY_MS, "UNIQUE"))).toEqual([2]);
      expect(integersOf(other.do("WIN.BUCKETS", "w", HOUR_MS, 1))).toEqual([at(row.begins), 1]);
    }
  });

  test("counts every event to its day whatever comes when, as ICU reckons days", () => {
    const zones = fc.constantFrom("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Tokyo");
    const changes = fc.constantFrom("2026-03-29T01:00Z", "2026-10-25T01:00Z", "2026-03-08T07:00Z", "2026-04-04T15:00Z");
    const event = fc.record({
      afterMs: fc.integer({ min: 0, max: DAY_MS / 4 }),
      lateMs: fc.integer({ min: 0, max: 2 * DAY_MS }),
    });
    fc.assert(
      fc.property(zones, changes, fc.array(event, { minLength: 5, maxLength: 40 }), (zone, change, events) => {
        const driver = zoned();
        driver.nowMs = at(change) - 2 * DAY_MS;
        const resolutions = ["RESOLUTION", 1_800_000, 400, "RESOLUTION", DAY_MS, 12];
        driver.do("WIN.CREATE", "w", "TZ", zone, ...resolutions);
        const counts = new Map<string, number>();
        for (const [i, { afterMs, lateMs }] of events.entries()) {
          driver.nowMs += afterMs;
          const atMs = driver.nowMs - lateMs;
          driver.do("WIN.HIT", "w", "MEMBER", `m${i % 7}`, "AT", atMs);
          counts.set(dateIn(zone, atMs), (counts.get(dateIn(zone, atMs)) ?? 0) + 1);
        }
        const days = integersOf(driver.do("WIN.BUCKETS", "w", DAY_MS, 12));
        const shown = new Map<string, number>();
        for (let i = 0; i < days.length; i += 2) {
          if (days[i + 1] !== 0) shown.set(dateIn(zone, days[i] ?? 0), days[i + 1] ?? 0);
        }
        expect([...shown].sort()).toEqual([...counts].sort());
        const members = new Set(events.map((_, i) => i % 7)).size;
        expect(integersOf(driver.do("WIN.COUNT", "w", 12 * DAY_MS, "UNIQUE"))).toEqual([members]);
        expect(driver.replayed().do("WIN.BUCKETS", "w", DAY_MS, 12, "UNIQUE")).toBe(
          driver.do("WIN.BUCKETS", "w", DAY_MS, 12, "UNIQUE"),
        );
      }),
      { numRuns: 40 },
    );
  });

  test("of which steps would be cut by a change of the clocks is refused", () => {
    const driver = zoned();
    const refusal = "-ERR with TZ Europe/Berlin every step must be whole days or divide 3600000 ms\r\n";
    expect(driver.do("WIN.CREATE", "w", "TZ", "europe/berlin", "RESOLUTION", 6 * HOUR_MS, 40)).toBe(refusal);
    expect(driver.do("WIN.CREATE", "w", "TZ", "UTC+1", "RESOLUTION", 6 * HOUR_MS, 40)).toBe("+OK\r\n");
  });

  test("without a resolution of days draws no days of a zone", () => {
    const driver = zoned();
    driver.do("WIN.CREATE", "w", "TZ", "Europe/Berlin", "RESOLUTION", HOUR_MS, 100);
    expect(driver.do("WIN.BUCKETS", "w", DAY_MS, 2)).toContain("-ERR the step must be a multiple of the window's");
  });
});

test("the rules go into the log before whoever names the zone first, from a script or a transaction too, and once", () => {
  const driver = zoned();
  const source = "return redis.call('RANK.CREATE', KEYS[1], 'PERIOD', 'day', 'TZ', ARGV[1])";
  expect(driver.do("EVAL", source, 1, "a", "Europe/Berlin")).toBe("+OK\r\n");
  expect(driver.do("EVAL", source, 1, "b", "Europe/Berlin")).toBe("+OK\r\n");
  driver.do("MULTI");
  driver.do("RANK.CREATE", "c", "TZ", "Asia/Tokyo", "PERIOD", "day");
  driver.do("WIN.CREATE", "d", "TZ", "Asia/Tokyo");
  expect(driver.do("EXEC")).toBe("*2\r\n+OK\r\n+OK\r\n");
  // It fails, and the zone that it named is known from now on, on every copy.
  expect(driver.do("RANK.CREATE", "a", "TZ", "America/New_York")).toContain("-ERR the board exists");
  driver.do("RANK.CREATE", "e", "TZ", "America/New_York", "PERIOD", "day");
  const batches = driver.batches.map((batch) => Buffer.from(batch).toString("latin1"));
  expect(batches.join("").split("RANK.ZONE")).toHaveLength(4);
  const other = driver.replayed();
  for (const board of ["a", "b", "c", "e"]) expect(other.do("RANK.INFO", board)).toBe(driver.do("RANK.INFO", board));
  expect(other.do("WIN.INFO", "d")).toBe(driver.do("WIN.INFO", "d"));
});

test("RANK.ZONE takes newer rules, by which boards that are there go on; clients give none themselves", () => {
  let rules = "60";
  const driver = zoned((name) => (name === "Old/Town" ? { name, rules } : undefined));
  driver.do("RANK.CREATE", "b", "PERIOD", "day", "TZ", "Old/Town");
  driver.nowMs = at("2026-05-01T22:30Z");
  expect(currentOf(driver, "b")).toBe("2026-05-01");
  rules = "120";
  expect(currentOf(driver, "b")).toBe("2026-05-01");
  expect(driver.do("RANK.ZONE", "old/town")).toContain("-ERR TZ must be");
  expect(driver.do("RANK.ZONE", "Old/Town", "0")).toBe("-ERR rules are for the store's own files only\r\n");
  expect(driver.do("RANK.ZONE", "Old/Town")).toBe("+OK\r\n");
  for (const other of [driver, driver.replayed(), rebuilt(driver)]) expect(currentOf(other, "b")).toBe("2026-05-02");
});

test("what is no zone is refused, and nothing is made", () => {
  const driver = zoned();
  const refusal = /^-ERR TZ must be an offset of at most 14 hours such as UTC\+9 or -03:30, or the name of a time zone/;
  for (const name of ["Mars/Olympus", "+15:00", "", "x".repeat(100), "Europe/Berlin\0"]) {
    expect(driver.do("RANK.CREATE", "b", "TZ", name)).toMatch(refusal);
    expect(driver.do("WIN.CREATE", "b", "TZ", name)).toMatch(refusal);
  }
  expect(driver.do("EXISTS", "b")).toBe(":0\r\n");
  expect(driver.batches).toEqual([]);
});
