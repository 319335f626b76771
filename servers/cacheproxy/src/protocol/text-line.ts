import { ascii, isWord } from "./ascii.ts";
import { AccessCode, CommandId, ParseOutcome, ReplyShape } from "./codes.ts";
import { REFUSED_COMMAND } from "./command-words.ts";
import {
  BAD_CHUNK,
  BAD_DELETE,
  BAD_DELTA,
  BAD_EXPTIME,
  BAD_FORMAT,
  EMPTY,
  END,
  ERROR,
  MAX_KEY_BYTES,
  NOT_THROUGH_PROXY,
  TOO_LARGE,
} from "./lines.ts";
import { isUint64, readInt32, readUint32 } from "./numbers.ts";
import type { RequestParser } from "./request-parser.ts";

const NOREPLY = ascii("noreply");
const CACHEDUMP = ascii("cachedump");
const DETAIL = ascii("detail");
/** Longest value memcached can be told of: it adds two in 32 bits. */
const MAX_DECLARED_BYTES = 0x7fff_fffd;

/** Checks a line of the text protocol as memcached does, in the order it does. `parser.line` is the line. */
export function parseTextLine(parser: RequestParser, buffer: Uint8Array, end: number): ParseOutcome {
  switch (parser.command) {
    case CommandId.GET:
    case CommandId.GETS:
      return parseGet(parser, 1);
    case CommandId.GAT:
    case CommandId.GATS:
      return parseGetAndTouch(parser, buffer);
    case CommandId.SET:
    case CommandId.ADD:
    case CommandId.REPLACE:
    case CommandId.APPEND:
    case CommandId.PREPEND:
      return parseStore(parser, buffer, end, 5);
    case CommandId.CAS:
      return parseStore(parser, buffer, end, 6);
    case CommandId.DELETE:
      return parseDelete(parser, buffer);
    case CommandId.INCR:
    case CommandId.DECR:
    case CommandId.TOUCH:
      return parseNumberCommand(parser, buffer);
    case CommandId.FLUSH_ALL:
      return parseFlushAll(parser, buffer);
    case CommandId.VERBOSITY:
      return parseVerbosity(parser, buffer);
    case CommandId.STATS:
      return parseStats(parser, buffer);
    case CommandId.VERSION:
    case CommandId.QUIT:
      return ParseOutcome.WHOLE;
    case REFUSED_COMMAND:
      return parser.refused(NOT_THROUGH_PROXY);
    default:
      return parser.refused(ERROR);
  }
}

function parseGet(parser: RequestParser, firstKey: number): ParseOutcome {
  const { line } = parser;
  if (line.count <= firstKey) return parser.refused(ERROR);
  // One key that is too long spoils the whole request, also where other keys were found before.
  if (line.longestBytes > MAX_KEY_BYTES) return parser.refused(BAD_FORMAT);
  setKey(parser, firstKey);
  parser.access = firstKey === 1 ? AccessCode.READ : AccessCode.TOUCH;
  parser.isMultiKey = line.count > firstKey + 1;
  parser.replyShape = ReplyShape.VALUES;
  parser.forwardable = true;
  return ParseOutcome.WHOLE;
}

function parseGetAndTouch(parser: RequestParser, buffer: Uint8Array): ParseOutcome {
  const { line } = parser;
  if (line.count < 2) return parser.refused(ERROR);
  if (Number.isNaN(readInt32(buffer, line.starts[1] as number, line.ends[1] as number))) {
    return parser.refused(BAD_EXPTIME);
  }
  return line.count === 2 ? parser.refused(END) : parseGet(parser, 2);
}

function parseStore(parser: RequestParser, buffer: Uint8Array, end: number, words: number): ParseOutcome {
  const { line } = parser;
  const { starts, ends } = line;
  if (line.count !== words && line.count !== words + 1) return parser.refused(ERROR);
  noteNoreply(parser, buffer);
  if (isKeyTooLong(parser)) return refusedUnlessQuiet(parser, BAD_FORMAT);

  const flags = readUint32(buffer, starts[2] as number, ends[2] as number);
  const exptime = readInt32(buffer, starts[3] as number, ends[3] as number);
  const valueBytes = readInt32(buffer, starts[4] as number, ends[4] as number);
  const isValid = !Number.isNaN(flags) && !Number.isNaN(exptime) && valueBytes >= 0 && valueBytes <= MAX_DECLARED_BYTES;
  if (!isValid || (words === 6 && !isUint64(buffer, starts[5] as number, ends[5] as number))) {
    return refusedUnlessQuiet(parser, BAD_FORMAT);
  }
  setKey(parser, 1);
  return takeValue(parser, buffer, end, valueBytes, parser.isQuiet);
}

/**
 * Takes the value of a text or meta store, whose line ends at `requestEnd`.
 *
 * @param isMute Nothing is said about a value that is too large or has no line end after it.
 */
