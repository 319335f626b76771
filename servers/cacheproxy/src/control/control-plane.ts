import { randomBytes, randomInt } from "node:crypto";
import { hostname } from "node:os";
import { createRandom, type Timer, type TimerClock } from "@kagami/clock";
import { closeOnce, type Logger, type Metrics, type Router, systemClock } from "@kagami/kit";
import { publishControlMetrics } from "../admin/control-metrics.ts";
import { ReportedCounts } from "../admin/reported-counts.ts";
import { addAdminRoutes } from "../admin/routes.ts";
import type { CacheproxyConfig } from "../config.ts";
import type { Cluster, Placement, ServerSpec } from "../engine/cluster.ts";
import type { WorkerReport } from "../engine/cluster-counts.ts";
import { clusterEvents } from "../engine/cluster-events.ts";
import type { MoveStep } from "../engine/cluster-leader.ts";
import { applyOrder, type Order, type OrderOutcome } from "../engine/cluster-orders.ts";
import { type AgreedState, commit, isSame } from "../engine/cluster-state.ts";
import { MoveCoordinator } from "../engine/policies/move-coordinator.ts";
import { readServerTls } from "../server-tls.ts";
import type { Agreement, MemberReport } from "./agreement.ts";
import { Decider, type DeciderOptions } from "./decider.ts";
import type { DesiredSource } from "./desired-source.ts";
import type { ConfigReload } from "./file-source.ts";
import { sweepLeftovers } from "./leftover-sweep.ts";
import { MemcachedConnection } from "./memcached-connection.ts";
import { MoveReadsCounter } from "./move-reads.ts";
import { openAgreement } from "./open-agreement.ts";
import { Prober, type ProberOptions } from "./prober.ts";

export interface ControlPlaneOptions {
  readonly config: CacheproxyConfig;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** If pools and routes are in a file: how to read it again. */
  readonly reload?: ConfigReload | undefined;
  /** Decides when moves go on; a {@link MoveCoordinator} by the settings if absent. */
  readonly stepMove?: MoveStep;
  /** The machine's own if absent. */
  readonly clock?: TimerClock;
  /** How probes reach a server, and who is told when a connection is lost; over sockets of their own if absent. */
  readonly openConnection?: ProberOptions["openConnection"];
  /** How servers are rid of old values before a move; {@link sweepLeftovers} if absent. */
  readonly sweep?: DeciderOptions["sweep"];
}

/** Where the data path learns what to do, and tells what it did. Lives in the primary process. */
export interface ControlPlane {
  /** What is agreed now. */
  readonly current: Cluster;
  /** The whole agreed state, for tests and the admin API. */
  readonly state: AgreedState;
  readonly proxyId: string;
  readonly isLeader: boolean;
  /** Calls back with each cluster of a larger epoch. Returns what ends that. */
  subscribe(listener: (cluster: Cluster) => void): () => void;
  /** A worker is about to serve by the cluster state of this epoch, until it reports a later one. */
  workerStarting(workerId: number, epoch: number): void;
  /** Takes a worker's counts. Workers report once a second, and at once after they took up a new epoch. */
  report(report: WorkerReport): void;
  /** The worker is no more: nothing waits for it. */
  workerGone(workerId: number): void;
  /** Applies an operator's order. @throws Error if that cannot be agreed on just now */
  order(order: Order): Promise<OrderOutcome>;
  addAdminRoutes(router: Router): void;
  /** Why this proxy should not be used, for `/readyz`; being cut off from Consul is none. */
  readiness(): string | undefined;
  close(): Promise<void>;
}

/** How a request may still be under way after its proxy stopped sending such: its timeout, but no less than this. */
const SETTLE_MS = 2_000;
/** What waits only for time; changes are decided about at once. */
const TICK_MS = 500;
/** A server may think for long before it lists its first key. */
const SWEEP_TIMEOUT_MS = 30_000;
const PUBLISH_MS = 200;
const READS_PUBLISH_MS = 1_000;

