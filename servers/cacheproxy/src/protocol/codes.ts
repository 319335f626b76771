/** What {@link RequestParser.parse} found. */
export const ParseOutcome = {
  /** A whole request, described by the parser's fields. */
  WHOLE: 0,
  /** More bytes are needed: see `neededBytes`. */
  MORE: 1,
  /** The client is told `errorReply` (empty for noreply) and goes on at `requestEnd`, which may lie beyond the bytes given. */
  REFUSED: 2,
  /** The client is told `errorReply` (often empty) and the connection closes. */
  FATAL: 3,
} as const;
export type ParseOutcome = (typeof ParseOutcome)[keyof typeof ParseOutcome];

/** The language of a request. */
export const Dialect = { TEXT: 0, META: 1, BINARY: 2 } as const;
export type Dialect = (typeof Dialect)[keyof typeof Dialect];

/** What a request does; a binary request has the id of the text command that means the same, and its `opcode` beside it. */
export const CommandId = {
  GET: 0,
  GETS: 1,
  GAT: 2,
  GATS: 3,
  SET: 4,
  ADD: 5,
  REPLACE: 6,
  APPEND: 7,
  PREPEND: 8,
  CAS: 9,
  DELETE: 10,
  INCR: 11,
  DECR: 12,
  TOUCH: 13,
  MG: 14,
  MS: 15,
  MD: 16,
  MA: 17,
  ME: 18,
  /** `mn`, and the binary noop: answered by {@link formatNoop}. */
  MN: 19,
  FLUSH_ALL: 20,
  VERSION: 21,
  VERBOSITY: 22,
  STATS: 23,
  QUIT: 24,
} as const;
export type CommandId = (typeof CommandId)[keyof typeof CommandId];

/** What a request may do to its key; the first four are `Access` of the pool policy, in `ACCESS_NAMES`' order. */
export const AccessCode = { READ: 0, WRITE: 1, DELETE: 2, TOUCH: 3, OTHER: 4 } as const;
export type AccessCode = (typeof AccessCode)[keyof typeof AccessCode];

/** Names of the access codes that concern a key, for `PoolPolicy.direct`. */
export const ACCESS_NAMES = ["read", "write", "delete", "touch"] as const;

/** How a server's reply to a request is framed. An error line ends each of them. */
export const ReplyShape = {
  /** One line: `STORED`, a number, `TOUCHED`… */
  LINE: 0,
  /** Any number of `VALUE` lines with their values, then `END`. */
  VALUES: 1,
  /** One line; if it begins with `VA`, a value follows. */
  META: 2,
  /** Lines until `END`, `OK` or `RESET` (stats). */
  LINES_UNTIL_END: 3,
} as const;
export type ReplyShape = (typeof ReplyShape)[keyof typeof ReplyShape];

/** What a server's reply says. */
export const ReplyCode = {
  /** At least one `VALUE`. */
  HIT: 0,
  /** `END` alone. */
  MISS: 1,
  STORED: 2,
  NOT_STORED: 3,
  EXISTS: 4,
  NOT_FOUND: 5,
  DELETED: 6,
  TOUCHED: 7,
  NUMBER: 8,
  HD: 9,
  VA: 10,
  EN: 11,
  NS: 12,
  EX: 13,
  NF: 14,
  ME: 15,
  MN: 16,
  OK: 17,
  ERROR: 18,
  CLIENT_ERROR: 19,
  SERVER_ERROR: 20,
  OTHER: 21,
} as const;
export type ReplyCode = (typeof ReplyCode)[keyof typeof ReplyCode];

/** Returned by {@link ReplyParser.parse}: the reply is not whole yet. */
export const REPLY_MORE = -1;
/** Returned by {@link ReplyParser.parse}: no memcached speaks like that; the connection cannot be used any more. */
export const REPLY_BROKEN = -2;
