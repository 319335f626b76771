import { parseDouble } from "../../protocol/numbers.ts";
import type { Call } from "../call.ts";
import type { Handler } from "../command.ts";
import { ValueType } from "../container.ts";
import { EventClass } from "../key-events.ts";
import { CommandError, NO_SUCH_KEY, NOT_A_FLOAT, SYNTAX_ERROR, WRONG_TYPE } from "../replies.ts";
import { textBytes } from "../structures/blob.ts";
import type { Board } from "../structures/board.ts";
import { periodName } from "../structures/board-calendar.ts";
import type { BoardPeriod } from "../structures/board-period.ts";
import { scoreOf } from "../structures/board-records.ts";
import { formatOffset } from "../structures/window-plan.ts";
import { boundedAt, wholeAt } from "./boards-options.ts";
import { MOST_ROWS, writeAround, writeEntry, writeMember, writeRows } from "./boards-rows.ts";

/** Parts of scores that a sliding board takes away at most with one call. */
export const SETTLE_PARTS = 2_000;

/**
 * The period that is asked: of the board in argument 1, named by a `PERIOD p` at the end, or the running one. Old scores
 * of a sliding board leave it first, for which RANK.TICK is put into the log; while that cannot be written they stay.
 *
 * @returns The period, if it is there, and how many arguments there are without the option.
 */
function open(call: Call): [period: BoardPeriod | undefined, count: number] {
  const { args, db, nowMs } = call;
  const record = db.find(args, 1);
  const hasPeriod = args.count > 3 && args.isWord(args.count - 2, "PERIOD");
  const count = hasPeriod ? args.count - 2 : args.count;
  if (record === 0) return [undefined, count];
  if (db.typeOf(record) !== ValueType.board) throw new CommandError(WRONG_TYPE);
  const board = db.containerOf(record) as Board;
  let number = board.currentOf(nowMs);
  if (hasPeriod) number = board.parsePeriod(args.text(args.count - 1), nowMs);
  if (Number.isNaN(number)) throw new CommandError("ERR PERIOD must be 0, -1, ... or a date such as 2026-11-29");
  const period = board.period(number, nowMs);
  if (call.mayTidy && period?.isDue(nowMs)) {
    period.settle(nowMs, SETTLE_PARTS);
    call.modified(1, "rank.tick", EventClass.board);
    call.logInstead([textBytes("RANK.TICK"), args.copy(1)]);
  }
  return [period, count];
}

/** `RANK.TICK board`: takes too old scores off a sliding board. What reads put into the log. */
function tick(call: Call): void {
  const record = call.db.findForWrite(call.args, 1);
  const board = record === 0 ? undefined : call.container<Board>(record, ValueType.board);
  if (record !== 0 && board === undefined) return;
  const period = board?.period(0, call.nowMs);
  if (period?.isDue(call.nowMs)) {
    period.settle(call.nowMs, SETTLE_PARTS);
    call.modified(1, "rank.tick", EventClass.board);
  }
  call.reply.ok();
}

function exactly(count: number, wanted: number): void {
  if (count !== wanted) throw new CommandError(SYNTAX_ERROR);
}

function recordAt({ args }: Call, period: BoardPeriod | undefined, index: number): number {
  return period === undefined ? 0 : period.find(args.bytes, args.starts[index]!, args.ends[index]!);
}

/** `RANK.TOP board n [PERIOD p]`: the best n as rows of rank, member, score. */
function top(call: Call): void {
  const limit = boundedAt(call, 2, "n", 1, MOST_ROWS);
  const [period, count] = open(call);
  exactly(count, 3);
  writeRows(call.reply, period, 0, limit);
}

/** `RANK.PAGE board page size [PERIOD p]`: page 1 is the first. */
function page(call: Call): void {
  const number = boundedAt(call, 2, "the page", 1, 1_000_000_000);
  const size = boundedAt(call, 3, "the size of a page", 1, MOST_ROWS);
  const [period, count] = open(call);
  exactly(count, 4);
  writeRows(call.reply, period, (number - 1) * size, size);
}

