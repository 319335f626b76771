import type { MetaRequest, MetaVerb } from "../engine/meta.ts";
import { asciiText } from "./ascii.ts";
import { isPlainKey } from "./base64-key.ts";
import { HEADER_BYTES, uint32, uint64 } from "./binary-frame.ts";
import { CommandId, Dialect } from "./codes.ts";
import { readInt32, readUint32, readUint64 } from "./numbers.ts";
import type { RequestParser } from "./request-parser.ts";

/** What is kept of a request until its reply is written. */
export interface RequestContext {
  /** `Dialect` and `CommandId`. */
  readonly dialect: number;
  readonly command: number;
  readonly isQuiet: boolean;
  /** A copy; empty if the request has none. */
  readonly key: Uint8Array;
  /** Of meta requests: all flags, as they came. */
  readonly metaFlags: readonly string[];
  /** Of meta requests: the key came in base64, and is returned so. */
  readonly isBase64: boolean;
  /** Of binary requests. */
  readonly opcode: number;
  readonly opaque: number;
}

/** Exptime in a binary incr that says: do not create the item. */
const NO_CREATION = 0xffff_ffff;
/** memcached's longest opaque; a longer one is left to it to refuse. */
const MAX_OPAQUE_CHARACTERS = 31;
/** Flags of a meta request that are about the client's connection. */
const CONNECTION_FLAGS = "qkOb";

/** Keeps what {@link formatReply} needs. The parser has found a whole request in `buffer`. */
export function requestContext(parser: RequestParser, buffer: Uint8Array): RequestContext {
  const isBinary = parser.dialect === Dialect.BINARY;
  return {
    dialect: parser.dialect,
    command: parser.command,
    isQuiet: parser.isQuiet,
    key: parser.keyBytes.slice(parser.keyStart, parser.keyEnd),
    metaFlags: parser.dialect === Dialect.META ? metaFlagsOf(parser, buffer) : [],
    isBase64: parser.isBase64,
    opcode: parser.opcode,
    opaque: isBinary ? uint32(buffer, parser.requestStart + 12) : 0,
  };
}

/**
 * Says a request about a key in the inner language; of a get with many keys the current one. Everything is copied.
 * The parser has found a whole request in `buffer`. Throws RangeError for commands without a key.
 */
export function metaFromRequest(parser: RequestParser, buffer: Uint8Array): MetaRequest {
  const key = parser.keyBytes.slice(parser.keyStart, parser.keyEnd);
  if (parser.dialect === Dialect.META) return fromMeta(parser, buffer, key);
  return parser.dialect === Dialect.BINARY ? fromBinary(parser, buffer, key) : fromText(parser, buffer, key);
}

/** Says a `get` or `gets` of one key in the inner language. */
export function metaFromGet(command: number, key: Uint8Array): MetaRequest {
  return { verb: "mg", key, flags: command === CommandId.GETS ? ["f", "c", "v"] : ["f", "v"] };
}

/** What {@link formatReply} needs for the reply to it. */
export function getContext(command: number, key: Uint8Array): RequestContext {
  return { dialect: Dialect.TEXT, command, isQuiet: false, key, metaFlags: [], isBase64: false, opcode: 0, opaque: 0 };
}

function fromMeta(parser: RequestParser, buffer: Uint8Array, key: Uint8Array): MetaRequest {
  if (parser.command === CommandId.ME) {
    // `me` looks at no flag but `b`; with a key that cannot be decoded it is left to the server to say so.
    const isUndecoded = !parser.isBase64 && metaFlagsOf(parser, buffer)[0] === "b";
    return { verb: "me", key, flags: isUndecoded ? ["b"] : [] };
  }
  const all = metaFlagsOf(parser, buffer);
  // A server that returned a key with a line end would forge replies, see parseMetaLine; it is not asked, however often.
  const mayReturnKey = isPlainKey(key);
  const flags = all.filter((flag) => !isPlayedHere(flag, all, parser.isBase64) && (mayReturnKey || flag[0] !== "k"));
  if (parser.command === CommandId.MS) return { verb: "ms", key, flags, value: copyValue(parser, buffer) };
  const verb: MetaVerb = parser.command === CommandId.MG ? "mg" : parser.command === CommandId.MD ? "md" : "ma";
  return { verb, key, flags };
}

/** Whether the proxy plays a flag. One that the server would refuse is left in, so that the client gets its words. */
function isPlayedHere(flag: string, all: readonly string[], isBase64: boolean): boolean {
  const letter = flag.charAt(0);
  if (!CONNECTION_FLAGS.includes(letter)) return false;
  if (letter === "b" && !isBase64) return false;
  if (letter === "O" && flag.length - 1 > MAX_OPAQUE_CHARACTERS) return false;
  return all.filter((other) => other.charAt(0) === letter).length === 1;
}

