import { randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import {
  AbortMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteBucketCorsCommand,
  DeleteBucketLifecycleCommand,
  DeleteBucketPolicyCommand,
  DeleteBucketTaggingCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  DeleteObjectTaggingCommand,
  GetBucketAclCommand,
  GetBucketCorsCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketLocationCommand,
  GetBucketPolicyCommand,
  GetBucketTaggingCommand,
  GetBucketVersioningCommand,
  GetObjectAclCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListMultipartUploadsCommand,
  ListObjectsCommand,
  ListObjectVersionsCommand,
  ListPartsCommand,
  NoSuchKey,
  NotFound,
  PutBucketCorsCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketPolicyCommand,
  PutBucketTaggingCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  paginateListObjectsV2,
  UploadPartCopyCommand,
  waitUntilBucketExists,
  waitUntilObjectExists,
  waitUntilObjectNotExists,
} from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { describe, expect, test } from "vitest";
import { bucketName, outcomeOf, useSession } from "../support/session.ts";

const s3 = useSession("sdk");
const at = (Key: string) => ({ Bucket: s3.bucket, Key });

async function read(key: string, more: Record<string, string> = {}): Promise<Buffer> {
  const { Body } = await s3.client.send(new GetObjectCommand({ ...at(key), ...more }));
  return Buffer.from((await Body?.transformToByteArray()) ?? []);
}

describe("AWS SDK v3", () => {
  test("makes, finds, lists and removes buckets", async () => {
    const Bucket = bucketName("sdk-own");
    await s3.client.send(new CreateBucketCommand({ Bucket }));
    await waitUntilBucketExists({ client: s3.client, maxWaitTime: 10 }, { Bucket });
    expect((await s3.client.send(new HeadBucketCommand({ Bucket }))).$metadata.httpStatusCode).toBe(200);
    const { Buckets = [], Owner } = await s3.client.send(new ListBucketsCommand({}));
    expect(Buckets.map(({ Name }) => Name)).toContain(Bucket);
    expect(Buckets[0]?.CreationDate).toBeInstanceOf(Date);
    expect(Owner?.ID).toBeTruthy();
    await s3.client.send(new GetBucketLocationCommand({ Bucket }));
    await s3.client.send(new DeleteBucketCommand({ Bucket }));
    expect(await outcomeOf(s3.client.send(new HeadBucketCommand({ Bucket })))).toBe("404 NotFound");
  });

  test.each([
    { what: "a string", body: () => "hello", size: 5 },
    { what: "bytes", body: () => randomBytes(100_000), size: 100_000 },
    { what: "nothing", body: () => "", size: 0 },
  ])("stores and reads $what with the checksum that it sends by itself", async ({ body, size }) => {
    const Body = body();
    const put = await s3.client.send(new PutObjectCommand({ ...at("plain"), Body }));
    expect(put.ChecksumCRC32).toBeTruthy();
    const got = await s3.client.send(new GetObjectCommand(at("plain")));
    expect(got.ContentLength).toBe(size);
    expect(got.ETag).toBe(put.ETag);
    expect(Buffer.from((await got.Body?.transformToByteArray()) ?? [])).toEqual(Buffer.from(Body));
  });

  test("stores a stream, which it sends in chunks with a trailer", async () => {
    const body = randomBytes(300_000);
    const Body = Readable.from([body.subarray(0, 1), body.subarray(1, 200_000), body.subarray(200_000)]);
    await s3.client.send(new PutObjectCommand({ ...at("stream"), Body, ContentLength: body.length }));
    expect((await read("stream")).equals(body)).toBe(true);
  });

  test("throws the errors of its model", async () => {
    await expect(s3.client.send(new GetObjectCommand(at("absent")))).rejects.toBeInstanceOf(NoSuchKey);
    await expect(s3.client.send(new HeadObjectCommand(at("absent")))).rejects.toBeInstanceOf(NotFound);
    expect(await outcomeOf(s3.client.send(new DeleteBucketCommand({ Bucket: bucketName("none") })))).toBe(
      "404 NoSuchBucket",
    );
  });

  test("waits for an object to come and to go", async () => {
    const waited = waitUntilObjectExists(
      { client: s3.client, maxWaitTime: 20, minDelay: 1, maxDelay: 1 },
      at("awaited"),
    );
    await s3.put("awaited", "x");
    expect((await waited).state).toBe("SUCCESS");
    await s3.client.send(new DeleteObjectCommand(at("awaited")));
    const gone = await waitUntilObjectNotExists(
      { client: s3.client, maxWaitTime: 20, minDelay: 1, maxDelay: 1 },
      at("awaited"),
    );
    expect(gone.state).toBe("SUCCESS");
  });

  test("keeps metadata and headers", async () => {
    const sent = {
      Metadata: { player: "ann", "two-words": "a b" },
      ContentType: "video/mp4",
      CacheControl: "no-store",
      ContentDisposition: "inline",
      ContentLanguage: "ja",
      ContentEncoding: "gzip",
    };
    await s3.client.send(new PutObjectCommand({ ...at("headers"), Body: "x", ...sent }));
    expect(await s3.client.send(new HeadObjectCommand(at("headers")))).toMatchObject(sent);
  });

  test("reads ranges, and by condition", async () => {
    const { ETag } = await s3.client.send(new PutObjectCommand({ ...at("range"), Body: "0123456789" }));
    expect((await read("range", { Range: "bytes=2-4" })).toString()).toBe("234");
    const unchanged = s3.client.send(new GetObjectCommand({ ...at("range"), IfNoneMatch: ETag }));
    expect(await outcomeOf(unchanged)).toMatch(/^304 /);
    const changed = s3.client.send(new GetObjectCommand({ ...at("range"), IfMatch: '"0"' }));
    expect(await outcomeOf(changed)).toBe("412 PreconditionFailed");
    const taken = s3.client.send(new PutObjectCommand({ ...at("range"), Body: "x", IfNoneMatch: "*" }));
    expect(await outcomeOf(taken)).toBe("412 PreconditionFailed");
  });

  test("pages through a listing, and folds it", async () => {
    const keys = Array.from({ length: 25 }, (_, i) => `page/${i % 5}/${String(i).padStart(2, "0")}`).toSorted();
    await Promise.all(keys.map((key) => s3.put(key, "x")));
    const found: (string | undefined)[] = [];
    const pages = paginateListObjectsV2({ client: s3.client, pageSize: 4 }, { Bucket: s3.bucket, Prefix: "page/" });
    for await (const { Contents = [] } of pages) found.push(...Contents.map(({ Key }) => Key));
    expect(found).toEqual(keys);
    const folded = await s3.client.send(new ListObjectsCommand({ Bucket: s3.bucket, Prefix: "page/", Delimiter: "/" }));
    expect(folded.CommonPrefixes?.map(({ Prefix }) => Prefix)).toEqual([
      "page/0/",
      "page/1/",
      "page/2/",
      "page/3/",
      "page/4/",
    ]);
  });

  test("lists keys that XML cannot hold as they are", async () => {
    await s3.put("odd/\u0001control", "x");
    await s3.put("odd/a&b<c>", "x");
    const listed = await s3.client.send(
      new ListObjectsCommand({ Bucket: s3.bucket, Prefix: "odd/", EncodingType: "url" }),
    );
    const keys = listed.Contents?.map(({ Key = "" }) => decodeURIComponent(Key)) ?? [];
    expect(keys).toEqual(["odd/\u0001control", "odd/a&b<c>"]);
  });

  test("deletes many at once", async () => {
    await Promise.all(["d1", "d2"].map((key) => s3.put(key, "x")));
    const Objects = ["d1", "d2", "d3"].map((Key) => ({ Key }));
    const { Deleted = [], Errors } = await s3.client.send(
      new DeleteObjectsCommand({ Bucket: s3.bucket, Delete: { Objects } }),
    );
    expect(Deleted.map(({ Key }) => Key).toSorted()).toEqual(["d1", "d2", "d3"]);
    expect(Errors).toBeUndefined();
  });

  test("copies, with new metadata or the old", async () => {
    await s3.put("from", "copied", { "x-amz-meta-a": "1" });
    const CopySource = `${s3.bucket}/from`;
    const { CopyObjectResult } = await s3.client.send(new CopyObjectCommand({ ...at("to"), CopySource }));
    expect(CopyObjectResult?.ETag).toBeTruthy();
    expect(CopyObjectResult?.LastModified).toBeInstanceOf(Date);
    const replaced = { MetadataDirective: "REPLACE", Metadata: { b: "2" } } as const;
    await s3.client.send(new CopyObjectCommand({ ...at("to"), CopySource, ...replaced }));
    expect((await s3.client.send(new HeadObjectCommand(at("to")))).Metadata).toEqual({ b: "2" });
  });

  test("tags objects and buckets", async () => {
    await s3.put("tagged", "x");
    const TagSet = [{ Key: "kind", Value: "live" }];
    await s3.client.send(new PutObjectTaggingCommand({ ...at("tagged"), Tagging: { TagSet } }));
    expect((await s3.client.send(new GetObjectTaggingCommand(at("tagged")))).TagSet).toEqual(TagSet);
    await s3.client.send(new DeleteObjectTaggingCommand(at("tagged")));
    expect((await s3.client.send(new GetObjectTaggingCommand(at("tagged")))).TagSet).toEqual([]);
    const { bucket: Bucket } = s3;
    await s3.client.send(new PutBucketTaggingCommand({ Bucket, Tagging: { TagSet } }));
    expect((await s3.client.send(new GetBucketTaggingCommand({ Bucket }))).TagSet).toEqual(TagSet);
    await s3.client.send(new DeleteBucketTaggingCommand({ Bucket }));
  });

  test("sets CORS, lifecycle and policy, reads them and removes them", async () => {
    const { bucket: Bucket } = s3;
    const CORSRules = [{ AllowedOrigins: ["https://a.example"], AllowedMethods: ["GET"], MaxAgeSeconds: 60 }];
    await s3.client.send(new PutBucketCorsCommand({ Bucket, CORSConfiguration: { CORSRules } }));
    expect((await s3.client.send(new GetBucketCorsCommand({ Bucket }))).CORSRules).toMatchObject(CORSRules);
    await s3.client.send(new DeleteBucketCorsCommand({ Bucket }));
    const Rules = [{ ID: "week", Status: "Enabled" as const, Filter: { Prefix: "live/" }, Expiration: { Days: 7 } }];
    await s3.client.send(new PutBucketLifecycleConfigurationCommand({ Bucket, LifecycleConfiguration: { Rules } }));
    expect((await s3.client.send(new GetBucketLifecycleConfigurationCommand({ Bucket }))).Rules).toMatchObject(Rules);
    await s3.client.send(new DeleteBucketLifecycleCommand({ Bucket }));
    const statement = {
      Effect: "Allow",
      Principal: "*",
      Action: "s3:GetObject",
      Resource: `arn:aws:s3:::${Bucket}/open/*`,
    };
    const Policy = JSON.stringify({ Version: "2012-10-17", Statement: [statement] });
    await s3.client.send(new PutBucketPolicyCommand({ Bucket, Policy }));
    expect((await s3.client.send(new GetBucketPolicyCommand({ Bucket }))).Policy).toBe(Policy);
    await s3.client.send(new DeleteBucketPolicyCommand({ Bucket }));
    expect(await outcomeOf(s3.client.send(new GetBucketPolicyCommand({ Bucket })))).toBe("404 NoSuchBucketPolicy");
  });

  test("keeps versions", async () => {
    const Bucket = await s3.makeBucket();
    const VersioningConfiguration = { Status: "Enabled" as const };
    await s3.client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }));
    expect((await s3.client.send(new GetBucketVersioningCommand({ Bucket }))).Status).toBe("Enabled");
    const one = await s3.client.send(new PutObjectCommand({ Bucket, Key: "k", Body: "1" }));
    const two = await s3.client.send(new PutObjectCommand({ Bucket, Key: "k", Body: "2" }));
    const gone = await s3.client.send(new DeleteObjectCommand({ Bucket, Key: "k" }));
    expect(gone.DeleteMarker).toBe(true);
    const { Versions = [], DeleteMarkers = [] } = await s3.client.send(new ListObjectVersionsCommand({ Bucket }));
    expect(Versions.map(({ VersionId }) => VersionId)).toEqual([two.VersionId, one.VersionId]);
    expect(DeleteMarkers).toHaveLength(1);
    const old = await s3.client.send(new GetObjectCommand({ Bucket, Key: "k", VersionId: one.VersionId }));
    expect(await old.Body?.transformToString()).toBe("1");
  });

  test("asks for attributes and access lists", async () => {
    await s3.client.send(new PutObjectCommand({ ...at("attributes"), Body: "x", ChecksumAlgorithm: "SHA256" }));
    const ObjectAttributes = ["ETag", "Checksum", "ObjectSize", "StorageClass"] as const;
    const found = await s3.client.send(
      new GetObjectAttributesCommand({ ...at("attributes"), ObjectAttributes: [...ObjectAttributes] }),
    );
    expect(found).toMatchObject({ ObjectSize: 1, StorageClass: "STANDARD" });
    expect(found.Checksum?.ChecksumSHA256).toBeTruthy();
    const { Grants = [] } = await s3.client.send(new GetObjectAclCommand(at("attributes")));
    expect(Grants[0]?.Permission).toBe("FULL_CONTROL");
    expect((await s3.client.send(new GetBucketAclCommand({ Bucket: s3.bucket }))).Owner?.ID).toBeTruthy();
  });

  test("lists, copies parts of and gives up uploads", async () => {
    await s3.put("whole", randomBytes(6_000_000));
    const { UploadId } = await s3.client.send(new CreateMultipartUploadCommand(at("by-hand")));
    const part = { ...at("by-hand"), UploadId };
    const CopySourceRange = "bytes=0-5242879";
    await s3.client.send(
      new UploadPartCopyCommand({ ...part, PartNumber: 1, CopySource: `${s3.bucket}/whole`, CopySourceRange }),
    );
    const { Parts = [] } = await s3.client.send(new ListPartsCommand(part));
    expect(Parts.map(({ Size }) => Size)).toEqual([5_242_880]);
    const { Uploads = [] } = await s3.client.send(new ListMultipartUploadsCommand({ Bucket: s3.bucket }));
    expect(Uploads.map((upload) => upload.UploadId)).toContain(UploadId);
    await s3.client.send(new AbortMultipartUploadCommand(part));
    expect(await outcomeOf(s3.client.send(new ListPartsCommand(part)))).toBe("404 NoSuchUpload");
  });
});

