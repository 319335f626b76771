import { createHash, randomBytes } from "node:crypto";
import { crc32 } from "node:zlib";
import {
  type ChecksumAlgorithm,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { describe, expect, test } from "vitest";
import { useSession } from "./support/session.ts";

const s3 = useSession("checksums");

function crc32Base64(bytes: Uint8Array | string): string {
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(bytes));
  return sum.toString("base64");
}

function shaBase64(algorithm: "sha1" | "sha256", bytes: Uint8Array | string): string {
  return createHash(algorithm).update(bytes).digest("base64");
}

/** Of the nine digits, as the catalogues of CRCs give it for each. */
const DIGITS = "123456789";
const SUMS = [
  { name: "crc32", sum: Buffer.from("cbf43926", "hex").toString("base64") },
  { name: "crc32c", sum: Buffer.from("e3069283", "hex").toString("base64") },
  { name: "crc64nvme", sum: Buffer.from("ae8b14860a799888", "hex").toString("base64") },
  { name: "sha1", sum: shaBase64("sha1", DIGITS) },
  { name: "sha256", sum: shaBase64("sha256", DIGITS) },
];

describe.each(SUMS)("$name", ({ name, sum }) => {
  const header = `x-amz-checksum-${name}`;

  test("is checked, kept and told again", async () => {
    const put = await s3.put(name, DIGITS, { [header]: sum });
    expect(put.headers[header]).toBe(sum);
    const mode = { "x-amz-checksum-mode": "ENABLED" };
    const got = await s3.send({ key: name, headers: mode });
    expect(got.headers[header]).toBe(sum);
    expect((await s3.send({ method: "HEAD", key: name, headers: mode })).headers[header]).toBe(sum);
  });

  test("is not told where nobody asks", async () => {
    await s3.put(name, DIGITS, { [header]: sum });
    expect((await s3.send({ key: name })).headers[header]).toBeUndefined();
  });

  test("of another body stores nothing", async () => {
    const answer = await s3.send({ method: "PUT", key: `bad-${name}`, body: "987654321", headers: { [header]: sum } });
    expect(answer.outcome).toBe("400 BadDigest");
    expect((await s3.send({ key: `bad-${name}` })).status).toBe(404);
  });

  test.each(["not base64!", "AAA=", ""])("as %j is refused", async (value) => {
    const answer = await s3.send({ method: "PUT", key: `bad-${name}`, body: DIGITS, headers: { [header]: value } });
    expect(answer.outcome).toBe("400 InvalidRequest");
  });

  test("is an attribute of the object", async () => {
    await s3.put(name, DIGITS, { [header]: sum });
    const headers = { "x-amz-object-attributes": "Checksum" };
    const answer = await s3.send({ key: name, query: { attributes: "" }, headers });
    expect(answer.value(`Checksum${name.toUpperCase()}`)).toBe(sum);
    expect(answer.value("ChecksumType")).toBe("FULL_OBJECT");
  });

  test("goes with a copy", async () => {
    await s3.put(name, DIGITS, { [header]: sum });
    await s3.send({ method: "PUT", key: `${name}-copy`, headers: { "x-amz-copy-source": `${s3.bucket}/${name}` } });
    const got = await s3.send({ key: `${name}-copy`, headers: { "x-amz-checksum-mode": "ENABLED" } });
    expect(got.headers[header]).toBe(sum);
  });

  test("is named by the listing", async () => {
    await s3.put(name, DIGITS, { [header]: sum });
    const answer = await s3.send({ query: { "list-type": "2", prefix: name } });
    expect(answer.values("ChecksumAlgorithm")[0]).toBe(name.toUpperCase());
  });

  test("of the SDK's own making is taken, and checked by it when it reads", async () => {
    const body = randomBytes(100_000);
    const algorithm = name.toUpperCase() as ChecksumAlgorithm;
    const where = { Bucket: s3.bucket, Key: `sdk-${name}` };
    await s3.client.send(new PutObjectCommand({ ...where, Body: body, ChecksumAlgorithm: algorithm }));
    const got = await s3.client.send(new GetObjectCommand({ ...where, ChecksumMode: "ENABLED" }));
    expect(Buffer.from((await got.Body?.transformToByteArray()) ?? []).equals(body)).toBe(true);
  });
});

test("two checksums at once are refused", async () => {
  const headers = { "x-amz-checksum-crc32": SUMS[0]?.sum ?? "", "x-amz-checksum-sha1": SUMS[3]?.sum ?? "" };
  expect((await s3.send({ method: "PUT", key: "two", body: DIGITS, headers })).outcome).toBe("400 InvalidRequest");
});

