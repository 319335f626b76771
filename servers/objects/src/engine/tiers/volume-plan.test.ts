import { expect, test } from "vitest";
import { planVolume, type VolumeTally } from "./volume-plan.ts";

const DAY = 86_400_000;
const NOW = 100 * DAY;

const tally = (bytes: Readonly<Record<string, number>>, more: Partial<VolumeTally> = {}): VolumeTally => ({
  tier: "",
  bytesByTier: new Map(Object.entries(bytes)),
  dueSinceMs: undefined,
  nextDueMs: undefined,
  isDivisible: true,
  ...more,
});

test.each([
  { of: tally({ hdd: 10 }), is: { kind: "whole", tier: "hdd" }, why: "all that is wanted is due for one tier" },
  { of: tally({ "": 10 }), is: { kind: "wait", untilMs: NOW + 7 * DAY }, why: "nothing is due; tags may change" },
  { of: tally({}), is: { kind: "wait", untilMs: NOW + 7 * DAY }, why: "nothing in it is an object" },
  { of: tally({ "": 75, hdd: 25 }, { dueSinceMs: NOW }), is: { kind: "divide" }, why: "a fourth is due" },
  { of: tally({ hdd: 50, cold: 50 }, { dueSinceMs: NOW }), is: { kind: "divide" }, why: "two tiers share it" },
  {
    of: tally({ "": 76, hdd: 24 }, { dueSinceMs: NOW - DAY }),
    is: { kind: "wait", untilMs: NOW + 6 * DAY },
    why: "too little is due to write the rest again, for a week",
  },
  {
    of: tally({ "": 99, hdd: 1 }, { dueSinceMs: NOW - 7 * DAY }),
    is: { kind: "divide" },
    why: "nothing waits longer than a week",
  },
  {
    of: tally({ "": 50, hdd: 50 }, { dueSinceMs: NOW, isDivisible: false, nextDueMs: NOW + DAY }),
    is: { kind: "wait", untilMs: NOW + DAY },
    why: "a retention group is not divided; it moves when all of it is due",
  },
  { of: tally({ hdd: 10 }, { tier: "hdd" }), is: { kind: "wait", untilMs: NOW + 7 * DAY }, why: "it is there already" },
])("a volume's plan is $is.kind: $why", ({ of, is }) => {
  expect(planVolume(of, NOW)).toEqual(is);
});
