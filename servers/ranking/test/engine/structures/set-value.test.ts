import { createRandom, type Random, seeds } from "@kagami/clock";
import { expect, test } from "vitest";
import { CommandError } from "../../../src/engine/replies.ts";
import { SeededRandom } from "../../../src/engine/seeded-random.ts";
import { MAX_MEMBER_BYTES, SetForm, SetValue } from "../../../src/engine/structures/set-value.ts";
import { emptyStore, latin, textOf } from "./support.ts";

/** Members of a kind: what a set of them becomes depends on it. */
const KINDS: Readonly<Record<string, (random: Random) => string>> = {
  "small numbers": (random) => String(random.int(-200, 200)),
  "numbers of all widths": (random) =>
    String(random.pick([1, 300, 40_000, -3_000_000_000, 2 ** 52]) * random.int(-9, 9) + random.int(0, 9)),
  "numbers of 64 bits": (random) => `92233720368547${random.int(10_000, 99_999)}`,
  words: (random) => `w${random.int(0, 90)}`,
  "many words": (random) => `word:${random.int(0, 3_000)}`,
  "long words": (random) => "y".repeat(random.int(50, 80)),
  mixed: (random) => random.pick([String(random.int(0, 50)), `w${random.int(0, 50)}`, "", "01", "-0"]),
};

function contents(set: SetValue): string[] {
  const found: string[] = [];
  set.forEachMember((bytes, start, end) => void found.push(textOf(bytes, start, end)));
  return found;
}

/** Whether Redis takes a member for a whole number of 64 bits. */
function isIntset(member: string): boolean {
  return /^(?:0|-?[1-9]\d*)$/.test(member) && BigInt.asIntN(64, BigInt(member)) === BigInt(member);
}

test.each(Object.keys(KINDS).flatMap((kind) => seeds(3).map((seed) => ({ kind, seed }))))(
  "a set of $kind is a set, and gives all its memory back, seed $seed",
  ({ kind, seed }) => {
    const random = createRandom(seed);
    const { store, outsideBytes } = emptyStore();
    const set = new SetValue(store);
    const model = new Set<string>();
    let encoding = "intset";
    for (let step = 0; step < 4_000; step++) {
      const text = (KINDS[kind] as (random: Random) => string)(random);
      const bytes = latin(text);
      expect(set.has(bytes, 0, bytes.length)).toBe(model.has(text));
      if (random.chance(step < 2_000 ? 0.7 : 0.4)) {
        expect(set.add(bytes, 0, bytes.length)).toBe(!model.has(text));
        model.add(text);
        if (!isIntset(text) || model.size > 512) encoding = "hashtable";
      } else expect(set.remove(bytes, 0, bytes.length)).toBe(model.delete(text));
      expect(set.size).toBe(model.size);
      expect(set.encoding).toBe(encoding);
    }
    expect(contents(set).toSorted()).toEqual([...model].toSorted());
    const copy = set.copy();
    while (!set.release(50));
    expect(contents(copy).toSorted()).toEqual([...model].toSorted());
    expect(copy.encoding).toBe(encoding);
    while (!copy.release(50));
    store.heap.trim();
    expect(store.heap.use.liveBytes).toBe(0);
    expect(store.heap.outsideBytes).toBe(outsideBytes);
  },
);

test.each(Object.keys(KINDS))("sets of %s that were made differently pick the same members", (kind) => {
  const random = createRandom(5);
  const members = [...new Set(Array.from({ length: 300 }, () => (KINDS[kind] as (random: Random) => string)(random)))];
  const make = (order: readonly string[]): SetValue => {
    const set = new SetValue(emptyStore().store);
    for (const member of order) set.add(latin(member), 0, member.length);
    return set;
  };
  const first = make(members);
  const second = make(members.toReversed());
  second.restoreForm(first.form, first.encoding);
  const picks = (set: SetValue): string[] => {
    const seeded = new SeededRandom();
    seeded.begin(9, 0);
    return Array.from({ length: 100 }, () => {
      let text = "";
      set.visitPicked(set.pick(seeded), (bytes, start, end) => {
        text = textOf(bytes, start, end);
      });
      return text;
    });
  };
  expect(picks(second)).toEqual(picks(first));
  expect(new Set(picks(first)).size).toBeGreaterThan(Math.min(members.length, 60) / 4);
  expect(picks(first).every((member) => members.includes(member))).toBe(true);
});

test("a set that was a table stays one, and says so when it is restored", () => {
  const { store } = emptyStore();
  const set = new SetValue(store);
  for (let i = 0; i < 200; i++) set.add(latin(`m${i}`), 0, `m${i}`.length);
  for (let i = 3; i < 200; i++) set.remove(latin(`m${i}`), 0, `m${i}`.length);
  expect(set.form).toBe(SetForm.table);
  const restored = new SetValue(store);
  for (const member of contents(set)) restored.add(latin(member), 0, member.length);
  expect(restored.form).toBe(SetForm.packed);
  restored.restoreForm(set.form, set.encoding);
  expect(restored.form).toBe(SetForm.table);
  expect(contents(restored).toSorted()).toEqual(["m0", "m1", "m2"]);
});

test("a walk of a big set in steps sees every member that was there all the time", () => {
  const { store } = emptyStore();
  const set = new SetValue(store);
  const add = (text: string): boolean => set.add(latin(text), 0, text.length);
  for (let i = 0; i < 1_000; i++) add(`m${i}`);
  const seen = new Set<string>();
  let cursor = 0;
  let steps = 0;
  do {
    cursor = set.scan(cursor, 10, (bytes, start, end) => void seen.add(textOf(bytes, start, end)));
    add(`later${steps++}`);
  } while (cursor !== 0);
  for (let i = 0; i < 1_000; i++) expect(seen.has(`m${i}`)).toBe(true);
  expect(steps).toBeGreaterThan(50);
});

test("the longest member has its place, and one byte more is refused before anything changes", () => {
  const { store } = emptyStore();
  const set = new SetValue(store);
  const longest = new Uint8Array(MAX_MEMBER_BYTES).fill(97);
  expect(set.add(longest, 0, longest.length)).toBe(true);
  expect(set.has(longest, 0, longest.length)).toBe(true);
  const tooLong = new Uint8Array(MAX_MEMBER_BYTES + 1).fill(97);
  expect(() => set.add(tooLong, 0, tooLong.length)).toThrow(CommandError);
  expect(set.has(tooLong, 0, tooLong.length)).toBe(false);
  expect(set.remove(tooLong, 0, tooLong.length)).toBe(false);
  expect(set.size).toBe(1);
});
