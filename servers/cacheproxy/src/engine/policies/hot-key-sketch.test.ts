import { createRandom } from "@kagami/clock";
import { keySlotHash } from "@kagami/hashing";
import { expect, test } from "vitest";
import { HotKeySketch } from "./hot-key-sketch.ts";

const text = (value: string) => new TextEncoder().encode(value);
const random1 = createRandom(1);
const random2 = createRandom(2);

/** A sketch, and reads of keys at so many per second each, evenly mixed, for some seconds. */
function feed(sketch: HotKeySketch, clock: { ms: number }, rates: ReadonlyMap<string, number>, seconds: number): void {
  const random = createRandom(5);
  const names = [...rates.keys()].map((name) => ({ key: text(name), rate: rates.get(name) ?? 0 }));
  const total = names.reduce((sum, { rate }) => sum + rate, 0);
  for (let i = 0; i < total * seconds; i++) {
    clock.ms += 1_000 / total;
    let left = random.float() * total;
    const chosen = names.find(({ rate }) => {
      left -= rate;
      return left < 0;
    });
    if (!chosen) throw new Error("no key");
    if (--sketch.readsUntilSample <= 0) {
      sketch.sample(chosen.key, 0, chosen.key.length, keySlotHash(chosen.key, 0, chosen.key.length));
    }
  }
}

function isHot(sketch: HotKeySketch, name: string): boolean {
  const key = text(name);
  return sketch.isHot(key, 0, key.length, keySlotHash(key, 0, key.length));
}

test("the keys asked for most are found among many others, with about their rates", () => {
  const clock = { ms: 1_000_000 };
  const sketch = new HotKeySketch(
    () => random1.float(),
    () => clock.ms,
  );
  const rates = new Map<string, number>();
  for (let i = 0; i < 2_000; i++) rates.set(`cold ${i}`, 3);
  for (let i = 0; i < 10; i++) rates.set(`warm ${i}`, 400 + 100 * i);
  feed(sketch, clock, rates, 4);
  const top = sketch.top(10).map(({ key, perSecond }) => ({ name: new TextDecoder().decode(key), perSecond }));
  expect(top.map(({ name }) => name).sort()).toEqual(Array.from({ length: 10 }, (_, i) => `warm ${i}`));
  for (const { name, perSecond } of top) {
    const rate = rates.get(name) ?? 0;
    expect(Math.abs(perSecond - rate) / rate, `${name}: ${perSecond} for ${rate}`).toBeLessThan(0.35);
  }
});

test("a key becomes hot above the threshold, stays so above half of it, and cools within seconds", () => {
  const clock = { ms: 1_000_000 };
  const sketch = new HotKeySketch(
    () => random2.float(),
    () => clock.ms,
  );
  sketch.setThreshold(500);
  feed(
    sketch,
    clock,
    new Map([
      ["k", 350],
      ["other", 2_000],
    ]),
    3,
  );
  expect([isHot(sketch, "k"), isHot(sketch, "other")]).toEqual([false, true]);
  feed(
    sketch,
    clock,
    new Map([
      ["k", 900],
      ["other", 2_000],
    ]),
    3,
  );
  expect(isHot(sketch, "k")).toBe(true);
  feed(
    sketch,
    clock,
    new Map([
      ["k", 350],
      ["other", 2_000],
    ]),
    8,
  );
  expect(isHot(sketch, "k")).toBe(true);
  feed(sketch, clock, new Map([["other", 2_000]]), 12);
  expect(isHot(sketch, "k")).toBe(false);
});
