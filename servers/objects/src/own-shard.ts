import { type Logger, type Metrics, systemClock } from "@kagami/kit";
import { describeAllTiers, registerTierMetrics, type TierDescription } from "./admin/tier-view.ts";
import type { ObjectsConfig } from "./config.ts";
import { BucketTierRules } from "./service/tier-rules.ts";
import { Maintenance, type MaintenanceEvent, type MaintenanceOptions } from "./storage/maintenance.ts";
import { openStore, type StoreOptions } from "./storage/open-store.ts";
import type { ShardStore } from "./storage/shard-store.ts";
import { parseTiers } from "./storage/tiers/open-tiers.ts";
import { type TierOptions, TierWork } from "./storage/tiers/tier-work.ts";
import { StoreError } from "./store/object-store.ts";

const DAY_MS = 86_400_000;

/** A store of the server's own, and what it does by itself. */
export interface OwnShard {
  readonly store: ShardStore;
  readonly maintenance: Maintenance;
  readonly describeTiers: () => TierDescription;
  /** Rules of some bucket have changed. */
  readonly onRulesChanged: () => void;
}

export interface OwnShardParts {
  readonly config: ObjectsConfig;
  readonly options: StoreOptions;
  readonly maintenance: MaintenanceOptions;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly onMaintenance: (event: MaintenanceEvent) => void;
}

/** Opens the store with its tiers, and begins its work in the background. @throws StoreError, an error of a disk */
export async function openOwnShard(parts: OwnShardParts): Promise<OwnShard> {
  const { config, options } = parts;
  const { requireTiers } = config;
  const store = await openStore({ ...options, tiers: parseTiers(config.tiers), requireTiers });
  try {
    return beginWork(store, parts);
  } catch (error) {
    await store.close();
    throw error;
  }
}

function beginWork(store: ShardStore, { config, maintenance: options, log, metrics, onMaintenance }: OwnShardParts) {
  const { state } = store;
  const rules = new BucketTierRules(store, state.disk);
  const work = new TierWork({ store, rules, options: tierOptions(config, store), nowMs: Date.now });
  const all = { ...options, slowBytesPerSecond: config.tierBytesPerSecond };
  const maintenance = new Maintenance(store, systemClock, all, onMaintenance, work);
  registerTierMetrics(metrics, state, work, maintenance);
  logTiers(log, store);
  const describeTiers = () => describeAllTiers(store, work, maintenance);
  return { store, maintenance, describeTiers, onRulesChanged: () => rules.changed() };
}

/** @throws StoreError CORRUPT if the tier for cold volumes is none of the store's */
function tierOptions(config: ObjectsConfig, { state }: ShardStore): TierOptions {
  const { tiers } = state.disk;
  const coldTier = config.coldTier === "" ? tiers[0]?.name : config.coldTier;
  const isKnown = tiers.some(({ name }) => name === coldTier);
  if (!isKnown && (config.coldAfterDays > 0 || config.coldTier !== "")) {
    const what = `Cannot move cold volumes to tier "${coldTier ?? ""}": the store has no such tier`;
    throw new StoreError("CORRUPT", `${what}. Give it with --tiers, or leave out --cold-after-days and --cold-tier`);
  }
  return { coldAfterMs: config.coldAfterDays * DAY_MS, coldTier: coldTier ?? "", gatherMs: config.tierGatherMs };
}

/** Tells of each tier whether its disk is there. */
function logTiers(log: Logger, { state, recovery }: ShardStore): void {
  for (const { name, storageClass, missingBecause } of state.disk.tiers) {
    if (missingBecause === undefined) log.info("tier.opened", { tier: name, storageClass });
    else log.error("tier.missing", { tier: name, because: missingBecause, volumesAway: recovery.awayVolumes.length });
  }
}
