import { beforeAll, expect, test } from "vitest";
import { md5Base64, md5Hex, useSession } from "./support/session.ts";

const s3 = useSession("version-edges");
let bucket: string;

beforeAll(async () => {
  bucket = await s3.makeBucket();
  await setState("Enabled");
});

function setState(status: string) {
  const body = `<VersioningConfiguration><Status>${status}</Status></VersioningConfiguration>`;
  return s3.send({ method: "PUT", bucket, query: { versioning: "" }, body });
}

const put = (key: string, body: string, headers: Record<string, string> = {}) =>
  s3.send({ method: "PUT", bucket, key, body, headers });

test("a marker is no object to the condition of who wants to be first", async () => {
  await put("first", "one");
  await s3.send({ method: "DELETE", bucket, key: "first" });
  expect((await put("first", "two", { "if-none-match": "*" })).status).toBe(200);
  expect((await put("first", "three", { "if-none-match": "*" })).outcome).toBe("412 PreconditionFailed");
});

test("a condition is about the current version", async () => {
  await put("current", "one");
  await put("current", "two");
  expect((await put("current", "three", { "if-match": `"${md5Hex("one")}"` })).outcome).toBe("412 PreconditionFailed");
  expect((await put("current", "three", { "if-match": `"${md5Hex("two")}"` })).status).toBe(200);
});

test("a delete of what never was leaves a marker", async () => {
  const answer = await s3.send({ method: "DELETE", bucket, key: "never" });
  expect(answer.status).toBe(204);
  expect(answer.headers["x-amz-delete-marker"]).toBe("true");
  const listed = await s3.send({ bucket, query: { versions: "", prefix: "never" } });
  expect(listed.values("DeleteMarker")).toHaveLength(1);
});

test("two deletes leave two markers, and each goes by its own", async () => {
  await put("twice", "x");
  const markers = [];
  for (let i = 0; i < 2; i++) {
    const { headers } = await s3.send({ method: "DELETE", bucket, key: "twice" });
    markers.push(String(headers["x-amz-version-id"]));
  }
  await s3.send({ method: "DELETE", bucket, key: "twice", query: { versionId: markers[1] ?? "" } });
  expect((await s3.send({ bucket, key: "twice" })).outcome).toBe("404 NoSuchKey");
  await s3.send({ method: "DELETE", bucket, key: "twice", query: { versionId: markers[0] ?? "" } });
  expect((await s3.send({ bucket, key: "twice" })).text).toBe("x");
});

test("an upload in parts and a copy make versions as well", async () => {
  const begun = await s3.send({ method: "POST", bucket, key: "parts", query: { uploads: "" } });
  const uploadId = begun.value("UploadId") ?? "";
  const part = await s3.send({ method: "PUT", bucket, key: "parts", query: { uploadId, partNumber: "1" }, body: "x" });
  const body = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${part.headers.etag}</ETag></Part></CompleteMultipartUpload>`;
  const done = await s3.send({ method: "POST", bucket, key: "parts", query: { uploadId }, body });
  expect(done.headers["x-amz-version-id"]).toBeDefined();
  const copied = await s3.send({
    method: "PUT",
    bucket,
    key: "parts",
    headers: { "x-amz-copy-source": `${bucket}/parts`, "x-amz-metadata-directive": "REPLACE" },
  });
  expect(copied.status, copied.text).toBe(200);
  expect(copied.headers["x-amz-version-id"]).not.toBe(done.headers["x-amz-version-id"]);
  const listed = await s3.send({ bucket, query: { versions: "", prefix: "parts" } });
  expect(listed.values("VersionId")).toHaveLength(2);
});

test("an old version is read in ranges, with its own headers and tags", async () => {
  const first = await put("old", "0123456789", { "content-type": "text/old", "x-amz-tagging": "age=old" });
  await put("old", "new", { "content-type": "text/new" });
  const query = { versionId: String(first.headers["x-amz-version-id"]) };
  const got = await s3.send({ bucket, key: "old", query, headers: { range: "bytes=2-3" } });
  expect(got.text).toBe("23");
  expect(got.headers["content-type"]).toBe("text/old");
  expect((await s3.send({ bucket, key: "old", query: { tagging: "", ...query } })).value("Value")).toBe("old");
  const attributes = await s3.send({
    bucket,
    key: "old",
    query: { attributes: "", ...query },
    headers: { "x-amz-object-attributes": "ObjectSize" },
  });
  expect(attributes.value("ObjectSize")).toBe("10");
});

test("a copy from a marker is refused", async () => {
  await put("marked", "x");
  const { headers } = await s3.send({ method: "DELETE", bucket, key: "marked" });
  const plain = { "x-amz-copy-source": `${bucket}/marked` };
  expect((await s3.send({ method: "PUT", bucket, key: "copy", headers: plain })).outcome).toBe("404 NoSuchKey");
  const named = { "x-amz-copy-source": `${bucket}/marked?versionId=${headers["x-amz-version-id"]}` };
  expect((await s3.send({ method: "PUT", bucket, key: "copy", headers: named })).outcome).toBe("400 InvalidRequest");
});

test("versions of a page that ends inside a key go on inside it", async () => {
  const ids: string[] = [];
  for (let i = 0; i < 5; i++) ids.unshift(String((await put("paged", String(i))).headers["x-amz-version-id"]));
  const first = await s3.send({ bucket, query: { versions: "", prefix: "paged", "max-keys": "2" } });
  expect(first.values("VersionId")).toEqual(ids.slice(0, 2));
  const position = {
    "key-marker": first.value("NextKeyMarker") ?? "",
    "version-id-marker": first.value("NextVersionIdMarker") ?? "",
  };
  const second = await s3.send({ bucket, query: { versions: "", prefix: "paged", ...position } });
  expect(second.values("VersionId")).toEqual(ids.slice(2));
  expect(second.values("IsLatest")).toEqual(["false", "false", "false"]);
  const behind = await s3.send({ bucket, query: { versions: "", prefix: "paged", "key-marker": "paged" } });
  expect(behind.values("VersionId")).toEqual([]);
});

test("a version marker without a key marker is refused", async () => {
  const answer = await s3.send({ bucket, query: { versions: "", "version-id-marker": "null" } });
  expect(answer.outcome).toBe("400 InvalidArgument");
});

test("many deletions in a suspended bucket replace the version null", async () => {
  await put("suspended", "kept");
  await setState("Suspended");
  await put("suspended", "null one");
  const body = "<Delete><Object><Key>suspended</Key></Object></Delete>";
  const headers = { "content-md5": md5Base64(body) };
  const answer = await s3.send({ method: "POST", bucket, query: { delete: "" }, body, headers });
  expect(answer.value("DeleteMarkerVersionId")).toBe("null");
  const listed = await s3.send({ bucket, query: { versions: "", prefix: "suspended" } });
  expect(listed.values("VersionId")[0]).toBe("null");
  expect(listed.values("VersionId")).toHaveLength(2);
  await setState("Enabled");
});
