import type { Timer, TimerClock } from "@kagami/clock";
import type { IoPriority } from "../engine/io-budget.ts";
import type { CompactionReport, TakeIo } from "./compaction.ts";
import { IoGate } from "./io-gate.ts";
import { type ScrubReport, scrubVolume } from "./scrub.ts";
import type { ShardStore } from "./shard-store.ts";
import type { TierEvent, TierWork } from "./tiers/tier-work.ts";
import type { Volume } from "./volume-set.ts";

export interface MaintenanceOptions {
  /** What compaction, scrub and the rest may read and write a second, all together. */
  readonly bytesPerSecond: number;
  /** They slow down while a write of a client takes longer than this at the 99th percentile. */
  readonly targetP99Ms: number;
  /** Each volume is looked through so often. */
  readonly scrubIntervalMs: number;
  /** What expires outside of groups is removed so often. */
  readonly sweepIntervalMs: number;
  /** A sealed volume of group 0 is compacted when that part of it is dead; a fourth at least. */
  readonly minDeadPart: number;
  /** A follower may be so far behind and still go on from where it was. */
  readonly tombstoneKeepMs: number;
  /** What ends or expires is told by the store that is followed: nothing of that is decided here. */
  readonly isReplica: boolean;
  /** The same as `bytesPerSecond` for each slow tier's disk. */
  readonly slowBytesPerSecond?: number;
}

/** What happened, for the log. */
export type MaintenanceEvent =
  | { readonly kind: "groups-expired"; readonly count: number }
  | { readonly kind: "swept"; readonly count: number }
  | { readonly kind: "compacted"; readonly report: CompactionReport }
  | TierEvent
  | { readonly kind: "scrubbed"; readonly report: ScrubReport }
  | { readonly kind: "failed"; readonly task: string; readonly error: unknown };

/** Moderate values for one disk. */
export const DEFAULT_MAINTENANCE: MaintenanceOptions = {
  bytesPerSecond: 32 * 1_048_576,
  targetP99Ms: 20,
  scrubIntervalMs: 30 * 86_400_000,
  sweepIntervalMs: 3_600_000,
  minDeadPart: 0.5,
  tombstoneKeepMs: 86_400_000,
  isReplica: false,
};

const TICK_MS = 1_000;
const EXPIRE_EVERY_TICKS = 10;
/** How many moments of the past are remembered with the sequence they had. */
const MOMENTS = 64;

/**
 * All that a store does by itself: it ends groups, compacts, looks through groups and scrubs, one thing at a time, inside
 * one I/O budget that gives way to clients.
 */
export class Maintenance {
  readonly #store: ShardStore;
  readonly #clock: TimerClock;
  readonly #options: MaintenanceOptions;
  readonly #onEvent: (event: MaintenanceEvent) => void;
  readonly #gate: IoGate;
  /** One for each slow disk. */
  readonly #slowGates = new Map<string, IoGate>();
  readonly #tierWork: TierWork | undefined;
  readonly #scrubbedAtMs = new Map<number, number>();
  /** When the sequence was what, oldest first: up to the one that is old enough tombstones may be dropped. */
  readonly #moments: { readonly atMs: number; readonly sequence: number }[] = [];
  #timer: Timer | undefined;
  #tickCount = 0;
  #sweptAtMs: number;
  #working: Promise<void> | undefined;
  #isClosed = false;

  constructor(
    store: ShardStore,
    clock: TimerClock,
    options: MaintenanceOptions,
    onEvent: (event: MaintenanceEvent) => void,
    tierWork?: TierWork,
  ) {
    this.#store = store;
    this.#clock = clock;
    this.#options = options;
    this.#onEvent = onEvent;
    this.#gate = new IoGate(clock, options);
    const slow = { ...options, bytesPerSecond: options.slowBytesPerSecond ?? options.bytesPerSecond };
    for (const { name } of store.state.disk.tiers) this.#slowGates.set(name, new IoGate(clock, slow));
    this.#tierWork = tierWork;
    this.#sweptAtMs = clock.monotonicMs();
    this.#arm();
  }

  /** Bytes a second that are allowed at this moment, on the disk of a tier; the first as a rule. */
  bytesPerSecondOn(place = ""): number {
    return this.#gateOf(place).bytesPerSecond;
  }

