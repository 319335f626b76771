import { createHash } from "node:crypto";
import { connect } from "node:net";
import { crc32 } from "node:zlib";
import { eventually } from "@kagami/testkit";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { StoreError } from "../../src/store/object-store.ts";
import { RawClient, type RawRequest } from "../support/raw-client.ts";
import { startTestServer, type TestServer } from "../support/start-server.ts";

let server: TestServer;
let client: RawClient;

beforeAll(async () => {
  server = await startTestServer();
  client = new RawClient(server.host);
  await client.send({ method: "PUT", path: "/bodies" });
});

afterAll(() => server.end());

const send = (request: RawRequest) => client.send(request);
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");

function crcOf(text: string): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc32(text));
  return base64(bytes);
}

/** Sends bytes on a connection of its own and gives what came back until the peer or `until` ended it. */
function exchange(
  bytes: string | Uint8Array,
  until: (text: string) => boolean = () => false,
  at = server.host,
): Promise<string> {
  const [host = "", port = ""] = at.split(":");
  return new Promise((resolve, reject) => {
    let text = "";
    const socket = connect(Number(port), host, () => socket.write(bytes));
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      if (until(text)) socket.end();
    });
    socket.on("close", () => resolve(text));
    socket.on("error", (error: NodeJS.ErrnoException) => (error.code === "ECONNRESET" ? undefined : reject(error)));
  });
}

function headOf(request: RawRequest, more: string[] = []): string {
  const raw = [...client.sign(request), ...more];
  let head = `${request.method ?? "GET"} ${request.path} HTTP/1.1\r\n`;
  for (let i = 0; i < raw.length; i += 2) head += `${raw[i]}: ${raw[i + 1]}\r\n`;
  return `${head}\r\n`;
}

describe("a body that is not what was said of it leaves nothing behind", () => {
  const sha = createHash("sha256").update("other").digest("hex");
  const md5 = base64(createHash("md5").update("other").digest());
  test.each<{ change: Partial<RawRequest>; code: string; why: string }>([
    { change: { payloadHash: sha }, code: "XAmzContentSHA256Mismatch", why: "another payload was signed" },
    { change: { headers: { "content-md5": md5 } }, code: "BadDigest", why: "another MD5" },
    { change: { headers: { "content-md5": "AAAA" } }, code: "InvalidDigest", why: "no MD5 at all" },
    { change: { headers: { "x-amz-checksum-crc32": crcOf("other") } }, code: "BadDigest", why: "another CRC" },
    { change: { headers: { "x-amz-checksum-crc32": "AA==" } }, code: "InvalidRequest", why: "a CRC of another size" },
    {
      change: { headers: { "x-amz-checksum-crc32": crcOf("body"), "x-amz-checksum-sha1": "x" } },
      code: "InvalidRequest",
      why: "two checksums",
    },
    { change: { headers: { "x-amz-sdk-checksum-algorithm": "CRC32" } }, code: "InvalidRequest", why: "none came" },
  ])("$code: $why", async ({ change, code }) => {
    expect((await send({ method: "PUT", path: "/bodies/bad", body: "body", ...change })).code).toBe(code);
    expect((await send({ path: "/bodies/bad" })).code).toBe("NoSuchKey");
  });

  test("a large one too, which is already on its way to the disk", async () => {
    const body = Buffer.alloc(3_000_000, 3);
    const answer = await send({
      method: "PUT",
      path: "/bodies/bad",
      body,
      headers: { "content-md5": base64(Buffer.alloc(16)) },
    });
    expect(answer.code).toBe("BadDigest");
    expect((await send({ path: "/bodies/bad" })).code).toBe("NoSuchKey");
  });

  test("a client that hangs up in the middle leaves nothing", async () => {
    const request = { method: "PUT", path: "/bodies/half", payloadHash: "UNSIGNED-PAYLOAD" };
    for (const sizeBytes of [1_000, 5_000_000]) {
      const head = headOf(request, ["content-length", String(sizeBytes)]);
      await new Promise<void>((resolve) => {
        const [host = "", port = ""] = server.host.split(":");
        const socket = connect(Number(port), host, () => socket.write(head + "x".repeat(500), () => socket.destroy()));
        socket.on("close", () => resolve());
      });
    }
    expect((await send({ path: "/bodies/half" })).code).toBe("NoSuchKey");
  });
});

