import { beforeEach, expect, test } from "vitest";
import { useSession } from "./support/session.ts";

const s3 = useSession("policy");

interface Statement {
  readonly Effect?: string;
  readonly Principal?: unknown;
  readonly Action?: unknown;
  readonly Resource?: unknown;
  readonly Condition?: unknown;
  readonly [other: string]: unknown;
}

function document(...statements: readonly Statement[]): string {
  const filled = statements.map((statement) => ({
    Effect: "Allow",
    Principal: "*",
    Action: "s3:GetObject",
    Resource: `arn:aws:s3:::${s3.bucket}/*`,
    ...statement,
  }));
  return JSON.stringify({ Version: "2012-10-17", Statement: filled });
}

const write = (body: string) => s3.send({ method: "PUT", query: { policy: "" }, body });
const stranger = (ask: Parameters<typeof s3.send>[0]) => s3.send({ ...ask, isAnonymous: true });

beforeEach(async () => {
  await s3.send({ method: "DELETE", query: { policy: "" } });
  await s3.put("public/k", "open");
  await s3.put("private/k", "closed");
});

test("a policy comes back as it was put, and goes", async () => {
  const body = document({});
  expect((await write(body)).status).toBe(204);
  const answer = await s3.send({ query: { policy: "" } });
  expect(answer.status).toBe(200);
  expect(JSON.parse(answer.text)).toEqual(JSON.parse(body));
  expect((await s3.send({ method: "DELETE", query: { policy: "" } })).status).toBe(204);
  expect((await s3.send({ query: { policy: "" } })).outcome).toBe("404 NoSuchBucketPolicy");
});

test.each([
  { body: "", why: "nothing" },
  { body: "{", why: "it breaks off" },
  { body: "[]", why: "no object" },
  { body: '{"Version":"2012-10-17"}', why: "no statement" },
  { body: '{"Version":"1999-01-01","Statement":[]}', why: "another version" },
])("$body is refused: $why", async ({ body }) => {
  expect((await write(body)).outcome).toBe("400 MalformedPolicy");
});

test.each([
  { statement: { Effect: "Maybe" }, why: "another effect" },
  { statement: { Principal: undefined }, why: "no principal" },
  { statement: { Action: undefined }, why: "no action" },
  { statement: { Resource: undefined }, why: "no resource" },
  { statement: { Resource: "arn:aws:s3:::kagami-another-bucket/*" }, why: "the resource of another bucket" },
  { statement: { Resource: "everything" }, why: "a resource that is no name" },
  { statement: { Action: "ec2:RunInstances" }, why: "an action of another service" },
  { statement: { Condition: { Sometimes: { "aws:SourceIp": "10.0.0.0/8" } } }, why: "an operator that there is not" },
  { statement: { Condition: { IpAddress: { "aws:SourceIp": "nowhere" } } }, why: "a network that is none" },
])("a statement with $statement is refused: $why", async ({ statement }) => {
  expect((await write(document(statement as Statement))).outcome).toBe("400 MalformedPolicy");
  expect((await s3.send({ query: { policy: "" } })).outcome).toBe("404 NoSuchBucketPolicy");
});

test("what a condition this server does not know would decide is refused, not passed over", async () => {
  const Condition = { StringEquals: { "aws:MultiFactorAuthAge": "1" } };
  const answer = await write(document({ Condition }));
  if (answer.status === 204) expect((await stranger({ key: "public/k" })).status).toBe(403);
  else expect(answer.outcome).toBe("400 MalformedPolicy");
});

test("a policy over 20 KiB is refused", async () => {
  expect((await write(document({ Sid: "x".repeat(20_480) }))).status).toBe(400);
});

