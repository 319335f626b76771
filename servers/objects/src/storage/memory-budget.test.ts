import { expect, test } from "vitest";
import { MemoryBudget } from "./memory-budget.ts";

test("who fits goes on at once, who does not waits in order, also behind a larger one", async () => {
  const budget = new MemoryBudget(100);
  const granted: string[] = [];
  expect(budget.take(60)).toBeUndefined();
  const large = budget.take(80)?.then(() => granted.push("large"));
  const small = budget.take(10)?.then(() => granted.push("small"));
  expect(budget.waitingCount).toBe(2);
  budget.give(60);
  await large;
  await small;
  expect(granted).toEqual(["large", "small"]);
  expect(budget.usedBytes).toBe(90);
});

test("more than the limit is granted alone, and nothing with it", async () => {
  const budget = new MemoryBudget(100);
  expect(budget.take(500)).toBeUndefined();
  const next = budget.take(1);
  expect(next).toBeDefined();
  budget.give(500);
  await next;
  expect(budget.usedBytes).toBe(1);
});
