import { Readable } from "node:stream";
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectsCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
} from "@aws-sdk/client-s3";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestServer, TEST_KEY, type TestServer } from "../support/start-server.ts";

let server: TestServer;
let s3: S3Client;
const Bucket = "media";

beforeAll(async () => {
  server = await startTestServer();
  s3 = new S3Client({
    endpoint: server.url,
    region: "us-east-1",
    forcePathStyle: true,
    credentials: { accessKeyId: TEST_KEY.accessKey, secretAccessKey: TEST_KEY.secretKey },
  });
  await s3.send(new CreateBucketCommand({ Bucket }));
});

afterAll(async () => {
  s3.destroy();
  await server.end();
});

async function readBack(Key: string): Promise<Buffer> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
  return Buffer.from((await Body?.transformToByteArray()) ?? []);
}

test("an object comes back as it was put, with what was said of it", async () => {
  const put = await s3.send(
    new PutObjectCommand({
      Bucket,
      Key: "a b/ü.txt",
      Body: "hello",
      ContentType: "text/plain",
      Metadata: { who: "me" },
      Tagging: "kind=test&x=",
      CacheControl: "max-age=5",
    }),
  );
  expect(put.ETag).toBe('"5d41402abc4b2a76b9719d911017c592"');
  expect(put.ChecksumCRC32).toBe("NhCmhg==");
  const got = await s3.send(new GetObjectCommand({ Bucket, Key: "a b/ü.txt", ChecksumMode: "ENABLED" }));
  expect(await got.Body?.transformToString()).toBe("hello");
  expect(got).toMatchObject({
    ContentType: "text/plain",
    Metadata: { who: "me" },
    TagCount: 2,
    CacheControl: "max-age=5",
    ChecksumCRC32: "NhCmhg==",
  });
  const { TagSet } = await s3.send(new GetObjectTaggingCommand({ Bucket, Key: "a b/ü.txt" }));
  expect(TagSet).toEqual([
    { Key: "kind", Value: "test" },
    { Key: "x", Value: "" },
  ]);
});

test("a stream of unknown content is taken with a trailing checksum", async () => {
  const body = Buffer.alloc(700_000, "stream");
  await s3.send(
    new PutObjectCommand({ Bucket, Key: "stream", Body: Readable.from([body]), ContentLength: body.length }),
  );
  expect((await readBack("stream")).equals(body)).toBe(true);
});

test("ranges give a part of an object", async () => {
  await s3.send(new PutObjectCommand({ Bucket, Key: "r", Body: "0123456789" }));
  const got = await s3.send(new GetObjectCommand({ Bucket, Key: "r", Range: "bytes=2-4" }));
  expect(await got.Body?.transformToString()).toBe("234");
  expect(got.ContentRange).toBe("bytes 2-4/10");
});

test("an upload in parts with a copied one becomes one object with a combined checksum", async () => {
  const part = Buffer.alloc(5 << 20, 1);
  await s3.send(new PutObjectCommand({ Bucket, Key: "source", Body: part }));
  const { UploadId } = await s3.send(
    new CreateMultipartUploadCommand({ Bucket, Key: "mp", ChecksumAlgorithm: "CRC32C" }),
  );
  const place = { Bucket, Key: "mp", UploadId };
  const copied = await s3.send(
    new UploadPartCopyCommand({
      ...place,
      PartNumber: 1,
      CopySource: `${Bucket}/source`,
      CopySourceRange: `bytes=0-${part.length - 1}`,
    }),
  );
  const last = await s3.send(
    new UploadPartCommand({ ...place, PartNumber: 3, Body: Buffer.from("end"), ChecksumAlgorithm: "CRC32C" }),
  );
  const done = await s3.send(
    new CompleteMultipartUploadCommand({
      ...place,
      MultipartUpload: {
        Parts: [
          { PartNumber: 1, ETag: copied.CopyPartResult?.ETag },
          { PartNumber: 3, ETag: last.ETag, ChecksumCRC32C: last.ChecksumCRC32C },
        ],
      },
    }),
  );
  expect(done.ETag).toMatch(/^"[0-9a-f]{32}-2"$/);
  expect(done.ChecksumCRC32C).toMatch(/-2$/);
  const body = await readBack("mp");
  expect(body.equals(Buffer.concat([part, Buffer.from("end")]))).toBe(true);
  const got = await s3.send(new GetObjectCommand({ Bucket, Key: "mp", PartNumber: 3 }));
  expect(await got.Body?.transformToString()).toBe("end");
  expect(got.PartsCount).toBe(2);
  const attributes = await s3.send(
    new GetObjectAttributesCommand({ Bucket, Key: "mp", ObjectAttributes: ["ObjectParts", "ObjectSize", "Checksum"] }),
  );
  expect(attributes.ObjectSize).toBe(part.length + 3);
  expect(attributes.ObjectParts?.TotalPartsCount).toBe(2);

  const copy = await s3.send(new CopyObjectCommand({ Bucket, Key: "mp-copy", CopySource: `${Bucket}/mp` }));
  expect(copy.CopyObjectResult?.ETag).toMatch(/^"[0-9a-f]{32}"$/);
  expect((await readBack("mp-copy")).equals(body)).toBe(true);
});

test("a copy may replace what is said of an object", async () => {
  await s3.send(new PutObjectCommand({ Bucket, Key: "c1", Body: "x", Metadata: { a: "1" } }));
  await s3.send(
    new CopyObjectCommand({
      Bucket,
      Key: "c1",
      CopySource: `${Bucket}/c1`,
      MetadataDirective: "REPLACE",
      Metadata: { b: "2" },
    }),
  );
  const head = await s3.send(new HeadObjectCommand({ Bucket, Key: "c1" }));
  expect(head.Metadata).toEqual({ b: "2" });
  const idle = new CopyObjectCommand({ Bucket, Key: "c1", CopySource: `${Bucket}/c1` });
  await expect(s3.send(idle)).rejects.toMatchObject({ name: "InvalidRequest" });
});

test("listings page through keys and common prefixes", async () => {
  for (const Key of ["l/a/1", "l/a/2", "l/b", "l/c/1"]) await s3.send(new PutObjectCommand({ Bucket, Key, Body: "" }));
  const seen: (string | undefined)[] = [];
  let ContinuationToken: string | undefined;
  do {
    const page = await s3.send(
      new ListObjectsV2Command({ Bucket, Prefix: "l/", Delimiter: "/", MaxKeys: 1, ContinuationToken }),
    );
    for (const { Key } of page.Contents ?? []) seen.push(Key);
    for (const { Prefix } of page.CommonPrefixes ?? []) seen.push(Prefix);
    ContinuationToken = page.NextContinuationToken;
  } while (ContinuationToken);
  expect(seen).toEqual(["l/a/", "l/b", "l/c/"]);
});

test("many objects are deleted at once, absent ones too", async () => {
  await s3.send(new PutObjectCommand({ Bucket, Key: "d1", Body: "x" }));
  const { Deleted, Errors } = await s3.send(
    new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: "d1" }, { Key: "never" }] } }),
  );
  expect(Deleted?.map(({ Key }) => Key)).toEqual(["d1", "never"]);
  expect(Errors).toBeUndefined();
  await expect(s3.send(new HeadObjectCommand({ Bucket, Key: "d1" }))).rejects.toMatchObject({ name: "NotFound" });
});
