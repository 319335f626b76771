import { RECORD_KINDS } from "../protocol/volume/index.ts";
import type { WriteOperation } from "./commit-loop.ts";
import type { ShardState } from "./shard-state.ts";
import type { Debt } from "./transaction.ts";

const EMPTY = new Uint8Array();

/** Ends a group whose time has passed. */
export function expireGroupOperation(state: ShardState, group: number): WriteOperation<boolean> {
  return {
    bytes: 0,
    isAlone: true,
    run: async (commit) => {
      const info = state.catalog.group(group);
      if (info === undefined || info.endsMs > commit.nowMs) return false;
      const record = {
        kind: RECORD_KINDS.groupExpired,
        bucketId: info.bucketId,
        group: 0,
        key: EMPTY,
        metadata: EMPTY,
      };
      await commit.add({ ...record, target: group });
      return true;
    },
    committed: (isGone) => {
      if (isGone) state.forgetGroup(group);
    },
  };
}

/** Tells older groups that something of theirs was overwritten, where a failure came before that was written. */
export function payDebtsOperation(state: ShardState, debts: readonly Debt[]): WriteOperation<void> {
  return {
    bytes: 0,
    run: async (commit) => {
      for (const { bucketId, group, key, bySequence } of debts) {
        if (state.catalog.group(group) === undefined) continue;
        const record = { kind: RECORD_KINDS.supersede, bucketId, group, key, metadata: EMPTY, target: bySequence };
        await commit.add(record);
      }
    },
  };
}
