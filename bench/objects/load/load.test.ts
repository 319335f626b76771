import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createRandom } from "@kagami/clock";
import fc from "fast-check";
import { afterEach, expect, test } from "vitest";
import { Histogram, histogramOf } from "./histogram.ts";
import { parseKeyChooser } from "./keys.ts";
import type { LoadPlan } from "./load-plan.ts";
import { LoadRun } from "./load-run.ts";
import { parseMix } from "./mix.ts";
import { parseSize, parseSizes } from "./size.ts";

test("a percentile is at most 0.8 % above the value itself, and the largest value is exact", () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat({ max: 2 ** 31 - 1 }), { minLength: 1, maxLength: 300 }),
      fc.nat(1_000),
      (values, n) => {
        const histogram = new Histogram();
        for (const value of values) histogram.record(value);
        const sorted = values.toSorted((a, b) => a - b);
        const exact = sorted[Math.max(1, Math.ceil((n / 1_000) * values.length - 1e-9)) - 1] as number;
        const found = histogram.percentile(n / 1_000);
        expect(found).toBeGreaterThanOrEqual(exact);
        expect(found).toBeLessThanOrEqual(exact * (1 + 1 / 128));
        expect(histogram.percentile(1)).toBe(sorted.at(-1));
      },
    ),
  );
});

test("histograms of several processes add up", () => {
  const [one, other] = [new Histogram(), new Histogram()];
  for (let us = 1; us <= 500; us++) one.record(us);
  for (let us = 501; us <= 1_000; us++) other.record(us);
  const both = histogramOf(one.toSparse(), other.toSparse());
  expect(both.count).toBe(1_000);
  expect(both.percentile(0.5)).toBeGreaterThanOrEqual(500);
  expect(both.percentile(0.5)).toBeLessThanOrEqual(504);
  expect(new Histogram().percentile(0.5)).toBeNaN();
});

test.each([
  { us: -5, holds: 0, why: "a clock that goes back" },
  { us: 2 ** 40, holds: 2 ** 36 - 1, why: "longer than anyone waits" },
  { us: 2 ** 20, holds: 2 ** 20, why: "the first value of a power of two" },
  { us: 2 ** 20 - 1, holds: 2 ** 20 - 1, why: "the last value before it" },
])("a histogram keeps $us us as $holds: $why", ({ us, holds }) => {
  const histogram = new Histogram();
  histogram.record(us);
  expect(histogram.percentile(1)).toBe(holds);
});

test.each([
  { text: "10KB", bytes: 10_000 },
  { text: "64KiB", bytes: 65_536 },
  { text: "1.5mb", bytes: 1_500_000 },
  { text: "0", bytes: 0 },
  { text: "6GB", bytes: undefined },
  { text: "10 miles", bytes: undefined },
  { text: "-1", bytes: undefined },
])("the size $text is $bytes bytes", ({ text, bytes }) => {
  expect(parseSize(text)).toBe(bytes);
});

test("sizes of a range stay in it and are as often small as large by magnitude", () => {
  const sizes = parseSizes("1KB-1MB*3|64MB");
  if (typeof sizes === "string") throw new Error(sizes);
  const random = createRandom(1);
  const drawn = Array.from({ length: 4_000 }, () => sizes.next(random));
  const ranged = drawn.filter((size) => size <= 1_000_000);
  expect(drawn.every((size) => size === 64_000_000 || (size >= 1_000 && size <= 1_000_000))).toBe(true);
  expect(ranged.length / drawn.length).toBeCloseTo(0.75, 1);
  expect(ranged.filter((size) => size < 31_623).length / ranged.length).toBeCloseTo(0.5, 1);
  expect(sizes.largestBytes).toBe(64_000_000);
});

