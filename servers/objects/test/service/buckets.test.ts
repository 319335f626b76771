import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { HANDLERS } from "../../src/service/handlers/index.ts";
import { RawClient, type RawRequest } from "../support/raw-client.ts";
import { startTestServer, type TestServer } from "../support/start-server.ts";

let server: TestServer;
let client: RawClient;

beforeAll(async () => {
  server = await startTestServer({ maxBucketsPerUser: 6 });
  client = new RawClient(server.host);
  await client.send({ method: "PUT", path: "/docs" });
});

afterAll(() => server.end());

const send = (request: RawRequest) => client.send(request);
const put = (path: string, body: string) => send({ method: "PUT", path, body });

describe("buckets", () => {
  test.each([
    { name: "ab", why: "too short" },
    { name: "Upper", why: "capitals" },
    { name: "a..b", why: "two dots" },
    { name: "192.168.1.1", why: "an address" },
    { name: "xn--bucket", why: "a prefix of international names" },
  ])("cannot be named $name: $why", async ({ name }) => {
    expect((await send({ method: "PUT", path: `/${name}` })).code).toBe("InvalidBucketName");
  });

  test("are made once, are not removed while something is in them, and are limited per user", async () => {
    expect((await send({ method: "PUT", path: "/once" })).headers.location).toBe("/once");
    expect((await send({ method: "PUT", path: "/once" })).code).toBe("BucketAlreadyOwnedByYou");
    await put("/once/k", "x");
    expect((await send({ method: "DELETE", path: "/once" })).code).toBe("BucketNotEmpty");
    await send({ method: "DELETE", path: "/once/k" });
    expect((await send({ method: "DELETE", path: "/once" })).status).toBe(204);
    expect((await send({ method: "HEAD", path: "/once" })).status).toBe(404);
    for (let i = 0; i < 5; i++) expect((await send({ method: "PUT", path: `/many-${i}` })).status).toBe(200);
    expect((await send({ method: "PUT", path: "/many-6" })).code).toBe("TooManyBuckets");
  });

  test("lie where the server is", async () => {
    const body = (region: string) =>
      `<CreateBucketConfiguration><LocationConstraint>${region}</LocationConstraint></CreateBucketConfiguration>`;
    expect((await put("/elsewhere", body("eu-west-1"))).code).toBe("IllegalLocationConstraintException");
    expect((await send({ path: "/docs?location" })).text).toContain("<LocationConstraint");
  });
});

const documents = [
  {
    name: "lifecycle",
    absent: "NoSuchLifecycleConfiguration",
    good: "<LifecycleConfiguration><Rule><ID>r</ID><Filter><And><Prefix>a/</Prefix><Tag><Key>k</Key><Value>v</Value></Tag></And></Filter><Status>Enabled</Status><Expiration><Days>3</Days></Expiration></Rule></LifecycleConfiguration>",
    kept: ["<Days>3</Days>", "<And>", "<Prefix>a/</Prefix>", "<Key>k</Key>"],
  },
  {
    name: "cors",
    absent: "NoSuchCORSConfiguration",
    good: "<CORSConfiguration><CORSRule><AllowedOrigin>https://*.example.com</AllowedOrigin><AllowedMethod>GET</AllowedMethod></CORSRule></CORSConfiguration>",
    kept: ["<AllowedOrigin>https://*.example.com</AllowedOrigin>"],
  },
  {
    name: "tagging",
    absent: "NoSuchTagSet",
    good: "<Tagging><TagSet><Tag><Key>a</Key><Value>1</Value></Tag></TagSet></Tagging>",
    kept: ["<Key>a</Key>"],
  },
  {
    name: "policy",
    absent: "NoSuchBucketPolicy",
    good: '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:DeleteObject","Resource":"arn:aws:s3:::docs/*"}]}',
    kept: ['"Effect":"Deny"'],
  },
];

describe.each(documents)("the document $name", ({ name, absent, good, kept }) => {
  test("is put, told and removed", async () => {
    expect((await send({ path: `/docs?${name}` })).code).toBe(absent);
    expect((await put(`/docs?${name}`, good)).status).toBeLessThan(300);
    const { text } = await send({ path: `/docs?${name}` });
    for (const piece of kept) expect(text).toContain(piece);
    expect((await put(`/docs?${name}`, "<Nonsense/>")).status).toBe(400);
    expect((await send({ path: `/docs?${name}` })).text).toBe(text);
    expect((await send({ method: "DELETE", path: `/docs?${name}` })).status).toBe(204);
    expect((await send({ path: `/docs?${name}` })).code).toBe(absent);
  });
});

