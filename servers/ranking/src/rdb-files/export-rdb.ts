import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { type Container, TYPE_NAMES, ValueType } from "../engine/container.ts";
import type { Engine } from "../engine/engine.ts";
import type { Keyspace } from "../engine/keyspace.ts";
import { toRdbContainer, toRdbValue } from "../engine/rdb-values.ts";
import { ByteView } from "../engine/structures/byte-view.ts";
import type { HashValue } from "../engine/structures/hash-value.ts";
import type { ListValue } from "../engine/structures/list-value.ts";
import type { SetValue } from "../engine/structures/set-value.ts";
import type { SortedSet } from "../engine/structures/sorted-set.ts";
import { RankingError } from "../errors.ts";
import { type RdbContainer, type RdbValue, RdbWriter } from "../protocol/rdb/index.ts";

/** Whose format it is. */
const REDIS_VERSION = "7.0.15";
const FLUSH_BYTES = 1 << 20;
/** A value with more elements is written part by part, so that it is never there twice as a whole. */
const LARGE_VALUE = 4_096;

export interface ExportOptions {
  readonly path: string;
  readonly nowMs: number;
  /** Leaves out what RDB has no form for, instead of refusing. */
  readonly skips: boolean;
}

/** What was written. */
export interface ExportOutcome {
  readonly keys: number;
  readonly sizeBytes: number;
  /** Keys by type that RDB has no form for. */
  readonly leftOut: ReadonlyMap<string, number>;
  /** Hashes whose fields expire: the fields are there, their times are not. */
  readonly hashesWithExpiry: number;
}

/**
 * Writes a store into an RDB file of version 10, as Redis 7.0 reads it, a megabyte at a time. The file has its name when
 * it is whole and on the disk, not before.
 *
 * @throws RankingError `RDB_UNWRITABLE`
 */
export function exportRdb(engine: Engine, options: ExportOptions): ExportOutcome {
  const leftOut = engine.store.keyspaces.flatMap((keyspace) => [...unknownTypes(keyspace)]);
  const counts = new Map<string, number>();
  for (const type of leftOut) counts.set(type, (counts.get(type) ?? 0) + 1);
  if (counts.size > 0 && !options.skips) {
    const what = [...counts].map(([type, count]) => `${count} of type ${type}`).join(", ");
    throw new RankingError(
      "RDB_UNWRITABLE",
      `Cannot export to ${options.path}: RDB has no form for ${what}. Leave them out with --skip`,
    );
  }
  const temporary = `${options.path}.${process.pid}.tmp`;
  try {
    const writer = new FileWriter(temporary);
    try {
      writer.writeStore(engine, options.nowMs);
    } finally {
      writer.close();
    }
    renameSync(temporary, options.path);
    return {
      keys: writer.keys,
      sizeBytes: writer.sizeBytes,
      leftOut: counts,
      hashesWithExpiry: writer.hashesWithExpiry,
    };
  } catch (cause) {
    rmSync(temporary, { force: true });
    const reason = (cause as Error).message;
    throw new RankingError("RDB_UNWRITABLE", `Cannot write ${options.path}: ${reason}. Nothing was left there`, {
      cause,
    });
  }
}

function* unknownTypes(keyspace: Keyspace): Generator<string> {
  const found: string[] = [];
  keyspace.forEachRecord((record) => {
    const type = keyspace.typeOf(record);
    if (type > ValueType.sortedSet) found.push(TYPE_NAMES[type] ?? String(type));
  });
  yield* found;
}

class FileWriter {
  readonly #file: number;
  readonly #writer = new RdbWriter();
  keys = 0;
  sizeBytes = 0;
  hashesWithExpiry = 0;

  constructor(path: string) {
    this.#file = openSync(path, "w", 0o600);
  }

  writeStore({ store }: Engine, nowMs: number): void {
    const writer = this.#writer;
    writer.writeHeader({
      redisVersion: REDIS_VERSION,
      createdAtSeconds: Math.floor(nowMs / 1_000),
      usedMemoryBytes: store.usedBytes,
    });
    for (const keyspace of store.keyspaces) {
      if (keyspace.size === 0) continue;
      writer.selectDatabase(keyspace.index);
      writer.writeResize(keyspace.size, keyspace.expiringCount);
      keyspace.forEachRecord((record) => this.#writeKey(keyspace, record));
    }
    this.#out(writer.writeEnd());
    fsyncSync(this.#file);
  }

  #writeKey(keyspace: Keyspace, record: number): void {
    const type = keyspace.typeOf(record);
    if (type > ValueType.sortedSet) return;
    const key = keyspace.keyOf(record).slice();
    const expiryMs = keyspace.expiryOf(record);
    const attributes = expiryMs < 0 ? {} : { expireAtMs: expiryMs };
    if (type === ValueType.string) this.#writeValue(key, toRdbValue(keyspace, record), attributes);
    else keyspace.showContainer(record, (container) => this.#writeContainer(container, key, attributes));
    this.keys++;
    this.#flush();
  }

  #writeContainer(container: Container, key: Uint8Array, attributes: { expireAtMs?: number }): void {
    if (container.type === ValueType.hash && expiringFields(container as HashValue)) this.hashesWithExpiry++;
    if (container.size > LARGE_VALUE) this.#writeLarge(container, key, attributes);
    else this.#writeValue(key, toRdbContainer(container), attributes);
  }

  #writeValue(key: Uint8Array, value: RdbValue | undefined, attributes: { expireAtMs?: number }): void {
    if (value !== undefined) this.#writer.writeEntry(key, value, attributes);
  }

  #writeLarge(container: Container, key: Uint8Array, attributes: { expireAtMs?: number }): void {
    const writer = this.#writer;
    const begin = (kind: RdbContainer): void => writer.beginContainer(kind, key, container.size, attributes);
    const part = (bytes: Uint8Array, start: number, end: number): void => {
      writer.writePart(bytes.subarray(start, end));
      this.#flush();
    };
    if (container.type === ValueType.list) {
      begin("list");
      (container as ListValue).forEach(0, container.size, part);
    } else if (container.type === ValueType.set) {
      begin("set");
      (container as SetValue).forEachMember(part);
    } else if (container.type === ValueType.sortedSet) {
      begin("sorted-set");
      (container as SortedSet).forEach(container.size - 1, container.size, true, (bytes, start, end, score) => {
        writer.writeScored(bytes.subarray(start, end), score);
        this.#flush();
      });
    } else this.#writeLargeHash(container as HashValue, key, attributes);
  }

  /** Counts first: fields whose time has come are not there any more. */
  #writeLargeHash(hash: HashValue, key: Uint8Array, attributes: { expireAtMs?: number }): void {
    let count = 0;
    hash.forEachField(() => {
      count++;
    });
    this.#writer.beginContainer("hash", key, count, attributes);
    const [name, value] = [new ByteView(), new ByteView()];
    hash.forEachField((field) => {
      hash.readField(field, name);
      hash.readValue(field, value);
      this.#writer.writePair(name.copy(), value.copy());
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#writer.sizeBytes >= FLUSH_BYTES) this.#out(this.#writer.take());
  }

  #out(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#file, bytes, at);
    this.sizeBytes += bytes.length;
  }

  close(): void {
    closeSync(this.#file);
  }
}

function expiringFields(hash: HashValue): boolean {
  return Number.isFinite(hash.nextFieldExpiryMs);
}
