import { CHUNK_BYTES, MARKER, NULL_VERSION } from "../protocol/volume/index.ts";
import { type ObjectEntry, type ObjectPart, type OpenObject, StoreError } from "../store/object-store.ts";
import { BodySource } from "./body-source.ts";
import { decodeEntry, type Entry, isExpired, sequenceOfValue, sequenceOfVersionId, toObjectEntry } from "./entry.ts";
import type { CachedObject, EntryCache } from "./entry-cache.ts";
import { manifestKey, nullKey, partKey, sequenceOf, versionKey } from "./index/keys.ts";
import { fromChecksumJson, fromJsonBytes, type PartJson } from "./object-json.ts";
import type { RecentBody } from "./recent-bodies.ts";
import type { ShardState } from "./shard-state.ts";
import { currentKeys } from "./versions.ts";

/** The row `m`: which upload an object was made of, and of which parts. */
export interface Manifest {
  readonly upload: number;
  readonly parts: readonly PartJson[];
}

/** A version as it was found. */
interface Found {
  readonly entry: Entry;
  readonly isLatest: boolean;
}

/** Compaction may move a record between the look into the index and the opening; then it is looked up again. */
const MAX_LOOKUPS = 4;

/** HEAD and GET: finds versions in memory or in the index and opens their bodies. */
export class ObjectReader {
  readonly #state: ShardState;
  readonly #cache: EntryCache;
  readonly #nowMs: () => number;

  constructor(state: ShardState, cache: EntryCache, nowMs: () => number) {
    this.#state = state;
    this.#cache = cache;
    this.#nowMs = nowMs;
  }

