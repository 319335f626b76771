import { expect, test } from "vitest";
import { bucketName, useSession } from "./support/session.ts";

const s3 = useSession("buckets");

test.each([
  { name: "abc", why: "three characters are enough" },
  { name: `a${"0".repeat(61)}z`, why: "63 are not too many" },
  { name: "my.bucket-1.example", why: "dots and hyphens inside" },
  { name: "1st", why: "a digit first" },
])("a bucket may be named $name: $why", async ({ name }) => {
  await s3.makeBucket(name);
  expect((await s3.send({ method: "HEAD", bucket: name })).status).toBe(200);
});

test.each([
  { name: "ab", why: "too short" },
  { name: "a".repeat(64), why: "too long" },
  { name: "Upper", why: "capital letters" },
  { name: "under_score", why: "an underscore" },
  { name: "-first", why: "a hyphen first" },
  { name: "last-", why: "a hyphen last" },
  { name: ".first", why: "a dot first" },
  { name: "two..dots", why: "two dots in a row" },
  { name: "192.168.5.4", why: "it looks like an IP address" },
  { name: "sp ace", why: "a space" },
])("a bucket may not be named $name: $why", async ({ name }) => {
  expect((await s3.send({ method: "PUT", bucket: name })).outcome).toBe("400 InvalidBucketName");
});

test("a new bucket says where it is", async () => {
  const bucket = bucketName("new");
  const answer = await s3.send({ method: "PUT", bucket });
  expect(answer.status).toBe(200);
  expect(answer.headers.location).toBe(`/${bucket}`);
  expect((await s3.send({ method: "DELETE", bucket })).status).toBe(204);
});

test.each([
  { constraint: "", outcome: "200", why: "no constraint is the default region" },
  {
    constraint:
      '<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"></CreateBucketConfiguration>',
    outcome: "200",
    why: "an empty configuration is one without a constraint",
  },
  { constraint: "<CreateBucketConfiguration><Location", outcome: "400 MalformedXML", why: "it breaks off" },
  { constraint: "<Other/>", outcome: "400 MalformedXML", why: "another document" },
])("creating a bucket with the body $constraint answers $outcome: $why", async ({ constraint, outcome }) => {
  const bucket = bucketName("body");
  expect((await s3.send({ method: "PUT", bucket, body: constraint })).outcome).toBe(outcome);
  await s3.send({ method: "DELETE", bucket });
});

test("a bucket that its owner makes again is an error that says so, and stays as it is", async () => {
  await s3.put("kept", "x");
  expect((await s3.send({ method: "PUT" })).outcome).toMatch(/^(409 BucketAlreadyOwnedByYou|200)$/);
  expect((await s3.send({ key: "kept" })).text).toBe("x");
});

