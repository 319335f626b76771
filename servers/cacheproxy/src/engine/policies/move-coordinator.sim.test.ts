import { createRandom, seeds } from "@kagami/clock";
import { expect, test } from "vitest";
import type { Cluster, Move, Placement } from "../cluster.ts";
import type { MoveReads } from "../cluster-leader.ts";
import { MoveCoordinator, stepBack } from "./move-coordinator.ts";
import { cluster, placement, pool } from "./testing/clusters.ts";
import { SimulatedFleet } from "./testing/simulated-fleet.ts";

const KEY_COUNT = 1_000;
const REQUESTS_PER_SEC = 500;
const ENCODER = new TextEncoder();

/** Two fleets fed with the same requests: one moves, the other does not. */
class Workload {
  readonly fleet: SimulatedFleet;
  hits = 0;
  reads = 0;

  constructor(seed: number, first: Cluster) {
    this.fleet = new SimulatedFleet(seed, 8, 2);
    for (const worker of this.fleet.workers) worker.apply(first);
  }

  /** Reads a key; after a miss stores it, as clients of a cache do. Some keys are overwritten or deleted. */
  use(index: number, kind: number): void {
    const { fleet } = this;
    const key = ENCODER.encode(`item:${index}`);
    const worker = fleet.workers[index % 2];
    if (!worker) throw new Error("no worker");
    const value = ENCODER.encode(`value of ${index}`);
    const store = (): void => worker.request("main", { verb: "ms", key, flags: ["F7"], value }, () => undefined);
    if (kind < 0.02) worker.request("main", { verb: "md", key, flags: [] }, () => undefined);
    else if (kind < 0.1) store();
    else {
      this.reads++;
      worker.request("main", { verb: "mg", key, flags: ["v", "f"] }, (reply) => {
        if (reply.code === "VA") this.hits++;
        else store();
      });
    }
  }

  takeReads(totals: { hitsTo: number; hitsFrom: number; misses: number }): MoveReads {
    for (const worker of this.fleet.workers) {
      const counts = worker.memoryOf("main").takeCounts("main", this.fleet.clock.wallMs());
      totals.hitsTo += counts.moveHitsTo;
      totals.hitsFrom += counts.moveHitsFrom;
      totals.misses += counts.moveMisses;
    }
    return { ...totals };
  }
}

/** @returns Hits of the run that moves, relative to those of the run that does not. */
function compareRuns(
  seed: number,
  from: Placement,
  to: Placement,
): { keptShare: number; hitRate: number; sec: number } {
  const still = new Workload(seed, cluster(1, [pool("main", from)]));
  const moving = new Workload(seed, cluster(1, [pool("main", from)]));
  const random = createRandom(seed).fork("requests");
  const coordinator = new MoveCoordinator({ windowSlots: 16_384, readsFloor: 400, observeMs: 4_000 });
  let epoch = 1;
  let move: Move = { pool: "main", from, to, doneBelow: 0, movingBelow: 0, windowSinceMs: 0 };
  let isOver = false;
  let totals = { hitsTo: 0, hitsFrom: 0, misses: 0 };
  const second = (): void => {
    for (let i = 0; i < REQUESTS_PER_SEC; i++) {
      // Few keys are asked for often, most seldom.
      const index = Math.floor(KEY_COUNT * random.float() ** 2);
      const kind = random.float();
      for (const load of [still, moving]) {
        load.use(index, kind);
        load.fleet.clock.advance(1_000 / REQUESTS_PER_SEC);
      }
    }
  };
  const step = (): void => {
    const { clock, workers } = moving.fleet;
    const isApplied = workers.every((worker) => worker.epoch === epoch);
    const next = coordinator.step(move, { nowMs: clock.wallMs(), isApplied, reads: moving.takeReads(totals) });
    if (next === move) return;
    if (next === "done") isOver = true;
    else move = next;
    totals = { hitsTo: 0, hitsFrom: 0, misses: 0 };
    const state =
      next === "done"
        ? cluster(++epoch, [pool("main", to)])
        : cluster(++epoch, [pool("main", from)], { moves: [next] });
    for (const worker of workers) clock.after(random.float() * 200, () => worker.apply(state));
  };
  for (let sec = 0; sec < 6; sec++) second();
  for (const load of [still, moving]) {
    load.hits = 0;
    load.reads = 0;
  }
  move = { ...move, windowSinceMs: moving.fleet.clock.wallMs() };
  const first = cluster(++epoch, [pool("main", from)], { moves: [move] });
  for (const worker of moving.fleet.workers) worker.apply(first);
  let sec = 0;
  for (; sec < 600 && !isOver; sec++) {
    second();
    step();
  }
  for (let after = 0; after < 10; after++) second();
  if (!isOver) throw new Error(`seed ${seed}: the move is not over after ${sec} s`);
  return { keptShare: moving.hits / still.hits, hitRate: still.hits / still.reads, sec };
}

