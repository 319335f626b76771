import { connect } from "node:net";
import { expect, test } from "vitest";
import { useSession } from "./support/session.ts";

const s3 = useSession("errors");

test("an error is a document with code, message, resource and request id", async () => {
  const answer = await s3.send({ key: "absent key" });
  expect(answer.status).toBe(404);
  expect(answer.headers["content-type"]).toBe("application/xml");
  expect(answer.text).toMatch(/^<\?xml version="1\.0" encoding="UTF-8"\?>\s*<Error>/);
  expect(answer.value("Code")).toBe("NoSuchKey");
  expect(answer.value("Message")).toBe("The specified key does not exist.");
  expect(answer.value("Key")).toBe("absent key");
  expect(answer.value("RequestId")).toBe(answer.headers["x-amz-request-id"]);
  expect(answer.text.match(/<Error>/g)).toHaveLength(1);
});

test.each([
  { key: "</Key><Code>Evil</Code>", why: "what looks like XML" },
  { key: "a&b<c>\"'", why: "all that must be escaped" },
  { key: "tab\tnew\nline", why: "control characters" },
])("an error escapes the key $key: $why", async ({ key }) => {
  const answer = await s3.send({ key });
  expect(answer.values("Code")).toEqual(["NoSuchKey"]);
});

test("the error of a HEAD has no body", async () => {
  const answer = await s3.send({ method: "HEAD", key: "absent" });
  expect(answer.status).toBe(404);
  expect(answer.bytes).toHaveLength(0);
});

test.each([
  { key: "k", query: { torrent: "" }, outcome: /^(400|404|405|501) / },
  { query: { analytics: "", id: "x" }, outcome: /^(404 NoSuchConfiguration|501 NotImplemented)$/ },
  { query: { inventory: "", id: "x" }, outcome: /^(404 NoSuchConfiguration|501 NotImplemented)$/ },
  {
    key: "k",
    query: { "legal-hold": "" },
    outcome: /^(400 InvalidRequest|404 NoSuchObjectLockConfiguration|501 NotImplemented)$/,
  },
  {
    key: "k",
    query: { retention: "" },
    outcome: /^(400 InvalidRequest|404 NoSuchObjectLockConfiguration|501 NotImplemented)$/,
  },
])("what is not served is said to be so: GET $query", async ({ key, query, outcome }) => {
  await s3.put("k", "x");
  const answer = await s3.send({ ...(key === undefined ? {} : { key }), query: query as Record<string, string> });
  expect(answer.outcome).toMatch(outcome);
});

test.each([
  {
    query: { website: "" },
    body: "<WebsiteConfiguration><IndexDocument><Suffix>i</Suffix></IndexDocument></WebsiteConfiguration>",
  },
  { query: { replication: "" }, body: "<ReplicationConfiguration/>" },
  { query: { accelerate: "" }, body: "<AccelerateConfiguration><Status>Enabled</Status></AccelerateConfiguration>" },
])("what is not kept is not taken as if it were: PUT $query", async ({ query, body }) => {
  const answer = await s3.send({ method: "PUT", query: query as unknown as Record<string, string>, body });
  expect(answer.status).toBeGreaterThanOrEqual(400);
});

test.each(["aws:kms", "AES128"])("encryption by %s, which there is not, stores nothing", async (by) => {
  const headers = { "x-amz-server-side-encryption": by };
  expect((await s3.send({ method: "PUT", key: "encrypted", body: "x", headers })).status).toBeGreaterThanOrEqual(400);
  expect((await s3.send({ key: "encrypted" })).status).toBe(404);
});

test("a key of the customer's, which would not be used, stores nothing", async () => {
  const headers = {
    "x-amz-server-side-encryption-customer-algorithm": "AES256",
    "x-amz-server-side-encryption-customer-key": Buffer.alloc(32).toString("base64"),
    "x-amz-server-side-encryption-customer-key-md5": "cLzJzkTf8OKLrqCz1OvXyQ==",
  };
  expect((await s3.send({ method: "PUT", key: "customer", body: "x", headers })).status).toBeGreaterThanOrEqual(400);
  expect((await s3.send({ key: "customer" })).status).toBe(404);
});

test.each([
  { target: "/%ZZ", why: "a percent sign before no digits" },
  { target: "/bucket/%FF%FE", why: "bytes that are no UTF-8" },
  { target: "/bucket/%C0%AF", why: "an overlong slash" },
  { target: "/bucket/%00", why: "a zero byte" },
  { target: `/bucket/${"a".repeat(20_000)}`, why: "a path beyond every limit" },
  { target: "/bucket/k?%ZZ=1", why: "a broken query" },
  { target: "//", why: "two slashes" },
])("the path $target is answered and the server goes on: $why", async ({ target }) => {
  const answer = await s3.wire.sendRaw("GET", target, { host: s3.endpoint.host });
  expect(answer.status).toBeGreaterThanOrEqual(400);
  expect(answer.status).toBeLessThan(500);
  expect((await s3.send({})).status).toBe(200);
});

