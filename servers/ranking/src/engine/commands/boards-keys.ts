import type { Call } from "../call.ts";
import type { Handler } from "../command.ts";
import { ValueType } from "../container.ts";
import { EventClass } from "../key-events.ts";
import { CommandError, NO_SUCH_KEY, SYNTAX_ERROR, WRONG_TYPE } from "../replies.ts";
import { Board } from "../structures/board.ts";
import { loadBoardBlob } from "../structures/board-load.ts";
import type { BoardPeriod } from "../structures/board-period.ts";
import { DEFAULT_BOARD } from "../structures/board-plan.ts";
import { readBoardOptions } from "./boards-options.ts";

/** `RANK.CREATE board [DIR desc|asc] [TIES ...] [AGG ...] [PERIOD ...] [TZ offset] [SLIDING ms] [CAP n] [KEEP n] ...`. */
function create(call: Call): void {
  const { args, db, reply, store } = call;
  const plan = readBoardOptions(call, DEFAULT_BOARD, true);
  const record = db.findForWrite(args, 1);
  if (record !== 0) {
    throw new CommandError(db.typeOf(record) === ValueType.board ? "ERR the board exists" : WRONG_TYPE);
  }
  const made = db.setContainer(args, 1, 0, new Board(store.heap, store.hashSeed, plan));
  if (plan.expireSeconds > 0) db.setExpiry(made, call.nowMs + 1_000 * plan.expireSeconds);
  call.modified(1, "rank.create", EventClass.board);
  reply.ok();
}

function boardForWrite(call: Call): [record: number, board: Board] {
  const { args, db } = call;
  const record = db.findForWrite(args, 1);
  if (record === 0) throw new CommandError(NO_SUCH_KEY);
  if (db.typeOf(record) !== ValueType.board) throw new CommandError(WRONG_TYPE);
  return [record, db.containerOf(record) as Board];
}

/** `RANK.ALTER board [CAP n] [KEEP n] [EXPIRE s]`: a lower cap takes members away with the next scores. */
function alter(call: Call): void {
  const [record, board] = boardForWrite(call);
  const plan = readBoardOptions(call, board.plan, false);
  if (plan.expireSeconds !== board.plan.expireSeconds) {
    if (plan.expireSeconds > 0) call.db.setExpiry(record, call.nowMs + 1_000 * plan.expireSeconds);
    else call.db.clearExpiry(record);
  }
  board.plan = plan;
  call.modified(1, "rank.alter", EventClass.board);
  call.reply.ok();
}

/** The period that `PERIOD p` at argument `at` names; the running one without. */
function periodAt(call: Call, board: Board, at: number): BoardPeriod | undefined {
  const { args, nowMs } = call;
  let number = board.currentOf(nowMs);
  if (at < args.count) {
    if (!args.isWord(at, "PERIOD") || at + 2 !== args.count) throw new CommandError(SYNTAX_ERROR);
    number = board.parsePeriod(args.text(at + 1), nowMs);
    if (Number.isNaN(number)) throw new CommandError("ERR PERIOD must be 0, -1, ... or a date such as 2026-11-29");
  }
  return board.period(number, nowMs);
}

/** `RANK.CLOSE board [PERIOD p]`: freezes a period. Replies how many members it has. */
function close(call: Call): void {
  const [, board] = boardForWrite(call);
  // Asked before a period is made: a call that is refused must have changed nothing.
  if (board.plan.slidingMs > 0) {
    throw new CommandError("ERR a SLIDING board cannot be closed: its scores go by time");
  }
  const period = periodAt(call, board, 2) ?? (call.args.count === 2 ? runningOf(call, board) : undefined);
  if (period === undefined) throw new CommandError("ERR no such period");
  if (!period.isClosed) {
    period.isClosed = true;
    call.modified(1, "rank.close", EventClass.board);
  }
  call.reply.integer(period.size);
}

function runningOf(call: Call, board: Board): BoardPeriod {
  return board.running(call.nowMs, call.store);
}

/** `RANK.DROP board [PERIOD p]`: deletes the board or one period of it. Replies 1, or 0 if it was not there. */
function drop(call: Call): void {
  const { args, db, reply, store } = call;
  const record = db.findForWrite(args, 1);
  if (record !== 0 && db.typeOf(record) !== ValueType.board) throw new CommandError(WRONG_TYPE);
  const board = record === 0 ? undefined : (db.containerOf(record) as Board);
  const period = args.count > 2 && board !== undefined ? periodAt(call, board, 2) : undefined;
  if (board === undefined || (args.count > 2 && period === undefined)) {
    reply.integer(0);
    return;
  }
  if (period === undefined) db.delete(record);
  else {
    board.periods.splice(board.periods.indexOf(period), 1);
    store.bury(period);
  }
  call.modified(1, "rank.drop", EventClass.board);
  reply.integer(1);
}

/** `RANK.LOAD key blob...`: makes a board from what its rebuild wrote. Internal. */
function load(call: Call): void {
  const { args, db, reply, store } = call;
  let record = db.findForWrite(args, 1);
  if (record !== 0 && db.typeOf(record) !== ValueType.board) throw new CommandError(WRONG_TYPE);
  for (let i = 2; i < args.count; i++) {
    const value = record === 0 ? undefined : db.containerOf(record);
    // Before it is read: of a bad blob a part may have been taken over, and the copies have to do the same.
    if (value !== undefined) call.dirty++;
    const loaded = loadBoardBlob(value, args.view(i), store);
    if (record === 0) record = db.setContainer(args, 1, 0, loaded);
  }
  call.modified(1, "rank.load", EventClass.board);
  reply.ok();
}

/** Commands that make, change, load and delete boards. */
export const BOARD_KEY_HANDLERS: Readonly<Record<string, Handler>> = {
  "rank.create": create,
  "rank.alter": alter,
  "rank.close": close,
  "rank.drop": drop,
  "rank.load": load,
};
