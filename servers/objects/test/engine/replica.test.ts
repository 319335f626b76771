import fc from "fast-check";
import { expect, test } from "vitest";
import { backoffMs, MAX_BACKOFF_MS } from "../../src/engine/replica/backoff.ts";
import { refuseClaim } from "../../src/engine/replica/claim.ts";
import { currentEpoch, epochOfSequence, hasEpochsOf, promotedEpochs } from "../../src/engine/replica/epochs.ts";
import { bytesBehind, SequenceMoments } from "../../src/engine/replica/lag.ts";

const TWICE = [
  { epoch: 2, after: 100 },
  { epoch: 3, after: 250 },
];
const SOURCE = { storeId: "s", epochs: TWICE, appliedSequence: 300 };

test.each([
  { claim: { storeId: "", epoch: 1, after: 0 }, code: undefined, why: "there is no copy yet" },
  { claim: { storeId: "s", epoch: 3, after: 300 }, code: undefined, why: "it has everything" },
  { claim: { storeId: "s", epoch: 3, after: 301 }, code: "DIVERGED", why: "it has what the source does not have" },
  { claim: { storeId: "s", epoch: 1, after: 100 }, code: undefined, why: "it stands where the next epoch began" },
  { claim: { storeId: "s", epoch: 1, after: 101 }, code: "DIVERGED", why: "it took more from the old writer" },
  { claim: { storeId: "s", epoch: 2, after: 250 }, code: undefined, why: "it knows of the first promotion" },
  { claim: { storeId: "s", epoch: 2, after: 251 }, code: "DIVERGED", why: "and took more from that one" },
  { claim: { storeId: "s", epoch: 4, after: 9 }, code: "EPOCH_OLD", why: "another one was promoted since" },
  { claim: { storeId: "t", epoch: 1, after: 0 }, code: "STORE_MISMATCH", why: "it is of another store" },
])("a copy at $claim.after of epoch $claim.epoch gets $code: $why", ({ claim, code }) => {
  expect(refuseClaim(claim, SOURCE)?.code).toBe(code);
});

test("a store that was never promoted shares what it has, and begins a new epoch where it is promoted", () => {
  const fresh = { storeId: "s", epochs: [], appliedSequence: 5 };
  expect(refuseClaim({ storeId: "s", epoch: 1, after: 5 }, fresh)).toBeUndefined();
  expect(refuseClaim({ storeId: "s", epoch: 1, after: 6 }, fresh)?.code).toBe("DIVERGED");
  expect(currentEpoch([])).toBe(1);
  expect(promotedEpochs(TWICE, 400, "x").at(-1)).toEqual({ epoch: 4, after: 400, id: "x" });
});

test.each([
  { copy: [], is: true, why: "it was never promoted" },
  { copy: [{ epoch: 2, after: 100, id: "x" }], is: true, why: "it knows of the first promotion" },
  { copy: [{ epoch: 2, after: 100 }], is: true, why: "a repair has found when that was" },
  { copy: [{ epoch: 2, after: 99, id: "x" }], is: false, why: "another replica was promoted elsewhere" },
  { copy: [{ epoch: 2, after: 100, id: "y" }], is: false, why: "or where the source was, but is not the source" },
  { copy: [{ epoch: 4, after: 300, id: "x" }], is: false, why: "the source has not heard of it" },
])("whether a source has the epochs of a copy: $is, $why", ({ copy, is }) => {
  const source = [
    { epoch: 2, after: 100, id: "x" },
    { epoch: 3, after: 250, id: "z" },
  ];
  expect(hasEpochsOf(source, copy)).toBe(is);
});

test.each([
  { sequence: 100, epoch: 1 },
  { sequence: 101, epoch: 2 },
  { sequence: 250, epoch: 2 },
  { sequence: 251, epoch: 3 },
])("record $sequence is of epoch $epoch", ({ sequence, epoch }) => {
  expect(epochOfSequence(TWICE, sequence)).toBe(epoch);
});

test("the wait before the next try doubles, is random in its upper half, and has an end", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1_000 }), fc.double({ min: 0, max: 1, noNaN: true }), (count, random) => {
      const ms = backoffMs(count, random);
      const whole = Math.min(MAX_BACKOFF_MS, 250 * 2 ** Math.min(30, count - 1));
      expect(ms).toBeGreaterThanOrEqual(whole / 2);
      expect(ms).toBeLessThanOrEqual(whole);
    }),
  );
});

test("the lag in seconds is the age of the first change that is lacking, not of the last one that was had", () => {
  const moments = new SequenceMoments();
  moments.note(0, 10);
  // An hour without writes is no lag.
  expect(moments.ageMs(3_600_000, 10)).toBe(0);
  moments.note(3_600_000, 12);
  moments.note(3_601_000, 15);
  expect(moments.ageMs(3_602_000, 10)).toBe(2_000);
  expect(moments.ageMs(3_602_000, 12)).toBe(1_000);
  expect(moments.ageMs(3_602_000, 15)).toBe(0);
});

test("moments of the past are thinned out when there are many, and the oldest stays", () => {
  const moments = new SequenceMoments();
  for (let i = 1; i <= 100_000; i++) moments.note(i * 1_000, i);
  expect(moments.ageMs(100_000_000, 0)).toBe(99_999_000);
  const age = moments.ageMs(100_000_000, 50_000);
  expect(Math.abs(age - 50_000_000)).toBeLessThan(500_000);
});

test.each([
  { after: 0, bytes: 1_500, why: "all of both" },
  { after: 10, bytes: 500, why: "the first is done" },
  { after: 5, bytes: 1_000, why: "half of the first is done" },
  { after: 20, bytes: 0, why: "nothing is left" },
])("$bytes bytes stand behind $after: $why", ({ after, bytes }) => {
  const volumes = [
    { bytes: 1_000, minSequence: 1, maxSequence: 10 },
    { bytes: 500, minSequence: 11, maxSequence: 20 },
  ];
  expect(bytesBehind(volumes, after)).toBe(bytes);
});
