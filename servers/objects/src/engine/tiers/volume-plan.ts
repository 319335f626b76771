/** What a look through a volume has counted: bytes of records that are wanted, by the tier that each is due for. */
export interface VolumeTally {
  /** Of the volume itself. */
  readonly tier: string;
  readonly bytesByTier: ReadonlyMap<string, number>;
  /** Since when the one that waits longest is due for another tier; undefined if none is. */
  readonly dueSinceMs: number | undefined;
  /** When the next one is due; undefined for never. */
  readonly nextDueMs: number | undefined;
  /** Whether its records may be divided among volumes. */
  readonly isDivisible: boolean;
}

/** What is to be done with a volume. */
export type VolumePlan =
  | { readonly kind: "whole"; readonly tier: string }
  | { readonly kind: "divide" }
  | { readonly kind: "wait"; readonly untilMs: number };

/** A volume is divided when so much of it is due: it costs as much as writing what stays. */
const MIN_DUE_PART = 0.25;
/** Or when something of it waits so long already. */
const MAX_OVERDUE_MS = 7 * 86_400_000;
/** A volume is looked through again after this, whatever was counted: tags may have changed. */
const MAX_LOOK_AGE_MS = 7 * 86_400_000;

/** Decides about a volume: it moves as it is if all of it is due for one tier, and is divided if enough of it is. */
export function planVolume(tally: VolumeTally, nowMs: number): VolumePlan {
  const { tier, bytesByTier, dueSinceMs, nextDueMs = Number.POSITIVE_INFINITY } = tally;
  const [only, ...others] = [...bytesByTier.keys()];
  if (only !== undefined && others.length === 0 && only !== tier) return { kind: "whole", tier: only };
  let [due, all] = [0, 0];
  for (const [one, bytes] of bytesByTier) {
    all += bytes;
    if (one !== tier) due += bytes;
  }
  const overdueMs = dueSinceMs === undefined ? Number.POSITIVE_INFINITY : dueSinceMs + MAX_OVERDUE_MS;
  if (tally.isDivisible && due > 0 && (due >= MIN_DUE_PART * all || overdueMs <= nowMs)) return { kind: "divide" };
  const untilMs = Math.min(nextDueMs, tally.isDivisible ? overdueMs : nextDueMs, nowMs + MAX_LOOK_AGE_MS);
  return { kind: "wait", untilMs };
}
