import { RECORD_KINDS } from "../protocol/volume/index.ts";
import { type Bucket, StoreError } from "../store/object-store.ts";
import type { Commit } from "./commit.ts";
import type { WriteOperation } from "./commit-loop.ts";
import { decodeEntry, isExpired } from "./entry.ts";
import { bucketRange, objectKey, successor } from "./index/keys.ts";
import { pagesOf } from "./index/pages.ts";
import { jsonBytes } from "./object-json.ts";
import { bucketOf } from "./object-writes.ts";
import type { ShardState } from "./shard-state.ts";

const EMPTY = new Uint8Array();
const SCAN_ROWS = 256;

/** Makes a bucket. */
export function createBucketOperation(
  state: ShardState,
  request: { readonly name: string; readonly owner: string; readonly nowMs: number },
): WriteOperation<Bucket> {
  return {
    bytes: 0,
    isAlone: true,
    run: async (commit) => {
      if (state.catalog.bucket(request.name) !== undefined) {
        throw new StoreError("BUCKET_EXISTS", `Cannot create bucket "${request.name}": it exists`);
      }
      if (state.catalog.bucketCount >= state.options.maxBuckets) {
        throw new StoreError(
          "TOO_MANY_BUCKETS",
          `Cannot create a bucket: there are ${state.options.maxBuckets}, the limit`,
        );
      }
      const id = state.nextBucketId();
      const bucket: Bucket = {
        name: request.name,
        id,
        owner: request.owner,
        createdMs: request.nowMs,
        versioning: "off",
        documents: {},
      };
      return await addBucket(commit, bucket);
    },
  };
}

/** Changes a bucket's state and documents. */
export function updateBucketOperation(
  state: ShardState,
  name: string,
  change: {
    readonly versioning?: "enabled" | "suspended";
    readonly documents?: Readonly<Record<string, string | undefined>>;
  },
): WriteOperation<Bucket> {
  return {
    bytes: 0,
    isAlone: true,
    run: async (commit) => {
      const bucket = bucketOf(state.catalog, name);
      const documents: Record<string, string> = { ...bucket.documents };
      for (const [document, text] of Object.entries(change.documents ?? {})) {
        if (text === undefined) delete documents[document];
        else documents[document] = text;
      }
      return await addBucket(commit, { ...bucket, versioning: change.versioning ?? bucket.versioning, documents });
    },
  };
}

/** Removes a bucket that is empty. */
export function deleteBucketOperation(state: ShardState, name: string): WriteOperation<void> {
  return {
    bytes: 0,
    isAlone: true,
    run: async (commit) => {
      const bucket = bucketOf(state.catalog, name);
      if (!(await isEmpty(state, commit, bucket.id))) {
        throw new StoreError(
          "BUCKET_NOT_EMPTY",
          `Cannot remove bucket "${name}": it holds objects or versions. Delete them first`,
        );
      }
      const key = Buffer.from(name);
      await commit.add({ kind: RECORD_KINDS.bucketRemoved, bucketId: bucket.id, group: 0, key, metadata: EMPTY });
    },
  };
}

async function addBucket(commit: Commit, bucket: Bucket): Promise<Bucket> {
  const key = Buffer.from(bucket.name);
  await commit.add({ kind: RECORD_KINDS.bucket, bucketId: bucket.id, group: 0, key, metadata: jsonBytes(bucket) });
  return bucket;
}

/** Uploads under way do not keep a bucket, nor does what has expired. */
async function isEmpty(state: ShardState, commit: Commit, bucketId: number): Promise<boolean> {
  const ranges = [bucketRange("v", bucketId)];
  for (const group of [0, ...state.catalog.groupsOf(bucketId)]) {
    const from = objectKey(group, bucketId, EMPTY);
    ranges.push({ from, to: successor(from) });
  }
  for (const range of ranges) {
    for await (const rows of pagesOf(state.index, range, SCAN_ROWS)) {
      if (rows.some(({ value }) => !isExpired(decodeEntry(value), commit.nowMs))) return false;
    }
  }
  return true;
}
