import fc from "fast-check";
import { expect, test } from "vitest";
import { IO_PRIORITIES, IoBudget } from "./io-budget.ts";

const options = { bytesPerSecond: 1_000, targetP99Ms: 10 };

test("who comes first is served at once, and its debt is paid before the next", () => {
  const budget = new IoBudget(options);
  const granted: string[] = [];
  budget.claim(0, 2_000, "scrub", () => granted.push("first"));
  budget.claim(0, 1, "scrub", () => granted.push("second"));
  expect(granted).toEqual(["first"]);
  expect(budget.deadlineMs(0)).toBe(2_000);
  budget.onDeadline(1_999);
  expect(granted).toEqual(["first"]);
  budget.onDeadline(2_000);
  expect(granted).toEqual(["first", "second"]);
  expect(budget.deadlineMs(2_000)).toBeUndefined();
});

test("among those that wait the more important goes first, and the earlier among equals", () => {
  const budget = new IoBudget({ ...options, bytesPerSecond: 10_000 });
  const granted: string[] = [];
  budget.claim(0, 10_000, "scrub", () => granted.push("debt"));
  for (const priority of ["scrub", "compaction", "scrub", "replication", "compaction"] as const) {
    budget.claim(0, 1, priority, () => granted.push(`${priority}${granted.length}`));
  }
  budget.onDeadline(3_000);
  expect(granted).toEqual(["debt", "replication1", "compaction2", "compaction3", "scrub4", "scrub5"]);
});

test("a slow foreground halves the rate down to a floor, a quick one brings it back in steps", () => {
  const budget = new IoBudget(options);
  budget.onForegroundP99(0, 11);
  expect(budget.bytesPerSecond).toBe(500);
  for (let i = 0; i < 20; i++) budget.onForegroundP99(0, 11);
  expect(budget.bytesPerSecond).toBe(1_000 / 64);
  budget.onForegroundP99(0, 9);
  budget.onForegroundP99(0, undefined);
  expect(budget.bytesPerSecond).toBe(1_000 / 64 + 125);
  for (let i = 0; i < 20; i++) budget.onForegroundP99(0, 9);
  expect(budget.bytesPerSecond).toBe(1_000);
});

test("whatever is asked, no more is granted than the rate, the burst and one claim allow", () => {
  const claim = fc.record({
    afterMs: fc.integer({ min: 0, max: 500 }),
    bytes: fc.integer({ min: 1, max: 700 }),
    priority: fc.constantFrom(...IO_PRIORITIES),
  });
  fc.assert(
    fc.property(fc.array(claim), (claims) => {
      const budget = new IoBudget(options);
      let nowMs = 0;
      let grantedBytes = 0;
      for (const { afterMs, bytes, priority } of claims) {
        nowMs += afterMs;
        budget.claim(nowMs, bytes, priority, () => {
          grantedBytes += bytes;
        });
        expect(grantedBytes).toBeLessThanOrEqual(nowMs + 1_000 / 256 + 700);
      }
      for (let deadline = budget.deadlineMs(nowMs); deadline !== undefined; deadline = budget.deadlineMs(nowMs)) {
        nowMs = Math.ceil(deadline);
        budget.onDeadline(nowMs);
      }
      expect(grantedBytes).toBe(claims.reduce((sum, { bytes }) => sum + bytes, 0));
    }),
  );
});
