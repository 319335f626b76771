import { type Logger, type Metrics, systemClock } from "@kagami/kit";
import { MaintenanceView } from "./admin/maintenance-view.ts";
import { registerStoreHealth, writeRefusal } from "./admin/store-health.ts";
import { describeAllTiers, FIRST_TIER, registerTierMetrics, type TierDescription } from "./admin/tier-view.ts";
import type { ObjectsConfig } from "./config.ts";
import { BucketTierRules } from "./service/tier-rules.ts";
import {
  DEFAULT_MAINTENANCE,
  Maintenance,
  type MaintenanceEvent,
  type MaintenanceOptions,
} from "./storage/maintenance.ts";
import { openStore } from "./storage/open-store.ts";
import type { ShardStore } from "./storage/shard-store.ts";
import { parseTiers } from "./storage/tiers/open-tiers.ts";
import { type TierOptions, TierWork } from "./storage/tiers/tier-work.ts";
import { StoreError } from "./store/object-store.ts";

const DAY_MS = 86_400_000;

/** What people are shown of the shard and of its work in the background. */
export interface ShardViews {
  readonly describeVolumes: () => readonly unknown[];
  readonly describeMaintenance: () => unknown;
  readonly describeTiers: () => TierDescription;
}

/** A shard, what it does by itself, and the rules that it is told. */
export interface OpenShard extends ShardViews {
  readonly store: ShardStore;
  readonly maintenance: Maintenance;
  readonly tierRules: BucketTierRules;
}

/** Opens the store of a configuration and begins its work in the background. @throws StoreError, an error of a disk */
export async function openShard(config: ObjectsConfig, metrics: Metrics, log: Logger): Promise<OpenShard> {
  const store = await openStore({
    directory: config.data,
    engine: config.indexEngine,
    volumeBytes: config.volumeBytes,
    cacheBytes: config.cacheBytes,
    maxBuckets: config.maxBuckets,
    recentBytes: config.recentBytes,
    tiers: parseTiers(config.tiers),
    requireTiers: config.requireTiers,
  });
  try {
    return beginWork(store, config, metrics, log);
  } catch (error) {
    await store.close();
    throw error;
  }
}

function beginWork(store: ShardStore, config: ObjectsConfig, metrics: Metrics, log: Logger): OpenShard {
  const { state } = store;
  const view = new MaintenanceView(Date.now);
  const tierRules = new BucketTierRules(store, state.disk);
  const tierWork = new TierWork({ store, rules: tierRules, options: tierOptions(config, store), nowMs: Date.now });
  const onEvent = (event: MaintenanceEvent): void => {
    view.note(event);
    logMaintenance(log, event);
  };
  const maintenance = new Maintenance(store, systemClock, maintenanceOptions(config), onEvent, tierWork);
  registerStoreHealth(metrics, state);
  registerTierMetrics(metrics, state, tierWork, maintenance);
  logTiers(log, store);
  return {
    store,
    maintenance,
    tierRules,
    describeVolumes: () => describeAllVolumes(store, view),
    describeMaintenance: () => ({
      ...view.totals,
      bytesPerSecond: maintenance.bytesPerSecondOn(),
      writesRefusedBecause: writeRefusal(state) ?? null,
    }),
    describeTiers: () => describeAllTiers(store, tierWork, maintenance),
  };
}

/** @throws StoreError CORRUPT if the tier for cold volumes is none of the store's */
function tierOptions(config: ObjectsConfig, { state }: ShardStore): TierOptions {
  const { tiers } = state.disk;
  const coldTier = config.coldTier === "" ? tiers[0]?.name : config.coldTier;
  const isKnown = tiers.some(({ name }) => name === coldTier);
  if (!isKnown && (config.coldAfterDays > 0 || config.coldTier !== "")) {
    const what = `Cannot move cold volumes to tier "${coldTier ?? ""}"`;
    throw new StoreError(
      "CORRUPT",
      `${what}: the store has no such tier. Give it with --tiers, or leave out --cold-after-days`,
    );
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

function maintenanceOptions(config: ObjectsConfig): MaintenanceOptions {
  return {
    ...DEFAULT_MAINTENANCE,
    bytesPerSecond: config.maintenanceBytesPerSecond,
    targetP99Ms: config.maintenanceTargetP99Ms,
    scrubIntervalMs: config.scrubIntervalMs,
    minDeadPart: config.compactionDeadPercent / 100,
    slowBytesPerSecond: config.tierBytesPerSecond,
  };
}

function logMaintenance(log: Logger, event: MaintenanceEvent): void {
  if (event.kind === "groups-expired") log.info("groups.expired", { count: event.count });
  else if (event.kind === "swept") log.info("objects.expired", { count: event.count });
  else if (event.kind === "compacted") log.info("volume.compacted", { ...event.report });
  else if (event.kind === "divided") log.info("volume.divided", { ...event.report });
  else if (event.kind === "moved") log.info("volume.moved", { ...event.report });
  else if (event.kind === "assigned") log.info("volume.assigned", { volumeId: event.volumeId, tier: event.tier });
  else if (event.kind === "failed") log.error("maintenance.failed", { task: event.task, error: event.error });
  else {
    const { volumeId, readBytes, damaged, damagedBlobs } = event.report;
    if (damaged.length + damagedBlobs.length === 0) log.info("volume.scrubbed", { volumeId, readBytes });
    else log.error("volume.damaged", { volumeId, damaged, damagedBlobs });
  }
}

/** Volumes as the admin API shows them. */
function describeAllVolumes({ state }: ShardStore, view: MaintenanceView) {
  const { catalog, volumes } = state;
  const bucketNames = new Map(catalog.buckets().map(({ id, name }) => [id, name]));
  return [...volumes.all()].map(
    ({ id, group, tier, place, isAway, endOffset, deadBytes, tombstoneBytes, isSealed }) => {
      const { bucketId = 0, endsMs = 0 } = catalog.group(group) ?? {};
      const owner = { bucket: bucketNames.get(bucketId) ?? null, endsMs: endsMs === 0 ? null : endsMs };
      const where = { tier: tier === "" ? FIRST_TIER : tier, place: isAway ? null : place === "" ? FIRST_TIER : place };
      return {
        id,
        group,
        ...owner,
        ...where,
        sizeBytes: endOffset,
        deadBytes,
        tombstoneBytes,
        isSealed,
        ...view.scrubOf(id),
      };
    },
  );
}
