import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createRandom, type Random } from "@kagami/clock";
import {
  DumpWriter,
  type RdbEntry,
  RdbError,
  RdbReader,
  type RdbValue,
  RdbWriter,
  readDump,
  readRdb,
} from "@kagami/ranking/rdb";
import { eventually, runTool, startRedis, withTempDir } from "@kagami/testkit";
import { describe, expect, test } from "vitest";
import { askValue, comparable, randomString, randomValue, storeValue } from "./support/rdb-data.ts";
import { connectRedis, type RedisClient } from "./support/redis-client.ts";

const KEYS = 250;
const DATABASES = 16;
const FAR_MS = 4_000_000_000_000;
const HEADER = { redisVersion: "7.0.15", createdAtSeconds: 1_700_000_000, usedMemoryBytes: 1_000_000 };

interface Kept {
  readonly database: number;
  readonly key: Buffer;
  readonly value: RdbValue;
  readonly expireAtMs?: number;
}

/** Keys of every kind in every database, some of which expire in a far future. */
function generate(random: Random, count: number): Kept[] {
  const kept: Kept[] = [];
  for (let i = 0; i < count; i++) {
    const key = Buffer.concat([randomString(random), Buffer.from(`:${i}`)]);
    const expiry = random.chance(0.3) ? { expireAtMs: FAR_MS + random.int(0, 1e9) } : {};
    kept.push({ database: random.int(0, DATABASES - 1), key, value: randomValue(random), ...expiry });
  }
  return kept.sort((a, b) => a.database - b.database);
}

/** A real server that keeps its file in `dir`; its connection is closed and the server stopped at the end. */
async function withRedis<T>(
  dir: string,
  use: (redis: RedisClient) => Promise<T>,
  extraArgs: readonly string[] = [],
): Promise<T> {
  const server = await startRedis(["--dir", dir, "--databases", String(DATABASES), ...extraArgs]);
  const redis = await connectRedis(server.port);
  try {
    await eventually(() => redis.ask("PING")); // refused while the file is being loaded
    return await use(redis);
  } finally {
    redis.close();
    await server.stop();
  }
}

/** What the server gets before it is filled: other limits, so that the same data takes other forms. */
const SETTINGS = [
  { name: "the default settings", config: [] },
  {
    name: "no blocks",
    config: ["hash-max-listpack-entries", "0", "zset-max-listpack-entries", "0", "set-max-intset-entries", "0"],
  },
  {
    name: "large blocks",
    config: [
      ...["hash-max-listpack-entries", "5000", "hash-max-listpack-value", "20000"],
      ...["zset-max-listpack-entries", "5000", "zset-max-listpack-value", "20000"],
      ...["set-max-intset-entries", "5000", "list-max-listpack-size", "-5"],
    ],
  },
  { name: "small nodes", config: ["list-max-listpack-size", "3", "list-compress-depth", "1"] },
  { name: "no compression and no checksum", config: ["rdbcompression", "no", "list-max-listpack-size", "1"] },
  { name: "an LRU policy", config: ["maxmemory-policy", "allkeys-lru"] },
  { name: "an LFU policy", config: ["maxmemory-policy", "allkeys-lfu"] },
];

