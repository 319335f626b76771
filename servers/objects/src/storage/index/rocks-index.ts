import RocksDB from "rocksdb-native";
import type { IndexChange, IndexEngine, IndexRow, IndexSnapshot } from "./index-engine.ts";

const OPEN_OPTIONS = { maxBackgroundJobs: 2, skipStatsUpdateOnOpen: true };
/** Rows that one trip to the engine's thread brings. */
const SCAN_TRIP_ROWS = 256;

/** The index on RocksDB. Its writes go to its log without a sync; its own flush syncs. */
export class RocksIndex implements IndexEngine {
  readonly #db: RocksDB;

  private constructor(db: RocksDB) {
    this.#db = db;
  }

  /** @throws the engine's error if the directory is in use or damaged */
  static async open(path: string): Promise<RocksIndex> {
    const db = new RocksDB(path, OPEN_OPTIONS);
    await db.ready();
    return new RocksIndex(db);
  }

  get(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    return get(this.#db, keys);
  }

  scan(from: Uint8Array, to: Uint8Array, limit: number): Promise<IndexRow[]> {
    return scan(this.#db, from, to, limit);
  }

  async write(changes: readonly IndexChange[]): Promise<void> {
    if (changes.length === 0) return;
    const batch = this.#db.write({ capacity: changes.length, autoDestroy: true });
    for (const change of changes) {
      if (change.kind === "put") batch.tryPut(change.key, change.value);
      else if (change.kind === "delete") batch.tryDelete(change.key);
      else batch.tryDeleteRange(change.from, change.to);
    }
    await batch.flush();
  }

  snapshot(): IndexSnapshot {
    const session = this.#db.snapshot();
    return {
      get: (keys) => get(session, keys),
      scan: (from, to, limit) => scan(session, from, to, limit),
      close: () => session.close(),
    };
  }

  flush(): Promise<void> {
    return this.#db.flush();
  }

  close(): Promise<void> {
    return this.#db.close();
  }
}

async function get(db: RocksDB, keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
  if (keys.length === 0) return [];
  const batch = db.read({ capacity: keys.length, autoDestroy: true });
  const values: Promise<Uint8Array | null>[] = [];
  for (const key of keys) values.push(batch.get(key));
  batch.tryFlush();
  const results: (Uint8Array | undefined)[] = [];
  for (const value of values) results.push((await value) ?? undefined);
  return results;
}

async function scan(db: RocksDB, from: Uint8Array, to: Uint8Array, limit: number): Promise<IndexRow[]> {
  const rows: IndexRow[] = [];
  if (Buffer.compare(from, to) >= 0) return rows;
  for await (const row of db.iterator({ gte: from, lt: to, limit, capacity: Math.min(limit, SCAN_TRIP_ROWS) })) {
    rows.push(row);
  }
  return rows;
}
