import { randomBytes } from "node:crypto";
import { crc32 } from "node:zlib";
import { encodeS3Path, sha256Hex, signedChunks, unsignedChunks } from "@kagami/testkit";
import { describe, expect, test } from "vitest";
import { md5Hex, useSession } from "./support/session.ts";
import type { Answer } from "./support/wire.ts";

const s3 = useSession("chunked");
const SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
const SIGNED_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER";
const UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";

interface Upload {
  readonly kind: string;
  readonly chunks: readonly Uint8Array[];
  readonly trailers?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Changes the framed body before it is sent. */
  readonly damage?: (body: Buffer) => Buffer;
  readonly decodedLength?: number;
}

/** A PUT whose body is framed in chunks, as SDKs send streams. */
function upload(key: string, { kind, chunks, trailers, headers = {}, damage, decodedLength }: Upload): Promise<Answer> {
  const { signer } = s3.wire;
  const nowMs = Date.now();
  const path = encodeS3Path(s3.bucket, key);
  const decoded = decodedLength ?? chunks.reduce((sum, { length }) => sum + length, 0);
  const signed = signer.sign(
    {
      method: "PUT",
      path,
      headers: {
        host: s3.endpoint.host,
        "content-encoding": "aws-chunked",
        "x-amz-decoded-content-length": String(decoded),
        ...(trailers ? { "x-amz-trailer": Object.keys(trailers).join(",") } : {}),
        ...headers,
      },
    },
    kind,
    nowMs,
  );
  const seedSignature = signed.authorization?.split("Signature=")[1] ?? "";
  const time = signed["x-amz-date"] ?? "";
  const framed =
    kind === UNSIGNED_TRAILER
      ? unsignedChunks(chunks, trailers)
      : signedChunks(signer, { seedSignature, time, chunks, ...(trailers ? { trailers } : {}) });
  const body = damage ? damage(framed) : framed;
  return s3.wire.sendRaw("PUT", path, { ...signed, "content-length": String(body.length) }, body);
}

function crc32Base64(bytes: Uint8Array): string {
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(bytes));
  return sum.toString("base64");
}

async function expectStored(key: string, body: Uint8Array): Promise<void> {
  const got = await s3.send({ key });
  expect(got.bytes.equals(body)).toBe(true);
  expect(got.headers.etag).toBe(`"${md5Hex(body)}"`);
  expect(got.headers["content-encoding"]).toBeUndefined();
}

const BIG = randomBytes(200_000);

describe("signed chunks", () => {
  test.each([
    { key: "none", chunks: [], why: "no bytes at all" },
    { key: "one", chunks: [Buffer.from("hello")], why: "one chunk" },
    {
      key: "many",
      chunks: [BIG.subarray(0, 65_536), BIG.subarray(65_536, 131_072), BIG.subarray(131_072)],
      why: "three",
    },
  ])("$why come back as one body", async ({ key, chunks }) => {
    const answer = await upload(key, { kind: SIGNED, chunks });
    expect(answer.status, answer.text).toBe(200);
    await expectStored(key, Buffer.concat(chunks));
  });

  test.each([
    {
      what: "a byte of a chunk was changed",
      damage: (body: Buffer) => Buffer.from(body.toString("latin1").replace("hello", "hallo"), "latin1"),
      outcome: /^403 SignatureDoesNotMatch$/,
    },
    {
      what: "a chunk's signature was changed",
      damage: (body: Buffer) =>
        Buffer.from(body.toString("latin1").replace(/signature=[0-9a-f]{8}/, "signature=00000000"), "latin1"),
      outcome: /^403 SignatureDoesNotMatch$/,
    },
    {
      what: "the last chunk is missing",
      damage: (body: Buffer) => body.subarray(0, body.lastIndexOf("0;chunk-signature")),
      outcome: /^(400 IncompleteBody|400 InvalidRequest|403 SignatureDoesNotMatch)$/,
    },
    {
      what: "two chunks changed places",
      damage: (body: Buffer) => {
        const text = body.toString("latin1");
        const second = text.indexOf("5;chunk", 1);
        const last = text.lastIndexOf("0;chunk");
        return Buffer.from(text.slice(second, last) + text.slice(0, second) + text.slice(last), "latin1");
      },
      outcome: /^403 SignatureDoesNotMatch$/,
    },
    {
      what: "a chunk has no signature",
      damage: (body: Buffer) =>
        Buffer.from(body.toString("latin1").replace(/^5;chunk-signature=[0-9a-f]+/, "5"), "latin1"),
      outcome: /^(400 |403 SignatureDoesNotMatch)/,
    },
    {
      what: "a size is no number",
      damage: (body: Buffer) => Buffer.from(body.toString("latin1").replace(/^5;/, "x;"), "latin1"),
      outcome: /^400 /,
    },
    {
      what: "a size has no end",
      damage: () => Buffer.from("5".repeat(100_000)),
      outcome: /^400 /,
    },
    {
      what: "bytes follow the last chunk",
      damage: (body: Buffer) => Buffer.concat([body, Buffer.from("more")]),
      outcome: /^400 /,
    },
  ])("nothing is stored if $what", async ({ damage, outcome }) => {
    const chunks = [Buffer.from("hello"), Buffer.from("world")];
    const answer = await upload("damaged", { kind: SIGNED, chunks, damage });
    expect(answer.outcome).toMatch(outcome);
    expect((await s3.send({ key: "damaged" })).outcome).toBe("404 NoSuchKey");
  });

  test.each([
    { decodedLength: 4, why: "fewer bytes were announced" },
    { decodedLength: 6, why: "more bytes were announced" },
  ])("nothing is stored if $why", async ({ decodedLength }) => {
    const answer = await upload("length", { kind: SIGNED, chunks: [Buffer.from("hello")], decodedLength });
    expect(answer.status).toBe(400);
    expect((await s3.send({ key: "length" })).status).toBe(404);
  });

  test("other encodings stay with the object", async () => {
    const headers = { "content-encoding": "aws-chunked,gzip" };
    expect((await upload("gzip", { kind: SIGNED, chunks: [Buffer.from("x")], headers })).status).toBe(200);
    expect((await s3.send({ key: "gzip" })).headers["content-encoding"]).toBe("gzip");
  });
});

