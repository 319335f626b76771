import fc from "fast-check";
import { expect, test } from "vitest";
import type { Cluster, Placement, ServerSpec } from "./cluster.ts";
import { applyDesired, type DesiredCluster, type DesiredPool } from "./cluster-desired.ts";
import { type LeaderInput, lead, moveKey, movesToSweep } from "./cluster-leader.ts";
import { applyOrder } from "./cluster-orders.ts";
import { type AgreedState, commit, EMPTY_STATE, fingerprint, isSame } from "./cluster-state.ts";

const OPTIONS = { timeoutMs: 500, failureLimit: 3, recoveryLimit: 3 };

function server(name: string, host = name, weight = 1): ServerSpec {
  return { name, host, port: 1, weight, tls: false };
}

function desired(
  servers: readonly ServerSpec[],
  more: Partial<DesiredPool> & { kind?: Placement["kind"] } = {},
): DesiredCluster {
  const { kind = "slots", ...rest } = more;
  const placement: Placement = { kind, servers };
  const pool = { name: "p", placement, options: OPTIONS, move: false, service: undefined, ...rest };
  return { pools: [pool], routes: [{ prefix: "", pool: "p" }] };
}

function take(state: AgreedState, wanted: DesiredCluster): AgreedState {
  return commit(state, applyDesired(state, wanted, 1_000).draft);
}

const AB = [server("a"), server("b")];
const START = take(EMPTY_STATE, desired(AB));

function input(wanted: DesiredCluster, more: Partial<LeaderInput> = {}): LeaderInput {
  const members = [{ id: "me", appliedEpoch: 1_000, votes: {} }];
  const none = { cleaned: new Map(), moveReads: new Map(), swept: new Set<string>() };
  return { nowMs: 1_000, members, ejectionShare: 0.5, ...none, desired: wanted, stepMove: (move) => move, ...more };
}

test("servers of a new pool are used as they are, for they may be a fleet with its data", () => {
  expect(START.cluster).toMatchObject({ epoch: 1, ejections: [], moves: [] });
});

test("what says the same makes no epoch", () => {
  expect(take(START, desired(AB))).toBe(START);
});

test("a server that joins a pool is cleaned before it is used", () => {
  const after = take(START, desired([...AB, server("c")]));
  expect(after.cluster.epoch).toBe(2);
  expect(after.cluster.ejections).toMatchObject([{ pool: "p", server: "c", stage: "cleaning" }]);
});

test("a server that is taken out and put back is cleaned too, for it has old values", () => {
  const without = take(START, desired([server("a")]));
  expect(without.cluster.ejections).toEqual([]);
  expect(take(without, desired(AB)).cluster.ejections).toMatchObject([{ server: "b", stage: "cleaning" }]);
});

test("a server that serves another pool already is not flushed when it joins a second one", () => {
  const two = (servers: readonly ServerSpec[]): DesiredCluster => {
    const [p] = desired(AB).pools;
    const [q] = desired(servers).pools;
    if (!p || !q) throw new Error("no pool");
    return { pools: [p, { ...q, name: "q" }], routes: [{ prefix: "", pool: "p" }] };
  };
  const before = take(EMPTY_STATE, two([server("c")]));
  expect(take(before, two([server("c"), server("a")])).ejected).toEqual([]);
});

test("a changed address moves no key and needs no move, but the new machine is cleaned", () => {
  const after = take(START, desired([server("a", "a2"), server("b")], { move: true }));
  expect(after.cluster.moves).toEqual([]);
  expect(after.cluster.config.pools[0]?.placement.servers[0]).toMatchObject({ name: "a", host: "a2" });
  expect(after.ejected).toMatchObject([{ address: "a2:1", stage: "cleaning", reason: "joined" }]);
});

test("with move, a change of servers, of weights or of the kind becomes a move; without, it is made at once", () => {
  const changes = [
    desired([...AB, server("c")], { move: true }),
    desired([server("a"), server("b", "b", 2)], { move: true }),
    desired(AB, { move: true, kind: "libmemcached-ketama" }),
  ];
  for (const wanted of changes) {
    const after = take(START, wanted);
    expect(after.cluster.moves).toMatchObject([
      { pool: "p", doneBelow: 0, movingBelow: 0, to: wanted.pools[0]?.placement },
    ]);
    expect(after.cluster.config.pools[0]?.placement).toEqual(START.cluster.config.pools[0]?.placement);
    expect(
      take(START, { ...wanted, pools: wanted.pools.map((pool) => ({ ...pool, move: false })) }).cluster.moves,
    ).toEqual([]);
  }
});

test("a second change waits until the move is done, and says so", () => {
  const moving = take(START, desired([...AB, server("c")], { move: true }));
  const { draft, pending } = applyDesired(moving, desired([server("a")], { move: true }), 2_000);
  expect(commit(moving, draft).cluster.moves).toEqual(moving.cluster.moves);
  expect(pending).toEqual([expect.stringContaining("a move is under way")]);
});

