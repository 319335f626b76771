import { expect, test } from "vitest";
import { BatchMemory, SMALL_BODY_BYTES } from "./batch-memory.ts";

test("what is given out for one batch does not overlap, and is given out again for the next", () => {
  const memory = new BatchMemory();
  const sizes = [1, 60_000, SMALL_BODY_BYTES, 65_000, 65_000, 10, 0, 30_000];
  const first = sizes.map((bytes) => memory.body(bytes));
  for (const [i, body] of first.entries()) body?.fill(i);
  for (const [i, body] of first.entries()) expect(body?.equals(Buffer.alloc(sizes[i] ?? 0, i))).toBe(true);
  const windows = [memory.window(1_000), memory.window(1_000)];
  expect(windows[0]?.buffer).not.toBe(windows[1]?.buffer);
  memory.reuse();
  const again = sizes.map((bytes) => memory.body(bytes));
  expect(again.map((body) => body?.buffer)).toEqual(first.map((body) => body?.buffer));
  expect(memory.window(500)).toBe(windows[0]);
  expect(memory.window(2_000).length).toBe(2_000);
});

test("a large body gets none of it", () => {
  expect(new BatchMemory().body(SMALL_BODY_BYTES + 1)).toBeUndefined();
});
