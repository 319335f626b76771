import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { byteText } from "../engine/acl/index.ts";
import type { Engine } from "../engine/engine.ts";
import { checkKeyBytes } from "../engine/key-record.ts";
import { fromRdbValue } from "../engine/rdb-values.ts";
import { CommandError } from "../engine/replies.ts";
import { RankingError } from "../errors.ts";
import { Args } from "../protocol/args.ts";
import { type RdbEntry, type RdbItem, RdbReader } from "../protocol/rdb/index.ts";

const CHUNK_BYTES = 1 << 20;
const SHOWN_KEY_BYTES = 80;

/** What was read. */
export interface ImportOutcome {
  keys: number;
  /** Keys whose time had come. */
  expiredKeys: number;
  /** What the file has and the store does not keep, by kind. */
  readonly leftOut: Map<string, number>;
  /** The Redis that wrote the file, or "". */
  redisVersion: string;
  /** Whether the file has a checksum; it was right then. */
  isChecked: boolean;
  sizeBytes: number;
}

/**
 * Reads an RDB file into an empty store, a megabyte of the file at a time. Only when it returns is all of the file read
 * and its checksum found right: who gets an error throws the store away.
 *
 * @param skips Leaves out streams, modules and functions instead of refusing them.
 * @throws RankingError `RDB_UNREADABLE`
 */
export function importRdb(engine: Engine, path: string, skips: boolean): ImportOutcome {
  const outcome: ImportOutcome = {
    ...{ keys: 0, expiredKeys: 0, leftOut: new Map<string, number>() },
    ...{ redisVersion: "", isChecked: false, sizeBytes: 0 },
  };
  const file = openFile(path);
  try {
    const reader = new RdbReader();
    for (let isWhole = false; !isWhole; ) {
      const chunk = new Uint8Array(CHUNK_BYTES);
      const size = readSync(file, chunk);
      isWhole = size === 0;
      if (isWhole) reader.end();
      else reader.push(chunk.subarray(0, size));
      for (let item = reader.next(); item !== undefined; item = reader.next()) take(engine, item, outcome, skips);
    }
    outcome.sizeBytes = fstatSync(file).size;
    return outcome;
  } catch (cause) {
    if (!(cause instanceof RankingError) || cause.message.includes(path)) throw cause;
    throw new RankingError("RDB_UNREADABLE", `Cannot import ${path}: ${cause.message}`, { cause });
  } finally {
    closeSync(file);
  }
}

function openFile(path: string): number {
  try {
    return openSync(path, "r");
  } catch (cause) {
    const mend = "Give the path of a file that Redis or an export wrote";
    throw new RankingError("RDB_UNREADABLE", `Cannot open ${path}: ${(cause as Error).message}. ${mend}`, { cause });
  }
}

function take(engine: Engine, item: RdbItem, outcome: ImportOutcome, skips: boolean): void {
  switch (item.kind) {
    case "aux":
      if (item.name === "redis-ver") outcome.redisVersion = Buffer.from(item.value).toString("latin1");
      break;
    case "entry":
      put(engine, item, outcome);
      break;
    case "skipped":
      if (!skips && item.what !== "empty") {
        const where = item.key === undefined ? "" : ` at ${shown(item.key)}`;
        throw new RankingError("RDB_UNREADABLE", `${item.reason}${where}. Leave such things out with --skip`);
      }
      outcome.leftOut.set(item.what, (outcome.leftOut.get(item.what) ?? 0) + 1);
      break;
    case "end":
      outcome.isChecked = item.isChecked;
      break;
    case "version":
    case "resize":
      break;
    default:
      item satisfies never;
  }
}

const args = new Args();

function put(engine: Engine, entry: RdbEntry, outcome: ImportOutcome): void {
  const { store } = engine;
  const { key, value, expireAtMs } = entry;
  if (expireAtMs !== undefined && expireAtMs <= store.nowMs) {
    outcome.expiredKeys++;
    return;
  }
  const db = store.keyspaces[entry.database];
  if (db === undefined)
    throw refused(key, `it is in database ${entry.database}, and there are ${store.keyspaces.length}`);
  args.assign([key]);
  try {
    checkKeyBytes(key.length);
    const container = value.kind === "string" ? undefined : fromRdbValue(store, value);
    if (value.kind !== "string" && container === undefined) throw refused(key, "it has a member or field twice");
    if (db.findForWrite(args, 0) !== 0) throw refused(key, "the file has it twice");
    let record = 0;
    if (container !== undefined) record = db.setContainer(args, 0, 0, container);
    else if (value.kind === "string") record = db.setString(args, 0, 0, value.bytes, 0, value.bytes.length);
    if (expireAtMs !== undefined) db.setExpiry(record, expireAtMs);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    throw refused(key, error.message.replace(/^ERR /, ""));
  }
  outcome.keys++;
}

function refused(key: Uint8Array, why: string): RankingError {
  return new RankingError("RDB_UNREADABLE", `The key ${shown(key)} cannot be kept: ${why}`);
}

function shown(key: Uint8Array): string {
  return JSON.stringify(byteText(key, 0, Math.min(key.length, SHOWN_KEY_BYTES)));
}