test("a body that the store does not begin to take, as when its bucket goes, holds no memory and no thread", async () => {
  const { store, budget } = server.service;
  const begun = await send({ method: "POST", path: "/bodies/parts?uploads" });
  const path = `/bodies/parts?partNumber=1&uploadId=${/<UploadId>([^<]*)/.exec(begun.text)?.[1]}`;
  await send({ method: "PUT", path: "/bodies/source", body: "source" });
  const putPart = vi.spyOn(store, "putPart").mockImplementation(() => {
    throw new StoreError("NO_SUCH_BUCKET", "It was removed meanwhile");
  });
  const large = Buffer.alloc(1_000_000);
  const upload = /uploadId=(.*)/.exec(path)?.[1];
  const adminPath = `${server.adminUrl}/api/buckets/bodies/uploads/${upload}/1?key=parts`;
  expect((await send({ method: "PUT", path, body: large })).code).toBe("NoSuchBucket");
  expect((await send({ method: "PUT", path, headers: { "x-amz-copy-source": "/bodies/source" } })).code).toBe(
    "NoSuchBucket",
  );
  expect((await fetch(adminPath, { method: "PUT", body: large })).status).toBe(404);
  expect(putPart).toHaveBeenCalledTimes(3);
  putPart.mockRestore();
  expect(budget.heldBytes).toBe(0);
});