test("a mix with rates is an open loop, one with weights a closed one", () => {
  expect(parseMix("put:10KB@100/s, get:[1KB*80|1MB*20]@1000.5/s,list@5/s,delete@5/s")).toEqual({
    loop: "open",
    entries: [
      { operation: "put", size: "10KB", perSecond: 100, weight: 1 },
      { operation: "get", size: "1KB*80|1MB*20", perSecond: 1_000.5, weight: 1 },
      { operation: "list", size: "100", perSecond: 5, weight: 1 },
      { operation: "delete", size: "", perSecond: 5, weight: 1 },
    ],
  });
  expect(parseMix("put*1,get:4KiB*9")).toMatchObject({ loop: "closed", entries: [{ weight: 1 }, { weight: 9 }] });
});

test.each([
  { text: "get:10KB@5/s,put", says: "a rate, or none" },
  { text: "post:1KB", says: 'no operation "post"' },
  { text: "get:ten@5/s", says: '"ten" is no size' },
  { text: "get@0/s", says: "above 0" },
  { text: "get@1000000/s", says: "at most 100000/s" },
  { text: "get*0", says: "weight" },
  { text: "list:5000", says: "1 to 1000 keys" },
  { text: "delete:5KB", says: "no size" },
  { text: "get:9KB-1KB", says: "ends below" },
  { text: "", says: "Cannot read" },
])("the mix $text is refused: $says", ({ text, says }) => {
  expect(parseMix(text)).toContain(says);
});

test.each(["uniform", "sequential", "latest", "zipf:0.9", "zipf:1", "zipf:1.5"])(
  "%s chooses keys that are there",
  (text) => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000_000 }), fc.nat(), (count, seed) => {
        const choose = parseKeyChooser(text, count);
        if (typeof choose === "string") throw new Error(choose);
        const random = createRandom(seed);
        for (let i = 0; i < 20; i++) {
          const index = choose(random);
          expect(Number.isInteger(index) && index >= 0 && index < count).toBe(true);
        }
      }),
    );
  },
);

test("a zipf distribution asks for few keys most of the time, a uniform one for none", () => {
  const share = (text: string): number => {
    const choose = parseKeyChooser(text, 10_000);
    if (typeof choose === "string") throw new Error(choose);
    const random = createRandom(7);
    const counts = new Map<number, number>();
    for (let i = 0; i < 20_000; i++) {
      const index = choose(random);
      counts.set(index, (counts.get(index) ?? 0) + 1);
    }
    const top = [...counts.values()].sort((a, b) => b - a).slice(0, 100);
    return top.reduce((sum, count) => sum + count, 0) / 20_000;
  };
  expect(share("zipf:1.1")).toBeGreaterThan(0.5);
  expect(share("uniform")).toBeLessThan(0.05);
  expect(parseKeyChooser("pareto", 10)).toContain("no key distribution");
});

let server: Server | undefined;
const runs: LoadRun[] = [];
afterEach(async () => {
  for (const run of runs.splice(0)) await run.close();
  server?.closeAllConnections();
  server?.close();
  server = undefined;
});

async function planFor(
  handler: (request: IncomingMessage, response: ServerResponse) => void,
  change: Partial<LoadPlan> & { mix: string },
): Promise<LoadRun> {
  const listening = createServer((request, response) => {
    request.resume();
    request.once("end", () => handler(request, response));
  });
  server = listening;
  await new Promise<void>((resolve) => listening.listen(0, "127.0.0.1", resolve));
  const mix = parseMix(change.mix);
  const address = listening.address();
  if (typeof mix === "string" || typeof address !== "object") throw new Error(String(mix));
  const run = new LoadRun({
    endpoint: `http://127.0.0.1:${address?.port}`,
    bucket: "bench",
    credentials: { accessKey: "a", secretKey: "s" },
    signing: "header",
    connections: 4,
    keyCount: 10,
    keys: "uniform",
    arrivals: "even",
    warmUpMs: 0,
    durationMs: 500,
    seed: 1,
    prepares: false,
    prepareFrom: 0,
    ...mix,
    ...change,
  });
  runs.push(run);
  return run;
}