  openNow(bucketId: number, key: string): OpenObject | undefined {
    const cached = this.#cached(bucketId, key);
    if (cached === undefined || isExpired(cached.entry, this.#nowMs())) return undefined;
    const body = this.#bodyOf(bucketId, key, cached);
    return body === undefined ? undefined : new MemoryObject(cached.object, body);
  }

  async head(bucketId: number, key: string, versionId: string | undefined): Promise<ObjectEntry | undefined> {
    if (versionId === undefined) {
      const cached = this.#cached(bucketId, key);
      if (cached !== undefined) return isExpired(cached.entry, this.#nowMs()) ? undefined : cached.object;
    }
    const load = versionId === undefined ? this.#cache.beginRead(bucketId, key) : undefined;
    let value: CachedObject | undefined;
    try {
      const found = await this.#find(bucketId, key, versionId);
      if (found === undefined || isExpired(found.entry, this.#nowMs())) return undefined;
      const object = await this.#describe(key, found);
      value = { entry: found.entry, object, body: undefined };
      return object;
    } finally {
      if (load !== undefined) this.#cache.endRead(bucketId, key, load, value);
    }
  }

  async open(bucketId: number, key: string, versionId: string | undefined): Promise<OpenObject | undefined> {
    if (versionId !== undefined) return await this.#openFrom(() => this.#load(bucketId, key, versionId));
    const cached = this.#cached(bucketId, key);
    if (cached !== undefined) {
      if (isExpired(cached.entry, this.#nowMs())) return undefined;
      const body = this.#bodyOf(bucketId, key, cached);
      if (body !== undefined) return new MemoryObject(cached.object, body);
    }
    const load = this.#cache.beginRead(bucketId, key);
    let value: CachedObject | undefined;
    try {
      let first = cached;
      const opened = await this.#openFrom(async () => {
        value = first ?? (await this.#load(bucketId, key, undefined));
        first = undefined;
        return value;
      });
      const { cachedBodyBytes } = this.#state.options;
      if (value !== undefined && opened?.inMemory !== undefined && opened.inMemory.length <= cachedBodyBytes) {
        value = { ...value, body: opened.inMemory };
      }
      return opened;
    } finally {
      this.#cache.endRead(bucketId, key, load, value);
    }
  }

  /** The body of what is known, if that is small and in memory; what the ring had is kept as if it had been read. */
  #bodyOf(bucketId: number, key: string, cached: CachedObject): Uint8Array | undefined {
    const { reads } = this.#state;
    const { body, recent } = cached;
    if (body !== undefined) {
      reads.cache++;
      return body;
    }
    if (recent === undefined || recent.sizeBytes > this.#state.options.cachedBodyBytes) return undefined;
    const copied = recent.copy(0, recent.sizeBytes);
    if (copied === undefined) return undefined;
    reads.recent++;
    this.#cache.set(bucketId, key, { ...cached, body: copied, recent: undefined });
    return copied;
  }

  /** What is in memory, with the class that its volume has now: volumes change their tier as a whole. */
  #cached(bucketId: number, key: string): CachedObject | undefined {
    const cached = this.#cache.get(bucketId, key);
    if (cached === undefined || this.#state.disk.tiers.length === 0) return cached;
    const storageClass = this.#state.classOf(cached.entry.volumeId);
    const { object } = cached;
    if (storageClass === undefined || object.metadata.storageClass === storageClass) return cached;
    const moved = { ...cached, object: { ...object, metadata: { ...object.metadata, storageClass } } };
    this.#cache.set(bucketId, key, moved);
    return moved;
  }

  async #load(bucketId: number, key: string, versionId: string | undefined): Promise<CachedObject | undefined> {
    const found = await this.#find(bucketId, key, versionId);
    if (found === undefined) return undefined;
    return { entry: found.entry, object: await this.#describe(key, found), body: undefined };
  }

  async #openFrom(load: () => Promise<CachedObject | undefined>): Promise<OpenObject | undefined> {
    for (let attempt = 1; ; attempt++) {
      const value = await load();
      if (value === undefined || isExpired(value.entry, this.#nowMs())) return undefined;
      if ((value.entry.flags & MARKER) !== 0) return undefined;
      try {
        return await this.#openEntry(value);
      } catch (error) {
        const isGone = (error as { code?: unknown }).code === "ENOENT";
        if (!isGone || attempt === MAX_LOOKUPS) throw toReadError(error, value.object.key);
      }
    }
  }

  async #openEntry({ entry, object, recent }: CachedObject): Promise<OpenObject> {
    const sources: BodySource[] = [];
    try {
      if (entry.upload === 0) sources.push(BodySource.open(this.#state, entry));
      else for (const part of await this.#partEntries(entry)) sources.push(BodySource.open(this.#state, part));
      const only = sources[0];
      if (sources.length === 1 && only !== undefined && entry.blobId === 0 && entry.bodyBytes <= CHUNK_BYTES) {
        this.#state.reads.disk++;
        const body = await only.readAll();
        only.close();
        return new MemoryObject(object, body);
      }
      if (recent?.copy(0, 0) === undefined) this.#state.reads.disk++;
      else this.#state.reads.recent++;
      return new StoredObject(object, sources, recent);
    } catch (error) {
      for (const source of sources) source.close();
      throw error;
    }
  }

  async #partEntries(entry: Entry): Promise<Entry[]> {
    const manifest = await this.#manifest(entry);
    const values = await this.#state.index.get(manifest.parts.map(([number]) => partKey(manifest.upload, number)));
    return values.map((value) => {
      if (value === undefined) throw Object.assign(new Error("ENOENT: a part is gone"), { code: "ENOENT" });
      return decodeEntry(value);
    });
  }

  async #manifest(entry: Entry): Promise<Manifest> {
    const [value] = await this.#state.index.get([manifestKey(entry.group, entry.sequence)]);
    if (value === undefined) throw Object.assign(new Error("ENOENT: a manifest is gone"), { code: "ENOENT" });
    return fromJsonBytes(value);
  }

  async #describe(key: string, { entry, isLatest }: Found): Promise<ObjectEntry> {
    const storageClass = this.#state.classOf(entry.volumeId);
    if (entry.upload === 0) return toObjectEntry(key, entry, isLatest, undefined, storageClass);
    const [value] = await this.#state.index.get([manifestKey(entry.group, entry.sequence)]);
    const manifest: Manifest | undefined = value === undefined ? undefined : fromJsonBytes(value);
    return toObjectEntry(key, entry, isLatest, manifest?.parts.map(toPart), storageClass);
  }

  async #find(bucketId: number, key: string, versionId: string | undefined): Promise<Found | undefined> {
    const name = Buffer.from(key);
    const keys: Buffer[] = currentKeys(this.#state.catalog, bucketId, name);
    const currentCount = keys.length;
    const sequence = versionId === undefined ? undefined : sequenceOfVersionId(versionId);
    if (versionId === "null") keys.push(nullKey(bucketId, name));
    else if (sequence !== undefined) keys.push(versionKey(bucketId, name, sequence));
    else if (versionId !== undefined) return undefined;
    const values = await this.#state.index.get(keys);
    const current = newestOf(values.slice(0, currentCount));
    if (versionId === undefined) return current === undefined ? undefined : { entry: current, isLatest: true };
    if (current !== undefined) {
      const isNull = (current.flags & NULL_VERSION) !== 0;
      const isIt = versionId === "null" ? isNull : !isNull && current.sequence === sequence;
      if (isIt) return { entry: current, isLatest: true };
    }
    const value = values[currentCount];
    if (value === undefined) return undefined;
    if (versionId !== "null") return older(decodeEntry(value));
    const [nullValue] = await this.#state.index.get([versionKey(bucketId, name, sequenceOf(value))]);
    return nullValue === undefined ? undefined : { entry: decodeEntry(nullValue), isLatest: false };
  }
}

/** An older version that is named by its sequence; a null version has no such name. */
function older(entry: Entry): Found | undefined {
  return (entry.flags & NULL_VERSION) !== 0 ? undefined : { entry, isLatest: false };
}

function newestOf(values: readonly (Uint8Array | undefined)[]): Entry | undefined {
  let newest: Uint8Array | undefined;
  for (const value of values) {
    if (value === undefined) continue;
    if (newest === undefined || sequenceOfValue(value) > sequenceOfValue(newest)) newest = value;
  }
  return newest === undefined ? undefined : decodeEntry(newest);
}

function toPart([partNumber, sizeBytes, checksum]: PartJson): ObjectPart {
  return { partNumber, sizeBytes, checksum: fromChecksumJson(checksum) };
}

function toReadError(error: unknown, key: string): StoreError {
  if (error instanceof StoreError) return error;
  const why = error instanceof Error ? error.message : String(error);
  return new StoreError("DISK_FAILED", `Cannot read "${key}": ${why}. Look at the disk`, { cause: error });
}

/** A body that is in memory. */
class MemoryObject implements OpenObject {
  readonly entry: ObjectEntry;
  readonly inMemory: Uint8Array;

  constructor(entry: ObjectEntry, body: Uint8Array) {
    this.entry = entry;
    this.inMemory = body;
  }

  async *read(start: number, end: number): AsyncIterable<Uint8Array> {
    if (end > start) yield this.inMemory.subarray(start, end);
  }

  close(): void {}
}

/** A body on disk, in one place or in the places of its parts; or still in the ring of the last writes. */
class StoredObject implements OpenObject {
  readonly entry: ObjectEntry;
  readonly inMemory = undefined;
  readonly #sources: readonly BodySource[];
  readonly #recent: RecentBody | undefined;
  #isClosed = false;

  constructor(entry: ObjectEntry, sources: readonly BodySource[], recent: RecentBody | undefined) {
    this.entry = entry;
    this.#sources = sources;
    this.#recent = recent;
  }

  async *read(begin: number, end: number, buffer?: Uint8Array): AsyncIterable<Uint8Array> {
    let start = begin;
    // The ring may go on while somebody reads slowly: the rest then comes from the disk.
    while (this.#recent !== undefined && start < end) {
      const bytes = this.#recent.copy(start, Math.min(end, start + CHUNK_BYTES), buffer);
      if (bytes === undefined) break;
      start += bytes.length;
      yield bytes;
    }
    let at = 0;
    for (const source of this.#sources) {
      const from = Math.max(0, start - at);
      const to = Math.min(source.bodyBytes, end - at);
      at += source.bodyBytes;
      if (from >= to) continue;
      try {
        yield* source.read(from, to, buffer);
      } catch (error) {
        throw toReadError(error, this.entry.key);
      }
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const source of this.#sources) source.close();
  }
}