test("an algorithm that is said and another checksum that is sent are refused", async () => {
  const headers = { "x-amz-sdk-checksum-algorithm": "SHA256", "x-amz-checksum-crc32": crc32Base64(DIGITS) };
  const answer = await s3.send({ method: "PUT", key: "said", body: DIGITS, headers });
  expect(answer.outcome).toBe("400 InvalidRequest");
});

test("an algorithm that there is not is refused", async () => {
  const headers = { "x-amz-sdk-checksum-algorithm": "MD4" };
  const answer = await s3.send({ method: "PUT", key: "said", body: DIGITS, headers });
  expect(answer.outcome).toBe("400 InvalidRequest");
});

test("a range does not tell the checksum of the whole", async () => {
  await s3.put("ranged", DIGITS, { "x-amz-checksum-crc32": SUMS[0]?.sum ?? "" });
  const headers = { range: "bytes=0-1", "x-amz-checksum-mode": "ENABLED" };
  expect((await s3.send({ key: "ranged", headers })).headers["x-amz-checksum-crc32"]).toBeUndefined();
});

describe("of uploads in parts", () => {
  const PARTS = [randomBytes(5 * 1_048_576), randomBytes(1_000)];

  async function upload(key: string, algorithm: ChecksumAlgorithm, type: "COMPOSITE" | "FULL_OBJECT" | undefined) {
    const where = { Bucket: s3.bucket, Key: key };
    const kind = type === undefined ? {} : { ChecksumType: type };
    const begun = await s3.client.send(
      new CreateMultipartUploadCommand({ ...where, ChecksumAlgorithm: algorithm, ...kind }),
    );
    const upload = { ...where, UploadId: begun.UploadId };
    const parts = [];
    for (const [i, body] of PARTS.entries()) {
      const part = await s3.client.send(
        new UploadPartCommand({ ...upload, PartNumber: i + 1, Body: body, ChecksumAlgorithm: algorithm }),
      );
      parts.push({ ...part, PartNumber: i + 1 });
    }
    return s3.client.send(
      new CompleteMultipartUploadCommand({ ...upload, ...kind, MultipartUpload: { Parts: parts } }),
    );
  }

  test.each(["CRC32", "CRC32C", "SHA1", "SHA256"] as const)("%s of the parts' checksums", async (algorithm) => {
    const done = await upload(`composite-${algorithm}`, algorithm, "COMPOSITE");
    expect(done.ChecksumType).toBe("COMPOSITE");
    expect(done[`Checksum${algorithm}`]).toMatch(/-2$/);
    if (algorithm === "SHA256") {
      const sums = PARTS.map((part) => createHash("sha256").update(part).digest());
      expect(done.ChecksumSHA256).toBe(`${shaBase64("sha256", Buffer.concat(sums))}-2`);
    }
  });

  test.each(["CRC32", "CRC32C", "CRC64NVME"] as const)(
    "%s of the whole, from those of the parts",
    async (algorithm) => {
      const done = await upload(`full-${algorithm}`, algorithm, "FULL_OBJECT");
      expect(done.ChecksumType).toBe("FULL_OBJECT");
      expect(done[`Checksum${algorithm}`]).toMatch(/^[A-Za-z0-9+/]+=*$/);
      if (algorithm === "CRC32") expect(done.ChecksumCRC32).toBe(crc32Base64(Buffer.concat(PARTS)));
    },
  );

  test("SHA of the whole cannot be had from parts", async () => {
    const headers = { "x-amz-checksum-algorithm": "SHA256", "x-amz-checksum-type": "FULL_OBJECT" };
    const answer = await s3.send({ method: "POST", key: "sha-full", query: { uploads: "" }, headers });
    expect(answer.outcome).toBe("400 InvalidRequest");
  });

  test("a part with a checksum of another body is not kept", async () => {
    const begun = await s3.send({ method: "POST", key: "part", query: { uploads: "" } });
    const uploadId = begun.value("UploadId") ?? "";
    const headers = { "x-amz-checksum-crc32": crc32Base64("other") };
    const query = { uploadId, partNumber: "1" };
    expect((await s3.send({ method: "PUT", key: "part", query, headers, body: "x" })).outcome).toBe("400 BadDigest");
    expect((await s3.send({ key: "part", query: { uploadId } })).values("PartNumber")).toEqual([]);
  });
});
