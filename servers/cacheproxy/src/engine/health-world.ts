import { createRandom, type Random } from "@kagami/clock";
import type { Placement, ServerSpec } from "./cluster.ts";
import type { DesiredCluster } from "./cluster-desired.ts";
import { lead } from "./cluster-leader.ts";
import { type AgreedState, type EjectedServer, EMPTY_STATE, serverAddress } from "./cluster-state.ts";
import { ServerHealth, type Vote } from "./health.ts";
import { CleaningDesk } from "./health-cleaning.ts";
import type { Member } from "./health-ejection.ts";

/** Which of the safeguards is left out, to show that the simulation notices. */
export type Sabotage = "none" | "no-flush" | "no-fence" | "no-generations" | "old-members";

/** How a simulation ended. */
export interface WorldResult {
  readonly flapCount: number;
  readonly ejectionCount: number;
  readonly rejoinCount: number;
  readonly readCount: number;
  readonly hitCount: number;
  readonly gutterHitCount: number;
  /** Changes that have waited for a server or for the next state, and were then made. */
  readonly heldCount: number;
  /** Proxies that have started while others served. */
  readonly joinCount: number;
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
/** Longer than an ejection takes here, where news need up to 600 ms. */
const HOLD_MS = 4_000;

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
  /** It does not run until then. */
  absentUntilMs: number;
  /** Changes that wait, with when they began to. */
  readonly held: { readonly sinceMs: number; readonly change: Change }[];
}

