/** When a store changed its writer: records behind `after` are of this epoch or a later one. */
export interface FencingEpoch {
  readonly epoch: number;
  /** The last sequence of the epoch before. */
  readonly after: number;
}

/** Of a store that was never promoted. */
const FIRST_EPOCH = 1;

/** The epoch that a store writes in. */
export function currentEpoch(epochs: readonly FencingEpoch[]): number {
  return epochs.at(-1)?.epoch ?? FIRST_EPOCH;
}

/** The epochs of a copy that becomes a writer where it stands. */
export function promotedEpochs(epochs: readonly FencingEpoch[], after: number): readonly FencingEpoch[] {
  return [...epochs, { epoch: currentEpoch(epochs) + 1, after }];
}

/** The epoch that the record of a sequence must have. */
export function epochOfSequence(epochs: readonly FencingEpoch[], sequence: number): number {
  return epochs.findLast(({ after }) => sequence > after)?.epoch ?? FIRST_EPOCH;
}
