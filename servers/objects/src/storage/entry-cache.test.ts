import { expect, test } from "vitest";
import { type Entry, toObjectEntry } from "./entry.ts";
import { type CachedObject, EntryCache } from "./entry-cache.ts";

function cached(sequence: number, bodyBytes = 0): CachedObject {
  const entry = {
    sequence,
    flags: 0,
    expiresMs: 0,
    bodyBytes,
    createdMs: 0,
    json: Buffer.from(`{"e":"x"}`),
  } as unknown as Entry;
  const body = bodyBytes === 0 ? undefined : new Uint8Array(bodyBytes);
  return { entry, object: toObjectEntry("k", entry, true, undefined), body };
}

test("what is asked for stays, what is not goes, and the size stays within its limit", () => {
  const cache = new EntryCache(100_000);
  cache.set(1, "kept", cached(0));
  let largest = 0;
  for (let i = 0; i < 1_000; i++) {
    cache.set(1, `k${i}`, cached(i, 1_000));
    expect(cache.get(1, "kept")).toBeDefined();
    largest = Math.max(largest, cache.count);
  }
  expect(cache.get(1, "k0")).toBeUndefined();
  expect(cache.get(1, "k999")).toBeDefined();
  // An entry of 1,000 bytes costs some 1,650.
  expect(largest).toBeLessThan(100_000 / 1_600);
});

test("buckets do not share keys", () => {
  const cache = new EntryCache(100_000);
  cache.set(1, "k", cached(1));
  expect(cache.get(2, "k")).toBeUndefined();
  expect(cache.get(11, "k")).toBeUndefined();
});

test("a value that was read before a commit changed it is not kept", () => {
  const cache = new EntryCache(100_000);
  const load = cache.beginRead(1, "k");
  cache.invalidate(1, "k");
  cache.endRead(1, "k", load, cached(1));
  expect(cache.get(1, "k")).toBeUndefined();
  const again = cache.beginRead(1, "k");
  cache.endRead(1, "k", again, cached(2));
  expect(cache.get(1, "k")?.entry.sequence).toBe(2);
});

test("two reads of one key of which a commit comes between keep nothing, whichever ends last", () => {
  const cache = new EntryCache(100_000);
  const first = cache.beginRead(1, "k");
  cache.invalidate(1, "k");
  cache.set(1, "k", cached(2));
  const second = cache.beginRead(1, "k");
  cache.endRead(1, "k", first, cached(1));
  expect(cache.get(1, "k")?.entry.sequence).toBe(2);
  cache.endRead(1, "k", second, cached(2));
  expect(cache.get(1, "k")?.entry.sequence).toBe(2);
});

test("a record that has moved stays known at its new place, body and all; one of another place does not change", () => {
  const cache = new EntryCache(100_000);
  const value = cached(1, 100);
  const at = (volumeId: number, offset: number) => ({ ...value, entry: { ...value.entry, volumeId, offset } });
  cache.set(1, "moved", at(1, 8));
  cache.set(1, "overwritten", at(3, 8));
  for (const name of ["moved", "overwritten", "unknown"]) {
    const from = { volumeId: 1, offset: 8 };
    cache.relocate({ bucketId: 1, key: Buffer.from(name), from, to: { volumeId: 2, offset: 16 } });
  }
  expect(cache.get(1, "moved")).toEqual(at(2, 16));
  expect(cache.get(1, "moved")?.object).toBe(value.object);
  expect(cache.get(1, "overwritten")).toEqual(at(3, 8));
  expect(cache.get(1, "unknown")).toBeUndefined();
});

test("what is read of a place while the record moves away from it is not kept", () => {
  const cache = new EntryCache(100_000);
  const load = cache.beginRead(1, "k");
  const [from, to] = [
    { volumeId: 1, offset: 8 },
    { volumeId: 2, offset: 8 },
  ];
  cache.relocate({ bucketId: 1, key: Buffer.from("k"), from, to });
  cache.endRead(1, "k", load, cached(1));
  expect(cache.get(1, "k")).toBeUndefined();
});
