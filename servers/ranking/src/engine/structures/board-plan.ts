import { CommandError } from "../replies.ts";
import type { Zone } from "../zones.ts";
import type { PeriodKind } from "./board-calendar.ts";

/** How members with the same score are ordered, and whether they share a rank. */
export type TieRule = "first" | "last" | "shared" | "lex";
/** What a new score does to the old one. */
export type Aggregation = "sum" | "best" | "last";

/** How a board ranks and what it keeps; boards made by the same command share a plan. */
export interface BoardPlan {
  /** Whether the highest score is the best. */
  readonly isDescending: boolean;
  readonly ties: TieRule;
  readonly aggregation: Aggregation;
  readonly period: PeriodKind;
  /** Periods begin so many ms before those of UTC. */
  readonly offsetMs: number;
  /** If it is there periods go by it, and {@link offsetMs} by what it was when the board was made. */
  readonly zone?: Zone | undefined;
  /** Periods before the running one that are kept. */
  readonly keep: number;
  /** A score counts for so long; 0 is for ever. */
  readonly slidingMs: number;
  /** Members at most, the worst leave; 0 is any number. */
  readonly cap: number;
  /** A board is gone so many seconds after it was made; 0 is never. */
  readonly expireSeconds: number;
  /** Changes that are remembered for live pages. */
  readonly changes: number;
}

/** Of a board that nobody made before its first score. */
export const DEFAULT_BOARD: BoardPlan = {
  isDescending: true,
  ties: "first",
  aggregation: "sum",
  period: "none",
  offsetMs: 0,
  keep: 1,
  slidingMs: 0,
  cap: 0,
  expireSeconds: 0,
  changes: 128,
};

/** The bounds of a plan. */
const BoardLimit = {
  keep: 400,
  /** A step of less than some seconds would not fit where it is kept. */
  leastSlidingMs: 60_000,
  mostSlidingMs: 366 * 86_400_000,
  cap: 100_000_000,
  expireSeconds: 100 * 366 * 86_400,
  changes: 4_096,
} as const;

/** Parts into which the time of a sliding board is cut: a score counts for between 15 and 16 of them. */
export const SLIDING_STEPS = 16;

/** @throws CommandError that says what of the plan cannot be. */
export function checkBoardPlan(plan: BoardPlan): void {
  checkBound("KEEP", plan.keep, 0, BoardLimit.keep);
  checkBound("CAP", plan.cap, 0, BoardLimit.cap);
  checkBound("EXPIRE", plan.expireSeconds, 0, BoardLimit.expireSeconds);
  checkBound("CHANGES", plan.changes, 0, BoardLimit.changes);
  if (plan.slidingMs === 0) return;
  checkBound("SLIDING", plan.slidingMs, BoardLimit.leastSlidingMs, BoardLimit.mostSlidingMs);
  if (plan.period !== "none") throw new CommandError("ERR a board has a PERIOD or is SLIDING, not both");
  if (plan.aggregation !== "sum") throw new CommandError("ERR a SLIDING board adds scores up: AGG must be sum");
}

function checkBound(what: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new CommandError(`ERR ${what} must be a whole number from ${least} to ${most}`);
}
