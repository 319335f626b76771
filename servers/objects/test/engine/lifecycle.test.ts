import { expect, test } from "vitest";
import {
  classDue,
  DAY_MS,
  type LifecycleRule,
  type LifecycleVersion,
  retentionOf,
  uploadAbortMs,
  versionActions,
} from "../../src/engine/lifecycle/lifecycle.ts";
import { Catalog } from "../../src/storage/catalog.ts";

function rule(
  over: Partial<Omit<LifecycleRule, "filter">> & { filter?: Partial<LifecycleRule["filter"]> } = {},
): LifecycleRule {
  return {
    id: "r",
    isEnabled: true,
    expirationDays: undefined,
    expirationDateMs: undefined,
    expiredObjectDeleteMarker: false,
    noncurrentDays: undefined,
    newerNoncurrentVersions: 0,
    abortUploadDays: undefined,
    ...over,
    filter: { prefix: "", tags: {}, sizeGreaterThan: undefined, sizeLessThan: undefined, ...over.filter },
  };
}

const day = (n: number): number => n * DAY_MS;
const subject = { key: "live/a.ts", sizeBytes: 100, tags: { kind: "segment" }, createdMs: day(10) + 1 };

test("an object expires at the midnight behind its days, so that a day's objects share one end", () => {
  const retention = retentionOf([rule({ expirationDays: 3 })], subject);
  expect(retention).toEqual({ expiresMs: day(14), ruleKey: "r", retentionMs: day(4) });
  expect(retentionOf([rule({ expirationDays: 3 })], { ...subject, createdMs: day(10) })?.expiresMs).toBe(day(13));
});

test.each([1, 2, 7, 16, 17, 30, 90, 365, 3_650])(
  "objects of a rule of %i days live in few enough groups, whenever they are written",
  (expirationDays) => {
    const catalog = new Catalog();
    let nextId = 1;
    let live: { id: number; endsMs: number }[] = [];
    for (let hour = 0; hour < 24 * Math.min(expirationDays * 2 + 4, 800); hour += 5) {
      const createdMs = hour * 3_600_000 + 1;
      for (const { id } of live.filter(({ endsMs }) => endsMs <= createdMs)) catalog.removeGroup(id);
      live = live.filter(({ endsMs }) => endsMs > createdMs);
      const retention = retentionOf([rule({ expirationDays })], { ...subject, createdMs });
      const { expiresMs = 0, ruleKey = "", retentionMs = 0 } = retention ?? {};
      const group = catalog.groupFor(1, ruleKey, expiresMs, retentionMs);
      expect(group.endsMs).toBeGreaterThanOrEqual(expiresMs);
      if (live.some(({ id }) => id === group.id)) continue;
      const made = { ...group, id: nextId++ };
      catalog.addGroup(made);
      live.push(made);
    }
  },
);

test("of several rules the one that ends the object first counts", () => {
  const rules = [rule({ id: "long", expirationDays: 9 }), rule({ id: "short", expirationDays: 1 })];
  expect(retentionOf(rules, subject)?.ruleKey).toBe("short");
});

test("a rule by date ends objects at that date", () => {
  expect(retentionOf([rule({ expirationDateMs: day(20) })], subject)?.expiresMs).toBe(day(20));
});

test.each([
  { filter: { prefix: "live/" }, fits: true, why: "the prefix fits" },
  { filter: { prefix: "vod/" }, fits: false, why: "another prefix" },
  { filter: { tags: { kind: "segment" } }, fits: true, why: "the tag is there" },
  { filter: { tags: { kind: "clip" } }, fits: false, why: "the tag has another value" },
  { filter: { tags: { kind: "segment", more: "x" } }, fits: false, why: "all tags are needed" },
  { filter: { sizeGreaterThan: 99 }, fits: true, why: "larger" },
  { filter: { sizeGreaterThan: 100 }, fits: false, why: "equal is not greater" },
  { filter: { sizeLessThan: 101 }, fits: true, why: "smaller" },
  { filter: { sizeLessThan: 100 }, fits: false, why: "equal is not less" },
])("a filter $filter fits: $fits, because $why", ({ filter, fits }) => {
  expect(retentionOf([rule({ expirationDays: 1, filter })], subject) !== undefined).toBe(fits);
});

