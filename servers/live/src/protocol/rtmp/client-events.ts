import type { AmfObject, AmfValue } from "./amf-value.ts";
import type { AckEvent, ErrorEvent } from "./server-events.ts";

/** The server accepted `connect`. */
export interface ClientConnectedEvent {
  readonly kind: "connected";
  /** The server's `CAPS_EX` flags; 0 before Enhanced RTMP v2. */
  readonly capsEx: number;
  /** The whole information object. */
  readonly info: AmfObject;
}

/** The server accepted the publish or play: media may flow. */
export interface ClientReadyEvent {
  readonly kind: "ready";
  readonly streamId: number;
}

/** An audio or video message, never empty. */
export interface ClientMediaEvent {
  readonly kind: "media";
  readonly messageType: 8 | 9;
  /** As on the wire: absolute, modulo 2^32. */
  readonly timestampMs: number;
  readonly payload: Uint8Array;
}

export interface ClientMetadataEvent {
  readonly kind: "metadata";
  readonly timestampMs: number;
  readonly value: AmfObject;
}

/** Any other data message. */
export interface ClientDataEvent {
  readonly kind: "data";
  readonly timestampMs: number;
  readonly name: string;
  readonly values: readonly AmfValue[];
}

/** An `onStatus` that is not an error. */
export interface ClientStatusEvent {
  readonly kind: "status";
  readonly code: string;
  readonly description: string;
}

/** The server asks to connect again, to `tcUrl` if it says so, else to where it is; this connection goes on until then. */
export interface ClientReconnectEvent {
  readonly kind: "reconnect-request";
  readonly tcUrl: string | undefined;
  readonly description: string;
}

/** The broadcast that was played is over. */
export interface ClientEndedEvent {
  readonly kind: "ended";
}

export type RtmpClientEvent =
  | ClientConnectedEvent
  | ClientReadyEvent
  | ClientMediaEvent
  | ClientMetadataEvent
  | ClientDataEvent
  | ClientStatusEvent
  | ClientReconnectEvent
  | ClientEndedEvent
  | AckEvent
  | ErrorEvent;