/**
 * Starts what decides about the cluster: configuration, agreement, probes, and decisions while this proxy leads. Resolves
 * when there is a cluster to act by.
 *
 * @throws FileError if the stored state cannot be used; ConsulError if Consul refuses
 */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { config, log } = options;
  const clock = options.clock ?? systemClock;
  const proxyId = config.proxyId === "" ? `${hostname()}-${randomBytes(4).toString("hex")}` : config.proxyId;
  const random = createRandom(randomInt(0, 2 ** 32));
  const settings = { tls: await readServerTls(config), timeoutMs: config.probeTimeoutMs };
  const opened = await openAgreement({ config, log, clock, random, proxyId, reload: options.reload });
  const prober = new Prober({
    clock,
    random,
    probeMs: config.probeMs,
    openConnection: options.openConnection ?? ((server, onLost) => new MemcachedConnection(server, settings, onLost)),
    onVote: (address, vote) => {
      log.info("vote.changed", { address, vote, reason: prober.view(address)?.lastFailure });
      plane.onVote();
    },
  });
  const sweep =
    options.sweep ??
    ((server: ServerSpec, from: Placement, signal: AbortSignal) =>
      sweepLeftovers(server, from, { ...settings, timeoutMs: SWEEP_TIMEOUT_MS }, signal));
  const plane = new Plane({ ...options, ...opened, clock, proxyId, prober, sweep });
  await plane.start();
  return plane;
}

interface PlaneOptions extends ControlPlaneOptions {
  readonly sweep: DeciderOptions["sweep"];
  readonly agreement: Agreement;
  readonly source: DesiredSource;
  readonly prober: Prober;
  readonly clock: TimerClock;
  readonly proxyId: string;
  readonly save: (state: AgreedState) => Promise<void>;
  readonly closeAgreement: () => Promise<void>;
}