/** A client's set or delete on its way. */
interface Change {
  readonly key: string;
  readonly isDelete: boolean;
  readonly startedAt: number;
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
  /** Who was a member when the leader last looked, a while ago; for the sabotage. */
  #oldMembers: readonly FakeProxy[] = [];
  #desk = new CleaningDesk(SETTLE_MS);
  #nowMs = 1_000_000;
  #order = 0;
  readonly #counts = {
    ...{ flapCount: 0, ejectionCount: 0, rejoinCount: 0, readCount: 0, hitCount: 0, gutterHitCount: 0 },
    ...{ heldCount: 0, joinCount: 0 },
  };

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
      absentUntilMs: 0,
      held: [],
    }));
    this.#oldMembers = this.#proxies;
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
    if (this.#nowMs % 4_000 === 0) this.#oldMembers = this.#proxies.filter((proxy) => this.#isThere(proxy));
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
    if (random.chance(0.01)) this.#leave(this.#proxies[random.int(1, 2)]);
    // Another proxy leads from now on; it knows nothing but the agreed state.
    if (random.chance(0.001)) this.#desk = new CleaningDesk(SETTLE_MS);
  }

  /** A proxy ends; it starts again some time later, and knows then what is agreed when it has joined. */
  #leave(proxy: FakeProxy | undefined): void {
    if (proxy && this.#isThere(proxy)) proxy.absentUntilMs = this.#nowMs + this.#random.int(500, 5_000);
  }

  #isThere(proxy: FakeProxy): boolean {
    return proxy.absentUntilMs === 0;
  }

  #join(proxy: FakeProxy): void {
    this.#counts.joinCount++;
    proxy.absentUntilMs = 0;
    proxy.inbox.length = 0;
    proxy.held.length = 0;
    proxy.state = this.#agreed;
    proxy.report = member(`p${proxy.index}`, proxy.state.cluster.epoch, {});
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
    if (!this.#isThere(proxy)) {
      if (this.#nowMs < proxy.absentUntilMs) return;
      this.#join(proxy);
    }
    while (proxy.inbox[0] && proxy.inbox[0].atMs <= this.#nowMs && proxy.cutUntilMs <= this.#nowMs) {
      const { state } = proxy.inbox.shift() as { state: AgreedState };
      if (state.cluster.epoch > proxy.state.cluster.epoch) proxy.state = state;
    }
    for (const server of this.#servers) this.#probe(server, proxy);
    for (const { sinceMs, change } of proxy.held.splice(0)) this.#change(proxy, change, sinceMs);
    if (proxy.cutUntilMs > this.#nowMs || this.#nowMs % 200 !== 0) return;
    const votes: Record<string, Vote> = {};
    for (const [address, health] of proxy.health) votes[address] = health.vote;
    proxy.report = member(`p${proxy.index}`, proxy.state.cluster.epoch, votes);
  }

  #probe(server: FakeServer, proxy: FakeProxy): void {
    const health = proxy.health.get(server.address);
    // Where no process serves, connections are refused at once, and it is asked again soon.
    const isUrgent = !server.isRunning && !server.cutFrom.has(proxy.index) && health?.vote !== "down";
    if (!isUrgent && (this.#nowMs + proxy.index * 300) % PROBE_MS !== 0) return;
    health?.onProbe(this.#answers(server, proxy), LIMITS);
  }

  #answers(server: FakeServer, proxy: FakeProxy): boolean {
    return server.isRunning && !server.isStopped && !server.cutFrom.has(proxy.index);
  }

  #tickLeader(): void {
    const proxies = this.#sabotage === "old-members" ? this.#oldMembers : this.#proxies;
    const members = proxies.filter((proxy) => this.#isThere(proxy)).map((proxy) => proxy.report);
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
      const delayMs = this.#random.int(0, this.#random.chance(0.1) ? 3_000 : 600);
      const atMs = Math.max(this.#nowMs + delayMs, proxy.inbox.at(-1)?.atMs ?? 0);
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
    const proxy = random.pick(this.#proxies.filter((candidate) => this.#isThere(candidate)));
    const startedAt = this.#order++;
    if (random.chance(0.3)) this.#change(proxy, { key, isDelete: random.chance(0.2), startedAt }, this.#nowMs);
    else this.#read(proxy, key);
  }

  #read(proxy: FakeProxy, key: string): void {
    const server = this.#ownerOf(key);
    const ejection = this.#ejectionOf(server, proxy);
    if (!ejection) {
      if (this.#answers(server, proxy)) this.#check(key, server.items.get(key), proxy, "server");
      return;
    }
    if (this.#isFenced(ejection)) return;
    const stored = this.#gutter.get(this.#gutterKey(ejection, key));
    this.#check(key, stored && stored.expiresMs > this.#nowMs ? stored : undefined, proxy, "gutter");
  }

  /** Makes a change, or lets it wait as long as it may. */
  #change(proxy: FakeProxy, change: Change, sinceMs: number): void {
    const server = this.#ownerOf(change.key);
    const ejection = this.#ejectionOf(server, proxy);
    const isLost = !ejection && (!server.isRunning || server.cutFrom.has(proxy.index));
    if (isLost || (ejection && this.#isFenced(ejection))) {
      // One that has waited in vain is told an error, or that nothing was stored.
      if (this.#nowMs - sinceMs < HOLD_MS) proxy.held.push({ sinceMs, change });
      return;
    }
    if (sinceMs < this.#nowMs) this.#counts.heldCount++;
    if (!ejection) {
      this.#write(server, proxy, change);
      return;
    }
    const gutterKey = this.#gutterKey(ejection, change.key);
    if (change.isDelete) this.#gutter.delete(gutterKey);
    else this.#gutter.set(gutterKey, { appliedAt: this.#order++, expiresMs: this.#nowMs + GUTTER_TTL_MS });
    this.#acknowledge(change.key, change.startedAt);
  }

  #ownerOf(key: string): FakeServer {
    return this.#servers[Number(key.slice(1)) % SERVER_COUNT] as FakeServer;
  }

  #ejectionOf(server: FakeServer, proxy: FakeProxy): EjectedServer | undefined {
    return proxy.state.ejected.find((entry) => entry.address === server.address);
  }

  /** Behind a fence and while it is cleaned neither the server nor the gutter is used. */
  #isFenced(ejection: EjectedServer): boolean {
    return ejection.stage !== "down" && this.#sabotage !== "no-fence";
  }

  #gutterKey(ejection: EjectedServer, key: string): string {
    return this.#sabotage === "no-generations" ? key : `${ejection.sinceMs}:${key}`;
  }

  #write(server: FakeServer, proxy: FakeProxy, { key, isDelete, startedAt }: Change): void {
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
