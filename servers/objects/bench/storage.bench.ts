// What the shard costs without HTTP: `node servers/objects/bench/storage.bench.ts [--smoke] [put|get|probe|expire ...]`.
// On the disk of the current directory. CPU is of the whole process, the index's threads included.
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createRandom } from "@kagami/clock";
import { openStore, type StoreOptions } from "../src/storage/open-store.ts";
import type { ShardStore } from "../src/storage/shard-store.ts";
import type { Retention } from "../src/store/object-store.ts";

const isSmoke = process.argv.includes("--smoke");
const chosen = process.argv.slice(2).filter((name) => !name.startsWith("--"));
const METADATA = { contentType: "image/jpeg", user: {}, tags: {} };
const ETAG = "0123456789abcdef0123456789abcdef";
const HOUR = 3_600_000;

interface Cost {
  readonly perSecond: number;
  readonly cpuMicroseconds: number;
}

async function withStore(
  options: Partial<StoreOptions>,
  use: (store: ShardStore, reopen: () => Promise<ShardStore>) => Promise<void>,
) {
  const directory = mkdtempSync(join(process.cwd(), ".storage-bench-"));
  const all = { directory, ...options };
  let store = await openStore(all);
  try {
    await store.createBucket({ name: "b", owner: "o", nowMs: 1 });
    await use(store, async () => {
      await store.close();
      store = await openStore(all);
      return store;
    });
  } finally {
    await store.close();
    rmSync(directory, { recursive: true });
  }
}

async function measure(count: number, lanes: number, work: (i: number) => Promise<unknown>): Promise<Cost> {
  let next = 0;
  const startMs = performance.now();
  const before = process.cpuUsage();
  const lane = async (): Promise<void> => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  const { user, system } = process.cpuUsage(before);
  return { perSecond: (1_000 * count) / (performance.now() - startMs), cpuMicroseconds: (user + system) / count };
}

async function put(store: ShardStore, key: string, body: Uint8Array, retention: Retention | undefined): Promise<void> {
  const writer = store.put({ bucket: "b", key, metadata: METADATA, retention, conditions: {} }, body.length);
  await writer.write(body);
  await writer.commit({ etag: ETAG, checksum: undefined });
}

function show(name: string, { perSecond, cpuMicroseconds }: Cost): void {
  console.log(`${name}: ${perSecond.toFixed(0)}/s, ${cpuMicroseconds.toFixed(1)} us CPU each`);
}

async function benchPut(): Promise<void> {
  const body = createRandom(1).bytes(10_240);
  const count = isSmoke ? 500 : 40_000;
  for (const engine of ["rocksdb-native", "classic-level"] as const) {
    await withStore({ engine }, async (store) => {
      await measure(count / 10, 32, (i) => put(store, `warm${i}`, body, undefined));
      show(`put 10 KB, 32 lanes, ${engine}`, await measure(count, 32, (i) => put(store, `k${i}`, body, undefined)));
    });
  }
}

async function benchGet(): Promise<void> {
  const body = createRandom(1).bytes(10_240);
  const count = isSmoke ? 500 : 20_000;
  await withStore({}, async (store, reopen) => {
    await measure(count, 32, (i) => put(store, `k${i}`, body, undefined));
    const keys = Array.from({ length: count }, (_, i) => `k${(i * 7_919) % count}`);
    let bytes = 0;
    const hit = async (i: number): Promise<void> => {
      bytes += store.openNow("b", `k${i % 1_000}`)?.inMemory?.length ?? 0;
    };
    for (let i = 0; i < 1_000 && i < count; i++) (await store.open("b", `k${i}`))?.close();
    show("get 10 KB from memory", await measure(10 * count, 1, hit));
    const again = await reopen();
    const miss = async (i: number): Promise<void> => {
      const opened = await again.open("b", keys[i] as string);
      bytes += opened?.inMemory?.length ?? 0;
      opened?.close();
    };
    show("get 10 KB from the page cache, 32 lanes", await measure(count, 32, miss));
    console.log(`check ${bytes > 0 && bytes % 10_240 === 0}`);
  });
}

/** What it costs to ask many groups: the same objects, spread over so many epochs. */
async function benchProbe(): Promise<void> {
  const count = isSmoke ? 340 : 6_800;
  const body = new Uint8Array(100);
  for (const epochs of [0, 1, 4, 17]) {
    let nowMs = 1_000 * HOUR;
    await withStore({ nowMs: () => nowMs, cacheBytes: 0 }, async (store, reopen) => {
      const retentionMs = 16 * HOUR;
      await measure(count, 32, async (i) => {
        const expiresMs = nowMs + HOUR * (epochs - (i % Math.max(1, epochs)));
        await put(store, `k${i}`, body, epochs === 0 ? undefined : { expiresMs, ruleKey: "r", retentionMs });
      });
      nowMs += 1;
      const again = await reopen();
      const groups = again.state.catalog.groupsOf(again.bucket("b")?.id ?? 0).length;
      const retention = epochs === 0 ? undefined : { expiresMs: nowMs + HOUR * epochs - 10, ruleKey: "r", retentionMs };
      const head = (i: number) => again.head("b", `k${(i * 7_919) % count}`);
      const request = { bucket: "b", prefix: "", delimiter: "", maxKeys: 1_000, versions: false };
      const list = (i: number) => again.list({ ...request, startAfter: `k${i}` });
      show(`list 1,000 keys, ${groups} groups`, await measure(isSmoke ? 5 : 60, 1, list));
      // First as after a start, then with the groups looked through.
      for (const what of ["nothing known of them", "known in memory"]) {
        if (what !== "nothing known of them") while (await again.lookThroughGroup(async () => undefined));
        show(`head, ${groups} groups, ${what}, 32 lanes`, await measure(count, 32, head));
        show(`head of an absent key, the same`, await measure(count, 32, (i) => again.head("b", `x${i}`)));
        const key = (i: number) => `${what}${i}`;
        show(`put 100 B, the same`, await measure(count, 32, (i) => put(again, key(i), body, retention)));
      }
    });
  }
}

/** CPU of the end of an epoch with a million objects. */
async function benchExpire(): Promise<void> {
  const count = isSmoke ? 2_000 : 1_000_000;
  let nowMs = 1_000 * HOUR;
  const body = new Uint8Array(100);
  await withStore({ nowMs: () => nowMs, cacheBytes: 1_000_000 }, async (store) => {
    const retention = { expiresMs: nowMs + HOUR, ruleKey: "r", retentionMs: HOUR };
    show(`put ${count} objects of 100 B`, await measure(count, 1_024, (i) => put(store, `k${i}`, body, retention)));
    nowMs += 2 * HOUR;
    const before = process.cpuUsage();
    const startMs = performance.now();
    const ended = await store.expireGroups();
    const tookMs = performance.now() - startMs;
    await new Promise((resolve) => setTimeout(resolve, isSmoke ? 10 : 3_000));
    const { user, system } = process.cpuUsage(before);
    const left = [...store.state.volumes.all()].length;
    console.log(
      `expire ${count} objects: ${tookMs.toFixed(1)} ms, ${((user + system) / 1_000).toFixed(1)} ms CPU with 3 s after it; ` +
        `${ended} group, ${left} volumes left`,
    );
  });
}

const benches = { put: benchPut, get: benchGet, probe: benchProbe, expire: benchExpire };
console.log(`Node ${process.version}, ${process.arch}`);
for (const [name, run] of Object.entries(benches)) if (chosen.length === 0 || chosen.includes(name)) await run();