test("a part of a bucket is opened to everybody, and only that", async () => {
  await write(document({ Resource: `arn:aws:s3:::${s3.bucket}/public/*` }));
  expect((await stranger({ key: "public/k" })).text).toBe("open");
  expect((await stranger({ method: "HEAD", key: "public/k" })).status).toBe(200);
  expect((await stranger({ key: "private/k" })).outcome).toBe("403 AccessDenied");
  expect((await stranger({ method: "PUT", key: "public/new", body: "x" })).outcome).toBe("403 AccessDenied");
  expect((await stranger({ method: "DELETE", key: "public/k" })).outcome).toBe("403 AccessDenied");
  expect((await stranger({})).outcome).toBe("403 AccessDenied");
});

test("who may not list is not told whether a key is there", async () => {
  await write(document({ Resource: `arn:aws:s3:::${s3.bucket}/public/*` }));
  expect((await stranger({ key: "public/absent" })).outcome).toBe("403 AccessDenied");
  const list = { Action: "s3:ListBucket", Resource: `arn:aws:s3:::${s3.bucket}` };
  await write(document({ Resource: `arn:aws:s3:::${s3.bucket}/public/*` }, list));
  expect((await stranger({ key: "public/absent" })).outcome).toBe("404 NoSuchKey");
});

test.each([
  { action: "s3:ListBucket", resource: "", ask: {}, why: "a listing is of the bucket" },
  { action: "s3:PutObject", resource: "/*", ask: { method: "PUT", key: "written", body: "x" }, why: "writing" },
  { action: "s3:DeleteObject", resource: "/*", ask: { method: "DELETE", key: "public/k" }, why: "deleting" },
  { action: "s3:GetObjectTagging", resource: "/*", ask: { key: "public/k", query: { tagging: "" } }, why: "tags" },
  { action: "s3:GetBucketLocation", resource: "", ask: { query: { location: "" } }, why: "the location" },
  { action: "s3:ListBucketVersions", resource: "", ask: { query: { versions: "" } }, why: "versions" },
  { action: "s3:*", resource: "/*", ask: { key: "public/k" }, why: "a star for all actions" },
  { action: "s3:Get*", resource: "/*", ask: { key: "public/k" }, why: "a star inside an action" },
  { action: "s3:getobject", resource: "/*", ask: { key: "public/k" }, why: "actions have no case" },
  { action: ["s3:ListBucket", "s3:GetObject"], resource: "/*", ask: { key: "public/k" }, why: "one of several" },
  { action: "s3:GetObject", resource: "/publi?/*", ask: { key: "public/k" }, why: "a question mark for a character" },
])("$action on the bucket's $resource allows it: $why", async ({ action, resource, ask }) => {
  expect((await stranger(ask as Parameters<typeof s3.send>[0])).status).toBe(403);
  await write(document({ Action: action, Resource: `arn:aws:s3:::${s3.bucket}${resource}` }));
  expect((await stranger(ask as Parameters<typeof s3.send>[0])).status).toBeLessThan(300);
});

test.each([
  { action: "s3:GetObject", resource: "", ask: { key: "public/k" }, why: "objects are not the bucket" },
  { action: "s3:ListBucket", resource: "/*", ask: {}, why: "the bucket is no object" },
  { action: "s3:GetObject", resource: "/public", ask: { key: "public/k" }, why: "no star, no rest" },
  { action: "s3:GetObject", resource: "/Public/*", ask: { key: "public/k" }, why: "keys have case" },
  {
    action: "s3:GetObject",
    resource: "/*",
    ask: { key: "public/k", query: { versionId: "null" } },
    why: "a version has an action of its own",
  },
  {
    action: "s3:GetObject",
    resource: "/*",
    ask: { key: "public/k", query: { tagging: "" } },
    why: "tags have one, too",
  },
  { action: "s3:GetObject", resource: "/*", ask: { key: "public/k", query: { acl: "" } }, why: "and access lists" },
])("$action on the bucket's $resource does not allow it: $why", async ({ action, resource, ask }) => {
  const written = await write(document({ Action: action, Resource: `arn:aws:s3:::${s3.bucket}${resource}` }));
  expect([204, 400]).toContain(written.status);
  expect((await stranger(ask as Parameters<typeof s3.send>[0])).outcome).toBe("403 AccessDenied");
});

