import { createHash } from "node:crypto";
import { createRandom } from "@kagami/clock";
import { withTempDir } from "@kagami/testkit";
import { expect, test } from "vitest";
import type { ObjectMetadata, PutRequest, Retention } from "../store/object-store.ts";
import { type IndexEngineName, openStore, type StoreOptions } from "./open-store.ts";
import type { ShardStore } from "./shard-store.ts";

const METADATA: ObjectMetadata = { contentType: "text/plain", user: { note: "x" }, tags: {} };
const ENGINES: IndexEngineName[] = ["rocksdb-native", "classic-level"];
const SMALL = { volumeBytes: 100_000, blobFromBytes: 200_000, reserveBytes: 0 };

async function withStore<T>(
  use: (store: ShardStore, reopen: () => Promise<ShardStore>) => Promise<T>,
  options: Partial<StoreOptions> = {},
): Promise<T> {
  return await withTempDir(async (directory) => {
    let store = await openStore({ directory, ...SMALL, ...options });
    try {
      await store.createBucket({ name: "b", owner: "me", nowMs: 1 });
      return await use(store, async () => {
        await store.close();
        store = await openStore({ directory, ...SMALL, ...options });
        return store;
      });
    } finally {
      await store.close();
    }
  });
}

function md5(body: Uint8Array): string {
  return createHash("md5").update(body).digest("hex");
}

async function put(store: ShardStore, key: string, text: string | Uint8Array, more: Partial<PutRequest> = {}) {
  const body = typeof text === "string" ? Buffer.from(text) : text;
  const request = { bucket: "b", key, metadata: METADATA, retention: undefined, conditions: {}, ...more };
  const writer = store.put(request, body.length);
  for (let at = 0; at < body.length; at += 50_000) await writer.write(body.subarray(at, at + 50_000));
  return await writer.commit({ etag: md5(body), checksum: undefined });
}

async function get(store: ShardStore, key: string, versionId?: string): Promise<string | undefined> {
  const opened = await store.open("b", key, versionId);
  if (opened === undefined) return undefined;
  try {
    const parts: Uint8Array[] = [];
    for await (const part of opened.read(0, opened.entry.sizeBytes)) parts.push(Buffer.from(part));
    return Buffer.concat(parts).toString("latin1");
  } finally {
    opened.close();
  }
}

/** Lets what is waiting in this thread go on, and nothing else. */
async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await undefined;
}

async function list(store: ShardStore, more: Partial<Parameters<ShardStore["list"]>[0]> = {}) {
  const request = { bucket: "b", prefix: "", delimiter: "", startAfter: "", maxKeys: 1_000, versions: false, ...more };
  return await store.list(request);
}

test.each(ENGINES)(
  "what was put is read, listed, overwritten and deleted, also after a restart, on %s",
  async (engine) => {
    await withStore(
      async (first, reopen) => {
        await put(first, "a", "one");
        await put(first, "b", "two");
        await put(first, "a", "three");
        await first.delete({ bucket: "b", key: "b", conditions: {} });
        for (const open of [async () => first, reopen]) {
          const store = await open();
          expect(await get(store, "a")).toBe("three");
          expect(await get(store, "b")).toBeUndefined();
          expect((await list(store)).entries).toMatchObject([{ key: "a", sizeBytes: 5, metadata: METADATA }]);
          expect(store.buckets()).toMatchObject([{ name: "b", owner: "me" }]);
        }
      },
      { engine },
    );
  },
);

test("bodies of every size come back whole, in a volume or in a file of their own, and in ranges", async () => {
  const random = createRandom(1);
  await withStore(async (first, reopen) => {
    const bodies = new Map<string, Uint8Array>();
    for (const size of [0, 1, 7, 65_535, 65_536, 65_537, 99_000, 150_000, 200_000, 300_001, 1_000_000]) {
      const body = random.bytes(size);
      bodies.set(`k${size}`, body);
      await put(first, `k${size}`, body);
    }
    for (const open of [async () => first, reopen]) {
      const store = await open();
      for (const [key, body] of bodies) expect(await get(store, key)).toBe(Buffer.from(body).toString("latin1"));
      const opened = await store.open("b", "k300001");
      const parts: Uint8Array[] = [];
      for await (const part of opened!.read(65_530, 131_080)) parts.push(part);
      expect(Buffer.concat(parts).equals(bodies.get("k300001")!.subarray(65_530, 131_080))).toBe(true);
      opened!.close();
    }
  });
});

