import { equalBytes } from "@kagami/bytes";
import type { AudioConfig, Sample, StreamConfig, VideoConfig } from "@kagami/media";
import type { GateEffect, HeldSample, LossReason, PictureAnswer } from "./gate-types.ts";

/** Tracks as viewers know them now. */
interface OutputTracks {
  readonly video: VideoConfig | undefined;
  readonly audio: AudioConfig | undefined;
  readonly audioRevision: number;
}

/**
 * Samples in the order in which they came, each until it may leave.
 *
 *   head ─▶ [picture, answered] [sound] [picture, no answer] [sound] [sound] ◀─ newest
 *            leaves              leaves  blocks               wait, but not for longer than the budget
 *
 * A change of tracks is not an entry: every sample names the tracks it belongs to, and the event is emitted before the
 * first sample that needs it. So sound that goes on alone cannot announce a picture that is not there, and nothing of a
 * new configuration leaves before the filter has answered it.
 *
 * After anything that breaks the chain of pictures, the next one to leave is a key frame.
 */
export class GateQueue {
  #held: HeldSample[] = [];
  #byteCount = 0;
  #pictureCount = 0;
  #output: OutputTracks | undefined;
  #isAwaitingKey = false;

  /** @param output What viewers have been given already. */
  constructor(output: StreamConfig | undefined) {
    this.#output = output && { video: output.video, audio: output.audio, audioRevision: 0 };
  }

  get output(): OutputTracks | undefined {
    return this.#output;
  }

  get byteCount(): number {
    return this.#byteCount;
  }

  /** Pictures and sound. */
  get size(): number {
    return this.#held.length;
  }

  get pictureCount(): number {
    return this.#pictureCount;
  }

  get samples(): readonly HeldSample[] {
    return this.#held;
  }

  push(item: HeldSample): void {
    this.#held.push(item);
    this.#byteCount += item.sample.data.length;
    if (item.sample.kind === "video") this.#pictureCount++;
  }

  /** Pictures that wait for an answer, the oldest first. */
  unanswered(): HeldSample[] {
    return this.#held.filter(isUnanswered);
  }

  /** The picture, and those before it, go as they came. @returns those that had no answer. */
  pass(sequence: number): HeldSample[] {
    return this.#answer((item) => item.sequence <= sequence, { kind: "pass" });
  }

  /** Fills the place of the oldest picture without an answer. */
  replace(answer: PictureAnswer): HeldSample[] {
    const first = this.#held.find(isSent);
    if (first) first.answer = answer;
    return first ? [first] : [];
  }

  /** Leaves the picture out; if its place was taken by another picture, the next place. */
  drop(sequence: number): HeldSample[] {
    const waiting = this.#held.filter(isSent);
    const item = waiting.find((each) => each.sequence === sequence) ?? waiting[0];
    if (item) item.answer = { kind: "lost", reason: "dropped" };
    return item ? [item] : [];
  }

  /** Gives up waiting for the pictures that `isMeant` says; viewers must start anew at a key frame. */
  lose(isMeant: (item: HeldSample) => boolean, reason: LossReason): void {
    for (const item of this.#held) {
      if (!isUnanswered(item) || !isMeant(item)) continue;
      item.answer = { kind: "lost", reason };
      this.#isAwaitingKey = true;
    }
  }

  /** The next picture that leaves is a key frame. */
  awaitKey(): void {
    this.#isAwaitingKey = true;
  }

  /**
   * Lets go what may go.
   *
   * @param loneSoundMs Sound that came before this time goes on without the pictures before it.
   */
  release(nowMs: number, loneSoundMs: number, out: GateEffect[]): void {
    let freeCount = 0;
    for (const item of this.#held) {
      if (!mayLeave(item)) break;
      freeCount++;
      this.#forget(item);
      this.#leave(item, nowMs, out);
    }
    if (freeCount > 0) this.#held.splice(0, freeCount);
    const isOverdue = (item: HeldSample) => item.sample.kind === "audio" && item.arrivedAtMs <= loneSoundMs;
    if (!this.#held.some(isOverdue)) return;
    const overdue = this.#held.filter(isOverdue);
    this.#held = this.#held.filter((item) => !isOverdue(item));
    for (const item of overdue) {
      this.#forget(item);
      this.#announce(this.#output?.video, item, out);
      out.push(emission(item, item.sample, false, nowMs));
    }
  }

  #answer(isMeant: (item: HeldSample) => boolean, answer: PictureAnswer): HeldSample[] {
    const answered = this.#held.filter((item) => isSent(item) && isMeant(item));
    for (const item of answered) item.answer = answer;
    return answered;
  }

