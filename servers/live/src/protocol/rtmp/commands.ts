import {
  type AmfFailure,
  type AmfLimits,
  type AmfObject,
  type AmfValue,
  amfObject,
  amfProperties,
} from "./amf-value.ts";
import { decodeAmf0Sequence, encodeAmf0 } from "./amf0.ts";
import { MESSAGE_TYPE } from "./messages.ts";

/** A command as the peer sent it. @see RTMP 1.0 §7.1.1 */
export interface RtmpCommand {
  readonly ok: true;
  readonly name: string;
  /** 0 asks for no answer. */
  readonly transactionId: number;
  /** The command object, where there is one. */
  readonly object: AmfObject | undefined;
  readonly values: readonly AmfValue[];
}

/** A data message. @see RTMP 1.0 §7.1.2 */
export interface RtmpData {
  readonly ok: true;
  readonly name: string;
  readonly values: readonly AmfValue[];
}

/**
 * Reads a command of type 20 or 17. A message that does not start with a name and a number is refused.
 *
 * @see RTMP 1.0 §7.1.1
 */
export function decodeCommand(messageType: number, payload: Uint8Array, limits: AmfLimits): RtmpCommand | AmfFailure {
  const decoded = decodeAmf0Sequence(payload, amf0Start(messageType, payload), limits);
  if (!decoded.ok) return decoded;
  const [name, transactionId, object, ...values] = decoded.values;
  if (typeof name !== "string" || (transactionId !== undefined && typeof transactionId !== "number")) {
    return {
      ok: false,
      code: "AMF_MARKER_UNKNOWN",
      offset: 0,
      message: "Cannot read a command without name and number",
    };
  }
  return { ok: true, name, transactionId: transactionId ?? 0, object: amfProperties(object), values };
}

/**
 * Reads a data message of type 18 or 15. The wrapper `@setDataFrame` is taken off.
 *
 * @see RTMP 1.0 §7.1.2
 */
export function decodeData(messageType: number, payload: Uint8Array, limits: AmfLimits): RtmpData | AmfFailure {
  const decoded = decodeAmf0Sequence(payload, amf0Start(messageType, payload), limits);
  if (!decoded.ok) return decoded;
  const [first, ...rest] = decoded.values;
  const [name, ...values] = first === "@setDataFrame" ? rest : decoded.values;
  if (typeof name !== "string") {
    return { ok: false, code: "AMF_MARKER_UNKNOWN", offset: 0, message: "Cannot read a data message without a name" };
  }
  return { ok: true, name, values };
}

/** Types 15 and 17 put a zero byte in front of what is AMF0 all the same; single values switch to AMF3. */
function amf0Start(messageType: number, payload: Uint8Array): number {
  const hasFormatByte = messageType === MESSAGE_TYPE.commandAmf3 || messageType === MESSAGE_TYPE.dataAmf3;
  return hasFormatByte && payload[0] === 0 ? 1 : 0;
}

/** The payload of a command of type 20. */
export function encodeCommand(name: string, transactionId: number, ...values: readonly AmfValue[]): Uint8Array {
  return encodeAmf0(name, transactionId, ...values);
}

/** The information object of `onStatus`, `_result` and `_error`. @see RTMP 1.0 §7.2.2 */
export function statusInfo(
  level: "status" | "error",
  code: string,
  description: string,
  more: { readonly [key: string]: AmfValue } = {},
): AmfObject {
  return amfObject({ level, code, description, ...more });
}

/** `key?query` taken apart at the first question mark. */
export function splitStreamName(name: string): { readonly name: string; readonly query: string } {
  const mark = name.indexOf("?");
  return mark < 0 ? { name, query: "" } : { name: name.slice(0, mark), query: name.slice(mark + 1) };
}

/** Flags of the `capsEx` property of `connect`. @see Enhanced RTMP v2, Enhancing NetConnection connect Command */
export const CAPS_EX = { reconnect: 1, multitrack: 2, modEx: 4, timestampNanoOffset: 8 } as const;

/** Flags in `videoFourCcInfoMap` and `audioFourCcInfoMap`. */
export const FOUR_CC_INFO = { canDecode: 1, canEncode: 2, canForward: 4 } as const;
