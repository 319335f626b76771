import type { Move } from "./cluster.ts";
import { applyDesired, type DesiredCluster } from "./cluster-desired.ts";
import { type AgreedState, commit, serverAddress } from "./cluster-state.ts";
import { decideEjections, type EjectionInput, haveAllApplied, type Member } from "./health-ejection.ts";
import { stepBack } from "./policies/move-coordinator.ts";

/** Reads of a pool's moving slots since the window began to move, over all proxies. */
export interface MoveReads {
  readonly hitsTo: number;
  readonly hitsFrom: number;
  readonly misses: number;
}

/** What a move's next step is decided from. */
export interface MoveInput {
  readonly nowMs: number;
  /** Every living proxy acts by the present state of the move. */
  readonly isApplied: boolean;
  readonly reads: MoveReads;
}

/** Says how a move goes on: the same object, one with other bounds, or that it is done. */
export type MoveStep = (move: Move, input: MoveInput) => Move | "done";

/** What the next state is decided from. */
export interface LeaderInput extends EjectionInput {
  /** What operators want; `undefined` if that is not known, and then it stays as it is. */
  readonly desired: DesiredCluster | undefined;
  readonly moveReads: ReadonlyMap<string, MoveReads>;
  readonly stepMove: MoveStep;
  /** Moves whose servers were rid of old values, by {@link moveKey}. */
  readonly swept: ReadonlySet<string>;
}

/** The next state, and what had to wait. */
export interface LeaderStep {
  /** The same object if nothing changes. */
  readonly state: AgreedState;
  readonly pending: readonly string[];
}

/** Decides the next agreed state. Pure: whoever leads decides the same from the same. */
export function lead(state: AgreedState, input: LeaderInput): LeaderStep {
  const wanted = input.desired ? applyDesired(state, input.desired, input.nowMs) : { draft: state, pending: [] };
  const ejected = decideEjections(wanted.draft, input);
  const moved = stepMoves(ejected, input);
  return { state: commit(state, moved), pending: wanted.pending };
}

function stepMoves(state: AgreedState, input: LeaderInput): AgreedState {
  let { moves, config } = state.cluster;
  const rearranged = new Set(state.rearranged);
  for (const move of state.cluster.moves) {
    const next = nextMove(state, move, input);
    if (next === move) continue;
    if (typeof next === "string") rearranged.add(move.pool);
    moves = moves.flatMap((other) => (other !== move ? other : typeof next === "string" ? [] : next));
    if (next !== "done") continue;
    const pools = config.pools.map((pool) => (pool.name === move.pool ? { ...pool, placement: move.to } : pool));
    config = { ...config, pools };
  }
  return { ...state, rearranged: [...rearranged], cluster: { ...state.cluster, config, moves } };
}

/** Tells a move from other moves of the same pool. */
export function moveKey({ pool, windowSinceMs }: Move): string {
  return `${pool} ${windowSinceMs}`;
}

/**
 * Moves whose servers must be rid of old values before the first slot moves, and may be now: every proxy knows the move,
 * so that nobody stores at servers what they do not own yet.
 */
export function movesToSweep(state: AgreedState, members: readonly Member[]): Move[] {
  if (!haveAllApplied(members, state.cluster.epoch)) return [];
  return state.cluster.moves.filter((move) => mustBeSwept(state, move) && !isWaiting(state, move));
}

function mustBeSwept(state: AgreedState, move: Move): boolean {
  const isAtStart = move.doneBelow === 0 && move.movingBelow === 0;
  return isAtStart && state.rearranged.includes(move.pool) && !state.abortedMoves.includes(move.pool);
}

function nextMove(state: AgreedState, move: Move, input: LeaderInput): Move | "done" | "gone" {
  const isApplied = haveAllApplied(input.members, state.cluster.epoch);
  // The way back closes nothing, so it waits for no server: often a dead one is why it is taken.
  if (state.abortedMoves.includes(move.pool)) return stepBack(move, { nowMs: input.nowMs, isApplied });
  if (state.pausedMoves.includes(move.pool) || isWaiting(state, move)) return move;
  if (mustBeSwept(state, move) && !input.swept.has(moveKey(move))) return move;
  const reads = input.moveReads.get(move.pool) ?? { hitsTo: 0, hitsFrom: 0, misses: 0 };
  return input.stepMove(move, { nowMs: input.nowMs, isApplied, reads });
}

/**
 * While any of its servers is out, a move stands still: keys of a window whose old owner is away would be lost if the
 * window were closed, and a new owner must be empty before it is read.
 */
function isWaiting(state: AgreedState, move: Move): boolean {
  const out = new Set(state.ejected.map((entry) => entry.address));
  return [...move.from.servers, ...move.to.servers].some((server) => out.has(serverAddress(server)));
}
