import { randomBytes } from "node:crypto";
import { encodeS3, encodeS3Path } from "@kagami/testkit";
import { beforeAll, expect, test } from "vitest";
import { md5Hex, useSession } from "./support/session.ts";

const s3 = useSession("copy");
const SOURCE = { "content-type": "video/mp4", "x-amz-meta-player": "ann", "cache-control": "no-store" };
const ETAG = `"${md5Hex("source body")}"`;
const OTHER = `"${md5Hex("other")}"`;

beforeAll(async () => {
  await s3.put("source", "source body", SOURCE);
});

function copy(key: string, headers: Readonly<Record<string, string>> = {}, from = "source") {
  const source = encodeS3Path(s3.bucket, from);
  return s3.send({ method: "PUT", key, headers: { "x-amz-copy-source": source, ...headers } });
}

test("a copy has the body, the type and the metadata of its source", async () => {
  const answer = await copy("copied");
  expect(answer.status).toBe(200);
  expect(answer.value("ETag")).toBe(ETAG);
  expect(answer.value("LastModified")).toMatch(/Z$/);
  const copied = await s3.send({ key: "copied" });
  expect(copied.text).toBe("source body");
  for (const [name, value] of Object.entries(SOURCE)) expect(copied.headers[name]).toBe(value);
});

test("a copy goes on when its source is gone", async () => {
  await s3.put("short-lived", "x".repeat(100_000));
  await copy("outlives", {}, "short-lived");
  await s3.send({ method: "DELETE", key: "short-lived" });
  expect((await s3.send({ key: "outlives" })).text).toBe("x".repeat(100_000));
});

test("metadata is replaced where the client says so", async () => {
  const headers = { "x-amz-metadata-directive": "REPLACE", "x-amz-meta-other": "1", "content-type": "text/plain" };
  expect((await copy("replaced", headers)).status).toBe(200);
  const copied = await s3.send({ key: "replaced" });
  expect(copied.text).toBe("source body");
  expect(copied.headers["x-amz-meta-player"]).toBeUndefined();
  expect(copied.headers["x-amz-meta-other"]).toBe("1");
  expect(copied.headers["content-type"]).toBe("text/plain");
});

test("metadata that is given with a mere copy is passed over", async () => {
  await copy("mere", { "x-amz-metadata-directive": "COPY", "x-amz-meta-other": "1" });
  const copied = await s3.send({ method: "HEAD", key: "mere" });
  expect(copied.headers["x-amz-meta-other"]).toBeUndefined();
  expect(copied.headers["x-amz-meta-player"]).toBe("ann");
});

test("another directive is refused", async () => {
  expect((await copy("directive", { "x-amz-metadata-directive": "MERGE" })).outcome).toBe("400 InvalidArgument");
});

test("an object is not copied onto itself for nothing", async () => {
  await s3.put("self", "x");
  expect((await copy("self", {}, "self")).outcome).toBe("400 InvalidRequest");
  const headers = { "x-amz-metadata-directive": "REPLACE", "x-amz-meta-new": "1" };
  expect((await copy("self", headers, "self")).status).toBe(200);
  const now = await s3.send({ key: "self" });
  expect(now.text).toBe("x");
  expect(now.headers["x-amz-meta-new"]).toBe("1");
});

test.each([
  { headers: { "x-amz-copy-source-if-match": ETAG }, outcome: "200" },
  { headers: { "x-amz-copy-source-if-match": OTHER }, outcome: "412 PreconditionFailed" },
  { headers: { "x-amz-copy-source-if-none-match": OTHER }, outcome: "200" },
  { headers: { "x-amz-copy-source-if-none-match": ETAG }, outcome: "412 PreconditionFailed" },
  { headers: { "x-amz-copy-source-if-modified-since": "Sat, 01 Jan 2000 00:00:00 GMT" }, outcome: "200" },
  {
    headers: { "x-amz-copy-source-if-unmodified-since": "Sat, 01 Jan 2000 00:00:00 GMT" },
    outcome: "412 PreconditionFailed",
  },
])("a copy with $headers answers $outcome", async ({ headers, outcome }) => {
  expect((await copy("conditional", headers as Record<string, string>)).outcome).toBe(outcome);
});

