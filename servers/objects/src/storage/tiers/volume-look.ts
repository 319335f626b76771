import { planVolume, type VolumePlan } from "../../engine/tiers/volume-plan.ts";
import { type OwnedRecord, ownedRecords } from "../liveness.ts";
import type { ShardState } from "../shard-state.ts";
import type { ScannedRecord } from "../volume-scanner.ts";
import type { Volume } from "../volume-set.ts";
import { type RecordTier, type TierRules, tiersOfRecords } from "./record-tiers.ts";
import type { TakeTierIo } from "./volume-move.ts";

/** Records whose owners one trip to the index finds. */
const LOOK_RECORDS = 64;

/**
 * Reads the heads of a sealed volume's records, counts what is due for which tier, and says what is to be done with it.
 *
 * @returns undefined if it is damaged, or was removed meanwhile
 */
export async function lookThrough(
  state: ShardState,
  rules: TierRules,
  volume: Volume,
  takeIo: TakeTierIo,
  nowMs: number,
): Promise<VolumePlan | undefined> {
  const { volumes } = state;
  const { endOffset, tier, place } = volume;
  const tally = new Tally();
  volumes.hold(volume);
  try {
    const scanner = volumes.scanner(volume.id, { sizeBytes: endOffset, syncedEnd: endOffset, checksBodies: false });
    let batch: ScannedRecord[] = [];
    let paidBytes = 0;
    for (let isEnd = false; !isEnd; ) {
      const record = await scanner.next();
      if (record === undefined) isEnd = true;
      else batch.push(record);
      if (!isEnd && batch.length < LOOK_RECORDS) continue;
      await takeIo(place, scanner.endOffset - paidBytes);
      paidBytes = scanner.endOffset;
      const owned = await ownedRecords(state, batch);
      tally.add(owned, await tiersOfRecords(state, rules, tier, owned, nowMs));
      batch = [];
    }
    if (volume.isRemoved || scanner.damaged.length > 0 || scanner.endOffset !== endOffset) return undefined;
  } finally {
    volumes.release(volume);
  }
  const { bytesByTier, dueSinceMs, nextDueMs } = tally;
  return planVolume({ bytesByTier, dueSinceMs, nextDueMs, tier, isDivisible: volume.group === 0 }, nowMs);
}

class Tally {
  readonly bytesByTier = new Map<string, number>();
  dueSinceMs: number | undefined;
  nextDueMs: number | undefined;

  add(owned: readonly OwnedRecord[], tiers: readonly (RecordTier | undefined)[]): void {
    for (const [i, { record }] of owned.entries()) {
      const found = tiers[i];
      if (found === undefined) continue;
      const { tier, dueSinceMs, nextMs } = found;
      this.bytesByTier.set(tier, (this.bytesByTier.get(tier) ?? 0) + record.recordBytes);
      if (dueSinceMs !== undefined) this.dueSinceMs = Math.min(this.dueSinceMs ?? dueSinceMs, dueSinceMs);
      if (nextMs !== undefined) this.nextDueMs = Math.min(this.nextDueMs ?? nextMs, nextMs);
    }
  }
}
