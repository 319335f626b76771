import { SLOT_COUNT } from "@kagami/hashing";
import type { Move } from "../cluster.ts";
import type { MoveInput, MoveReads } from "../cluster-leader.ts";

/** How a move goes on; all times in milliseconds. */
export interface MoveOptions {
  /** Slots that begin to move together, 1 to 65,536. */
  readonly windowSlots: number;
  /** A window is done when the share of its reads that are found only at the old owner has fallen to this. */
  readonly hitsFromFloor: number;
  /** The share is taken over the last reads: those of so much time at least … */
  readonly observeMs: number;
  /** … and so many. */
  readonly readsFloor: number;
  /** A window is done at the latest when so much time has passed: no item lives longer, or none that is worth it. */
  readonly longestTtlMs: number;
}

const MOVE_OPTIONS: MoveOptions = {
  windowSlots: 4_096,
  hitsFromFloor: 0.0005,
  observeMs: 10_000,
  readsFloor: 2_000,
  longestTtlMs: 24 * 60 * 60 * 1_000,
};

/** Between two steps at least: longer than any request is under way. */
const STEP_HOLD_MS = 5_000;
/** How long the last state stays before the move is over: workers treat slots as moving for 30 s after they are done. */
const LAST_HOLD_MS = 60_000;

/** How far a move is, for people. */
export interface MoveProgress {
  /** Share of the slots that are done, 0 to 1. */
  readonly doneShare: number;
  readonly doneBelow: number;
  readonly movingBelow: number;
  /** Of the reads of the present window: share found only at the old owner; `undefined` while there are too few. */
  readonly hitsFromShare: number | undefined;
  /** Until the end, if it goes on as it does; `undefined` while no window has been closed. */
  readonly remainingMs: number | undefined;
}

/** Of a pool that is hardly read; its observation then begins a little earlier than it need. */
const SAMPLE_LIMIT = 256;

interface Sample {
  readonly atMs: number;
  readonly reads: MoveReads;
}

/**
 * Decides when the next slots of a move begin to move, and when it is over.
 *
 * ```
 *  0,0 ──all know──▶ 0,w ──window dry──▶ w,2w ──▶ … ──▶ n,n ──all know, settled──▶ over
 * ```
 *
 * All that must not be lost is in the move itself: the two bounds and the time of the last step. What is kept here, reads
 * of the last seconds and the pace, a new leader learns again; it closes the window a little later, never too early.
 *
 * A step is made only when all proxies act by the one before, and {@link STEP_HOLD_MS} after it, so that requests of
 * still earlier states are over. That is what the slots' phases in the data path rely on.
 *
 * A window of slots that are hardly read has no share that says anything; it ends with `longestTtlMs`. Reads of all
 * proxies count, misses among them: a key found nowhere is no reason to wait.
 */
export class MoveCoordinator {
  readonly #options: MoveOptions;
  readonly #samples = new Map<string, Sample[]>();
  /** By pool: when this coordinator saw the first step, and the slots done then. */
  readonly #pace = new Map<string, { atMs: number; doneBelow: number }>();

  constructor(options: Partial<MoveOptions> = {}) {
    this.#options = { ...MOVE_OPTIONS, ...options };
  }

  /** The move's next state: the same object if it is to wait, or `done`. */
  readonly step = (move: Move, input: MoveInput): Move | "done" => {
    const { nowMs, isApplied } = input;
    // A clock that was set back must not stop a move.
    const ageMs = nowMs < move.windowSinceMs ? Number.POSITIVE_INFINITY : nowMs - move.windowSinceMs;
    const share = this.#observe(move, input);
    if (!this.#pace.has(move.pool)) this.#pace.set(move.pool, { atMs: nowMs, doneBelow: move.doneBelow });
    if (!isApplied || ageMs < STEP_HOLD_MS) return move;
    if (move.doneBelow >= SLOT_COUNT) {
      if (ageMs < LAST_HOLD_MS) return move;
      this.#forget(move.pool);
      return "done";
    }
    const isWindowOpen = move.movingBelow > move.doneBelow;
    if (isWindowOpen && ageMs < this.#options.longestTtlMs) {
      if (share === undefined || share > this.#options.hitsFromFloor) return move;
    }
    this.#samples.delete(move.pool);
    const doneBelow = move.movingBelow;
    const movingBelow = Math.min(SLOT_COUNT, doneBelow + this.#options.windowSlots);
    return { ...move, doneBelow, movingBelow, windowSinceMs: nowMs };
  };

  /** How far a move is, as far as this coordinator has seen it. */
  progress(move: Move, nowMs: number): MoveProgress {
    const { doneBelow, movingBelow } = move;
    const pace = this.#pace.get(move.pool);
    const slotsSeen = pace ? doneBelow - pace.doneBelow : 0;
    const leftSlots = SLOT_COUNT - doneBelow;
    const remainingMs =
      pace && slotsSeen > 0 ? Math.round((leftSlots * (nowMs - pace.atMs)) / slotsSeen) + LAST_HOLD_MS : undefined;
    const hitsFromShare = this.#shareOf(this.#samples.get(move.pool) ?? []);
    return { doneShare: doneBelow / SLOT_COUNT, doneBelow, movingBelow, hitsFromShare, remainingMs };
  }

  /** @returns Share of the reads of the last while that were found only at the old owner, if there were enough. */
  #observe(move: Move, { nowMs, reads }: MoveInput): number | undefined {
    const samples = this.#samples.get(move.pool) ?? [];
    const last = samples.at(-1);
    // Another window, another set of counts, or a clock set back.
    if (last && (total(reads) < total(last.reads) || nowMs < last.atMs)) samples.length = 0;
    if (last?.atMs !== nowMs) samples.push({ atMs: nowMs, reads });
    // As short a time as says something.
    while (this.#shareOf(samples.slice(1)) !== undefined) samples.shift();
    if (samples.length > SAMPLE_LIMIT) samples.splice(1, 1);
    this.#samples.set(move.pool, samples);
    return this.#shareOf(samples);
  }

  #shareOf(samples: readonly Sample[]): number | undefined {
    const first = samples[0];
    const last = samples.at(-1);
    if (!first || !last || last.atMs - first.atMs < this.#options.observeMs) return undefined;
    const reads = total(last.reads) - total(first.reads);
    if (reads < this.#options.readsFloor) return undefined;
    return (last.reads.hitsFrom - first.reads.hitsFrom) / reads;
  }

  #forget(pool: string): void {
    this.#samples.delete(pool);
    this.#pace.delete(pool);
  }
}

/**
 * One step of giving a move up: to be made instead of {@link MoveCoordinator.step}, and only when all proxies act by the
 * state before. What was done becomes moving, what was moving is the old owner's again, then the move is gone. Values
 * stored or changed meanwhile become misses; nothing old comes back.
 *
 * @returns `gone` when the move can be dropped, its pool staying with `from`.
 */
export function stepBack(move: Move, { nowMs, isApplied }: Pick<MoveInput, "nowMs" | "isApplied">): Move | "gone" {
  if (!isApplied || (nowMs >= move.windowSinceMs && nowMs - move.windowSinceMs < STEP_HOLD_MS)) return move;
  if (move.doneBelow > 0) return { ...move, doneBelow: 0, windowSinceMs: nowMs };
  return move.movingBelow > 0 ? { ...move, movingBelow: 0, windowSinceMs: nowMs } : "gone";
}

function total({ hitsTo, hitsFrom, misses }: MoveReads): number {
  return hitsTo + hitsFrom + misses;
}
