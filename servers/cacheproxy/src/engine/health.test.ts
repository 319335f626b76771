import fc from "fast-check";
import { expect, test } from "vitest";
import type { Move } from "./cluster.ts";
import { lead } from "./cluster-leader.ts";
import { EMPTY_STATE } from "./cluster-state.ts";
import { ServerHealth } from "./health.ts";
import { eject, hasMajority, holdMs, type Member } from "./health-ejection.ts";

const LIMITS = { failureLimit: 3, recoveryLimit: 2 };

test.each([
  { probes: "", vote: "unknown", why: "nothing is known at first" },
  { probes: "+", vote: "unknown", why: "one good probe is not enough" },
  { probes: "++", vote: "up", why: "as many as the limit are" },
  { probes: "--", vote: "unknown", why: "two failures are not three" },
  { probes: "---", vote: "down", why: "three are" },
  { probes: "++--+--", vote: "up", why: "failures in a row count, not in all" },
  { probes: "++---+", vote: "down", why: "one good probe does not bring it back" },
  { probes: "++---++", vote: "up", why: "two do" },
  { probes: "---+-+-+-", vote: "down", why: "one that flaps stays what it was" },
])("after probes $probes the vote is $vote: $why", ({ probes, vote }) => {
  const health = new ServerHealth();
  for (const probe of probes) health.onProbe(probe === "+", LIMITS);
  expect(health.vote).toBe(vote);
});

test("a vote changes only with the last so many results all alike", () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 60 }), (probes) => {
      const health = new ServerHealth();
      for (const [i, isGood] of probes.entries()) {
        if (!health.onProbe(isGood, LIMITS)) continue;
        const length = isGood ? LIMITS.recoveryLimit : LIMITS.failureLimit;
        const last = probes.slice(Math.max(0, i + 1 - length), i + 1);
        expect(last).toEqual(new Array(length).fill(isGood));
      }
    }),
  );
});

function members(...votes: ("up" | "down" | "unknown")[]): Member[] {
  return votes.map((vote, i) => ({ id: `p${i}`, appliedEpoch: 1, votes: { s: vote } }));
}

test.each([
  { votes: ["down"] as const, is: true, why: "one alone decides for itself" },
  { votes: ["down", "up"] as const, is: false, why: "half is no majority" },
  { votes: ["down", "down", "up"] as const, is: true, why: "two of three" },
  { votes: ["down", "unknown", "unknown"] as const, is: false, why: "those who do not know yet count as living" },
  { votes: ["down", "down", "up", "up"] as const, is: false, why: "two of four" },
])("$votes make a majority: $is, $why", ({ votes, is }) => {
  expect(hasMajority(members(...votes), "s", "down")).toBe(is);
});

test.each([
  { count: 1, ms: 0 },
  { count: 2, ms: 5_000 },
  { count: 3, ms: 10_000 },
  { count: 8, ms: 300_000 },
  { count: 1_000_000, ms: 300_000 },
])("after $count ejections a server stays out for $ms ms at least", ({ count, ms }) => {
  expect(holdMs(count)).toBe(ms);
});

test("ejections have rising times even when the clock goes back", () => {
  const one = eject(EMPTY_STATE, "a:1", "votes", 1_000);
  const two = eject(one, "b:1", "votes", 500);
  expect(two.ejected.map(({ sinceMs }) => sinceMs)).toEqual([1_000, 1_001]);
  expect(eject(two, "a:1", "votes", 1_001).lastEjectionMs).toBe(1_002);
});

test("a server that goes down every ten seconds for an hour is taken back fewer than twenty times", () => {
  const servers = ["a", "b"].map((name) => ({ name, host: name, port: 1, weight: 1, tls: false }));
  const options = { timeoutMs: 500, failureLimit: 3, recoveryLimit: 3 };
  const pool = { name: "p", placement: { kind: "slots" as const, servers }, options, move: false, service: undefined };
  const desired = { pools: [pool], routes: [{ prefix: "", pool: "p" }] };
  let state = EMPTY_STATE;
  let rejoinCount = 0;
  for (let second = 0; second < 3_600; second++) {
    const vote = second % 10 < 5 ? ("up" as const) : ("down" as const);
    const members = [{ id: "me", appliedEpoch: state.cluster.epoch, votes: { "a:1": vote } }];
    const cleaned = new Map(state.ejected.map(({ address, stageEpoch }) => [address, stageEpoch]));
    const rest = {
      ejectionShare: 0.5,
      desired,
      moveReads: new Map(),
      swept: new Set<string>(),
      stepMove: (move: Move) => move,
    };
    const next = lead(state, { nowMs: second * 1_000, members, cleaned, ...rest }).state;
    if (next.ejected.length < state.ejected.length) rejoinCount++;
    state = next;
  }
  expect(rejoinCount).toBeGreaterThan(3);
  expect(rejoinCount).toBeLessThan(20);
});
