import { NULL_VERSION, RECORD_KINDS } from "../protocol/volume/index.ts";
import type { CommitLoop, WriteOperation } from "./commit-loop.ts";
import type { TakeIo } from "./compaction.ts";
import { decodeEntry, isExpired } from "./entry.ts";
import type { IndexRow } from "./index/index-engine.ts";
import { bucketIdOfObjectKey, groupRange, letterRange, nameOfObjectKey, partsOfVersionKey } from "./index/keys.ts";
import { pagesOf } from "./index/pages.ts";
import type { ShardState } from "./shard-state.ts";

const ROWS = 512;
/** About what a row of the index takes. */
const ROW_BYTES = 256;
const EMPTY = new Uint8Array();

/**
 * Removes what has expired outside of groups, one by one: of buckets that keep versions, and of those that had more groups
 * than they may. Readers do not see it since its time; this gives the room back.
 *
 * @returns how many were removed
 */
export async function sweepExpired(
  state: ShardState,
  loop: CommitLoop,
  takeIo: TakeIo,
  nowMs: () => number,
): Promise<number> {
  let count = 0;
  for (const range of [groupRange("object", 0), letterRange("v")]) {
    for await (const rows of pagesOf(state.index, range, ROWS)) {
      const expired = rows.filter(({ value }) => isExpired(decodeEntry(value), nowMs()));
      if (expired.length > 0) count += await loop.submit(removeOperation(expired));
      if (rows.length === ROWS) await takeIo(ROWS * ROW_BYTES);
    }
  }
  return count;
}

function removeOperation(rows: readonly IndexRow[]): WriteOperation<number> {
  return {
    bytes: 0,
    isAlone: true,
    prefetch: () => rows.map(({ key }) => key),
    run: async (commit) => {
      let count = 0;
      for (const { key } of rows) {
        const value = await commit.tx.get(key);
        const entry = value === undefined ? undefined : decodeEntry(value);
        if (entry === undefined || !isExpired(entry, commit.nowMs)) continue;
        const isOlder = key[0] === VERSION_LETTER;
        await commit.add({
          kind: RECORD_KINDS.deleteVersion,
          flags: entry.flags & NULL_VERSION,
          bucketId: isOlder ? bucketIdOfVersionKey(key) : bucketIdOfObjectKey(key),
          group: 0,
          target: entry.sequence,
          key: isOlder ? partsOfVersionKey(key).name : nameOfObjectKey(key).slice(),
          metadata: EMPTY,
        });
        count++;
      }
      return count;
    },
  };
}

const VERSION_LETTER = 0x76;

function bucketIdOfVersionKey(key: Uint8Array): number {
  return Buffer.from(key).readUInt32BE(1);
}
