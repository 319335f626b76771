import { createHash } from "node:crypto";
import {
  closeSync,
  cpSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRandom } from "@kagami/clock";
import { type IndexEngineName, openStore } from "../../src/storage/open-store.ts";
import type { ShardStore } from "../../src/storage/shard-store.ts";

const SIZES = { volumeBytes: 60_000, blobFromBytes: 30_000, cacheBytes: 0, reserveBytes: 1_000 };

/** A real data directory with a bit of everything, and what is in it. */
export interface FilledStore {
  readonly directory: string;
  /** Bodies by key of the bucket `b`. */
  readonly bodies: ReadonlyMap<string, Uint8Array>;
  /** Keys that were deleted or overwritten. */
  readonly removed: readonly string[];
  end(): void;
}

/** Opens a store with small volumes, so that a few objects fill several. */
export function openSmall(directory: string, engine?: IndexEngineName): Promise<ShardStore> {
  return openStore({ directory, ...SIZES, ...(engine === undefined ? {} : { engine }) });
}

/** Makes a store and closes it. */
export async function fillStore(seed: number, engine?: IndexEngineName): Promise<FilledStore> {
  const directory = mkdtempSync(join(tmpdir(), "kagami-damaged-"));
  const random = createRandom(seed);
  const bodies = new Map<string, Uint8Array>();
  const store = await openSmall(directory, engine);
  await store.createBucket({ name: "b", owner: "o", nowMs: 1 });
  for (let i = 0; i < 24; i++) {
    const body = random.bytes(i % 8 === 7 ? 70_000 : random.pick([100, 5_000, 20_000]));
    bodies.set(`k${i}`, body);
    await putBody(store, `k${i}`, body);
  }
  const removed = ["k1", "k7"];
  for (const key of removed) {
    await store.delete({ bucket: "b", key, conditions: {} });
    bodies.delete(key);
  }
  bodies.set("k2", random.bytes(3_000));
  await putBody(store, "k2", bodies.get("k2") as Uint8Array);
  await store.close();
  return { directory, bodies, removed, end: () => rmSync(directory, { recursive: true }) };
}

/** Puts an object into the bucket `b`. */
export async function putBody(store: ShardStore, key: string, body: Uint8Array): Promise<void> {
  const request = { bucket: "b", key, metadata: { user: {}, tags: {} }, retention: undefined, conditions: {} };
  const writer = store.put(request, body.length);
  await writer.write(body);
  await writer.commit({ etag: "e", checksum: undefined });
}

/** The body of an object of the bucket `b`; undefined if there is none. */
export async function readBody(store: ShardStore, key: string): Promise<Buffer | undefined> {
  const opened = await store.open("b", key);
  if (opened === undefined) return undefined;
  const parts: Uint8Array[] = [];
  try {
    for await (const part of opened.read(0, opened.entry.sizeBytes)) parts.push(part);
  } finally {
    opened.close();
  }
  return Buffer.concat(parts);
}

/** Turns a bit of a file. */
export function flipBit(path: string, offset: number): void {
  const file = openSync(path, "r+");
  try {
    const byte = Buffer.alloc(1);
    readSync(file, byte, 0, 1, offset);
    byte[0] = (byte[0] ?? 0) ^ 0x10;
    writeSync(file, byte, 0, 1, offset);
  } finally {
    closeSync(file);
  }
}

/** Names, sizes and hashes of all files below a directory: equal if nothing changed. */
export function fingerprint(directory: string): Record<string, string> {
  const all: Record<string, string> = {};
  for (const name of readdirSync(directory, { recursive: true, encoding: "utf8" }).sort()) {
    const path = join(directory, name);
    const stat = statSync(path);
    const hash = stat.isFile() ? createHash("sha1").update(readFileSync(path)).digest("hex") : "directory";
    all[name] = `${hash} ${stat.mtimeMs}`;
  }
  return all;
}

/** A copy of a directory. */
export function copyDirectory(from: string): string {
  const to = mkdtempSync(join(tmpdir(), "kagami-damaged-"));
  cpSync(from, to, { recursive: true, preserveTimestamps: true });
  return to;
}
