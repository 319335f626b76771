import { crc32, crc32c } from "@node-rs/crc32";
import { KeyFilter } from "../engine/key-filter.ts";
import type { GroupInfo } from "../protocol/volume/index.ts";
import type { Bucket } from "../store/object-store.ts";

/** Group 0: what has no known end. */
export const NO_GROUP: GroupInfo = { id: 0, bucketId: 0, ruleKey: "", endsMs: 0 };

/** Groups that one bucket may have at once; more goes to group 0. A GET asks each of them. */
export const MAX_GROUPS_PER_BUCKET = 64;
/** Groups that one rule may have at once: 16 epochs and the one that has begun. */
export const MAX_GROUPS_PER_RULE = 17;
const EPOCHS_PER_RETENTION = 16;
const MIN_EPOCH_MS = 600_000;
/** The header of a volume has room for so many characters of a rule's key. */
const MAX_RULE_KEY_LENGTH = 512;

/** What all groups' keys may be noted in. */
const MAX_FILTER_BYTES = 67_108_864;

/** A bucket with where its record lies. */
export interface BucketState {
  readonly bucket: Bucket;
  readonly volumeId: number;
  readonly recordBytes: number;
  readonly sequence: number;
}

/** The buckets and groups of a shard, in memory; the index has them as rows `b` and `g`. */
export class Catalog {
  readonly #buckets = new Map<string, BucketState>();
  readonly #groups = new Map<number, GroupInfo>();
  readonly #filters = new Map<number, { readonly filter: KeyFilter; isWhole: boolean }>();
  /** Groups that are too large to be noted. */
  readonly #dropped = new Set<number>();
  #filterBytes = 0;
  readonly #groupsOfBucket = new Map<number, readonly number[]>();

  /** Whether something was put outside of groups that has an end: only then it is worth a sweep. */
  hasLooseExpiry = false;

  bucket(name: string): BucketState | undefined {
    return this.#buckets.get(name);
  }

  /** By name. */
  buckets(): Bucket[] {
    return [...this.#buckets.values()].map(({ bucket }) => bucket).sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  get bucketCount(): number {
    return this.#buckets.size;
  }

  setBucket(state: BucketState): void {
    this.#buckets.set(state.bucket.name, state);
  }

  removeBucket(name: string): void {
    this.#buckets.delete(name);
  }

  group(id: number): GroupInfo | undefined {
    return id === 0 ? NO_GROUP : this.#groups.get(id);
  }

  groups(): IterableIterator<GroupInfo> {
    return this.#groups.values();
  }

  /** Ids of a bucket's retention groups, newest first. */
  groupsOf(bucketId: number): readonly number[] {
    return this.#groupsOfBucket.get(bucketId) ?? NO_GROUPS;
  }

  /** @param isNew Whether it holds nothing yet: then all that comes into it is noted, see {@link Catalog.groupsWith}. */
  addGroup(group: GroupInfo, isNew = false): void {
    if (group.id === 0 || this.#groups.has(group.id)) return;
    this.#groups.set(group.id, group);
    if (isNew) this.#filters.set(group.id, { filter: new KeyFilter(), isWhole: true });
    this.#groupsOfBucket.set(group.bucketId, [group.id, ...this.groupsOf(group.bucketId)]);
  }

  removeGroup(id: number): void {
    const group = this.#groups.get(id);
    if (group === undefined) return;
    this.#groups.delete(id);
    this.#dropFilter(id);
    const left = this.groupsOf(group.bucketId).filter((other) => other !== id);
    if (left.length === 0) this.#groupsOfBucket.delete(group.bucketId);
    else this.#groupsOfBucket.set(group.bucketId, left);
  }

  /**
   * The bucket's groups that may hold a key. Asking the index for a key that a group does not hold costs as much as a tenth
   * of a GET, and there may be many groups; this is known from memory, for groups that were made or looked through since
   * the start.
   */
  groupsWith(bucketId: number, key: Uint8Array): readonly number[] {
    const groups = this.groupsOf(bucketId);
    if (groups.length === 0 || this.#filters.size === 0) return groups;
    const hash = crc32c(key, bucketId);
    const otherHash = crc32(key, bucketId);
    return groups.filter((id) => {
      const known = this.#filters.get(id);
      return known === undefined || !known.isWhole || known.filter.mayHave(hash, otherHash);
    });
  }

  /** A key comes into a group. */
  noteKey(group: number, bucketId: number, key: Uint8Array): void {
    const known = group === 0 ? undefined : this.#filters.get(group);
    if (known === undefined) return;
    this.#filterBytes -= known.filter.sizeBytes;
    known.filter.add(crc32c(key, bucketId), crc32(key, bucketId));
    this.#filterBytes += known.filter.sizeBytes;
    if (this.#filterBytes > MAX_FILTER_BYTES) this.#dropFilter(group);
  }

  /** A group of before the start of which nothing is noted; undefined if there is none or no memory for it. */
  groupToLookThrough(): number | undefined {
    if (this.#filterBytes > MAX_FILTER_BYTES / 2) return undefined;
    for (const id of this.#groups.keys()) if (!this.#filters.has(id) && !this.#dropped.has(id)) return id;
    return undefined;
  }

  /** Someone begins to note all that a group holds; what comes into it meanwhile is noted too. */
  beginLook(group: number): void {
    this.#filters.set(group, { filter: new KeyFilter(), isWhole: false });
  }

  /** All that the group holds was noted. */
  endLook(group: number): void {
    const known = this.#filters.get(group);
    if (known !== undefined) known.isWhole = true;
  }

  #dropFilter(group: number): void {
    const known = this.#filters.get(group);
    if (known === undefined) return;
    this.#filterBytes -= known.filter.sizeBytes;
    this.#filters.delete(group);
    if (this.#groups.has(group)) this.#dropped.add(group);
    else this.#dropped.delete(group);
  }

  /**
   * Which group takes what expires then: one that lives, one to be made (its id is 0 then), or group 0 itself where the
   * bucket or the rule has too many.
   */
  groupFor(bucketId: number, ruleKey: string, expiresMs: number, retentionMs: number): GroupInfo {
    // Not at most a day: a rule of a month would have more groups than it may, and most objects would go to group 0.
    const epochMs = Math.max(MIN_EPOCH_MS, Math.ceil(retentionMs / EPOCHS_PER_RETENTION));
    const endsMs = Math.ceil(expiresMs / epochMs) * epochMs;
    const ids = this.groupsOf(bucketId);
    let ruleCount = 0;
    for (const id of ids) {
      const group = this.#groups.get(id);
      if (group?.ruleKey !== ruleKey) continue;
      if (group.endsMs === endsMs) return group;
      ruleCount++;
    }
    const isTooMany = ids.length >= MAX_GROUPS_PER_BUCKET || ruleCount >= MAX_GROUPS_PER_RULE;
    if (isTooMany || ruleKey.length > MAX_RULE_KEY_LENGTH) return NO_GROUP;
    return { id: 0, bucketId, ruleKey, endsMs };
  }

  /** Whether what group `one` holds may be there when group `other` is gone. */
  outlives(one: number, other: number): boolean {
    if (one === other || other === 0) return false;
    if (one === 0) return true;
    return (this.#groups.get(one)?.endsMs ?? 0) > (this.#groups.get(other)?.endsMs ?? 0);
  }
}

const NO_GROUPS: readonly number[] = [];