test("a bucket is listed with its owner and the time of its making", async () => {
  const answer = await s3.send({ bucket: "" });
  expect(answer.status).toBe(200);
  expect(answer.headers["content-type"]).toBe("application/xml");
  expect(answer.text).toContain('<ListAllMyBucketsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">');
  expect(answer.values("Name")).toContain(s3.bucket);
  expect(answer.value("ID")).not.toBe("");
  expect(answer.values("CreationDate")[0]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
});

test("buckets are listed in the order of their names", async () => {
  const prefix = bucketName("order");
  for (const letter of ["c", "a", "b"]) await s3.makeBucket(`${prefix}-${letter}`);
  const names = (await s3.send({ bucket: "" })).values("Name").filter((name) => name.startsWith(prefix));
  expect(names).toEqual([`${prefix}-a`, `${prefix}-b`, `${prefix}-c`]);
});

test("a HEAD of a bucket tells its region and no body", async () => {
  const answer = await s3.send({ method: "HEAD" });
  expect(answer.status).toBe(200);
  expect(answer.bytes).toHaveLength(0);
  expect(answer.headers["x-amz-bucket-region"]).toBe("us-east-1");
});

test.each([
  { method: "HEAD", outcome: "404", query: {} },
  { method: "GET", outcome: "404 NoSuchBucket", query: {} },
  { method: "DELETE", outcome: "404 NoSuchBucket", query: {} },
  { method: "GET", outcome: "404 NoSuchBucket", query: { location: "" } },
  { method: "GET", outcome: "404 NoSuchBucket", query: { versioning: "" } },
  { method: "GET", outcome: "404 NoSuchBucket", query: { uploads: "" } },
  { method: "GET", outcome: "404 NoSuchBucket", query: { policy: "" } },
  { method: "GET", outcome: "404 NoSuchBucket", query: { lifecycle: "" } },
  { method: "GET", outcome: "404 NoSuchBucket", query: { cors: "" } },
  { method: "GET", outcome: "404 NoSuchBucket", query: { tagging: "" } },
])("$method $query of a bucket that there is not answers $outcome", async ({ method, query, outcome }) => {
  const answer = await s3.send({ method, bucket: "kagami-no-such-bucket", query });
  expect(answer.outcome).toBe(outcome);
});

test.each([
  { method: "PUT", key: "k", outcome: "404 NoSuchBucket" },
  { method: "GET", key: "k", outcome: "404 NoSuchBucket" },
  { method: "DELETE", key: "k", outcome: "404 NoSuchBucket" },
])("$method of an object in a bucket that there is not answers $outcome", async ({ method, key, outcome }) => {
  expect((await s3.send({ method, bucket: "kagami-no-such-bucket", key })).outcome).toBe(outcome);
});

test("a bucket with an object in it is not removed", async () => {
  const bucket = await s3.makeBucket();
  await s3.send({ method: "PUT", bucket, key: "k", body: "x" });
  expect((await s3.send({ method: "DELETE", bucket })).outcome).toBe("409 BucketNotEmpty");
  expect((await s3.send({ method: "DELETE", bucket, key: "k" })).status).toBe(204);
  expect((await s3.send({ method: "DELETE", bucket })).status).toBe(204);
  expect((await s3.send({ method: "HEAD", bucket })).status).toBe(404);
});

test("a bucket that is made again after its removal is empty", async () => {
  const bucket = await s3.makeBucket();
  await s3.send({ method: "PUT", bucket, key: "k", body: "x" });
  await s3.send({ method: "DELETE", bucket, key: "k" });
  await s3.send({ method: "DELETE", bucket });
  expect((await s3.send({ method: "PUT", bucket })).status).toBe(200);
  expect((await s3.send({ bucket })).values("Key")).toEqual([]);
  expect((await s3.send({ bucket, key: "k" })).outcome).toBe("404 NoSuchKey");
});

test("the location of a bucket of the default region is empty", async () => {
  const answer = await s3.send({ query: { location: "" } });
  expect(answer.status).toBe(200);
  expect(answer.text).toMatch(/<LocationConstraint(?: xmlns="[^"]+")?(?:\/>|><\/LocationConstraint>)/);
});

test.each([
  { query: { policy: "" }, outcome: "404 NoSuchBucketPolicy" },
  { query: { lifecycle: "" }, outcome: "404 NoSuchLifecycleConfiguration" },
  { query: { cors: "" }, outcome: "404 NoSuchCORSConfiguration" },
  { query: { tagging: "" }, outcome: "404 NoSuchTagSet" },
  { query: { website: "" }, outcome: "404 NoSuchWebsiteConfiguration" },
  { query: { encryption: "" }, outcome: "404 ServerSideEncryptionConfigurationNotFoundError" },
  { query: { replication: "" }, outcome: "404 ReplicationConfigurationNotFoundError" },
  { query: { "object-lock": "" }, outcome: "404 ObjectLockConfigurationNotFoundError" },
  { query: { publicAccessBlock: "" }, outcome: "404 NoSuchPublicAccessBlockConfiguration" },
  { query: { requestPayment: "" }, outcome: "200" },
  { query: { logging: "" }, outcome: "200" },
  { query: { notification: "" }, outcome: "200" },
  { query: { accelerate: "" }, outcome: "200" },
  { query: { acl: "" }, outcome: "200" },
  { query: { versioning: "" }, outcome: "200" },
])("a fresh bucket answers $outcome to GET $query", async ({ query, outcome }) => {
  expect((await s3.send({ query })).outcome).toBe(outcome);
});

test("who pays for requests is the owner of the bucket", async () => {
  expect((await s3.send({ query: { requestPayment: "" } })).value("Payer")).toBe("BucketOwner");
});

test("the access list of a bucket names its owner with full control", async () => {
  const answer = await s3.send({ query: { acl: "" } });
  expect(answer.value("Permission")).toBe("FULL_CONTROL");
  expect(answer.values("ID")).toHaveLength(2);
});

test.each([
  { method: "POST", query: {}, outcome: /^(400|405|411|412|415|501) /, why: "a POST that is no form" },
  {
    method: "PATCH",
    query: {},
    outcome: /^(405 MethodNotAllowed|403 SignatureDoesNotMatch|400 )/,
    why: "a method S3 has not",
  },
])("$method of a bucket is refused: $why", async ({ method, query, outcome }) => {
  expect((await s3.send({ method, query })).outcome).toMatch(outcome);
});

test("a bucket in the host's name is found there", async () => {
  const key = "by-host";
  await s3.put(key, "found");
  const host = `${s3.bucket}.localhost:${new URL(s3.endpoint.url).port}`;
  const headers = s3.wire.signer.sign(
    { method: "GET", path: `/${key}`, headers: { host } },
    "UNSIGNED-PAYLOAD",
    Date.now(),
  );
  const answer = await s3.wire.sendRaw("GET", `/${key}`, headers);
  expect(answer.text).toBe("found");
});