test("a copy of a completed upload is one body: its ETag is its MD5, and its checksum is of all of it", async () => {
  const begun = await send({
    method: "POST",
    path: "/bodies/in-parts?uploads",
    headers: { "x-amz-checksum-algorithm": "CRC32" },
  });
  const upload = `uploadId=${/<UploadId>([^<]*)/.exec(begun.text)?.[1]}`;
  const part = await send({ method: "PUT", path: `/bodies/in-parts?partNumber=1&${upload}`, body: "one body" });
  const body = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${part.headers.etag}</ETag></Part></CompleteMultipartUpload>`;
  await send({ method: "POST", path: `/bodies/in-parts?${upload}`, body });
  const ask = (path: string) => send({ method: "HEAD", path, headers: { "x-amz-checksum-mode": "ENABLED" } });
  const source = (await ask("/bodies/in-parts")).headers;
  expect([source.etag, source["x-amz-checksum-type"]]).toEqual([expect.stringMatching(/-1"$/), "COMPOSITE"]);
  await send({ method: "PUT", path: "/bodies/copied", headers: { "x-amz-copy-source": "/bodies/in-parts" } });
  expect((await ask("/bodies/copied")).headers).toMatchObject({
    etag: `"${createHash("md5").update("one body").digest("hex")}"`,
    "x-amz-checksum-crc32": crcOf("one body"),
    "x-amz-checksum-type": "FULL_OBJECT",
  });
});

describe("aws-chunked bodies", () => {
  const chunked = (body: Uint8Array | string, over: Partial<RawRequest> = {}): RawRequest => ({
    method: "PUT",
    path: "/bodies/chunked",
    body,
    payloadHash: "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    ...over,
    headers: {
      "content-encoding": "aws-chunked",
      "x-amz-decoded-content-length": "5",
      "x-amz-trailer": "x-amz-checksum-crc32",
      ...over.headers,
    },
  });
  const good = `5\r\nhello\r\n0\r\nx-amz-checksum-crc32:${crcOf("hello")}\r\n\r\n`;

  test("are stored without their frames, and what is left of the encoding is kept", async () => {
    const answer = await send(chunked(good, { headers: { "content-encoding": "aws-chunked,gzip" } }));
    expect(answer.status).toBe(200);
    expect(answer.headers["x-amz-checksum-crc32"]).toBe(crcOf("hello"));
    const got = await send({ path: "/bodies/chunked" });
    expect(got.text).toBe("hello");
    expect(got.headers["content-encoding"]).toBe("gzip");
    await send({ method: "DELETE", path: "/bodies/chunked" });
  });

  test.each([
    {
      body: `5\r\nhello\r\n0\r\nx-amz-checksum-crc32:${crcOf("jello")}\r\n\r\n`,
      code: "BadDigest",
      why: "other bytes",
    },
    { body: "5\r\nhello\r\n", code: "IncompleteBody", why: "no last chunk" },
    { body: "6\r\nhello!\r\n0\r\n\r\n", code: "IncompleteBody", why: "more than was announced" },
    { body: "4\r\nhell\r\n0\r\n\r\n", code: "IncompleteBody", why: "less than was announced" },
    { body: `${"0".repeat(500)}5\r\nhello`, code: "InvalidRequest", why: "an endless chunk header" },
    { body: "zz\r\nhello\r\n0\r\n\r\n", code: "InvalidRequest", why: "no size" },
    { body: "5\r\nhello\r\n0\r\n\r\n", code: "MalformedTrailerError", why: "the trailer is missing" },
    { body: "5\r\nhello\r\n0\r\nx-amz-checksum-sha1:x\r\n\r\n", code: "MalformedTrailerError", why: "not declared" },
  ])("$code: $why", async ({ body, code }) => {
    expect((await send(chunked(body))).code).toBe(code);
    expect((await send({ path: "/bodies/chunked" })).code).toBe("NoSuchKey");
  });

  test("signed chunks need a signed request", async () => {
    const headers = {
      "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
      "x-amz-decoded-content-length": "1",
    };
    const put = { Effect: "Allow", Principal: "*", Action: "s3:PutObject", Resource: "arn:aws:s3:::bodies/*" };
    const body = JSON.stringify({ Version: "2012-10-17", Statement: put });
    await send({ method: "PUT", path: "/bodies?policy", body });
    const request = {
      method: "PUT",
      path: "/bodies/anonymous",
      body: "1\r\nx\r\n0\r\n\r\n",
      headers,
      as: false as const,
    };
    const answer = await send(request);
    await send({ method: "DELETE", path: "/bodies?policy" });
    expect(answer.status).toBe(403);
    expect((await send({ path: "/bodies/anonymous" })).code).toBe("NoSuchKey");
  });
});

describe("Expect: 100-continue", () => {
  test("asks for the body of a request that is allowed", async () => {
    const body = "hello";
    const request = { method: "PUT", path: "/bodies/expected", body };
    const head = headOf(request, ["content-length", "5", "expect", "100-continue"]);
    const [host = "", port = ""] = server.host.split(":");
    const text = await new Promise<string>((resolve, reject) => {
      let all = "";
      const socket = connect(Number(port), host, () => socket.write(head));
      socket.on("data", (chunk) => {
        if (all === "") socket.write(body);
        all += chunk.toString("latin1");
        if (all.includes("etag")) socket.end();
      });
      socket.on("close", () => resolve(all));
      socket.on("error", reject);
    });
    expect(text).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK/);
  });

  test("never asks for the body of one that is not, and ends the connection behind the answer", async () => {
    const head = headOf({ method: "PUT", path: "/bodies/x", as: false }, [
      "content-length",
      "5",
      "expect",
      "100-continue",
    ]);
    const text = await exchange(head);
    expect(text).toMatch(/^HTTP\/1\.1 403 Forbidden/);
    expect(text).not.toContain("100 Continue");
    expect(text.toLowerCase()).toContain("connection: close");
  });
});

test("many readers of large objects at once each get their own bytes, also one that asks twice without waiting", async () => {
  const bodies = Array.from({ length: 3 }, (_, i) => Buffer.alloc(1_000_000 + i, `${i} of its own `));
  for (const [i, body] of bodies.entries()) await send({ method: "PUT", path: `/bodies/own-${i}`, body });
  const readers = Array.from({ length: 12 }, async (_, i) => {
    const { body } = await send({ path: `/bodies/own-${i % 3}` });
    expect(body.equals(bodies[i % 3] as Buffer)).toBe(true);
  });
  const both = headOf({ path: "/bodies/own-0" }) + headOf({ path: "/bodies/own-1" }, ["connection", "close"]);
  const text = await exchange(both);
  await Promise.all(readers);
  const [, first = "", second = ""] = text.split("HTTP/1.1 200 OK");
  expect(first.endsWith(bodies[0]?.toString("latin1") ?? "")).toBe(true);
  expect(second.endsWith(bodies[1]?.toString("latin1") ?? "")).toBe(true);
});

test("a reader that hangs up, or never reads, holds nothing for long", async () => {
  const slow = await startTestServer({ stallMs: 1_000, minBytesPerSecond: 1_000 });
  const own = new RawClient(slow.host);
  await own.send({ method: "PUT", path: "/bodies" });
  const large = Buffer.alloc(24 << 20);
  await own.send({ method: "PUT", path: "/bodies/large", body: large });
  const raw = own.sign({ path: "/bodies/large" });
  let head = "GET /bodies/large HTTP/1.1\r\n";
  for (let i = 0; i < raw.length; i += 2) head += `${raw[i]}: ${raw[i + 1]}\r\n`;
  const [host = "", port = ""] = slow.host.split(":");
  const open = () => {
    const socket = connect(Number(port), host, () => socket.write(`${head}\r\n`));
    return socket;
  };
  const leaving = open();
  leaving.once("data", () => leaving.destroy());
  const stuck = open();
  stuck.pause();
  const isOver = async (): Promise<boolean> => {
    const metrics = await (await fetch(`${slow.adminUrl}/metrics`)).text();
    return metrics.includes('kagami_objects_errors_total{code="ClientGone"} 2');
  };
  await eventually(isOver, { timeoutMs: 15_000, what: "Both answers were given up" });
  stuck.destroy();
  await slow.end();
});

test("a large body that is refused is not read to its end, and the client gets its answer", async () => {
  const head = headOf({ method: "PUT", path: "/bodies/x", as: false }, ["content-length", String(1e9)]);
  const text = await exchange(Buffer.concat([Buffer.from(head), Buffer.alloc(1 << 20)]));
  expect(text).toMatch(/^HTTP\/1\.1 403 Forbidden/);
  expect(text).toContain("<Code>AccessDenied</Code>");
});

test("a body that stops coming is cut, and its object is not there", async () => {
  const slow = await startTestServer({ stallMs: 1_000, minBytesPerSecond: 1_000 });
  const own = new RawClient(slow.host);
  await own.send({ method: "PUT", path: "/bodies" });
  const raw = own.sign({ method: "PUT", path: "/bodies/slow", payloadHash: "UNSIGNED-PAYLOAD" });
  let head = "PUT /bodies/slow HTTP/1.1\r\n";
  for (let i = 0; i < raw.length; i += 2) head += `${raw[i]}: ${raw[i + 1]}\r\n`;
  const text = await exchange(`${head}content-length: 100\r\n\r\nhalf`, () => false, slow.host);
  expect(text).toContain("<Code>RequestTimeout</Code>");
  expect((await own.send({ path: "/bodies/slow" })).code).toBe("NoSuchKey");
  await slow.end();
});

test("beyond the memory bodies wait before they are read, and beyond those that may wait they are told to slow down", async () => {
  const tight = await startTestServer({ maxBodyMemoryBytes: 16 << 20, maxWaitingRequests: 1 });
  const own = new RawClient(tight.host);
  await own.send({ method: "PUT", path: "/bodies" });
  const { budget } = tight.service;
  const all = budget.tryReserve(16 << 20);
  const waiting = own.send({ method: "PUT", path: "/bodies/waits", body: "waits" });
  await eventually(() => budget.waiting === 1, { what: "A body waits" });
  const refused = await own.send({ method: "PUT", path: "/bodies/refused", body: "refused" });
  expect(refused).toMatchObject({ status: 503, code: "SlowDown", headers: { "retry-after": "1" } });
  all?.release();
  expect((await waiting).status).toBe(200);
  expect(budget.heldBytes).toBe(0);
  await tight.end();
});

test("an object larger than 5 GiB is refused before its body", async () => {
  const head = headOf({ method: "PUT", path: "/bodies/x", payloadHash: "UNSIGNED-PAYLOAD" }, [
    "content-length",
    String(5 * 2 ** 30 + 1),
    "expect",
    "100-continue",
  ]);
  expect(await exchange(head)).toContain("<Code>EntityTooLarge</Code>");
});

test("a PUT without a length is refused", async () => {
  const request = { method: "PUT", path: "/bodies/x", payloadHash: "UNSIGNED-PAYLOAD" };
  expect(await exchange(headOf(request), (text) => text.includes("</Error>"))).toContain("MissingContentLength");
  const chunked = `${headOf(request, ["transfer-encoding", "chunked"])}1\r\nx\r\n0\r\n\r\n`;
  expect(await exchange(chunked, (text) => text.includes("</Error>"))).toContain("MissingContentLength");
});

test("documents are read up to their limit and no further", async () => {
  const tooLong = `<Tagging>${" ".repeat(1 << 20)}</Tagging>`;
  expect((await send({ method: "PUT", path: "/bodies?tagging", body: tooLong })).code).toBe("MaxMessageLengthExceeded");
  const many = `<Delete>${" ".repeat(8 << 20)}</Delete>`;
  expect((await send({ method: "POST", path: "/bodies?delete", body: many })).code).toBe("EntityTooLarge");
  const doctype = '<!DOCTYPE a [<!ENTITY x "y">]><Tagging><TagSet/></Tagging>';
  expect((await send({ method: "PUT", path: "/bodies?tagging", body: doctype })).code).toBe("MalformedXML");
  const deep = "<a>".repeat(100) + "</a>".repeat(100);
  expect((await send({ method: "PUT", path: "/bodies?tagging", body: deep })).code).toBe("MalformedXML");
});

test("headers beyond 16 KiB are refused", async () => {
  const request = { path: "/bodies/x", headers: { "x-filler": "y".repeat(17_000) } };
  expect((await send(request)).status).toBe(431);
});
