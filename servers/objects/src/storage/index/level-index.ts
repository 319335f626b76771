import { ClassicLevel } from "classic-level";
import type { IndexChange, IndexEngine, IndexReader, IndexRow, IndexSnapshot } from "./index-engine.ts";

type Level = ClassicLevel<Uint8Array, Uint8Array>;
type LevelSnapshot = ReturnType<Level["snapshot"]>;

const MARK = Uint8Array.of(0);

/** The index on LevelDB, the second engine: for machines that RocksDB's binary does not run on. */
export class LevelIndex implements IndexEngine {
  readonly #db: Level;
  readonly #reader: IndexReader;

  private constructor(db: Level) {
    this.#db = db;
    this.#reader = reader(db, undefined);
  }

  /** @throws the engine's error if the directory is in use or damaged */
  static async open(path: string): Promise<LevelIndex> {
    const db: Level = new ClassicLevel(path, {
      keyEncoding: "view",
      valueEncoding: "view",
      cacheSize: 64 * 1_048_576,
      writeBufferSize: 32 * 1_048_576,
    });
    await db.open();
    return new LevelIndex(db);
  }

  get(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    return this.#reader.get(keys);
  }

  scan(from: Uint8Array, to: Uint8Array, limit: number): Promise<IndexRow[]> {
    return this.#reader.scan(from, to, limit);
  }

  async write(changes: readonly IndexChange[]): Promise<void> {
    const batch = this.#db.batch();
    for (const change of changes) {
      if (change.kind === "put") batch.put(change.key, change.value);
      else if (change.kind === "delete") batch.del(change.key);
      // Not part of the batch, as this engine has no range deletion: before it, so that what is to be done again stays.
      else await this.#db.clear({ gte: change.from, lt: change.to });
    }
    await batch.write();
  }

  snapshot(): IndexSnapshot {
    const snapshot = this.#db.snapshot();
    return { ...reader(this.#db, snapshot), close: () => snapshot.close() };
  }

  async flush(): Promise<void> {
    // A synced write syncs the log, and with it all that was written before; this one changes nothing.
    await this.#db.del(MARK, { sync: true });
  }

  close(): Promise<void> {
    return this.#db.close();
  }
}

function reader(db: Level, snapshot: LevelSnapshot | undefined): IndexReader {
  const options = snapshot === undefined ? {} : { snapshot };
  return {
    get: (keys) => db.getMany([...keys], options),
    scan: async (from, to, limit) => {
      const rows: IndexRow[] = [];
      if (Buffer.compare(from, to) >= 0) return rows;
      const iterator = db.iterator({ gte: from, lt: to, limit, ...options });
      try {
        for (const [key, value] of await iterator.all()) rows.push({ key, value });
      } finally {
        await iterator.close();
      }
      return rows;
    },
  };
}