test("a denial outweighs every permission, for strangers and for the owner's objects", async () => {
  const deny = { Effect: "Deny", Resource: `arn:aws:s3:::${s3.bucket}/private/*` };
  await write(document({}, deny));
  expect((await stranger({ key: "public/k" })).text).toBe("open");
  expect((await stranger({ key: "private/k" })).outcome).toBe("403 AccessDenied");
  expect((await s3.send({ key: "private/k" })).outcome).toBe("403 AccessDenied");
  expect((await s3.send({ method: "DELETE", query: { policy: "" } })).status).toBe(204);
  expect((await s3.send({ key: "private/k" })).text).toBe("closed");
});

test("a denial alone allows nothing", async () => {
  await write(document({ Effect: "Deny", Resource: `arn:aws:s3:::${s3.bucket}/private/*` }));
  expect((await stranger({ key: "public/k" })).outcome).toBe("403 AccessDenied");
});

test.each([
  { condition: { IpAddress: { "aws:SourceIp": ["127.0.0.0/8", "::1/128"] } }, status: 200, why: "loopback" },
  { condition: { NotIpAddress: { "aws:SourceIp": ["127.0.0.0/8", "::1/128"] } }, status: 403, why: "all but loopback" },
  { condition: { IpAddress: { "aws:SourceIp": "10.0.0.0/8" } }, status: 403, why: "another network" },
  { condition: { StringLike: { "aws:Referer": "https://app.example/*" } }, status: 403, why: "no referer" },
  { condition: { StringEquals: { "aws:UserAgent": "kagami" } }, status: 403, why: "another agent" },
  { condition: { Bool: { "aws:SecureTransport": "true" } }, status: 403, why: "no TLS here" },
  { condition: { Bool: { "aws:SecureTransport": "false" } }, status: 200, why: "no TLS here, and none asked for" },
])("a condition $condition answers $status: $why", async ({ condition, status }) => {
  await write(document({ Condition: condition }));
  expect((await stranger({ key: "public/k" })).status).toBe(status);
});

test("a client cannot say where it comes from", async () => {
  await write(document({ Condition: { IpAddress: { "aws:SourceIp": "10.0.0.0/8" } } }));
  const headers = { "x-forwarded-for": "10.1.2.3", "x-real-ip": "10.1.2.3", forwarded: "for=10.1.2.3" };
  expect((await stranger({ key: "public/k", headers })).outcome).toBe("403 AccessDenied");
});

test("a referer that fits opens, another does not", async () => {
  await write(document({ Condition: { StringLike: { "aws:Referer": "https://app.example/*" } } }));
  const from = (referer: string) => stranger({ key: "public/k", headers: { referer } });
  expect((await from("https://app.example/watch")).status).toBe(200);
  expect((await from("https://evil.example/?https://app.example/")).status).toBe(403);
});

test("a listing may be bound to a prefix", async () => {
  const Condition = { StringLike: { "s3:prefix": "public/*" } };
  await write(document({ Action: "s3:ListBucket", Resource: `arn:aws:s3:::${s3.bucket}`, Condition }));
  expect((await stranger({ query: { prefix: "public/" } })).values("Key")).toEqual(["public/k"]);
  expect((await stranger({ query: { prefix: "private/" } })).outcome).toBe("403 AccessDenied");
  expect((await stranger({})).outcome).toBe("403 AccessDenied");
});

test("whether a policy opens the bucket to everybody can be asked", async () => {
  const isPublic = async () => (await s3.send({ query: { policyStatus: "" } })).value("IsPublic")?.toLowerCase();
  await write(document({}));
  expect(await isPublic()).toBe("true");
  await write(document({ Principal: { AWS: "arn:aws:iam:::user/nobody" } }));
  expect(await isPublic()).toBe("false");
});
