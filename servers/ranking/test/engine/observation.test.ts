import { createRandom } from "@kagami/clock";
import { expect, test } from "vitest";
import { bytesOfText } from "../../src/engine/acl/index.ts";
import type { Command } from "../../src/engine/command.ts";
import { LATENCY_BOUNDS_S, LatencyHistogram } from "../../src/engine/latency-histogram.ts";
import { LatencyMonitor } from "../../src/engine/latency-monitor.ts";
import { Rate, Statistics } from "../../src/engine/statistics.ts";
import { tick } from "../../src/engine/upkeep.ts";
import { Args } from "../../src/protocol/args.ts";
import { ReplyWriter } from "../../src/protocol/reply-writer.ts";
import { EngineDriver } from "../support/engine-driver.ts";

/** A driver whose commands each take `stepUs` by its clock. */
function timed(stepUs: () => number): EngineDriver {
  let nowUs = 0;
  let isEnd = false;
  const clockUs = (): number => {
    if (isEnd) nowUs += stepUs();
    isEnd = !isEnd;
    return nowUs;
  };
  return new EngineDriver(1, { clockUs });
}

test("SLOWLOG keeps the slow calls with their arguments, shortened and without secrets", () => {
  let stepUs = 20_000;
  const driver = timed(() => stepUs);
  driver.do("CLIENT", "SETNAME", "me");
  driver.do("SET", "k", "v".repeat(200));
  driver.do("DEL", ...Array.from({ length: 40 }, (_, i) => `k${i}`));
  driver.do("AUTH", "nobody", "secret");
  driver.do("CONFIG", "SET", "requirepass", "secret", "timeout", 5);
  driver.do("CONFIG", "SET", "requirepass", "");
  stepUs = 9_999;
  driver.do("GET", "fast");
  const calls = driver.engine.observer.slowLog.latest(10);
  expect(calls).toHaveLength(6);
  expect(calls.map(({ args }) => args.slice(0, 6).join(" ").slice(0, 60))).toEqual([
    "CONFIG SET requirepass (redacted)",
    "CONFIG SET requirepass (redacted) timeout 5",
    "AUTH (redacted) (redacted)",
    "DEL k0 k1 k2 k3 k4",
    `SET k ${"v".repeat(54)}`,
    "CLIENT SETNAME me",
  ]);
  expect(calls[3]?.args.at(-1)).toBe("... (10 more arguments)");
  expect(calls[3]?.args).toHaveLength(32);
  expect(calls[4]?.args[2]).toBe(`${"v".repeat(128)}... (72 more bytes)`);
  expect(calls[4]).toMatchObject({ durationUs: 20_000, address: "127.0.0.1:40001", clientName: "me" });
  expect(driver.do("SLOWLOG", "GET", 1)).toMatch(/^\*1\r\n\*6\r\n:5\r\n:1700000000\r\n:20000\r\n\*4\r\n/);
});

test("SLOWLOG keeps so many calls as are set, the latest ones", () => {
  const driver = timed(() => 20_000);
  driver.do("CONFIG", "SET", "slowlog-max-len", 3);
  for (let i = 0; i < 10; i++) driver.do("ECHO", i);
  const echoed = () => driver.engine.observer.slowLog.latest(100).map(({ args }) => args[1]);
  expect(echoed()).toEqual(["9", "8", "7"]);
  driver.do("CONFIG", "SET", "slowlog-max-len", 2);
  driver.do("CONFIG", "SET", "slowlog-max-len", 5);
  for (let i = 10; i < 12; i++) driver.do("ECHO", i);
  expect(echoed().slice(0, 2)).toEqual(["11", "10"]);
  expect(driver.do("SLOWLOG", "LEN")).toBe(":5\r\n");
  driver.do("CONFIG", "SET", "slowlog-log-slower-than", -1);
  driver.do("SLOWLOG", "RESET");
  driver.do("ECHO", "x");
  expect(driver.do("SLOWLOG", "LEN")).toBe(":0\r\n");
});

test("LATENCY tells of what was slower than its threshold, by kind", () => {
  let stepUs = 50_000;
  const driver = timed(() => stepUs);
  driver.do("SET", "a", "1");
  expect(driver.do("LATENCY", "LATEST")).toBe("*0\r\n");
  driver.do("CONFIG", "SET", "latency-monitor-threshold", 40);
  driver.do("LATENCY", "RESET");
  driver.do("GET", "a");
  driver.nowMs += 3_000;
  stepUs = 70_000;
  driver.do("GET", "a");
  driver.do("SET", "a", "1");
  stepUs = 0;
  const kinds = driver.do("LATENCY", "LATEST").split("*4\r\n").slice(1).sort();
  expect(kinds).toEqual([
    "$12\r\nfast-command\r\n:1700000003\r\n:70\r\n:70\r\n",
    "$7\r\ncommand\r\n:1700000003\r\n:70\r\n:70\r\n",
  ]);
  expect(driver.do("LATENCY", "HISTORY", "fast-command")).toBe(
    "*2\r\n*2\r\n:1700000000\r\n:50\r\n*2\r\n:1700000003\r\n:70\r\n",
  );
  expect(driver.do("LATENCY", "GRAPH", "fast-command")).toContain("fast-command - high 70 ms, low 50 ms");
  expect(driver.do("LATENCY", "DOCTOR")).toContain("fast-command: 2 delays, 60 ms on average, 70 ms at most");
  expect(driver.do("LATENCY", "RESET", "command", "nosuch")).toBe(":1\r\n");
});

