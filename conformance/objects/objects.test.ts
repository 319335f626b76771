import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { md5Base64, md5Hex, useSession } from "./support/session.ts";

const s3 = useSession("objects");

test.each([0, 1, 10, 65_535, 65_536, 65_537, 1_000_000, 8_388_608, 8_388_609])(
  "an object of %i bytes comes back as it was stored",
  async (size) => {
    const body = randomBytes(size);
    const put = await s3.put(`size-${size}`, body);
    expect(put.headers.etag).toBe(`"${md5Hex(body)}"`);
    const got = await s3.send({ key: `size-${size}` });
    expect(got.status).toBe(200);
    expect(got.headers["content-length"]).toBe(String(size));
    expect(got.headers.etag).toBe(`"${md5Hex(body)}"`);
    expect(got.bytes.equals(body)).toBe(true);
  },
);

test.each([
  { key: "plain", why: "letters" },
  { key: "with space", why: "a space" },
  { key: "a+b", why: "a plus, which is no space in a path" },
  { key: "100%", why: "a percent sign" },
  { key: "a%2Fb", why: "what looks encoded is not decoded twice" },
  { key: "q?x=1&y=2", why: "what looks like a query" },
  { key: "hash#1", why: "what looks like a fragment" },
  { key: "鏡/みらー/🎮", why: "other scripts, and characters beyond 16 bits" },
  { key: "a//b", why: "an empty segment" },
  { key: "/first", why: "a slash first" },
  { key: "folder/", why: "a slash last" },
  { key: ".", why: "a dot is no folder" },
  { key: "..", why: "nor are two" },
  { key: "../../etc/passwd", why: "and nothing leads upwards" },
  { key: "a/./b/../c", why: "nothing is normalised" },
  { key: "tab\there", why: "a control character" },
  { key: "!-_.*'()", why: "all that the documentation calls safe" },
  { key: "&$@=;:,", why: "what might need special handling" },
  { key: "<xml>&\"'", why: "what XML must escape" },
  { key: "é", why: "composed" },
  { key: "e\u0301", why: "decomposed is another key" },
  { key: "k".repeat(1_024), why: "1,024 bytes are the most" },
  { key: "鏡".repeat(341), why: "1,023 bytes in three-byte characters" },
])("the key $key is kept as it is: $why", async ({ key }) => {
  await s3.put(key, `body of ${key}`);
  expect((await s3.send({ key })).text).toBe(`body of ${key}`);
  const listed = await s3.send({ query: { "list-type": "2", "encoding-type": "url", prefix: key } });
  const decoded = listed.values("Key").map((text) => decodeURIComponent(text.replace(/\+/g, " ")));
  expect(decoded).toContain(key);
  expect((await s3.send({ method: "DELETE", key })).status).toBe(204);
  expect((await s3.send({ key })).outcome).toBe("404 NoSuchKey");
});

test.each([
  { key: "k".repeat(1_025), why: "a byte too many" },
  { key: "鏡".repeat(342), why: "1,026 bytes in 342 characters" },
])("a key of $key.length characters is refused: $why", async ({ key }) => {
  expect((await s3.send({ method: "PUT", key, body: "x" })).outcome).toBe("400 KeyTooLongError");
});

test("composed and decomposed letters are two keys", async () => {
  await s3.put("caf\u00e9", "one");
  await s3.put("cafe\u0301", "two");
  expect((await s3.send({ key: "caf\u00e9" })).text).toBe("one");
  expect((await s3.send({ key: "cafe\u0301" })).text).toBe("two");
});

test.each([
  { header: "content-type", value: "video/mp4" },
  { header: "content-disposition", value: 'attachment; filename="a b.mp4"' },
  { header: "content-encoding", value: "gzip" },
  { header: "content-language", value: "ja, en" },
  { header: "cache-control", value: "max-age=31536000, immutable" },
  { header: "expires", value: "Thu, 01 Dec 2044 16:00:00 GMT" },
  { header: "x-amz-meta-player", value: "ann" },
  { header: "x-amz-meta-empty-like", value: "a  b" },
  { header: "x-amz-website-redirect-location", value: "/elsewhere" },
])("$header is kept with the object", async ({ header, value }) => {
  await s3.put("headers", "x", { [header]: value });
  // Signing folds spaces; the value itself stays as it was sent.
  expect((await s3.send({ key: "headers" })).headers[header]).toBe(value);
  expect((await s3.send({ method: "HEAD", key: "headers" })).headers[header]).toBe(value);
});

test("an object without a type is one of plain bytes", async () => {
  await s3.put("typeless", "x");
  expect((await s3.send({ key: "typeless" })).headers["content-type"]).toBe("binary/octet-stream");
});

