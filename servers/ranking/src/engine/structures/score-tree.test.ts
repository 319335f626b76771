import { createRandom, type Random, seeds } from "@kagami/clock";
import { expect, test } from "vitest";
import { Heap } from "../memory/heap.ts";
import { ScoreTree } from "./score-tree.ts";

interface Entry {
  readonly score: number;
  readonly record: number;
}

/** Records are plain numbers here: the tree only ever compares them by the tie order. */
const BY_NUMBER = { compare: (a: number, b: number): number => a - b };
const BACKWARDS = { compare: (a: number, b: number): number => b - a };

function entriesOf(tree: ScoreTree): Entry[] {
  const entries: Entry[] = [];
  tree.forEach(0, tree.size, (record, score) => entries.push({ score, record }));
  return entries;
}

const DRAWS: readonly { why: string; draw: (random: Random) => number }[] = [
  { why: "wide scores", draw: (random) => random.float() * 1e6 },
  { why: "a few scores, each in many leaves", draw: (random) => random.int(0, 3) },
  { why: "one score", draw: () => 7 },
  { why: "infinities and both zeros", draw: (random) => random.pick([-Infinity, Infinity, -0, 0, 1, -1]) },
  { why: "some ties", draw: (random) => random.int(-300, 300) },
];

const CASES = DRAWS.flatMap(({ why, draw }) => seeds(2).map((seed) => ({ why, draw, seed })));

test.each(CASES)("a tree of $why answers as a sorted list does, seed $seed", ({ draw, seed }) => {
  const random = createRandom(seed);
  const heap = new Heap();
  const ties = random.chance(0.5) ? BY_NUMBER : BACKWARDS;
  const tree = new ScoreTree(heap, ties, true);
  let model: Entry[] = [];
  const compare = (a: Entry, b: Entry): number =>
    a.score < b.score ? -1 : a.score > b.score ? 1 : ties.compare(a.record, b.record);
  let last = 0;
  for (const [growth, shrinkage] of [
    [6_000, 1_000],
    [1_000, 5_000],
    [4_000, 4_500],
    [300, 10_000],
  ] as const) {
    for (let left = growth + shrinkage; left > 0; left--) {
      if (model.length > 0 && random.chance(0.4)) {
        const index = random.int(0, model.length - 1);
        const { score, record } = model[index] as Entry;
        // Mostly a little, so that it stays in its leaf; else anywhere.
        const next = random.chance(0.7) && Number.isFinite(score) ? score + random.int(-2, 2) : draw(random);
        tree.lift(score, record);
        tree.move(next);
        model[index] = { score: next, record };
        expect(tree.rankOf(next, record)).toBe(
          tree.countWhile((other, s) => compare({ score: s, record: other }, { score: next, record }) < 0),
        );
        expect(tree.countBefore(next, record)).toBe(tree.countWhile((_other, s) => s < next));
      } else if (random.int(0, growth + shrinkage) < growth) {
        const entry = { score: draw(random), record: ++last };
        tree.insert(entry.score, entry.record);
        model.push(entry);
      } else if (model.length > 0) {
        const index = random.int(0, model.length - 1);
        const entry = model[index] as Entry;
        model[index] = model.at(-1) as Entry;
        model.pop();
        expect(tree.remove(entry.score, entry.record)).toBe(true);
      }
    }
    model = model.toSorted(compare);
    check(tree, model, random, draw);
  }
  for (const { score, record } of random.shuffle(model)) expect(tree.remove(score, record)).toBe(true);
  expect(tree.size).toBe(0);
  expect(tree.usedBytes).toBe(0);
  heap.trim();
  expect(heap.use.liveBytes).toBe(0);
});