describe("a lifecycle document is refused", () => {
  const rule = (inside: string) => `<LifecycleConfiguration><Rule>${inside}</Rule></LifecycleConfiguration>`;
  const head = "<ID>r</ID><Filter><Prefix/></Filter><Status>Enabled</Status>";
  const days = "<Expiration><Days>1</Days></Expiration>";
  test.each([
    { body: "<LifecycleConfiguration/>", code: "MalformedXML", why: "no rule" },
    { body: rule(head), code: "InvalidRequest", why: "no action" },
    { body: rule(`${head}<Expiration><Days>0</Days></Expiration>`), code: "InvalidArgument", why: "zero days" },
    { body: rule(`${head}<Expiration><Days>x</Days></Expiration>`), code: "MalformedXML", why: "no number" },
    {
      body: rule(`${head}<Expiration><Days>1</Days><Date>2030-01-01T00:00:00Z</Date></Expiration>`),
      code: "MalformedXML",
      why: "days and a date",
    },
    {
      body: rule(`${head}<Expiration><Date>2030-01-01T10:00:00Z</Date></Expiration>`),
      code: "InvalidArgument",
      why: "not midnight",
    },
    { body: rule(`<ID>r</ID><Status>Enabled</Status>${days}`), code: "MalformedXML", why: "no filter and no prefix" },
    { body: rule(`<ID>r</ID><Prefix/><Status>On</Status>${days}`), code: "MalformedXML", why: "an unknown status" },
    {
      body: rule(`<ID>${"r".repeat(256)}</ID><Prefix/><Status>Enabled</Status>${days}`),
      code: "InvalidArgument",
      why: "a long id",
    },
    {
      body: rule(`${head}${days}<Transition><Days>1</Days><StorageClass>GLACIER</StorageClass></Transition>`),
      code: "InvalidArgument",
      why: "a transition on the day of the end",
    },
    {
      body: rule(
        `${head}${Array.from({ length: 9 }, (_, i) => `<Transition><Days>${i}</Days><StorageClass>C_${"X".repeat(i)}</StorageClass></Transition>`).join("")}`,
      ),
      code: "MalformedXML",
      why: "nine transitions",
    },
    {
      body: rule(`${head}<Transition><Days>1</Days><StorageClass>GLACIER</StorageClass></Transition>`),
      code: "InvalidStorageClass",
      why: "a transition to a class that no tier has",
    },
    {
      body: rule(
        `${head}<NoncurrentVersionTransition><NoncurrentDays>1</NoncurrentDays><StorageClass>GLACIER_IR</StorageClass></NoncurrentVersionTransition>`,
      ),
      code: "NotImplemented",
      why: "a transition of older versions",
    },
    { body: rule(`${head}${days}<Unknown/>`), code: "MalformedXML", why: "something unknown" },
    {
      body: rule(
        "<Filter><Tag><Key>a</Key><Value>b</Value></Tag></Filter><Status>Enabled</Status><AbortIncompleteMultipartUpload><DaysAfterInitiation>1</DaysAfterInitiation></AbortIncompleteMultipartUpload>",
      ),
      code: "InvalidRequest",
      why: "uploads have no tags",
    },
    {
      body: `<LifecycleConfiguration>${`<Rule>${head}${days}</Rule>`.repeat(2)}</LifecycleConfiguration>`,
      code: "InvalidArgument",
      why: "an id twice",
    },
  ])("with $code: $why", async ({ body, code }) => {
    expect((await put("/docs?lifecycle", body)).code).toBe(code);
  });
});

describe("CORS", () => {
  const document = (origin: string) =>
    `<CORSConfiguration><CORSRule><AllowedOrigin>${origin}</AllowedOrigin><AllowedMethod>PUT</AllowedMethod><AllowedHeader>*</AllowedHeader></CORSRule></CORSConfiguration>`;
  const ask = (origin: string) =>
    send({
      method: "OPTIONS",
      path: "/docs/k",
      as: false,
      headers: { origin, "access-control-request-method": "PUT", "access-control-request-headers": "x-a" },
    });

  test("answers preflights without a signature, by the bucket's rules alone", async () => {
    expect((await ask("https://a.example")).status).toBe(403);
    await put("/docs?cors", document("https://a.example"));
    const answer = await ask("https://a.example");
    expect(answer.status).toBe(200);
    expect(answer.headers["access-control-allow-origin"]).toBe("https://a.example");
    expect((await ask("https://evil.example")).status).toBe(403);
  });

  test("a page may read why its request was refused", async () => {
    const refused = await send({ method: "PUT", path: "/docs/k", as: false, headers: { origin: "https://a.example" } });
    expect(refused.status).toBe(403);
    expect(refused.headers["access-control-allow-origin"]).toBe("https://a.example");
  });

  test("never reflects an origin with credentials for a rule that allows all", async () => {
    await put("/docs?cors", document("*"));
    const { headers } = await ask("https://evil.example");
    expect(headers["access-control-allow-origin"]).toBe("*");
    expect(headers["access-control-allow-credentials"]).toBeUndefined();
    await send({ method: "DELETE", path: "/docs?cors" });
  });
});