test("of each second the longest delay counts, and 160 seconds are kept", () => {
  const monitor = new LatencyMonitor();
  monitor.thresholdMs = 1;
  for (let second = 0; second < 200; second++) {
    monitor.add("fork", second * 1_000, 5);
    monitor.add("fork", second * 1_000 + 500, 9);
    monitor.add("fork", second * 1_000 + 900, 2);
  }
  const samples = monitor.events.get("fork")?.samples ?? [];
  expect(samples).toHaveLength(160);
  expect(samples[0]).toEqual({ timeSeconds: 40, durationMs: 9 });
  for (let i = 0; i < 100; i++) monitor.add(`event ${i}`, 0, 5);
  expect(monitor.events.size).toBe(64);
});

test("a scraper's steps hold exactly the durations below their bounds", () => {
  const random = createRandom(2);
  const histogram = new LatencyHistogram();
  const durations = Array.from({ length: 5_000 }, () => 0.3 * 2 ** (23 * random.float()));
  for (const duration of durations) histogram.add(duration);
  const counts = new Float64Array(LATENCY_BOUNDS_S.length + 1);
  histogram.writeSteps(counts);
  let seen = 0;
  for (const [step, bound] of LATENCY_BOUNDS_S.entries()) {
    seen += counts[step] ?? 0;
    expect(seen).toBe(durations.filter((duration) => duration / 1e6 < bound).length);
  }
  expect(counts.at(-1)).toBeGreaterThan(0);
  expect(seen + (counts.at(-1) ?? 0)).toBe(5_000);
});

test("percentiles are right within a quarter, and no duration is lost", () => {
  const random = createRandom(1);
  const histogram = new LatencyHistogram();
  const durations = Array.from({ length: 10_000 }, () => 1.1 * 2 ** (19 * random.float()));
  for (const duration of durations) histogram.add(duration);
  durations.sort((a, b) => a - b);
  for (const percent of [1, 10, 50, 90, 99, 99.9]) {
    const exact = durations[Math.ceil((percent / 100) * durations.length) - 1] ?? 0;
    expect(histogram.percentileUs(percent)).toBeGreaterThanOrEqual(exact);
    expect(histogram.percentileUs(percent)).toBeLessThanOrEqual(1.26 * exact);
  }
  expect(histogram.cumulative().at(-1)?.count).toBe(10_000);
});

test("a histogram lists doublings of 1 µs as Redis names them, only those that add calls", () => {
  const histogram = new LatencyHistogram();
  for (const us of [0, 0.5, 3, 3.5, 30, 1_000, 5_000_000]) histogram.add(us);
  expect(histogram.cumulative()).toEqual([
    { upToUs: 1, count: 2 },
    { upToUs: 4, count: 4 },
    { upToUs: 33, count: 5 },
    { upToUs: 1_056, count: 6 },
    { upToUs: 1_082_130, count: 7 },
  ]);
});

test("INFO counts calls, refusals and failures by command, and errors by code", () => {
  const driver = timed(() => 10);
  driver.do("SET", "a", "x");
  driver.do("GET", "a");
  driver.do("INCR", "a");
  driver.do("INCR");
  driver.do("NOSUCH");
  driver.do("LPUSH", "a", "1");
  const info = driver.do("INFO", "all");
  expect(info).toContain("cmdstat_get:calls=1,usec=10,usec_per_call=10.00,rejected_calls=0,failed_calls=0\r\n");
  expect(info).toContain("cmdstat_incr:calls=1,usec=10,usec_per_call=10.00,rejected_calls=1,failed_calls=1\r\n");
  expect(info).toContain("# Errorstats\r\nerrorstat_ERR:count=3\r\nerrorstat_WRONGTYPE:count=1\r\n");
  expect(info).toMatch(/latency_percentiles_usec_get:p50=\d+\.\d{3},p99=\d+\.\d{3},p99\.9=\d+\.\d{3}\r\n/);
  driver.do("CONFIG", "RESETSTAT");
  expect(driver.do("INFO", "errorstats")).toBe("$14\r\n# Errorstats\r\n\r\n");
  expect(driver.do("INFO", "commandstats")).not.toContain("cmdstat_get");
});

