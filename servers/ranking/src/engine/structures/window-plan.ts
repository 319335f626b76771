import { CommandError } from "../replies.ts";
import type { Zone } from "../zones.ts";

/** One ring of buckets: `length` of them, `stepMs` each. */
export interface Resolution {
  readonly stepMs: number;
  readonly length: number;
}

/** How a window counts different members. */
export const Uniques = { none: 0, exact: 1, approximate: 2 } as const;

export type UniquesMode = (typeof Uniques)[keyof typeof Uniques];

/** What a window keeps; many windows share one plan. */
export interface WindowPlan {
  /** From the finest to the coarsest; each step is a multiple of the one before. */
  readonly resolutions: readonly Resolution[];
  readonly uniques: UniquesMode;
  /** Members that are told apart exactly, at most. */
  readonly memberLimit: number;
  /** Entries of each sketch of the most frequent members; 0 keeps none. */
  readonly topEntries: number;
  readonly topStepMs: number;
  readonly topLength: number;
  /** Buckets begin so many ms before those of UTC. */
  readonly offsetMs: number;
  /** If it is there, buckets of whole days go by it; those below a day by {@link offsetMs}, what it was when it was made. */
  readonly zone?: Zone | undefined;
  /** Whether the key goes when its last event has left the window. */
  readonly expires: boolean;
}

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;

/** What is kept if nobody says otherwise: two minutes by the second, two hours by the minute, 3 days by the hour, 40 days. */
const DEFAULT_RESOLUTIONS: readonly Resolution[] = [
  { stepMs: SECOND_MS, length: 120 },
  { stepMs: MINUTE_MS, length: 120 },
  { stepMs: HOUR_MS, length: 72 },
  { stepMs: DAY_MS, length: 40 },
];

export const DEFAULT_PLAN: WindowPlan = {
  resolutions: DEFAULT_RESOLUTIONS,
  uniques: Uniques.exact,
  memberLimit: 1_000_000,
  topEntries: 0,
  topStepMs: MINUTE_MS,
  topLength: 60,
  offsetMs: 0,
  expires: true,
};

/** The bounds of a plan. */
export const PlanLimit = {
  resolutions: 8,
  /** A ring is one block of the heap. */
  buckets: 4_096,
  leastStepMs: SECOND_MS,
  mostStepMs: 366 * DAY_MS,
  members: 100_000_000,
  topEntries: 1_024,
  topBuckets: 256,
  offsetMs: 14 * HOUR_MS,
} as const;

/** The default resolutions cut or extended to hold `retentionMs`. */
export function resolutionsFor(retentionMs: number): Resolution[] {
  const kept: Resolution[] = [];
  for (const resolution of DEFAULT_RESOLUTIONS) {
    const isLast = resolution === DEFAULT_RESOLUTIONS.at(-1);
    if (!isLast && retentionMs > resolution.stepMs * resolution.length) {
      kept.push(resolution);
      continue;
    }
    kept.push({ stepMs: resolution.stepMs, length: Math.ceil(retentionMs / resolution.stepMs) });
    break;
  }
  return kept;
}

/** @throws CommandError that says what of the plan is beyond which bound. */
export function checkPlan(plan: WindowPlan): void {
  const { resolutions } = plan;
  if (resolutions.length < 1 || resolutions.length > PlanLimit.resolutions) {
    throw new CommandError(`ERR a window has 1 to ${PlanLimit.resolutions} resolutions`);
  }
  for (const [i, { stepMs, length }] of resolutions.entries()) {
    checkBound("the step of a resolution in ms", stepMs, PlanLimit.leastStepMs, PlanLimit.mostStepMs);
    checkBound("the buckets of a resolution", length, 1, PlanLimit.buckets);
    const finer = resolutions[i - 1];
    if (finer === undefined) continue;
    if (stepMs <= finer.stepMs || stepMs % finer.stepMs !== 0) {
      throw new CommandError("ERR resolutions go from fine to coarse, each step a multiple of the one before");
    }
    if (stepMs * length < finer.stepMs * finer.length) {
      throw new CommandError("ERR a coarser resolution must reach back at least as far as the finer one");
    }
  }
  checkBound("MEMBERS", plan.memberLimit, 1, PlanLimit.members);
  checkBound("TOP", plan.topEntries, 0, PlanLimit.topEntries);
  checkBound("the step of TOP in ms", plan.topStepMs, PlanLimit.leastStepMs, PlanLimit.mostStepMs);
  checkBound("the buckets of TOP", plan.topLength, 1, PlanLimit.topBuckets);
  checkBound("TZ in ms", plan.offsetMs, -PlanLimit.offsetMs, PlanLimit.offsetMs);
  if (plan.zone !== undefined) checkZoneSteps(plan, plan.zone);
}

/** A day of a zone that changes its clocks must consist of whole smaller buckets. */
function checkZoneSteps({ resolutions, topStepMs }: WindowPlan, { grainMs, name }: Zone): void {
  for (const stepMs of [...resolutions.map((resolution) => resolution.stepMs), topStepMs]) {
    if (stepMs % DAY_MS === 0 || grainMs % stepMs === 0) continue;
    throw new CommandError(`ERR with TZ ${name} every step must be whole days or divide ${grainMs} ms`);
  }
}

function checkBound(what: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new CommandError(`ERR ${what} must be from ${least} to ${most}`);
}

const OFFSET = /^(?:UTC|GMT)?(?:([+-])(\d{1,2})(?::?([0-5]\d))?)?$/i;

/**
 * A fixed offset from UTC in ms: `UTC`, `UTC+9`, `+09:00`, `-0330`.
 *
 * @returns NaN if it is none; names of zones are none.
 */
export function parseOffset(text: string): number {
  const match = OFFSET.exec(text);
  if (match === null || text === "") return Number.NaN;
  const [, sign, hours = "0", minutes = "0"] = match;
  const offsetMs = Number(hours) * HOUR_MS + Number(minutes) * MINUTE_MS;
  if (offsetMs > PlanLimit.offsetMs) return Number.NaN;
  return sign === "-" && offsetMs > 0 ? -offsetMs : offsetMs;
}

/** As {@link parseOffset} reads it. */
export function formatOffset(offsetMs: number): string {
  const minutes = Math.abs(offsetMs) / MINUTE_MS;
  const two = (value: number): string => String(value).padStart(2, "0");
  return `UTC${offsetMs < 0 ? "-" : "+"}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}
