import { expect, test } from "vitest";
import { QUANTIZER_START, QuantizerControl } from "./quantizer.ts";

/** A second of pictures of ours. */
function feed(control: QuantizerControl, second: number, bitsPerSecond: number): void {
  for (let i = 0; i <= 31; i++) control.add(second * 1e6 + i * 33_333, bitsPerSecond / 8 / 30);
}

test.each([
  { ours: 3_000_000, publisher: 2_400_000, steps: 0, why: "as much as ultrafast needs for the same look" },
  { ours: 7_200_000, publisher: 2_400_000, steps: 7, why: "twice too much is six steps, and one for the fraction" },
  { ours: 1_400_000, publisher: 100_000, steps: 0, why: "a still source leaves a floor" },
  { ours: 1_000_000, publisher: 4_000_000, steps: -1, why: "there is room, which is taken step by step" },
  { ours: 4_000_000, publisher: 0, steps: 0, why: "nothing is known of the publisher" },
  { ours: 900_000_000, publisher: 2_400_000, steps: 14, why: "there is a coarsest one" },
])("ours $ours, the publisher's $publisher bits a second: $steps steps, for $why", ({ ours, publisher, steps }) => {
  const control = new QuantizerControl();
  expect(control.next(publisher)).toBe(QUANTIZER_START);
  feed(control, 0, ours);
  expect(control.next(publisher)).toBe(QUANTIZER_START + steps);
});

test("pictures stay under the limit after one choice, and never become finer than makes sense", () => {
  const control = new QuantizerControl();
  feed(control, 0, 10_000_000);
  const steps = control.next(2_000_000) - QUANTIZER_START;
  expect(10_000_000 * 2 ** (-steps / 6)).toBeLessThanOrEqual(3_000_000);
  for (let second = 2; second < 200; second += 2) {
    feed(control, second, 1_000);
    control.next(2_000_000);
  }
  expect(control.next(2_000_000)).toBe(22);
});

test("a second of pictures is needed for a choice, however many runs it takes", () => {
  const control = new QuantizerControl();
  const run = (second: number): void => {
    for (let i = 0; i < 15; i++) control.add(second * 1e6 + i * 33_333, 100_000);
  };
  for (const second of [0, 10, 20]) {
    expect(control.next(2_000_000)).toBe(QUANTIZER_START);
    run(second);
  }
  expect(control.next(2_000_000)).toBeGreaterThan(QUANTIZER_START);
});
