import { type Container, ValueType } from "../container.ts";
import { OBJECT_BYTES } from "../key-record.ts";
import type { Heap } from "../memory/heap.ts";
import { parsePeriod, periodOf } from "./board-calendar.ts";
import { BoardPeriod } from "./board-period.ts";
import type { BoardPlan } from "./board-plan.ts";

/**
 * A ranking: the members of the running period, and those of some periods before it. A board without calendar periods
 * has one, number 0.
 *
 * Which period runs is what the time of the call says; the periods themselves are made and dropped by writes only.
 */
export class Board implements Container {
  readonly type = ValueType.board;
  readonly encoding = "tree";
  readonly heap: Heap;
  readonly hashSeed: number;
  #plan: BoardPlan;
  /** From the oldest to the newest. */
  readonly periods: BoardPeriod[] = [];
  /** The number of the period that runs at a time, for the many calls of one turn. */
  #current = 0;
  #currentAtMs = Number.NaN;

  constructor(heap: Heap, hashSeed: number, plan: BoardPlan) {
    this.heap = heap;
    this.hashSeed = hashSeed;
    this.#plan = plan;
  }

  get plan(): BoardPlan {
    return this.#plan;
  }

  /** Changes what may be changed while there are members: cap, kept periods, expiry. */
  set plan(plan: BoardPlan) {
    this.#plan = plan;
    for (const period of this.periods) period.plan = plan;
  }

  get size(): number {
    let size = 0;
    for (const period of this.periods) size += period.size;
    return size;
  }

  get usedBytes(): number {
    let bytes = OBJECT_BYTES;
    for (const period of this.periods) bytes += period.usedBytes;
    return bytes;
  }

  /** The number of the period that runs at this time. */
  currentOf(nowMs: number): number {
    const { period, zone, offsetMs } = this.#plan;
    // A zone may get newer rules at any time, a fixed offset stays.
    if (zone !== undefined) return periodOf(period, nowMs, zone.offsetAt(nowMs));
    if (nowMs !== this.#currentAtMs) {
      this.#current = periodOf(period, nowMs, offsetMs);
      this.#currentAtMs = nowMs;
    }
    return this.#current;
  }

  /** The period of a number that is kept at this time and has members; else `undefined`. */
  period(number: number, nowMs: number): BoardPeriod | undefined {
    const current = this.currentOf(nowMs);
    if (number > current || number < current - this.#plan.keep) return undefined;
    const { periods } = this;
    for (let i = periods.length - 1; i >= 0; i--) if (periods[i]!.number === number) return periods[i];
    return undefined;
  }

  /** The period that was made last. */
  get newest(): BoardPeriod | undefined {
    return this.periods[this.periods.length - 1];
  }

  /** The number of the period that a text names; NaN if it names none. */
  parsePeriod(text: string, nowMs: number): number {
    return parsePeriod(text, this.#plan.period, this.currentOf(nowMs));
  }

  /**
   * The running period, made if it is not there.
   *
   * @param store Takes over the periods that are not kept any more.
   */
  running(nowMs: number, store: { bury(period: BoardPeriod): void }): BoardPeriod {
    const current = this.currentOf(nowMs);
    const { newest } = this;
    if (newest !== undefined && newest.number >= current) return newest;
    // Whoever knows a version of the period before must not take it for one of this.
    const version = newest === undefined ? 0 : newest.version + this.#plan.changes + 1;
    const period = new BoardPeriod(this.heap, this.hashSeed, this.#plan, current, version);
    this.periods.push(period);
    while (this.periods[0]!.number < current - this.#plan.keep) store.bury(this.periods.shift()!);
    return period;
  }

  copy(): Board {
    const copy = new Board(this.heap, this.hashSeed, this.#plan);
    for (const period of this.periods) copy.periods.push(period.copy());
    return copy;
  }

  release(limit: number): boolean {
    while (this.periods.length > 0) {
      if (!this.periods.at(-1)!.release(limit)) return false;
      this.periods.pop();
    }
    return true;
  }
}
