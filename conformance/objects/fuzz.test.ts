import { createRandom, type Random } from "@kagami/clock";
import { expect, test } from "vitest";
import { useSession } from "./support/session.ts";
import type { Ask } from "./support/wire.ts";

const s3 = useSession("fuzz");

const METHODS = ["GET", "PUT", "POST", "DELETE", "HEAD", "OPTIONS"];
const KEYS = ["k", "a/b", "", "..", "a//b", "\u0000", "\u{1f3ae}", "%", "k".repeat(1_030), "</Key>"];
/** Sub-resources and parameters of S3, which mean something together or not at all. */
const PARAMETERS = [
  [
    "acl",
    "attributes",
    "cors",
    "delete",
    "encryption",
    "legal-hold",
    "lifecycle",
    "location",
    "logging",
    "notification",
  ],
  [
    "object-lock",
    "policy",
    "policyStatus",
    "publicAccessBlock",
    "replication",
    "requestPayment",
    "restore",
    "retention",
  ],
  [
    "select",
    "tagging",
    "torrent",
    "uploads",
    "versioning",
    "versions",
    "website",
    "accelerate",
    "analytics",
    "inventory",
  ],
  ["uploadId", "partNumber", "versionId", "list-type", "prefix", "delimiter", "marker", "max-keys", "encoding-type"],
  ["continuation-token", "start-after", "fetch-owner", "key-marker", "upload-id-marker", "version-id-marker"],
  ["max-parts", "part-number-marker", "max-uploads", "response-content-type", "response-expires", "x-id"],
].flat();
const VALUES = [
  "",
  "0",
  "1",
  "-1",
  "2",
  "null",
  "99999999999999999999",
  "url",
  "true",
  "a/",
  "\u0000",
  "é",
  "%00",
  "AAAA",
  "\r\n",
  "{}",
];
const HEADERS = [
  ["range", "if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range", "content-md5"],
  ["content-type", "content-encoding", "expires", "cache-control", "origin", "access-control-request-method"],
  ["x-amz-copy-source", "x-amz-copy-source-range", "x-amz-copy-source-if-match", "x-amz-metadata-directive"],
  ["x-amz-tagging", "x-amz-tagging-directive", "x-amz-storage-class", "x-amz-acl", "x-amz-meta-a", "x-amz-trailer"],
  ["x-amz-checksum-crc32", "x-amz-checksum-sha256", "x-amz-checksum-algorithm", "x-amz-checksum-type"],
  ["x-amz-sdk-checksum-algorithm", "x-amz-decoded-content-length", "x-amz-object-attributes", "x-amz-max-parts"],
  ["x-amz-server-side-encryption", "x-amz-object-lock-mode", "x-amz-expected-bucket-owner", "x-amz-mp-object-size"],
].flat();
const HEADER_VALUES = [
  ["*", "bytes=0-0", "bytes=5-1", "bytes=-0", "bytes=0-0,2-3", '"x"', "REPLACE", "COPY", "a=1&b=2", "=&&=", "CRC32"],
  ["AAAAAA==", "not base64", "0", "-1", "99999999999999999999", "Thu, 01 Jan 1970 00:00:00 GMT", "yesterday"],
  [
    "/BUCKET/k",
    "BUCKET/k?versionId=null",
    "/BUCKET/%ZZ",
    "/",
    "%",
    "aws-chunked",
    "ETag,Checksum",
    "https://a.example",
  ],
].flat();
const DOCUMENTS = [
  "<Delete><Object><Key>k</Key></Object><Quiet>true</Quiet></Delete>",
  "<Tagging><TagSet><Tag><Key>a</Key><Value>1</Value></Tag></TagSet></Tagging>",
  "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>x</ETag></Part></CompleteMultipartUpload>",
  "<CORSConfiguration><CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod></CORSRule></CORSConfiguration>",
  "<LifecycleConfiguration><Rule><Filter><Prefix>a</Prefix></Filter><Status>Enabled</Status><Expiration><Days>1</Days></Expiration></Rule></LifecycleConfiguration>",
  "<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>",
  '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetBucketTagging","Resource":"arn:aws:s3:::BUCKET"}]}',
  '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
  "<a>".repeat(5_000),
  "",
];
const PAYLOADS = [
  "UNSIGNED-PAYLOAD",
  "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
  "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
  "0".repeat(64),
];

