import { S3Signer, sha256Hex, timeOf } from "@kagami/testkit";
import { beforeAll, describe, expect, test } from "vitest";
import { useSession } from "./support/session.ts";

const s3 = useSession("auth");
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const EMPTY_HASH = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

beforeAll(async () => {
  await s3.put("k", "secret");
});

test.each([
  { what: "a GET", ask: { method: "GET", key: "k" } },
  { what: "a HEAD", ask: { method: "HEAD", key: "k" } },
  { what: "a PUT", ask: { method: "PUT", key: "new", body: "x" } },
  { what: "a DELETE", ask: { method: "DELETE", key: "k" } },
  { what: "a listing", ask: { method: "GET" } },
  { what: "a policy", ask: { method: "PUT", query: { policy: "" }, body: "{}" } },
  { what: "a multipart upload", ask: { method: "POST", key: "k", query: { uploads: "" } } },
  { what: "the list of buckets", ask: { method: "GET", bucket: "" } },
])("$what by a stranger is refused", async ({ ask }) => {
  const answer = await s3.send({ ...ask, isAnonymous: true } as Parameters<typeof s3.send>[0]);
  expect(answer.status).toBe(403);
  if (ask.method !== "HEAD") expect(answer.code).toBe("AccessDenied");
  expect((await s3.send({ key: "k" })).text).toBe("secret");
});

test("an unknown access key is named as unknown", async () => {
  const signer = new S3Signer({ accessKey: "NOBODYKNOWSTHISKEY00", secretKey: "x".repeat(40) });
  const answer = await s3.send({ key: "k", signer });
  expect(answer.outcome).toBe("403 InvalidAccessKeyId");
});

test("a wrong secret makes a signature that does not match, and the answer does not say the right one", async () => {
  const { accessKey, secretKey, region } = s3.endpoint.credentials;
  const signer = new S3Signer({ accessKey, secretKey: `${secretKey}x`, region });
  const nowMs = Date.now();
  const answer = await s3.send({ key: "k", signer, nowMs });
  expect(answer.outcome).toBe("403 SignatureDoesNotMatch");
  const path = `/${s3.bucket}/k`;
  const right = s3.wire.signer.sign({ method: "GET", path, headers: { host: s3.endpoint.host } }, EMPTY_HASH, nowMs);
  expect(answer.text).not.toContain(right.authorization?.split("Signature=")[1]);
  expect(answer.text).not.toContain(secretKey);
});

test.each([
  { offsetMs: -14 * MINUTE_MS, outcome: "200", why: "14 minutes late" },
  { offsetMs: 14 * MINUTE_MS, outcome: "200", why: "14 minutes early" },
  { offsetMs: -16 * MINUTE_MS, outcome: "403 RequestTimeTooSkewed", why: "16 minutes late" },
  { offsetMs: 16 * MINUTE_MS, outcome: "403 RequestTimeTooSkewed", why: "16 minutes early" },
  { offsetMs: -2 * DAY_MS, outcome: "403 RequestTimeTooSkewed", why: "days late" },
])("a clock that is $why answers $outcome", async ({ offsetMs, outcome }) => {
  expect((await s3.send({ key: "k", nowMs: Date.now() + offsetMs })).outcome).toBe(outcome);
});

