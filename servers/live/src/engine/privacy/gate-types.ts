import type { AudioConfig, Sample, VideoConfig } from "@kagami/media";
import type { FilterReply, FilterRequest, FilterSettings } from "../../protocol/privacy/messages.ts";
import type { IngestEvent } from "../ingest.ts";

type WithoutStream<T> = T extends unknown ? Omit<T, "streamId"> : never;

/** What the gate asks of the filter once a stream is open; the shell knows which stream. */
export type GateRequest = WithoutStream<Extract<FilterRequest, { readonly kind: "settings" | "config" | "picture" }>>;

/** What the gate is told by the filter; other replies are for others. */
export type GateReply = WithoutStream<Extract<FilterReply, { readonly kind: "config" | "pass" | "replace" | "drop" }>>;

/** What holds while the filter has failed; see servers/live/docs/privacy.md. */
export type FailurePolicy = "cover" | "pause" | "pass";

/**
 * Why a picture did not reach viewers. `failed`: the filter failed while it was held, or had failed and the policy is not
 * to hold. `late`: the filter was not back within the budget. `undecodable`: one before it was left out, and viewers
 * could not decode this one. `dropped`: the filter said so. `ended`: the broadcast ended before it was answered.
 */
export type LossReason = "failed" | "late" | "undecodable" | "dropped" | "ended";

export type GateEffect =
  /**
   * These two go on to the packager. `isProtected`: it came while the filter was on; pictures that did were answered.
   * `waitedMs`: time that the gate held it.
   */
  | { readonly kind: "tracks"; readonly event: Extract<IngestEvent, { kind: "tracks" }> }
  | {
      readonly kind: "sample";
      readonly sample: Sample;
      readonly isProtected: boolean;
      readonly isReplaced: boolean;
      readonly waitedMs: number;
    }
  | { readonly kind: "lost"; readonly reason: LossReason }
  /** A stream is needed; answered by `onReady`, or by `onFailed`. */
  | { readonly kind: "open"; readonly settings: FilterSettings }
  | { readonly kind: "send"; readonly request: GateRequest }
  /** The stream does not answer in time: it shall be opened anew. */
  | { readonly kind: "restart"; readonly message: string }
  /** What is held shall be answered; `onClosed` follows. */
  | { readonly kind: "close" }
  /** The filter has failed; said once for each failure. */
  | { readonly kind: "failed"; readonly code: string; readonly message: string }
  /** From this picture on, pictures go out unprotected: the policy is `pass`. */
  | { readonly kind: "bypassed" }
  /** Pictures are answered again. */
  | { readonly kind: "recovered" };

export interface GateLimits {
  /** Sound waits for its pictures no longer than this; a stream that is closed is given so long to answer. */
  readonly budgetMs: number;
  /** A filter that answers nothing for this long, though pictures wait, has failed; `budgetMs` if that is longer. */
  readonly hangLimitMs: number;
  /**
   * A filter that answers, but so long after a picture came, has failed too. Until then it is taken for one that has too
   * little of the machine: to start another process would make that worse.
   */
  readonly lagLimitMs: number;
  /** A filter that has just started may take this long until it has caught up. */
  readonly startLimitMs: number;
  /** Pictures held, and the bytes of pictures and sound held. Beyond either the filter counts as failed. */
  readonly maxHeldPictures: number;
  readonly maxHeldBytes: number;
  /** Bytes of pictures since the publisher's last key frame, kept for a replay. Beyond it the next key frame is waited for. */
  readonly maxReplayBytes: number;
}

export const DEFAULT_GATE_LIMITS: GateLimits = {
  budgetMs: 500,
  hangLimitMs: 2_000,
  lagLimitMs: 5_000,
  startLimitMs: 5_000,
  maxHeldPictures: 600,
  maxHeldBytes: 32 << 20,
  maxReplayBytes: 16 << 20,
};

/** A publisher's video configuration, and what viewers are given in its place. */
export interface ProtectedConfig {
  readonly published: VideoConfig;
  /** As the filter answered; `undefined` until it has. */
  protectedConfig: VideoConfig | undefined;
  /** The one that came after it: sound goes by that if this one is never asked for. */
  next: ProtectedConfig | undefined;
}

/** A sample in the gate, with the tracks that were in force when it came. */
export interface HeldSample {
  readonly sample: Sample;
  readonly video: ProtectedConfig | undefined;
  readonly audio: AudioConfig | undefined;
  /** Counts the changes of `audio`, to tell which is newer. */
  readonly audioRevision: number;
  /** Came while the filter was on: a picture needs an answer, sound waits its turn. */
  readonly isProtected: boolean;
  /** What viewers are told of the picture when it is not protected. */
  readonly plainVideo: VideoConfig | undefined;
  readonly arrivedAtMs: number;
  /** -1 until the picture is sent. */
  sequence: number;
  sentAtMs: number;
  answer: PictureAnswer | undefined;
}

export type PictureAnswer =
  | { readonly kind: "pass" }
  | { readonly kind: "replace"; readonly ptsUs: number; readonly isKey: boolean; readonly data: Uint8Array }
  | { readonly kind: "lost"; readonly reason: LossReason };