/** `RANK.AROUND board member n [PERIOD p]`: n rows with the member in the middle; nil if it is not there. */
function around(call: Call): void {
  const limit = boundedAt(call, 3, "n", 1, MOST_ROWS);
  const [period, count] = open(call);
  exactly(count, 4);
  const record = recordAt(call, period, 2);
  if (record === 0 || period === undefined) call.reply.nilArray();
  else writeAround(call.reply, period, period.ordinalOf(record), limit);
}

/** `RANK.OF board member [ORDINAL|COMPETITION|DENSE] [PERIOD p]`: where a member stands; nil if it is not there. */
function rankOf(call: Call): void {
  const { args, reply } = call;
  const [period, count] = open(call);
  const isOrdinal = count === 4 && args.isWord(3, "ORDINAL");
  const isCompetition = count === 4 && args.isWord(3, "COMPETITION");
  const isDense = count === 4 && args.isWord(3, "DENSE");
  if (count !== 3 && !isOrdinal && !isCompetition && !isDense) throw new CommandError(SYNTAX_ERROR);
  const record = recordAt(call, period, 2);
  if (record === 0 || period === undefined) {
    reply.nilArray();
    return;
  }
  if (isDense && period.plan.ties !== "shared") {
    throw new CommandError("ERR only boards with TIES shared count different scores");
  }
  const ordinal = period.ordinalOf(record);
  let rank = isOrdinal ? ordinal : period.rankOf(record);
  if (isCompetition) rank = period.competitionOf(record);
  if (isDense) rank = period.denseOf(record);
  const { size, heap } = period;
  const score = scoreOf(heap, record);
  reply.map(6);
  reply.bulkText("rank");
  reply.integer(rank + 1);
  reply.bulkText("score");
  reply.double(score);
  reply.bulkText("of");
  reply.integer(size);
  reply.bulkText("percentile");
  reply.double(size === 1 ? 100 : (100 * (size - 1 - ordinal)) / (size - 1));
  const ahead = ordinal === 0 ? 0 : period.tree.recordAt(ordinal - 1);
  reply.bulkText("next");
  if (ahead === 0) reply.nil();
  else writeMember(reply, period, ahead);
  reply.bulkText("distance");
  if (ahead === 0) reply.nil();
  else reply.double(Math.abs(scoreOf(heap, ahead) - score));
}

/** `RANK.AMONG board member... [PERIOD p]`: the rows of these members alone, the best first; who is not there is left out. */
function among(call: Call): void {
  const { reply } = call;
  const [period, count] = open(call);
  if (count < 3) throw new CommandError(SYNTAX_ERROR);
  if (count - 2 > MOST_ROWS) throw new CommandError(`ERR at most ${MOST_ROWS} members can be asked for at once`);
  const rows = new Map<number, number>();
  for (let i = 2; i < count; i++) {
    const record = recordAt(call, period, i);
    if (record !== 0 && period !== undefined) rows.set(record, period.ordinalOf(record));
  }
  reply.array(rows.size);
  if (period === undefined) return;
  for (const [record] of [...rows].sort((a, b) => a[1] - b[1])) {
    writeEntry(reply, period, record, period.rankOf(record));
  }
}

/** `RANK.SCORE board member... [PERIOD p]`: their scores, nil for who is not there. */
function score(call: Call): void {
  const [period, count] = open(call);
  if (count < 3) throw new CommandError(SYNTAX_ERROR);
  call.reply.array(count - 2);
  for (let i = 2; i < count; i++) {
    const record = recordAt(call, period, i);
    if (record === 0 || period === undefined) call.reply.nil();
    else call.reply.double(scoreOf(period.heap, record));
  }
}

