import fc from "fast-check";
import { expect, test } from "vitest";
import { RecentBodies, type RecentBody } from "./recent-bodies.ts";

test("a body that is kept is what was written, however many come behind it, or it is gone", () => {
  const sizes = fc.array(fc.integer({ min: 0, max: 150_000 }), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(sizes, fc.integer({ min: 0, max: 600_000 }), (all, limit) => {
      const ring = new RecentBodies(limit);
      const kept: { readonly body: Uint8Array; readonly recent: RecentBody | undefined }[] = [];
      for (const [i, size] of all.entries()) {
        const body = new Uint8Array(size).fill(i);
        kept.push({ body, recent: ring.keep(body.slice()) });
        expect(ring.usedBytes).toBeLessThanOrEqual(limit);
      }
      const newest = kept.at(-1);
      const mustBeThere = newest !== undefined && newest.body.length > 0 && newest.body.length <= limit / 4;
      expect(newest?.recent?.bytes !== undefined).toBe(mustBeThere);
      for (const { body, recent } of kept) {
        const bytes = recent?.bytes;
        if (bytes !== undefined) expect(Buffer.compare(bytes, body)).toBe(0);
      }
    }),
    { numRuns: 50 },
  );
});

test("what somebody still holds stays as it was when the ring has gone on", () => {
  const ring = new RecentBodies(80_000);
  const recent = ring.keep(new Uint8Array(5_000).fill(1));
  const held = recent?.bytes;
  for (let i = 0; i < 100; i++) ring.keep(new Uint8Array(5_000).fill(2));
  expect(recent?.bytes).toBeUndefined();
  expect(held?.every((byte) => byte === 1)).toBe(true);
});