test("aws-chunked is no encoding of the object", async () => {
  await s3.put("encoded", "x", { "content-encoding": "gzip" });
  const answer = await s3.send({ key: "encoded" });
  expect(answer.headers["content-encoding"]).toBe("gzip");
});

test("names of metadata are not told apart by case", async () => {
  await s3.send({ method: "PUT", key: "case", body: "x", headers: { "x-amz-meta-abc": "1" } });
  expect((await s3.send({ method: "HEAD", key: "case" })).headers["x-amz-meta-abc"]).toBe("1");
});

test("metadata of 2,048 bytes is kept, one more is refused", async () => {
  const name = "x-amz-meta-long";
  const fits = "v".repeat(2_048 - "long".length);
  expect((await s3.send({ method: "PUT", key: "meta", body: "x", headers: { [name]: fits } })).status).toBe(200);
  expect((await s3.send({ method: "HEAD", key: "meta" })).headers[name]).toBe(fits);
  const over = await s3.send({ method: "PUT", key: "meta", body: "y", headers: { [name]: `${fits}v` } });
  expect(over.outcome).toBe("400 MetadataTooLarge");
  expect((await s3.send({ key: "meta" })).text).toBe("x");
});

test("a new object of the same key replaces body and metadata", async () => {
  await s3.put("again", "first", { "x-amz-meta-a": "1", "content-type": "text/plain" });
  await s3.put("again", "second", { "x-amz-meta-b": "2" });
  const answer = await s3.send({ key: "again" });
  expect(answer.text).toBe("second");
  expect(answer.headers["x-amz-meta-a"]).toBeUndefined();
  expect(answer.headers["x-amz-meta-b"]).toBe("2");
  expect(answer.headers["content-type"]).toBe("binary/octet-stream");
});

test("a HEAD says what a GET says, without the body", async () => {
  await s3.put("head", "hello", { "content-type": "text/plain" });
  const got = await s3.send({ key: "head" });
  const headed = await s3.send({ method: "HEAD", key: "head" });
  expect(headed.bytes).toHaveLength(0);
  for (const name of ["content-length", "content-type", "etag", "last-modified", "accept-ranges"])
    expect(headed.headers[name], name).toBe(got.headers[name]);
  expect(got.headers["accept-ranges"]).toBe("bytes");
  expect(new Date(String(got.headers["last-modified"])).getTime()).toBeGreaterThan(Date.now() - 3_600_000);
});

test("every answer has a request id", async () => {
  await s3.put("id", "x");
  const ids = await Promise.all([s3.send({ key: "id" }), s3.send({ key: "absent" }), s3.send({ method: "HEAD" })]);
  const found = ids.map(({ headers }) => headers["x-amz-request-id"]);
  expect(new Set(found).size).toBe(3);
  expect(found.every((id) => typeof id === "string" && id.length > 8)).toBe(true);
});

test.each([
  { parameter: "response-content-type", header: "content-type", value: "text/html" },
  { parameter: "response-content-language", header: "content-language", value: "de" },
  { parameter: "response-expires", header: "expires", value: "Thu, 01 Dec 1994 16:00:00 GMT" },
  { parameter: "response-cache-control", header: "cache-control", value: "no-store" },
  { parameter: "response-content-disposition", header: "content-disposition", value: "inline; filename=x" },
  { parameter: "response-content-encoding", header: "content-encoding", value: "br" },
])("$parameter overrides the answer's header, not the object's", async ({ parameter, header, value }) => {
  await s3.put("override", "x", { [header]: header === "expires" ? "Fri, 02 Dec 2044 16:00:00 GMT" : "text/kept" });
  expect((await s3.send({ key: "override", query: { [parameter]: value } })).headers[header]).toBe(value);
  expect((await s3.send({ method: "HEAD", key: "override", query: { [parameter]: value } })).headers[header]).toBe(
    value,
  );
  expect((await s3.send({ key: "override" })).headers[header]).not.toBe(value);
});

test("an override by a stranger is refused, even where the object is public", async () => {
  await s3.put("anonymous", "x");
  const answer = await s3.send({
    key: "anonymous",
    isAnonymous: true,
    query: { "response-content-type": "text/html" },
  });
  expect(answer.outcome).toMatch(/^(400 InvalidRequest|403 AccessDenied)$/);
});

