import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createRandom } from "@kagami/clock";
import type { RdbValue } from "@kagami/ranking/rdb";
import { startServer } from "@kagami/ranking/testing";
import { eventually, runTool, startRedis, type ToolResult, withTempDir } from "@kagami/testkit";
import { expect, test } from "vitest";
import { askValue, comparable, randomString, randomValue, storeValue } from "./support/rdb-data.ts";
import { connectRedis, type RedisClient } from "./support/redis-client.ts";

const MAIN = fileURLToPath(new URL("../../servers/ranking/src/main.ts", import.meta.url));
const FAR_MS = 4_000_000_000_000;

interface Kept {
  readonly database: number;
  readonly key: Buffer;
  readonly value: RdbValue;
  readonly expireAtMs: number;
}

function generate(seed: number, count: number): Kept[] {
  const random = createRandom(seed);
  return Array.from({ length: count }, (_, i) => ({
    database: random.int(0, 15),
    key: Buffer.concat([randomString(random, false), Buffer.from(`:${i}`)]),
    value: randomValue(random),
    expireAtMs: random.chance(0.3) ? FAR_MS + random.int(0, 1e9) : -1,
  }));
}

async function fill(client: RedisClient, kept: readonly Kept[]): Promise<void> {
  for (const { database, key, value, expireAtMs } of kept) {
    await client.ask("SELECT", database);
    await storeValue(client, key, value);
    if (expireAtMs > 0) await client.ask("PEXPIREAT", key, expireAtMs);
  }
}

async function expectKept(client: RedisClient, kept: readonly Kept[]): Promise<void> {
  for (const { database, key, value, expireAtMs } of kept) {
    await client.ask("SELECT", database);
    expect(await askValue(client, key, value.kind)).toEqual(comparable(value));
    expect(await client.ask("PEXPIRETIME", key)).toBe(expireAtMs);
  }
}

function kagami(...args: string[]): Promise<ToolResult> {
  return runTool(process.execPath, [MAIN, ...args], { mustSucceed: false });
}

/** Large values, which go out part by part, and what is nearest to their bound. */
async function fillLarge(client: RedisClient): Promise<void> {
  await client.ask("SELECT", 0);
  for (const size of [4_096, 4_097, 30_000]) {
    const names = Array.from({ length: size }, (_, i) => `member:${i}`);
    await client.ask("RPUSH", `list${size}`, ...names);
    await client.ask("SADD", `set${size}`, ...names);
    await client.ask("HSET", `hash${size}`, ...names.flatMap((name, i) => [name, `value ${i}`]));
    await client.ask("ZADD", `sorted${size}`, ...names.flatMap((name, i) => [String(i / 8), name]));
  }
}

async function digestOfLarge(client: RedisClient): Promise<unknown[]> {
  const found = [];
  await client.ask("SELECT", 0);
  for (const size of [4_096, 4_097, 30_000]) {
    found.push(await client.ask("LRANGE", `list${size}`, "0", "-1"));
    found.push(sorted(await client.ask("SMEMBERS", `set${size}`)));
    found.push(await client.ask("HGET", `hash${size}`, `member:${size - 1}`), await client.ask("HLEN", `hash${size}`));
    found.push(await client.ask("ZRANGE", `sorted${size}`, "0", "-1", "WITHSCORES"));
  }
  return found.map(String);
}

function sorted(reply: unknown): string[] {
  return (reply as Buffer[]).map(String).sort();
}

test("what is exported is loaded by Redis as it was, and redis-check-rdb finds no fault in it", async () => {
  await withTempDir(async (dir) => {
    const kept = generate(5, 150);
    const server = await startServer({ persistence: "log", data: join(dir, "data") });
    const client = await connectRedis(Number(server.address.split(":")[1]));
    await fill(client, kept);
    await fillLarge(client);
    const large = await digestOfLarge(client);
    client.close();
    await server.close();
    const file = join(dir, "dump.rdb");
    const exported = await kagami("export", "--data", join(dir, "data"), "--to", file);
    expect(exported).toMatchObject({ exitCode: 0, stderr: "" });
    expect(exported.stdout).toContain(`Exported ${kept.length + 12} keys`);
    const checked = await runTool("redis-check-rdb", [file]);
    expect(checked.stdout).toContain("Checksum OK");
    expect(checked.stdout).toContain("RDB looks OK!");
    const redis = await startRedis(["--dir", dir]);
    const reader = await connectRedis(redis.port);
    await eventually(() => reader.ask("PING"));
    await expectKept(reader, kept);
    expect(await digestOfLarge(reader)).toEqual(large);
    reader.close();
    await redis.stop();
    const again = await kagami("export", "--data", join(dir, "data"), "--to", file);
    expect(again.exitCode).toBe(1);
    expect(again.stderr).toContain("it is there already");
  });
});

