import fc from "fast-check";
import { expect, test } from "vitest";
import type { HashNode } from "./selector.ts";
import { SLOT_COUNT, SlotTable, slotOf } from "./slot-table.ts";

const names = ["a", "b", "c", "d", "e", "f", "g", "10.0.0.1:11211", "cache-eu-1", "ünïcödé"];
const nodeLists = fc.uniqueArray(
  fc.record({ name: fc.constantFrom(...names), weight: fc.constantFrom(1, 2, 3, 7, 1_000) }),
  { selector: ({ name }) => name, minLength: 1, maxLength: names.length },
);

test("a derived table is the one that would be built anew, whatever changed", { timeout: 60_000 }, () => {
  fc.assert(
    fc.property(fc.array(nodeLists, { minLength: 2, maxLength: 4 }), (lists) => {
      const [first = [], ...rest] = lists;
      let table = SlotTable.build(first);
      for (const nodes of rest) table = table.derive(nodes);
      expect(ownerNames(table, lists.at(-1) ?? [])).toEqual(
        ownerNames(SlotTable.build(lists.at(-1) ?? []), lists.at(-1) ?? []),
      );
    }),
    { numRuns: 5 },
  );
});

test("no slot moves but to a node that is new or heavier, or from one that left or is lighter", {
  timeout: 60_000,
}, () => {
  fc.assert(
    fc.property(nodeLists, nodeLists, (before, after) => {
      const from = ownerNames(SlotTable.build(before), before);
      const to = ownerNames(SlotTable.build(before).derive(after), after);
      const weightBefore = new Map(before.map(({ name, weight }) => [name, weight]));
      const weightAfter = new Map(after.map(({ name, weight }) => [name, weight]));
      const needless = from.filter((name, slot) => {
        const newName = to[slot] as string;
        if (newName === name) return false;
        const hasGrown = (weightAfter.get(newName) ?? 0) > (weightBefore.get(newName) ?? 0);
        const hasShrunk = (weightAfter.get(name) ?? 0) < (weightBefore.get(name) ?? 0);
        return !(hasGrown || hasShrunk);
      });
      expect(needless).toEqual([]);
    }),
    { numRuns: 5 },
  );
});

test("the order of the list does not matter", () => {
  const nodes = names.map((name, i) => ({ name, weight: 1 + (i % 4) }));
  const reversed = nodes.toReversed();
  const [one, other] = [reversed, nodes].map((list) => ownerNames(SlotTable.build(list), list));
  expect(differingSlots(one ?? [], other ?? [])).toEqual([]);
});

test.each([
  { count: 3, weightOf: () => 1 },
  { count: 10, weightOf: (i: number) => 1 + (i % 5) },
  { count: 100, weightOf: () => 7 },
  { count: 100, weightOf: (i: number) => 1 + (i % 9) },
])("$count nodes own slots in proportion to their weights", ({ count, weightOf }) => {
  const nodes = Array.from({ length: count }, (_, i) => ({ name: `cache-${i}`, weight: weightOf(i) }));
  const table = SlotTable.build(nodes);
  const owned = new Float64Array(count);
  for (let slot = 0; slot < SLOT_COUNT; slot++) owned[table.owner(slot)] = (owned[table.owner(slot)] ?? 0) + 1;
  const weights = nodes.reduce((sum, { weight }) => sum + weight, 0);
  const chiSquare = nodes.reduce((sum, { weight }, i) => {
    const expected = (SLOT_COUNT * weight) / weights;
    return sum + ((owned[i] ?? 0) - expected) ** 2 / expected;
  }, 0);
  // Mean of chi-square: its degrees of freedom; standard deviation: the root of twice them. Four of those.
  const freedom = count - 1;
  expect(chiSquare).toBeLessThan(freedom + 4 * Math.sqrt(2 * freedom));
});

test("the ranking of a slot begins with its owner, and goes on with who would own it without those before", () => {
  const nodes = names.map((name, i) => ({ name, weight: 1 + (i % 3) }));
  const table = SlotTable.build(nodes);
  let remaining: HashNode[] = [...nodes];
  for (const slot of [0, 65_535]) {
    remaining = [...nodes];
    const ranking = table.replicas(slot, nodes.length).map((position) => names[position]);
    const expected: string[] = [];
    while (remaining.length > 0) {
      const owner = remaining[SlotTable.build(remaining).owner(slot)]?.name as string;
      expected.push(owner);
      remaining = remaining.filter(({ name }) => name !== owner);
    }
    expect(ranking).toEqual(expected);
  }
});

test("replicas are the beginning of the ranking, and no more than there are nodes", () => {
  const nodes = names.map((name) => ({ name, weight: 1 }));
  const table = SlotTable.build(nodes);
  for (let slot = 0; slot < 500; slot++) {
    const all = table.replicas(slot, 99);
    expect(all.toSorted((a, b) => a - b)).toEqual(names.map((_, i) => i));
    expect(table.replicas(slot, 3)).toEqual(all.slice(0, 3));
    expect(table.replicas(slot, 1)).toEqual([table.owner(slot)]);
    expect(table.replicas(slot, 0)).toEqual([]);
  }
});

test("a key belongs to the owner of its slot, whatever its bytes are", () => {
  const table = SlotTable.build(names.map((name) => ({ name, weight: 1 })));
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 260 }), (key) => {
      expect(table.select(key, 0, key.length)).toBe(table.owner(slotOf(key, 0, key.length)));
    }),
  );
});

test("tables stay what they are from release to release, because proxies of both must agree", () => {
  const table = SlotTable.build([
    { name: "a", weight: 1 },
    { name: "b", weight: 2 },
    { name: "c", weight: 3 },
    { name: "d", weight: 1_000 },
    { name: "e", weight: 500 },
  ]);
  let check = 0;
  for (let slot = 0; slot < SLOT_COUNT; slot++) check = (Math.imul(check, 31) + table.owner(slot)) | 0;
  expect(check).toBe(-1_162_144_548);
  expect([0, 1, 2, 3].map((slot) => table.replicas(slot, 5).join(""))).toEqual(["34102", "43021", "34210", "43120"]);
});

test.each([-1, 65_536, 1.5, Number.NaN])("there is no slot %d", (slot) => {
  const table = SlotTable.build([{ name: "a", weight: 1 }]);
  expect(() => table.owner(slot)).toThrow(RangeError);
  expect(() => table.replicas(slot, 1)).toThrow(RangeError);
});

/** Slots whose owners differ; comparing long arrays by `toEqual` takes longer than all else. */
function differingSlots(one: readonly string[], other: readonly string[]): number[] {
  return [...one.keys()].filter((slot) => one[slot] !== other[slot]);
}

function ownerNames(table: SlotTable, nodes: readonly HashNode[]): string[] {
  return Array.from({ length: SLOT_COUNT }, (_, slot) => nodes[table.owner(slot)]?.name ?? "");
}
