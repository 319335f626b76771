import { createRandom, FakeClock, type Random } from "@kagami/clock";
import type { Cluster } from "../../cluster.ts";
import type { Exchange, ExchangeResult, MetaReply, MetaRequest, ServerRef } from "../../meta.ts";
import { type PoolPolicy, SLOW } from "../../pool-policy.ts";
import { createPoolPolicy } from "../create-pool-policy.ts";
import type { PolicyEnvironment } from "../environment.ts";
import { PlacementCache } from "../placement-cache.ts";
import { PoolMemory } from "../pool-memory.ts";
import { MISS } from "../replies.ts";
import { FakeMemcached } from "./fake-memcached.ts";

/** What goes wrong on the way, each a probability per message or request. */
export interface FleetFaults {
  /** A connection breaks: what is under way on it fails, carried out or not. */
  readonly cut: number;
  /** An item is evicted before a request is carried out. */
  readonly evict: number;
}

interface Flight {
  readonly request: MetaRequest;
  readonly done: (result: ExchangeResult) => void;
  isOver: boolean;
}

interface Wire {
  /** Arrival of the last message in either direction: messages do not overtake one another. */
  toServerMs: number;
  toWorkerMs: number;
  /** Counted on when it breaks; messages of an older connection are lost. */
  generation: number;
  readonly flights: Flight[];
}

const FIRST_MS = 1_700_000_000_000;
const WAIT_MS = 0.5;
const PLACEMENTS = new PlacementCache();

/**
 * Workers, servers and the wires between them, all on one fake clock and from one seed. Each worker has one connection
 * to each server, on which messages keep their order and take 0.1 to 4 ms; everything else may happen in any order.
 */
export class SimulatedFleet {
  readonly clock = new FakeClock(FIRST_MS);
  readonly random: Random;
  readonly servers: FakeMemcached[];
  readonly workers: SimulatedWorker[];
  /** How long changes wait for a server or the next state rather than fail. */
  holdMs = 0;
  readonly #reachable: boolean[];
  readonly #lostMs: number[];
  #faults: FleetFaults;

  constructor(seed: number, serverCount: number, workerCount: number, faults: FleetFaults = { cut: 0, evict: 0 }) {
    this.random = createRandom(seed);
    this.#faults = faults;
    const nowSec = (): number => Math.floor(this.clock.wallMs() / 1000);
    this.servers = Array.from({ length: serverCount }, () => new FakeMemcached(nowSec));
    this.#reachable = this.servers.map(() => true);
    this.#lostMs = this.servers.map(() => 0);
    this.workers = Array.from({ length: workerCount }, (_, index) => new SimulatedWorker(this, index));
  }

  setFaults(faults: FleetFaults): void {
    this.#faults = faults;
  }

  /** A server that cannot be reached keeps what it has. */
  setReachable(server: ServerRef, isReachable: boolean): void {
    this.#reachable[server] = isReachable;
    this.#lostMs[server] = this.clock.monotonicMs();
    if (!isReachable) for (const worker of this.workers) worker.cut(server);
  }

  isReachable(server: ServerRef): boolean {
    return this.#reachable[server] ?? false;
  }

