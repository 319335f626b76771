import { BLOB_DIRECTORY, VOLUME_DIRECTORY } from "../../src/storage/disk.ts";
import type { ShardStore } from "../../src/storage/shard-store.ts";
import type { TierRules } from "../../src/storage/tiers/record-tiers.ts";
import type { TierWork } from "../../src/storage/tiers/tier-work.ts";
import { type BodyWriter, type ObjectMetadata, StoreError } from "../../src/store/object-store.ts";
import type { SimDisk } from "./sim-disk.ts";

/** A version as the model knows it: what was written, or "marker"; its tags; when it expires. */
export interface Version {
  readonly body: string;
  readonly tags: string;
  readonly expiresMs: number;
}

/** What a key may hold: what is certain, and what a write that failed may turn it into at the next restart. */
export interface KeyModel {
  versions: readonly Version[];
  maybe: readonly (readonly Version[])[];
}

export const METADATA: ObjectMetadata = { user: {}, tags: {} };
export const NO_COUNTS = {
  acknowledged: 0,
  failed: 0,
  crashes: 0,
  compared: 0,
  compactions: 0,
  moved: 0,
  divided: 0,
  assigned: 0,
  unavailable: 0,
};
export const TIER = { name: "hdd", storageClass: "GLACIER_IR" };
/** Keys with a prefix are due ten minutes after they were written. */
export function rulesFor(version: number, prefix: string): TierRules {
  return {
    version,
    youngestMs: 600_000,
    dueOf: (_bucket, { key, createdMs }, nowMs) => {
      const sinceMs = createdMs + 600_000;
      if (!key.startsWith(prefix)) return undefined;
      const isDue = sinceMs <= nowMs;
      return isDue ? { tier: TIER.name, sinceMs, nextMs: undefined } : { tier: "", sinceMs, nextMs: sinceMs };
    },
  };
}
/** Sizes at which everything happens often. */
export const SIMULATION_OPTIONS = {
  volumeBytes: 20_000,
  blobFromBytes: 6_000,
  cacheBytes: 20_000,
  cachedBodyBytes: 2_000,
  recentBytes: 40_000,
  bodyMemoryBytes: 100_000,
  reserveBytes: 4_096,
};
/** Groups of one bucket's rule last ten minutes. */
export const RETENTIONS_MS = [600_000, 3_600_000, 9_600_000, 19_000_000];
export const BUCKETS = ["plain", "kept"];
export const KEYS = ["a", "b", "b/1", "b/2", "c\u{1f600}", "d\u0000", "d"];

export const MARKER: Version = { body: "marker", tags: "{}", expiresMs: 0 };
export const LIST = { prefix: "", delimiter: "", startAfter: "", maxKeys: 1_000 };

export function isSame(a: readonly Version[], b: readonly Version[]): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** Any other failure than the disk's is a bug of the store. */
export function onlyDisk(error: unknown, alsoAllowed?: string): undefined {
  const { code } = error as { code?: unknown };
  if (!(error instanceof StoreError) && (code === "EIO" || code === "ENOSPC" || code === "CRASHED")) return;
  if (code === "DISK_FULL" || code === "DISK_FAILED" || code === alsoAllowed) return;
  throw error;
}

/** Takes all steps that there are; then each file lies on one disk, and each sealed volume on its own. */
export async function finishMoves(work: TierWork, store: ShardStore, disk: SimDisk, slowDisk: SimDisk): Promise<void> {
  for (let steps = 0; (await work.step(async () => undefined, 0)) !== undefined; steps++) {
    if (steps > 1_000) throw new Error("The moves do not end");
  }
  for (const { id, tier, place, isSealed } of store.state.volumes.all()) {
    if (isSealed && tier !== place) throw new Error(`Volume ${id} of tier "${tier}" stays on "${place}"`);
  }
  for (const directory of [VOLUME_DIRECTORY, BLOB_DIRECTORY]) {
    const names = new Set(await disk.list(directory));
    for (const name of await slowDisk.list(directory)) {
      if (names.has(name)) throw new Error(`${name} lies on both disks`);
    }
  }
}

/** What clients see at a time. */
export function visibleAt(versions: readonly Version[], nowMs: number): Version[] {
  return versions.filter(({ expiresMs }) => expiresMs === 0 || expiresMs > nowMs);
}

/** Throws where the store has something else than the model. */
export function expectSame(observed: readonly Version[], expected: readonly Version[], what: string): void {
  if (isSame(observed, expected)) return;
  const text = (versions: readonly Version[]) =>
    JSON.stringify(versions.map(({ body, tags, expiresMs }) => [body.slice(0, 12), body.length, tags, expiresMs]));
  throw new Error(`${what}: the store has ${text(observed)}, the model ${text(expected)}`);
}

/** Throws where a listing is not the model's. */
export function expectListed(listed: readonly string[], wanted: readonly string[], bucket: string): void {
  const sorted = [...wanted].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  if (JSON.stringify(listed) === JSON.stringify(sorted)) return;
  throw new Error(`Listing of ${bucket}: ${JSON.stringify(listed)} is not ${JSON.stringify(sorted)}`);
}

/** The model of a key, made if need be. */
export function modelOf(models: Map<string, KeyModel>, bucket: string, key: string): KeyModel {
  const name = JSON.stringify([bucket, key]);
  const known = models.get(name);
  if (known !== undefined) return known;
  const model: KeyModel = { versions: [], maybe: [] };
  models.set(name, model);
  return model;
}

/** Writes a body in two pieces, and leaves nothing behind where that fails. */
export async function writeBody(writer: BodyWriter<unknown>, bytes: Uint8Array, etag: string): Promise<void> {
  try {
    await writer.write(bytes.subarray(0, 1_000));
    await writer.write(bytes.subarray(1_000));
    await writer.commit({ etag, checksum: undefined });
  } catch (error) {
    await writer.abort();
    throw error;
  }
}
