import { ascii } from "./ascii.ts";
import { CommandId } from "./codes.ts";

/** Bytes of a frame before its extras. @see memcached wiki, BinaryProtocolRevamped, "Packet Structure" */
export const HEADER_BYTES = 24;
export const REQUEST_MAGIC = 0x80;
const RESPONSE_MAGIC = 0x81;

/** Opcodes that more than one place must know. */
export const Opcode = {
  GETK: 0x0c,
  GETKQ: 0x0d,
  QUITQ: 0x17,
  FLUSHQ: 0x18,
  STAT: 0x10,
  TOUCH: 0x1c,
  GATK: 0x23,
  GATKQ: 0x24,
  SASL_LIST_MECHS: 0x20,
  SASL_STEP: 0x22,
} as const;

/** Status of a response frame. */
export const Status = {
  OK: 0x00,
  NOT_FOUND: 0x01,
  EXISTS: 0x02,
  TOO_LARGE: 0x03,
  INVALID_ARGUMENTS: 0x04,
  NOT_STORED: 0x05,
  NON_NUMERIC: 0x06,
  UNKNOWN_COMMAND: 0x81,
  OUT_OF_MEMORY: 0x82,
  INTERNAL_ERROR: 0x84,
} as const;
export type Status = (typeof Status)[keyof typeof Status];

/** The texts memcached 1.6.18 sends with each status. */
const STATUS_TEXTS: Readonly<Record<Status, string>> = {
  [Status.OK]: "",
  [Status.NOT_FOUND]: "Not found",
  [Status.EXISTS]: "Data exists for key.",
  [Status.TOO_LARGE]: "Too large.",
  [Status.INVALID_ARGUMENTS]: "Invalid arguments",
  [Status.NOT_STORED]: "Not stored.",
  [Status.NON_NUMERIC]: "Non-numeric server-side value for incr or decr",
  [Status.UNKNOWN_COMMAND]: "Unknown command",
  [Status.OUT_OF_MEMORY]: "Out of memory",
  [Status.INTERNAL_ERROR]: "Internal error",
};

/** What is known of an opcode: the text command that means the same, and what a frame of it looks like. */
export interface OpcodeSpec {
  readonly command: CommandId;
  readonly isQuiet: boolean;
  readonly hasKey: boolean;
  readonly hasValue: boolean;
  readonly extrasBytes: number;
}

const SPECS: (OpcodeSpec | undefined)[] = [];

function define(
  opcodes: readonly number[],
  quietOpcodes: readonly number[],
  command: CommandId,
  shape: { readonly extrasBytes?: number; readonly hasKey?: boolean; readonly hasValue?: boolean } = {},
): void {
  const { extrasBytes = 0, hasKey = true, hasValue = false } = shape;
  for (const opcode of opcodes) SPECS[opcode] = { command, isQuiet: false, hasKey, hasValue, extrasBytes };
  for (const opcode of quietOpcodes) SPECS[opcode] = { command, isQuiet: true, hasKey, hasValue, extrasBytes };
}

define([0x00, 0x0c], [0x09, 0x0d], CommandId.GET);
define([0x01], [0x11], CommandId.SET, { extrasBytes: 8, hasValue: true });
define([0x02], [0x12], CommandId.ADD, { extrasBytes: 8, hasValue: true });
define([0x03], [0x13], CommandId.REPLACE, { extrasBytes: 8, hasValue: true });
define([0x04], [0x14], CommandId.DELETE);
define([0x05], [0x15], CommandId.INCR, { extrasBytes: 20 });
define([0x06], [0x16], CommandId.DECR, { extrasBytes: 20 });
define([0x07], [0x17], CommandId.QUIT, { hasKey: false });
define([0x08], [0x18], CommandId.FLUSH_ALL, { hasKey: false });
define([0x0a], [], CommandId.MN, { hasKey: false });
define([0x0b], [], CommandId.VERSION, { hasKey: false });
define([0x0e], [0x19], CommandId.APPEND, { hasValue: true });
define([0x0f], [0x1a], CommandId.PREPEND, { hasValue: true });
define([0x10], [], CommandId.STATS);
define([0x1b], [], CommandId.VERBOSITY, { hasKey: false, extrasBytes: 4 });
define([0x1c], [], CommandId.TOUCH, { extrasBytes: 4 });
define([0x1d, 0x23], [0x1e, 0x24], CommandId.GAT, { extrasBytes: 4 });

/** What `opcode` means; `undefined` if the proxy does not know it. */
export function opcodeSpec(opcode: number): OpcodeSpec | undefined {
  return SPECS[opcode];
}

/** Reads a big-endian number of 16 bits. */
export function uint16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

/** Reads a big-endian number of 32 bits. */
export function uint32(bytes: Uint8Array, at: number): number {
  return uint16(bytes, at) * 0x1_0000 + uint16(bytes, at + 2);
}

/** Reads a big-endian number of 64 bits. */
export function uint64(bytes: Uint8Array, at: number): bigint {
  return (BigInt(uint32(bytes, at)) << 32n) | BigInt(uint32(bytes, at + 4));
}

/** What a response frame is made of. */
export interface ResponseFrame {
  readonly opcode: number;
  readonly status: Status;
  /** Of the request. */
  readonly opaque: number;
  readonly cas?: bigint;
  readonly extras?: Uint8Array;
  readonly key?: Uint8Array;
  readonly value?: Uint8Array;
}

/** Writes a response. */
export function encodeResponse(frame: ResponseFrame): Uint8Array {
  const { extras, key, value } = frame;
  const extrasBytes = extras?.length ?? 0;
  const keyBytes = key?.length ?? 0;
  const bodyBytes = extrasBytes + keyBytes + (value?.length ?? 0);
  const bytes = new Uint8Array(HEADER_BYTES + bodyBytes);
  const view = new DataView(bytes.buffer);
  bytes[0] = RESPONSE_MAGIC;
  bytes[1] = frame.opcode;
  view.setUint16(2, keyBytes);
  bytes[4] = extrasBytes;
  view.setUint16(6, frame.status);
  view.setUint32(8, bodyBytes);
  view.setUint32(12, frame.opaque);
  view.setBigUint64(16, frame.cas ?? 0n);
  if (extras !== undefined) bytes.set(extras, HEADER_BYTES);
  if (key !== undefined) bytes.set(key, HEADER_BYTES + extrasBytes);
  if (value !== undefined) bytes.set(value, HEADER_BYTES + extrasBytes + keyBytes);
  return bytes;
}

/** Writes an error response with the text that belongs to the status, or another. */
export function encodeError(opcode: number, opaque: number, status: Status, text = STATUS_TEXTS[status]): Uint8Array {
  return encodeResponse({ opcode, status, opaque, value: ascii(text) });
}
