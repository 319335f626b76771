import { labelOf } from "../../protocol/reply-writer.ts";
import type { Call } from "../call.ts";
import type { Handler } from "../command.ts";
import { ValueType } from "../container.ts";
import { EventClass } from "../key-events.ts";
import { hashBytes } from "../memory/byte-hash.ts";
import { CommandError, NOT_A_FLOAT, SYNTAX_ERROR, WRONG_TYPE } from "../replies.ts";
import { Board } from "../structures/board.ts";
import type { BoardPeriod } from "../structures/board-period.ts";
import { DEFAULT_BOARD } from "../structures/board-plan.ts";
import { MAX_BOARD_MEMBER_BYTES, nameSize, scoreOf } from "../structures/board-records.ts";
import { BOARD_KEY_HANDLERS } from "./boards-keys.ts";
import { boundedAt } from "./boards-options.ts";
import { BOARD_READ_HANDLERS, SETTLE_PARTS } from "./boards-read.ts";
import { writeAround, writeNames } from "./boards-rows.ts";

/** Most boards of one call. */
const MOST_BOARDS = 64;
/** Scores beyond this are refused, so that no sum can become infinite. */
const MOST_SCORE = 1e100;
const MOST_AROUND = 1_000;

const SCORE = labelOf("$5\r\nscore\r\n");
const RANK = labelOf("$4\r\nrank\r\n");
const AROUND = labelOf("$6\r\naround\r\n");
const PASSED = labelOf("$6\r\npassed\r\n");

/** What a RANK.ADD asks for; one object for all calls. */
const wanted = { boards: 0, likeIndex: 0, hasRank: false, around: 0, passed: -1, touched: 0 };
const boards: (Board | undefined)[] = new Array(MOST_BOARDS);
const fetched = new Int32Array(MOST_BOARDS);

/**
 * `RANK.ADD member score BOARDS n board... [LIKE template] [WITH [RANK] [AROUND k] [PASSED k]]`: one score into many
 * boards. Nothing is changed unless it can go into all of them.
 */
function add(call: Call): void {
  const { args, reply } = call;
  const score = call.double(2);
  if (Number.isNaN(score)) return;
  if (Math.abs(score) > MOST_SCORE) throw new CommandError(NOT_A_FLOAT);
  if (args.sizeOf(1) > MAX_BOARD_MEMBER_BYTES) throw new CommandError("ERR member is too long");
  readWanted(call);
  findBoards(call);
  const hash = hashBytes(args.bytes, args.starts[1]!, args.ends[1]!, call.store.hashSeed);
  fetchAhead(call, hash);
  reply.array(wanted.boards);
  for (let i = 0; i < wanted.boards; i++) {
    const index = 5 + i;
    const board = boards[i] ?? makeBoard(call, index, boards[wanted.boards]?.plan ?? DEFAULT_BOARD);
    addTo(call, board.running(call.nowMs, call.store), hash, score + 0);
    call.modified(index, "rank.add", EventClass.board);
    boards[i] = undefined;
  }
  boards[wanted.boards] = undefined;
}

function readWanted(call: Call): void {
  const { args } = call;
  if (!args.isWord(3, "BOARDS")) throw new CommandError(SYNTAX_ERROR);
  wanted.boards = boundedAt(call, 4, "the number of boards", 1, MOST_BOARDS - 1);
  wanted.likeIndex = 0;
  wanted.hasRank = false;
  wanted.around = 0;
  wanted.passed = -1;
  let at = 5 + wanted.boards;
  if (at > args.count) throw new CommandError(SYNTAX_ERROR);
  if (at + 1 < args.count && args.isWord(at, "LIKE")) {
    wanted.likeIndex = at + 1;
    at += 2;
  }
  if (at === args.count) return;
  if (!args.isWord(at++, "WITH") || at === args.count) throw new CommandError(SYNTAX_ERROR);
  for (; at < args.count; at++) {
    if (args.isWord(at, "RANK")) wanted.hasRank = true;
    else if (args.isWord(at, "AROUND")) wanted.around = boundedAt(call, ++at, "AROUND", 1, MOST_AROUND);
    else if (args.isWord(at, "PASSED")) wanted.passed = boundedAt(call, ++at, "PASSED", 0, MOST_AROUND);
    else throw new CommandError(SYNTAX_ERROR);
  }
}