/** `RANK.COUNT board [min max] [PERIOD p]`: members, or those with a score from min to max. */
function count(call: Call): void {
  const { args, reply } = call;
  const hasPeriod = args.count > 3 && args.isWord(args.count - 2, "PERIOD");
  const given = hasPeriod ? args.count - 2 : args.count;
  if (given !== 2 && given !== 4) throw new CommandError(SYNTAX_ERROR);
  const [least = 0, most = 0] = [2, 3].map((i) =>
    given === 4 ? parseDouble(args.bytes, args.starts[i]!, args.ends[i]!) : 0,
  );
  if (Number.isNaN(least) || Number.isNaN(most)) throw new CommandError(NOT_A_FLOAT);
  const [period] = open(call);
  if (period === undefined) reply.integer(0);
  else reply.integer(given === 2 ? period.size : period.countBetween(least, most));
}

/**
 * `RANK.CHANGES board since`: the members that changed after a version, each as it is now, nil for those removed. If
 * that is too long ago there are none and `reload` is 1: fetch the board, then ask from `version` on.
 */
function changes(call: Call): void {
  const { reply } = call;
  const since = wholeAt(call, 2);
  if (since < 0) throw new CommandError("ERR a version is not negative");
  const [period, argCount] = open(call);
  exactly(argCount, 3);
  const version = period?.version ?? 0;
  const isTooOld = period !== undefined ? since < period.oldestVersion || since > version : since > 0;
  reply.map(3);
  reply.bulkText("version");
  reply.integer(version);
  reply.bulkText("reload");
  reply.integer(isTooOld ? 1 : 0);
  reply.bulkText("changes");
  const found: [record: number, isRemoved: boolean][] = [];
  if (!isTooOld) period?.forEachChange(since, (record, isRemoved) => found.push([record, isRemoved]));
  reply.array(found.length);
  for (const [record, isRemoved] of found) {
    if (!isRemoved) writeEntry(reply, period!, record, period!.rankOf(record));
    else {
      reply.array(3);
      reply.nil();
      writeMember(reply, period!, record);
      reply.nil();
    }
  }
}

/** `RANK.INFO board`: how it ranks and what it keeps. */
function info(call: Call): void {
  const { args, db, reply, nowMs } = call;
  const record = db.find(args, 1);
  if (record === 0) throw new CommandError(NO_SUCH_KEY);
  const board = call.container<Board>(record, ValueType.board);
  if (board === undefined) return;
  const { plan } = board;
  const texts: [string, string][] = [
    ["dir", plan.isDescending ? "desc" : "asc"],
    ["ties", plan.ties],
    ["agg", plan.aggregation],
    ["period", plan.period],
    ["tz", plan.zone?.name ?? formatOffset(plan.offsetMs)],
    ["current", periodName(plan.period, board.currentOf(nowMs))],
  ];
  const numbers: [string, number][] = [
    ["sliding-ms", plan.slidingMs],
    ["cap", plan.cap],
    ["keep", plan.keep],
    ["expire", plan.expireSeconds],
    ["changes", plan.changes],
    ["bytes", board.usedBytes],
  ];
  reply.map(texts.length + numbers.length + 1);
  for (const [name, text] of texts) {
    reply.bulkText(name);
    reply.bulkText(text);
  }
  for (const [name, number] of numbers) {
    reply.bulkText(name);
    reply.integer(number);
  }
  reply.bulkText("periods");
  reply.array(board.periods.length);
  for (const period of board.periods) {
    reply.array(4);
    reply.bulkText(periodName(plan.period, period.number));
    reply.integer(period.size);
    reply.integer(period.version);
    reply.bulkText(period.isClosed ? "closed" : "open");
  }
}

/** Commands that ask boards. */
export const BOARD_READ_HANDLERS: Readonly<Record<string, Handler>> = {
  "rank.tick": tick,
  "rank.top": top,
  "rank.page": page,
  "rank.around": around,
  "rank.of": rankOf,
  "rank.among": among,
  "rank.score": score,
  "rank.count": count,
  "rank.changes": changes,
  "rank.info": info,
};