test("a move stands still while a server of it is out, then goes on and ends with the new placement", () => {
  const wanted = desired([...AB, server("c")], { move: true });
  const moving = take(START, wanted);
  const stepMove = () => "done" as const;
  expect(lead(moving, input(wanted, { stepMove })).state.cluster.moves).toHaveLength(1);
  const clean = { ...moving, ejected: [] };
  const after = lead(clean, input(wanted, { stepMove })).state;
  expect(after.cluster.moves).toEqual([]);
  expect(after.cluster.config.pools[0]?.placement.servers).toHaveLength(3);
  expect(lead(after, input(wanted, { stepMove })).state).toBe(after);
});

test("a move by order holds while the configuration says what it said, and yields when that changes", () => {
  const placement: Placement = { kind: "slots", servers: [server("a")] };
  const outcome = applyOrder(START, { kind: "start-move", pool: "p", placement }, desired(AB), 1_000);
  if (!outcome.ok) throw new Error(outcome.message);
  const ordered = take(commit(START, outcome.draft), desired(AB));
  expect(ordered.cluster.moves).toMatchObject([{ to: placement }]);
  const done = lead(ordered, input(desired(AB), { stepMove: () => "done" })).state;
  expect(take(done, desired(AB))).toBe(done);
  expect(done.cluster.config.pools[0]?.placement).toEqual(placement);
  const other = take(done, desired([server("b")]));
  expect(other.cluster.config.pools[0]?.placement.servers).toMatchObject([{ name: "b" }]);
  expect(other.overrides).toEqual([]);
});

test("a pool whose keys have had other owners is swept of old values before its first slot moves", () => {
  const rearranged = take(START, desired([server("a"), server("b", "b", 3)]));
  const wanted = desired(AB, { move: true });
  const moving = take(rearranged, wanted);
  const members = [{ id: "me", appliedEpoch: moving.cluster.epoch, votes: {} }];
  const [move] = movesToSweep(moving, members);
  if (!move) throw new Error("there is nothing to sweep");
  const stepMove = () => "done" as const;
  expect(lead(moving, input(wanted, { stepMove })).state).toBe(moving);
  expect(lead(moving, input(wanted, { stepMove, swept: new Set([moveKey(move)]) })).state.cluster.moves).toEqual([]);
  // Nobody may act by a state without the move any more when the sweep begins.
  expect(movesToSweep(moving, [{ id: "late", appliedEpoch: 1, votes: {} }])).toEqual([]);
  expect(movesToSweep(take(START, desired([server("a")], { move: true })), members)).toEqual([]);
});

test("a paused move is not stepped", () => {
  const wanted = desired([server("a")], { move: true });
  const moving = take(START, wanted);
  const paused = applyOrder(moving, { kind: "pause-move", pool: "p" }, wanted, 1_000);
  if (!paused.ok) throw new Error(paused.message);
  const state = commit(moving, paused.draft);
  expect(lead(state, input(wanted, { stepMove: () => "done" })).state).toBe(state);
});

test("whatever is asked for in whatever order, epochs rise by one and names stay unique", () => {
  const names = fc.uniqueArray(fc.constantFrom("a", "b", "c", "d"), { minLength: 1 });
  const wish = fc.record({ names, move: fc.boolean(), weight: fc.integer({ min: 1, max: 3 }) });
  fc.assert(
    fc.property(fc.array(wish, { maxLength: 12 }), (wishes) => {
      let state = EMPTY_STATE;
      for (const { names: wanted, move, weight } of wishes) {
        const servers = wanted.map((name) => server(name, name, weight));
        const next = lead(state, input(desired(servers, { move }))).state;
        expect(next === state || next.cluster.epoch === state.cluster.epoch + 1).toBe(true);
        expectSound(next.cluster);
        state = next;
      }
    }),
  );
});

function expectSound({ config, ejections, moves }: Cluster): void {
  const names = config.pools[0]?.placement.servers.map(({ name }) => name) ?? [];
  expect(new Set(names).size).toBe(names.length);
  const known = new Set([...names, ...moves.flatMap(({ to }) => to.servers.map(({ name }) => name))]);
  for (const ejection of ejections) expect(known).toContain(ejection.server);
  expect(moves.length).toBeLessThanOrEqual(1);
}

test("values say the same whatever the order of their properties, and with what is undefined left out", () => {
  expect(isSame({ a: 1, b: [{ c: 2 }] }, { b: [{ c: 2, d: undefined }], a: 1 })).toBe(true);
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
      expect(isSame(a, structuredClone(a))).toBe(true);
      expect(isSame(a, b)).toBe(fingerprint(a) === fingerprint(b) || Object.is(a, b));
    }),
  );
});
