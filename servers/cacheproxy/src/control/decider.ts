import type { Timer, TimerClock } from "@kagami/clock";
import type { Logger } from "@kagami/kit";
import type { Move, Placement, ServerSpec } from "../engine/cluster.ts";
import { lead, type MoveStep, moveKey, movesToSweep } from "../engine/cluster-leader.ts";
import { CleaningDesk } from "../engine/health-cleaning.ts";
import type { Agreement, MemberReport } from "./agreement.ts";
import type { DesiredSource } from "./desired-source.ts";
import type { SweepResult } from "./leftover-sweep.ts";
import { sumMoveReads } from "./move-reads.ts";
import type { Prober } from "./prober.ts";

export interface DeciderOptions {
  readonly clock: TimerClock;
  readonly log: Logger;
  readonly agreement: Agreement;
  readonly source: DesiredSource;
  readonly prober: Prober;
  readonly ejectionShare: number;
  /** How long a request may be under way after its proxy stopped sending such, in ms. */
  readonly settleMs: number;
  readonly tickMs: number;
  readonly stepMove: MoveStep;
  /** Rids a server of keys that `from` gives to others; see sweepLeftovers. */
  readonly sweep: (server: ServerSpec, from: Placement, signal: AbortSignal) => Promise<SweepResult>;
  /** This proxy's own report, as it is now. */
  readonly report: () => MemberReport;
}

const CLEAN_RETRY_MS = 2_000;
const SWEEP_RETRY_MS = 5_000;

/** Decides for the cluster while this proxy leads: the next state, and the cleaning of servers on their way back. */
export class Decider {
  readonly #options: DeciderOptions;
  readonly #cleaning = new Map<string, number>();
  readonly #swept = new Set<string>();
  readonly #sweeping = new Map<string, number>();
  readonly #abort = new AbortController();
  #desk: CleaningDesk;
  #pending: readonly string[] = [];
  #wasLeader = false;
  #isDeciding = false;
  /** Something changed during a decision, which may not have seen it. */
  #isStale = false;
  #timer: Timer | undefined;
  #isClosed = false;
  #lastFailure = "";

  constructor(options: DeciderOptions) {
    this.#options = options;
    this.#desk = new CleaningDesk(options.settleMs);
  }

  /** What was asked for and has to wait. */
  get pending(): readonly string[] {
    return this.#pending;
  }

  /** Decides now and from then on regularly. */
  start(): void {
    this.#schedule(0);
  }

  close(): void {
    this.#isClosed = true;
    this.#abort.abort();
    this.#timer?.cancel();
  }

  /** Something changed: decide soon. */
  wake(): void {
    if (this.#isDeciding) this.#isStale = true;
    else this.#schedule(0);
  }

  #schedule(delayMs: number): void {
    if (this.#isClosed) return;
    this.#timer?.cancel();
    this.#timer = this.#options.clock.after(delayMs, () => {
      this.#isDeciding = true;
      this.#isStale = false;
      void this.#tryToDecide().then((hasDecided) => {
        this.#isDeciding = false;
        // What has failed would at once fail again.
        this.#schedule(hasDecided && this.#isStale ? 0 : this.#options.tickMs);
      });
    });
  }

  async #tryToDecide(): Promise<boolean> {
    const { agreement, log } = this.#options;
    try {
      await this.#decide();
      this.#lastFailure = "";
      return true;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (reason !== this.#lastFailure) log.warn("decision.failed", { reason, epoch: agreement.state.cluster.epoch });
      this.#lastFailure = reason;
      return false;
    }
  }

  async #decide(): Promise<void> {
    const { agreement, clock, log, prober, report, settleMs, source } = this.#options;
    const isLeader = agreement.isLeader;
    if (isLeader !== this.#wasLeader) {
      // What was seen under an earlier leadership may be out of date.
      this.#desk = new CleaningDesk(settleMs);
      this.#cleaning.clear();
      this.#swept.clear();
      log.info(isLeader ? "leader.elected" : "leader.resigned", { epoch: agreement.state.cluster.epoch });
    }
    this.#wasLeader = isLeader;
    if (!isLeader) return;
    // The state first: who joins after the others were read acts by this one at least.
    const { state } = agreement;
    const others = await agreement.readOthers();
    const members = [report(), ...others];
    const nowMs = clock.monotonicMs();
    this.#desk.observe(state, members, nowMs);
    for (const address of this.#desk.due(nowMs)) this.#clean(address, prober, nowMs);
    for (const move of movesToSweep(state, members)) this.#sweep(move, nowMs);
    const step = lead(state, {
      nowMs: clock.wallMs(),
      members,
      ejectionShare: this.#options.ejectionShare,
      cleaned: this.#desk.cleaned,
      desired: source.desired,
      moveReads: sumMoveReads(state.cluster, members),
      stepMove: this.#options.stepMove,
      swept: this.#swept,
    });
    this.#pending = step.pending;
    // If others were faster, what was decided here is about a state that is no more: the next tick decides anew.
    await agreement.update((latest) => (latest === state ? step.state : latest));
  }

  /** Servers of both placements; those that are new to the pool were emptied. One after the other, to spare them. */
  #sweep(move: Move, nowMs: number): void {
    const key = moveKey(move);
    if (this.#swept.has(key) || nowMs - (this.#sweeping.get(key) ?? Number.NEGATIVE_INFINITY) < SWEEP_RETRY_MS) return;
    this.#sweeping.set(key, Number.POSITIVE_INFINITY);
    void (async () => {
      const { clock, log, sweep } = this.#options;
      try {
        for (const server of move.to.servers) {
          const result = await sweep(server, move.from, this.#abort.signal);
          log.info("move.swept", { pool: move.pool, server: server.name, ...result });
        }
        this.#swept.add(key);
        this.wake();
      } catch (error) {
        if (this.#isClosed) return;
        const reason = error instanceof Error ? error.message : String(error);
        log.warn("move.sweep_failed", { pool: move.pool, reason, mend: "it is tried again; the move waits" });
      } finally {
        this.#sweeping.set(key, clock.monotonicMs());
      }
    })();
  }

  /** Proof of a restart first, for a flush costs a server that is empty anyway nothing but may be forbidden there. */
  #clean(address: string, prober: Prober, nowMs: number): void {
    if (nowMs - (this.#cleaning.get(address) ?? Number.NEGATIVE_INFINITY) < CLEAN_RETRY_MS) return;
    this.#cleaning.set(address, nowMs);
    const desk = this.#desk;
    const stageEpoch = desk.stageEpochOf(address);
    if (stageEpoch === undefined) return;
    void (async () => {
      const { clock, log } = this.#options;
      // From before the question: a reply that comes late must not make the server younger than it is.
      const askedAtMs = clock.monotonicMs();
      const uptime = await prober.uptime(address);
      if (uptime.kind === "uptime" && desk.provesRestart(address, uptime.uptimeSec, askedAtMs)) {
        log.info("server.restart_proven", { address, uptimeSec: uptime.uptimeSec });
      } else {
        const flush = await prober.flush(address);
        if (flush.kind === "flushed") {
          desk.onFlushed(address, stageEpoch);
          log.info("server.flushed", { address });
        } else if (flush.kind === "failed") {
          const mend = "the server stays out of use until it is flushed or restarted";
          log.warn("server.flush_failed", { address, reason: flush.reason, mend });
        }
      }
      this.wake();
    })();
  }
}
