import type { MetaReply } from "../engine/meta.ts";
import { ascii, asciiText } from "./ascii.ts";
import { encodeBase64Key } from "./base64-key.ts";
import { formatBinary, formatBinaryOk, formatBinaryStats, formatBinaryVersion } from "./binary-reply.ts";
import { CommandId, Dialect } from "./codes.ts";
import { EMPTY, END } from "./lines.ts";
import type { RequestContext } from "./request-conversion.ts";

/** A name and its value, of `stats`. */
export type Stat = readonly [name: string, value: string];

const MN = ascii("MN\r\n");
const OK = ascii("OK\r\n");
const RESET = ascii("RESET\r\n");

/** Writes a reply in the words of the request it belongs to; empty if the request was quiet about such a reply. */
export function formatReply(context: RequestContext, reply: MetaReply): Uint8Array {
  switch (context.dialect) {
    case Dialect.BINARY:
      return formatBinary(context, reply);
    case Dialect.META:
      return context.isQuiet && isMetaSilenced(context.command, reply) ? EMPTY : formatMeta(context, reply);
    default:
      return context.isQuiet ? EMPTY : formatText(context, reply);
  }
}

/** Answers `flush_all` and `verbosity`, and `quit` where the protocol has an answer to it. */
export function formatOk(context: RequestContext): Uint8Array {
  if (context.dialect === Dialect.BINARY) return formatBinaryOk(context);
  return context.isQuiet || context.command === CommandId.QUIT ? EMPTY : OK;
}

/** Answers `mn` and the binary noop. */
export function formatNoop(context: RequestContext): Uint8Array {
  return context.dialect === Dialect.BINARY ? formatBinaryOk(context) : MN;
}

/** Answers `version`. */
export function formatVersion(context: RequestContext, version: string): Uint8Array {
  return context.dialect === Dialect.BINARY ? formatBinaryVersion(context, version) : ascii(`VERSION ${version}\r\n`);
}

/** Answers `stats`. Names must have no space; neither names nor values a line end. */
export function formatStats(context: RequestContext, stats: readonly Stat[]): Uint8Array {
  if (context.dialect === Dialect.BINARY) return formatBinaryStats(context, stats);
  return ascii(`${stats.map(([name, value]) => `STAT ${name} ${value}\r\n`).join("")}END\r\n`);
}

/** Answers `stats reset`. */
export function formatReset(context: RequestContext): Uint8Array {
  return context.dialect === Dialect.BINARY ? formatBinaryOk(context) : RESET;
}

function formatText(context: RequestContext, reply: MetaReply): Uint8Array {
  switch (reply.code) {
    case "VA":
      return reply.value === undefined ? EMPTY : formatTextValue(context, reply, reply.value);
    case "HD":
      return ascii(`${successWord(context.command)}\r\n`);
    case "EN":
      return context.command === CommandId.TOUCH ? ascii("NOT_FOUND\r\n") : END;
    case "NS":
      return ascii("NOT_STORED\r\n");
    case "EX":
      return ascii("EXISTS\r\n");
    case "NF":
      return ascii("NOT_FOUND\r\n");
    case "ERROR":
    case "CLIENT_ERROR":
    case "SERVER_ERROR":
      return formatErrorLine(reply);
    case "ME":
      return formatErrorLine({ code: "SERVER_ERROR", flags: [], message: "unexpected reply of a server" });
    default:
      return reply.code satisfies never;
  }
}

function formatTextValue(context: RequestContext, reply: MetaReply, value: Uint8Array): Uint8Array {
  if (context.command === CommandId.INCR || context.command === CommandId.DECR) {
    return join(value, ascii("\r\n"));
  }
  const hasCas = context.command === CommandId.GETS || context.command === CommandId.GATS;
  const cas = hasCas ? ` ${tokenOf(reply, "c") ?? "0"}` : "";
  const tail = ascii(` ${tokenOf(reply, "f") ?? "0"} ${value.length}${cas}\r\n`);
  return join(ascii("VALUE "), context.key, tail, value, ascii("\r\nEND\r\n"));
}

function successWord(command: number): string {
  switch (command) {
    case CommandId.DELETE:
      return "DELETED";
    case CommandId.TOUCH:
      return "TOUCHED";
    default:
      return "STORED";
  }
}

function formatMeta(context: RequestContext, reply: MetaReply): Uint8Array {
  const { code } = reply;
  if (code === "ERROR" || code === "CLIENT_ERROR" || code === "SERVER_ERROR") return formatErrorLine(reply);
  const flags = code === "ME" ? reply.flags : returnFlags(context, reply.flags);
  const words = code === "VA" ? [code, String(reply.value?.length ?? 0), ...flags] : [code, ...flags];
  const line = ascii(`${words.join(" ")}\r\n`);
  return reply.value === undefined || code !== "VA" ? line : join(line, reply.value, ascii("\r\n"));
}

/** The server's return flags with the proxy's own between them, in the order of the request, as memcached writes them. */
function returnFlags(context: RequestContext, flags: readonly string[]): string[] {
  const returned: string[] = [];
  let next = 0;
  for (const flag of context.metaFlags) {
    const letter = flag.charAt(0);
    if (letter === "k") {
      const key = context.isBase64 ? encodeBase64Key(context.key) : context.key;
      returned.push(`k${asciiText(key, 0, key.length)}`);
      if (context.isBase64) returned.push("b");
    } else if (letter === "O") {
      returned.push(flag);
    } else if (flags[next]?.charAt(0) === letter) {
      returned.push(flags[next++] as string);
    }
  }
  returned.push(...flags.slice(next)); // W, X and Z come last, unasked
  return returned;
}

function isMetaSilenced(command: number, reply: MetaReply): boolean {
  switch (command) {
    case CommandId.MG:
      return reply.code === "EN";
    case CommandId.MA:
      return reply.code === "HD" || reply.code === "VA";
    case CommandId.MS:
    case CommandId.MD:
      return reply.code === "HD";
    default:
      return false;
  }
}

function formatErrorLine(reply: MetaReply): Uint8Array {
  const { code, message } = reply;
  return ascii(message === undefined || message === "" ? `${code}\r\n` : `${code} ${message}\r\n`);
}

/** Token of the return flag `letter`. */
function tokenOf(reply: MetaReply, letter: string): string | undefined {
  return reply.flags.find((flag) => flag.charAt(0) === letter)?.slice(1);
}

function join(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
