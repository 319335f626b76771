import { MARKER, NULL_VERSION } from "../protocol/volume/index.ts";
import type { ListRequest, ListResult, ObjectEntry, Upload } from "../store/object-store.ts";
import { decodeEntry, type Entry, isExpired, sequenceOfVersionId, toObjectEntry } from "./entry.ts";
import type { IndexReader } from "./index/index-engine.ts";
import {
  escapedStart,
  nameOfObjectKey,
  nullKey,
  objectKey,
  partsOfUploadKey,
  partsOfVersionKey,
  sequenceOf,
  successor,
} from "./index/keys.ts";
import { RowSource } from "./row-source.ts";
import type { ShardState } from "./shard-state.ts";
import { uploadOfRow } from "./uploads.ts";

/** Name and place of a row within its name, in the order of a listing. */
interface Item {
  readonly name: Uint8Array;
  /** Order among rows of one name: current first, then newest first. */
  readonly rank: number;
  readonly value: Uint8Array;
  readonly isCurrent: boolean;
}

type Source = RowSource<Item>;

/** What a walk over names does with each; false ends it. */
interface Visitor {
  /** An entry that no common prefix hides. */
  onItem(item: Item): boolean;
  onPrefix(prefix: string): boolean;
}

/** A page of keys or versions, all from one instant. */
export async function listObjects(
  state: ShardState,
  bucketId: number,
  request: ListRequest,
  nowMs: number,
): Promise<ListResult> {
  const snapshot = state.index.snapshot();
  try {
    const prefix = Buffer.from(request.prefix);
    const sources: Source[] = [0, ...state.catalog.groupsOf(bucketId)].map((group) =>
      objectSource(snapshot, group, bucketId, prefix, request.maxKeys),
    );
    if (request.versions) sources.push(versionSource(snapshot, bucketId, prefix, request.maxKeys));
    const start = startOf(request);
    const afterRank = await rankOf(snapshot, sources, bucketId, request);
    const page = new Page(state, request, nowMs, afterRank);
    const from = afterRank === undefined ? start : Buffer.from(request.startAfter);
    if (from !== undefined) await walk(sources, from, request, page);
    return page.result();
  } finally {
    await snapshot.close();
  }
}

/** A page of uploads under way. */
export async function listUploads(
  state: ShardState,
  bucketId: number,
  request: Omit<ListRequest, "versions" | "startAfterVersion"> & { readonly startAfterUpload?: string },
): Promise<{ uploads: Upload[]; commonPrefixes: string[]; isTruncated: boolean }> {
  const snapshot = state.index.snapshot();
  try {
    const prefix = Buffer.from(request.prefix);
    const uploads: Upload[] = [];
    const commonPrefixes: string[] = [];
    let isTruncated = false;
    const hasRoom = (): boolean => {
      isTruncated = uploads.length + commonPrefixes.length >= request.maxKeys;
      return !isTruncated;
    };
    const marker = request.startAfterUpload === undefined ? undefined : sequenceOfUploadId(request.startAfterUpload);
    const visitor: Visitor = {
      onItem: ({ name, rank, value }) => {
        const isMarkersKey = marker !== undefined && Buffer.compare(name, Buffer.from(request.startAfter)) === 0;
        if (isMarkersKey && rank <= marker) return true;
        return hasRoom() && uploads.push(uploadOfRow(value)) > 0;
      },
      onPrefix: (common) => hasRoom() && commonPrefixes.push(common) > 0,
    };
    const start = marker === undefined ? startOf(request) : Buffer.from(request.startAfter);
    const source = uploadSource(snapshot, bucketId, prefix, request.maxKeys);
    if (start !== undefined) await walk([source], start, request, visitor);
    return { uploads, commonPrefixes, isTruncated };
  } finally {
    await snapshot.close();
  }
}

/** Walks all sources by name and rank from `start` on, and jumps over what a common prefix hides. */
async function walk(
  sources: readonly Source[],
  start: Uint8Array,
  { prefix, delimiter }: Pick<ListRequest, "prefix" | "delimiter">,
  visitor: Visitor,
): Promise<void> {
  const prefixBytes = Buffer.from(prefix);
  const delimiterBytes = Buffer.from(delimiter);
  await Promise.all(sources.map((source) => source.seek(start)));
  for (;;) {
    let next: Source | undefined;
    for (const source of sources) {
      if (source.current !== undefined && (next === undefined || isBefore(source.current, next.current))) next = source;
    }
    const item = next?.current;
    if (next === undefined || item === undefined) return;
    const at = delimiterBytes.length === 0 ? -1 : indexOf(item.name, delimiterBytes, prefixBytes.length);
    if (at < 0) {
      if (!visitor.onItem(item)) return;
      await next.advance();
      continue;
    }
    // Whether anything visible is behind it is not looked at, except the row itself: see Page.
    const common = item.name.slice(0, at + delimiterBytes.length);
    if (visitor instanceof Page && visitor.isHidden(item)) {
      await next.advance();
      continue;
    }
    if (!visitor.onPrefix(Buffer.from(common).toString())) return;
    const behind = successor(common);
    await Promise.all(sources.map((source) => source.seek(behind)));
  }
}

/** Gathers a page of a listing of keys or versions. */
class Page implements Visitor {
  readonly #state: ShardState;
  readonly #request: ListRequest;
  readonly #nowMs: number;
  readonly #afterRank: number | undefined;
  readonly #startAfter: Buffer;
  readonly #entries: ObjectEntry[] = [];
  readonly #prefixes: string[] = [];
  #isTruncated = false;
  #last: { after: string; version: string | undefined } | undefined;