test.each([
  { source: "/BUCKET/absent", outcome: "404 NoSuchKey", why: "no such object" },
  { source: "/kagami-no-such-bucket/k", outcome: "404 NoSuchBucket", why: "no such bucket" },
  { source: "/BUCKET", outcome: "400 InvalidArgument", why: "no key" },
  { source: "/BUCKET/", outcome: "400 InvalidArgument", why: "an empty key" },
  { source: "nothing", outcome: "400 InvalidArgument", why: "neither bucket nor key" },
  { source: "/BUCKET/%ZZ", outcome: "400 InvalidArgument", why: "broken encoding" },
])("the source $source answers $outcome: $why", async ({ source, outcome }) => {
  const headers = { "x-amz-copy-source": source.replace("BUCKET", s3.bucket) };
  expect((await s3.send({ method: "PUT", key: "from-nowhere", headers })).outcome).toBe(outcome);
  expect((await s3.send({ key: "from-nowhere" })).status).toBe(404);
});

test.each([
  { key: "with space+plus%percent", why: "encoded as a path" },
  { key: "鏡/🎮", why: "other scripts" },
  { key: "a?b#c", why: "what ends a path elsewhere" },
  { key: "a//b/../c", why: "nothing is normalised" },
])("a source named $key is found: $why", async ({ key }) => {
  await s3.put(key, `body of ${key}`);
  expect((await copy("from-odd", {}, key)).status).toBe(200);
  expect((await s3.send({ key: "from-odd" })).text).toBe(`body of ${key}`);
  const encoded = `${s3.bucket}/${encodeS3(key)}`;
  const again = await s3.send({ method: "PUT", key: "from-odd-2", headers: { "x-amz-copy-source": encoded } });
  expect(again.status).toBe(200);
  expect((await s3.send({ key: "from-odd-2" })).text).toBe(`body of ${key}`);
});

test("a copy goes from bucket to bucket", async () => {
  const bucket = await s3.makeBucket();
  const headers = { "x-amz-copy-source": `${s3.bucket}/source` };
  expect((await s3.send({ method: "PUT", bucket, key: "moved", headers })).status).toBe(200);
  expect((await s3.send({ bucket, key: "moved" })).text).toBe("source body");
});

test.each([0, 65_537, 9_000_000])("a copy of %i bytes is equal", async (size) => {
  const body = randomBytes(size);
  await s3.put("sized", body);
  expect((await copy("sized-copy", {}, "sized")).value("ETag")).toBe(`"${md5Hex(body)}"`);
  expect((await s3.send({ key: "sized-copy" })).bytes.equals(body)).toBe(true);
});

test("tags go with the copy, or are replaced", async () => {
  await s3.put("tagged", "x", { "x-amz-tagging": "a=1&b=2" });
  await copy("tags-copied", {}, "tagged");
  const copied = await s3.send({ key: "tags-copied", query: { tagging: "" } });
  expect(copied.values("Key")).toEqual(["a", "b"]);
  await copy("tags-replaced", { "x-amz-tagging-directive": "REPLACE", "x-amz-tagging": "c=3" }, "tagged");
  const replaced = await s3.send({ key: "tags-replaced", query: { tagging: "" } });
  expect(replaced.values("Key")).toEqual(["c"]);
});

test("a copy into a bucket that there is not stores nothing", async () => {
  const headers = { "x-amz-copy-source": `${s3.bucket}/source` };
  const answer = await s3.send({ method: "PUT", bucket: "kagami-no-such-bucket", key: "k", headers });
  expect(answer.outcome).toBe("404 NoSuchBucket");
});
