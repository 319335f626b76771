import type { AudioConfig, Sample, StreamConfig, VideoConfig } from "@kagami/media";
import type { FilterSettings } from "../../protocol/privacy/messages.ts";
import type { IngestEvent } from "../ingest.ts";
import { ReplayGroup } from "./gate-group.ts";
import { FilterLine } from "./gate-line.ts";
import { GateQueue, isSameVideo } from "./gate-queue.ts";
import { loseBeforeKey, replayGroup, sendHeld } from "./gate-resync.ts";
import type { FailurePolicy, GateEffect, GateLimits, GateReply, HeldSample, ProtectedConfig } from "./gate-types.ts";

/** What the gate takes from the ingest; notices and refusals do not wait for anything. */
export type GateInput = Extract<IngestEvent, { readonly kind: "tracks" | "sample" }>;

export interface GateOptions {
  readonly settings: FilterSettings;
  readonly policy: FailurePolicy;
  readonly limits: GateLimits;
  /** What viewers have been given, if the filter is switched on midway: it takes effect at the next key frame. */
  readonly output?: StreamConfig | undefined;
  /** The publisher's configurations, if they are known. */
  readonly published?: StreamConfig | undefined;
}

/** A timer that comes so late tells that the relay's own event loop stood still. */
const RELAY_LATE_MS = 100;

/**
 * Holds a broadcast's samples until the filter has answered them, and says what happens when it does not.
 *
 * What the operator wants; what there is of a filter stream is in {@link FilterLine}:
 *
 *   pending ──key frame──▶ on ──switched off──▶ leaving ──key frame──▶ off
 *
 * Pictures are sent while the line is `ready` and in step (`#isInStep`): from the broadcast's first key frame, after a
 * failure from a replay of the present group, or from the next key frame.
 *
 * Owns no clock: every method takes the time, in milliseconds on a clock that does not go back, and returns effects in
 * the order in which they are to be carried out. `onDeadline` is to be called at `deadlineMs`.
 */
export class PrivacyGate {
  readonly #limits: GateLimits;
  readonly #queue: GateQueue;
  readonly #group: ReplayGroup;
  readonly #line: FilterLine;
  #out: GateEffect[] = [];
  #settings: FilterSettings;
  #policy: FailurePolicy;
  #areSettingsDue = false;

  #phase: "pending" | "on" | "leaving" | "off";
  #isInStep = false;
  #isFailed = false;
  #isBypassed = false;

  #video: ProtectedConfig | undefined;
  #audio: AudioConfig | undefined;
  #audioRevision = 0;

  constructor(options: GateOptions) {
    const { settings, policy, limits, output, published } = options;
    this.#limits = limits;
    this.#settings = settings;
    this.#policy = policy;
    this.#queue = new GateQueue(output);
    this.#line = new FilterLine(limits);
    this.#group = new ReplayGroup(limits.maxReplayBytes);
    this.#phase = output ? "pending" : "on";
    const video = published?.video;
    if (video) this.#video = { published: video, protectedConfig: undefined, next: undefined };
    this.#audio = published?.audio;
  }

