import { createRandom, type Random, seeds } from "@kagami/clock";
import { expect, test } from "vitest";
import { ByteView } from "../../../src/engine/structures/byte-view.ts";
import { indexesOf, removeIndexes } from "../../../src/engine/structures/list-search.ts";
import { ListValue } from "../../../src/engine/structures/list-value.ts";
import { emptyStore, latin, textOf } from "./support.ts";

function element(random: Random): string {
  const roll = random.float();
  if (roll < 0.7) return `e${random.int(0, 30)}`;
  if (roll < 0.9) return "m".repeat(random.int(0, 300));
  return "L".repeat(random.pick([251, 252, 1_000, 1_100, 4_096, 4_097, 9_000]));
}

function contents(list: ListValue): string[] {
  const found: string[] = [];
  list.forEach(0, list.size, (bytes, start, end) => void found.push(textOf(bytes, start, end)));
  return found;
}

test.each(seeds(10))("a list is an array, and gives all its memory back, seed %i", (seed) => {
  const random = createRandom(seed);
  const { store, outsideBytes } = emptyStore();
  const list = new ListValue(store);
  const model: string[] = [];
  const view = new ByteView();
  for (let step = 0; step < 1_500; step++) {
    const grows = step < 700 || step > 1_300;
    const text = element(random);
    const bytes = latin(text);
    const index = model.length === 0 ? 0 : random.int(0, model.length - 1);
    const roll = random.float() * (grows ? 1 : 1.6);
    if (roll < 0.5 || model.length === 0) {
      const atHead = random.chance(0.5);
      list.push(atHead, bytes, 0, bytes.length);
      if (atHead) model.unshift(text);
      else model.push(text);
    } else if (roll < 0.65) {
      list.insert(index, bytes, 0, bytes.length);
      model.splice(index, 0, text);
    } else if (roll < 0.8) {
      list.set(index, bytes, 0, bytes.length);
      model[index] = text;
    } else if (roll < 0.85) {
      const found = indexesOf(list, bytes, 0, bytes.length, Number.POSITIVE_INFINITY, false);
      removeIndexes(store, list, found);
      const kept = model.filter((other) => other !== text);
      expect(model.length - kept.length).toBe(found.length);
      model.splice(0, model.length, ...kept);
    } else if (roll < 1.2) {
      list.removeAt(index);
      model.splice(index, 1);
    } else if (roll < 1.5) {
      const atHead = random.chance(0.5);
      list.readEnd(atHead, view);
      expect(textOf(view.copy())).toBe(atHead ? model.shift() : model.pop());
      list.pop(atHead);
    } else {
      const count = random.int(0, 4);
      list.dropHead(count);
      list.dropTail(count);
      model.splice(0, count);
      model.splice(Math.max(0, model.length - count), count);
    }
    expect(list.size).toBe(model.length);
    if (model.length > 0 && step % 7 === 0) {
      const at = random.int(0, model.length - 1);
      list.read(at, view);
      expect(textOf(view.copy())).toBe(model[at]);
    }
    if (step % 100 === 0) expect(contents(list)).toEqual(model);
  }
  const backwards: string[] = [];
  list.forEachBackwards((bytes, start, end) => void backwards.push(textOf(bytes, start, end)));
  expect(backwards).toEqual(model.toReversed());
  const copy = list.copy();
  while (!list.release(100)) expect(list.size).toBeGreaterThan(0);
  expect(contents(copy)).toEqual(model);
  copy.release(Number.POSITIVE_INFINITY);
  store.heap.trim();
  expect(store.heap.use.liveBytes).toBe(0);
  expect(store.heap.outsideBytes).toBe(outsideBytes);
  expect(store.objects.size).toBe(0);
});

test("an element in the middle of many is found from the nearer end", () => {
  const { store } = emptyStore();
  const list = new ListValue(store);
  const count = 20_000;
  for (let i = 0; i < count; i++) {
    const bytes = latin(`element:${i}`);
    list.push(false, bytes, 0, bytes.length);
  }
  const view = new ByteView();
  for (const index of [0, 1, 77, 9_999, 10_000, 15_000, count - 2, count - 1]) {
    list.read(index, view);
    expect(textOf(view.copy())).toBe(`element:${index}`);
  }
});

test("many removed elements leave the others in their order", () => {
  const { store } = emptyStore();
  const list = new ListValue(store);
  for (let i = 0; i < 1_000; i++) {
    const bytes = latin(i % 3 === 0 ? "x" : String(i));
    list.push(false, bytes, 0, bytes.length);
  }
  const last = indexesOf(list, latin("x"), 0, 1, 50, true);
  expect(last[0]).toBe(999);
  removeIndexes(store, list, last.toReversed());
  expect(list.size).toBe(950);
  expect(contents(list).filter((text) => text === "x")).toHaveLength(334 - 50);
});
