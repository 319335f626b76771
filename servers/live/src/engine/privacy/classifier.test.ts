import { expect, test } from "vitest";
import { BANNER_MODEL, OUTLINE_MODEL } from "./banner-model.ts";
import { Classifier, toProbability } from "./classifier.ts";
import { FEATURE_COUNT, INSIDE_FEATURES } from "./features.ts";

test("a tree asks from question to question, and trees add up", () => {
  const classifier = new Classifier({
    depth: 2,
    bias: 0.5,
    features: [],
    trees: ["0 1 2 | 10 20 30 | 1 2 3 4", "3 3 3 | 0 0 0 | -8 -8 8 8"],
  });
  const score = (...values: number[]) => classifier.score(Float32Array.from(values));
  expect(score(9, 19, 0, 1)).toBe(0.5 + 1 + 8);
  expect(score(9, 20, 0, 1)).toBe(0.5 + 2 + 8);
  expect(score(10, 0, 29, 1)).toBe(0.5 + 3 + 8);
  expect(score(10, 0, 30, -1)).toBe(0.5 + 4 - 8);
});

test("a tree of another depth is refused", () => {
  expect(() => new Classifier({ depth: 2, bias: 0, features: [], trees: ["0 | 1 | 2 3"] })).toThrow(RangeError);
});

test.each([
  { name: "of the inside", model: BANNER_MODEL, mayAskInside: true },
  { name: "of the outline", model: OUTLINE_MODEL, mayAskInside: false },
])("the trained model $name loads, and asks only for features that there are", ({ model, mayAskInside }) => {
  expect(() => new Classifier(model)).not.toThrow();
  const asked = model.trees.flatMap((tree) => tree.split("|")[0]?.trim().split(" ").map(Number) ?? []);
  expect(Math.max(...asked)).toBeLessThan(FEATURE_COUNT);
  const inside = asked.filter((feature) => feature >= INSIDE_FEATURES.from && feature < INSIDE_FEATURES.to);
  expect(inside.length > 0).toBe(mayAskInside);
});

test("log-odds become a probability", () => {
  expect(toProbability(0)).toBe(0.5);
  expect(toProbability(50)).toBeCloseTo(1);
  expect(toProbability(-50)).toBeCloseTo(0);
});
