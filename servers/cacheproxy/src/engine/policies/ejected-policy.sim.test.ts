import { seeds } from "@kagami/clock";
import { expect, test } from "vitest";
import type { Cluster, Ejection } from "../cluster.ts";
import { cluster, placement, pool } from "./testing/clusters.ts";
import { SimulatedClients } from "./testing/simulated-clients.ts";
import { SimulatedFleet } from "./testing/simulated-fleet.ts";

const FLAPS_PER_RUN = 50;
const HABITS = { get: 8, set: 3, delete: 1, add: 1, touch: 1, cas: 1, vivify: 0 };
const KEYS = Array.from({ length: 6 }, (_, index) => `key ${index}`.replace(" ", "-"));

/** A server that comes and goes with all it has, and what the agreement makes of it; see health-ejection.ts. */
class FlappingFleet {
  readonly fleet: SimulatedFleet;
  readonly #hasGutter: boolean;
  #epoch = 0;
  #sinceMs = 0;

  constructor(seed: number, hasGutter: boolean) {
    this.fleet = new SimulatedFleet(seed, 5, 3, { cut: 0.001, evict: 0.002 });
    this.#hasGutter = hasGutter;
    const state = this.#next();
    for (const worker of this.fleet.workers) worker.apply(state);
  }

  flap(flapping: number): void {
    const { fleet } = this;
    const { random, clock } = fleet;
    this.#sinceMs = Math.max(this.#sinceMs + 1, Math.floor(clock.wallMs()));
    // Sometimes it is cut off long before that is agreed, sometimes only some time after.
    const isEarly = random.chance(0.5);
    if (isEarly) fleet.setReachable(flapping, false);
    clock.advance(random.float() * 5);
    this.#agree(this.#next(flapping, "cleaning"));
    if (!isEarly) fleet.setReachable(flapping, false);
    this.#agree(this.#next(flapping, "down"));
    clock.advance(random.float() * 20);
    fleet.setReachable(flapping, true);
    clock.advance(random.float() * 5);
    this.#agree(this.#next(flapping, "cleaning"));
    if (random.chance(0.5)) fleet.servers[flapping]?.flush();
    else fleet.servers[flapping]?.restart();
    this.#agree(this.#next());
    clock.advance(random.float() * 20);
  }

  #next(flapping?: number, stage: Ejection["stage"] = "down"): Cluster {
    const ejections: Ejection[] =
      flapping === undefined ? [] : [{ pool: "main", server: `s${flapping}`, sinceMs: this.#sinceMs, stage }];
    const options = this.#hasGutter ? { gutter: { pool: "gutter", ttlSec: 100 } } : {};
    const pools = [pool("main", placement([0, 1, 2]), options), pool("gutter", placement([3, 4]))];
    return cluster(++this.#epoch, pools, { ejections });
  }

  /** Each worker learns of it in its own time; the next step is when all have, and a moment more. */
  #agree(state: Cluster): void {
    const { random, clock, workers } = this.fleet;
    for (const worker of workers) clock.after(random.float() * 8, () => worker.apply(state));
    // Requests that began before are over by then.
    clock.advance(8 + 12);
  }
}

test.each(seeds(20))(
  "no stale value is read while a server flaps 50 times, its content coming back with it, seed %i",
  (seed) => {
    const flapping = new FlappingFleet(seed, seed % 2 === 0);
    const clients = new SimulatedClients(flapping.fleet, "main", KEYS, 9, HABITS);
    for (let i = 0; i < FLAPS_PER_RUN; i++) flapping.flap(i % 3);
    clients.stop();
    expect({ seed, faults: clients.faults.slice(0, 3) }).toEqual({ seed, faults: [] });
    expect(clients.opCount).toBeGreaterThan(5_000);
    expect(clients.hits / clients.reads).toBeGreaterThan(0.3);
  },
);
