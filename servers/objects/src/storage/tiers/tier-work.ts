import { StoreError } from "../../store/object-store.ts";
import type { CompactionReport, TiersOf } from "../compaction.ts";
import type { ShardStore } from "../shard-store.ts";
import { liveBytes, type Volume } from "../volume-set.ts";
import { type TierRules, tiersOfRecords } from "./record-tiers.ts";
import { lookThrough } from "./volume-look.ts";
import { type MoveReport, moveVolume, type TakeTierIo } from "./volume-move.ts";

/** Rules about whole volumes, and how long small objects for a slow tier gather. */
export interface TierOptions {
  /** A volume to which nothing was written for so long goes to {@link TierOptions.coldTier}; 0 is never. */
  readonly coldAfterMs: number;
  readonly coldTier: string;
  /** Small objects that were put for a slow tier gather in a volume on the first disk for so long, if it is not full before. */
  readonly gatherMs: number;
}

/** Nothing moves but what clients ask for. */
export const DEFAULT_TIER_OPTIONS: TierOptions = { coldAfterMs: 0, coldTier: "", gatherMs: 3_600_000 };

/** How a tier is. */
export type TierState = "ok" | "full" | "failing" | "missing";

/** A tier for people. Bytes are of volumes; large bodies are beside them. */
export interface TierStatus {
  readonly name: string;
  readonly storageClass: string;
  readonly state: TierState;
  readonly because: string | null;
  readonly freeBytes: number | null;
  readonly volumes: number;
  readonly volumeBytes: number;
  /** Volumes that are of it and lie elsewhere. */
  readonly pendingVolumes: number;
  readonly pendingBytes: number;
  /** The volume that is on its way to it. */
  readonly movingVolume: number | null;
  readonly movedVolumes: number;
  readonly movedBytes: number;
  readonly failedMoves: number;
}

/** What a step did. */
export type TierEvent =
  | { readonly kind: "moved"; readonly report: MoveReport }
  | { readonly kind: "divided"; readonly report: CompactionReport }
  | { readonly kind: "assigned"; readonly volumeId: number; readonly tier: string };

/** A tier whose disk has failed or is full is tried again after so long, and then after twice that, up to the limit. */
const FIRST_RETRY_MS = 10_000;
const MAX_RETRY_MS = 600_000;

interface Trouble {
  readonly state: "full" | "failing";
  readonly because: string;
  readonly retryAtMs: number;
  readonly retryMs: number;
}

interface Counts {
  movedVolumes: number;
  movedBytes: number;
  failedMoves: number;
}

/**
 * Decides which tier each volume is of, and takes its file there; one thing at a time. What is decided stands in the
 * volume's row, where its file is the disks say, and what differs is what there is to do: so nothing is lost by a restart.
 */
export class TierWork {
  readonly #store: ShardStore;
  readonly #options: TierOptions;
  readonly #rules: TierRules;
  readonly #nowMs: () => number;
  readonly #troubles = new Map<string, Trouble>();
  readonly #counts = new Map<string, Counts>();
  /** Volumes whose move showed damage. */
  readonly #damaged = new Set<number>();
  /** When a volume is to be looked through again, as of a version of the rules. */
  readonly #looks = new Map<number, number>();
  #looksVersion = -1;
  #moving: Volume | undefined;

  constructor(parts: {
    readonly store: ShardStore;
    readonly options: TierOptions;
    readonly rules: TierRules;
    readonly nowMs: () => number;
  }) {
    this.#store = parts.store;
    this.#options = parts.options;
    this.#rules = parts.rules;
    this.#nowMs = parts.nowMs;
  }

  /** Does the next thing; undefined if there is none. @throws StoreError, or an error of a disk, which is noted */
  async step(takeIo: TakeTierIo, dropUpTo: number): Promise<TierEvent | undefined> {
    const { disk, brokenBy } = this.#store.state;
    if (disk.tiers.length === 0 || brokenBy !== undefined) return undefined;
    this.#sealGathered();
    const pending = this.#nextMove();
    if (pending !== undefined) return await this.#move(pending, takeIo);
    const cold = this.#coldVolume();
    if (cold !== undefined) return await this.#assign(cold, this.#options.coldTier);
    const volume = this.#volumeToLookAt();
    return volume === undefined ? undefined : await this.#lookAt(volume, takeIo, dropUpTo);
  }

