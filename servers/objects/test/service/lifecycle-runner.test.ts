import { createLogger } from "@kagami/kit";
import { withTempDir } from "@kagami/testkit";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { DAY_MS } from "../../src/engine/lifecycle/lifecycle.ts";
import { BucketDocuments } from "../../src/service/bucket-documents.ts";
import { LifecycleRunner } from "../../src/service/lifecycle-runner.ts";
import type { Service } from "../../src/service/service.ts";
import { openStore } from "../../src/storage/open-store.ts";
import type { ObjectStore } from "../../src/store/object-store.ts";

let nowMs = 0;
let store: ObjectStore;
let runner: LifecycleRunner;
let end: () => void;
let ended: Promise<void>;
let bucketCount = 0;
let bucket = "";

beforeAll(async () => {
  await new Promise<void>((resolve) => {
    ended = withTempDir(async (directory) => {
      store = await openStore({ directory, engine: "classic-level", nowMs: () => nowMs });
      const sink = { write: () => undefined, flush: async () => undefined };
      const log = createLogger({ sink });
      // The runner asks for nothing else.
      const service = { store, documents: new BucketDocuments(), nowMs: () => nowMs, log } as unknown as Service;
      runner = new LifecycleRunner(service, { intervalMs: 86_400_000, keysPerSecond: 1_000_000 });
      await new Promise<void>((done) => {
        end = done;
        resolve();
      });
      await runner.close();
      await store.close();
    });
  });
});

afterAll(async () => {
  end();
  await ended;
});

beforeEach(async () => {
  nowMs = 100 * DAY_MS;
  bucket = `bucket-${bucketCount++}`;
  await store.createBucket({ name: bucket, owner: "o", nowMs });
});

async function put(key: string, tags: Record<string, string> = {}): Promise<void> {
  const metadata = { user: {}, tags };
  const writer = store.put({ bucket, key, metadata, retention: undefined, conditions: {} }, 1);
  await writer.write(Buffer.from("x"));
  await writer.commit({ etag: `etag-of-${key}`, checksum: undefined });
}

async function rules(...inside: string[]): Promise<void> {
  const all = inside.map((rule, i) => `<Rule><ID>${i}</ID><Status>Enabled</Status>${rule}</Rule>`).join("");
  await store.updateBucket(bucket, {
    documents: { lifecycle: `<LifecycleConfiguration>${all}</LifecycleConfiguration>` },
  });
}

async function keys(versions = false): Promise<string[]> {
  const page = await store.list({ bucket, prefix: "", delimiter: "", startAfter: "", maxKeys: 1_000, versions });
  return page.entries.map(({ key, isDeleteMarker }) => (isDeleteMarker ? `${key} marker` : key));
}

test("a rule that came later ends the objects that were there, and no others", async () => {
  await put("live/old");
  await put("vod/old");
  await put("tagged", { keep: "no" });
  nowMs += 3 * DAY_MS;
  await put("live/new");
  await rules(
    "<Filter><Prefix>live/</Prefix></Filter><Expiration><Days>2</Days></Expiration>",
    "<Filter><Tag><Key>keep</Key><Value>no</Value></Tag></Filter><Expiration><Days>1</Days></Expiration>",
  );
  const report = await runner.run();
  expect(await keys()).toEqual(["live/new", "vod/old"]);
  expect(report).toMatchObject({ objectsRemoved: 2 });
});

test("an end that was given at the write is taken back when its rule goes, and moved when it is lengthened", async () => {
  const write = async (key: string): Promise<void> => {
    const retention = { expiresMs: nowMs + DAY_MS, ruleKey: "0", retentionMs: DAY_MS };
    const request = { bucket, key, metadata: { user: { a: "1" }, tags: {} }, retention, conditions: {} };
    const writer = store.put(request, 1);
    await writer.write(Buffer.from("x"));
    await writer.commit({ etag: "e", checksum: undefined });
  };
  await write("kept");
  expect((await runner.run()).objectsKept).toBe(1);
  expect(await store.head(bucket, "kept")).toMatchObject({ etag: "e", metadata: { user: { a: "1" } } });
  expect((await store.head(bucket, "kept"))?.expiresMs).toBeUndefined();
  await write("longer");
  await rules("<Filter><Prefix>longer</Prefix></Filter><Expiration><Days>9</Days></Expiration>");
  await runner.run();
  nowMs += 5 * DAY_MS;
  expect(await keys()).toEqual(["kept", "longer"]);
});

test("more keys than a page are all looked at", async () => {
  for (let i = 0; i < 1_100; i += 100) await Promise.all(Array.from({ length: 100 }, (_, j) => put(`k${i + j}`)));
  nowMs += 2 * DAY_MS;
  await rules("<Prefix/><Expiration><Days>1</Days></Expiration>");
  expect((await runner.run()).objectsRemoved).toBe(1_100);
  expect(await keys()).toEqual([]);
});

test("in a bucket with versions the current one is hidden, older ones go by their own days, then the marker", async () => {
  await store.updateBucket(bucket, { versioning: "enabled" });
  await put("k");
  nowMs += DAY_MS;
  await put("k");
  await rules(
    "<Filter><Prefix/></Filter><Expiration><Days>1</Days></Expiration><NoncurrentVersionExpiration><NoncurrentDays>5</NoncurrentDays></NoncurrentVersionExpiration>",
    "<Filter><Prefix/></Filter><Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration>",
  );
  nowMs += 2 * DAY_MS;
  await runner.run();
  expect(await keys(true)).toEqual(["k marker", "k", "k"]);
  nowMs += 20 * DAY_MS;
  await runner.run();
  expect(await keys(true)).toEqual(["k marker"]);
  await runner.run();
  expect(await keys(true)).toEqual([]);
});

test("unfinished uploads are aborted after their days", async () => {
  const begin = (key: string) =>
    store.createUpload({
      bucket,
      key,
      metadata: { user: {}, tags: {} },
      retention: undefined,
      checksumAlgorithm: undefined,
      checksumType: undefined,
      owner: "o",
    });
  await begin("live/a");
  await begin("vod/a");
  await rules(
    "<Filter><Prefix>live/</Prefix></Filter><AbortIncompleteMultipartUpload><DaysAfterInitiation>1</DaysAfterInitiation></AbortIncompleteMultipartUpload>",
  );
  nowMs += 2 * DAY_MS;
  expect((await runner.run()).uploadsAborted).toBe(1);
  const { uploads } = await store.listUploads({ bucket, prefix: "", delimiter: "", startAfter: "", maxKeys: 10 });
  expect(uploads.map(({ key }) => key)).toEqual(["vod/a"]);
});
