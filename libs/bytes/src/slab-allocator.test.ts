import fc from "fast-check";
import { expect, test } from "vitest";
import { SlabAllocator } from "./slab-allocator.ts";

test("small pieces share a buffer, large ones have their own", () => {
  const slabs = new SlabAllocator(1_000);
  const [a, b, large] = [slabs.allocate(200), slabs.allocate(250), slabs.allocate(251)];
  expect(a?.buffer).toBe(b?.buffer);
  expect(large?.buffer).not.toBe(a?.buffer);
  expect(large?.buffer.byteLength).toBe(251);
});

test("a piece that does not fit any more starts the next buffer", () => {
  const slabs = new SlabAllocator(1_000);
  const first = Array.from({ length: 4 }, () => slabs.allocate(250));
  const next = slabs.allocate(1);
  expect(new Set(first.map((piece) => piece.buffer)).size).toBe(1);
  expect(next.buffer).not.toBe(first[0]?.buffer);
});

test("pieces have their size, are zeroed and never overlap", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 50 }), (sizes) => {
      const slabs = new SlabAllocator(1_000);
      const pieces = sizes.map((size) => slabs.allocate(size));
      for (const [i, piece] of pieces.entries()) {
        expect(piece.length).toBe(sizes[i]);
        expect(piece.every((byte) => byte === 0)).toBe(true);
        piece.fill(i + 1);
      }
      for (const [i, piece] of pieces.entries()) expect(piece.every((byte) => byte === i + 1)).toBe(true);
    }),
  );
});
