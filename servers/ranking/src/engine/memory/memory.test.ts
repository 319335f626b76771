import { createRandom, seeds } from "@kagami/clock";
import fc from "fast-check";
import { expect, test } from "vitest";
import { hashBytes } from "./byte-hash.ts";
import { ByteTable } from "./byte-table.ts";
import { ExpiryIndex } from "./expiry-index.ts";
import { blockBytesOf, Heap, MAX_BLOCK_BYTES, OFFSET_MASK, SEGMENT_BYTES, SEGMENT_SHIFT } from "./heap.ts";
import { pickRecord } from "./table-pick.ts";

const encoder = new TextEncoder();

function bytesAt(heap: Heap, pointer: number, size: number): Uint8Array {
  const from = (pointer & OFFSET_MASK) << 3;
  return heap.bytes[pointer >>> SEGMENT_SHIFT]!.subarray(from, from + size);
}

test.each(seeds(20))("blocks never overlap and all of them come back, seed %i", (seed) => {
  const random = createRandom(seed);
  const heap = new Heap();
  const blocks: { pointer: number; size: number; mark: number }[] = [];
  for (let step = 0; step < 3_000; step++) {
    if (blocks.length > 0 && random.float() < 0.4) {
      const index = Math.floor(random.float() * blocks.length);
      const [block] = blocks.splice(index, 1);
      if (!block) throw new Error("no block");
      expect(bytesAt(heap, block.pointer, block.size).every((byte) => byte === block.mark)).toBe(true);
      heap.free(block.pointer, block.size);
    } else {
      const size = 1 + Math.floor(random.float() ** 6 * (MAX_BLOCK_BYTES - 1));
      const block = { pointer: heap.allocate(size), size, mark: step & 0xff };
      expect(block.pointer).not.toBe(0);
      bytesAt(heap, block.pointer, size).fill(block.mark);
      blocks.push(block);
    }
  }
  expect(heap.use.liveBytes).toBe(blocks.reduce((sum, { size }) => sum + blockBytesOf(size), 0));
  for (const { pointer, size } of blocks) heap.free(pointer, size);
  heap.trim();
  expect(heap.use.liveBytes).toBe(0);
});

test("memory of one size serves another when it is free, and empty segments go back to the system", () => {
  const heap = new Heap();
  const fill = (size: number): number[] => {
    const pointers: number[] = [];
    for (let bytes = 0; bytes < 4 * SEGMENT_BYTES; bytes += blockBytesOf(size)) pointers.push(heap.allocate(size));
    return pointers;
  };
  let peakBytes = 0;
  for (const size of [40, 100, 3_000, 17, 65_536]) {
    const pointers = fill(size);
    peakBytes = Math.max(peakBytes, heap.use.reservedBytes);
    for (const pointer of pointers) heap.free(pointer, size);
  }
  expect(peakBytes).toBeLessThanOrEqual(6 * SEGMENT_BYTES);
  heap.trim();
  expect(heap.use).toEqual({ reservedBytes: 2 * SEGMENT_BYTES, pageBytes: 65_536, liveBytes: 0 });
});

test("freeing with another size is refused, for the block's neighbours would be overwritten", () => {
  const heap = new Heap();
  const pointer = heap.allocate(16);
  expect(() => heap.free(pointer, 100)).toThrow("was not allocated with that size");
});

/** A table of names that carry nothing else. */
class Names {
  readonly heap = new Heap();
  readonly table = new ByteTable(this.heap, 4);

  add(name: string): void {
    const bytes = encoder.encode(name);
    const pointer = this.heap.allocate(4 + bytes.length);
    this.heap.words[pointer >>> SEGMENT_SHIFT]![(pointer & OFFSET_MASK) << 1] = bytes.length;
    bytesAt(this.heap, pointer, 4 + bytes.length).set(bytes, 4);
    this.table.insert(hashBytes(bytes, 0, bytes.length, 7), pointer);
  }

  find(name: string): number {
    const bytes = encoder.encode(name);
    return this.table.find(bytes, 0, bytes.length, hashBytes(bytes, 0, bytes.length, 7));
  }

  remove(name: string): void {
    const bytes = encoder.encode(name);
    const pointer = this.find(name);
    this.table.remove(hashBytes(bytes, 0, bytes.length, 7), pointer);
    this.heap.free(pointer, 4 + bytes.length);
  }

  nameOf(pointer: number): string {
    return new TextDecoder().decode(this.table.nameOf(pointer));
  }
}

test.each(seeds(10))("a table is a set of names, seed %i", (seed) => {
  const random = createRandom(seed);
  const names = new Names();
  const model = new Set<string>();
  // Growing to 3,000 and back, so that it is resized both ways.
  for (let step = 0; step < 20_000; step++) {
    const name = `k${Math.floor(random.float() * 3_000)}`;
    const grows = step < 8_000 || step > 18_000;
    if (!model.has(name) && random.float() < (grows ? 0.9 : 0.2)) {
      names.add(name);
      model.add(name);
    } else if (model.has(name) && random.float() < (grows ? 0.2 : 0.9)) {
      names.remove(name);
      model.delete(name);
    }
  }
  expect(names.table.size).toBe(model.size);
  for (let i = 0; i < 3_000; i++) expect(names.find(`k${i}`) !== 0).toBe(model.has(`k${i}`));
  const seen: string[] = [];
  names.table.forEachRecord((pointer) => seen.push(names.nameOf(pointer)));
  expect(seen.sort()).toEqual([...model].sort());
});

