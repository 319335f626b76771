import type { Logger } from "@kagami/kit";
import type { StreamConfig } from "@kagami/media";
import { type GateInput, PrivacyGate } from "../engine/privacy/gate.ts";
import type { GateEffect, GateLimits } from "../engine/privacy/gate-types.ts";
import type {
  FilterHandlers,
  FilterHost,
  FilterPort,
  FilterStreamReply,
  FilterStreamRequest,
} from "../privacy/filter-stream.ts";
import type { FilterSettings } from "../protocol/privacy/messages.ts";
import type { Timing } from "./channel.ts";
import { PreviewDesk, type Still } from "./preview-desk.ts";
import type { PrivacyCounters } from "./privacy-counters.ts";
import type { PrivacySettings } from "./privacy-settings.ts";
import { PrivacyStatus, type PrivacyStatusView } from "./privacy-status.ts";

/** What every channel's filter shares. */
export interface PrivacyParts {
  readonly host: FilterHost;
  readonly limits: GateLimits;
  readonly counters: PrivacyCounters;
}

export interface PrivacyRunOptions extends PrivacyParts {
  readonly settings: PrivacySettings;
  readonly timing: Timing;
  readonly log: Logger;
  /** What viewers have been given, if anything. */
  readonly output: StreamConfig | undefined;
  /** What the publisher has announced. */
  readonly published: StreamConfig;
  /** Takes what leaves, in order. `waitedMs`: how long ago it came. */
  readonly emit: (event: GateInput, waitedMs: number) => void;
  /** Called after everything that could leave has left. */
  readonly onEmitted: () => void;
}

/** Requests that the process had no room for are tried again this often. */
const RETRY_MS = 20;

/**
 * A broadcast's privacy filter: the gate with its stream, its timer, and what people are told of it.
 *
 * One stream is in use at a time. A stream that was given up (closed, and not ended within the budget) may still speak:
 * its handlers know by their number that nobody listens to them any more.
 */
export class PrivacyRun {
  readonly #options: PrivacyRunOptions;
  readonly #gate: PrivacyGate;
  readonly #status: PrivacyStatus;
  readonly #desk: PreviewDesk;
  #settings: PrivacySettings;
  #port: FilterPort | undefined;
  #portNumber = 0;
  #outbox: FilterStreamRequest[] = [];
  #retryTimer: { cancel(): void } | undefined;
  #deadlineTimer: { cancel(): void } | undefined;
  #deadlineMs: number | undefined;
  #onEnd: (() => void) | undefined;

  constructor(options: PrivacyRunOptions) {
    const { settings, limits, output, published, timing, counters } = options;
    this.#options = options;
    this.#settings = settings;
    this.#status = new PrivacyStatus(counters);
    this.#desk = new PreviewDesk(timing, (isTest) => this.#send({ kind: "preview", isTest }));
    const { onFailure: policy } = settings;
    this.#gate = new PrivacyGate({ settings: filterSettings(settings), policy, limits, output, published });
    options.log.info("privacy.switched_on", { mode: settings.mode, style: settings.style, onFailure: policy });
    this.#take(this.#gate.start(this.#nowMs));
  }

  /** Samples may go around the filter: it was switched off, and nothing waits in it. */
  get isDone(): boolean {
    return this.#gate.isDone;
  }

  get isFailed(): boolean {
    return this.#gate.isFailed;
  }

  /** The tracks that viewers have been told of. */
  get output(): StreamConfig | undefined {
    return this.#gate.output;
  }

  get heldBytes(): number {
    return this.#gate.heldBytes + this.#outbox.reduce((sum, request) => sum + byteCount(request), 0);
  }

  get status(): PrivacyStatusView {
    return this.#status.view(this.#gate.isFailed, this.#nowMs);
  }

  /** The next still picture of what the detector sees; `undefined` if none comes in time. */
  preview(isTest: boolean): Promise<Still | undefined> {
    return this.#desk.next(isTest);
  }

