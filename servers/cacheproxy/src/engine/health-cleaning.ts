import type { AgreedState } from "./cluster-state.ts";
import { haveAllApplied, type Member, serversToClean } from "./health-ejection.ts";

interface Watched {
  readonly sinceMs: number;
  /** When it was first seen that no proxy sends it requests any more. */
  fencedAtMs: number | undefined;
  stageEpoch: number;
  /** Since when no proxy uses it and it answers; of this stage. */
  readyAtMs: number | undefined;
  isClean: boolean;
}

/**
 * What the leader knows of servers on their way back: from when on nobody writes to them, and which are empty. A new
 * leader begins anew, so a server may be flushed twice, but never too early.
 *
 * All times are on one monotonic clock of the caller's.
 */
export class CleaningDesk {
  readonly #settleMs: number;
  readonly #watched = new Map<string, Watched>();

  /** @param settleMs How long a request may still be under way after its proxy stopped sending such. */
  constructor(settleMs: number) {
    this.#settleMs = settleMs;
  }

  /** Takes note of the state and of who acts by it. Call it before every decision. */
  observe(state: AgreedState, members: readonly Member[], nowMs: number): void {
    const ejected = new Set(state.ejected.map((entry) => entry.address));
    for (const address of this.#watched.keys()) if (!ejected.has(address)) this.#watched.delete(address);
    const ready = new Set(serversToClean(state, members).map((entry) => entry.address));
    for (const { address, sinceMs, stage, stageEpoch, reason } of state.ejected) {
      let watched = this.#watched.get(address);
      if (watched?.sinceMs !== sinceMs) {
        watched = { sinceMs, fencedAtMs: undefined, stageEpoch, readyAtMs: undefined, isClean: false };
        this.#watched.set(address, watched);
      }
      if (watched.stageEpoch !== stageEpoch) {
        watched.stageEpoch = stageEpoch;
        watched.readyAtMs = undefined;
        watched.isClean = false;
      }
      // The stages behind `fencing` begin only when all proxies have applied it; a server that joined has had none.
      const isFenced = reason === "joined" ? haveAllApplied(members, stageEpoch) : stage !== "fencing";
      if (isFenced) watched.fencedAtMs ??= nowMs;
      if (ready.has(address)) watched.readyAtMs ??= nowMs;
      // It went down again, or a proxy that came back acts by an older state: what was done says nothing any more.
      else {
        watched.readyAtMs = undefined;
        watched.isClean = false;
      }
    }
  }

  /** Servers that should be found or made empty now. */
  due(nowMs: number): string[] {
    const addresses: string[] = [];
    for (const [address, { readyAtMs, isClean }] of this.#watched) {
      if (!isClean && readyAtMs !== undefined && nowMs - readyAtMs >= this.#settleMs) addresses.push(address);
    }
    return addresses;
  }

  /**
   * Whether a server has restarted since nobody writes to it, and so has nothing; then it counts as clean.
   *
   * @param uptimeSec As its `stats` say, in whole seconds.
   */
  provesRestart(address: string, uptimeSec: number, nowMs: number): boolean {
    const watched = this.#watched.get(address);
    if (watched?.fencedAtMs === undefined) return false;
    // It counts full seconds, by a clock of its own that ticks once a second.
    const startedAtTheEarliestMs = nowMs - (uptimeSec + 2) * 1_000;
    if (startedAtTheEarliestMs < watched.fencedAtMs + this.#settleMs) return false;
    watched.isClean = true;
    return true;
  }

  /**
   * The server acknowledged a flush that was sent when {@link due} named it.
   *
   * @param stageEpoch {@link stageEpochOf} it when the flush was sent; a flush for an earlier stage says nothing.
   */
  onFlushed(address: string, stageEpoch: number): void {
    const watched = this.#watched.get(address);
    if (watched?.readyAtMs !== undefined && watched.stageEpoch === stageEpoch) watched.isClean = true;
  }

  stageEpochOf(address: string): number | undefined {
    return this.#watched.get(address)?.stageEpoch;
  }

  /** What decisions are told: clean servers with the epoch of the stage in which they became so. */
  get cleaned(): ReadonlyMap<string, number> {
    const cleaned = new Map<string, number>();
    for (const [address, { isClean, stageEpoch }] of this.#watched) if (isClean) cleaned.set(address, stageEpoch);
    return cleaned;
  }
}