function check(tree: ScoreTree, model: readonly Entry[], random: Random, draw: (random: Random) => number): void {
  expect(entriesOf(tree)).toEqual(model);
  for (let i = 0; i < 50; i++) {
    const score = draw(random);
    const below = model.filter((entry) => entry.score < score);
    const upTo = model.filter((entry) => entry.score <= score);
    expect(tree.countBelow(score, false)).toBe(below.length);
    expect(tree.countBelow(score, true)).toBe(upTo.length);
    expect(tree.distinctBelow(score, false)).toBe(distinct(below));
    expect(tree.distinctBelow(score, true)).toBe(distinct(upTo));
    expect(tree.countWhile((_record, other) => other < score)).toBe(below.length);
    if (model.length === 0) continue;
    const rank = random.int(0, model.length - 1);
    const entry = model[rank] as Entry;
    expect(tree.rankOf(entry.score, entry.record)).toBe(rank);
    expect(tree.recordAt(rank)).toBe(entry.record);
    expect(tree.scoreAt(rank)).toBe(entry.score);
    expect(tree.rankOf(entry.score, 1e8)).toBe(-1);
    expect(tree.countBefore(entry.score, entry.record)).toBe(model.filter(({ score: s }) => s < entry.score).length);
    expect(tree.rankOf(entry.score, entry.record)).toBe(rank);
    const near = Math.max(0, rank - random.int(0, 300));
    expect(tree.recordAt(near)).toBe(model[near]?.record);
    expect(tree.rankOf(entry.score, entry.record)).toBe(rank);
    const around: number[] = [];
    const from = Math.max(0, Math.min(rank - random.int(-100, 100), model.length - 1));
    tree.forEach(from, Math.min(150, model.length - from), (record) => around.push(record));
    expect(around).toEqual(model.slice(from, from + 150).map(({ record }) => record));
    const back: number[] = [];
    tree.forEachBack(rank, Math.min(rank + 1, 200), (record) => back.push(record));
    expect(back).toEqual(
      model
        .slice(Math.max(0, rank - 199), rank + 1)
        .map(({ record }) => record)
        .toReversed(),
    );
  }
  expect(tree.distinctCount).toBe(distinct(model));
}

function distinct(entries: readonly Entry[]): number {
  // A set tells -0 from 0 no more than the tree does.
  return new Set(entries.map(({ score }) => score)).size;
}

test.each([0, 1, 60, 61, 2_281, 100_000])("a tree of %i entries in order is built, changed and given back", (count) => {
  const heap = new Heap();
  const tree = new ScoreTree(heap, BY_NUMBER, true);
  const scores = Float64Array.from({ length: count }, (_, i) => i >> 1);
  const records = Int32Array.from({ length: count }, (_, i) => i + 1);
  tree.build(scores, records);
  expect(tree.size).toBe(count);
  expect(tree.distinctCount).toBe(Math.ceil(count / 2));
  tree.insert(-5, count + 1);
  expect(tree.recordAt(0)).toBe(count + 1);
  expect(tree.removeAt(0)).toBe(count + 1);
  expect(entriesOf(tree).map(({ record }) => record)).toEqual([...records]);
  let visits = 0;
  let rounds = 0;
  while (!tree.release(500, () => visits++)) rounds++;
  expect(visits).toBe(count);
  expect(rounds).toBeLessThanOrEqual(count / 500);
  heap.trim();
  expect(heap.use.liveBytes).toBe(0);
});

test.each([
  { why: "rising", score: (i: number) => i },
  { why: "falling", score: (i: number) => -i },
])("$why scores fill the leaves", ({ score }) => {
  const tree = new ScoreTree(new Heap(), BY_NUMBER);
  for (let i = 1; i <= 20_000; i++) tree.insert(score(i), i);
  expect(tree.usedBytes / tree.size).toBeLessThan(14);
});

test("half-empty neighbours are joined, so that a thinned tree gives its memory back", () => {
  const tree = new ScoreTree(new Heap(), BY_NUMBER);
  const random = createRandom(3);
  const records = random.shuffle(Array.from({ length: 50_000 }, (_, i) => i + 1));
  for (const record of records) tree.insert(record, record);
  for (const record of random.shuffle(records).slice(0, 45_000)) tree.remove(record, record);
  expect(tree.usedBytes / tree.size).toBeLessThan(33);
});

test("an entry is moved between lift and move, and one that is not there is refused", () => {
  const tree = new ScoreTree(new Heap(), BY_NUMBER);
  tree.insert(1, 10);
  tree.insert(2, 20);
  tree.lift(1, 10);
  tree.move(3);
  expect(entriesOf(tree)).toEqual([
    { score: 2, record: 20 },
    { score: 3, record: 10 },
  ]);
  expect(() => tree.lift(1, 10)).toThrow("not in the tree");
});

test("what was found in one tree is not taken for an entry of another", () => {
  const heap = new Heap();
  const trees = [new ScoreTree(heap, BY_NUMBER), new ScoreTree(heap, BACKWARDS)] as const;
  for (const tree of trees) for (let record = 1; record <= 1_000; record++) tree.insert(record % 7, record);
  for (const record of [1, 500, 999]) {
    const ranks = trees.map((tree) => tree.rankOf(record % 7, record));
    expect(ranks).toEqual(trees.map((tree) => entriesOf(tree).findIndex((entry) => entry.record === record)));
    expect(trees.map((tree) => tree.rankOf(0.5, record))).toEqual([-1, -1]);
  }
});
