import fc from "fast-check";
import { expect, test } from "vitest";
import { RateState } from "../../src/engine/limits/rate-limits.ts";
import { TokenBucket } from "../../src/engine/limits/token-bucket.ts";

test("over any time a bucket gives no more than its burst and its rate", () => {
  const steps = fc.array(
    fc.record({ amount: fc.integer({ min: 1, max: 50 }), afterMs: fc.integer({ min: 0, max: 500 }) }),
  );
  fc.assert(
    fc.property(steps, (takes) => {
      const bucket = new TokenBucket(100, 20, 0);
      let [nowMs, given] = [0, 0];
      for (const { amount, afterMs } of takes) {
        nowMs += afterMs;
        if (bucket.tryTake(amount, nowMs)) given += amount;
      }
      expect(given).toBeLessThanOrEqual(20 + (nowMs * 100) / 1_000 + 1e-6);
    }),
  );
});

test("who takes more than is there is told how long to wait, and who comes behind waits longer", () => {
  const bucket = new TokenBucket(1_000, 100, 0);
  expect(bucket.take(100, 0)).toBe(0);
  expect(bucket.take(500, 0)).toBe(500);
  expect(bucket.take(500, 0)).toBe(1_000);
  expect(bucket.take(0, 1_000)).toBe(0);
});

test("a clock that is set back gives nothing", () => {
  const bucket = new TokenBucket(1_000, 10, 10_000);
  expect(bucket.tryTake(10, 10_000)).toBe(true);
  expect(bucket.tryTake(1, 0)).toBe(false);
});

test("limits that change keep what was taken; limits that go are no limits", () => {
  const state = new RateState();
  expect(state.admits(0)).toBe(true);
  state.setLimits({ requestsPerSecond: 1 }, 0);
  expect(state.admits(0)).toBe(true);
  expect(state.admits(0)).toBe(false);
  state.setLimits({ requestsPerSecond: 2 }, 0);
  expect(state.admits(0)).toBe(false);
  expect(state.admits(500)).toBe(true);
  state.setLimits({}, 500);
  for (let i = 0; i < 100; i++) expect(state.admits(500)).toBe(true);
  expect([state.paces("in"), state.paces("out")]).toEqual([false, false]);
});

test("bytes of each direction have a rate of their own", () => {
  const state = new RateState();
  state.setLimits({ bytesOutPerSecond: 65_536 }, 0);
  expect(state.takeBytes("in", 1e9, 0)).toBe(0);
  expect(state.takeBytes("out", 65_536, 0)).toBe(0);
  expect(state.takeBytes("out", 65_536, 0)).toBe(1_000);
});
