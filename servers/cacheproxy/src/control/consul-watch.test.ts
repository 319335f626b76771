import { createRandom, FakeClock } from "@kagami/clock";
import { afterEach, expect, test } from "vitest";
import type { Indexed } from "./consul-client.ts";
import { ConsulWatch } from "./consul-watch.ts";

type Step = { readonly index: bigint; readonly value: string } | Error;

let watch: ConsulWatch<string> | undefined;

afterEach(() => watch?.close());

/** Answers with the steps in turn, then hangs. */
async function follow(steps: readonly Step[]) {
  const clock = new FakeClock();
  const asked: { index: bigint; atMs: number }[] = [];
  const values: string[] = [];
  const troubles: (string | undefined)[] = [];
  const rest = [...steps];
  watch = new ConsulWatch<string>({
    clock,
    random: createRandom(1),
    waitMs: 10_000,
    query: ({ index }) => {
      asked.push({ index, atMs: clock.monotonicMs() });
      const step = rest.shift();
      if (step === undefined) return new Promise<Indexed<string>>(() => undefined);
      return step instanceof Error ? Promise.reject(step) : Promise.resolve(step);
    },
    onValue: (value) => values.push(value),
    onTrouble: (error) => troubles.push(error?.message),
  });
  for (let i = 0; i < 5_000 && asked.length <= steps.length; i++) {
    await Promise.resolve();
    await Promise.resolve();
    clock.advance(20);
  }
  return { asked, values, troubles };
}

const at = (index: number, value: string) => ({ index: BigInt(index), value });

test("each answer's index is asked for next, and the same index is no change", async () => {
  const { asked, values } = await follow([at(5, "a"), at(5, "a"), at(9, "b")]);
  expect(asked.map(({ index }) => index)).toEqual([0n, 5n, 5n, 9n]);
  expect(values).toEqual(["a", "b"]);
});

test("an index that goes backwards starts again from 0, and its value is told", async () => {
  const { asked, values } = await follow([at(90, "a"), at(3, "b"), at(3, "b")]);
  expect(asked.map(({ index }) => index)).toEqual([0n, 90n, 0n, 3n]);
  expect(values).toEqual(["a", "b", "b"]);
});

test("an index above what a number holds is kept exactly", async () => {
  const index = 2n ** 53n + 1n;
  const { asked } = await follow([{ index, value: "a" }]);
  expect(asked[1]?.index).toBe(index);
});

test("after failures it waits longer and longer, starts from 0, and tells when it works again", async () => {
  const failures = Array.from({ length: 10 }, (_, i) => new Error(`no ${i}`));
  const { asked, troubles } = await follow([at(7, "a"), ...failures, at(8, "b")]);
  const waitsMs = asked.slice(2, 12).map(({ atMs }, i) => atMs - (asked[i + 1]?.atMs ?? 0));
  for (const [i, waitMs] of waitsMs.entries()) {
    const mostMs = Math.min(10_000, 100 * 2 ** i);
    expect(waitMs).toBeGreaterThanOrEqual(mostMs / 2 - 20);
    expect(waitMs).toBeLessThanOrEqual(mostMs + 40);
  }
  expect(asked.slice(2, 12).every(({ index }) => index === 0n)).toBe(true);
  expect(troubles).toEqual([...failures.map(({ message }) => message), undefined]);
});
