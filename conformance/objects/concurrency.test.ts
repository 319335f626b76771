import { expect, test } from "vitest";
import { md5Hex, useSession } from "./support/session.ts";

const s3 = useSession("concurrency");
const LAST = Buffer.alloc(2_000, 7);

async function uploadOf(key: string) {
  const begun = await s3.send({ method: "POST", key, query: { uploads: "" } });
  const uploadId = begun.value("UploadId") ?? "";
  const part = await s3.send({ method: "PUT", key, query: { uploadId, partNumber: "1" }, body: LAST });
  const body = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${part.headers.etag}</ETag></Part></CompleteMultipartUpload>`;
  return { uploadId, complete: () => s3.send({ method: "POST", key, query: { uploadId }, body }) };
}

test("of many who complete an upload at once one does, and the object is whole", async () => {
  const { complete } = await uploadOf("completed");
  const answers = await Promise.all(Array.from({ length: 6 }, complete));
  const outcomes = answers.map(({ outcome }) => outcome);
  expect(outcomes.filter((outcome) => outcome === "200").length).toBeGreaterThanOrEqual(1);
  for (const outcome of outcomes) expect(outcome).toMatch(/^(200|404 NoSuchUpload|409 .*)$/);
  expect((await s3.send({ key: "completed" })).bytes.equals(LAST)).toBe(true);
  expect((await s3.send({ query: { uploads: "" } })).values("UploadId")).toEqual([]);
});

test("who completes and who gives up at once leave the object or nothing", async () => {
  for (let round = 0; round < 10; round++) {
    const key = `race-${round}`;
    const { uploadId, complete } = await uploadOf(key);
    const [completed, aborted] = await Promise.all([
      complete(),
      s3.send({ method: "DELETE", key, query: { uploadId } }),
    ]);
    expect(completed.outcome).toMatch(/^(200|404 NoSuchUpload)$/);
    expect(aborted.outcome).toMatch(/^(204|404 NoSuchUpload)$/);
    const got = await s3.send({ key });
    if (completed.status === 200) expect(got.bytes.equals(LAST)).toBe(true);
    else expect(got.status).toBe(404);
  }
});

test("a reader gets one whole object of those that are written while it reads", async () => {
  const bodies = [300_000, 9_000_000].map((size, i) => Buffer.alloc(size, i + 1));
  await s3.put("replaced", bodies[0] as Buffer);
  let isOver = false;
  const write = async () => {
    for (let i = 1; i < 8; i++) await s3.put("replaced", bodies[i % 2] as Buffer);
    isOver = true;
  };
  const seen = new Set<number>();
  const read = async () => {
    while (!isOver) {
      const got = await s3.send({ key: "replaced" });
      expect(got.headers.etag).toBe(`"${md5Hex(got.bytes)}"`);
      seen.add(got.bytes.length);
    }
  };
  await Promise.all([write(), read(), read()]);
  expect([...seen].every((size) => size === 300_000 || size === 9_000_000)).toBe(true);
});

test("a reader gets to the end of an object that is deleted under it", async () => {
  const body = Buffer.alloc(20_000_000, 3);
  await s3.put("going", body);
  const reading = Promise.all(Array.from({ length: 4 }, () => s3.send({ key: "going" })));
  await s3.send({ method: "DELETE", key: "going" });
  for (const { status, bytes } of await reading) {
    if (status === 200) expect(bytes.equals(body)).toBe(true);
    else expect(status).toBe(404);
  }
  expect((await s3.send({ key: "going" })).status).toBe(404);
});

test("every version of many writers is kept, once", async () => {
  const bucket = await s3.makeBucket();
  const body = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
  await s3.send({ method: "PUT", bucket, query: { versioning: "" }, body });
  const writes = await Promise.all(
    Array.from({ length: 30 }, (_, i) => s3.send({ method: "PUT", bucket, key: "k", body: String(i) })),
  );
  const ids = writes.map(({ headers }) => String(headers["x-amz-version-id"]));
  const listed = await s3.send({ bucket, query: { versions: "" } });
  expect(listed.values("VersionId").toSorted()).toEqual(ids.toSorted());
  expect(listed.values("IsLatest").filter((latest) => latest === "true")).toHaveLength(1);
  for (const [i, versionId] of ids.entries())
    expect((await s3.send({ bucket, key: "k", query: { versionId } })).text).toBe(String(i));
  expect((await s3.send({ bucket, key: "k" })).headers["x-amz-version-id"]).toBe(listed.values("VersionId")[0]);
});

test("who makes and removes the same bucket at once is told the truth", async () => {
  const bucket = await s3.makeBucket();
  await s3.send({ method: "DELETE", bucket });
  for (let round = 0; round < 5; round++) {
    const made = await Promise.all(Array.from({ length: 4 }, () => s3.send({ method: "PUT", bucket })));
    for (const { outcome } of made) expect(outcome).toMatch(/^(200|409 (BucketAlreadyOwnedByYou|OperationAborted))$/);
    expect(made.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(1);
    const removed = await Promise.all(Array.from({ length: 4 }, () => s3.send({ method: "DELETE", bucket })));
    for (const { outcome } of removed) expect(outcome).toMatch(/^(204|404 NoSuchBucket|409 OperationAborted)$/);
    expect((await s3.send({ method: "HEAD", bucket })).status).toBe(404);
  }
});

test("an object is never in a bucket that was removed while it was put", async () => {
  for (let round = 0; round < 10; round++) {
    const bucket = await s3.makeBucket();
    const [put, removed] = await Promise.all([
      s3.send({ method: "PUT", bucket, key: "k", body: "x" }),
      s3.send({ method: "DELETE", bucket }),
    ]);
    expect(put.outcome).toMatch(/^(200|404 NoSuchBucket)$/);
    expect(removed.outcome).toMatch(/^(204|409 BucketNotEmpty)$/);
    expect([put.status, removed.status]).not.toEqual([200, 204]);
    if (removed.status === 409) expect((await s3.send({ bucket, key: "k" })).text).toBe("x");
  }
});