describe("what is changed after signing is noticed", () => {
  test.each([
    { what: "the date", change: { "x-amz-date": timeOf(Date.now() - 5_000) } },
    { what: "a signed header", change: { "x-amz-meta-a": "2" } },
    { what: "the hash of the body", change: { "x-amz-content-sha256": EMPTY_HASH } },
  ])("$what", async ({ change }) => {
    await expectRefused((sent) => Object.assign(sent, change));
  });

  test("a digit of the signature", async () => {
    await expectRefused((sent) => {
      const last = sent.authorization?.at(-1) === "0" ? "1" : "0";
      sent.authorization = `${sent.authorization?.slice(0, -1)}${last}`;
    });
  });

  test("the list of signed headers", async () => {
    await expectRefused((sent) => {
      sent.authorization = String(sent.authorization).replace("x-amz-meta-a;", "").replace(";x-amz-meta-a", "");
    });
  });

  async function expectRefused(tamper: (sent: Record<string, string>) => void): Promise<void> {
    const headers = { "x-amz-meta-a": "1" };
    const answer = await s3.send({ method: "PUT", key: "tampered", body: "x", headers, tamper });
    expect(answer.outcome).toMatch(/^(403 SignatureDoesNotMatch|403 AccessDenied|400 XAmzContentSHA256Mismatch)$/);
    expect((await s3.send({ key: "tampered" })).status).toBe(404);
  }

  test("the path", async () => {
    const signed = s3.wire.signer.sign(
      { method: "GET", path: `/${s3.bucket}/other`, headers: { host: s3.endpoint.host } },
      EMPTY_HASH,
      Date.now(),
    );
    expect((await s3.wire.sendRaw("GET", `/${s3.bucket}/k`, signed)).outcome).toBe("403 SignatureDoesNotMatch");
  });

  test("the method", async () => {
    const signed = s3.wire.signer.sign(
      { method: "GET", path: `/${s3.bucket}/k`, headers: { host: s3.endpoint.host } },
      EMPTY_HASH,
      Date.now(),
    );
    expect((await s3.wire.sendRaw("DELETE", `/${s3.bucket}/k`, signed)).outcome).toBe("403 SignatureDoesNotMatch");
    expect((await s3.send({ key: "k" })).text).toBe("secret");
  });

  test("the query", async () => {
    const path = `/${s3.bucket}`;
    const headers = { host: s3.endpoint.host };
    const signed = s3.wire.signer.sign(
      { method: "GET", path, query: { prefix: "a" }, headers },
      EMPTY_HASH,
      Date.now(),
    );
    expect((await s3.wire.sendRaw("GET", `${path}?prefix=b`, signed)).outcome).toBe("403 SignatureDoesNotMatch");
    expect((await s3.wire.sendRaw("GET", `${path}?prefix=a&acl`, signed)).outcome).toBe("403 SignatureDoesNotMatch");
  });

  test("the body", async () => {
    const path = `/${s3.bucket}/body`;
    const headers = { host: s3.endpoint.host };
    const { signer } = s3.wire;
    const hash = sha256Hex("mine");
    const signed = { ...signer.sign({ method: "PUT", path, headers }, hash, Date.now()), "content-length": "4" };
    const answer = await s3.wire.sendRaw("PUT", path, signed, Buffer.from("evil"));
    expect(answer.outcome).toBe("400 XAmzContentSHA256Mismatch");
    expect((await s3.send({ key: "body" })).status).toBe(404);
  });
});

test("an x-amz header that is not signed is refused", async () => {
  const answer = await s3.send({
    method: "PUT",
    key: "unsigned",
    body: "x",
    unsignedHeaders: { "x-amz-meta-evil": "1" },
  });
  expect(answer.outcome).toBe("403 AccessDenied");
  expect((await s3.send({ key: "unsigned" })).status).toBe(404);
});

test("a copy source that is not signed never makes a PUT a read", async () => {
  const answer = await s3.send({
    method: "PUT",
    key: "stolen",
    unsignedHeaders: { "x-amz-copy-source": `/${s3.bucket}/k` },
  });
  expect(answer.status).toBe(403);
  expect((await s3.send({ key: "stolen" })).status).toBe(404);
});

test.each([
  { authorization: "", outcome: /^(400|403) /, why: "empty" },
  { authorization: "Basic dXNlcjpwYXNz", outcome: /^400 InvalidArgument$|^403 AccessDenied$/, why: "another scheme" },
  {
    authorization: "AWS4-HMAC-SHA256",
    outcome: /^400 AuthorizationHeaderMalformed$/,
    why: "nothing behind the scheme",
  },
  {
    authorization: "AWS4-HMAC-SHA256 Credential=a/b/c, SignedHeaders=host, Signature=0",
    outcome: /^400 AuthorizationHeaderMalformed$/,
    why: "a credential of three parts",
  },
  {
    authorization: "AWS4-HMAC-SHA256 SignedHeaders=host, Signature=00",
    outcome: /^400 AuthorizationHeaderMalformed$/,
    why: "no credential",
  },
  { authorization: "AWS AKID:c2lnbmF0dXJl", outcome: /^(400|403) /, why: "version 2 is over" },
])("the authorization $authorization is refused: $why", async ({ authorization, outcome }) => {
  const answer = await s3.send({
    key: "k",
    tamper: (headers) => {
      headers.authorization = authorization;
    },
  });
  expect(answer.outcome).toMatch(outcome);
});

