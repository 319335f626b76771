import { isMalformed, type Malformed, type VideoConfig, videoConfigFromRecord } from "@kagami/media";
import type { GateEffect, GateLimits, HeldSample, ProtectedConfig } from "./gate-types.ts";

/** Unanswered pictures that are no sign of trouble: the last two may wait for the next; more when they are reordered. */
const LOOKAHEAD_PICTURES = 2;
const REORDERING_LOOKAHEAD_PICTURES = 18;

export type LineState = "none" | "opening" | "ready" | "away" | "closing";

/**
 * The gate's way to its filter stream: what there is of it, what was sent to its present process, and by when that must
 * have answered. Numbers pictures, and sends a configuration before its first picture.
 *
 *   none ──open──▶ opening ──ready──▶ ready ──close──▶ closing ──closed──▶ none
 *                                     ▲   │
 *                                     └ away ◀ failure (of an opening one, too)
 */
export class FilterLine {
  readonly #limits: GateLimits;
  #state: LineState = "none";
  #sinceMs = 0;
  #heardAtMs = 0;
  #hasCaughtUp = false;
  #hasReordering = false;
  #lastPtsUs = Number.NEGATIVE_INFINITY;
  #nextSequence = 0;
  /** Configurations without an answer, the oldest first; they are answered in this order. */
  #asked: ProtectedConfig[] = [];
  #askedAtMs = 0;
  #sent: ProtectedConfig | undefined;

  constructor(limits: GateLimits) {
    this.#limits = limits;
  }

  get state(): LineState {
    return this.#state;
  }

  /** A line that becomes ready leads to a process that knows nothing. */
  enter(state: LineState, nowMs: number): void {
    this.#state = state;
    this.#sinceMs = nowMs;
    if (state !== "ready") return;
    this.#hasCaughtUp = false;
    this.#nextSequence = 0;
    this.#asked = [];
    this.#sent = undefined;
  }

  /**
   * When the line must be given up; infinity if nothing is due.
   *
   * @param waiting Pictures without an answer, the oldest first.
   */
  deadlineMs(waiting: readonly HeldSample[], isFailed: boolean): number {
    const { budgetMs, startLimitMs, hangLimitMs, lagLimitMs } = this.#limits;
    if (this.#state === "closing") return this.#sinceMs + budgetMs;
    if (this.#state === "opening" && !isFailed) return this.#sinceMs + startLimitMs;
    if (this.#state !== "ready") return Number.POSITIVE_INFINITY;
    const askedLimitMs = this.#asked.length === 0 ? Number.POSITIVE_INFINITY : this.#askedAtMs + startLimitMs;
    const last = waiting[this.#hasReordering ? REORDERING_LOOKAHEAD_PICTURES : LOOKAHEAD_PICTURES];
    if (last === undefined || last.sequence < 0) return askedLimitMs;
    const startMs = this.#hasCaughtUp ? 0 : this.#sinceMs + startLimitMs;
    const silentMs = Math.max(last.sentAtMs, this.#heardAtMs) + Math.max(budgetMs, hangLimitMs);
    const farBehindMs = last.sentAtMs + Math.max(budgetMs, hangLimitMs, lagLimitMs);
    return Math.min(askedLimitMs, Math.max(startMs, Math.min(silentMs, farBehindMs)));
  }

  /** The process has answered something; or nobody could have heard it, since the relay itself stood still. */
  heard(nowMs: number): void {
    this.#heardAtMs = nowMs;
  }

  /** Pictures were answered, the newest of which came at this time. Those behind it are younger still. */
  onAnswer(arrivedAtMs: number, nowMs: number): void {
    if (nowMs - arrivedAtMs <= this.#limits.budgetMs) this.#hasCaughtUp = true;
  }

  config(config: ProtectedConfig, nowMs: number, out: GateEffect[]): void {
    if (config === this.#sent) return;
    this.#sent = config;
    if (this.#asked.length === 0) this.#askedAtMs = nowMs;
    this.#asked.push(config);
    const { codec, record } = config.published;
    out.push({ kind: "send", request: { kind: "config", codec, record } });
  }

  /** Sends a picture that is to be answered. */
  picture(item: HeldSample, nowMs: number, out: GateEffect[]): void {
    if (item.video) this.config(item.video, nowMs, out);
    const { ptsUs, isKey } = item.sample;
    if (ptsUs < this.#lastPtsUs && !isKey) this.#hasReordering = true;
    this.#lastPtsUs = ptsUs;
    item.sentAtMs = nowMs;
    item.sequence = this.#nextSequence;
    this.#send(item, false, out);
  }

  /** Sends a picture that viewers have had, or never will. */
  replay(item: HeldSample, nowMs: number, out: GateEffect[]): void {
    if (item.video) this.config(item.video, nowMs, out);
    this.#send(item, true, out);
  }

  /** Takes the answer to the oldest configuration that has none. */
  onConfig(codec: VideoConfig["codec"], record: Uint8Array, nowMs: number): Malformed | undefined {
    const config = videoConfigFromRecord(codec, record);
    const asked = this.#asked.shift();
    this.#askedAtMs = nowMs;
    if (isMalformed(config)) return config;
    if (asked) asked.protectedConfig = config;
    return undefined;
  }

  #send({ sample }: HeldSample, isReplay: boolean, out: GateEffect[]): void {
    const { ptsUs, isKey, data } = sample;
    const sequence = this.#nextSequence++;
    out.push({ kind: "send", request: { kind: "picture", sequence, ptsUs, isKey, isReplay, data } });
  }
}