function fromText(parser: RequestParser, buffer: Uint8Array, key: Uint8Array): MetaRequest {
  const { command } = parser;
  const word = (i: number): readonly [Uint8Array, number, number] => [
    buffer,
    parser.line.starts[i] as number,
    parser.line.ends[i] as number,
  ];
  switch (command) {
    case CommandId.GET:
    case CommandId.GETS:
      return metaFromGet(command, key);
    case CommandId.GAT:
      return { verb: "mg", key, flags: [`T${readInt32(...word(1))}`, "f", "v"] };
    case CommandId.GATS:
      return { verb: "mg", key, flags: [`T${readInt32(...word(1))}`, "f", "c", "v"] };
    case CommandId.TOUCH:
      return { verb: "mg", key, flags: [`T${readInt32(...word(2))}`] };
    case CommandId.DELETE:
      return { verb: "md", key, flags: [] };
    case CommandId.INCR:
      return { verb: "ma", key, flags: ["v", `D${readUint64(...word(2))}`] };
    case CommandId.DECR:
      return { verb: "ma", key, flags: ["MD", "v", `D${readUint64(...word(2))}`] };
    default: {
      const cas = command === CommandId.CAS ? [`C${readUint64(...word(5))}`] : [];
      const flags = storeFlags(command, readInt32(...word(3)), readUint32(...word(2)));
      return { verb: "ms", key, flags: [...flags, ...cas], value: copyValue(parser, buffer) };
    }
  }
}

function fromBinary(parser: RequestParser, buffer: Uint8Array, key: Uint8Array): MetaRequest {
  const { command } = parser;
  const extras = parser.requestStart + HEADER_BYTES;
  const expected = uint64(buffer, parser.requestStart + 16);
  const cas = expected === 0n ? [] : [`C${expected}`];
  switch (command) {
    case CommandId.GET:
      return { verb: "mg", key, flags: ["f", "c", "v"] };
    case CommandId.GAT:
      return { verb: "mg", key, flags: [`T${exptimeAt(buffer, extras)}`, "f", "c", "v"] };
    case CommandId.TOUCH:
      return { verb: "mg", key, flags: [`T${exptimeAt(buffer, extras)}`, "f", "c"] };
    case CommandId.DELETE:
      return { verb: "md", key, flags: cas };
    case CommandId.INCR:
    case CommandId.DECR: {
      const mode = command === CommandId.DECR ? ["MD"] : [];
      const creates = uint32(buffer, extras + 16) !== NO_CREATION;
      const creation = creates ? [`N${exptimeAt(buffer, extras + 16)}`, `J${uint64(buffer, extras + 8)}`] : [];
      return { verb: "ma", key, flags: [...mode, "v", "c", `D${uint64(buffer, extras)}`, ...creation, ...cas] };
    }
    case CommandId.APPEND:
    case CommandId.PREPEND:
      return { verb: "ms", key, flags: [...storeFlags(command, 0, 0), "c", ...cas], value: copyValue(parser, buffer) };
    case CommandId.SET:
    case CommandId.ADD:
    case CommandId.REPLACE: {
      // With a cas value memcached makes one and the same of the three.
      const verb = expected === 0n ? command : CommandId.CAS;
      const flags = storeFlags(verb, exptimeAt(buffer, extras + 4), uint32(buffer, extras));
      return { verb: "ms", key, flags: [...flags, "c", ...cas], value: copyValue(parser, buffer) };
    }
    default:
      throw new RangeError(`Cannot pass on command ${command}: it has no key. Answer it in the proxy`);
  }
}

/** Flags of a store. `append` and `prepend` leave an item's exptime and flags as they are. */
function storeFlags(command: number, exptimeSec: number, clientFlags: number): string[] {
  switch (command) {
    case CommandId.SET:
    case CommandId.CAS:
      return [`T${exptimeSec}`, `F${clientFlags}`];
    case CommandId.ADD:
      return ["ME", `T${exptimeSec}`, `F${clientFlags}`];
    case CommandId.REPLACE:
      return ["MR", `T${exptimeSec}`, `F${clientFlags}`];
    case CommandId.APPEND:
      return ["MA"];
    case CommandId.PREPEND:
      return ["MP"];
    default:
      throw new RangeError(`Cannot pass on command ${command}: it has no key. Answer it in the proxy`);
  }
}

/**
 * An exptime of the binary protocol. It has no sign there: memcached takes 2^31 and more for a moment far away, which
 * its meta commands would read as the past.
 */
function exptimeAt(buffer: Uint8Array, at: number): number {
  return Math.min(uint32(buffer, at), 0x7fff_ffff);
}

function copyValue(parser: RequestParser, buffer: Uint8Array): Uint8Array {
  return buffer.slice(parser.valueStart, parser.valueEnd);
}

function metaFlagsOf(parser: RequestParser, buffer: Uint8Array): string[] {
  const { line, command } = parser;
  const flags: string[] = [];
  const kept = Math.min(line.count, line.starts.length);
  for (let i = command === CommandId.MS ? 3 : 2; i < kept; i++) {
    flags.push(asciiText(buffer, line.starts[i] as number, line.ends[i] as number));
  }
  return flags;
}
