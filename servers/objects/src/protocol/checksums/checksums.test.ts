import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { crc32c } from "@kagami/bytes";
import fc from "fast-check";
import { createCRC64 } from "hash-wasm";
import { expect, test } from "vitest";
import { codeOf } from "../../../test/support/signed-requests.ts";
import type { Checksum, ChecksumAlgorithm } from "../../store/object-store.ts";
import { HeaderFields } from "../header-fields.ts";
import {
  CHECKSUM_ALGORITHMS,
  checkChecksum,
  checksumHeader,
  checksumTypeOf,
  combineChecksums,
  combineCrcs,
  contentMd5Of,
  decodeChecksum,
  parseAlgorithm,
  requestChecksumOf,
} from "./index.ts";

const crc64 = await createCRC64("9a6c9329ac4bc9b5");

function digest(algorithm: ChecksumAlgorithm, bytes: Uint8Array): Uint8Array {
  const four = Buffer.alloc(4);
  switch (algorithm) {
    case "CRC32":
      four.writeUInt32BE(crc32(bytes));
      return four;
    case "CRC32C":
      four.writeUInt32BE(crc32c(bytes, 0, bytes.length));
      return four;
    case "CRC64NVME":
      return crc64.init().update(bytes).digest("binary");
    case "SHA1":
    case "SHA256":
      return createHash(algorithm).update(bytes).digest();
  }
}

test("the CRC-64 of the tests is the one of NVMe", () => {
  expect(Buffer.from(digest("CRC64NVME", Buffer.from("123456789"))).toString("hex")).toBe("ae8b14860a799888");
});

test.each(["CRC32", "CRC32C", "CRC64NVME"] as const)("%s of parts combine to that of the whole", (name) => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 8 }), (parts) => {
      const crcs = parts.map((bytes) => ({ crc: digest(name, bytes), sizeBytes: bytes.length }));
      expect(Buffer.from(combineCrcs(name, crcs))).toEqual(Buffer.from(digest(name, Buffer.concat(parts))));
    }),
  );
});

test.each(["CRC32", "CRC32C", "CRC64NVME"] as const)("%s combine over sizes beyond 32 bits", (name) => {
  // Appending n zeros, then m, is appending n + m: the sizes need no bytes to be true.
  const zeros = digest(name, new Uint8Array(1 << 20));
  const doubled = (crc: Uint8Array, sizeBytes: number) =>
    combineCrcs(name, [
      { crc, sizeBytes },
      { crc, sizeBytes },
    ]);
  let crc = zeros;
  for (let sizeBytes = 2 ** 20; sizeBytes < 2 ** 36; sizeBytes *= 2) crc = doubled(crc, sizeBytes);
  const parts = Array.from({ length: 2 ** 16 }, () => ({ crc: zeros, sizeBytes: 2 ** 20 }));
  expect(combineCrcs(name, parts)).toEqual(crc);
});

const checksumOf = (algorithm: ChecksumAlgorithm, bytes: Uint8Array): Checksum => ({
  algorithm,
  value: Buffer.from(digest(algorithm, bytes)).toString("base64"),
  type: "FULL_OBJECT",
});

test.each(CHECKSUM_ALGORITHMS)("a completed upload has the %s that S3 gives it", (algorithm) => {
  const bodies = ["first", "second", "third"].map((text) => Buffer.from(text));
  const parts = bodies.map((bytes, index) => ({
    partNumber: index + 1,
    sizeBytes: bytes.length,
    checksum: checksumOf(algorithm, bytes),
  }));
  const type = checksumTypeOf(algorithm, undefined);
  const combined = combineChecksums(algorithm, type, parts, digest);
  const whole =
    type === "FULL_OBJECT"
      ? checksumOf(algorithm, Buffer.concat(bodies)).value
      : `${checksumOf(algorithm, Buffer.concat(bodies.map((bytes) => digest(algorithm, bytes)))).value}-3`;
  expect(combined).toEqual({ algorithm, type, value: whole });
});

test("a part without the checksum of its upload is named", () => {
  const part = { partNumber: 7, sizeBytes: 1, checksum: checksumOf("CRC32C", new Uint8Array(1)) };
  expect(codeOf(() => combineChecksums("CRC32", "COMPOSITE", [part], digest))).toContain("Part 7 has none");
});

