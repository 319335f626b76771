import type { ReplyWriter } from "../../protocol/reply-writer.ts";
import { SEGMENT_SHIFT } from "../memory/heap.ts";
import type { BoardPeriod } from "../structures/board-period.ts";
import { nameSize, nameStart, scoreOf } from "../structures/board-records.ts";

/** Most rows of one reply. */
export const MOST_ROWS = 10_000;

/** What the rows are being written from; one call at a time. */
let reply: ReplyWriter;
let period: BoardPeriod;
let position = 0;
let rank = 0;
let lastKey = Number.NaN;

function writeRow(record: number, key: number): void {
  if (key !== lastKey || period.plan.ties !== "shared") rank = position;
  lastKey = key;
  position++;
  writeEntry(reply, period, record, rank);
}

function writeName(record: number): void {
  writeMember(reply, period, record);
}

/** A member's name. */
export function writeMember(to: ReplyWriter, of: BoardPeriod, record: number): void {
  const bytes = of.heap.bytes[record >>> SEGMENT_SHIFT]!;
  const start = nameStart(record);
  to.bulk(bytes, start, start + nameSize(of.heap, record));
}

/** A row: rank, which is 1 for the best, member, score. */
export function writeEntry(to: ReplyWriter, of: BoardPeriod, record: number, rankFrom0: number): void {
  to.array(3);
  to.integer(rankFrom0 + 1);
  writeMember(to, of, record);
  to.double(scoreOf(of.heap, record));
}

/** The rows from place `first` (from 0) on, at most `count`, with the ranks of the board's tie rule. */
export function writeRows(to: ReplyWriter, of: BoardPeriod | undefined, first: number, count: number): void {
  const rows = of === undefined ? 0 : Math.max(0, Math.min(count, of.size - first));
  to.array(rows);
  if (rows === 0 || of === undefined) return;
  reply = to;
  period = of;
  position = first;
  rank = of.plan.ties === "shared" ? of.competitionOf(of.tree.recordAt(first)) : first;
  lastKey = of.plan.ties === "shared" ? of.tree.scoreAt(first) : Number.NaN;
  of.tree.forEach(first, rows, writeRow);
}

/** `count` rows with this member in the middle, or as near to it as the ends of the board allow. */
export function writeAround(to: ReplyWriter, of: BoardPeriod, ordinal: number, count: number): void {
  const first = Math.max(0, Math.min(ordinal - ((count - 1) >> 1), of.size - count));
  writeRows(to, of, first, count);
}

/** The names of `count` members from place `first` on, which must be there. */
export function writeNames(to: ReplyWriter, of: BoardPeriod, first: number, count: number): void {
  to.array(count);
  reply = to;
  period = of;
  of.tree.forEach(first, count, writeName);
}
