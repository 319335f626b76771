import fc from "fast-check";
import { expect, test } from "vitest";
import { DropLog } from "./drop-log.ts";

test("a drop behind a position counts for who was told before it, one at or before the position does not", () => {
  const log = new DropLog();
  log.load(7);
  const before = log.last;
  log.note(10);
  expect(log.hasDroppedBehind(9, before)).toBe(true);
  expect(log.hasDroppedBehind(10, before)).toBe(false);
  expect(log.hasDroppedBehind(9, log.last)).toBe(false);
});

test("who was told by the run before goes on if that was its last word", () => {
  const log = new DropLog();
  log.load(7);
  expect(log.hasDroppedBehind(0, 7)).toBe(false);
  log.note(3);
  expect(log.hasDroppedBehind(2, 7)).toBe(true);
  expect(log.hasDroppedBehind(3, 7)).toBe(false);
});

test.each([
  { since: 6, why: "an earlier run said it" },
  { since: 8, why: "a crash has undone what it says" },
  { since: 1_000_000, why: "nobody here said it" },
])("nothing is known of $since: $why", ({ since }) => {
  const log = new DropLog();
  log.load(7);
  expect(log.hasDroppedBehind(5, since)).toBe(true);
});

test("however often a store starts, what it said last is known until it drops something", () => {
  const log = new DropLog();
  log.load(7);
  log.load(log.last);
  expect(log.hasDroppedBehind(0, 7)).toBe(false);
});

test("a number that a crash has undone is not given again, nor is that of another store", () => {
  const log = new DropLog();
  const said = [new DropLog(), log, log].map((one) => {
    one.load(7);
    one.note(10);
    return one.last;
  });
  log.load(7);
  log.note(20);
  for (const since of said) expect(log.hasDroppedBehind(15, since)).toBe(true);
});

test("where something may have been dropped before drops had numbers, only what was said since then is known", () => {
  const log = new DropLog();
  log.load(undefined);
  expect(log.hasDroppedBehind(5, 0)).toBe(true);
  expect(log.hasDroppedBehind(5, log.last)).toBe(false);
});

test("whatever is dropped, the answer is that of all drops, or careful where there were very many", () => {
  const drops = fc.array(fc.integer({ min: 1, max: 2_000 }), { maxLength: 600 });
  fc.assert(
    fc.property(drops, fc.nat(600), fc.nat(2_000), (sequences, from, after) => {
      const log = new DropLog();
      const first = log.last;
      const numbers = sequences.map((sequence) => {
        log.note(sequence);
        return log.last;
      });
      const since = numbers[Math.min(from, numbers.length - 1)] ?? first;
      const expected = sequences.some((sequence, i) => (numbers[i] ?? 0) > since && sequence > after);
      if (expected) expect(log.hasDroppedBehind(after, since)).toBe(true);
      else if (sequences.length <= 256) expect(log.hasDroppedBehind(after, since)).toBe(false);
    }),
  );
});
