import { expect, test } from "vitest";
import { systemClock } from "./system-clock.ts";

test("the wall clock tells the time of day and the monotonic one never goes back", () => {
  expect(Math.abs(systemClock.wallMs() - Date.now())).toBeLessThan(1_000);
  let beforeMs = systemClock.monotonicMs();
  for (let i = 0; i < 1_000; i++) {
    const nowMs = systemClock.monotonicMs();
    expect(nowMs).toBeGreaterThanOrEqual(beforeMs);
    beforeMs = nowMs;
  }
});

test("timers fire later, unless they are cancelled", async () => {
  const fired: string[] = [];
  const done = new Promise<void>((resolve) => {
    systemClock.after(1, () => fired.push("cancelled")).cancel();
    systemClock.after(5, resolve);
    fired.push("set");
  });
  expect(fired).toEqual(["set"]);
  await done;
  expect(fired).toEqual(["set"]);
});