  /** Ends what is under way, and begins nothing more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#gate.close();
    for (const gate of this.#slowGates.values()) gate.close();
    await this.#working;
  }

  /** Looks through all sealed volumes as soon as there is nothing else to do. @returns how many they are */
  scrubSoon(): number {
    const sealed = [...this.#store.state.volumes.all()].filter(canBeScrubbed);
    for (const { id } of sealed) this.#scrubbedAtMs.set(id, Number.NEGATIVE_INFINITY);
    return sealed.length;
  }

  /** Waits for the budget; for replication and tier moves that run elsewhere. */
  take(bytes: number, priority: IoPriority, place = ""): Promise<void> {
    return this.#gateOf(place).take(bytes, priority);
  }

  #arm(): void {
    this.#timer = this.#clock.after(TICK_MS, () => {
      this.#tick();
      if (!this.#isClosed) this.#arm();
    });
  }

  #tick(): void {
    this.#gate.onForegroundP99(this.#store.takeWriteP99Ms());
    const { state } = this.#store;
    for (const [name, gate] of this.#slowGates) gate.onForegroundP99(state.readLatencyOf(name).takeP99());
    this.#noteMoment();
    const isExpireTick = this.#tickCount++ % EXPIRE_EVERY_TICKS === 0;
    if (this.#working !== undefined) return;
    this.#working = this.#work(isExpireTick).finally(() => {
      this.#working = undefined;
    });
  }

  async #work(isExpireTick: boolean): Promise<void> {
    const compaction = (bytes: number) => this.#gate.take(bytes, "compaction");
    const { isReplica, sweepIntervalMs } = this.#options;
    if (isExpireTick && !isReplica) await this.#guard("expiry", () => this.#expire());
    if (this.#isClosed) return;
    await this.#guard("look", async () => void (await this.#store.lookThroughGroup(compaction)));
    if (this.#isClosed) return;
    if (!isReplica && this.#clock.monotonicMs() - this.#sweptAtMs >= sweepIntervalMs) {
      await this.#guard("sweep", () => this.#sweep(compaction));
    }
    const source = this.#isClosed ? undefined : this.#store.compactionCandidate(this.#options.minDeadPart);
    if (source !== undefined) return await this.#guard("compaction", () => this.#compact(source));
    if (!this.#isClosed && (await this.#tierStep())) return;
    const volume = this.#isClosed ? undefined : this.#scrubCandidate();
    if (volume === undefined) return;
    await this.#guard("scrub", async () => {
      this.#scrubbedAtMs.set(volume.id, this.#clock.monotonicMs());
      const scrub = (bytes: number) => this.#gateOf(volume.place).take(bytes, "scrub");
      this.#onEvent({ kind: "scrubbed", report: await scrubVolume(this.#store.state, volume, scrub) });
    });
  }

  /** Whether something of the tiers was done or has failed. */
  async #tierStep(): Promise<boolean> {
    let hasDone = true;
    await this.#guard("tiers", async () => {
      const take = (place: string, bytes: number) => this.#gateOf(place).take(bytes, "tier-move");
      const event = await this.#tierWork?.step(take, this.#dropUpTo());
      hasDone = event !== undefined;
      if (event !== undefined) this.#onEvent(event);
    });
    return hasDone;
  }

  #gateOf(place: string): IoGate {
    return this.#slowGates.get(place) ?? this.#gate;
  }

  async #expire(): Promise<void> {
    const count = await this.#store.expireGroups();
    if (count > 0) this.#onEvent({ kind: "groups-expired", count });
  }

  async #sweep(takeIo: TakeIo): Promise<void> {
    this.#sweptAtMs = this.#clock.monotonicMs();
    const count = await this.#store.sweepExpired(takeIo);
    if (count > 0) this.#onEvent({ kind: "swept", count });
  }

  async #compact(source: Volume): Promise<void> {
    const take = (bytes: number) => this.#gateOf(source.place).take(bytes, "compaction");
    const report = await this.#store.compact(source, take, this.#dropUpTo());
    if (report !== undefined) this.#onEvent({ kind: "compacted", report });
  }

  async #guard(task: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!this.#isClosed) this.#onEvent({ kind: "failed", task, error });
    }
  }

  /** Sealed, and not looked at for the longest time; those of groups end soon enough by themselves. */
  #scrubCandidate(): Volume | undefined {
    const nowMs = this.#clock.monotonicMs();
    const { volumes } = this.#store.state;
    for (const id of this.#scrubbedAtMs.keys()) if (volumes.get(id) === undefined) this.#scrubbedAtMs.delete(id);
    for (const volume of volumes.all()) {
      if (!canBeScrubbed(volume)) continue;
      // A start remembers nothing: the first round then takes the whole interval like any other.
      const atMs = this.#scrubbedAtMs.get(volume.id) ?? firstScrubMs(volume.id, this.#options.scrubIntervalMs);
      if (nowMs - atMs >= this.#options.scrubIntervalMs) return volume;
    }
    return undefined;
  }

  #noteMoment(): void {
    const nowMs = this.#clock.monotonicMs();
    const last = this.#moments.at(-1);
    if (last !== undefined && nowMs - last.atMs < this.#options.tombstoneKeepMs / (MOMENTS / 2)) return;
    this.#moments.push({ atMs: nowMs, sequence: this.#store.state.appliedSequence });
    if (this.#moments.length > MOMENTS) this.#moments.shift();
  }

  #dropUpTo(): number {
    const limitMs = this.#clock.monotonicMs() - this.#options.tombstoneKeepMs;
    const old = this.#moments.findLast(({ atMs }) => atMs <= limitMs)?.sequence ?? 0;
    return Math.min(old, this.#store.state.tombstonesWanted());
  }
}

function canBeScrubbed({ isSealed, isAway }: Volume): boolean {
  return isSealed && !isAway;
}

/** Spreads the volumes over the interval that has just begun. */
function firstScrubMs(volumeId: number, intervalMs: number): number {
  return ((volumeId * 0.618_033_988_75) % 1) * intervalMs - intervalMs;
}