  /** Whether a change still waits for a server that cannot be reached. */
  isWaitedFor(server: ServerRef, appliedMs: number): boolean {
    return !this.isReachable(server) && this.isPatient(Math.max(appliedMs, this.#lostMs[server] ?? 0));
  }

  isPatient(sinceMs: number): boolean {
    return this.clock.monotonicMs() - sinceMs < this.holdMs;
  }

  /** Whether a message or request meets with a fault. */
  meets(fault: keyof FleetFaults): boolean {
    return this.#faults[fault] > 0 && this.random.chance(this.#faults[fault]);
  }

  delayMs(): number {
    return this.random.chance(0.05) ? this.random.float() * 4 : 0.1 + this.random.float() * 0.4;
  }
}

/** One worker: its connections, and the policies of the epoch it knows. */
export class SimulatedWorker implements Exchange {
  readonly #fleet: SimulatedFleet;
  readonly #wires = new Map<ServerRef, Wire>();
  readonly #memories = new Map<string, PoolMemory>();
  readonly #environment: PolicyEnvironment;
  #cluster: Cluster | undefined;
  #appliedMs = 0;
  #policies = new Map<string, ReturnType<typeof createPoolPolicy>>();

  constructor(fleet: SimulatedFleet, index: number) {
    this.#fleet = fleet;
    const random = fleet.random.fork(`worker ${index}`);
    this.#environment = {
      // Servers of the simulation are told by their port.
      refOf: (server) => server.port,
      nowMs: () => fleet.clock.wallMs(),
      random: () => random.float(),
      placements: PLACEMENTS,
    };
  }

  get epoch(): number {
    return this.#cluster?.epoch ?? 0;
  }

  memoryOf(pool: string): PoolMemory {
    let memory = this.#memories.get(pool);
    if (!memory) {
      memory = new PoolMemory(this.#environment.random, this.#environment.nowMs);
      this.#memories.set(pool, memory);
    }
    return memory;
  }

  apply(cluster: Cluster): void {
    if (this.#cluster && cluster.epoch <= this.#cluster.epoch) return;
    this.#cluster = cluster;
    this.#appliedMs = this.#fleet.clock.monotonicMs();
    this.#policies = new Map(
      cluster.config.pools.map(({ name }) => [
        name,
        createPoolPolicy(cluster, name, this.memoryOf(name), this.#environment),
      ]),
    );
  }

  /** What the data path does: direct requests go to their server as they are. */
  request(pool: string, request: MetaRequest, done: (reply: MetaReply) => void): void {
    const policy = this.#policies.get(pool);
    if (!policy) throw new Error(`no pool ${pool}`);
    const access = accessOf(request);
    // Meta requests, as all are here, are not direct where values may be stand-ins.
    const ref =
      policy.isStandIn && access !== "delete"
        ? SLOW
        : policy.direct(access, request.key, 0, request.key.length, request.value?.length ?? 0);
    if (access !== "read" && this.#mustWait(policy, ref, request.key)) {
      this.#fleet.clock.after(WAIT_MS, () => this.request(pool, request, done));
      return;
    }
    if (ref < 0) {
      policy.run(request, this, done);
      return;
    }
    this.send(ref, request, (result) => {
      if (result.ok) done(result.reply);
      else if (result.failure === "down" && access === "read") done(MISS);
      else done({ code: "SERVER_ERROR", flags: [], message: result.failure });
    });
  }

  #mustWait(policy: PoolPolicy, ref: ServerRef, key: Uint8Array): boolean {
    const fleet = this.#fleet;
    const appliedMs = this.#appliedMs;
    const forServer = (server: ServerRef): boolean => fleet.isWaitedFor(server, appliedMs);
    if (ref >= 0) return forServer(ref);
    return policy.mustWait(key, 0, key.length, { forEpoch: fleet.isPatient(appliedMs), forServer });
  }

  send(server: ServerRef, request: MetaRequest, done: (result: ExchangeResult) => void): void {
    const { clock } = this.#fleet;
    if (!this.#fleet.isReachable(server)) {
      clock.after(0, () => done({ ok: false, failure: "down" }));
      return;
    }
    const wire = this.#wireTo(server);
    const flight: Flight = { request, done, isOver: false };
    wire.flights.push(flight);
    wire.toServerMs = Math.max(wire.toServerMs, clock.monotonicMs() + this.#fleet.delayMs());
    const { generation } = wire;
    clock.after(wire.toServerMs - clock.monotonicMs(), () => this.#arrive(server, wire, generation, flight));
  }

  /** Breaks the connection to a server. */
  cut(server: ServerRef): void {
    const wire = this.#wires.get(server);
    if (!wire) return;
    wire.generation++;
    const lost = wire.flights.splice(0).filter((flight) => !flight.isOver);
    for (const flight of lost) {
      flight.isOver = true;
      this.#fleet.clock.after(0, () => flight.done({ ok: false, failure: "closed" }));
    }
  }

  #arrive(server: ServerRef, wire: Wire, generation: number, flight: Flight): void {
    const fleet = this.#fleet;
    if (generation !== wire.generation || flight.isOver) return;
    const memcached = fleet.servers[server];
    if (!memcached) throw new Error(`no server ${server}`);
    if (fleet.meets("evict")) memcached.forget(flight.request.key);
    const reply = memcached.execute(flight.request);
    if (fleet.meets("cut")) {
      this.cut(server);
      return;
    }
    wire.toWorkerMs = Math.max(wire.toWorkerMs, fleet.clock.monotonicMs() + fleet.delayMs());
    fleet.clock.after(wire.toWorkerMs - fleet.clock.monotonicMs(), () => {
      if (generation !== wire.generation || flight.isOver) return;
      flight.isOver = true;
      wire.flights.splice(wire.flights.indexOf(flight), 1);
      flight.done({ ok: true, reply });
    });
  }

  #wireTo(server: ServerRef): Wire {
    let wire = this.#wires.get(server);
    if (!wire) {
      wire = { toServerMs: 0, toWorkerMs: 0, generation: 0, flights: [] };
      this.#wires.set(server, wire);
    }
    return wire;
  }
}

function accessOf({ verb, flags }: MetaRequest): "read" | "write" | "delete" | "touch" {
  if (verb === "md") return "delete";
  if (verb !== "mg") return "write";
  return flags.some((flag) => flag.startsWith("T") || flag.startsWith("N")) ? "touch" : "read";
}