test("a disabled rule does nothing", () => {
  expect(retentionOf([rule({ isEnabled: false, expirationDays: 1 })], subject)).toBeUndefined();
});

test("uploads are aborted by the first rule whose prefix fits", () => {
  const rules = [rule({ abortUploadDays: 7 }), rule({ abortUploadDays: 1, filter: { prefix: "live/" } })];
  expect(uploadAbortMs(rules, { key: "live/x", begunMs: day(1) })).toBe(day(2));
  expect(uploadAbortMs(rules, { key: "vod/x", begunMs: day(1) })).toBe(day(8));
});

function version(versionId: string, createdDay: number, isDeleteMarker = false): LifecycleVersion {
  return { key: "k", sizeBytes: 1, tags: {}, createdMs: day(createdDay), versionId, isDeleteMarker };
}

test("an expired current version is hidden by a marker, older ones are removed by their own days", () => {
  const rules = [rule({ expirationDays: 2, noncurrentDays: 3 })];
  const versions = [version("c", 10), version("b", 5), version("a", 4)];
  expect(versionActions(rules, versions, day(12))).toEqual([
    { kind: "expire", versionId: "c" },
    { kind: "remove", versionId: "a" },
  ]);
});

test("the newest noncurrent versions are kept in any case", () => {
  const rules = [rule({ noncurrentDays: 1, newerNoncurrentVersions: 2 })];
  const versions = [version("d", 4), version("c", 3), version("b", 2), version("a", 1)];
  expect(versionActions(rules, versions, day(100))).toEqual([{ kind: "remove", versionId: "a" }]);
});

test("a delete marker goes when it hides nothing any more, not before", () => {
  const rules = [rule({ expiredObjectDeleteMarker: true })];
  expect(versionActions(rules, [version("m", 1, true)], day(2))).toEqual([{ kind: "remove", versionId: "m" }]);
  expect(versionActions(rules, [version("m", 1, true), version("a", 0)], day(2))).toEqual([]);
});

const CLASSES = ["STANDARD_IA", "GLACIER_IR"];
const rankOf = (name: string): number | undefined => {
  const at = CLASSES.indexOf(name);
  return at === -1 ? undefined : at + 1;
};
const to = (storageClass: string, days?: number, dateMs?: number) => ({ storageClass, days, dateMs });

test.each([
  { at: day(11), is: [undefined, day(12)], why: "its day has not ended" },
  { at: day(12), is: ["STANDARD_IA", day(21)], why: "the midnight behind its days has come" },
  { at: day(21), is: ["GLACIER_IR", undefined], why: "the slower of two that are due counts" },
])("the class an object is due for at $at: $why", ({ at, is }) => {
  const transitions = [to("STANDARD_IA", 1), to("GLACIER_IR", 10), to("DEEP_ARCHIVE", 1)];
  const { storageClass, nextMs } = classDue([rule({ transitions })], subject, at, rankOf);
  expect([storageClass, nextMs]).toEqual(is);
});

test.each([
  { over: { filter: { prefix: "vod/" } }, due: false, why: "another prefix" },
  { over: { filter: { sizeGreaterThan: 100 } }, due: false, why: "too small" },
  { over: { isEnabled: false }, due: false, why: "the rule is off" },
  { over: { filter: { tags: { kind: "segment" } } }, due: true, why: "its tag fits" },
])("a transition that is due: $due, because $why", ({ over, due }) => {
  const rules = [rule({ transitions: [to("GLACIER_IR", undefined, day(11))], ...over })];
  expect(classDue(rules, subject, day(11), rankOf).storageClass).toBe(due ? "GLACIER_IR" : undefined);
});
