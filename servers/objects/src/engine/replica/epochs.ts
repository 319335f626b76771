/** When a store changed its writer: records behind `after` are of this epoch or a later one. */
export interface FencingEpoch {
  readonly epoch: number;
  /** The last sequence of the epoch before. */
  readonly after: number;
  /**
   * Of the promotion, at random: two replicas that were promoted apart begin epochs of one number. Absent where a repair
   * has found the epoch by its records.
   */
  readonly id?: string;
}

/** Of a store that was never promoted. */
const FIRST_EPOCH = 1;

/** The epoch that a store writes in. */
export function currentEpoch(epochs: readonly FencingEpoch[]): number {
  return epochs.at(-1)?.epoch ?? FIRST_EPOCH;
}

/** The epochs of a copy that becomes a writer where it stands. */
export function promotedEpochs(epochs: readonly FencingEpoch[], after: number, id: string): readonly FencingEpoch[] {
  return [...epochs, { epoch: currentEpoch(epochs) + 1, after, id }];
}

/** Whether a source has had every epoch of a copy: if not, another store was promoted beside it, and the copy is of that one. */
export function hasEpochsOf(source: readonly FencingEpoch[], copy: readonly FencingEpoch[]): boolean {
  return copy.every(({ epoch, after, id }) => {
    const found = source.find((each) => each.epoch === epoch);
    return found?.after === after && (id === undefined || found.id === undefined || found.id === id);
  });
}

/** The epoch that the record of a sequence must have. */
export function epochOfSequence(epochs: readonly FencingEpoch[], sequence: number): number {
  return epochs.findLast(({ after }) => sequence > after)?.epoch ?? FIRST_EPOCH;
}
