import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { type Logger, type Metrics, readPem, systemClock } from "@kagami/kit";
import type { TierDescription } from "./admin/tier-view.ts";
import type { ObjectsConfig } from "./config.ts";
import { ObjectsError } from "./errors.ts";
import { openOwnShard } from "./own-shard.ts";
import { Copies } from "./replica/copies.ts";
import { Replica, type ReplicaFollowEvent, type ReplicaFollowStatus } from "./replica/replica.ts";
import { locateStore, readReplicaFile } from "./replica/replica-file.ts";
import { registerFollowMetrics, registerSourceMetrics } from "./replica/replica-metrics.ts";
import { ReplicaRegistry } from "./replica/replica-registry.ts";
import { type ReplicaEvent, ReplicaSource, type ReplicaStatus } from "./replica/replica-source.ts";
import { ReplicaStore } from "./replica/replica-store.ts";
import { SourceClient } from "./replica/source-client.ts";
import type { Users } from "./service/users.ts";
import { DEFAULT_MAINTENANCE, type MaintenanceEvent, type MaintenanceOptions } from "./storage/maintenance.ts";
import { STORE_FILE, type StoreOptions } from "./storage/open-store.ts";
import type { ShardStore } from "./storage/shard-store.ts";
import type { ObjectStore } from "./store/object-store.ts";

/** What a store says of its replicas, or a replica of its source. */
export type ReplicationView =
  | {
      readonly role: "source";
      readonly storeId: string;
      readonly epoch: number;
      readonly replicas: readonly ReplicaStatus[];
    }
  | ({ readonly role: "replica"; readonly source: string } & ReplicaFollowStatus);

/** The store that a server serves, and what keeps it: its own shard, or the copy of another one. */
export interface StoreHost {
  readonly store: ObjectStore;
  /** The shard whose volumes people see; undefined while a replica has none. */
  shard(): ShardStore | undefined;
  /** What maintenance may read and write now. */
  bytesPerSecond(): number;
  /** Has all sealed volumes looked through, and tells how many they are. */
  scrubSoon(): number;
  /** Undefined on a replica, which has one disk. */
  describeTiers(): TierDescription | undefined;
  /** Rules of some bucket have changed. */
  onRulesChanged(): void;
  describeReplication(): ReplicationView;
  /** Who may follow; undefined on a replica. */
  readonly source: { readonly registry: ReplicaRegistry; readonly sender: ReplicaSource } | undefined;
  /** Answers a request of a follower; undefined on a replica. */
  readonly handleFollower: ((request: IncomingMessage, response: ServerResponse) => Promise<void>) | undefined;
  /** Why it is not ready; undefined if it is. */
  problem(): string | undefined;
  /** Before the listeners end: streams that never end by themselves. */
  endStreams(): void;
  close(): Promise<void>;
}

export interface StoreHostParts {
  readonly config: ObjectsConfig;
  readonly users: Users;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly onMaintenance: (event: MaintenanceEvent) => void;
}

/** Opens the store in the data directory, or follows another one. @throws ObjectsError, FileError, StoreError */
export async function openStoreHost(parts: StoreHostParts): Promise<StoreHost> {
  const { config } = parts;
  const file = await readReplicaFile(config.data);
  if (config.follow === "") {
    if (file !== undefined && !file.isPromoted) {
      const mend = `Start it with --follow ${file.source}, or make it a store of its own by kagami objects promote`;
      throw new ObjectsError("STORE_IS_REPLICA", `Cannot open ${config.data} as a store: it is a replica. ${mend}`);
    }
    return await openOwn(parts);
  }
  if (file?.isPromoted) {
    const what = `Cannot follow in ${config.data}: the replica there was promoted, and is a store of its own`;
    throw new ObjectsError(
      "STORE_IS_NO_REPLICA",
      `${what}. Start it without --follow, or follow in an empty directory`,
    );
  }
  if (file === undefined && existsSync(join(config.data, STORE_FILE))) {
    const what = `Cannot follow in ${config.data}: there is a store in it`;
    throw new ObjectsError("STORE_IS_NO_REPLICA", `${what}. Follow in an empty directory`);
  }
  return await openCopy(parts);
}