/** Bytes as they are, over a connection of their own, which the client ends; what comes back until it closes. */
function speak(text: string, isEnded = true): Promise<string> {
  const { hostname, port } = new URL(s3.endpoint.url);
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port) });
    let heard = "";
    socket.on("data", (chunk: Buffer) => {
      heard += chunk.toString("latin1");
    });
    // A server may cut who speaks nonsense; what it said before counts.
    socket.on("error", () => undefined);
    socket.once("close", () => resolve(heard));
    socket.write(text, "latin1");
    if (isEnded) socket.end();
  });
}

test.each([
  { text: "NONSENSE\r\n\r\n", why: "no HTTP" },
  { text: "GET / HTTP/1.1\r\n\r\n", why: "no host" },
  { text: "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n", why: "two hosts" },
  {
    text: "PUT /b/k HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    why: "two lengths",
  },
  { text: "PUT /b/k HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", why: "a length below zero" },
  { text: "PUT /b/k HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", why: "a length without end" },
  { text: `GET / HTTP/1.1\r\nHost: a\r\nX: ${"a".repeat(100_000)}\r\n\r\n`, why: "a header beyond every limit" },
  { text: "GET / HTTP/1.1\r\nHost: a\r\nX\u0000Y: 1\r\n\r\n", why: "a zero byte in a header's name" },
])("$why is refused and the server goes on", async ({ text }) => {
  const heard = await speak(text);
  expect(heard).toMatch(/^(HTTP\/1\.1 4\d\d |$)/);
  expect((await s3.send({})).status).toBe(200);
});

test("who is refused in the midst of a large body is told why, and the next request is served", async () => {
  const body = Buffer.alloc(30_000_000, 1);
  const tamper = (headers: Record<string, string>) => {
    headers.authorization = String(headers.authorization).replace(/Signature=.{8}/, "Signature=00000000");
  };
  const ask = { method: "PUT", key: "refused", body, payloadHash: "UNSIGNED-PAYLOAD", tamper };
  const answers = await Promise.all([
    s3.send(ask),
    s3.send({ ...ask, tamper: () => undefined, bucket: "kagami-absent" }),
  ]);
  expect(answers.map(({ outcome }) => outcome)).toEqual(["403 SignatureDoesNotMatch", "404 NoSuchBucket"]);
  expect((await s3.send({ key: "refused" })).outcome).toBe("404 NoSuchKey");
});

test("more than 5 GiB at once is refused before any of it is sent", async () => {
  const path = `/${s3.bucket}/huge`;
  const headers = s3.wire.signer.sign(
    { method: "PUT", path, headers: { host: s3.endpoint.host } },
    "UNSIGNED-PAYLOAD",
    Date.now(),
  );
  const lines = Object.entries({
    ...headers,
    "content-length": String(5 * 2 ** 30 + 1),
    expect: "100-continue",
    connection: "close",
  });
  const heard = await speak(
    `PUT ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`,
    false,
  );
  expect(heard).toMatch(/^HTTP\/1\.1 400 [\s\S]*<Code>EntityTooLarge<\/Code>/);
});

test("who announces a body and sends half of it stores nothing", async () => {
  const path = `/${s3.bucket}/half`;
  const headers = s3.wire.signer.sign(
    { method: "PUT", path, headers: { host: s3.endpoint.host } },
    "UNSIGNED-PAYLOAD",
    Date.now(),
  );
  const lines = Object.entries({ ...headers, "content-length": "100" }).map(([name, value]) => `${name}: ${value}`);
  await speak(`PUT ${path} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\nhalf`);
  expect((await s3.send({ key: "half" })).outcome).toBe("404 NoSuchKey");
});

test("who asks whether to go on is told to, and is refused before its body if it may not", async () => {
  const path = `/${s3.bucket}/expect`;
  const base = `Host: ${s3.endpoint.host}\r\nContent-Length: 4\r\nExpect: 100-continue\r\nConnection: close\r\n`;
  expect(await speak(`PUT ${path} HTTP/1.1\r\n${base}\r\n`, false)).toMatch(/^HTTP\/1\.1 403 /);
  const headers = s3.wire.signer.sign(
    { method: "PUT", path, headers: { host: s3.endpoint.host } },
    "UNSIGNED-PAYLOAD",
    Date.now(),
  );
  const lines = Object.entries(headers).filter(([name]) => name !== "host");
  const signed = lines.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  expect(await speak(`PUT ${path} HTTP/1.1\r\n${base}${signed}\r\nbody`, false)).toMatch(
    /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 /i,
  );
  expect((await s3.send({ key: "expect" })).text).toBe("body");
});

test("a body without a length is refused", async () => {
  const path = `/${s3.bucket}/endless`;
  const headers = s3.wire.signer.sign(
    { method: "PUT", path, headers: { host: s3.endpoint.host } },
    "UNSIGNED-PAYLOAD",
    Date.now(),
  );
  const lines = Object.entries({ ...headers, connection: "close", "transfer-encoding": "chunked" });
  const text = lines.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const heard = await speak(`PUT ${path} HTTP/1.1\r\n${text}\r\n4\r\nbody\r\n0\r\n\r\n`);
  expect(heard).toMatch(/^HTTP\/1\.1 411 [\s\S]*<Code>MissingContentLength<\/Code>/);
});