test.each([
  { algorithm: "CRC32", asked: undefined, type: "COMPOSITE" },
  { algorithm: "CRC32", asked: "FULL_OBJECT", type: "FULL_OBJECT" },
  { algorithm: "CRC32C", asked: "composite", type: "COMPOSITE" },
  { algorithm: "CRC64NVME", asked: undefined, type: "FULL_OBJECT" },
  { algorithm: "SHA1", asked: "COMPOSITE", type: "COMPOSITE" },
  { algorithm: "CRC64NVME", asked: "COMPOSITE", type: "InvalidRequest" },
  { algorithm: "SHA256", asked: "FULL_OBJECT", type: "InvalidRequest" },
  { algorithm: "SHA1", asked: "x", type: "InvalidRequest" },
] as const)("an upload with $algorithm that asks for $asked gets $type", ({ algorithm, asked, type }) => {
  let got = "";
  const code = codeOf(() => {
    got = checksumTypeOf(algorithm, asked);
  });
  expect(code === "accepted" ? got : code).toContain(type);
});

const CRC = checksumOf("CRC32", Buffer.from("a")).value;

test.each([
  { rawHeaders: [], trailers: [], found: undefined, why: "none" },
  {
    rawHeaders: ["X-Amz-Checksum-CRC32", CRC],
    trailers: [],
    found: { algorithm: "CRC32", value: CRC },
    why: "by header",
  },
  {
    rawHeaders: ["x-amz-sdk-checksum-algorithm", "crc32"],
    trailers: ["x-amz-checksum-crc32"],
    found: { algorithm: "CRC32", value: undefined },
    why: "by trailer",
  },
  {
    rawHeaders: [
      "x-amz-checksum-algorithm",
      "CRC32",
      "x-amz-checksum-type",
      "COMPOSITE",
      "x-amz-checksum-mode",
      "ENABLED",
    ],
    trailers: ["x-other"],
    found: undefined,
    why: "words about checksums are none",
  },
])("the checksum of a request: $why", ({ rawHeaders, trailers, found }) => {
  expect(requestChecksumOf(new HeaderFields(rawHeaders), trailers)).toEqual(found);
});

test.each([
  { rawHeaders: ["x-amz-checksum-crc32", CRC, "x-amz-checksum-crc32c", CRC], trailers: [], why: "two algorithms" },
  { rawHeaders: ["x-amz-checksum-crc32", CRC, "x-amz-checksum-crc32", CRC], trailers: [], why: "one twice" },
  { rawHeaders: ["x-amz-checksum-crc32", CRC], trailers: ["x-amz-checksum-crc32"], why: "by header and by trailer" },
  { rawHeaders: ["x-amz-checksum-crc32", "AAAA"], trailers: [], why: "three bytes" },
  { rawHeaders: ["x-amz-checksum-crc32", "x"], trailers: [], why: "no base64" },
  { rawHeaders: ["x-amz-checksum-md5", CRC], trailers: [], why: "an algorithm that S3 does not have" },
  {
    rawHeaders: ["x-amz-sdk-checksum-algorithm", "SHA256", "x-amz-checksum-crc32", CRC],
    trailers: [],
    why: "another is named",
  },
  { rawHeaders: ["x-amz-sdk-checksum-algorithm", "CRC32"], trailers: [], why: "one is named and not there" },
  { rawHeaders: ["x-amz-sdk-checksum-algorithm", "MD5"], trailers: [], why: "one is named that does not exist" },
])("the checksum of a request is refused: $why", ({ rawHeaders, trailers }) => {
  expect(codeOf(() => requestChecksumOf(new HeaderFields(rawHeaders), trailers))).toContain("InvalidRequest");
});

test("another checksum than the one given is a bad digest", () => {
  expect(codeOf(() => checkChecksum("SHA1", "a", "a"))).toBe("accepted");
  expect(codeOf(() => checkChecksum("SHA1", "a", "b"))).toContain("BadDigest: The SHA1 you specified");
});

test("Content-MD5 has 16 bytes", () => {
  const md5 = createHash("md5").update("a").digest();
  const read = (value: string) => contentMd5Of(new HeaderFields(["Content-MD5", value]));
  expect(Buffer.from(read(md5.toString("base64"))!)).toEqual(md5);
  expect(contentMd5Of(new HeaderFields([]))).toBeUndefined();
  for (const value of ["", "x", CRC]) expect(codeOf(() => read(value))).toContain("InvalidDigest");
});

test("names of algorithms and headers belong together", () => {
  for (const algorithm of CHECKSUM_ALGORITHMS) {
    expect(parseAlgorithm(algorithm.toLowerCase(), "h")).toBe(algorithm);
    expect(checksumHeader(algorithm)).toBe(`x-amz-checksum-${algorithm.toLowerCase()}`);
    expect(decodeChecksum(algorithm, checksumOf(algorithm, new Uint8Array(3)).value)).toBeInstanceOf(Uint8Array);
  }
  expect(codeOf(() => parseAlgorithm("__proto__", "h"))).toContain("InvalidRequest");
});