test("an index that is lost is built anew from the volumes", async () => {
  await withTempDir(async (directory) => {
    const { rm } = await import("node:fs/promises");
    const first = await openStore({ directory, ...SMALL });
    await first.createBucket({ name: "b", owner: "me", nowMs: 1 });
    for (let i = 0; i < 50; i++) await put(first, `k${i % 20}`, `body ${i}`.padEnd(9_000, "."));
    await first.delete({ bucket: "b", key: "k3", conditions: {} });
    await first.setTags("b", "k4", undefined, { a: "1" });
    const before = (await list(first)).entries;
    await first.close();
    await rm(`${directory}/index`, { recursive: true });
    const second = await openStore({ directory, ...SMALL });
    expect(second.recovery.replayedCount).toBe(53);
    expect((await list(second)).entries).toEqual(before);
    expect(await get(second, "k1")).toBe("body 41".padEnd(9_000, "."));
    await second.close();
  });
});

test("conditions are checked against what the commits before left, even when they are written together", async () => {
  await withStore(async (store) => {
    const both = await Promise.allSettled([
      put(store, "k", "1", { conditions: { absent: true } }),
      put(store, "k", "2", { conditions: { absent: true } }),
    ]);
    expect(both.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
    expect(await get(store, "k")).toBe("1");
    await expect(put(store, "k", "3", { conditions: { etag: md5(Buffer.from("2")) } })).rejects.toMatchObject({
      code: "PRECONDITION_FAILED",
    });
    await put(store, "k", "4", { conditions: { etag: md5(Buffer.from("1")) } });
    await expect(put(store, "none", "5", { conditions: { etag: "*" } })).rejects.toMatchObject({ code: "NO_SUCH_KEY" });
    expect(await get(store, "k")).toBe("4");
  });
});

test("a listing goes in byte order, folds by the delimiter and continues page by page", async () => {
  await withStore(async (store) => {
    const keys = ["a", "a/1", "a/2", "b/x/1", "b/y", "c", "é", "z\u{1f600}", "z￿"];
    await Promise.all(keys.map((key) => put(store, key, key)));
    expect((await list(store)).entries.map(({ key }) => key)).toEqual(
      [...keys].sort((x, y) => Buffer.compare(Buffer.from(x), Buffer.from(y))),
    );
    const seen: string[] = [];
    let startAfter = "";
    for (;;) {
      const page = await list(store, { delimiter: "/", maxKeys: 1, startAfter });
      seen.push(...page.entries.map(({ key }) => key), ...page.commonPrefixes);
      if (!page.isTruncated) break;
      startAfter = page.nextAfter!;
    }
    expect(seen).toEqual(
      ["a", "a/", "b/", "c", "z￿", "z\u{1f600}", "é"].sort((x, y) => Buffer.compare(Buffer.from(x), Buffer.from(y))),
    );
    expect((await list(store, { prefix: "b/", delimiter: "/" })).commonPrefixes).toEqual(["b/x/"]);
  });
});

test("versions are kept, named, removed and promoted", async () => {
  await withStore(async (first, reopen) => {
    await put(first, "k", "null");
    await first.updateBucket("b", { versioning: "enabled" });
    const one = await put(first, "k", "one");
    const two = await put(first, "k", "two");
    const marker = await first.delete({ bucket: "b", key: "k", conditions: {} });
    for (const open of [async () => first, reopen]) {
      const store = await open();
      expect(await get(store, "k")).toBeUndefined();
      expect(await get(store, "k", one.versionId)).toBe("one");
      expect(await get(store, "k", "null")).toBe("null");
      const { entries } = await list(store, { versions: true });
      expect(entries.map(({ versionId }) => versionId)).toEqual([
        marker.versionId,
        two.versionId,
        one.versionId,
        "null",
      ]);
      expect(entries.map(({ isLatest }) => isLatest)).toEqual([true, false, false, false]);
      expect((await list(store)).entries).toEqual([]);
    }
    const store = await reopen();
    await store.delete({ bucket: "b", key: "k", versionId: marker.versionId!, conditions: {} });
    expect(await get(store, "k")).toBe("two");
    await store.updateBucket("b", { versioning: "suspended" });
    await put(store, "k", "new null");
    expect(await get(store, "k", "null")).toBe("new null");
    expect((await list(store, { versions: true })).entries).toHaveLength(3);
    const page = await list(store, { versions: true, maxKeys: 1 });
    const rest = await list(store, { versions: true, startAfter: "k", startAfterVersion: page.nextAfterVersion! });
    expect(rest.entries.map(({ versionId }) => versionId)).toEqual([two.versionId, one.versionId]);
  });
});

test("an upload of parts becomes an object that is read across them, and frees what it does not name", async () => {
  await withStore(async (first, reopen) => {
    const name = { bucket: "b", key: "big" };
    const upload = await first.createUpload({
      ...name,
      metadata: METADATA,
      retention: undefined,
      checksumAlgorithm: undefined,
      checksumType: undefined,
      owner: "me",
    });
    const { uploadId } = upload;
    const bodies = [createRandom(1).bytes(250_000), createRandom(2).bytes(70_000), createRandom(3).bytes(5)];
    for (const [i, body] of bodies.entries()) {
      const writer = first.putPart({ ...name, uploadId, partNumber: i + 1 }, body.length);
      await writer.write(body);
      await writer.commit({ etag: md5(body), checksum: undefined });
    }
    expect(await first.listParts("b", "big", uploadId, 0, 10)).toHaveLength(3);
    expect(
      (await first.listUploads({ bucket: "b", prefix: "", delimiter: "", startAfter: "", maxKeys: 5 })).uploads,
    ).toEqual([upload]);
    const parts = [1, 2].map((partNumber) => ({ partNumber, etag: md5(bodies[partNumber - 1]!) }));
    const request = { ...name, uploadId, conditions: {}, checksum: undefined, minPartBytes: 5 };
    await expect(first.completeUpload({ ...request, parts: [...parts].reverse() })).rejects.toMatchObject({
      code: "INVALID_PART_ORDER",
    });
    await expect(first.completeUpload({ ...request, parts, minPartBytes: 300_000 })).rejects.toMatchObject({
      code: "PART_TOO_SMALL",
    });
    const { etag } = await first.completeUpload({ ...request, parts });
    expect(etag).toMatch(/^[0-9a-f]{32}-2$/);
    await expect(first.upload("b", "big", uploadId)).rejects.toMatchObject({ code: "NO_SUCH_UPLOAD" });
    const whole = Buffer.concat(bodies.slice(0, 2)).toString("latin1");
    for (const open of [async () => first, reopen]) {
      const store = await open();
      expect(await get(store, "big")).toBe(whole);
      expect((await store.head("b", "big"))?.parts).toMatchObject([{ sizeBytes: 250_000 }, { sizeBytes: 70_000 }]);
    }
  });
});

test("what expires is hidden at its time and gone with its volumes at the end of its epoch", async () => {
  let nowMs = 1_000_000;
  await withStore(
    async (first, reopen) => {
      const hour = 3_600_000;
      const retention: Retention = { expiresMs: nowMs + hour, ruleKey: "r", retentionMs: hour };
      await put(first, "keep", "kept");
      await put(first, "over", "old");
      await put(first, "gone", "x", { retention });
      await put(first, "over", "new", { retention });
      expect((await list(first)).entries.map(({ key }) => key)).toEqual(["gone", "keep", "over"]);
      const store = await reopen();
      expect(await get(store, "gone")).toBe("x");
      expect(await get(store, "over")).toBe("new");
      nowMs += hour;
      expect(await get(store, "gone")).toBeUndefined();
      expect((await list(store)).entries.map(({ key }) => key)).toEqual(["keep"]);
      nowMs += hour;
      expect(await store.expireGroups()).toBe(1);
      expect(await store.expireGroups()).toBe(0);
      for (const open of [async () => store, reopen]) {
        const again = await open();
        expect(await get(again, "gone")).toBeUndefined();
        expect(await get(again, "over")).toBeUndefined();
        expect(await get(again, "keep")).toBe("kept");
        expect([...again.state.volumes.all()].map(({ group }) => group)).toEqual([0]);
      }
    },
    { nowMs: () => nowMs },
  );
});

test("a bucket with objects stays, an empty one goes, and its id is not used again", async () => {
  await withStore(async (store) => {
    await put(store, "k", "x");
    await expect(store.deleteBucket("b")).rejects.toMatchObject({ code: "BUCKET_NOT_EMPTY" });
    const { id } = store.bucket("b")!;
    await store.delete({ bucket: "b", key: "k", conditions: {} });
    await store.deleteBucket("b");
    expect(store.bucket("b")).toBeUndefined();
    const again = await store.createBucket({ name: "b", owner: "me", nowMs: 2 });
    expect(again.id).toBeGreaterThan(id);
    await expect(store.createBucket({ name: "b", owner: "me", nowMs: 2 })).rejects.toMatchObject({
      code: "BUCKET_EXISTS",
    });
  });
});

test("a write that cannot be recorded fails alone, not those that share its commit", async () => {
  await withStore(async (store) => {
    const results = await Promise.allSettled([
      put(store, "a", "1"),
      put(store, "k".repeat(2_000), "2"),
      put(store, "c", "3"),
    ]);
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect((await list(store)).entries.map(({ key }) => key)).toEqual(["a", "c"]);
  });
});

test("what a later write of the same commit says is what is read, not what an earlier one left in memory", async () => {
  await withStore(async (store) => {
    const request = { bucket: "b", metadata: METADATA, retention: undefined, conditions: {} };
    const writers = await Promise.all(
      ["busy", "gone", "tagged", "kept"].map(async (key) => {
        const writer = store.put({ ...request, key }, 1);
        await writer.write(Buffer.from("x"));
        return writer;
      }),
    );
    const digest = { etag: md5(Buffer.from("x")), checksum: undefined };
    // The first keeps the store busy, so that all others wait and share the next commit, in this order.
    const [busy, ...others] = writers;
    const first = busy?.commit(digest);
    await turns(50);
    const done: Promise<unknown>[] = others.map((writer) => writer.commit(digest));
    await turns(5);
    const gone = store.delete({ bucket: "b", key: "gone", conditions: {} });
    await Promise.all([first, ...done, gone, store.setTags("b", "tagged", undefined, { colour: "red" })]);
    expect((await list(store)).entries.map(({ key }) => key)).toEqual(["busy", "kept", "tagged"]);
    expect([await get(store, "gone"), await store.head("b", "gone")]).toEqual([undefined, undefined]);
    expect((await store.head("b", "tagged"))?.metadata.tags).toEqual({ colour: "red" });
    expect(await get(store, "kept")).toBe("x");
  });
});

test("what was written last is read from memory, until it is overwritten, deleted or expired", async () => {
  let nowMs = 1_000;
  await withStore(
    async (store) => {
      const body = Buffer.alloc(70_000, "x").toString();
      await put(store, "large", body);
      await put(store, "k", "one");
      expect(store.openNow("b", "k")?.inMemory).toEqual(Buffer.from("one"));
      expect(await get(store, "large")).toBe(body);
      expect(store.state.reads).toEqual({ recent: 2, cache: 0, disk: 0 });
      await put(store, "k", "two");
      expect(await get(store, "k")).toBe("two");
      await store.delete({ bucket: "b", key: "k", conditions: {} });
      expect(store.openNow("b", "k")).toBeUndefined();
      expect(await get(store, "k")).toBeUndefined();
      await put(store, "ends", "x", { retention: { expiresMs: nowMs + 10, ruleKey: "r", retentionMs: 10 } });
      expect(await get(store, "ends")).toBe("x");
      nowMs += 10;
      expect([store.openNow("b", "ends"), await get(store, "ends")]).toEqual([undefined, undefined]);
    },
    { nowMs: () => nowMs },
  );
});

test("the number of a volume that is gone is not given again by a later start", async () => {
  const hourMs = 3_600_000;
  let nowMs = 1_000 * hourMs;
  const work = async (store: ShardStore, reopen: () => Promise<ShardStore>): Promise<void> => {
    await put(store, "gone", "body", {
      retention: { expiresMs: nowMs + hourMs, ruleKey: "r", retentionMs: hourMs },
    });
    nowMs += 2 * hourMs;
    const ids = [...store.state.volumes.all()].map(({ id }) => id);
    expect(await store.expireGroups()).toBe(1);
    await put(store, "kept", "body");
    const { nextId } = store.state.volumes;
    expect(nextId).toBeGreaterThan(Math.max(...ids));
    const again = await reopen();
    expect(again.state.volumes.nextId).toBe(nextId);
    expect([...again.state.volumes.all()].every(({ id }) => id < nextId - 1)).toBe(true);
  };
  await withStore(work, { nowMs: () => nowMs });
});
