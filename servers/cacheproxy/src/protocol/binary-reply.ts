import type { MetaReply } from "../engine/meta.ts";
import { ascii } from "./ascii.ts";
import { encodeError, encodeResponse, Opcode, opcodeSpec, Status } from "./binary-frame.ts";
import { CommandId } from "./codes.ts";
import { EMPTY } from "./lines.ts";
import type { RequestContext } from "./request-conversion.ts";

/** Writes a reply as the frame that belongs to the request; empty if its opcode is quiet about such a reply. */
export function formatBinary(context: RequestContext, reply: MetaReply): Uint8Array {
  const { opcode, opaque } = context;
  switch (reply.code) {
    case "HD":
    case "VA":
      return formatSuccess(context, reply);
    case "EN":
      return formatMiss(context);
    case "EX":
      return encodeError(opcode, opaque, Status.EXISTS);
    case "NF":
      return encodeError(opcode, opaque, Status.NOT_FOUND);
    case "NS":
      return encodeError(opcode, opaque, notStoredStatus(context.command));
    case "ERROR":
      return encodeError(
        opcode,
        opaque,
        context.command === CommandId.STATS ? Status.NOT_FOUND : Status.INTERNAL_ERROR,
      );
    case "CLIENT_ERROR":
    case "SERVER_ERROR":
      return formatError(context, reply.code, reply.message ?? "");
    case "ME":
      return encodeError(opcode, opaque, Status.INTERNAL_ERROR);
    default:
      return reply.code satisfies never;
  }
}

/** A frame that says nothing but that it was done; none if the opcode is quiet. */
export function formatBinaryOk(context: RequestContext): Uint8Array {
  if (context.isQuiet) return EMPTY;
  return encodeResponse({ opcode: context.opcode, opaque: context.opaque, status: Status.OK });
}

/** Answers `version`. */
export function formatBinaryVersion(context: RequestContext, version: string): Uint8Array {
  return encodeResponse({
    opcode: context.opcode,
    opaque: context.opaque,
    status: Status.OK,
    value: ascii(version),
  });
}

/** Answers `stat`: a frame for each, and an empty one. */
export function formatBinaryStats(context: RequestContext, stats: readonly (readonly [string, string])[]): Uint8Array {
  const { opaque } = context;
  const frames = stats.map(([name, value]) =>
    encodeResponse({ opcode: Opcode.STAT, opaque, status: Status.OK, key: ascii(name), value: ascii(value) }),
  );
  frames.push(encodeResponse({ opcode: Opcode.STAT, opaque, status: Status.OK }));
  const bytes = new Uint8Array(frames.reduce((sum, frame) => sum + frame.length, 0));
  let at = 0;
  for (const frame of frames) {
    bytes.set(frame, at);
    at += frame.length;
  }
  return bytes;
}

function formatSuccess(context: RequestContext, reply: MetaReply): Uint8Array {
  const { opcode, opaque, command } = context;
  const isRead = command === CommandId.GET || command === CommandId.GAT;
  // Quiet gets are quiet about misses, all other quiet commands about success.
  if (context.isQuiet && !isRead) return EMPTY;
  const cas = BigInt(tokenOf(reply, "c") ?? "0");
  const frame = { opcode, opaque, status: Status.OK, cas };
  switch (command) {
    case CommandId.GET:
    case CommandId.GAT:
      return encodeResponse({
        ...frame,
        extras: clientFlags(reply),
        ...(returnsKey(opcode) ? { key: context.key } : {}),
        value: reply.value ?? EMPTY,
      });
    case CommandId.TOUCH:
      return encodeResponse({ ...frame, extras: clientFlags(reply) });
    case CommandId.INCR:
    case CommandId.DECR:
      return encodeResponse({ ...frame, value: number64(reply.value ?? EMPTY) });
    default:
      return encodeResponse(frame);
  }
}

function formatMiss(context: RequestContext): Uint8Array {
  const { opcode, opaque } = context;
  if (opcodeSpec(opcode)?.isQuiet === true) return EMPTY;
  if (!returnsKey(opcode)) return encodeError(opcode, opaque, Status.NOT_FOUND);
  return encodeResponse({ opcode, opaque, status: Status.NOT_FOUND, key: context.key });
}

function formatError(context: RequestContext, code: "CLIENT_ERROR" | "SERVER_ERROR", message: string): Uint8Array {
  const { opcode, opaque } = context;
  if (message.includes("non-numeric")) return encodeError(opcode, opaque, Status.NON_NUMERIC);
  if (message.includes("too large")) return encodeError(opcode, opaque, Status.TOO_LARGE);
  if (message.startsWith("out of memory")) return encodeError(opcode, opaque, Status.OUT_OF_MEMORY);
  if (code === "CLIENT_ERROR") return encodeError(opcode, opaque, Status.INVALID_ARGUMENTS);
  return encodeError(opcode, opaque, Status.INTERNAL_ERROR, message === "" ? undefined : message);
}

function notStoredStatus(command: number): Status {
  if (command === CommandId.ADD) return Status.EXISTS;
  return command === CommandId.REPLACE ? Status.NOT_FOUND : Status.NOT_STORED;
}

function returnsKey(opcode: number): boolean {
  return opcode === Opcode.GETK || opcode === Opcode.GETKQ || opcode === Opcode.GATK || opcode === Opcode.GATKQ;
}

function clientFlags(reply: MetaReply): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, Number(tokenOf(reply, "f") ?? "0"));
  return bytes;
}

/** A number in digits, perhaps with blanks behind it, as 64 bits. */
function number64(digits: Uint8Array): Uint8Array {
  let value = 0n;
  for (const byte of digits) {
    if (byte >= 48 && byte <= 57) value = value * 10n + BigInt(byte - 48);
  }
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt.asUintN(64, value));
  return bytes;
}

function tokenOf(reply: MetaReply, letter: string): string | undefined {
  return reply.flags.find((flag) => flag.charAt(0) === letter)?.slice(1);
}
