import type { AmfObject, AmfValue } from "./amf-value.ts";
import type { RtmpFailureCode } from "./errors.ts";

/** `connect` was answered. @see RTMP 1.0 §7.2.1.1; Enhanced RTMP v2, Enhancing NetConnection connect Command */
export interface ConnectEvent {
  readonly kind: "connect";
  /** As sent; may hold an instance (`live/east`) or a query. */
  readonly app: string;
  readonly tcUrl: string;
  readonly flashVer: string;
  /** What the encoder calls itself here; `encoder` in its metadata often says more. Empty if it does not say. */
  readonly encoder: string;
  readonly objectEncoding: 0 | 3;
  /** `CAPS_EX` flags; 0 for peers before Enhanced RTMP v2. */
  readonly capsEx: number;
  readonly fourCcList: readonly string[];
  readonly videoFourCcInfoMap: AmfObject | undefined;
  readonly audioFourCcInfoMap: AmfObject | undefined;
}

/** Wants to publish; `acceptPublish` or `rejectPublish` must answer. */
export interface PublishEvent {
  readonly kind: "publish";
  readonly streamId: number;
  /** The stream key, without a query. Secret: do not log it. */
  readonly key: string;
  /** What followed the key's `?`. */
  readonly query: string;
  /** `live`, `record`, `append`, or whatever the peer said. */
  readonly publishType: string;
}

/** Wants to play; `acceptPlay` or `rejectPlay` must answer. */
export interface PlayEvent {
  readonly kind: "play";
  readonly streamId: number;
  readonly name: string;
  readonly query: string;
}

/** An audio or video message of an accepted publish, never empty. */
export interface MediaEvent {
  readonly kind: "media";
  readonly streamId: number;
  readonly messageType: 8 | 9;
  /** As on the wire: absolute, modulo 2^32. */
  readonly timestampMs: number;
  /** The FLV tag body. Belongs to the receiver. */
  readonly payload: Uint8Array;
}

/** `onMetaData` of an accepted publish. */
export interface MetadataEvent {
  readonly kind: "metadata";
  readonly streamId: number;
  readonly timestampMs: number;
  readonly value: AmfObject;
}

/** Any other data message of an accepted publish, such as `onTextData`. */
export interface DataEvent {
  readonly kind: "data";
  readonly streamId: number;
  readonly timestampMs: number;
  readonly name: string;
  readonly values: readonly AmfValue[];
}

/**
 * The peer has received this many bytes in all, unwrapped from 32 bits. Most players count from the end of the
 * handshake, some from its start (`HANDSHAKE_BYTES` more).
 */
export interface AckEvent {
  readonly kind: "ack";
  readonly byteCount: number;
}

/** A player paused or went on; it has been answered. */
export interface PauseEvent {
  readonly kind: "pause";
  readonly streamId: number;
  readonly isPaused: boolean;
}

/** A publish ended, accepted or not; it has been answered. */
export interface UnpublishEvent {
  readonly kind: "unpublish";
  readonly streamId: number;
}

/** A play ended, accepted or not, by the player. */
export interface StopEvent {
  readonly kind: "stop";
  readonly streamId: number;
}

/** The connection cannot go on: write what is left of the output, then close. Nothing comes after it. */
export interface ErrorEvent {
  readonly kind: "error";
  readonly code: RtmpFailureCode;
  readonly message: string;
}

export type RtmpEvent =
  | ConnectEvent
  | PublishEvent
  | PlayEvent
  | MediaEvent
  | MetadataEvent
  | DataEvent
  | AckEvent
  | PauseEvent
  | UnpublishEvent
  | StopEvent
  | ErrorEvent;