test.each([
  { name: "one server more", from: placement([0, 1, 2]), to: placement([0, 1, 2, 3]), seed: 1 },
  { name: "one server less", from: placement([0, 1, 2]), to: placement([0, 1]), seed: 2 },
  { name: "all servers replaced", from: placement([0, 1, 2]), to: placement([4, 5, 6]), seed: 3 },
  {
    name: "from a fleet's ketama ring to the slot table",
    from: placement([0, 1, 2], "libmemcached-ketama"),
    to: placement([0, 1, 2]),
    seed: 4,
  },
])("a move keeps at least 99.9 % of the hits: $name", ({ name, from, to, seed }) => {
  const { keptShare, hitRate, sec } = compareRuns(seed, from, to);
  expect(keptShare, `${name}, seed ${seed}: hit rate without a move ${hitRate}, ${sec} s`).toBeGreaterThanOrEqual(
    0.999,
  );
  expect(hitRate).toBeGreaterThan(0.8);
});

const START: Move = {
  pool: "main",
  from: placement([0]),
  to: placement([1]),
  doneBelow: 0,
  movingBelow: 0,
  windowSinceMs: 0,
};
const NOTHING: MoveReads = { hitsTo: 0, hitsFrom: 0, misses: 0 };

test("no step is made before all proxies have made the last one, nor within its hold", () => {
  const { step } = new MoveCoordinator();
  expect(step(START, { nowMs: 4_999, isApplied: true, reads: NOTHING })).toBe(START);
  expect(step(START, { nowMs: 9_000, isApplied: false, reads: NOTHING })).toBe(START);
  expect(step(START, { nowMs: 9_000, isApplied: true, reads: NOTHING })).toMatchObject({
    doneBelow: 0,
    movingBelow: 4_096,
    windowSinceMs: 9_000,
  });
});

test("a window stays open while the old owner still has something to give, and closes when it is dry", () => {
  const { step } = new MoveCoordinator();
  const open: Move = { ...START, movingBelow: 4_096 };
  const at = (sec: number, hitsTo: number, hitsFrom: number) =>
    step(open, { nowMs: sec * 1_000, isApplied: true, reads: { hitsTo, hitsFrom, misses: 0 } });
  expect(at(10, 0, 5_000)).toBe(open);
  expect(at(20, 5_000, 5_100)).toBe(open);
  expect(at(30, 15_000, 5_103)).toMatchObject({ doneBelow: 4_096, movingBelow: 8_192 });
});

test("a window that nobody reads closes when no item can be left, and not before", () => {
  const { step } = new MoveCoordinator({ longestTtlMs: 100_000 });
  const open: Move = { ...START, movingBelow: 4_096 };
  expect(step(open, { nowMs: 99_999, isApplied: true, reads: NOTHING })).toBe(open);
  expect(step(open, { nowMs: 100_000, isApplied: true, reads: NOTHING })).toMatchObject({ doneBelow: 4_096 });
});

test("a leader that knows nothing but the move itself finishes it, wherever it stands", () => {
  const random = createRandom(7);
  let move: Move | "done" = START;
  let nowMs = 0;
  for (let i = 0; i < 2_000 && move !== "done"; i++) {
    nowMs += random.int(1_000, 30_000);
    // Every step by another leader.
    const { step } = new MoveCoordinator({ longestTtlMs: 60_000 });
    const before: Move = move;
    move = step(before, { nowMs, isApplied: random.chance(0.8), reads: NOTHING });
    if (move !== "done") expect(move.movingBelow).toBeGreaterThanOrEqual(before.movingBelow);
  }
  expect(move).toBe("done");
});

test("progress tells how much is done and how long the rest takes at that pace", () => {
  const coordinator = new MoveCoordinator({ longestTtlMs: 10_000, windowSlots: 32_768 });
  let move = coordinator.step(START, { nowMs: 10_000, isApplied: true, reads: NOTHING }) as Move;
  expect(coordinator.progress(move, 10_000)).toMatchObject({ doneShare: 0, remainingMs: undefined });
  move = coordinator.step(move, { nowMs: 20_000, isApplied: true, reads: NOTHING }) as Move;
  expect(coordinator.progress(move, 20_000)).toMatchObject({ doneShare: 0.5, remainingMs: 70_000 });
});

test.each(seeds(3))("a move that is given up goes back in steps that all proxies follow, seed %i", (seed) => {
  const random = createRandom(seed);
  const bound = random.int(1, 60_000);
  const start: Move = { ...START, doneBelow: bound, movingBelow: bound + 4_096 };
  expect(stepBack(start, { nowMs: 1_000, isApplied: true })).toBe(start);
  expect(stepBack(start, { nowMs: 9_000, isApplied: false })).toBe(start);
  const second = stepBack(start, { nowMs: 9_000, isApplied: true }) as Move;
  expect(second).toMatchObject({ doneBelow: 0, movingBelow: bound + 4_096 });
  const third = stepBack(second, { nowMs: 18_000, isApplied: true }) as Move;
  expect(third).toMatchObject({ doneBelow: 0, movingBelow: 0 });
  expect(stepBack(third, { nowMs: 27_000, isApplied: true })).toBe("gone");
});