test.each([
  { md5: md5Base64("hello"), outcome: "200", why: "it is the body's" },
  { md5: md5Base64("other"), outcome: "400 BadDigest", why: "it is another body's" },
  { md5: "not base64!", outcome: "400 InvalidDigest", why: "it is no base64" },
  { md5: "AAAA", outcome: "400 InvalidDigest", why: "it is too short" },
])("content-md5 $md5 answers $outcome: $why", async ({ md5, outcome }) => {
  const answer = await s3.send({
    method: "PUT",
    key: `md5-${outcome}`,
    body: "hello",
    headers: { "content-md5": md5 },
  });
  expect(answer.outcome).toBe(outcome);
  expect((await s3.send({ key: `md5-${outcome}` })).status).toBe(outcome === "200" ? 200 : 404);
});

test("a signed hash of the body that does not fit stores nothing", async () => {
  const answer = await s3.send({ method: "PUT", key: "hash", body: "hello", payloadHash: "0".repeat(64) });
  expect(answer.outcome).toBe("400 XAmzContentSHA256Mismatch");
  expect((await s3.send({ key: "hash" })).outcome).toBe("404 NoSuchKey");
});

test("a delete of what there is not is a success", async () => {
  expect((await s3.send({ method: "DELETE", key: "never" })).status).toBe(204);
});

test("an object that is deleted is gone from GET, HEAD and the list", async () => {
  await s3.put("gone", "x");
  expect((await s3.send({ method: "DELETE", key: "gone" })).status).toBe(204);
  expect((await s3.send({ key: "gone" })).outcome).toBe("404 NoSuchKey");
  expect((await s3.send({ method: "HEAD", key: "gone" })).status).toBe(404);
  expect((await s3.send({ query: { prefix: "gone" } })).values("Key")).toEqual([]);
});

test("many writers of one key leave one whole object of one of them", async () => {
  const bodies = Array.from({ length: 8 }, (_, i) => Buffer.alloc(100_000, i));
  await Promise.all(bodies.map((body) => s3.put("race", body)));
  const answer = await s3.send({ key: "race" });
  expect(bodies.some((body) => body.equals(answer.bytes))).toBe(true);
  expect(answer.headers.etag).toBe(`"${md5Hex(answer.bytes)}"`);
});

test.each([
  { storageClass: "STANDARD", outcome: "200", shown: undefined },
  { storageClass: "COLD_AND_DARK", outcome: "400 InvalidStorageClass", shown: undefined },
])("storage class $storageClass answers $outcome", async ({ storageClass, outcome, shown }) => {
  const headers = { "x-amz-storage-class": storageClass };
  expect((await s3.send({ method: "PUT", key: "class", body: "x", headers })).outcome).toBe(outcome);
  expect((await s3.send({ method: "HEAD", key: "class" })).headers["x-amz-storage-class"]).toBe(shown);
});

test("attributes of an object are what was asked for", async () => {
  await s3.put("attributes", "hello");
  const headers = { "x-amz-object-attributes": "ETag,ObjectSize,StorageClass" };
  const answer = await s3.send({ key: "attributes", query: { attributes: "" }, headers });
  expect(answer.status).toBe(200);
  expect(answer.value("ETag")).toBe(md5Hex("hello"));
  expect(answer.value("ObjectSize")).toBe("5");
  expect(answer.value("StorageClass")).toBe("STANDARD");
  const one = await s3.send({
    key: "attributes",
    query: { attributes: "" },
    headers: { "x-amz-object-attributes": "ObjectSize" },
  });
  expect(one.value("ETag")).toBeUndefined();
});

test.each([
  { headers: {}, outcome: "400 InvalidRequest", why: "nothing is asked for" },
  {
    headers: { "x-amz-object-attributes": "Colour" },
    outcome: "400 InvalidArgument",
    why: "there is no such attribute",
  },
])("attributes answer $outcome: $why", async ({ headers, outcome }) => {
  await s3.put("attributes", "hello");
  expect((await s3.send({ key: "attributes", query: { attributes: "" }, headers })).outcome).toBe(outcome);
});

test("the access list of an object names its owner with full control", async () => {
  await s3.put("acl", "x");
  const answer = await s3.send({ key: "acl", query: { acl: "" } });
  expect(answer.value("Permission")).toBe("FULL_CONTROL");
});

test("what was read as access list may be written back, and nothing that gives others anything", async () => {
  await s3.put("acl", "x");
  const query = { acl: "" };
  const body = (await s3.send({ key: "acl", query })).text;
  expect((await s3.send({ method: "PUT", key: "acl", query, body })).status).toBe(200);
  const opened = body
    .replace("FULL_CONTROL", "READ")
    .replace(/<ID>[^<]*<\/ID>(?=<DisplayName>[^<]*<\/DisplayName><\/Grantee>)/, "<ID>else</ID>");
  expect((await s3.send({ method: "PUT", key: "acl", query, body: opened })).status).toBe(400);
});