  constructor(state: ShardState, request: ListRequest, nowMs: number, afterRank: number | undefined) {
    this.#state = state;
    this.#request = request;
    this.#nowMs = nowMs;
    this.#afterRank = afterRank;
    this.#startAfter = Buffer.from(request.startAfter);
  }

  /** Expired, a delete marker where only objects are wanted, or before the place where the page begins. */
  isHidden(item: Item): boolean {
    if (this.#afterRank !== undefined && item.rank <= this.#afterRank) {
      if (Buffer.compare(item.name, this.#startAfter) === 0) return true;
    }
    const entry = decodeEntry(item.value);
    return isExpired(entry, this.#nowMs) || (!this.#request.versions && (entry.flags & MARKER) !== 0);
  }

  onItem(item: Item): boolean {
    if (this.isHidden(item)) return true;
    if (!this.#hasRoom()) return false;
    const stored = decodeEntry(item.value);
    const key = Buffer.from(item.name).toString();
    const entry = toObjectEntry(key, stored, item.isCurrent, undefined, this.#state.classOf(stored.volumeId));
    this.#entries.push(entry);
    this.#last = { after: entry.key, version: this.#request.versions ? entry.versionId : undefined };
    return true;
  }

  onPrefix(prefix: string): boolean {
    if (!this.#hasRoom()) return false;
    this.#prefixes.push(prefix);
    this.#last = { after: prefix, version: undefined };
    return true;
  }

  result(): ListResult {
    return {
      entries: this.#entries,
      commonPrefixes: this.#prefixes,
      isTruncated: this.#isTruncated,
      nextAfter: this.#isTruncated ? this.#last?.after : undefined,
      nextAfterVersion: this.#isTruncated ? this.#last?.version : undefined,
    };
  }

  #hasRoom(): boolean {
    if (this.#entries.length + this.#prefixes.length < this.#request.maxKeys) return true;
    this.#isTruncated = true;
    return false;
  }
}

/** Where a page begins: behind `startAfter`, or behind the common prefix that it is; undefined if nothing can follow. */
function startOf({ prefix, delimiter, startAfter }: Pick<ListRequest, "prefix" | "delimiter" | "startAfter">) {
  const from = Buffer.from(prefix);
  if (startAfter === "") return from;
  const isPrefix =
    delimiter !== "" && startAfter.startsWith(prefix) && startAfter.indexOf(delimiter, prefix.length) >= 0;
  const end = startAfter.indexOf(delimiter, prefix.length) + delimiter.length;
  const after =
    isPrefix && end === startAfter.length
      ? successor(Buffer.from(startAfter))
      : Buffer.concat([Buffer.from(startAfter), Uint8Array.of(0)]);
  if (Buffer.compare(after, from) <= 0) return from;
  return prefix === "" || Buffer.compare(after, successor(from)) < 0 ? after : undefined;
}

/** The rank behind which versions of `startAfter` are wanted; undefined if only other keys are. */
async function rankOf(
  reader: IndexReader,
  sources: readonly Source[],
  bucketId: number,
  { startAfter, startAfterVersion, versions }: ListRequest,
): Promise<number | undefined> {
  if (!versions || startAfterVersion === undefined) return undefined;
  const name = Buffer.from(startAfter);
  if (startAfterVersion !== "null") {
    const sequence = sequenceOfVersionId(startAfterVersion);
    return sequence === undefined ? undefined : -sequence;
  }
  await Promise.all(sources.map((source) => source.seek(name)));
  for (const { current } of sources) {
    if (current === undefined || Buffer.compare(current.name, name) !== 0 || !current.isCurrent) continue;
    const entry = decodeEntry(current.value);
    if ((entry.flags & NULL_VERSION) !== 0) return -entry.sequence;
  }
  const [pointer] = await reader.get([nullKey(bucketId, name)]);
  return pointer === undefined ? undefined : -sequenceOf(pointer);
}

function objectSource(reader: IndexReader, group: number, bucketId: number, prefix: Uint8Array, limit: number): Source {
  return new RowSource<Item>(reader, limit, {
    keyOf: (name) => objectKey(group, bucketId, name),
    end: successor(objectKey(group, bucketId, prefix)),
    itemOf: ({ key, value }) => {
      const entry: Entry = decodeEntry(value);
      return { name: nameOfObjectKey(key), rank: -entry.sequence, value, isCurrent: true };
    },
  });
}

function versionSource(reader: IndexReader, bucketId: number, prefix: Uint8Array, limit: number): Source {
  return new RowSource<Item>(reader, limit, {
    keyOf: (name) => escapedStart("v", bucketId, name),
    end: successor(escapedStart("v", bucketId, prefix)),
    itemOf: ({ key, value }) => {
      const { name, sequence } = partsOfVersionKey(key);
      return { name, rank: -sequence, value, isCurrent: false };
    },
  });
}

function uploadSource(reader: IndexReader, bucketId: number, prefix: Uint8Array, limit: number): Source {
  return new RowSource<Item>(reader, limit, {
    keyOf: (name) => escapedStart("u", bucketId, name),
    end: successor(escapedStart("u", bucketId, prefix)),
    itemOf: ({ key, value }) => {
      const { name, upload } = partsOfUploadKey(key);
      return { name, rank: upload, value, isCurrent: true };
    },
  });
}

function sequenceOfUploadId(uploadId: string): number {
  return sequenceOfVersionId(uploadId.slice(0, 16)) ?? Number.POSITIVE_INFINITY;
}

function isBefore(a: Item, b: Item | undefined): boolean {
  if (b === undefined) return true;
  const order = Buffer.compare(a.name, b.name);
  return order === 0 ? a.rank < b.rank : order < 0;
}

function indexOf(name: Uint8Array, delimiter: Uint8Array, from: number): number {
  return Buffer.from(name.buffer, name.byteOffset, name.length).indexOf(delimiter, from);
}