function pick<Item>(random: Random, items: readonly Item[]): Item {
  return items[random.int(0, items.length - 1)] as Item;
}

/** A document with some of its bytes changed, cut or doubled. */
function damaged(random: Random, text: string): Uint8Array {
  const bytes = Buffer.from(text.replaceAll("BUCKET", s3.bucket));
  if (bytes.length === 0 || random.chance(0.4)) return bytes;
  const at = random.int(0, bytes.length - 1);
  if (random.chance(0.3)) return bytes.subarray(0, at);
  if (random.chance(0.3)) return Buffer.concat([bytes.subarray(0, at), bytes]);
  bytes[at] = random.int(0, 255);
  return bytes;
}

function requestOf(random: Random): Ask {
  const some = (names: readonly string[], values: readonly string[], most: number) =>
    Object.fromEntries(Array.from({ length: random.int(0, most) }, () => [pick(random, names), pick(random, values)]));
  const headers = some(HEADERS, HEADER_VALUES, 3);
  for (const [name, value] of Object.entries(headers)) headers[name] = value.replaceAll("BUCKET", s3.bucket);
  const bucket = random.chance(0.85) ? s3.bucket : pick(random, ["", "kagami-absent", "Bad_Name", "a", "%", "\u0000"]);
  const method = pick(random, METHODS);
  return {
    // The bucket itself is needed to the end.
    method: method === "DELETE" && bucket === s3.bucket ? pick(random, ["DELETE", "GET"]) : method,
    bucket,
    ...(random.chance(0.7) ? { key: pick(random, KEYS) } : {}),
    query: some(PARAMETERS, VALUES, 3),
    headers,
    body: damaged(random, pick(random, DOCUMENTS)),
    ...(random.chance(0.2) ? { payloadHash: pick(random, PAYLOADS) } : {}),
    ...(random.chance(0.1) ? { isAnonymous: true } : {}),
  };
}

/** Requests that the client itself refuses to send are no test of the server. */
function canBeSent({ headers = {}, query = {} }: Ask): boolean {
  return ![...Object.values(headers), ...Object.values(query)].some((value) => /[\u0080-\uffff]/.test(value));
}

test.each([1, 2, 3, 4])(
  "whatever is asked is answered as S3 would, and never by a 500: seed %i",
  { timeout: 120_000 },
  async (seed) => {
    const random = createRandom(seed * 7_919);
    const outcomes = new Set<string>();
    for (let i = 0; i < 500; i++) {
      const ask = requestOf(random);
      if (!canBeSent(ask)) continue;
      const answer = await s3.send(ask).catch((error: Error) => error);
      const what = `seed ${seed}, request ${i}: ${JSON.stringify(ask)}`;
      if (answer instanceof Error) throw new Error(`${what}: ${answer.message}`);
      expect([500, 502], what).not.toContain(answer.status);
      expect(answer.status, what).toBeGreaterThanOrEqual(200);
      if (answer.status >= 400 && ask.method !== "HEAD") expect(answer.code, what).toMatch(/^[A-Za-z0-9]+$/);
      outcomes.add(answer.outcome);
      if (i % 100 === 0) await s3.send({ method: "PUT", body: "x", key: "k" });
    }
    await s3.send({ method: "DELETE", query: { policy: "" } });
    expect((await s3.send({})).status).toBe(200);
    // Requests that all fail at the same door would test that door alone.
    expect(outcomes.size).toBeGreaterThan(20);
  },
);