test("an error inside of a transaction is counted once", () => {
  const driver = timed(() => 1);
  driver.do("SET", "a", "x");
  driver.do("MULTI");
  driver.do("INCR", "a");
  driver.do("EXEC");
  expect(driver.do("INFO", "errorstats")).toContain("errorstat_ERR:count=1\r\n");
});

test("codes beyond 128 are counted in the sum alone", () => {
  const statistics = new Statistics();
  for (let i = 0; i < 200; i++) statistics.countError(`CODE${i} text`);
  expect([statistics.errorsByCode.size, statistics.errorCount]).toEqual([128, 200]);
});

test("a rate is that of the last 16 samples", () => {
  const rate = new Rate();
  for (let i = 0; i <= 16; i++) rate.sample(i * 100, i * 50);
  expect(rate.perSecond).toBe(500);
  for (let i = 17; i <= 32; i++) rate.sample(i * 100, 800);
  expect(rate.perSecond).toBe(0);
});

test("the keys that are used most and the largest ones are found", () => {
  const driver = new EngineDriver();
  const { engine } = driver;
  const random = createRandom(1);
  for (let i = 0; i < 20_000; i++) {
    const key = random.chance(0.3) ? "hot" : `cold:${random.int(0, 3_000)}`;
    if (random.chance(0.3)) driver.do("SET", key, "x".repeat(key === "hot" ? 10 : i % 50));
    else driver.do("GET", key);
  }
  driver.do("SELECT", 3);
  driver.do("SET", "large", "x".repeat(100_000));
  const [hottest, second] = engine.observer.hotKeys.top(2);
  expect(hottest).toMatchObject({ database: 0, key: "hot" });
  expect(hottest?.amount).toBeGreaterThan(4_500);
  expect(hottest?.amount).toBeLessThan(7_500);
  expect(second?.amount).toBeLessThan(1_000);
  for (let i = 0; i < 100; i++) tick(engine);
  const [largest] = engine.observer.keyWalk.largest(1);
  expect(largest).toMatchObject({ database: 3, key: "large" });
  expect(largest?.amount).toBeGreaterThanOrEqual(100_000);
  expect(engine.observer.keyWalk.largest(1_000).length).toBe(32);
});

test("what was hot an hour ago is forgotten", () => {
  const driver = new EngineDriver();
  const { hotKeys } = driver.engine.observer;
  for (let i = 0; i < 640; i++) driver.do("GET", "hot");
  expect(hotKeys.top(1)[0]?.amount).toBe(640);
  for (let minute = 0; minute < 60; minute++) {
    driver.nowMs += 60_000;
    hotKeys.advance(driver.nowMs);
  }
  expect(hotKeys.top(1)).toEqual([]);
});

test("commands in a row read the clock once each, and what is done between rows is nobody's time", () => {
  let nowUs = 0;
  const driver = new EngineDriver(1, { clockUs: () => (nowUs += 100) });
  const { engine } = driver;
  const ping = new Args();
  ping.assign([bytesOfText("PING")]);
  const command = engine.commands.get("ping");
  const reply = new ReplyWriter();
  engine.beginTurn(driver.nowMs, 1);
  for (let i = 0; i < 4; i++) engine.executeNext(driver.main.session, ping, reply);
  expect({ nowUs, usec: command?.usec }).toEqual({ nowUs: 500, usec: 400 });
  engine.endRow();
  nowUs += 1_000_000;
  engine.executeNext(driver.main.session, ping, reply);
  expect(command?.usec).toBe(500);
  expect(engine.observer.slowLog.latest(10)).toEqual([]);
});

test("a counter of a key that is seldom used goes to the next one, the lowest first", () => {
  const driver = new EngineDriver();
  const { hotKeys } = driver.engine.observer;
  const get = driver.engine.commands.get("get") as Command;
  const args = new Args();
  const use = (key: string, times: number): void => {
    args.assign([bytesOfText("GET"), bytesOfText(key)]);
    for (let i = 0; i < 64 * times; i++) hotKeys.note(get, args, 0);
  };
  for (let i = 0; i < 256; i++) use(`k${i}`, i < 100 ? 3 : 2);
  // 156 counters stand at 2: each newcomer takes one of them, and what it had.
  for (let i = 0; i < 156; i++) use(`new${i}`, 1);
  const kept = hotKeys.top(256);
  expect(kept).toHaveLength(256);
  expect(kept.filter(({ key }) => key.startsWith("new"))).toHaveLength(156);
  expect(new Set(kept.map(({ amount }) => amount))).toEqual(new Set([192]));
  use("late", 1);
  expect(hotKeys.top(1)).toEqual([{ database: 0, key: "late", amount: 256 }]);
});
