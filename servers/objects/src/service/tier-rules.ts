import { classDue, DAY_MS, type LifecycleRule, type LifecycleTransition } from "../engine/lifecycle/lifecycle.ts";
import { S3Error } from "../protocol/errors.ts";
import type { TierDue, TierRules, TierSubject } from "../storage/tiers/record-tiers.ts";
import type { TieredDisk } from "../storage/tiers/tiered-disk.ts";
import type { Bucket, ObjectStore } from "../store/object-store.ts";
import { BucketDocuments } from "./bucket-documents.ts";

/** The transitions of all buckets as the storage asks for them. */
export class BucketTierRules implements TierRules {
  readonly #store: Pick<ObjectStore, "bucket" | "buckets">;
  readonly #disk: Pick<TieredDisk, "tierOfClass" | "rankOf">;
  readonly #documents = new BucketDocuments();
  #version = 1;
  #youngest: { readonly version: number; readonly ms: number | undefined } | undefined;

  constructor(store: Pick<ObjectStore, "bucket" | "buckets">, disk: Pick<TieredDisk, "tierOfClass" | "rankOf">) {
    this.#store = store;
    this.#disk = disk;
  }

  /** Rules of some bucket have changed. */
  changed(): void {
    this.#version++;
  }

  get version(): number {
    return this.#version;
  }

  get youngestMs(): number | undefined {
    if (this.#youngest?.version !== this.#version) {
      const ages = this.#store.buckets().flatMap((bucket) => this.#rulesOf(bucket).flatMap(agesOf));
      this.#youngest = { version: this.#version, ms: ages.length === 0 ? undefined : Math.min(...ages) };
    }
    return this.#youngest.ms;
  }

  dueOf(bucketName: string, subject: TierSubject, nowMs: number): TierDue | undefined {
    const bucket = this.#store.bucket(bucketName);
    const rules = bucket === undefined ? NO_RULES : this.#rulesOf(bucket);
    if (rules.length === 0) return undefined;
    const { storageClass, sinceMs, nextMs } = classDue(rules, subject, nowMs, (name) => this.#rankOf(name));
    return { tier: this.#disk.tierOfClass(storageClass) ?? "", sinceMs, nextMs };
  }

  #rankOf(storageClass: string): number | undefined {
    const tier = this.#disk.tierOfClass(storageClass);
    return tier === undefined || tier === "" ? undefined : this.#disk.rankOf(tier);
  }

  #rulesOf(bucket: Bucket): readonly LifecycleRule[] {
    try {
      return this.#documents.lifecycle(bucket) ?? NO_RULES;
    } catch {
      // It is damaged; whoever asks for it is told. Nothing moves by it.
      return NO_RULES;
    }
  }
}

/** @throws S3Error InvalidStorageClass for a transition to a class that no tier has */
export function checkTransitionClasses(rules: readonly LifecycleRule[], classes: ReadonlySet<string>): void {
  for (const { transitions = [] } of rules)
    for (const { storageClass } of transitions) checkClass(storageClass, classes);
}

/** @throws S3Error InvalidStorageClass */
export function checkClass(storageClass: string, classes: ReadonlySet<string>): void {
  if (classes.has(storageClass)) return;
  const known = [...classes].join(", ");
  throw new S3Error("InvalidStorageClass", {
    message: `The storage class you specified is not valid: this server has ${known}`,
    fields: { StorageClassRequested: storageClass },
  });
}

function agesOf({ isEnabled, transitions = [] }: LifecycleRule): number[] {
  if (!isEnabled) return [];
  return transitions.map(({ days }: LifecycleTransition) => (days ?? 0) * DAY_MS);
}

const NO_RULES: readonly LifecycleRule[] = [];