export function takeValue(
  parser: RequestParser,
  buffer: Uint8Array,
  end: number,
  valueBytes: number,
  isMute: boolean,
): ParseOutcome {
  parser.access = AccessCode.WRITE;
  parser.valueStart = parser.requestEnd;
  parser.valueEnd = parser.valueStart + valueBytes;
  parser.requestEnd = parser.valueEnd + 2;
  if (valueBytes > parser.limits.maxValueBytes) {
    parser.unlinks = parser.command === CommandId.SET || parser.command === CommandId.MS;
    return parser.refused(isMute ? EMPTY : TOO_LARGE);
  }
  if (parser.requestEnd > end) {
    parser.neededBytes = parser.requestEnd - parser.requestStart;
    return ParseOutcome.MORE;
  }
  if (buffer[parser.valueEnd] !== 13 || buffer[parser.valueEnd + 1] !== 10) {
    return parser.refused(isMute ? EMPTY : BAD_CHUNK);
  }
  parser.forwardable = true;
  return ParseOutcome.WHOLE;
}

function parseDelete(parser: RequestParser, buffer: Uint8Array): ParseOutcome {
  const { line } = parser;
  if (line.count < 2 || line.count > 4) return parser.refused(ERROR);
  if (line.count > 2) {
    noteNoreply(parser, buffer);
    const hasZero = line.ends[2] === (line.starts[2] as number) + 1 && buffer[line.starts[2] as number] === 48;
    const isValid = line.count === 3 ? hasZero || parser.isQuiet : hasZero && parser.isQuiet;
    if (!isValid) return refusedUnlessQuiet(parser, BAD_DELETE);
  }
  if (isKeyTooLong(parser)) return refusedUnlessQuiet(parser, BAD_FORMAT);
  setKey(parser, 1);
  parser.access = AccessCode.DELETE;
  parser.forwardable = true;
  return ParseOutcome.WHOLE;
}

/** `incr`, `decr` and `touch`: a key and a number. */
function parseNumberCommand(parser: RequestParser, buffer: Uint8Array): ParseOutcome {
  const { line } = parser;
  if (line.count !== 3 && line.count !== 4) return parser.refused(ERROR);
  noteNoreply(parser, buffer);
  if (isKeyTooLong(parser)) return refusedUnlessQuiet(parser, BAD_FORMAT);
  const start = line.starts[2] as number;
  const end = line.ends[2] as number;
  if (parser.command === CommandId.TOUCH) {
    if (Number.isNaN(readInt32(buffer, start, end))) return refusedUnlessQuiet(parser, BAD_EXPTIME);
    parser.access = AccessCode.TOUCH;
  } else {
    if (!isUint64(buffer, start, end)) return refusedUnlessQuiet(parser, BAD_DELTA);
    parser.access = AccessCode.WRITE;
  }
  setKey(parser, 1);
  parser.forwardable = true;
  return ParseOutcome.WHOLE;
}

function parseFlushAll(parser: RequestParser, buffer: Uint8Array): ParseOutcome {
  const { line } = parser;
  if (line.count > 3) return parser.refused(ERROR);
  noteNoreply(parser, buffer);
  if (line.count === (parser.isQuiet ? 2 : 1)) return ParseOutcome.WHOLE;
  const delay = readInt32(buffer, line.starts[1] as number, line.ends[1] as number);
  if (Number.isNaN(delay)) return refusedUnlessQuiet(parser, BAD_EXPTIME);
  parser.delaySec = delay;
  return ParseOutcome.WHOLE;
}

function parseVerbosity(parser: RequestParser, buffer: Uint8Array): ParseOutcome {
  const { line } = parser;
  if (line.count !== 2 && line.count !== 3) return parser.refused(ERROR);
  noteNoreply(parser, buffer);
  if (Number.isNaN(readUint32(buffer, line.starts[1] as number, line.ends[1] as number))) {
    return refusedUnlessQuiet(parser, BAD_FORMAT);
  }
  return ParseOutcome.WHOLE;
}

function parseStats(parser: RequestParser, buffer: Uint8Array): ParseOutcome {
  const { line } = parser;
  if (line.count > 1 && isUnsafeStat(buffer, line.starts[1] as number, line.ends[1] as number)) {
    return parser.refused(NOT_THROUGH_PROXY);
  }
  parser.argsEnd = line.count > 1 ? line.wordsEnd : (line.ends[0] as number);
  parser.argsStart = line.count > 1 ? (line.starts[1] as number) : parser.argsEnd;
  parser.replyShape = ReplyShape.LINES_UNTIL_END;
  return ParseOutcome.WHOLE;
}

/**
 * Whether `bytes[start, end)` names statistics in which a server writes keys as they are. Keys of the binary protocol may
 * hold line ends, which would end the reply early and give the rest of it to somebody else.
 */
export function isUnsafeStat(bytes: Uint8Array, start: number, end: number): boolean {
  return isWord(bytes, start, end, CACHEDUMP) || isWord(bytes, start, end, DETAIL);
}

function noteNoreply(parser: RequestParser, buffer: Uint8Array): void {
  const { line } = parser;
  const last = line.count - 1;
  if (!isWord(buffer, line.starts[last] as number, line.ends[last] as number, NOREPLY)) return;
  parser.isQuiet = true;
  parser.mustRewrite = true;
}

function refusedUnlessQuiet(parser: RequestParser, reply: Uint8Array): ParseOutcome {
  return parser.refused(parser.isQuiet ? EMPTY : reply);
}

function isKeyTooLong(parser: RequestParser): boolean {
  return (parser.line.ends[1] as number) - (parser.line.starts[1] as number) > MAX_KEY_BYTES;
}

function setKey(parser: RequestParser, token: number): void {
  parser.keyStart = parser.line.starts[token] as number;
  parser.keyEnd = parser.line.ends[token] as number;
}
