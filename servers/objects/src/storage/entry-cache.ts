import type { ObjectEntry } from "../store/object-store.ts";
import type { Entry } from "./entry.ts";
import { asBuffer } from "./object-json.ts";
import type { RecentBody } from "./recent-bodies.ts";
import type { Relocation } from "./transaction.ts";

/** A current version in memory, with its body if that is small and was read a short while ago. */
export interface CachedObject {
  readonly entry: Entry;
  /** With the class of the tier that the record's volume was of when this was made. */
  readonly object: ObjectEntry;
  readonly body: Uint8Array | undefined;
  /** Its body in the ring of the last writes, which counts for itself. */
  readonly recent?: RecentBody | undefined;
}

interface Load {
  isStale: boolean;
  readerCount: number;
}

/** What an entry costs beside its key and body: two maps' slots, two objects, strings. */
const ENTRY_COST_BYTES = 600;

/**
 * Current versions by bucket and key. Two generations instead of a list in order of use: what is found in the old one moves
 * to the young one; when the young one is full it becomes the old one, and what nobody asked for since goes. So a hit in
 * the young one changes nothing, which is what makes it cheap.
 *
 * A value read from the index may be outdated when it arrives, because a commit came between: `beginRead` and `endRead`
 * stand around a read, and what a commit touched meanwhile is not kept.
 */
export class EntryCache {
  readonly #generationBytes: number;
  #young = new Map<string, CachedObject>();
  #old = new Map<string, CachedObject>();
  #youngBytes = 0;
  readonly #loads = new Map<string, Load>();

  /** @param limitBytes Of both generations together; estimated. */
  constructor(limitBytes: number) {
    this.#generationBytes = limitBytes / 2;
  }

  get(bucketId: number, key: string): CachedObject | undefined {
    const name = nameOf(bucketId, key);
    const young = this.#young.get(name);
    if (young !== undefined) return young;
    const old = this.#old.get(name);
    if (old !== undefined) {
      this.#old.delete(name);
      this.#insert(name, old);
    }
    return old;
  }

  set(bucketId: number, key: string, value: CachedObject): void {
    const name = nameOf(bucketId, key);
    this.#old.delete(name);
    this.#forgetYoung(name);
    this.#insert(name, value);
  }

  /** A commit changed the key: what is known and what is being read is outdated. */
  invalidate(bucketId: number, key: string): void {
    const name = nameOf(bucketId, key);
    this.#old.delete(name);
    this.#forgetYoung(name);
    const load = this.#loads.get(name);
    if (load !== undefined) load.isStale = true;
  }

  /**
   * Compaction has moved a record. What is known of the key stays, body and all, or its readers would pay for it; what is
   * being read may be of the old place.
   */
  relocate({ bucketId, key, from, to }: Relocation): void {
    const name = nameOf(bucketId, asBuffer(key).toString());
    const load = this.#loads.get(name);
    if (load !== undefined) load.isStale = true;
    for (const generation of [this.#young, this.#old]) {
      const known = generation.get(name);
      if (known === undefined) continue;
      const { volumeId, offset } = known.entry;
      if (volumeId !== from.volumeId || offset !== from.offset) continue;
      generation.set(name, { ...known, entry: { ...known.entry, ...to } });
    }
  }

  /** A read of the index begins. */
  beginRead(bucketId: number, key: string): Load {
    const name = nameOf(bucketId, key);
    const known = this.#loads.get(name);
    // A stale read may not be joined: it would let this one's good value be thrown away, nothing worse.
    const load = known ?? { isStale: false, readerCount: 0 };
    load.readerCount++;
    if (known === undefined) this.#loads.set(name, load);
    return load;
  }

  /** The read ends; its value is kept if no commit came between. */
  endRead(bucketId: number, key: string, load: Load, value: CachedObject | undefined): void {
    if (value !== undefined && !load.isStale) this.set(bucketId, key, value);
    if (--load.readerCount > 0) return;
    const name = nameOf(bucketId, key);
    if (this.#loads.get(name) === load) this.#loads.delete(name);
  }

  get count(): number {
    return this.#young.size + this.#old.size;
  }

  #insert(name: string, value: CachedObject): void {
    this.#young.set(name, value);
    this.#youngBytes += costOf(name, value);
    if (this.#youngBytes < this.#generationBytes) return;
    this.#old = this.#young;
    this.#young = new Map();
    this.#youngBytes = 0;
  }

  #forgetYoung(name: string): void {
    const value = this.#young.get(name);
    if (value === undefined) return;
    this.#young.delete(name);
    this.#youngBytes -= costOf(name, value);
  }
}

function nameOf(bucketId: number, key: string): string {
  return `${bucketId}/${key}`;
}

function costOf(name: string, { entry, body }: CachedObject): number {
  return ENTRY_COST_BYTES + 2 * name.length + 2 * entry.json.length + (body?.length ?? 0);
}