describe("lib-storage", () => {
  test("uploads a stream of unknown length in parts, side by side", async () => {
    const body = randomBytes(17_000_000);
    const pieces = Array.from({ length: 17 }, (_, i) => body.subarray(i * 1_000_000, (i + 1) * 1_000_000));
    const loaded: number[] = [];
    const upload = new Upload({ client: s3.client, params: { ...at("uploaded"), Body: Readable.from(pieces) } });
    upload.on("httpUploadProgress", (progress) => loaded.push(progress.loaded ?? 0));
    expect((await upload.done()).ETag).toMatch(/-4"$/);
    expect(loaded.at(-1)).toBe(body.length);
    expect((await read("uploaded")).equals(body)).toBe(true);
  });

  test("uploads a small body in one go", async () => {
    const upload = new Upload({ client: s3.client, params: { ...at("small"), Body: "small" } });
    expect((await upload.done()).ETag).not.toContain("-");
    expect((await read("small")).toString()).toBe("small");
  });

  test("leaves nothing when it is stopped", async () => {
    const endless = Readable.from(
      (function* () {
        for (;;) yield randomBytes(1_000_000);
      })(),
    );
    const upload = new Upload({ client: s3.client, params: { ...at("stopped"), Body: endless } });
    upload.on("httpUploadProgress", () => void upload.abort());
    await expect(upload.done()).rejects.toThrow(/abort/i);
    expect(await outcomeOf(s3.client.send(new HeadObjectCommand(at("stopped"))))).toBe("404 NotFound");
  });
});

describe("the presigner", () => {
  test("makes URLs for reading, writing and overriding headers", async () => {
    const put = await getSignedUrl(s3.client, new PutObjectCommand({ ...at("signed"), ContentType: "text/plain" }), {
      expiresIn: 60,
    });
    const written = await fetch(put, { method: "PUT", body: "by URL", headers: { "content-type": "text/plain" } });
    expect(written.status, await written.text()).toBe(200);
    const get = new GetObjectCommand({ ...at("signed"), ResponseContentDisposition: 'attachment; filename="a.txt"' });
    const answer = await fetch(await getSignedUrl(s3.client, get, { expiresIn: 60 }));
    expect(answer.headers.get("content-disposition")).toBe('attachment; filename="a.txt"');
    expect(await answer.text()).toBe("by URL");
  });

  test("signs headers that must be sent", async () => {
    const put = new PutObjectCommand({ ...at("bound"), Metadata: { a: "1" } });
    const url = await getSignedUrl(s3.client, put, { unhoistableHeaders: new Set(["x-amz-meta-a"]) });
    expect((await fetch(url, { method: "PUT", body: "x" })).status).toBe(403);
    expect((await fetch(url, { method: "PUT", body: "x", headers: { "x-amz-meta-a": "1" } })).status).toBe(200);
  });
});
