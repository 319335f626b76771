import { createRandom, type Random } from "@kagami/clock";
import type { Placement, ServerSpec } from "./cluster.ts";
import type { DesiredCluster } from "./cluster-desired.ts";
import { lead } from "./cluster-leader.ts";
import { type AgreedState, EMPTY_STATE, serverAddress } from "./cluster-state.ts";
import { ServerHealth, type Vote } from "./health.ts";
import { CleaningDesk } from "./health-cleaning.ts";
import type { Member } from "./health-ejection.ts";

/** Which of the safeguards is left out, to show that the simulation notices. */
export type Sabotage = "none" | "no-flush" | "no-fence" | "no-generations";

/** How a simulation ended. */
export interface WorldResult {
  readonly flapCount: number;
  readonly ejectionCount: number;
  readonly rejoinCount: number;
  readonly readCount: number;
  readonly hitCount: number;
  readonly gutterHitCount: number;
  /** Values that were older than an acknowledged change of their key. */
  readonly staleReads: readonly string[];
  /** Servers that are in use at the end, when all faults are mended. */
  readonly inUseCount: number;
}

const STEP_MS = 50;
const SERVER_COUNT = 4;
const KEY_COUNT = 40;
const GUTTER_TTL_MS = 20_000;
const SETTLE_MS = 2_000;
const TIMEOUT_MS = 500;
const LIMITS = { failureLimit: 3, recoveryLimit: 3 };
const PROBE_MS = 1_000;

/** A value where it lies. Orders of events are told by a counter, for several happen at one time. */
interface Stored {
  readonly appliedAt: number;
  readonly expiresMs: number;
}

interface FakeServer {
  readonly address: string;
  readonly items: Map<string, Stored>;
  /** Requests that came while it was stopped; it does them when it goes on, though nobody waits any more. */
  readonly backlog: (() => void)[];
  isRunning: boolean;
  isStopped: boolean;
  startedMs: number;
  readonly refusesFlush: boolean;
  readonly cutFrom: Set<number>;
  mendAtMs: number;
}

interface FakeProxy {
  readonly index: number;
  state: AgreedState;
  /** States and when they arrive. */
  readonly inbox: { readonly atMs: number; readonly state: AgreedState }[];
  readonly health: Map<string, ServerHealth>;
  report: Member;
  cutUntilMs: number;
}

/**
 * Servers that die, restart, stand still, and are cut off from some proxies; proxies that learn of the agreed state late
 * and at different times; clients that read and write through any of them. One seed, one run.
 */
export class HealthWorld {
  readonly #random: Random;
  readonly #sabotage: Sabotage;
  readonly #servers: FakeServer[];
  readonly #gutter = new Map<string, Stored>();
  readonly #proxies: FakeProxy[];
  readonly #acknowledged = new Map<string, number>();
  readonly #stale: string[] = [];
  readonly #desired: DesiredCluster;
  #agreed: AgreedState = EMPTY_STATE;
  #desk = new CleaningDesk(SETTLE_MS);
  #nowMs = 1_000_000;
  #order = 0;
  readonly #counts = { flapCount: 0, ejectionCount: 0, rejoinCount: 0, readCount: 0, hitCount: 0, gutterHitCount: 0 };

