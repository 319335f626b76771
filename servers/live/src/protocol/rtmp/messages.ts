import type { RtmpMessage } from "./chunk-reader.ts";

/** Message type ids. @see RTMP 1.0 §5.4, §7.1 */
export const MESSAGE_TYPE = {
  setChunkSize: 1,
  abort: 2,
  acknowledgement: 3,
  userControl: 4,
  windowAckSize: 5,
  setPeerBandwidth: 6,
  audio: 8,
  video: 9,
  dataAmf3: 15,
  sharedObjectAmf3: 16,
  commandAmf3: 17,
  dataAmf0: 18,
  sharedObjectAmf0: 19,
  commandAmf0: 20,
  aggregate: 22,
} as const;

/** User control event types. @see RTMP 1.0 §7.1.7 */
export const USER_CONTROL = {
  streamBegin: 0,
  streamEof: 1,
  streamDry: 2,
  setBufferLength: 3,
  streamIsRecorded: 4,
  pingRequest: 6,
  pingResponse: 7,
} as const;

/** What a protocol control message says; `ignored` are events of no use here. */
export type ControlMessage =
  | { readonly kind: "acknowledgement"; readonly sequenceNumber: number }
  | { readonly kind: "window-ack-size"; readonly windowBytes: number }
  | { readonly kind: "set-peer-bandwidth"; readonly windowBytes: number }
  | { readonly kind: "stream-begin"; readonly streamId: number }
  | { readonly kind: "stream-eof"; readonly streamId: number }
  | { readonly kind: "ping-request"; readonly timestampMs: number }
  | { readonly kind: "ping-response"; readonly timestampMs: number }
  | { readonly kind: "ignored" };

/**
 * Reads a message of type 3, 4, 5 or 6.
 *
 * @returns `undefined` if it is too short for its type, or of another type.
 * @see RTMP 1.0 §5.4, §7.1.7
 */
export function decodeControlMessage(message: RtmpMessage): ControlMessage | undefined {
  const { payload } = message;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  if (message.messageType === MESSAGE_TYPE.userControl) return decodeUserControl(view);
  if (payload.length < 4) return undefined;
  const value = view.getUint32(0);
  switch (message.messageType) {
    case MESSAGE_TYPE.acknowledgement:
      return { kind: "acknowledgement", sequenceNumber: value };
    case MESSAGE_TYPE.windowAckSize:
      return { kind: "window-ack-size", windowBytes: value };
    case MESSAGE_TYPE.setPeerBandwidth:
      // The limit type that follows is left out by some clients, and changes nothing here.
      return { kind: "set-peer-bandwidth", windowBytes: value };
    default:
      return undefined;
  }
}

function decodeUserControl(view: DataView): ControlMessage | undefined {
  if (view.byteLength < 2) return undefined;
  const event = view.getUint16(0);
  if (
    event !== USER_CONTROL.streamBegin &&
    event !== USER_CONTROL.streamEof &&
    event !== USER_CONTROL.pingRequest &&
    event !== USER_CONTROL.pingResponse
  ) {
    return { kind: "ignored" };
  }
  if (view.byteLength < 6) return undefined;
  const value = view.getUint32(2);
  switch (event) {
    case USER_CONTROL.streamBegin:
      return { kind: "stream-begin", streamId: value };
    case USER_CONTROL.streamEof:
      return { kind: "stream-eof", streamId: value };
    case USER_CONTROL.pingRequest:
      return { kind: "ping-request", timestampMs: value };
    case USER_CONTROL.pingResponse:
      return { kind: "ping-response", timestampMs: value };
    default:
      event satisfies never;
      return undefined;
  }
}

/** The payload of a control message that is one number: types 1, 2, 3 and 5. */
export function uint32Payload(value: number): Uint8Array {
  const payload = new Uint8Array(4);
  new DataView(payload.buffer).setUint32(0, value);
  return payload;
}

/** The payload of Set Peer Bandwidth with a dynamic limit. @see RTMP 1.0 §5.4.5 */
export function peerBandwidthPayload(windowBytes: number): Uint8Array {
  const payload = new Uint8Array(5);
  new DataView(payload.buffer).setUint32(0, windowBytes);
  payload[4] = 2;
  return payload;
}

/** The payload of a user control message with one number. @see RTMP 1.0 §7.1.7 */
export function userControlPayload(event: number, value: number): Uint8Array {
  const payload = new Uint8Array(6);
  const view = new DataView(payload.buffer);
  view.setUint16(0, event);
  view.setUint32(2, value);
  return payload;
}

const TAG_HEADER_BYTES = 11;
const BACK_POINTER_BYTES = 4;

/**
 * Splits an aggregate message into the messages inside. Their payloads alias the aggregate's. Timestamps are moved so
 * that the first has the aggregate's.
 *
 * @returns `undefined` if the sizes inside do not add up.
 * @see RTMP 1.0 §7.1.6
 */
export function splitAggregate(message: RtmpMessage): RtmpMessage[] | undefined {
  const { payload } = message;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const parts: RtmpMessage[] = [];
  let firstMs: number | undefined;
  let at = 0;
  while (at < payload.length) {
    if (payload.length - at < TAG_HEADER_BYTES) return undefined;
    const sizeBytes = view.getUint32(at) & 0xffffff;
    const start = at + TAG_HEADER_BYTES;
    const end = start + sizeBytes;
    // The back pointer of the last tag is missing from some encoders, so it is not insisted on.
    if (end > payload.length) return undefined;
    const wireMs = ((view.getUint32(at + 4) >>> 8) | (view.getUint8(at + 7) << 24)) >>> 0;
    firstMs ??= wireMs;
    parts.push({
      chunkStreamId: message.chunkStreamId,
      messageType: view.getUint8(at),
      messageStreamId: message.messageStreamId,
      timestampMs: (message.timestampMs + wireMs - firstMs) >>> 0,
      payload: payload.subarray(start, end),
    });
    at = end + BACK_POINTER_BYTES;
  }
  return parts;
}