  #forget(item: HeldSample): void {
    this.#byteCount -= item.sample.data.length;
    if (item.sample.kind === "video") this.#pictureCount--;
  }

  #leave(item: HeldSample, nowMs: number, out: GateEffect[]): void {
    const { sample, answer } = item;
    if (sample.kind === "audio") {
      this.#announce(videoOf(item), item, out);
      out.push(emission(item, sample, false, nowMs));
      return;
    }
    if (answer?.kind === "lost") {
      out.push({ kind: "lost", reason: answer.reason });
      return;
    }
    const picture = answer?.kind === "replace" ? replaced(sample, answer) : sample;
    const video = videoOf(item);
    const isNew = !this.#output || !isSameVideo(this.#output.video, video) || this.#isAudioNew(item);
    if (!picture.isKey && (this.#isAwaitingKey || isNew)) {
      this.#isAwaitingKey = true;
      out.push({ kind: "lost", reason: "undecodable" });
      return;
    }
    this.#announce(video, item, out);
    this.#isAwaitingKey = false;
    out.push(emission(item, picture, answer?.kind === "replace", nowMs));
  }

  #isAudioNew(item: HeldSample): boolean {
    return !this.#output || (item.audioRevision > this.#output.audioRevision && item.audio !== this.#output.audio);
  }

  /** Says which tracks there are, if that has changed. Sound that went ahead may have brought a newer config for it. */
  #announce(video: VideoConfig | undefined, item: HeldSample, out: GateEffect[]): void {
    const known = this.#output;
    const isNewer = !known || item.audioRevision >= known.audioRevision;
    const audio = isNewer ? item.audio : known.audio;
    const audioRevision = isNewer ? item.audioRevision : known.audioRevision;
    const isSame = known !== undefined && isSameVideo(known.video, video) && known.audio === audio;
    this.#output = { video: isSame ? known.video : video, audio, audioRevision };
    if (isSame) return;
    this.#isAwaitingKey = true;
    out.push({ kind: "tracks", event: { kind: "tracks", video, audio } });
  }
}

function isUnanswered(item: HeldSample): boolean {
  return item.isProtected && item.sample.kind === "video" && item.answer === undefined;
}

function isSent(item: HeldSample): boolean {
  return isUnanswered(item) && item.sequence >= 0;
}

function mayLeave(item: HeldSample): boolean {
  if (!item.isProtected) return true;
  if (item.sample.kind === "video") {
    if (item.answer === undefined) return false;
    return item.answer.kind === "lost" || item.video?.protectedConfig !== undefined;
  }
  return item.video === undefined || videoOf(item) !== undefined;
}

/** What viewers are told of the picture when this sample leaves; `undefined` if that is not known yet, or there is none. */
function videoOf({ video, isProtected, plainVideo }: HeldSample): VideoConfig | undefined {
  if (!isProtected) return plainVideo;
  let config = video;
  // A configuration whose pictures were all given up while the filter started is never asked for.
  while (config?.protectedConfig === undefined && config?.next !== undefined) config = config.next;
  return config?.protectedConfig;
}

/** Never shown before it is decoded, whatever the filter says: some players refuse that. */
function replaced(sample: Sample, answer: Extract<PictureAnswer, { kind: "replace" }>): Sample {
  const { kind, dtsUs, durationUs } = sample;
  return { kind, dtsUs, ptsUs: Math.max(dtsUs, answer.ptsUs), durationUs, isKey: answer.isKey, data: answer.data };
}

function emission(item: HeldSample, sample: Sample, isReplaced: boolean, nowMs: number): GateEffect {
  const { isProtected, arrivedAtMs } = item;
  return { kind: "sample", sample, isProtected, isReplaced, waitedMs: nowMs - arrivedAtMs };
}

/** Whether a decoder set up by the one is set up for the other. */
export function isSameVideo(a: VideoConfig | undefined, b: VideoConfig | undefined): boolean {
  if (a === b) return true;
  return a !== undefined && b !== undefined && a.codec === b.codec && equalBytes(a.record, b.record);
}
