import { Metrics } from "@kagami/kit";
import { expect, test } from "vitest";
import { RateHistory } from "../../src/admin/rate-history.ts";
import { MemoryBudget } from "../../src/service/memory-budget.ts";
import type { RequestContext } from "../../src/service/request-context.ts";
import { ServiceMetrics } from "../../src/service/service-metrics.ts";

function makeWorld() {
  let nowMs = 1_000;
  const metrics = new ServiceMetrics(new Metrics());
  const budget = new MemoryBudget(1_000, 1);
  const clock = () => nowMs;
  const history = new RateHistory({ metrics, budget, monotonicMs: clock, nowMs: clock }, () => 77);
  const count = (bucket: string, status: number, bytesIn: number, bytesOut: number, elapsedMs: number): void => {
    const cx = { bucket: bucket === "" ? undefined : { name: bucket }, status, bytesIn, bytesOut };
    metrics.count({ ...cx, route: { operation: "GetObject" } } as unknown as RequestContext, elapsedMs);
  };
  const pass = (ms: number): void => {
    nowMs += ms;
    history.sample();
  };
  return { history, budget, count, pass };
}

test("a point has the rates and durations since the point before, of all buckets together and of each", () => {
  const { history, budget, count, pass } = makeWorld();
  budget.tryReserve(500);
  for (let i = 0; i < 98; i++) count("media", 200, 0, 1_000, 1);
  count("other", 200, 4_000, 0, 1);
  count("", 503, 0, 0, 100);
  pass(2_000);
  const { points, buckets } = history.since(0);
  const point = { atMs: 3_000, requestsPerS: 50, failuresPerS: 0.5, bytesInPerS: 2_000, bytesOutPerS: 49_000 };
  expect(points).toEqual([{ ...point, p50Ms: 1, p99Ms: 1, bodyBytes: 500, residentBytes: 77 }]);
  expect(buckets).toEqual({
    media: { requestsPerS: 49, bytesInPerS: 0, bytesOutPerS: 49_000 },
    other: { requestsPerS: 0.5, bytesInPerS: 2_000, bytesOutPerS: 0 },
  });
  for (let i = 0; i < 2; i++) count("media", 200, 0, 0, 100);
  pass(1_000);
  const [later] = history.since(3_000).points;
  expect(later).toMatchObject({ requestsPerS: 2, failuresPerS: 0 });
  expect(later?.p99Ms).toBeGreaterThanOrEqual(100);
  expect(later?.p99Ms).toBeLessThan(120);
  expect(history.since(0).buckets).toEqual({ media: { requestsPerS: 2, bytesInPerS: 0, bytesOutPerS: 0 } });
});

test("a time without requests has no durations, and two samples at one instant are one point", () => {
  const { history, pass } = makeWorld();
  pass(2_000);
  pass(0);
  expect(history.since(0).points).toMatchObject([{ requestsPerS: 0, p50Ms: null, p99Ms: null }]);
});

test("300 points are kept", () => {
  const { history, pass } = makeWorld();
  for (let i = 0; i < 305; i++) pass(2_000);
  const { points } = history.since(0);
  expect([points.length, points[0]?.atMs]).toEqual([300, 13_000]);
});