describe("a file that a real server wrote is read as the server answers", () => {
  test.each(SETTINGS)("with $name", async ({ name, config }) => {
    const kept = generate(createRandom(11), KEYS);
    await withTempDir(async (dir) => {
      const args = name.includes("no checksum") ? ["--rdbchecksum", "no"] : [];
      const file = await withRedis(
        dir,
        async (redis) => {
          if (config.length > 0) await redis.ask("CONFIG", "SET", ...config);
          await redis.ask("DEBUG", "QUICKLIST-PACKED-THRESHOLD", "150b");
          await fill(redis, kept);
          await redis.ask("XADD", "a stream", "*", "field", "value");
          await redis.ask("XGROUP", "CREATE", "a stream", "group", "0");
          await redis.ask("XREADGROUP", "GROUP", "group", "me", "STREAMS", "a stream", ">");
          await redis.ask("FUNCTION", "LOAD", "#!lua name=lib\nredis.register_function('f', function() return 1 end)");
          await redis.ask("SAVE");
          return readFile(join(dir, "dump.rdb"));
        },
        [...args, "--enable-debug-command", "yes"],
      );
      const items = readInChunks(file, 4_096);
      const entries = items.filter((item) => item.kind === "entry");
      expectEqual(entries, kept);
      expect(
        items
          .filter((item) => item.kind === "skipped")
          .map(({ what }) => what)
          .sort(),
      ).toEqual(["function", "stream"]);
      expect(items.at(-1)).toEqual({ kind: "end", isChecked: args.length === 0 });
      expect(items.filter((item) => item.kind === "aux").map((item) => item.name)).toContain("redis-ver");
      const has = (attribute: keyof RdbEntry): boolean => entries.every((entry) => entry[attribute] !== undefined);
      expect([has("idleSeconds"), has("frequency")]).toEqual([name.includes("LRU"), name.includes("LFU")]);
    });
  });
});

async function fill(redis: RedisClient, kept: readonly Kept[]): Promise<void> {
  for (const { database, key, value, expireAtMs } of kept) {
    await redis.ask("SELECT", database);
    await storeValue(redis, key, value);
    if (expireAtMs !== undefined) await redis.ask("PEXPIREAT", key, expireAtMs);
  }
  await redis.ask("SELECT", 0);
}

function readInChunks(file: Uint8Array, chunkBytes: number) {
  const reader = new RdbReader();
  const items = [];
  for (let at = 0; at < file.length; at += chunkBytes) {
    reader.push(file.subarray(at, at + chunkBytes));
    if (at + chunkBytes >= file.length) reader.end();
    for (let item = reader.next(); item !== undefined; item = reader.next()) items.push(item);
  }
  expect(reader.offset).toBe(file.length);
  return items;
}

function expectEqual(entries: readonly RdbEntry[], kept: readonly Kept[]): void {
  const found = new Map(
    entries.map((entry) => [`${entry.database} ${Buffer.from(entry.key).toString("latin1")}`, entry]),
  );
  expect(found.size).toBe(kept.length);
  for (const { database, key, value, expireAtMs } of kept) {
    const entry = found.get(`${database} ${key.toString("latin1")}`);
    expect(entry?.expireAtMs).toBe(expireAtMs);
    expect(entry && comparable(entry.value)).toEqual(comparable(value));
  }
}

describe("a file that we wrote is loaded by a real server", () => {
  test.each([
    { name: "compressed", isCompressing: true, isInParts: false },
    { name: "not compressed", isCompressing: false, isInParts: false },
    { name: "in parts", isCompressing: true, isInParts: true },
  ])("$name", async ({ isCompressing, isInParts }) => {
    const kept = generate(createRandom(12), KEYS);
    await withTempDir(async (dir) => {
      const path = join(dir, "dump.rdb");
      await writeFile(path, write(kept, isCompressing, isInParts));
      const check = await runTool("redis-check-rdb", [path]);
      expect(check.stdout).toContain("RDB looks OK!");
      await withRedis(dir, async (redis) => {
        for (const { database, key, value, expireAtMs } of kept) {
          await redis.ask("SELECT", database);
          expect(await askValue(redis, key, value.kind)).toEqual(comparable(value));
          expect(await redis.ask("PEXPIRETIME", key)).toBe(expireAtMs ?? -1);
        }
        const keyCounts = String(await redis.ask("INFO", "keyspace")).matchAll(/keys=(\d+)/g);
        expect([...keyCounts].reduce((sum, [, count]) => sum + Number(count), 0)).toBe(kept.length);
      });
    });
  });
});