test.each([
  { part: /us-east-1/, by: "mars-west-7", outcome: "400 AuthorizationHeaderMalformed", why: "another region" },
  { part: /\/s3\//, by: "/ec2/", outcome: "400 AuthorizationHeaderMalformed", why: "another service" },
  { part: /aws4_request/, by: "aws5_request", outcome: "400 AuthorizationHeaderMalformed", why: "another end" },
  {
    part: /\/\d{8}\//,
    by: "/20010101/",
    outcome: "400 AuthorizationHeaderMalformed",
    why: "another day than the request's",
  },
])("a scope of $by answers $outcome: $why", async ({ part, by, outcome }) => {
  const answer = await s3.send({
    key: "k",
    tamper: (headers) => {
      headers.authorization = String(headers.authorization).replace(part, by);
    },
  });
  expect(answer.outcome).toBe(outcome);
});

test("a wrong region is told the right one", async () => {
  const { accessKey, secretKey } = s3.endpoint.credentials;
  const signer = new S3Signer({ accessKey, secretKey, region: "eu-north-9" });
  const answer = await s3.send({ key: "k", signer });
  expect(answer.outcome).toBe("400 AuthorizationHeaderMalformed");
  expect(answer.value("Region")).toBe("us-east-1");
});

test("a request without a hash of its body is refused", async () => {
  const answer = await s3.send({
    key: "k",
    tamper: (headers) => {
      delete headers["x-amz-content-sha256"];
    },
  });
  expect(answer.status).toBeGreaterThanOrEqual(400);
});

test.each(["UNSIGNED-PAYLOAD", EMPTY_HASH])(
  "a body may go unsigned, or with the hash of nothing: %s",
  async (payloadHash) => {
    expect((await s3.send({ key: "k", payloadHash })).text).toBe("secret");
  },
);

test.each([
  "something",
  "STREAMING-MADE-UP",
  "abc",
  "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B85Z",
])("the word %s is no hash", async (payloadHash) => {
  expect((await s3.send({ method: "PUT", key: "hash", body: "x", payloadHash })).status).toBe(400);
});

test("a header and a query that both sign are refused", async () => {
  const presigned = s3.wire.presign({ key: "k" });
  const headers = s3.wire.signer.sign(
    { method: "GET", path: `/${s3.bucket}/k`, headers: { host: s3.endpoint.host } },
    EMPTY_HASH,
    Date.now(),
  );
  expect((await s3.wire.sendRaw("GET", presigned, headers)).outcome).toBe("400 InvalidArgument");
});

test("header values are signed trimmed and with their spaces folded", async () => {
  const headers = { "x-amz-meta-spaces": "a    b" };
  expect((await s3.send({ method: "PUT", key: "spaces", body: "x", headers })).status).toBe(200);
});

test("a header that comes twice is signed as one list", async () => {
  const path = `/${s3.bucket}/twice`;
  const headers = { host: s3.endpoint.host, "x-amz-meta-list": "a,b" };
  const signed: Record<string, string | string[]> = {
    ...s3.wire.signer.sign({ method: "PUT", path, headers }, EMPTY_HASH, Date.now()),
    "content-length": "0",
  };
  signed["x-amz-meta-list"] = ["a", "b"];
  const answer = await s3.wire.sendRaw("PUT", path, signed);
  expect(answer.status, answer.text).toBe(200);
  expect((await s3.send({ method: "HEAD", key: "twice" })).headers["x-amz-meta-list"]).toMatch(/^a, ?b$/);
});

test("the date header stands in for x-amz-date", async () => {
  const path = `/${s3.bucket}/k`;
  const headers = { host: s3.endpoint.host, date: new Date().toUTCString() };
  const signed = s3.wire.signer.sign({ method: "GET", path, headers }, EMPTY_HASH, Date.now());
  expect((await s3.wire.sendRaw("GET", path, signed)).text).toBe("secret");
});