test("the open loop sends as many of each kind as were asked for", async () => {
  const methods: (string | undefined)[] = [];
  const run = await planFor(
    (request, response) => {
      methods.push(request.method);
      response.end("ok");
    },
    { mix: "put:1KB@40/s,get:1KB@200/s" },
  );
  const { entries } = await run.measure();
  expect(entries.map(({ name, count }) => ({ name, count }))).toEqual([
    { name: "put:1KB", count: 20 },
    { name: "get:1KB", count: 100 },
  ]);
  expect(methods.filter((method) => method === "PUT")).toHaveLength(20);
  expect(entries[0]?.bytes).toBe(20 * 1_002);
});

test("a server that stands still is charged for everyone who came meanwhile, not for four connections", async () => {
  let stoppedUntilMs = 0;
  const run = await planFor(
    (_request, response) => {
      const nowMs = performance.now();
      stoppedUntilMs ||= nowMs + 250;
      // Answers are held back, as by a pause of a garbage collector.
      if (nowMs < stoppedUntilMs) setTimeout(() => response.end(), stoppedUntilMs - nowMs);
      else response.end();
    },
    { mix: "get:1KB@400/s" },
  );
  const { entries } = await run.measure();
  const latency = histogramOf(entries[0]?.latency ?? []);
  const service = histogramOf(entries[0]?.service ?? []);
  expect(latency.count).toBe(200);
  // A hundred came during the stop; half of those waited for more than half of it.
  expect(latency.percentile(0.75)).toBeGreaterThan(100_000);
  expect(service.percentile(0.75)).toBeLessThan(100_000);
});

test("errors are counted by the server's code, and deletes never outrun puts", async () => {
  const run = await planFor(
    (request, response) => {
      if (request.method !== "GET") response.writeHead(request.method === "DELETE" ? 204 : 200).end();
      else response.writeHead(503).end("<Error><Code>SlowDown</Code></Error>");
    },
    { mix: "put:1KB@50/s,delete@100/s,get@50/s,head@50/s" },
  );
  const { entries } = await run.measure();
  const byName = new Map(entries.map((entry) => [entry.name, entry]));
  expect(byName.get("get:10KB")?.errors).toEqual({ SlowDown: 25 });
  expect(byName.get("delete")?.count).toBeLessThanOrEqual(byName.get("put:1KB")?.count ?? 0);
  expect(byName.get("delete")?.errors.NOTHING_TO_DELETE).toBeGreaterThan(20);
  expect(byName.get("head:10KB")?.count).toBe(25);
});

test("the closed loop keeps to the weights, and objects are stored before they are read", async () => {
  const stored = new Set<string>();
  const run = await planFor(
    (request, response) => {
      const path = String(request.url);
      if (request.method === "PUT") stored.add(path);
      response.writeHead(request.method === "GET" && !stored.has(path) ? 404 : 200).end();
    },
    { mix: "put:1KB*1,get:1KB*3", durationMs: 1_000 },
  );
  expect(await run.prepare()).toBe(10);
  const { entries } = await run.measure();
  const [puts = 0, gets = 0] = entries.map(({ count }) => count);
  expect(entries.map(({ errors }) => errors)).toEqual([{}, {}]);
  expect(puts).toBeGreaterThan(20);
  expect(gets / puts).toBeGreaterThan(2);
  expect(gets / puts).toBeLessThan(4.5);
});

test("a server that is not there is an error of every request, and the run ends", async () => {
  const run = await planFor((_request, response) => response.end(), { mix: "get*1", durationMs: 50 });
  server?.close();
  const { entries } = await run.measure();
  expect(entries[0]?.count).toBe(0);
  expect(Object.keys(entries[0]?.errors ?? {})).toEqual(["ECONNREFUSED"]);
  await expect(run.prepare()).rejects.toThrow("ECONNREFUSED");
});
