import { currentEpoch, type FencingEpoch } from "./epochs.ts";

/** Where a follower says that it stands. */
export interface ReplicaClaim {
  /** The store that its copy is of; empty if it has none yet. */
  readonly storeId: string;
  readonly epoch: number;
  readonly after: number;
}

/** The store that is asked. */
export interface ReplicaSourceState {
  readonly storeId: string;
  readonly epochs: readonly FencingEpoch[];
  /** Everything up to it is in the store. */
  readonly appliedSequence: number;
}

/** Why a follower cannot go on from where it stands. `code` is API. */
export interface ClaimRefusal {
  readonly code: "STORE_MISMATCH" | "EPOCH_OLD" | "DIVERGED";
  readonly message: string;
}

/**
 * Whether a follower's copy is a beginning of the store, so that the stream can go on from there; undefined if it is.
 *
 * A copy of an older epoch is one as long as it has nothing behind the sequence at which the next epoch began: what it has
 * there was written by somebody who was no writer any more.
 */
export function refuseClaim(claim: ReplicaClaim, source: ReplicaSourceState): ClaimRefusal | undefined {
  if (claim.storeId !== "" && claim.storeId !== source.storeId) {
    const message = `This is store ${source.storeId}, the copy is of ${claim.storeId}. Follow the store that it was made of, or begin in an empty directory`;
    return { code: "STORE_MISMATCH", message };
  }
  const epoch = currentEpoch(source.epochs);
  if (claim.epoch > epoch) {
    const message = `This store is of epoch ${epoch}, the copy of ${claim.epoch}: another one was promoted since. Follow that one`;
    return { code: "EPOCH_OLD", message };
  }
  const next = source.epochs.find((each) => each.epoch > claim.epoch);
  const limit = next?.after ?? source.appliedSequence;
  if (claim.after <= limit) return undefined;
  const message = `The copy has changes up to ${claim.after}, but this store shares only those up to ${limit} with it. Start from nothing`;
  return { code: "DIVERGED", message };
}