/** Finds all boards, and the template behind them, before any of them is changed. */
function findBoards(call: Call): void {
  const { db, args } = call;
  for (let i = 0; i <= wanted.boards; i++) {
    const isTemplate = i === wanted.boards;
    boards[i] = undefined;
    if (isTemplate && wanted.likeIndex === 0) return;
    const record = db.findForWrite(args, isTemplate ? wanted.likeIndex : 5 + i);
    if (record === 0) {
      if (isTemplate) throw new CommandError("ERR no such template");
      continue;
    }
    if (db.typeOf(record) !== ValueType.board) throw new CommandError(WRONG_TYPE);
    const board = db.containerOf(record) as Board;
    boards[i] = board;
    if (!isTemplate && board.period(board.currentOf(call.nowMs), call.nowMs)?.isClosed === true) {
      throw new CommandError(`ERR the running period of board '${args.text(5 + i)}' is closed`);
    }
  }
}

/**
 * Touches what the boards are about to look up. Each would wait for the memory in turn; asked in one loop, it comes for
 * all of them at once. Changes nothing, whatever it finds.
 */
function fetchAhead({ store }: Call, hash: number): void {
  let touched = 0;
  for (let i = 0; i < wanted.boards; i++) fetched[i] = boards[i]?.newest?.neighbour(hash) ?? 0;
  for (let i = 0; i < wanted.boards; i++) if (fetched[i] !== 0) touched ^= nameSize(store.heap, fetched[i]!);
  // Or nothing would have to be read.
  wanted.touched = touched;
}

/** The board of a key that may have been made by this call already. */
function makeBoard(call: Call, index: number, plan: Board["plan"]): Board {
  const { db, args, store } = call;
  const record = db.findForWrite(args, index);
  if (record !== 0) return db.containerOf(record) as Board;
  const board = new Board(store.heap, store.hashSeed, plan);
  const made = db.setContainer(args, index, 0, board);
  if (plan.expireSeconds > 0) db.setExpiry(made, call.nowMs + 1_000 * plan.expireSeconds);
  return board;
}

function addTo(call: Call, period: BoardPeriod, hash: number, score: number): void {
  const { args, reply } = call;
  if (period.slide !== undefined) period.settle(call.nowMs, SETTLE_PARTS);
  const start = args.starts[1]!;
  const end = args.ends[1]!;
  const old = period.findHashed(args.bytes, start, end, hash);
  const place = wanted.passed < 0 ? 0 : old === 0 ? period.size : period.ordinalOf(old);
  const record = period.score(old, args.bytes, start, end, score, call.nowMs);
  const pairs = 1 + (wanted.hasRank ? 1 : 0) + (wanted.around > 0 ? 1 : 0) + (wanted.passed >= 0 ? 1 : 0);
  if (pairs > 1) reply.map(pairs);
  if (pairs > 1) reply.label(SCORE);
  if (record === 0) reply.nil();
  else reply.double(scoreOf(period.heap, record));
  if (pairs === 1) return;
  const ordinal = record === 0 ? -1 : period.ordinalOf(record);
  if (wanted.hasRank) {
    reply.label(RANK);
    if (record === 0) reply.nil();
    else reply.integer(1 + (period.plan.ties === "shared" ? period.competitionOf(record) : ordinal));
  }
  if (wanted.around > 0) {
    reply.label(AROUND);
    if (record === 0) reply.array(0);
    else writeAround(reply, period, ordinal, wanted.around);
  }
  if (wanted.passed >= 0) writePassed(call, period, ordinal, place);
}

/** How many were passed on the way up, and those nearest behind. A newcomer has passed all that are behind. */
function writePassed({ reply }: Call, period: BoardPeriod, ordinal: number, place: number): void {
  const passed = ordinal < 0 ? 0 : Math.max(0, Math.min(place, period.size - 1) - ordinal);
  reply.label(PASSED);
  reply.array(2);
  reply.integer(passed);
  const listed = Math.min(passed, wanted.passed);
  if (listed === 0) reply.array(0);
  else writeNames(reply, period, ordinal + 1, listed);
}

/** `RANK.REM board member...`: takes members off the running period. Replies how many were there. */
function remove(call: Call): void {
  const { args, db, reply } = call;
  const record = db.findForWrite(args, 1);
  const board = record === 0 ? undefined : call.container<Board>(record, ValueType.board);
  if (record !== 0 && board === undefined) return;
  const period = board?.period(board.currentOf(call.nowMs), call.nowMs);
  if (period?.isClosed) throw new CommandError("ERR the running period is closed");
  let removed = 0;
  for (let i = 2; i < args.count && period !== undefined; i++) {
    const member = period.find(args.bytes, args.starts[i]!, args.ends[i]!);
    if (member === 0) continue;
    period.remove(member);
    removed++;
  }
  if (removed > 0) call.modified(1, "rank.rem", EventClass.board);
  reply.integer(removed);
}

/** Commands of boards. */
export const BOARD_HANDLERS: Readonly<Record<string, Handler>> = {
  "rank.add": add,
  "rank.rem": remove,
  ...BOARD_KEY_HANDLERS,
  ...BOARD_READ_HANDLERS,
};