test("what Redis saved is imported and served as it was, but not into a directory with data", async () => {
  await withTempDir(async (dir) => {
    const kept = generate(6, 150);
    const redis = await startRedis(["--dir", dir]);
    const writer = await connectRedis(redis.port);
    await fill(writer, kept);
    await fillLarge(writer);
    const large = await digestOfLarge(writer);
    await writer.ask("SAVE");
    writer.close();
    await redis.stop();
    const data = join(dir, "data");
    const imported = await kagami("import", join(dir, "dump.rdb"), "--data", data);
    expect(imported).toMatchObject({ exitCode: 0, stderr: "" });
    expect(imported.stdout).toContain(`Imported ${kept.length + 12} keys`);
    expect(imported.stdout).toContain("of Redis 7.0.15");
    for (let round = 0; round < 2; round++) {
      const server = await startServer({ persistence: "log", data });
      const client = await connectRedis(Number(server.address.split(":")[1]));
      await expectKept(client, kept);
      expect(await digestOfLarge(client)).toEqual(large);
      if (round === 0) await server.persistence?.compact();
      client.close();
      await server.close();
    }
    const again = await kagami("import", join(dir, "dump.rdb"), "--data", data);
    expect(again.exitCode).toBe(1);
    expect(again.stderr).toContain("it holds another data set");
  });
}, 60_000);

test("a damaged file is refused with the place, and nothing is made of it", async () => {
  await withTempDir(async (dir) => {
    const redis = await startRedis(["--dir", dir]);
    const writer = await connectRedis(redis.port);
    for (let i = 0; i < 200; i++) await writer.ask("SET", `key:${i}`, `value ${i}`);
    await writer.ask("SAVE");
    writer.close();
    await redis.stop();
    const file = await readFile(join(dir, "dump.rdb"));
    const flipped = Buffer.from(file);
    flipped[file.length - 100] = (flipped[file.length - 100] ?? 0) ^ 1;
    const cases: [Buffer, RegExp][] = [
      [flipped, /at byte \d+/],
      [file.subarray(0, file.length - 50), /the file ends here/],
      [Buffer.from("REDIS0099 and more"), /it has version 99/],
      [Buffer.from("no such thing"), /does not begin as an RDB file/],
      [Buffer.alloc(0), /the file ends here/],
    ];
    for (const [bytes, message] of cases) {
      const path = join(dir, "bad.rdb");
      await writeFile(path, bytes);
      const outcome = await kagami("import", path, "--data", join(dir, "data"));
      expect(outcome.exitCode).toBe(1);
      expect(outcome.stderr).toMatch(message);
      expect(outcome.stderr).toContain(path);
      await expect(stat(join(dir, "data"))).rejects.toThrow();
    }
  });
}, 60_000);

test("what the other side has no form for is refused by name, and left out when that is asked for", async () => {
  await withTempDir(async (dir) => {
    const redis = await startRedis(["--dir", dir]);
    const writer = await connectRedis(redis.port);
    await writer.ask("SET", "k", "v");
    await writer.ask("XADD", "events", "*", "a", "b");
    await writer.ask("SAVE");
    writer.close();
    await redis.stop();
    const [rdb, data] = [join(dir, "dump.rdb"), join(dir, "data")];
    const refused = await kagami("import", rdb, "--data", data);
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toContain('Streams are not kept at "events"');
    const imported = await kagami("import", rdb, "--data", data, "--skip");
    expect(imported.stdout).toContain("Imported 1 keys");
    expect(imported.stdout).toContain("Left out: 1 of kind stream");

    const server = await startServer({ persistence: "log", data });
    const client = await connectRedis(Number(server.address.split(":")[1]));
    await client.ask("RANK.ADD", "ann", "5", "BOARDS", "1", "today");
    await client.ask("HSET", "h", "f", "1");
    await client.ask("HEXPIRE", "h", "1000", "FIELDS", "1", "f");
    const out = join(dir, "out.rdb");
    const inUse = await kagami("export", "--data", data, "--to", out);
    // It was made by an import, which made a snapshot: without the board.
    expect(inUse.stdout).toMatch(/A server uses .*: this is its last snapshot[\s\S]*Exported 1 keys/);
    client.close();
    await server.close();
    const other = join(dir, "other.rdb");
    const board = await kagami("export", "--data", data, "--to", other);
    expect(board.exitCode).toBe(1);
    expect(board.stderr).toContain("RDB has no form for 1 of type rank-board");
    const skipped = await kagami("export", "--data", data, "--to", other, "--skip");
    expect(skipped.stdout).toContain("Exported 2 keys");
    expect(skipped.stdout).toContain("Left out: 1 of type rank-board");
    expect(skipped.stdout).toContain("1 hashes have fields that expire");
    expect((await readdir(dir)).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });
}, 60_000);
