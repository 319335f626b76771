import fc from "fast-check";
import { expect, test } from "vitest";
import { FakeClock } from "./fake-clock.ts";

test("time stands still until it is advanced, on both clocks", () => {
  const clock = new FakeClock(5_000);
  expect([clock.wallMs(), clock.monotonicMs()]).toEqual([5_000, 0]);
  clock.advance(250);
  expect([clock.wallMs(), clock.monotonicMs()]).toEqual([5_250, 250]);
});

test("setting the wall clock leaves the monotonic clock and its timers alone", () => {
  const clock = new FakeClock(5_000);
  const fired: number[] = [];
  clock.after(100, () => fired.push(clock.wallMs()));
  clock.setWallMs(1_000);
  clock.advance(100);
  expect({ fired, monotonicMs: clock.monotonicMs() }).toEqual({ fired: [1_100], monotonicMs: 100 });
});

test("a timer sees its own deadline as the time, not the end of the advance", () => {
  const clock = new FakeClock();
  const seenMs: number[] = [];
  clock.after(10, () => {
    seenMs.push(clock.monotonicMs());
    clock.after(5, () => seenMs.push(clock.monotonicMs()));
  });
  clock.advance(100);
  expect(seenMs).toEqual([10, 15]);
  expect(clock.monotonicMs()).toBe(100);
});

test("timers fire by deadline, those of one deadline in the order they were set, whatever the delays", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -2, max: 20 }), { maxLength: 60 }), (delaysMs) => {
      const clock = new FakeClock();
      const fired: number[] = [];
      for (const [i, delayMs] of delaysMs.entries()) clock.after(delayMs, () => fired.push(i));
      clock.advance(20);
      const expected = delaysMs.map((delayMs, i) => ({ delayMs: Math.max(0, delayMs), i }));
      expected.sort((a, b) => a.delayMs - b.delayMs || a.i - b.i);
      expect(fired).toEqual(expected.map(({ i }) => i));
      expect(clock.pendingCount).toBe(0);
    }),
  );
});

test("cancelled timers never fire, whichever they are", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 9 }), fc.boolean())), (plans) => {
      const clock = new FakeClock();
      let firedCount = 0;
      const timers = plans.map(([delayMs]) => clock.after(delayMs, () => firedCount++));
      for (const [i, [, isCancelled]] of plans.entries()) if (isCancelled) timers[i]?.cancel();
      const keptCount = plans.filter(([, isCancelled]) => !isCancelled).length;
      expect(clock.pendingCount).toBe(keptCount);
      clock.advance(9);
      expect(firedCount).toBe(keptCount);
    }),
  );
});

test("cancelling twice, or after firing, counts nothing twice", () => {
  const clock = new FakeClock();
  const first = clock.after(1, () => undefined);
  const second = clock.after(2, () => undefined);
  first.cancel();
  first.cancel();
  expect(clock.pendingCount).toBe(1);
  clock.advance(2);
  second.cancel();
  expect(clock.pendingCount).toBe(0);
});

test("the next deadline passes over cancelled timers, and running it moves the time there", () => {
  const clock = new FakeClock();
  clock.after(5, () => undefined).cancel();
  clock.after(7, () => undefined);
  expect(clock.nextDeadlineMs).toBe(7);
  expect(clock.runNext()).toBe(true);
  expect(clock.monotonicMs()).toBe(7);
  expect([clock.runNext(), clock.nextDeadlineMs]).toEqual([false, undefined]);
});

test("an exception of a timer leaves the clock able to go on", () => {
  const clock = new FakeClock();
  let later = false;
  clock.after(1, () => {
    throw new Error("boom");
  });
  clock.after(2, () => {
    later = true;
  });
  expect(() => clock.advance(5)).toThrow("boom");
  clock.advance(5);
  expect(later).toBe(true);
});

test("timers that set each other without delay are reported instead of hanging", () => {
  const clock = new FakeClock();
  const again = (): void => {
    clock.after(0, again);
  };
  again();
  expect(() => clock.advance(1)).toThrow(/set each other without delay/);
});

test("time does not go back", () => {
  expect(() => new FakeClock().advance(-1)).toThrow(RangeError);
});