describe.each([SIGNED_TRAILER, UNSIGNED_TRAILER])("%s", (kind) => {
  test("a checksum behind the body is checked and kept", async () => {
    const trailers = { "x-amz-checksum-crc32": crc32Base64(BIG) };
    const chunks = [BIG.subarray(0, 100_000), BIG.subarray(100_000)];
    const answer = await upload("trailer", { kind, chunks, trailers });
    expect(answer.status, answer.text).toBe(200);
    expect(answer.headers["x-amz-checksum-crc32"]).toBe(trailers["x-amz-checksum-crc32"]);
    await expectStored("trailer", BIG);
  });

  test("a checksum of SHA-256 as well", async () => {
    const sum = Buffer.from(sha256Hex("hello"), "hex").toString("base64");
    const answer = await upload("sha", {
      kind,
      chunks: [Buffer.from("hello")],
      trailers: { "x-amz-checksum-sha256": sum },
    });
    expect(answer.status, answer.text).toBe(200);
  });

  test("a checksum of another body stores nothing", async () => {
    const trailers = { "x-amz-checksum-crc32": crc32Base64(Buffer.from("other")) };
    const answer = await upload("bad-sum", { kind, chunks: [Buffer.from("hello")], trailers });
    expect(answer.outcome).toBe("400 BadDigest");
    expect((await s3.send({ key: "bad-sum" })).status).toBe(404);
  });

  test("a trailer that was announced and does not come stores nothing", async () => {
    const answer = await upload("no-trailer", {
      kind,
      chunks: [Buffer.from("hello")],
      headers: { "x-amz-trailer": "x-amz-checksum-crc32" },
      ...(kind === SIGNED_TRAILER ? { trailers: {} } : {}),
    });
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect((await s3.send({ key: "no-trailer" })).status).toBe(404);
  });

  test("a trailer that was not announced stores nothing", async () => {
    const answer = await upload("surprise", {
      kind,
      chunks: [Buffer.from("hello")],
      trailers: { "x-amz-checksum-crc32": crc32Base64(Buffer.from("hello")) },
      headers: { "x-amz-trailer": "x-amz-checksum-sha256" },
    });
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect((await s3.send({ key: "surprise" })).status).toBe(404);
  });
});

test("a trailer's signature that was changed stores nothing", async () => {
  const answer = await upload("trailer-signature", {
    kind: SIGNED_TRAILER,
    chunks: [Buffer.from("hello")],
    trailers: { "x-amz-checksum-crc32": crc32Base64(Buffer.from("hello")) },
    damage: (body) =>
      Buffer.from(
        body.toString("latin1").replace(/trailer-signature:[0-9a-f]{8}/, "trailer-signature:00000000"),
        "latin1",
      ),
  });
  expect(answer.outcome).toBe("403 SignatureDoesNotMatch");
  expect((await s3.send({ key: "trailer-signature" })).status).toBe(404);
});

test("an unsigned body still needs a good signature of its headers", async () => {
  const path = encodeS3Path(s3.bucket, "stranger");
  const body = unsignedChunks([Buffer.from("evil")], {});
  const headers = {
    host: s3.endpoint.host,
    "x-amz-content-sha256": UNSIGNED_TRAILER,
    "x-amz-decoded-content-length": "4",
    "content-encoding": "aws-chunked",
    "content-length": String(body.length),
  };
  expect((await s3.wire.sendRaw("PUT", path, headers, body)).outcome).toBe("403 AccessDenied");
  const forged = `AWS4-HMAC-SHA256 Credential=${s3.wire.signer.accessKey}/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=${"0".repeat(64)}`;
  const answer = await s3.wire.sendRaw(
    "PUT",
    path,
    { ...headers, authorization: forged, "x-amz-date": "20260101T000000Z" },
    body,
  );
  expect([400, 403]).toContain(answer.status);
  const query = s3.wire
    .presign({ method: "PUT", key: "stranger" }, 60)
    .replace(/Signature=[0-9a-f]{64}/, `Signature=${"0".repeat(64)}`);
  expect((await s3.wire.sendRaw("PUT", query, headers, body)).status).toBe(403);
  expect((await s3.send({ key: "stranger" })).status).toBe(404);
});
