import fc from "fast-check";
import { expect, test } from "vitest";
import { RecentBodies, type RecentBody } from "./recent-bodies.ts";

test("a body that is kept is what was written, however many come behind it, or it is gone", () => {
  const sizes = fc.array(fc.integer({ min: 0, max: 1_500 }), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(sizes, fc.integer({ min: 0, max: 6_000 }), (all, capacity) => {
      const ring = new RecentBodies(capacity);
      const kept: { readonly body: Uint8Array; readonly recent: RecentBody | undefined }[] = [];
      for (const [i, size] of all.entries()) {
        const body = new Uint8Array(size).fill(i);
        kept.push({ body, recent: ring.keep(body) });
        expect(ring.usedBytes).toBeLessThanOrEqual(capacity);
      }
      let behindBytes = 0;
      for (const { body, recent } of kept.reverse()) {
        behindBytes += body.length;
        const isKept = body.length > 0 && body.length <= capacity / 4;
        const bytes = recent?.copy(0, body.length);
        if (bytes !== undefined) expect(Buffer.compare(bytes, body)).toBe(0);
        // At the end of the memory up to a fourth is skipped, once in each round.
        if (isKept && behindBytes <= capacity / 2) expect(bytes).toBeDefined();
        if (!isKept) expect(recent).toBeUndefined();
      }
    }),
  );
});

test("what somebody has read stays as it was when the ring has gone on", () => {
  const ring = new RecentBodies(20_000);
  const recent = ring.keep(new Uint8Array(5_000).fill(1));
  const read = recent?.copy(100, 200);
  for (let i = 0; i < 10; i++) ring.keep(new Uint8Array(5_000).fill(2));
  expect(recent?.copy(100, 200)).toBeUndefined();
  expect(read).toEqual(Buffer.alloc(100, 1));
});