  /** To be called once after it was made: a filter that has to be started takes a while. */
  start(nowMs: number): GateEffect[] {
    if (this.#video) this.#open(nowMs);
    return this.#flush(nowMs);
  }

  /** The filter has failed, and has answered nothing since. */
  get isFailed(): boolean {
    return this.#isFailed;
  }

  /** Pictures go out unprotected, because the filter has failed and the policy is `pass`. */
  get isBypassed(): boolean {
    return this.#isBypassed;
  }

  /** Nothing is held and nothing will be: samples may go around the gate. */
  get isDone(): boolean {
    return this.#phase === "off" && this.#queue.size === 0 && this.#line.state === "none";
  }

  /** What viewers have been told of the tracks. */
  get output(): StreamConfig | undefined {
    return this.#queue.output;
  }

  /** Bytes of samples that wait, and of pictures kept for a replay. */
  get heldBytes(): number {
    return this.#queue.byteCount + this.#group.byteCount;
  }

  set policy(policy: FailurePolicy) {
    this.#policy = policy;
    if (this.#isShut) this.#queue.lose(() => true, "failed");
  }

  /** Takes effect at the next key frame. */
  set settings(settings: FilterSettings) {
    this.#settings = settings;
    this.#areSettingsDue = true;
  }

  /** Takes effect at the next key frame. */
  setEnabled(isEnabled: boolean, nowMs: number): GateEffect[] {
    if (isEnabled) {
      if (this.#phase === "leaving") this.#phase = "on";
      if (this.#phase === "off") this.#phase = "pending";
      if (this.#video) this.#open(nowMs);
    } else if (this.#phase === "on" && this.#video) {
      this.#phase = "leaving";
    } else if (this.#phase !== "leaving") {
      this.#turnOff(nowMs);
    }
    return this.#flush(nowMs);
  }

  push(input: GateInput, nowMs: number): GateEffect[] {
    if (input.kind === "tracks") this.#onTracks(input, nowMs);
    else if (input.sample.kind === "audio") this.#queue.push(this.#hold(input.sample, nowMs));
    else this.#onPicture(input.sample, nowMs);
    return this.#flush(nowMs);
  }

  /** A stream is open: nothing of what was sent before is known to it. */
  onReady(nowMs: number): GateEffect[] {
    if (this.#line.state !== "opening" && this.#line.state !== "away") return [];
    this.#line.enter("ready", nowMs);
    const parts = { queue: this.#queue, group: this.#group, line: this.#line, budgetMs: this.#limits.budgetMs };
    const mustReplay = this.#isFailed && this.#policy === "cover" && !this.#isBypassed;
    this.#isInStep = (mustReplay ? replayGroup : sendHeld)(parts, nowMs, this.#out);
    if (this.#video) this.#line.config(this.#video, nowMs, this.#out);
    return this.#flush(nowMs);
  }

  onReply(reply: GateReply, nowMs: number): GateEffect[] {
    if (this.#line.state !== "ready" && this.#line.state !== "closing") return [];
    this.#line.heard(nowMs);
    switch (reply.kind) {
      case "config":
        this.#onConfig(reply.codec, reply.record, nowMs);
        break;
      case "pass":
        this.#onAnswered(this.#queue.pass(reply.sequence), nowMs);
        break;
      case "replace": {
        const { ptsUs, isKey, data } = reply;
        this.#onAnswered(this.#queue.replace({ kind: "replace", ptsUs, isKey, data }), nowMs);
        break;
      }
      case "drop":
        this.#onAnswered(this.#queue.drop(reply.sequence), nowMs);
        break;
      default:
        reply satisfies never;
    }
    return this.#flush(nowMs);
  }

  /** The stream has no process until the next `onReady`. */
  onFailed(code: string, message: string, nowMs: number): GateEffect[] {
    if (this.#line.state === "none") return [];
    // What the gate itself gave up was told already.
    if (this.#line.state !== "away" || !this.#isFailed) this.#fail(code, message, nowMs);
    return this.#flush(nowMs);
  }

  /** The stream has ended; what it has not answered never will be. */
  onClosed(nowMs: number): GateEffect[] {
    if (this.#line.state === "none") return [];
    this.#endStream(nowMs);
    return this.#flush(nowMs);
  }

  /** Nobody publishes just now: the filter is asked for what it still holds. Goes on by itself with the next picture. */
  onPause(nowMs: number): GateEffect[] {
    if (this.#phase === "pending" || this.#phase === "leaving") this.#phase = this.#phase === "pending" ? "on" : "off";
    this.#close(nowMs);
    return this.#flush(nowMs);
  }

  /** The broadcast ends: everything held leaves or is dropped now. */
  end(nowMs: number): GateEffect[] {
    this.#queue.lose(() => true, "ended");
    this.#phase = "off";
    this.#line.enter("none", nowMs);
    this.#group.clear();
    // Sound whose picture was never answered still belongs into recordings.
    this.#isFailed = true;
    return this.#flush(nowMs);
  }

  /** When to call `onDeadline`; `undefined` while nothing waits. */
  get deadlineMs(): number | undefined {
    let deadlineMs = this.#streamDeadlineMs;
    const { budgetMs } = this.#limits;
    const isHolding = this.#isFailed && !this.#isInStep;
    for (const item of this.#queue.samples) {
      const isWaiting = item.sample.kind === "audio" ? this.#queue.output !== undefined : isHolding;
      // In the order in which they came, so the first is the earliest.
      if (!isWaiting) continue;
      deadlineMs = Math.min(deadlineMs, item.arrivedAtMs + budgetMs);
      break;
    }
    return Number.isFinite(deadlineMs) ? deadlineMs : undefined;
  }

  onDeadline(nowMs: number): GateEffect[] {
    const lateMs = nowMs - this.#streamDeadlineMs;
    // The answers may have come, and nobody has read them: timers run before what comes in.
    if (lateMs >= RELAY_LATE_MS) this.#line.heard(nowMs);
    if (nowMs >= this.#streamDeadlineMs) {
      if (this.#line.state === "closing") this.#endStream(nowMs);
      else this.#giveUp("Pictures were not answered in time", nowMs);
    }
    return this.#flush(nowMs);
  }

  get #streamDeadlineMs(): number {
    return this.#line.deadlineMs(this.#queue.unanswered(), this.#isFailed);
  }

  #onTracks({ video, audio }: Extract<GateInput, { kind: "tracks" }>, nowMs: number): void {
    if (audio !== this.#audio) {
      this.#audio = audio;
      this.#audioRevision++;
    }
    if (!video) {
      this.#video = undefined;
      this.#close(nowMs);
      return;
    }
    if (this.#video && isSameVideo(this.#video.published, video)) return;
    const former = this.#video;
    this.#video = { published: video, protectedConfig: undefined, next: undefined };
    if (former) former.next = this.#video;
    if (this.#phase === "off") return;
    this.#open(nowMs);
    if (this.#line.state === "ready") this.#line.config(this.#video, nowMs, this.#out);
  }

  #onPicture(sample: Sample, nowMs: number): void {
    if (sample.isKey) this.#onKeyFrame(nowMs);
    const item = this.#hold(sample, nowMs);
    this.#queue.push(item);
    if (!item.isProtected) return;
    if (this.#isShut) {
      this.#queue.lose((each) => each === item, "failed");
      // It lacks this picture now, so it brings no decoder anywhere.
      this.#group.clear();
      return;
    }
    this.#group.add(item);
    if (this.#isInStep) this.#line.picture(item, nowMs, this.#out);
    const { maxHeldBytes, maxHeldPictures } = this.#limits;
    if (this.#queue.byteCount <= maxHeldBytes && this.#queue.pictureCount <= maxHeldPictures) return;
    this.#giveUp("More pictures wait than may be held", nowMs);
  }

  /** The filter has failed, and the policy is to wait for a key frame: pictures until then are not even held. */
  get #isShut(): boolean {
    return this.#isFailed && !this.#isInStep && this.#policy !== "cover";
  }

  #onKeyFrame(nowMs: number): void {
    if (this.#phase === "pending") this.#phase = "on";
    if (this.#phase === "leaving") this.#turnOff(nowMs);
    if (this.#phase === "off") return;
    if (this.#line.state === "none") this.#queue.lose((item) => item.sequence < 0, "undecodable");
    this.#open(nowMs);
    if (this.#areSettingsDue) this.#out.push({ kind: "send", request: { kind: "settings", settings: this.#settings } });
    this.#areSettingsDue = false;
    const isReady = this.#line.state === "ready";
    if (isReady && !this.#isInStep) {
      this.#queue.lose((item) => item.sequence < 0, "undecodable");
      this.#isInStep = true;
    }
    const isBypassed = this.#isFailed && !isReady && this.#policy === "pass";
    if (isBypassed && !this.#isBypassed) this.#out.push({ kind: "bypassed" });
    this.#isBypassed = isBypassed;
    if (isBypassed) this.#group.clear();
  }

  #hold(sample: Sample, nowMs: number): HeldSample {
    const isOn = this.#phase === "on" || this.#phase === "leaving";
    const video = this.#video;
    // An H.264 record of both still decodes the publisher's pictures, so that a failure changes no initialization.
    const canKeep = this.#isBypassed && video?.published.codec === "h264" && video.protectedConfig?.codec === "h264";
    return {
      sample,
      video,
      audio: this.#audio,
      audioRevision: this.#audioRevision,
      isProtected: isOn && !this.#isBypassed && video !== undefined,
      plainVideo: canKeep ? video.protectedConfig : video?.published,
      arrivedAtMs: nowMs,
      sequence: -1,
      sentAtMs: 0,
      answer: undefined,
    };
  }

  #onConfig(codec: VideoConfig["codec"], record: Uint8Array, nowMs: number): void {
    const refusal = this.#line.onConfig(codec, record, nowMs);
    if (refusal) this.#giveUp(`The filter's configuration cannot be read: ${refusal.message}`, nowMs);
  }

  #onAnswered(items: readonly HeldSample[], nowMs: number): void {
    const last = items.at(-1);
    if (!last) return;
    this.#line.onAnswer(last.arrivedAtMs, nowMs);
    if (last.answer?.kind === "lost") return;
    if (this.#isFailed) this.#out.push({ kind: "recovered" });
    this.#isFailed = false;
  }

  #open(nowMs: number): void {
    if (this.#line.state !== "none") return;
    this.#line.enter("opening", nowMs);
    this.#isInStep = false;
    this.#areSettingsDue = false;
    this.#out.push({ kind: "open", settings: this.#settings });
  }

  #close(nowMs: number): void {
    if (this.#line.state === "none" || this.#line.state === "closing") return;
    // What was never sent is not answered either.
    this.#queue.lose((item) => item.sequence < 0, "ended");
    this.#isInStep = false;
    this.#group.clear();
    this.#line.enter("closing", nowMs);
    this.#out.push({ kind: "close" });
  }

  #endStream(nowMs: number): void {
    this.#queue.lose((item) => item.sequence >= 0, "failed");
    this.#isInStep = false;
    this.#line.enter("none", nowMs);
    this.#isFailed = false;
    // Pictures came while the stream was still closing.
    loseBeforeKey(this.#queue);
    if (this.#phase !== "off" && this.#video && this.#queue.unanswered().length > 0) this.#open(nowMs);
  }

  #turnOff(nowMs: number): void {
    this.#phase = "off";
    this.#isBypassed = false;
    this.#close(nowMs);
  }

  /** The gate's own judgement. */
  #giveUp(message: string, nowMs: number): void {
    const isLate = this.#line.state === "ready" || (this.#line.state === "opening" && !this.#isFailed);
    if (!isLate) {
      // There is no process, or one that is ending: only what is held has to go.
      this.#queue.lose(() => true, "late");
      return;
    }
    this.#out.push({ kind: "restart", message });
    this.#fail("FILTER_LATE", message, nowMs);
  }

  #fail(code: string, message: string, nowMs: number): void {
    this.#queue.lose(() => true, "failed");
    this.#queue.awaitKey();
    this.#isInStep = false;
    if (this.#line.state === "closing") return;
    this.#line.enter("away", nowMs);
    this.#isFailed = true;
    this.#out.push({ kind: "failed", code, message });
  }

  #flush(nowMs: number): GateEffect[] {
    const { budgetMs } = this.#limits;
    const isAway = this.#isFailed && !this.#isInStep;
    if (isAway) this.#queue.lose((item) => item.arrivedAtMs + budgetMs <= nowMs, "late");
    // Before viewers have anything, sound waits for the first configuration: it would be announced without a picture.
    const mayGoAlone = this.#queue.output !== undefined || this.#isFailed;
    const loneSoundMs = this.#isFailed ? nowMs : mayGoAlone ? nowMs - budgetMs : Number.NEGATIVE_INFINITY;
    this.#queue.release(nowMs, loneSoundMs, this.#out);
    const out = this.#out;
    this.#out = [];
    return out;
  }
}
