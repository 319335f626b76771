import { afterAll, beforeAll, expect, test } from "vitest";
import { formatAmzDate } from "../../src/protocol/dates.ts";
import { signPolicy } from "../../src/protocol/sigv4/index.ts";
import { signingHashes } from "../../src/service/signing-hashes.ts";
import { RawClient } from "../support/raw-client.ts";
import { startTestServer, TEST_KEY, type TestServer } from "../support/start-server.ts";

let server: TestServer;
let client: RawClient;

beforeAll(async () => {
  server = await startTestServer();
  client = new RawClient(server.host);
  await client.send({ method: "PUT", path: "/forms" });
});

afterAll(() => server.end());

interface Form {
  readonly fields?: Readonly<Record<string, string>>;
  readonly conditions?: readonly unknown[];
  readonly file?: string | Uint8Array;
  readonly secret?: string;
  readonly after?: Readonly<Record<string, string>>;
  readonly bucket?: string;
}

const BOUNDARY = "----boundary";

function signedFields({ conditions = [], secret = TEST_KEY.secretKey, bucket = "forms" }: Form) {
  const amzDate = formatAmzDate(Date.now());
  const day = amzDate.slice(0, 8);
  const fields = {
    "x-amz-algorithm": "AWS4-HMAC-SHA256",
    "x-amz-credential": `${TEST_KEY.accessKey}/${day}/us-east-1/s3/aws4_request`,
    "x-amz-date": amzDate,
  };
  const document = {
    expiration: new Date(Date.now() + 60_000).toISOString(),
    conditions: [{ bucket }, ...Object.entries(fields).map(([name, value]) => ({ [name]: value })), ...conditions],
  };
  const policy = Buffer.from(JSON.stringify(document)).toString("base64");
  const identity = { accessKeyId: TEST_KEY.accessKey, secretAccessKey: secret, region: "us-east-1" };
  return { ...fields, policy, "x-amz-signature": signPolicy(signingHashes, identity, day, policy) };
}

function part(name: string, value: string | Uint8Array, fileName?: string): Buffer {
  const file = fileName === undefined ? "" : `; filename="${fileName}"`;
  const head = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"${file}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), Buffer.from(value), Buffer.from("\r\n")]);
}

async function post(form: Form, isSigned = true) {
  const fields = { ...form.fields, ...(isSigned ? signedFields(form) : {}) };
  const body = Buffer.concat([
    ...Object.entries(fields).map(([name, value]) => part(name, value)),
    part("file", form.file ?? "data", "f.txt"),
    ...Object.entries(form.after ?? {}).map(([name, value]) => part(name, value)),
    Buffer.from(`--${BOUNDARY}--\r\n`),
  ]);
  const headers = { "content-type": `multipart/form-data; boundary=${BOUNDARY}` };
  return await client.send({ method: "POST", path: "/forms", body, headers, as: false });
}

const keyIs = (key: string) => ({ fields: { key }, conditions: [{ key }] });

test("a signed form uploads its file under its key, with what its fields say", async () => {
  const answer = await post({
    fields: {
      key: `up/\${filename}`,
      "x-amz-meta-who": "me",
      "Content-Type": "text/plain",
      success_action_status: "201",
    },
    conditions: [
      ["starts-with", "$key", "up/"],
      { "x-amz-meta-who": "me" },
      ["starts-with", "$Content-Type", "text/"],
      { success_action_status: "201" },
    ],
    file: "hello\r\n--not the boundary",
  });
  expect(answer.status).toBe(201);
  expect(answer.text).toContain("<Key>up/f.txt</Key>");
  const got = await client.send({ path: "/forms/up/f.txt" });
  expect(got.text).toBe("hello\r\n--not the boundary");
  expect(got.headers).toMatchObject({ "x-amz-meta-who": "me", "content-type": "text/plain" });
});

test("a file too large to be gathered is streamed if it is the last field", async () => {
  const file = Buffer.alloc(9 << 20, "form");
  expect((await post({ ...keyIs("large"), file })).status).toBe(204);
  expect((await client.send({ path: "/forms/large" })).body.equals(file)).toBe(true);
  const behind = await post({ ...keyIs("large2"), file, after: { submit: "Upload" } });
  expect(behind.status).toBe(400);
  expect((await client.send({ path: "/forms/large2" })).code).toBe("NoSuchKey");
});

test("fields behind a small file are passed over", async () => {
  expect((await post({ ...keyIs("small"), after: { submit: "Upload" } })).status).toBe(204);
  expect((await client.send({ path: "/forms/small" })).text).toBe("data");
});

test.each<{ form: Form; code: string; why: string }>([
  { form: { ...keyIs("k"), secret: "wrong-secret" }, code: "SignatureDoesNotMatch", why: "another secret" },
  { form: { fields: { key: "k" }, conditions: [{ key: "other" }] }, code: "AccessDenied", why: "another key" },
  { form: { fields: { key: "k" } }, code: "AccessDenied", why: "a key that no condition names" },
  { form: { ...keyIs("k"), bucket: "other" }, code: "AccessDenied", why: "a policy for another bucket" },
  {
    form: { fields: { key: "k", "x-amz-meta-extra": "1" }, conditions: [{ key: "k" }] },
    code: "AccessDenied",
    why: "a field that no condition names",
  },
  {
    form: { fields: { key: "k" }, conditions: [{ key: "k" }, ["content-length-range", 1, 3]] },
    code: "EntityTooLarge",
    why: "larger than the policy allows",
  },
  {
    form: { fields: { key: "k" }, conditions: [{ key: "k" }, ["content-length-range", 10, 30]] },
    code: "EntityTooSmall",
    why: "smaller than the policy allows",
  },
  {
    form: { fields: { key: "k", acl: "public-read" }, conditions: [{ key: "k" }, { acl: "public-read" }] },
    code: "AccessControlListNotSupported",
    why: "an ACL that gives something",
  },
])("a form is refused with $code: $why", async ({ form, code }) => {
  expect((await post(form)).code).toBe(code);
  expect((await client.send({ path: "/forms/k" })).code).toBe("NoSuchKey");
});

test("a form without a policy is anonymous, and may what everyone may", async () => {
  expect((await post({ fields: { key: "anon" } }, false)).code).toBe("AccessDenied");
});

test("what is no form is refused", async () => {
  const headers = { "content-type": "text/plain" };
  const answer = await client.send({ method: "POST", path: "/forms", body: "x", headers, as: false });
  expect(answer.status).toBeGreaterThanOrEqual(400);
  const cut = { "content-type": `multipart/form-data; boundary=${BOUNDARY}` };
  const half = await client.send({
    method: "POST",
    path: "/forms",
    body: `--${BOUNDARY}\r\n`,
    headers: cut,
    as: false,
  });
  expect(half.code).toBe("MalformedPOSTRequest");
});
