import { expect, test } from "vitest";
import { Catalog, MAX_GROUPS_PER_BUCKET, MAX_GROUPS_PER_RULE } from "./catalog.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

test.each([
  { retentionMs: HOUR, epochMs: 10 * MINUTE, why: "a sixteenth of an hour is below ten minutes" },
  { retentionMs: 16 * HOUR, epochMs: HOUR, why: "a sixteenth" },
  { retentionMs: 32 * DAY, epochMs: 2 * DAY, why: "shorter ones would be more than a rule may have" },
])("a rule of $retentionMs ms has epochs of $epochMs: $why", ({ retentionMs, epochMs }) => {
  const catalog = new Catalog();
  const border = 1_000 * epochMs;
  expect(catalog.groupFor(1, "r", border + 1, retentionMs)).toMatchObject({ id: 0, endsMs: border + epochMs });
  expect(catalog.groupFor(1, "r", border, retentionMs)).toMatchObject({ endsMs: border });
});

test("a rule beyond its limit, and a bucket beyond its own, use group 0", () => {
  const catalog = new Catalog();
  let id = 0;
  const fill = (ruleKey: string, count: number): void => {
    for (let i = 0; i < count; i++) catalog.addGroup({ id: ++id, bucketId: 1, ruleKey, endsMs: (i + 1) * DAY });
  };
  fill("a", MAX_GROUPS_PER_RULE);
  expect(catalog.groupFor(1, "a", DAY, 16 * DAY)).toMatchObject({ id: 1 });
  expect(catalog.groupFor(1, "a", 99 * DAY, 16 * DAY)).toMatchObject({ id: 0, endsMs: 0 });
  expect(catalog.groupFor(1, "b", 99 * DAY, 16 * DAY)).toMatchObject({ endsMs: 99 * DAY });
  for (const rule of ["c", "d", "e"]) fill(rule, 16);
  expect(catalog.groupsOf(1).length).toBeGreaterThanOrEqual(MAX_GROUPS_PER_BUCKET);
  expect(catalog.groupFor(1, "b", 99 * DAY, 16 * DAY)).toMatchObject({ id: 0, endsMs: 0 });
  expect(catalog.groupFor(2, "b", 99 * DAY, 16 * DAY)).toMatchObject({ endsMs: 99 * DAY });
});

test("group 0 outlives all, a later end an earlier one, and none itself", () => {
  const catalog = new Catalog();
  catalog.addGroup({ id: 1, bucketId: 1, ruleKey: "r", endsMs: 10 });
  catalog.addGroup({ id: 2, bucketId: 1, ruleKey: "r", endsMs: 20 });
  const pairs = [0, 1, 2].map((one) => [0, 1, 2].map((other) => catalog.outlives(one, other)));
  expect(pairs).toEqual([
    [false, true, true],
    [false, false, false],
    [false, true, false],
  ]);
});

test("only groups that may hold a key are asked, and all of those of which nothing is known", () => {
  const catalog = new Catalog();
  const key = Buffer.from("k");
  catalog.addGroup({ id: 1, bucketId: 1, ruleKey: "r", endsMs: 10 });
  catalog.addGroup({ id: 2, bucketId: 1, ruleKey: "r", endsMs: 20 }, true);
  expect(catalog.groupsWith(1, key)).toEqual([1]);
  catalog.noteKey(2, 1, key);
  expect(catalog.groupsWith(1, key)).toEqual([2, 1]);
  expect(catalog.groupToLookThrough()).toBe(1);
  catalog.beginLook(1);
  expect(catalog.groupsWith(1, Buffer.from("other"))).toEqual([1]);
  catalog.endLook(1);
  expect(catalog.groupsWith(1, Buffer.from("other"))).toEqual([]);
  expect(catalog.groupToLookThrough()).toBeUndefined();
});
