import { isPlainKey } from "./base64-key.ts";
import {
  encodeError,
  HEADER_BYTES,
  Opcode,
  opcodeSpec,
  REQUEST_MAGIC,
  Status,
  uint16,
  uint32,
} from "./binary-frame.ts";
import { AccessCode, CommandId, Dialect, ParseOutcome, ReplyShape } from "./codes.ts";
import { EMPTY, MAX_KEY_BYTES } from "./lines.ts";
import type { RequestParser } from "./request-parser.ts";
import { isUnsafeStat } from "./text-line.ts";

/** Longest key of any bytes that still fits in a meta request when it is written in base64. */
const MAX_BASE64_KEY_BYTES = 187;

const ACCESS = new Uint8Array(32).fill(AccessCode.OTHER);
for (const command of [
  CommandId.SET,
  CommandId.ADD,
  CommandId.REPLACE,
  CommandId.APPEND,
  CommandId.PREPEND,
  CommandId.INCR,
  CommandId.DECR,
]) {
  ACCESS[command] = AccessCode.WRITE;
}
ACCESS[CommandId.GET] = AccessCode.READ;
ACCESS[CommandId.DELETE] = AccessCode.DELETE;
ACCESS[CommandId.TOUCH] = AccessCode.TOUCH;
ACCESS[CommandId.GAT] = AccessCode.TOUCH;

/** Finds the binary request that begins at `start`. Its rules of what closes the connection are memcached's. */
export function parseBinaryRequest(
  parser: RequestParser,
  buffer: Uint8Array,
  start: number,
  end: number,
): ParseOutcome {
  parser.dialect = Dialect.BINARY;
  if (buffer[start] !== REQUEST_MAGIC) return parser.fatal(EMPTY);
  if (end - start < HEADER_BYTES) return needs(parser, HEADER_BYTES);

  const opcode = buffer[start + 1] as number;
  const keyBytes = uint16(buffer, start + 2);
  const extrasBytes = buffer[start + 4] as number;
  const bodyBytes = uint32(buffer, start + 8);
  const opaque = uint32(buffer, start + 12);
  parser.opcode = opcode;
  parser.requestEnd = start + HEADER_BYTES + bodyBytes;
  if (keyBytes + extrasBytes > bodyBytes) return parser.fatal(encodeError(opcode, opaque, Status.UNKNOWN_COMMAND));
  if (keyBytes > MAX_KEY_BYTES) return parser.fatal(encodeError(opcode, opaque, Status.INVALID_ARGUMENTS));

  const spec = opcodeSpec(opcode);
  // memcached forgets the body of a command it does not know and takes it for the next frame; we skip it.
  if (spec === undefined) return parser.refused(unknownCommand(opcode, opaque));
  parser.command = spec.command;
  parser.isQuiet = spec.isQuiet;
  const valueBytes = bodyBytes - keyBytes - extrasBytes;
  const isFlushDelay = spec.command === CommandId.FLUSH_ALL && extrasBytes === 4;
  const isValid =
    (extrasBytes === spec.extrasBytes || isFlushDelay) &&
    (spec.hasValue || valueBytes === 0) &&
    (keyBytes > 0 ? spec.hasKey : !spec.hasKey || spec.command === CommandId.STATS);
  if (!isValid) return parser.fatal(encodeError(opcode, opaque, Status.INVALID_ARGUMENTS));
  return takeBody(parser, buffer, end, { keyBytes, extrasBytes, valueBytes, opaque });
}

interface BodyShape {
  readonly keyBytes: number;
  readonly extrasBytes: number;
  readonly valueBytes: number;
  readonly opaque: number;
}

function takeBody(parser: RequestParser, buffer: Uint8Array, end: number, shape: BodyShape): ParseOutcome {
  const { requestStart, opcode } = parser;
  const extrasStart = requestStart + HEADER_BYTES;
  const keyStart = extrasStart + shape.extrasBytes;
  const keyEnd = keyStart + shape.keyBytes;
  const isTooLarge = shape.valueBytes > parser.limits.maxValueBytes;
  const neededBytes = (isTooLarge ? keyEnd : parser.requestEnd) - requestStart;
  if (end - requestStart < neededBytes) return needs(parser, neededBytes);

  parser.replyShape = ReplyShape.META;
  parser.access = ACCESS[parser.command] as number;
  if (parser.command === CommandId.STATS) {
    parser.argsStart = keyStart;
    parser.argsEnd = keyEnd;
    const wordEnd = buffer.subarray(keyStart, keyEnd).indexOf(32);
    return isUnsafeStat(buffer, keyStart, wordEnd < 0 ? keyEnd : keyStart + wordEnd)
      ? parser.refused(encodeError(opcode, shape.opaque, Status.NOT_FOUND))
      : ParseOutcome.WHOLE;
  }
  if (parser.command === CommandId.FLUSH_ALL && shape.extrasBytes === 4) parser.delaySec = uint32(buffer, extrasStart);
  parser.keyStart = keyStart;
  parser.keyEnd = keyEnd;
  parser.valueStart = keyEnd;
  parser.valueEnd = keyEnd + shape.valueBytes;
  if (isTooLarge) {
    parser.unlinks = parser.command === CommandId.SET;
    return parser.refused(encodeError(opcode, shape.opaque, Status.TOO_LARGE));
  }
  if (shape.keyBytes > MAX_BASE64_KEY_BYTES && !isPlainKey(buffer.subarray(keyStart, keyEnd))) {
    return parser.refused(encodeError(opcode, shape.opaque, Status.INVALID_ARGUMENTS, "Key cannot be passed on"));
  }
  return ParseOutcome.WHOLE;
}

function unknownCommand(opcode: number, opaque: number): Uint8Array {
  const isSasl = opcode >= Opcode.SASL_LIST_MECHS && opcode <= Opcode.SASL_STEP;
  return encodeError(opcode, opaque, Status.UNKNOWN_COMMAND, isSasl ? "SASL is not supported" : undefined);
}

function needs(parser: RequestParser, neededBytes: number): ParseOutcome {
  parser.neededBytes = neededBytes;
  return ParseOutcome.MORE;
}
