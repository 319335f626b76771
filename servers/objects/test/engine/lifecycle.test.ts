import { expect, test } from "vitest";
import {
  DAY_MS,
  type LifecycleRule,
  type LifecycleVersion,
  retentionOf,
  uploadAbortMs,
  versionActions,
} from "../../src/engine/lifecycle/lifecycle.ts";

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
  expect(retention).toEqual({ expiresMs: day(14), ruleKey: "r", retentionMs: day(3) });
  expect(retentionOf([rule({ expirationDays: 3 })], { ...subject, createdMs: day(10) })?.expiresMs).toBe(day(13));
});

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