  /** All tiers behind the first, fastest first. */
  status(): readonly TierStatus[] {
    const { disk } = this.#store.state;
    return disk.tiers.map((tier) => {
      const trouble = this.#troubles.get(tier.name);
      const counts = this.#counts.get(tier.name) ?? { movedVolumes: 0, movedBytes: 0, failedMoves: 0 };
      return {
        name: tier.name,
        storageClass: tier.storageClass,
        state: tier.disk === undefined ? "missing" : (trouble?.state ?? "ok"),
        because: tier.missingBecause ?? trouble?.because ?? null,
        freeBytes: tier.disk === undefined ? null : freeBytesOf(tier.disk),
        ...this.#volumesOf(tier.name),
        movingVolume: this.#moving?.tier === tier.name ? this.#moving.id : null,
        ...counts,
      };
    });
  }

  #volumesOf(name: string) {
    const sums = { volumes: 0, volumeBytes: 0, pendingVolumes: 0, pendingBytes: 0 };
    for (const { place, tier, endOffset } of this.#store.state.volumes.all()) {
      if (place === name) {
        sums.volumes++;
        sums.volumeBytes += endOffset;
      } else if (tier === name) {
        sums.pendingVolumes++;
        sums.pendingBytes += endOffset;
      }
    }
    return sums;
  }

  /** A volume that gathers for a slow tier, or is cold, is written to no more. */
  #sealGathered(): void {
    const { state } = this.#store;
    const nowMs = this.#nowMs();
    const { gatherMs, coldAfterMs } = this.#options;
    for (const volume of state.volumes.all()) {
      if (volume.isSealed || volume.oldestMs === 0) continue;
      const isGathered = volume.tier !== "" && volume.oldestMs + gatherMs <= nowMs;
      const isCold = coldAfterMs > 0 && volume.newestMs + coldAfterMs <= nowMs;
      if (isGathered || isCold) state.seal(volume);
    }
  }

  #nextMove(): Volume | undefined {
    const { volumes } = this.#store.state;
    let next: Volume | undefined;
    for (const volume of volumes.all()) {
      if (this.#damaged.has(volume.id) || !this.#isPending(volume) || !this.#isUsable(volume.tier)) continue;
      if (next === undefined || volume.id < next.id) next = volume;
    }
    return next;
  }

  #isPending({ tier, place, isSealed, isAway }: Volume): boolean {
    const { disk } = this.#store.state;
    return isSealed && !isAway && disk.rankOf(tier) > disk.rankOf(place);
  }

  #isUsable(tier: string): boolean {
    const { disk } = this.#store.state;
    const trouble = this.#troubles.get(tier);
    const isThere = disk.tiers.some((one) => one.name === tier && one.disk !== undefined);
    return isThere && (trouble === undefined || trouble.retryAtMs <= this.#nowMs());
  }

  async #move(volume: Volume, takeIo: TakeTierIo): Promise<TierEvent | undefined> {
    const { tier } = volume;
    this.#moving = volume;
    try {
      const report = await moveVolume(this.#store.state, volume, takeIo, (work) => this.#store.betweenCommits(work));
      this.#troubles.delete(tier);
      if (report === undefined) return undefined;
      const counts = this.#countsOf(tier);
      counts.movedVolumes++;
      counts.movedBytes += report.movedBytes;
      return { kind: "moved", report };
    } catch (error) {
      this.#noteFailure(volume, error);
      throw error;
    } finally {
      this.#moving = undefined;
    }
  }

  #noteFailure(volume: Volume, error: unknown): void {
    const code = error instanceof StoreError ? error.code : undefined;
    if (code === "CLOSED") return;
    this.#countsOf(volume.tier).failedMoves++;
    // The tier is well: the volume is not, and stays where it is.
    if (code === "CORRUPT") return void this.#damaged.add(volume.id);
    const retryMs = Math.min(MAX_RETRY_MS, 2 * (this.#troubles.get(volume.tier)?.retryMs ?? FIRST_RETRY_MS / 2));
    this.#troubles.set(volume.tier, {
      state: code === "DISK_FULL" || isNoRoom(error) ? "full" : "failing",
      because: error instanceof Error ? error.message : String(error),
      retryAtMs: this.#nowMs() + retryMs,
      retryMs,
    });
  }

  #countsOf(tier: string): Counts {
    const known = this.#counts.get(tier);
    if (known !== undefined) return known;
    const counts = { movedVolumes: 0, movedBytes: 0, failedMoves: 0 };
    this.#counts.set(tier, counts);
    return counts;
  }

  async #assign(volume: Volume, tier: string): Promise<TierEvent> {
    await this.#store.assignTier(volume, tier);
    return { kind: "assigned", volumeId: volume.id, tier };
  }

  #coldVolume(): Volume | undefined {
    const { coldAfterMs, coldTier } = this.#options;
    const { disk, volumes } = this.#store.state;
    if (coldAfterMs === 0) return undefined;
    const limitMs = this.#nowMs() - coldAfterMs;
    for (const volume of volumes.all()) {
      if (!volume.isSealed || volume.isAway || volume.newestMs === 0 || volume.newestMs > limitMs) continue;
      if (disk.rankOf(volume.tier) < disk.rankOf(coldTier)) return volume;
    }
    return undefined;
  }

  /** A sealed volume that may hold what is due: by a rule, or parts of an upload that was asked to go elsewhere. */
  #volumeToLookAt(): Volume | undefined {
    const { version, youngestMs } = this.#rules;
    const { volumes, disk } = this.#store.state;
    if (version !== this.#looksVersion) {
      this.#looks.clear();
      this.#looksVersion = version;
    }
    for (const id of this.#looks.keys()) if (volumes.get(id) === undefined) this.#looks.delete(id);
    const nowMs = this.#nowMs();
    if (youngestMs === undefined) return undefined;
    for (const volume of volumes.all()) {
      if (!volume.isSealed || volume.isAway || this.#damaged.has(volume.id) || liveBytes(volume) === 0) continue;
      if (disk.rankOf(volume.tier) >= disk.tiers.length || volume.oldestMs + youngestMs > nowMs) continue;
      if ((this.#looks.get(volume.id) ?? 0) <= nowMs) return volume;
    }
    return undefined;
  }

  async #lookAt(volume: Volume, takeIo: TakeTierIo, dropUpTo: number): Promise<TierEvent | undefined> {
    const nowMs = this.#nowMs();
    // Whatever comes of it: a volume that fails is not looked at in each step.
    this.#looks.set(volume.id, nowMs + MAX_RETRY_MS);
    const plan = await lookThrough(this.#store.state, this.#rules, volume, takeIo, nowMs);
    if (plan === undefined) return undefined;
    if (plan.kind === "wait") {
      this.#looks.set(volume.id, plan.untilMs);
      return undefined;
    }
    if (plan.kind === "whole") return await this.#assign(volume, plan.tier);
    const take = (bytes: number) => takeIo(volume.place, bytes);
    const report = await this.#store.compact(volume, take, dropUpTo, this.#tiersOf(volume, nowMs));
    if (report === undefined) {
      this.#damaged.add(volume.id);
      return undefined;
    }
    return { kind: "divided", report };
  }

  #tiersOf(volume: Volume, nowMs: number): TiersOf {
    return async (records) => {
      const found = await tiersOfRecords(this.#store.state, this.#rules, volume.tier, records, nowMs);
      return found.map((one) => one?.tier ?? volume.tier);
    };
  }
}

function isNoRoom(error: unknown): boolean {
  return (error as { code?: unknown }).code === "ENOSPC";
}

function freeBytesOf(disk: { freeBytes(): number }): number | null {
  try {
    return disk.freeBytes();
  } catch {
    // The state says that it fails.
    return null;
  }
}