  push(event: GateInput): void {
    this.#take(this.#gate.push(event, this.#nowMs));
  }

  /** Takes effect at the next key frame; what happens upon failure, at once. */
  apply(settings: PrivacySettings): void {
    const before = this.#settings;
    this.#settings = settings;
    this.#gate.policy = settings.onFailure;
    const isChanged = JSON.stringify(filterSettings(before)) !== JSON.stringify(filterSettings(settings));
    if (isChanged) this.#gate.settings = filterSettings(settings);
    if (before.isEnabled !== settings.isEnabled) {
      const { log } = this.#options;
      if (settings.isEnabled) log.info("privacy.switched_on", { mode: settings.mode, onFailure: settings.onFailure });
      else log.info("privacy.switched_off", { message: "Pictures go out as they come from the next key frame on" });
      this.#take(this.#gate.setEnabled(settings.isEnabled, this.#nowMs));
    } else {
      this.#take([]);
    }
  }

  /** Nobody publishes just now. */
  pause(): void {
    this.#take(this.#gate.onPause(this.#nowMs));
  }

  /** The broadcast is over. Resolves when everything held has been answered or given up, within the budget. */
  async end(): Promise<void> {
    this.#take(this.#gate.onPause(this.#nowMs));
    if (this.#port) {
      await new Promise<void>((resolve) => {
        this.#onEnd = resolve;
        const timer = this.#options.timing.setTimer(resolve, this.#options.limits.budgetMs);
        this.#onEnd = () => {
          timer.cancel();
          resolve();
        };
      });
    }
    this.#take(this.#gate.end(this.#nowMs));
    this.#leavePort();
    this.#deadlineTimer?.cancel();
    this.#desk.close();
  }

  get #nowMs(): number {
    return this.#options.timing.monotonicMs();
  }

  #take(effects: readonly GateEffect[]): void {
    for (const effect of effects) this.#do(effect);
    if (effects.length > 0) this.#options.onEmitted();
    this.#armDeadline();
  }

  #do(effect: GateEffect): void {
    const { emit, counters, log } = this.#options;
    switch (effect.kind) {
      case "tracks":
        emit(effect.event, 0);
        return;
      case "sample": {
        const { sample, isProtected, isReplaced, waitedMs } = effect;
        if (sample.kind === "video" && isProtected) {
          this.#status.onPicture(isReplaced, sample.ptsUs, waitedMs, this.#nowMs);
        } else if (sample.kind === "video" && this.#gate.isBypassed) {
          counters.unprotected.inc();
        }
        emit({ kind: "sample", sample }, waitedMs);
        return;
      }
      case "lost":
        counters.lost.inc(1, { reason: effect.reason });
        return;
      case "open":
        this.#open(effect.settings);
        return;
      case "send":
        this.#send(effect.request);
        return;
      case "restart":
        this.#outbox = [];
        this.#port?.restart(effect.message);
        return;
      case "close":
        this.#port?.close();
        return;
      case "failed":
        this.#tellFailure(effect.code, effect.message);
        return;
      case "bypassed":
        log.warn("privacy.passing_unprotected", {
          message: "The filter has failed and the policy is pass: viewers see everything, notifications included",
        });
        return;
      case "recovered":
        log.info("privacy.recovered", { restartCount: this.#status.view(false, 0).restartCount });
        this.#status.message = null;
        return;
      default:
        effect satisfies never;
    }
  }

  #tellFailure(code: string, message: string): void {
    const { counters, log } = this.#options;
    const { onFailure } = this.#settings;
    this.#status.message = `${message}. ${CONSEQUENCES[onFailure]}`;
    counters.failures.inc(1, { reason: code });
    log.error("privacy.filter_failed", { code, message, onFailure, consequence: CONSEQUENCES[onFailure] });
  }

  #open(settings: FilterSettings): void {
    this.#leavePort();
    const number = ++this.#portNumber;
    let readyCount = 0;
    const ifCurrent = (run: () => void) => {
      if (this.#portNumber === number) run();
    };
    const handlers: FilterHandlers = {
      onReady: () =>
        ifCurrent(() => {
          if (readyCount++ > 0) this.#status.onRestart();
          this.#desk.forget();
          this.#take(this.#gate.onReady(this.#nowMs));
        }),
      onReply: (reply) => ifCurrent(() => this.#onReply(reply)),
      onFailed: ({ code, message }) =>
        ifCurrent(() => {
          this.#clearOutbox();
          this.#take(this.#gate.onFailed(code, message, this.#nowMs));
        }),
      onClosed: () => ifCurrent(() => this.#onClosed()),
      onStats: (stats, streamCount) => ifCurrent(() => this.#status.onStats(stats, streamCount, this.#nowMs)),
    };
    this.#port = this.#options.host.openStream(settings, handlers);
  }

  #onReply(reply: FilterStreamReply): void {
    const { timing, log } = this.#options;
    if (reply.kind === "preview") {
      this.#desk.give(reply.isTest, reply);
    } else if (reply.kind === "detection") {
      if (!this.#status.onDetection(reply, timing.wallMs())) return;
      const { state, bannerCount } = reply.detection;
      log.info("privacy.hiding_started", { state, bannerCount, ptsMs: Math.round(reply.ptsUs / 1000) });
    } else {
      this.#take(this.#gate.onReply(reply, this.#nowMs));
    }
  }

  #onClosed(): void {
    this.#leavePort();
    this.#status.forget();
    this.#take(this.#gate.onClosed(this.#nowMs));
    this.#onEnd?.();
  }

  #leavePort(): void {
    this.#port = undefined;
    this.#portNumber++;
    this.#clearOutbox();
  }

  #clearOutbox(): void {
    this.#outbox = [];
    this.#retryTimer?.cancel();
    this.#retryTimer = undefined;
  }

  /** In order: what there is no room for waits, and everything behind it. The gate notices when that takes too long. */
  #send(request: FilterStreamRequest): void {
    if (!this.#port) return;
    if (this.#outbox.length > 0) this.#outbox.push(request);
    else if (this.#port.send(request) === "behind") {
      this.#outbox.push(request);
      this.#retryTimer = this.#options.timing.setTimer(() => this.#retry(), RETRY_MS);
    }
  }

  #retry(): void {
    let sentCount = 0;
    for (const request of this.#outbox) {
      if (!this.#port || this.#port.send(request) === "behind") break;
      sentCount++;
    }
    this.#outbox.splice(0, sentCount);
    const isOver = this.#outbox.length === 0;
    this.#retryTimer = isOver ? undefined : this.#options.timing.setTimer(() => this.#retry(), RETRY_MS);
  }

  #armDeadline(): void {
    const { deadlineMs } = this.#gate;
    if (deadlineMs === this.#deadlineMs) return;
    this.#deadlineTimer?.cancel();
    this.#deadlineMs = deadlineMs;
    if (deadlineMs === undefined) return;
    const delayMs = Math.max(1, Math.ceil(deadlineMs - this.#nowMs));
    this.#deadlineTimer = this.#options.timing.setTimer(() => {
      this.#deadlineMs = undefined;
      this.#take(this.#gate.onDeadline(this.#nowMs));
    }, delayMs);
  }
}

const CONSEQUENCES = {
  cover: "Viewers keep the last picture until the filter is back",
  pause: "Viewers keep the last picture until the filter is back and a key frame has come",
  pass: "Pictures go out UNPROTECTED from the next key frame until the filter is back",
} as const;

function filterSettings({ mode, style, strength, zones }: PrivacySettings): FilterSettings {
  return { mode, style, strength, zones, startsCovered: false };
}

function byteCount(request: FilterStreamRequest): number {
  return request.kind === "picture" ? request.data.length : 0;
}