async function openOwn({ config, users, log, metrics, onMaintenance }: StoreHostParts): Promise<StoreHost> {
  const registry = await ReplicaRegistry.open({ directory: config.data, limit: config.maxReplicas, nowMs: Date.now });
  const { directory } = await locateStore(config.data);
  if (directory !== config.data && !existsSync(join(directory, STORE_FILE))) {
    const what = `Cannot open the store in ${config.data}: it was promoted, and ${join(directory, STORE_FILE)} is gone`;
    throw new ObjectsError("STORE_UNREADABLE", `${what}. Mount its disk, or repair it by kagami objects repair`);
  }
  const options = { directory, ...storeOptions(config) };
  const rest = { config, log, metrics, onMaintenance, maintenance: maintenanceOptions(config) };
  const { store, maintenance, describeTiers, onRulesChanged } = await openOwnShard({ ...rest, options });
  const sender = new ReplicaSource({
    state: store.state,
    registry,
    users,
    clock: systemClock,
    takeIo: (bytes, place) => maintenance.take(bytes, "replication", place),
    onEvent: (event) => logSource(log, event),
  });
  registerSourceMetrics(metrics, sender);
  const { storeId, fencingEpoch: epoch } = store.state.identity;
  return {
    store,
    shard: () => store,
    bytesPerSecond: () => maintenance.bytesPerSecondOn(),
    scrubSoon: () => maintenance.scrubSoon(),
    describeTiers,
    onRulesChanged,
    describeReplication: () => ({ role: "source", storeId, epoch, replicas: sender.statuses() }),
    source: { registry, sender },
    handleFollower: (request, response) => sender.handle(request, response),
    problem: () => undefined,
    endStreams: () => sender.close(),
    close: async () => {
      sender.close();
      await maintenance.close();
      await store.close();
    },
  };
}

async function openCopy({ config, users, log, metrics, onMaintenance }: StoreHostParts): Promise<StoreHost> {
  const { follow: source } = config;
  if (config.tiers.length > 0) {
    const what = "Cannot follow: a replica has one disk. Leave out tiers";
    throw new ObjectsError("FOLLOW_INVALID", `${what}; a store that was promoted may have them`);
  }
  const token = await readToken(config);
  const ca = config.followCa === "" ? undefined : await readPem(config.followCa);
  const shown = new ReplicaStore(source);
  const copies = await Copies.open({
    directory: config.data,
    source,
    shown,
    store: storeOptions(config),
    maintenance: { ...maintenanceOptions(config), isReplica: true },
    clock: systemClock,
    onMaintenance,
  });
  const replica = new Replica({
    copies,
    client: new SourceClient({ url: source, token, ca }),
    clock: systemClock,
    random: Math.random,
    goesPastDamage: config.followPastDamage,
    onUsers: (text) => users.replaceAll(text),
    onEvent: (event) => logFollow(log, source, event),
  });
  registerFollowMetrics(metrics, () => replica.status);
  return {
    store: shown,
    shard: () => copies.active?.follower.store,
    bytesPerSecond: () => copies.active?.maintenance.bytesPerSecondOn() ?? 0,
    scrubSoon: () => copies.active?.maintenance.scrubSoon() ?? 0,
    describeTiers: () => undefined,
    onRulesChanged: () => undefined,
    describeReplication: () => ({ role: "replica", source, ...replica.status }),
    source: undefined,
    handleFollower: undefined,
    problem: () => (copies.isWhole ? undefined : `the replica of ${source} is not whole yet`),
    endStreams: () => undefined,
    close: async () => {
      await Promise.all([replica.close(), copies.stop()]);
      await copies.close();
    },
  };
}

async function readToken({ followToken, followTokenFile }: ObjectsConfig): Promise<string> {
  if ((followToken === "") === (followTokenFile === "")) {
    throw new ObjectsError(
      "FOLLOW_INVALID",
      "Cannot follow: give the token of the source by one of followToken and followTokenFile",
    );
  }
  if (followToken !== "") return followToken;
  try {
    return (await readFile(followTokenFile, "utf8")).trim();
  } catch (cause) {
    const what = `Cannot read ${followTokenFile}: ${(cause as Error).message}`;
    throw new ObjectsError("FOLLOW_INVALID", `${what}. Check its path, owner and mode`, { cause });
  }
}

function storeOptions(config: ObjectsConfig): Omit<StoreOptions, "directory"> {
  return {
    engine: config.indexEngine,
    volumeBytes: config.volumeBytes,
    cacheBytes: config.cacheBytes,
    maxBuckets: config.maxBuckets,
    recentBytes: config.recentBytes,
  };
}

function maintenanceOptions(config: ObjectsConfig): MaintenanceOptions {
  return {
    ...DEFAULT_MAINTENANCE,
    bytesPerSecond: config.maintenanceBytesPerSecond,
    targetP99Ms: config.maintenanceTargetP99Ms,
    scrubIntervalMs: config.scrubIntervalMs,
    minDeadPart: config.compactionDeadPercent / 100,
  };
}

function logSource(log: Logger, { kind, ...fields }: ReplicaEvent): void {
  if (kind === "refused") log.warn("replica.refused", fields);
  else log.info(kind === "connected" ? "replica.connected" : "replica.left", fields);
}

function logFollow(log: Logger, source: string, { kind, ...fields }: ReplicaFollowEvent): void {
  const all = { source, ...fields };
  if (kind === "following") log.info("source.followed", all);
  else if (kind === "whole") log.info("replica.completed", all);
  else if (kind === "from-nothing") log.warn("replica.restarted", all);
  else if (kind === "damage-passed") log.error("replica.damage_passed", all);
  else log.warn("source.failed", all);
}