class Plane implements ControlPlane {
  readonly #options: PlaneOptions;
  readonly #decider: Decider;
  readonly #moves: MoveCoordinator;
  readonly #counts: ReportedCounts;
  readonly #moveReads = new MoveReadsCounter();
  readonly #workerEpochs = new Map<number, number>();
  readonly #listeners = new Set<(cluster: Cluster) => void>();
  readonly close = closeOnce(() => this.#close());
  /** The state that is acted by; the agreement may be ahead for as long as a callback runs. */
  #acting: AgreedState;
  #published: unknown;
  #publishedReadsAtMs = 0;
  #saving: Promise<void> = Promise.resolve();
  #timer: Timer | undefined;
  #onReady: (() => void) | undefined;

  constructor(options: PlaneOptions) {
    const { agreement, source, prober, clock, log, config, metrics } = options;
    const { moveWindowSlots: windowSlots, moveTtlMs: longestTtlMs } = config;
    const moves = new MoveCoordinator({ windowSlots, longestTtlMs });
    this.#options = options;
    this.#moves = moves;
    this.#acting = agreement.state;
    this.#counts = new ReportedCounts(
      metrics,
      (address) => prober.hint(address),
      () => clock.monotonicMs(),
    );
    this.#decider = new Decider({
      clock,
      log,
      agreement,
      source,
      prober,
      ejectionShare: config.ejectionShare,
      settleMs: Math.max(SETTLE_MS, config.timeoutMs),
      tickMs: TICK_MS,
      stepMove: options.stepMove ?? moves.step,
      sweep: options.sweep,
      report: () => this.#report(),
    });
  }

  get current(): Cluster {
    return this.#acting.cluster;
  }

  get state(): AgreedState {
    return this.#acting;
  }

  get proxyId(): string {
    return this.#options.proxyId;
  }

  get isLeader(): boolean {
    return this.#options.agreement.isLeader;
  }

  async start(): Promise<void> {
    const { agreement, source, prober, metrics } = this.#options;
    const ready = new Promise<void>((resolve) => {
      this.#onReady = resolve;
    });
    agreement.onChange(() => this.#onAgreement());
    source.onChange(() => {
      prober.setCritical(source.critical);
      this.#decider.wake();
    });
    publishControlMetrics(metrics, { ...this.#options, plane: this });
    this.#act();
    this.#decider.start();
    this.#tick();
    await ready;
    await agreement.join(this.#report());
  }

  subscribe(listener: (cluster: Cluster) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  report(report: WorkerReport): void {
    this.#counts.add(report);
    this.#moveReads.add(this.current, report.epoch, report.pools);
    const before = this.#workerEpochs.get(report.workerId);
    this.#workerEpochs.set(report.workerId, report.epoch);
    if (before !== report.epoch) this.#publish();
  }

  workerStarting(workerId: number, epoch: number): void {
    this.#workerEpochs.set(workerId, epoch);
    this.#publish();
  }

  workerGone(workerId: number): void {
    this.#counts.workerGone(workerId);
    if (this.#workerEpochs.delete(workerId)) this.#publish();
  }

  onVote(): void {
    this.#publish();
    this.#decider.wake();
  }

  async order(order: Order): Promise<OrderOutcome> {
    const { agreement, source, clock, log } = this.#options;
    const { desired } = source;
    if (!desired) throw new RangeError(source.problem ?? "Pools and routes are not known yet");
    let outcome: OrderOutcome | undefined;
    await agreement.update((state) => {
      outcome = applyOrder(state, order, desired, clock.wallMs());
      return outcome.ok ? commit(state, outcome.draft) : state;
    });
    if (!outcome) throw new RangeError("Cannot apply an order: nobody decided about it");
    if (outcome.ok) log.info("order.applied", { ...order, epoch: agreement.state.cluster.epoch });
    this.#decider.wake();
    return outcome;
  }

  addAdminRoutes(router: Router): void {
    addAdminRoutes(router, {
      ...this.#options,
      plane: this,
      counts: this.#counts,
      decider: this.#decider,
      moves: this.#moves,
    });
  }

  readiness(): string | undefined {
    return this.current.epoch === 0 ? "there are no pools yet" : undefined;
  }

  async #close(): Promise<void> {
    this.#timer?.cancel();
    this.#decider.close();
    this.#options.source.close();
    this.#options.prober.close();
    await this.#options.closeAgreement();
    await this.#saving;
  }

  #onAgreement(): void {
    this.#act();
    this.#decider.wake();
  }

  /** Goes over to the agreed state, if it is a later one than that in use. */
  #act(): void {
    const { agreement, prober, source, save, log } = this.#options;
    const next = agreement.state;
    const before = this.#acting;
    const isFirst = this.#onReady !== undefined && next.cluster.epoch > 0;
    if (next.cluster.epoch > before.cluster.epoch) {
      this.#acting = next;
      for (const { name, level, fields } of clusterEvents(before, next)) log[level](name, fields);
      this.#saving = save(next).catch((error: unknown) => log.error("state.save_failed", { error }));
    } else if (!isFirst) return;
    prober.watch(this.current);
    prober.setCritical(source.critical);
    for (const listener of this.#listeners) listener(this.current);
    this.#publish();
    if (!isFirst) return;
    this.#onReady?.();
    this.#onReady = undefined;
  }

  #tick(): void {
    this.#publish();
    this.#timer = this.#options.clock.after(PUBLISH_MS, () => this.#tick());
  }

  #report(): MemberReport {
    // Without workers there is no request that could be sent by an older state.
    let appliedEpoch = this.current.epoch;
    for (const epoch of this.#workerEpochs.values()) appliedEpoch = Math.min(appliedEpoch, epoch);
    const { proxyId, prober } = this.#options;
    return { id: proxyId, appliedEpoch, votes: prober.votes(), moveReads: this.#moveReads.reads };
  }

  /** Tells the others what is new; counts of reads, which change all the time, once a second. */
  #publish(): void {
    const report = this.#report();
    const published = { ...report, moveReads: undefined };
    const nowMs = this.#options.clock.monotonicMs();
    const hasReads = Object.keys(report.moveReads).length > 0 && nowMs - this.#publishedReadsAtMs >= READS_PUBLISH_MS;
    if (isSame(published, this.#published) && !hasReads) return;
    this.#published = published;
    this.#publishedReadsAtMs = nowMs;
    this.#options.agreement.publish(report);
    if (this.isLeader) this.#decider.wake();
  }
}
