import { seeds } from "@kagami/clock";
import { SLOT_COUNT } from "@kagami/hashing";
import { expect, test } from "vitest";
import type { Cluster, Move } from "../cluster.ts";
import { SETTLE_MS } from "./moving-policy.ts";
import { cluster, placement, pool } from "./testing/clusters.ts";
import { SimulatedClients } from "./testing/simulated-clients.ts";
import { SimulatedFleet } from "./testing/simulated-fleet.ts";

const KEYS = Array.from({ length: 8 }, (_, index) => `key-${index}`);
const HABITS = { get: 10, set: 3, delete: 2, add: 2, touch: 2, cas: 2, vivify: 0 };

const FROM = placement([0, 1, 2], "twemproxy-modula");
const TO = placement([3, 4]);

/** A pool that moves on and back in the steps of the coordinator, all of whose keys change their servers. */
class MovingFleet {
  readonly fleet: SimulatedFleet;
  clients: SimulatedClients | undefined;
  #epoch = 0;
  #doneBelow = 0;
  #movingBelow = 0;

  constructor(seed: number, faults: { cut: number; evict: number }) {
    this.fleet = new SimulatedFleet(seed, 5, 4, faults);
    for (const worker of this.fleet.workers) worker.apply(this.#state(false));
  }

  /** One step, that every worker learns of in its own time. */
  agree(doneBelow: number, movingBelow: number, hasMove = true): void {
    const { random, clock, workers } = this.fleet;
    this.#doneBelow = doneBelow;
    this.#movingBelow = movingBelow;
    const state = this.#state(hasMove);
    for (const worker of workers) clock.after(random.float() * 15, () => worker.apply(state));
    clock.advance(15 + 15 + random.float() * 20);
  }

  /** Time in which clients do little. */
  rest(ms: number): void {
    if (this.clients) this.clients.thinkMs = 500;
    this.fleet.clock.advance(ms);
    if (this.clients) this.clients.thinkMs = 0.5;
    this.fleet.clock.advance(1_000);
  }

  #state(hasMove: boolean): Cluster {
    const isOver = !hasMove && this.#doneBelow === SLOT_COUNT;
    const move: Move = {
      pool: "main",
      from: FROM,
      to: TO,
      doneBelow: this.#doneBelow,
      movingBelow: this.#movingBelow,
      windowSinceMs: 0,
    };
    return cluster(++this.#epoch, [pool("main", isOver ? TO : FROM)], { moves: hasMove ? [move] : [] });
  }
}

test.each(seeds(40))("all requests keep their meaning while their keys move on, back and on again, seed %i", (seed) => {
  const moving = new MovingFleet(seed, seed % 2 === 0 ? { cut: 0, evict: 0 } : { cut: 0.001, evict: 0.005 });
  const clients = new SimulatedClients(moving.fleet, "main", KEYS, 10, HABITS);
  moving.clients = clients;
  const half = SLOT_COUNT / 2;
  moving.fleet.clock.advance(20);
  moving.agree(0, 0);
  moving.agree(0, half);
  moving.agree(half, SLOT_COUNT);
  // Back, as after a change of mind, and on again.
  if (seed % 3 === 0) {
    moving.agree(0, SLOT_COUNT);
    moving.agree(0, 0);
    moving.agree(0, half);
    moving.agree(half, SLOT_COUNT);
  }
  moving.agree(SLOT_COUNT, SLOT_COUNT);
  moving.rest(SETTLE_MS);
  moving.agree(SLOT_COUNT, SLOT_COUNT, false);
  moving.fleet.clock.advance(30);
  clients.stop();
  expect({ seed, faults: clients.faults.slice(0, 3) }).toEqual({ seed, faults: [] });
  expect(clients.opCount).toBeGreaterThan(3_000);
  expect(clients.hits / clients.reads).toBeGreaterThan(0.3);
});
