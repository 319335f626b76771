import type { Container } from "../container.ts";
import { CommandError } from "../replies.ts";
import type { Store } from "../store.ts";
import { MAX_ZONE_NAME_BYTES, type Zone, type Zones } from "../zones.ts";
import { BAD_BLOB, BLOB_BYTES, BlobReader, BlobWriter, textBytes } from "./blob.ts";
import { Board } from "./board.ts";
import { PERIOD_KINDS } from "./board-calendar.ts";
import { BoardPeriod } from "./board-period.ts";
import { type Aggregation, type BoardPlan, checkBoardPlan, type TieRule } from "./board-plan.ts";
import { MAX_BOARD_MEMBER_BYTES, nameOf, partCount, scoreOf, versionOf } from "./board-records.ts";

/** What a blob has in it: its first byte. Kept in snapshots: never change one. */
const Part = { plan: 1, period: 2, members: 3, slide: 4 } as const;
const TIES: readonly TieRule[] = ["first", "last", "shared", "lex"];
const AGGREGATIONS: readonly Aggregation[] = ["sum", "best", "last"];
/** A member has one part for each step, and some more when the board lags behind. */
const MOST_PARTS = 60_000;
const LARGEST = Number.MAX_SAFE_INTEGER;

/** Emits `RANK.LOAD key blob` commands that make an equal board. Only the changes for live pages are not remembered. */
export function rebuildBoard(board: Board, key: Uint8Array, emit: (args: readonly Uint8Array[]) => void): void {
  const put = (blob: BlobWriter): void => emit([textBytes("RANK.LOAD"), key, blob.take()]);
  const blob = new BlobWriter();
  writePlan(blob.byte(Part.plan), board.plan);
  put(blob);
  for (const period of board.periods) {
    put(
      blob
        .byte(Part.period)
        .double(period.number)
        .double(period.version)
        .byte(period.isClosed ? 1 : 0),
    );
    const put60k = (part: number): void => {
      if (blob.length < BLOB_BYTES) return;
      put(blob);
      blob.byte(part);
    };
    blob.byte(Part.members);
    period.tree.forEach(0, period.size, (record) => {
      const { heap } = period;
      blob.name(nameOf(heap, record)).double(scoreOf(heap, record)).double(versionOf(heap, record));
      put60k(Part.members);
    });
    put(blob);
    if (period.slide === undefined) continue;
    blob.byte(Part.slide);
    period.slide.forEach((record, step, amount) => {
      // Those of members that were removed say where they stand: so many parts leave with one call, whosever they are.
      if (record === 0) blob.noName().word(step);
      else blob.name(nameOf(period.heap, record)).word(step).double(amount);
      put60k(Part.slide);
    });
    put(blob);
  }
}

function writePlan(blob: BlobWriter, plan: BoardPlan): void {
  blob
    .byte(plan.isDescending ? 1 : 0)
    .byte(TIES.indexOf(plan.ties))
    .byte(AGGREGATIONS.indexOf(plan.aggregation));
  blob.byte(PERIOD_KINDS.indexOf(plan.period)).double(plan.offsetMs).word(plan.keep).double(plan.slidingMs);
  blob.word(plan.cap).double(plan.expireSeconds).word(plan.changes);
  if (plan.zone !== undefined) blob.name(textBytes(plan.zone.name));
}

function readPlan(blob: BlobReader, zones: Zones): BoardPlan {
  const isDescending = blob.byte() === 1;
  const ties = TIES[blob.byte()];
  const aggregation = AGGREGATIONS[blob.byte()];
  const period = PERIOD_KINDS[blob.byte()];
  const [offsetMs, keep, slidingMs] = [blob.whole(-86_400_000, 86_400_000), blob.word(), blob.double()];
  const [cap, expireSeconds, changes] = [blob.word(), blob.double(), blob.word()];
  if (ties === undefined || aggregation === undefined || period === undefined) throw new CommandError(BAD_BLOB);
  const zone = readZone(blob, zones);
  const plan = {
    isDescending,
    ties,
    aggregation,
    period,
    offsetMs,
    zone,
    keep,
    slidingMs,
    cap,
    expireSeconds,
    changes,
  };
  checkBoardPlan(plan);
  return plan;
}

/** The zone that the rest of a plan names, if there is a rest. Its rules came before. */
export function readZone(blob: BlobReader, zones: Zones): Zone | undefined {
  if (blob.isAtEnd) return undefined;
  const name = blob.name(MAX_ZONE_NAME_BYTES);
  const zone = zones.get(String.fromCharCode(...name));
  if (zone === undefined) throw new CommandError(BAD_BLOB);
  return zone;
}

/**
 * Adds what a blob has to a board that is being rebuilt, or begins one.
 *
 * @throws CommandError if the blob is none, or not one that can come here. A part of it may have been read by then.
 */
export function loadBoardBlob(value: Container | undefined, bytes: Uint8Array, store: Store): Board {
  const { heap, hashSeed, zones } = store;
  const blob = new BlobReader(bytes);
  const part = blob.byte();
  if (value === undefined) {
    if (part !== Part.plan) throw new CommandError(BAD_BLOB);
    return new Board(heap, hashSeed, readPlan(blob, zones));
  }
  if (!(value instanceof Board)) throw new CommandError(BAD_BLOB);
  const newest = value.periods.at(-1);
  if (part === Part.period) {
    const number = blob.whole(-LARGEST, LARGEST);
    if (newest !== undefined && newest.number >= number) throw new CommandError(BAD_BLOB);
    const period = new BoardPeriod(heap, hashSeed, value.plan, number, blob.whole(0, LARGEST));
    value.periods.push(period);
    period.isClosed = blob.byte() === 1;
  } else if (part === Part.members && newest !== undefined) readMembers(blob, newest);
  else if (part === Part.slide && newest?.slide !== undefined) readSlide(blob, newest);
  else throw new CommandError(BAD_BLOB);
  return value;
}

function readMembers(blob: BlobReader, period: BoardPeriod): void {
  while (!blob.isAtEnd) {
    const name = blob.name(MAX_BOARD_MEMBER_BYTES);
    const score = blob.double();
    const version = blob.whole(0, period.version);
    if (!Number.isFinite(score) || period.find(name, 0, name.length) !== 0) throw new CommandError(BAD_BLOB);
    period.add(name, 0, name.length, score, version);
  }
}

function readSlide(blob: BlobReader, period: BoardPeriod): void {
  while (!blob.isAtEnd) {
    const name = blob.nameOrNone(MAX_BOARD_MEMBER_BYTES);
    const step = blob.index(LARGEST);
    if (name === undefined) {
      period.slide!.addAbandoned(step);
      continue;
    }
    const record = period.find(name, 0, name.length);
    const amount = blob.double();
    if (record === 0 || !Number.isFinite(amount) || partCount(period.heap, record) >= MOST_PARTS)
      throw new CommandError(BAD_BLOB);
    period.slide!.add(record, step, amount);
  }
}
