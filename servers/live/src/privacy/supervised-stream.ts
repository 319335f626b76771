import type { Timer, TimerClock } from "@kagami/clock";
import type { FilterReply, FilterRequest, FilterSettings, FilterStats } from "../protocol/privacy/messages.ts";
import type { FilterFailure, FilterHandlers, FilterPort, FilterStreamRequest, SendOutcome } from "./filter-stream.ts";

/** A stream's place in a process; another one after each failure. */
export interface StreamPlace {
  send(request: FilterStreamRequest | { readonly kind: "close" }): SendOutcome;
  /**
   * Lets go of it without an answer.
   *
   * @returns Whether the process is well, and waits a while for the stream to come back.
   */
  leave(): boolean;
}

export interface SupervisedStreamOptions {
  readonly clock: TimerClock;
  readonly settings: FilterSettings;
  readonly handlers: FilterHandlers;
  readonly restartPauseMs: number;
  /** Finds the stream a process, which calls `onPlaced`. */
  readonly place: () => void;
  readonly forget: () => void;
}

const PAUSE_FACTOR_LIMIT = 100;
/** After so long without a failure the next pause is the first again. */
const FORGIVEN_AFTER_MS = 60_000;

/**
 * One stream through all its processes.
 *
 *   away ──onReady──▶ ready ──close()──▶ closing ──▶ closed
 *     ▲                 │ failure           │ failure ──▶ closed
 *     └──── pause ◀─────┘
 */
export class SupervisedStream implements FilterPort {
  readonly #options: SupervisedStreamOptions;
  #settings: FilterSettings;
  #state: "away" | "ready" | "closing" | "closed" = "away";
  #place: StreamPlace | undefined;
  #timer: Timer | undefined;
  #failureCount = 0;
  #failedAtMs = Number.NEGATIVE_INFINITY;
  #hasTakenDown = false;

  constructor(options: SupervisedStreamOptions) {
    this.#options = options;
    this.#settings = options.settings;
  }

  /** Its process died once: it may have been the reason, and takes no other stream along the next time. */
  get isAlone(): boolean {
    return this.#hasTakenDown;
  }

  /** What a process is given to open the stream. Only in the first one it may begin uncovered. */
  get openSettings(): FilterSettings {
    return this.#failureCount === 0 ? this.#settings : { ...this.#settings, startsCovered: true };
  }

  start(): void {
    this.#later(0, () => this.#options.place());
  }

  send(request: FilterStreamRequest): SendOutcome {
    if (request.kind === "settings") this.#settings = request.settings;
    if (this.#state !== "ready" || this.#place === undefined) return "away";
    return this.#place.send(request);
  }

  restart(message: string): void {
    if (this.#state !== "ready") return;
    const isProcessWell = this.#place?.leave() ?? false;
    this.#hasTakenDown ||= !isProcessWell;
    this.#fail({ code: "FILTER_RESTARTED", message });
  }

  close(): void {
    if (this.#state === "closing" || this.#state === "closed") return;
    const isReady = this.#state === "ready";
    this.#state = "closing";
    if (isReady && this.#place?.send({ kind: "close" }) === "sent") return;
    this.#place?.leave();
    this.#later(0, () => this.#close());
  }

  /** The supervisor closes: nothing will be answered. */
  onSupervisorClosed(): void {
    if (this.#state === "closed") return;
    this.#state = "closing";
    this.#later(0, () => this.#close());
  }

  // What the process's side calls, always from the event loop.

  onPlaced(place: StreamPlace): void {
    this.#place = place;
  }

  onReady(): void {
    if (this.#state !== "away") return;
    this.#state = "ready";
    this.#options.handlers.onReady();
  }

  onReply(reply: FilterReply): void {
    if (reply.kind === "stats" || this.#state === "closed") return;
    if (reply.kind === "closed") {
      this.#close();
      return;
    }
    if (reply.kind === "failed") {
      this.onFailed({ code: reply.code, message: reply.message });
      return;
    }
    if (this.#state !== "away") this.#options.handlers.onReply(reply);
  }

  /** @param isProcessGone It died, and not only this stream in it. */
  onFailed(failure: FilterFailure, isProcessGone = false): void {
    this.#hasTakenDown ||= isProcessGone;
    if (this.#state === "closing") this.#close();
    else if (this.#state !== "closed") this.#fail(failure);
  }

  onStats(stats: FilterStats, streamCount: number): void {
    if (this.#state === "ready") this.#options.handlers.onStats(stats, streamCount);
  }

  #fail(failure: FilterFailure): void {
    const { clock, restartPauseMs } = this.#options;
    const nowMs = clock.monotonicMs();
    this.#failureCount = nowMs - this.#failedAtMs > FORGIVEN_AFTER_MS ? 1 : this.#failureCount + 1;
    this.#failedAtMs = nowMs;
    this.#state = "away";
    this.#place = undefined;
    const factor = Math.min(PAUSE_FACTOR_LIMIT, 2 ** (this.#failureCount - 1));
    this.#later(0, () => {
      if (this.#state !== "away") return;
      this.#options.handlers.onFailed(failure);
      this.#later(restartPauseMs * factor, () => this.#options.place());
    });
  }

  #close(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#place = undefined;
    this.#timer?.cancel();
    this.#options.forget();
    this.#options.handlers.onClosed();
  }

  #later(delayMs: number, callback: () => void): void {
    this.#timer?.cancel();
    this.#timer = this.#options.clock.after(delayMs, callback);
  }
}

/** A request of a stream as its process takes it. */
export function withStreamId(
  streamId: number,
  request: FilterStreamRequest | { readonly kind: "close" },
): FilterRequest {
  return { ...request, streamId };
}