  constructor(seed: number, proxyCount: number, sabotage: Sabotage = "none") {
    this.#random = createRandom(seed);
    this.#sabotage = sabotage;
    const specs = Array.from({ length: SERVER_COUNT }, (_, i) => spec(`s${i}`, 11_000 + i));
    this.#servers = specs.map((server, i) => ({
      address: serverAddress(server),
      items: new Map(),
      backlog: [],
      isRunning: true,
      isStopped: false,
      startedMs: 0,
      refusesFlush: i === SERVER_COUNT - 1,
      cutFrom: new Set(),
      mendAtMs: Number.POSITIVE_INFINITY,
    }));
    this.#desired = desiredOf(specs);
    this.#agreed = this.#lead([member("p0", 0, {})], EMPTY_STATE);
    this.#proxies = Array.from({ length: proxyCount }, (_, index) => ({
      index,
      state: this.#agreed,
      inbox: [],
      health: new Map(this.#servers.map(({ address }) => [address, new ServerHealth()])),
      report: member(`p${index}`, this.#agreed.cluster.epoch, {}),
      cutUntilMs: 0,
    }));
  }

  /** Runs until servers have flapped that often, then mends all faults and lets the cluster come to rest. */
  run(flapCount: number): WorldResult {
    while (this.#counts.flapCount < flapCount) this.#step(true);
    for (const server of this.#servers) this.#mend(server);
    for (let ms = 0; ms < 400_000; ms += STEP_MS) this.#step(false);
    const inUseCount = SERVER_COUNT - this.#agreed.ejected.length;
    return { ...this.#counts, staleReads: this.#stale, inUseCount };
  }

  #step(hasFaults: boolean): void {
    this.#nowMs += STEP_MS;
    if (hasFaults) this.#breakSomething();
    for (const server of this.#servers) if (this.#nowMs >= server.mendAtMs) this.#mend(server);
    for (const proxy of this.#proxies) this.#tickProxy(proxy);
    if (this.#nowMs % 500 === 0) this.#tickLeader();
    for (let i = 0; i < 4; i++) this.#request();
  }

  #breakSomething(): void {
    const random = this.#random;
    if (random.chance(0.02)) this.#flap(random.pick(this.#servers));
    if (random.chance(0.002)) {
      // Shorter than a session: a proxy that is away for longer is no member any more, and others do not wait for it.
      random.pick(this.#proxies).cutUntilMs = this.#nowMs + random.int(500, 9_000);
    }
    // Another proxy leads from now on; it knows nothing but the agreed state.
    if (random.chance(0.001)) this.#desk = new CleaningDesk(SETTLE_MS);
  }

  #flap(server: FakeServer): void {
    if (server.mendAtMs !== Number.POSITIVE_INFINITY) return;
    const random = this.#random;
    this.#counts.flapCount++;
    server.mendAtMs = this.#nowMs + (random.chance(0.3) ? random.int(50, 2_000) : random.int(2_000, 15_000));
    const kind = random.int(0, 3);
    if (kind === 0) {
      server.isRunning = false;
      server.items.clear();
    } else if (kind === 1) server.isStopped = true;
    else for (const proxy of this.#proxies) if (kind === 2 || random.chance(0.5)) server.cutFrom.add(proxy.index);
  }

  #mend(server: FakeServer): void {
    if (!server.isRunning) server.startedMs = this.#nowMs;
    server.isRunning = true;
    server.isStopped = false;
    server.cutFrom.clear();
    server.mendAtMs = Number.POSITIVE_INFINITY;
    for (const request of server.backlog.splice(0)) request();
  }

  #tickProxy(proxy: FakeProxy): void {
    while (proxy.inbox[0] && proxy.inbox[0].atMs <= this.#nowMs && proxy.cutUntilMs <= this.#nowMs) {
      const { state } = proxy.inbox.shift() as { state: AgreedState };
      if (state.cluster.epoch > proxy.state.cluster.epoch) proxy.state = state;
    }
    if ((this.#nowMs + proxy.index * 300) % PROBE_MS === 0) {
      for (const server of this.#servers) {
        proxy.health.get(server.address)?.onProbe(this.#answers(server, proxy), LIMITS);
      }
    }
    if (proxy.cutUntilMs > this.#nowMs || this.#nowMs % 200 !== 0) return;
    const votes: Record<string, Vote> = {};
    for (const [address, health] of proxy.health) votes[address] = health.vote;
    proxy.report = member(`p${proxy.index}`, proxy.state.cluster.epoch, votes);
  }

  #answers(server: FakeServer, proxy: FakeProxy): boolean {
    return server.isRunning && !server.isStopped && !server.cutFrom.has(proxy.index);
  }

  #tickLeader(): void {
    const members = this.#proxies.map((proxy) => proxy.report);
    const believed = this.#sabotage === "no-fence" ? members.map((one) => ({ ...one, appliedEpoch: 1e9 })) : members;
    this.#desk.observe(this.#agreed, believed, this.#nowMs);
    for (const address of this.#desk.due(this.#nowMs)) this.#clean(address);
    const next = this.#lead(believed, this.#agreed);
    if (next === this.#agreed) return;
    const before = this.#agreed.ejected.length;
    if (next.ejected.length > before) this.#counts.ejectionCount++;
    if (next.ejected.length < before) this.#counts.rejoinCount++;
    this.#agreed = next;
    for (const proxy of this.#proxies) {
      const atMs = Math.max(this.#nowMs + this.#random.int(0, 600), proxy.inbox.at(-1)?.atMs ?? 0);
      proxy.inbox.push({ atMs, state: next });
    }
  }

  #clean(address: string): void {
    const server = this.#servers.find((candidate) => candidate.address === address);
    const leader = this.#proxies[0];
    if (!server || !leader || !this.#answers(server, leader)) return;
    const uptimeSec = Math.floor((this.#nowMs - server.startedMs) / 1_000);
    if (this.#desk.provesRestart(address, uptimeSec, this.#nowMs)) return;
    // One that refuses to be flushed is restarted by its operator.
    if (server.refusesFlush) {
      if (this.#random.chance(0.01)) {
        server.items.clear();
        server.startedMs = this.#nowMs;
      }
      return;
    }
    if (this.#sabotage !== "no-flush") server.items.clear();
    this.#desk.onFlushed(address, this.#desk.stageEpochOf(address) ?? 0);
  }

  #lead(members: readonly Member[], state: AgreedState): AgreedState {
    return lead(state, {
      nowMs: this.#nowMs,
      members,
      ejectionShare: 0.5,
      cleaned: this.#desk.cleaned,
      desired: this.#desired,
      moveReads: new Map(),
      stepMove: (move) => move,
      swept: new Set(),
    }).state;
  }

  #request(): void {
    const random = this.#random;
    const key = `k${random.int(0, KEY_COUNT - 1)}`;
    const proxy = random.pick(this.#proxies);
    const isWrite = random.chance(0.3);
    const server = this.#servers[Number(key.slice(1)) % SERVER_COUNT] as FakeServer;
    const ejection = proxy.state.ejected.find((entry) => entry.address === server.address);
    const startedAt = this.#order++;
    const isDelete = random.chance(0.2);
    if (!ejection) {
      if (isWrite) this.#write(server, proxy, key, startedAt, isDelete);
      else if (this.#answers(server, proxy)) this.#check(key, server.items.get(key), proxy, "server");
      return;
    }
    // Behind a fence and while it is cleaned neither the server nor the gutter is used.
    if (ejection.stage !== "down" && this.#sabotage !== "no-fence") return;
    const gutterKey = this.#sabotage === "no-generations" ? key : `${ejection.sinceMs}:${key}`;
    if (!isWrite) {
      const stored = this.#gutter.get(gutterKey);
      this.#check(key, stored && stored.expiresMs > this.#nowMs ? stored : undefined, proxy, "gutter");
      return;
    }
    if (isDelete) this.#gutter.delete(gutterKey);
    else this.#gutter.set(gutterKey, { appliedAt: this.#order++, expiresMs: this.#nowMs + GUTTER_TTL_MS });
    this.#acknowledge(key, startedAt);
  }

  #write(server: FakeServer, proxy: FakeProxy, key: string, startedAt: number, isDelete: boolean): void {
    const apply = (): void => {
      if (isDelete) server.items.delete(key);
      else server.items.set(key, { appliedAt: this.#order++, expiresMs: Number.POSITIVE_INFINITY });
    };
    if (this.#answers(server, proxy)) {
      apply();
      this.#acknowledge(key, startedAt);
    } else if (server.isRunning && server.isStopped && !server.cutFrom.has(proxy.index)) {
      // The client is told an error after the timeout; the request lies in the server's socket all the same.
      if (server.mendAtMs - this.#nowMs > TIMEOUT_MS || this.#random.chance(0.5)) server.backlog.push(apply);
    }
  }

  #acknowledge(key: string, startedAt: number): void {
    this.#acknowledged.set(key, Math.max(startedAt, this.#acknowledged.get(key) ?? -1));
  }

  #check(key: string, stored: Stored | undefined, proxy: FakeProxy, where: "server" | "gutter"): void {
    this.#counts.readCount++;
    if (!stored) return;
    this.#counts.hitCount++;
    if (where === "gutter") this.#counts.gutterHitCount++;
    if (stored.appliedAt >= (this.#acknowledged.get(key) ?? -1)) return;
    this.#stale.push(
      `${key} by proxy ${proxy.index} from ${where} at ${this.#nowMs} ms, epoch ${proxy.state.cluster.epoch}`,
    );
  }
}

function member(id: string, appliedEpoch: number, votes: Readonly<Record<string, Vote>>): Member {
  return { id, appliedEpoch, votes };
}

function spec(name: string, port: number): ServerSpec {
  return { name, host: "10.0.0.1", port, weight: 1, tls: false };
}

function desiredOf(servers: readonly ServerSpec[]): DesiredCluster {
  const placement: Placement = { kind: "slots", servers };
  const options = { timeoutMs: TIMEOUT_MS, ...LIMITS };
  const spare: Placement = { kind: "slots", servers: [spec("g", 12_000)] };
  const shared = { move: false, service: undefined };
  return {
    pools: [
      { name: "main", placement, options: { ...options, gutter: { pool: "spare", ttlSec: 20 } }, ...shared },
      { name: "spare", placement: spare, options, ...shared },
    ],
    routes: [{ prefix: "", pool: "main" }],
  };
}
