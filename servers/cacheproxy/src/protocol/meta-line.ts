import { decodeBase64Key, isPlainKey } from "./base64-key.ts";
import { AccessCode, CommandId, Dialect, ParseOutcome, ReplyShape } from "./codes.ts";
import {
  BAD_FORMAT,
  DUPLICATE_FLAG,
  ERROR,
  FLAGS_TOO_LONG,
  GET_FLAGS_TOO_LONG,
  INVALID_OR_DUPLICATE_FLAG,
  MAX_KEY_BYTES,
  MAX_META_FLAGS,
  NOT_THROUGH_PROXY,
} from "./lines.ts";
import { readInt32 } from "./numbers.ts";
import type { RequestParser } from "./request-parser.ts";
import { takeValue } from "./text-line.ts";

const LF = 10;
const LOWER_B = 98;
const LOWER_Q = 113;
const MAX_DECLARED_BYTES = 0x7fff_fffd;

/**
 * Checks a line of the meta protocol: what is needed to find its key and its end. Whether its flags are right is left
 * to the server, whose words about them the client then gets.
 */
export function parseMetaLine(parser: RequestParser, buffer: Uint8Array, end: number): ParseOutcome {
  const { line, command } = parser;
  parser.dialect = Dialect.META;
  parser.replyShape = ReplyShape.META;
  if (command === CommandId.MN) return ParseOutcome.WHOLE;
  if (line.count < 2) return parser.refused(command === CommandId.ME ? BAD_FORMAT : ERROR);
  const keyStart = line.starts[1] as number;
  const keyEnd = line.ends[1] as number;
  if (keyEnd - keyStart > MAX_KEY_BYTES) return parser.refused(BAD_FORMAT);
  parser.keyStart = keyStart;
  parser.keyEnd = keyEnd;

  if (command === CommandId.ME) return parseDebug(parser, buffer);
  if (command === CommandId.MS) return parseStore(parser, buffer, end);
  if (line.count > MAX_META_FLAGS + 2) {
    return parser.refused(command === CommandId.MG ? GET_FLAGS_TOO_LONG : FLAGS_TOO_LONG);
  }
  if (!noteFlags(parser, buffer, 2)) {
    return parser.refused(command === CommandId.MG ? DUPLICATE_FLAG : INVALID_OR_DUPLICATE_FLAG);
  }
  if (command === CommandId.MG) parser.access = mgAccess(parser, buffer);
  else parser.access = command === CommandId.MD ? AccessCode.DELETE : AccessCode.WRITE;
  parser.forwardable = !hasBreakingKey(parser);
  return ParseOutcome.WHOLE;
}

/** `me` knows one flag, in one place; any other is not looked at. It is never quiet. */
function parseDebug(parser: RequestParser, buffer: Uint8Array): ParseOutcome {
  const { line } = parser;
  const flagStart = line.starts[2] as number;
  if (line.count > 2 && buffer[flagStart] === LOWER_B && line.ends[2] === flagStart + 1) decodeKey(parser, buffer);
  if (parser.isBase64 && parser.keyBytes.subarray(0, parser.keyEnd).includes(LF)) {
    return parser.refused(NOT_THROUGH_PROXY);
  }
  parser.access = AccessCode.READ;
  parser.forwardable = true;
  return ParseOutcome.WHOLE;
}

function parseStore(parser: RequestParser, buffer: Uint8Array, end: number): ParseOutcome {
  const { line } = parser;
  if (line.count === 2) return parser.refused(BAD_FORMAT);
  if (line.count > MAX_META_FLAGS + 2) return parser.refused(FLAGS_TOO_LONG);
  const valueBytes = readInt32(buffer, line.starts[2] as number, line.ends[2] as number);
  if (!(valueBytes >= 0 && valueBytes <= MAX_DECLARED_BYTES)) return parser.refused(BAD_FORMAT);

  const hasValidFlags = noteFlags(parser, buffer, 3);
  // Of a store, q silences success only: errors about the value are told.
  const outcome = takeValue(parser, buffer, end, valueBytes, false);
  if (hasBreakingKey(parser)) parser.forwardable = false;
  if (hasValidFlags || outcome === ParseOutcome.MORE) return outcome;
  // The value of a refused line is swallowed, whatever it is.
  parser.unlinks = false;
  return parser.refused(DUPLICATE_FLAG);
}

/** Finds `q` and `b`. False if there are two `q`: with one taken off, the server would still see one. */
function noteFlags(parser: RequestParser, buffer: Uint8Array, firstFlag: number): boolean {
  const { line } = parser;
  for (let i = firstFlag; i < line.count; i++) {
    const flag = buffer[line.starts[i] as number];
    if (flag === LOWER_Q) {
      if (parser.isQuiet) return false;
      parser.isQuiet = true;
      parser.mustRewrite = true;
    } else if (flag === LOWER_B && !parser.isBase64) {
      decodeKey(parser, buffer);
    }
  }
  return true;
}

/**
 * Whether a key came in base64 because it would break a line. memcached 1.6.18 writes such a key as it is when it returns
 * it (`k`, `me`) and the item was not stored by an `ms` with `b`: with a line end in it, it forges replies. No server is
 * ever asked to return one; the slow path takes `k` off and puts it back in base64.
 */
function hasBreakingKey(parser: RequestParser): boolean {
  return parser.isBase64 && !isPlainKey(parser.keyBytes.subarray(parser.keyStart, parser.keyEnd));
}

/** A key that cannot be decoded stays as it is; any server will refuse it with the right words. */
function decodeKey(parser: RequestParser, buffer: Uint8Array): void {
  const bytes = decodeBase64Key(buffer, parser.keyStart, parser.keyEnd, parser.keyScratch);
  if (bytes === 0) return;
  parser.isBase64 = true;
  parser.keyBytes = parser.keyScratch;
  parser.keyStart = 0;
  parser.keyEnd = bytes;
}

/** A get that may change the item: it sets its exptime (T), or creates it (N). */
function mgAccess(parser: RequestParser, buffer: Uint8Array): number {
  const { line } = parser;
  for (let i = 2; i < line.count; i++) {
    const flag = buffer[line.starts[i] as number];
    if (flag === 84) return AccessCode.TOUCH;
    if (flag === 78) return AccessCode.WRITE;
  }
  return AccessCode.READ;
}