test("a table in parts finds everything, and is one again when it has shrunk", () => {
  const names = new Names();
  const count = 100_000;
  for (let i = 0; i < count; i++) names.add(`k${i}`);
  for (let i = 0; i < count; i += 7) expect(names.nameOf(names.find(`k${i}`))).toBe(`k${i}`);
  for (let i = 0; i < count - 100; i++) names.remove(`k${i}`);
  for (let i = count - 100; i < count; i++) expect(names.find(`k${i}`)).not.toBe(0);
  for (let i = count - 100; i < count; i++) names.remove(`k${i}`);
  names.heap.trim();
  expect(names.heap.use.liveBytes).toBe(0);
  expect(names.heap.outsideBytes).toBe(0);
});

test.each([...seeds(10).map((seed) => ({ seed, most: 2_000 })), { seed: 1, most: 140_000 }])(
  "a scan sees each entry that stays exactly once while the table grows and shrinks, seed $seed of $most",
  ({ seed, most }) => {
    const random = createRandom(seed);
    const names = new Names();
    for (let i = 0; i < most / 4; i++) names.add(`stays${i}`);
    const others = new Set<string>();
    const seen = new Map<string, number>();
    let threshold = 0;
    do {
      const grows = random.float() < 0.5;
      for (let i = 0; i < most / 20; i++) {
        const name = `k${Math.floor(random.float() * most)}`;
        if (grows && !others.has(name)) {
          names.add(name);
          others.add(name);
        } else if (!grows && others.delete(name)) names.remove(name);
      }
      threshold = names.table.scan(threshold, Math.ceil(random.float() * (most / 10)), (pointer) => {
        const name = names.nameOf(pointer);
        if (name.startsWith("stays")) seen.set(name, (seen.get(name) ?? 0) + 1);
      });
    } while (threshold !== 0);
    expect(seen.size).toBe(most / 4);
    expect([...seen.values()].every((count) => count === 1)).toBe(true);
  },
);

test("a random pick depends on the names alone, and takes each as often", () => {
  const forward = new Names();
  const backward = new Names();
  const all = Array.from({ length: 50 }, (_, i) => `m${i}`);
  for (const name of all) forward.add(name);
  for (let i = 0; i < 5_000; i++) backward.add(`gone${i}`);
  for (const name of [...all].reverse()) backward.add(name);
  for (let i = 0; i < 5_000; i++) backward.remove(`gone${i}`);
  const [one, other] = [createRandom(3), createRandom(3)];
  const counts = new Map<string, number>();
  for (let i = 0; i < 20_000; i++) {
    const name = forward.nameOf(pickRecord(forward.table, () => one.nextU32()));
    expect(backward.nameOf(pickRecord(backward.table, () => other.nextU32()))).toBe(name);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  // 400 each on average; five standard deviations are 100.
  for (const name of all) expect(Math.abs((counts.get(name) ?? 0) - 400)).toBeLessThan(110);
});

test.each([
  { count: 1, gone: 50, why: "there is nothing to choose" },
  { count: 32, gone: 3_000, why: "all of it is one bucket" },
  { count: 33, gone: 3_000, why: "it has buckets" },
  { count: 20_000, gone: 60_000, why: "one was in parts for a while, the other never" },
  { count: 70_000, gone: 70_000, why: "parts have other sizes" },
])("$count names are picked alike after another history: $why", ({ count, gone }) => {
  const straight = new Names();
  const winding = new Names();
  for (let i = 0; i < gone; i++) winding.add(`gone${i}`);
  for (let i = count - 1; i >= 0; i--) winding.add(`m${i}`);
  for (let i = 0; i < gone; i++) winding.remove(`gone${i}`);
  for (let i = 0; i < count; i++) straight.add(`m${i}`);
  const [one, other] = [createRandom(7), createRandom(7)];
  let draws = 0;
  for (let i = 0; i < 300; i++) {
    const name = straight.nameOf(
      pickRecord(straight.table, () => {
        draws++;
        return one.nextU32();
      }),
    );
    expect(winding.nameOf(pickRecord(winding.table, () => other.nextU32()))).toBe(name);
  }
  // Two numbers a draw, of which one in four to eight is taken.
  expect(draws / 300).toBeLessThan(20);
});

test("records leave the expiry index by time, wherever they were moved meanwhile", () => {
  const operation = fc.tuple(fc.integer({ min: 1, max: 40 }), fc.option(fc.integer({ min: 0, max: 1_000 })));
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 300 }), (operations) => {
      const slots = new Map<number, number>();
      const index = new ExpiryIndex(new Heap(), (pointer, slot) => slots.set(pointer, slot));
      const model = new Map<number, number>();
      for (const [pointer, time] of operations) {
        const slot = slots.get(pointer);
        if (time === null) {
          if (slot !== undefined) index.remove(slot);
          slots.delete(pointer);
          model.delete(pointer);
        } else if (slot === undefined) {
          index.add(pointer, time);
          model.set(pointer, time);
        } else {
          index.set(slot, time);
          model.set(pointer, time);
        }
      }
      for (const [pointer, time] of model) expect(index.timeOf(slots.get(pointer) ?? 0)).toBe(time);
      const left: number[] = [];
      while (index.size > 0) {
        expect(model.get(index.next)).toBe(index.nextMs);
        left.push(index.nextMs);
        index.remove(1);
      }
      expect(left).toEqual([...model.values()].sort((a, b) => a - b));
    }),
  );
});
