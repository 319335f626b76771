import { expect, test } from "vitest";
import { Heap, OFFSET_MASK, SEGMENT_SHIFT } from "../memory/heap.ts";
import { BoardChanges } from "./board-changes.ts";

test("a member that is new has no old place, and the block before the ring stays as it was", () => {
  const heap = new Heap();
  const length = 16;
  const before = heap.allocate(8 * length);
  const words = heap.words[before >>> SEGMENT_SHIFT]!;
  const start = (before & OFFSET_MASK) << 1;
  words.fill(7, start, start + 2 * length);
  const changes = new BoardChanges(heap, length, () => undefined);
  for (let version = 1; version <= 3; version++) changes.changed(100 + version, version, -1);
  expect([...words.subarray(start, start + 2 * length)]).toEqual(new Array(2 * length).fill(7));
  const seen: number[] = [];
  changes.forEach(0, 3, (record) => seen.push(record));
  expect(seen).toEqual([101, 102, 103]);
});
