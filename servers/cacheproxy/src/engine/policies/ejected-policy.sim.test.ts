import { seeds } from "@kagami/clock";
import { expect, test } from "vitest";
import type { Cluster, Ejection } from "../cluster.ts";
import { cluster, placement, pool } from "./testing/clusters.ts";
import { SimulatedClients } from "./testing/simulated-clients.ts";
import { SimulatedFleet } from "./testing/simulated-fleet.ts";

const FLAPS_PER_RUN = 50;
const HABITS = { get: 8, set: 3, delete: 1, add: 1, touch: 1, cas: 1, vivify: 0 };
/** Longer than it takes to agree, as it should be. */
const HOLD_MS = 60;
const KEYS = Array.from({ length: 6 }, (_, index) => `key ${index}`.replace(" ", "-"));

/** The pool that has the keys of a server that is out; the pool itself is `main`. */
type Gutter = "gutter" | "main" | "none";
const GUTTERS: readonly Gutter[] = ["gutter", "main", "none"];

/** A server that comes and goes with all it has, and what the agreement makes of it; see health-ejection.ts. */
class FlappingFleet {
  readonly fleet: SimulatedFleet;
  readonly #gutter: Gutter;
  #epoch = 0;
  #sinceMs = 0;

  constructor(seed: number, gutter: Gutter) {
    this.fleet = new SimulatedFleet(seed, 5, 3, { cut: 0.001, evict: 0.002 });
    this.fleet.holdMs = HOLD_MS;
    this.#gutter = gutter;
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
    this.#agree(this.#next(flapping, "fenced"));
    if (!isEarly) fleet.setReachable(flapping, false);
    this.#agree(this.#next(flapping, "down"));
    clock.advance(random.float() * 20);
    fleet.setReachable(flapping, true);
    clock.advance(random.float() * 5);
    if (random.chance(0.5)) fleet.servers[flapping]?.flush();
    else fleet.servers[flapping]?.restart();
    this.#agree(this.#next(flapping, "fenced"));
    this.#agree(this.#next());
    clock.advance(random.float() * 20);
  }

  #next(flapping?: number, stage: Ejection["stage"] = "down"): Cluster {
    const ejections: Ejection[] =
      flapping === undefined ? [] : [{ pool: "main", server: `s${flapping}`, sinceMs: this.#sinceMs, stage }];
    const options = this.#gutter === "none" ? {} : { gutter: { pool: this.#gutter, ttlSec: 100 } };
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

test.each(seeds(24))(
  "no stale value is read while a server flaps 50 times, its content coming back with it, seed %i",
  (seed) => {
    const gutter = GUTTERS[seed % 3] as Gutter;
    const flapping = new FlappingFleet(seed, gutter);
    const clients = new SimulatedClients(flapping.fleet, "main", KEYS, 9, HABITS);
    for (let i = 0; i < FLAPS_PER_RUN; i++) flapping.flap(i % 3);
    clients.stop();
    expect({ seed, faults: clients.faults.slice(0, 3) }).toEqual({ seed, faults: [] });
    // What was in flight is lost; what came later has waited.
    expect([...clients.messages].filter((message) => !/closed|broke/.test(message))).toEqual([]);
    expect(clients.opCount).toBeGreaterThan(5_000);
    expect(clients.hits / clients.reads).toBeGreaterThan(0.3);
  },
);