function write(kept: readonly Kept[], isCompressing: boolean, isInParts: boolean): Buffer {
  const writer = new RdbWriter({ isCompressing });
  const pieces: Uint8Array[] = [];
  writer.writeHeader(HEADER);
  let database = -1;
  for (const entry of kept) {
    if (entry.database !== database) {
      database = entry.database;
      const those = kept.filter((other) => other.database === database);
      writer.selectDatabase(database);
      writer.writeResize(those.length, those.filter(({ expireAtMs }) => expireAtMs !== undefined).length);
    }
    const attributes = entry.expireAtMs === undefined ? {} : { expireAtMs: entry.expireAtMs };
    if (isInParts) writeInParts(writer, entry.key, entry.value, attributes);
    else writer.writeEntry(entry.key, entry.value, { ...attributes, frequency: 7 });
    pieces.push(writer.take().slice());
  }
  pieces.push(writer.writeEnd());
  return Buffer.concat(pieces);
}

function writeInParts(writer: RdbWriter, key: Buffer, value: RdbValue, attributes: { expireAtMs?: number }): void {
  switch (value.kind) {
    case "string":
      writer.writeEntry(key, value, attributes);
      return;
    case "list":
      writer.beginContainer("list", key, value.elements.length, attributes);
      for (const element of value.elements) writer.writePart(element);
      return;
    case "set":
      writer.beginContainer("set", key, value.members.length, attributes);
      for (const member of value.members) writer.writePart(member);
      return;
    case "hash":
      writer.beginContainer("hash", key, value.fields.length, attributes);
      value.fields.forEach((field, i) => void writer.writePair(field, value.values[i]!));
      return;
    case "sorted-set":
      writer.beginContainer("sorted-set", key, value.members.length, attributes);
      value.members.forEach((member, i) => void writer.writeScored(member, value.scores[i]!));
      return;
    default:
      value satisfies never;
  }
}

test("DUMP of a real server is read, and RESTORE takes ours even where it looks at every block", async () => {
  const random = createRandom(13);
  const writer = new DumpWriter();
  await withTempDir((dir) =>
    withRedis(
      dir,
      async (redis) => {
        for (let i = 0; i < KEYS; i++) {
          const value = randomValue(random);
          const [theirs, ours] = [Buffer.from(`theirs ${i}`), Buffer.from(`ours ${i}`)];
          await storeValue(redis, theirs, value);
          const reading = readDump((await redis.ask("DUMP", theirs)) as Buffer);
          expect(reading.kind === "value" && comparable(reading.value)).toEqual(comparable(value));
          await redis.ask("RESTORE", ours, 0, writer.write(value));
          expect(await askValue(redis, ours, value.kind)).toEqual(comparable(value));
          expect(await redis.ask("OBJECT", "ENCODING", ours)).toEqual(await redis.ask("OBJECT", "ENCODING", theirs));
        }
      },
      ["--sanitize-dump-payload", "yes"],
    ),
  );
});

test("a real file that is cut or damaged anywhere is refused, by its checksum at the latest; without one it does no harm", async () => {
  const random = createRandom(14);
  const kept = generate(random, 40).filter(({ value }) => value.kind !== "string" || value.bytes.length < 5_000);
  const file = await withTempDir((dir) =>
    withRedis(dir, async (redis) => {
      await fill(redis, kept);
      await redis.ask("SAVE");
      return readFile(join(dir, "dump.rdb"));
    }),
  );
  for (let i = 0; i < 160; i++) {
    const isCut = i % 4 === 0;
    const damaged = isCut ? file.subarray(0, random.int(0, file.length - 1)) : Buffer.from(file);
    const at = random.int(9, file.length - 9);
    if (!isCut) damaged.writeUInt8(file.readUInt8(at) ^ random.int(1, 255), at);
    expect(() => [...readRdb(damaged)]).toThrow(RdbError);
    if (!isCut) expectReadOrRefused(Buffer.concat([damaged.subarray(0, -8), Buffer.alloc(8)]));
  }
});

function expectReadOrRefused(file: Uint8Array): void {
  try {
    for (const item of readRdb(file)) if (item.kind === "entry") comparable(item.value);
  } catch (error) {
    if (!(error instanceof RdbError)) throw error;
  }
}
