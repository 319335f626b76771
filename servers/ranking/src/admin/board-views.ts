import { HttpError } from "@kagami/kit";
import { ValueType } from "../engine/container.ts";
import type { Engine } from "../engine/engine.ts";
import type { RankedKey } from "../engine/hot-keys.ts";
import type { Board } from "../engine/structures/board.ts";
import { periodName } from "../engine/structures/board-calendar.ts";
import type { BoardPeriod } from "../engine/structures/board-period.ts";
import { nameOf, scoreOf } from "../engine/structures/board-records.ts";
import { type ByteName, byteName } from "./byte-names.ts";

/** A line of a ranking. */
interface Row {
  readonly rank: number;
  readonly member: ByteName;
  readonly score: number;
}

/** Rows of one answer, at most. */
const MOST_ROWS = 100;

/** The container of a key if it is there and of this type. Does not count as a use. */
export function findContainer<T>(engine: Engine, { database, key }: Pick<RankedKey, "database" | "key">, type: number) {
  const keyspace = engine.store.keyspaces[database];
  const bytes = Buffer.from(key, "latin1");
  const record = keyspace?.peek(bytes, 0, bytes.length) ?? 0;
  if (keyspace === undefined || record === 0 || keyspace.typeOf(record) !== type) return undefined;
  return keyspace.containerOf(record) as T;
}

/** The largest boards, as the last walk through all keys found them. */
export function describeBoards(engine: Engine): readonly object[] {
  return engine.observer.keyWalk.boards.flatMap((ranked) => {
    const board = findContainer<Board>(engine, ranked, ValueType.board);
    return board === undefined ? [] : [{ ...identityOf(ranked), ...describeBoard(engine, board) }];
  });
}

function identityOf({ database, key }: RankedKey): { database: number; key: ByteName } {
  return { database, key: byteName(key) };
}

function describeBoard(engine: Engine, board: Board): object {
  const { plan } = board;
  const period = runningOf(engine, board);
  return {
    direction: plan.isDescending ? "desc" : "asc",
    ties: plan.ties,
    aggregation: plan.aggregation,
    period: plan.period,
    current: periodName(plan.period, board.currentOf(engine.store.nowMs)),
    slidingMs: plan.slidingMs,
    cap: plan.cap,
    periods: board.periods.length,
    members: period?.size ?? 0,
    version: period?.version ?? 0,
    leader: period === undefined || period.size === 0 ? undefined : rowsOf(period, 1)[0],
    bytes: board.usedBytes,
  };
}

function runningOf(engine: Engine, board: Board): BoardPeriod | undefined {
  const { nowMs } = engine.store;
  return board.period(board.currentOf(nowMs), nowMs);
}

/**
 * One board: its settings, its best, and what has changed since a version. Old scores of a sliding board leave it with the
 * next command, not here.
 *
 * @throws HttpError 404 `BOARD_UNKNOWN`
 */
export function describeOneBoard(engine: Engine, query: URLSearchParams): object {
  const key = { database: Number(query.get("database") ?? 0), key: latinOf(query.get("key") ?? "") };
  const board = findContainer<Board>(engine, key, ValueType.board);
  if (board === undefined) throw new HttpError(404, "BOARD_UNKNOWN", "There is no such board");
  const period = runningOf(engine, board);
  const limit = Math.min(MOST_ROWS, Math.max(1, Math.floor(Number(query.get("top") ?? 10)) || 1));
  const since = query.get("since");
  return {
    ...describeBoard(engine, board),
    top: period === undefined ? [] : rowsOf(period, limit),
    ...(since !== null && changesOf(period, Number(since))),
  };
}

function latinOf(base64: string): string {
  return Buffer.from(base64, "base64url").toString("latin1");
}

function rowsOf(period: BoardPeriod, limit: number): Row[] {
  const rows: Row[] = [];
  const count = Math.min(limit, period.size);
  period.tree.forEach(0, count, (record) => rows.push(rowOf(period, record, rows)));
  return rows;
}

/** Who shares a score with the one before shares its rank, where the board says so. */
function rowOf(period: BoardPeriod, record: number, before: readonly Row[]): Row {
  const score = scoreOf(period.heap, record);
  const last = before.at(-1);
  const isShared = period.plan.ties === "shared" && last?.score === score;
  return { rank: isShared ? last.rank : before.length + 1, member: memberOf(period, record), score };
}

function memberOf(period: BoardPeriod, record: number): ByteName {
  return byteName(nameOf(period.heap, record));
}

/** `isTooOld`: what changed is not remembered any more; what is shown is all there is to know. */
function changesOf(period: BoardPeriod | undefined, since: number): object {
  if (period === undefined) return { isTooOld: since > 0, changes: [] };
  if (!(since >= period.oldestVersion && since <= period.version)) return { isTooOld: true, changes: [] };
  const found: [record: number, isRemoved: boolean][] = [];
  period.forEachChange(since, (record, isRemoved) => found.push([record, isRemoved]));
  const changes = found.slice(-MOST_ROWS).map(([record, isRemoved]) => {
    const member = memberOf(period, record);
    return isRemoved ? { member } : { member, rank: period.rankOf(record) + 1, score: scoreOf(period.heap, record) };
  });
  return { isTooOld: false, changes };
}
