import { RECORD_KINDS } from "../protocol/volume/index.ts";
import type { WriteOperation } from "./commit-loop.ts";
import { letterRange, partsOfDebtKey, sequenceOf } from "./index/keys.ts";
import type { ShardState } from "./shard-state.ts";

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

const MAX_DEBTS = 512;

/**
 * Tells older groups that something of theirs was overwritten, where a failure came before that was written.
 *
 * @returns how many were told; there may be more if it is as many as one commit takes
 */
export function payDebtsOperation(state: ShardState): WriteOperation<number> {
  return {
    bytes: 0,
    isAlone: true,
    run: async (commit) => {
      const { from, to } = letterRange("t");
      const rows = await state.index.scan(from, to, MAX_DEBTS);
      for (const row of rows) {
        const { group, bucketId, key } = partsOfDebtKey(row.key);
        const record = { kind: RECORD_KINDS.supersede, bucketId, group, key, metadata: EMPTY };
        if (state.catalog.group(group) === undefined) commit.tx.delete(row.key);
        else await commit.add({ ...record, target: sequenceOf(row.value) });
      }
      return rows.length;
    },
  };
}