test("versions are kept, hidden by markers, listed, and removed one by one", async () => {
  await put("/docs?versioning", "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>");
  const first = (await put("/docs/v", "1")).headers["x-amz-version-id"];
  await put("/docs/v", "2");
  const marker = await send({ method: "DELETE", path: "/docs/v" });
  expect(marker.headers["x-amz-delete-marker"]).toBe("true");
  const gone = await send({ path: "/docs/v" });
  expect(gone).toMatchObject({ status: 404, code: "NoSuchKey" });
  expect(gone.headers["x-amz-delete-marker"]).toBe("true");
  expect((await send({ path: `/docs/v?versionId=${first}` })).text).toBe("1");
  const markerId = marker.headers["x-amz-version-id"];
  expect((await send({ path: `/docs/v?versionId=${markerId}` })).status).toBe(405);
  const { text } = await send({ path: "/docs?versions" });
  expect(text.match(/<Version>/g)).toHaveLength(2);
  expect(text.match(/<DeleteMarker>/g)).toHaveLength(1);
  await send({ method: "DELETE", path: `/docs/v?versionId=${markerId}` });
  expect((await send({ path: "/docs/v" })).text).toBe("2");
});

test.each([
  { path: "/docs?requestPayment", has: "<Payer>BucketOwner</Payer>" },
  { path: "/docs?ownershipControls", has: "BucketOwnerEnforced" },
  { path: "/docs?acl", has: "FULL_CONTROL" },
  { path: "/docs?encryption", has: "ServerSideEncryptionConfigurationNotFoundError" },
  { path: "/docs?website", has: "NoSuchWebsiteConfiguration" },
  { path: "/docs?object-lock", has: "ObjectLockConfigurationNotFoundError" },
  { path: "/docs?uploads", has: "<ListMultipartUploadsResult" },
])("$path is answered as clients expect: $has", async ({ path, has }) => {
  expect((await send({ path })).text).toContain(has);
});

test.each([
  { headers: { "x-amz-server-side-encryption": "AES256" }, why: "encryption" },
  { headers: { "x-amz-server-side-encryption-customer-algorithm": "AES256" }, why: "a key of the client's" },
  { headers: { "x-amz-object-lock-mode": "GOVERNANCE" }, why: "a lock" },
  { headers: { "x-amz-object-lock-retain-until-date": "2036-01-01T00:00:00Z" }, why: "a time to keep it" },
  { headers: { "x-amz-object-lock-legal-hold": "ON" }, why: "a legal hold" },
])("an object that is to have what there is not is not stored: $why", async ({ headers }) => {
  for (const ask of [
    { method: "PUT", path: "/docs/e", body: "x" },
    { method: "PUT", path: "/docs/e", headers: { "x-amz-copy-source": "/docs/e-source" } },
    { method: "POST", path: "/docs/e?uploads" },
  ]) {
    expect((await send({ ...ask, headers: { ...ask.headers, ...headers } })).code).toBe("NotImplemented");
  }
  expect((await send({ path: "/docs/e" })).code).toBe("NoSuchKey");
});

test("a bucket that is to have a lock is not made", async () => {
  const headers = { "x-amz-bucket-object-lock-enabled": "true" };
  expect((await send({ method: "PUT", path: "/locked", headers })).code).toBe("NotImplemented");
  expect((await send({ method: "HEAD", path: "/locked" })).status).toBe(404);
});

const REFUSED = (
  JSON.parse(readFileSync(new URL("../../testdata/s3-operations.json", import.meta.url), "utf8")) as string[][]
).filter(([operation = ""]) => !(operation in HANDLERS));

test.each(REFUSED)("%s is refused to whoever owns all: %s %s?%s", async (_operation, method, path = "", query = "") => {
  const [, , ...key] = path.split("/");
  const answer = await send({
    method: method ?? "",
    path: `/docs${key.length > 0 ? `/${key.join("/")}` : ""}?${query}`,
  });
  expect(answer).toMatchObject({ status: 501, code: "NotImplemented" });
});
