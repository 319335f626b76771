import { createHash, randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { withTempDir } from "@kagami/testkit";
import { Client, CopyConditions, type ItemBucketMetadata } from "minio";
import { beforeAll, describe, expect, test } from "vitest";
import { bucketName, useSession } from "../support/session.ts";

const s3 = useSession("minio");
let minio: Client;

beforeAll(() => {
  const { hostname, port } = new URL(s3.endpoint.url);
  const { accessKey, secretKey, region } = s3.endpoint.credentials;
  minio = new Client({ endPoint: hostname, port: Number(port), useSSL: false, accessKey, secretKey, region });
});

async function collect(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function names(stream: AsyncIterable<{ name?: string; prefix?: string }>): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, prefix } of stream) found.push(name ?? prefix ?? "");
  return found;
}

describe("minio-js", () => {
  test("makes, finds, lists and removes buckets", async () => {
    const bucket = bucketName("minio-own");
    await minio.makeBucket(bucket);
    expect(await minio.bucketExists(bucket)).toBe(true);
    expect((await minio.listBuckets()).map(({ name }) => name)).toContain(bucket);
    await minio.removeBucket(bucket);
    expect(await minio.bucketExists(bucket)).toBe(false);
  });

  test.each([0, 11, 100_000])("stores and reads %i bytes", async (size) => {
    const body = randomBytes(size);
    const { etag } = await minio.putObject(s3.bucket, "plain", body, size, { "X-Amz-Meta-Player": "ann" });
    expect(etag).toBe(createHash("md5").update(body).digest("hex"));
    expect((await collect(await minio.getObject(s3.bucket, "plain"))).equals(body)).toBe(true);
    const stat = await minio.statObject(s3.bucket, "plain");
    expect(stat.size).toBe(size);
    expect(stat.metaData.player).toBe("ann");
  });

  test("stores a stream of unknown length in parts", async () => {
    const body = randomBytes(12_000_000);
    await minio.putObject(s3.bucket, "stream", Readable.from([body.subarray(0, 5_000_000), body.subarray(5_000_000)]));
    expect((await collect(await minio.getObject(s3.bucket, "stream"))).equals(body)).toBe(true);
  });

  test("stores a file that is larger than a part, and fetches it", async () => {
    await withTempDir(async (dir) => {
      const body = randomBytes(70_000_000);
      await writeFile(join(dir, "up"), body);
      await minio.fPutObject(s3.bucket, "file", join(dir, "up"), { "Content-Type": "video/mp4" });
      await minio.fGetObject(s3.bucket, "file", join(dir, "down"));
      expect((await readFile(join(dir, "down"))).equals(body)).toBe(true);
    });
  });

  test("reads a part", async () => {
    await minio.putObject(s3.bucket, "ten", "0123456789");
    expect((await collect(await minio.getPartialObject(s3.bucket, "ten", 3, 4))).toString()).toBe("3456");
  });

  test("lists by prefix, folded and deep, in both versions of the API", async () => {
    for (const key of ["list/a", "list/b/1", "list/b/2", "list/c d&e"]) await minio.putObject(s3.bucket, key, "x");
    expect(await names(minio.listObjects(s3.bucket, "list/", true))).toEqual([
      "list/a",
      "list/b/1",
      "list/b/2",
      "list/c d&e",
    ]);
    expect((await names(minio.listObjectsV2(s3.bucket, "list/", false))).toSorted()).toEqual(
      ["list/a", "list/b/", "list/c d&e"].toSorted(),
    );
    expect(await names(minio.listObjectsV2(s3.bucket, "list/", true, "list/b/1"))).toEqual(["list/b/2", "list/c d&e"]);
  });

  test("copies by condition", async () => {
    const { etag } = await minio.putObject(s3.bucket, "source", "copied");
    const conditions = new CopyConditions();
    conditions.setMatchETag(etag);
    await minio.copyObject(s3.bucket, "copy", `/${s3.bucket}/source`, conditions);
    expect((await collect(await minio.getObject(s3.bucket, "copy"))).toString()).toBe("copied");
    const other = new CopyConditions();
    other.setMatchETag("0".repeat(32));
    await expect(minio.copyObject(s3.bucket, "copy-2", `/${s3.bucket}/source`, other)).rejects.toMatchObject({
      code: "PreconditionFailed",
    });
  });

  test("composes one object of several", async () => {
    const { CopyDestinationOptions, CopySourceOptions } = await import("minio");
    const large = randomBytes(5_242_880);
    await minio.putObject(s3.bucket, "compose/1", large);
    await minio.putObject(s3.bucket, "compose/2", "end");
    const sources = ["compose/1", "compose/2"].map((key) => new CopySourceOptions({ Bucket: s3.bucket, Object: key }));
    await minio.composeObject(new CopyDestinationOptions({ Bucket: s3.bucket, Object: "composed" }), sources);
    const composed = await collect(await minio.getObject(s3.bucket, "composed"));
    expect(composed.equals(Buffer.concat([large, Buffer.from("end")]))).toBe(true);
  });

  test("removes one, many and what is half uploaded", async () => {
    for (const key of ["r1", "r2", "r3"]) await minio.putObject(s3.bucket, key, "x");
    await minio.removeObject(s3.bucket, "r1");
    await minio.removeObjects(s3.bucket, ["r2", "r3"]);
    await expect(minio.statObject(s3.bucket, "r2")).rejects.toMatchObject({ code: "NotFound" });
    await minio.initiateNewMultipartUpload(s3.bucket, "half", {} as ItemBucketMetadata);
    const half: string[] = [];
    for await (const { key } of minio.listIncompleteUploads(s3.bucket, "half", true)) half.push(key);
    expect(half).toEqual(["half"]);
    await minio.removeIncompleteUpload(s3.bucket, "half");
  });

  test("presigns reading and writing, and a form", async () => {
    const put = await minio.presignedPutObject(s3.bucket, "signed", 60);
    expect((await fetch(put, { method: "PUT", body: "by URL" })).status).toBe(200);
    expect(await (await fetch(await minio.presignedGetObject(s3.bucket, "signed", 60))).text()).toBe("by URL");
    const policy = minio.newPostPolicy();
    policy.setBucket(s3.bucket);
    policy.setKey("form");
    policy.setExpires(new Date(Date.now() + 60_000));
    policy.setContentLengthRange(1, 1_000);
    const { postURL, formData } = await minio.presignedPostPolicy(policy);
    const form = new FormData();
    for (const [name, value] of Object.entries(formData)) form.append(name, String(value));
    form.append("file", new Blob(["by form"]), "a.txt");
    const answer = await fetch(postURL, { method: "POST", body: form });
    expect(answer.status, await answer.text()).toBe(204);
    expect((await collect(await minio.getObject(s3.bucket, "form"))).toString()).toBe("by form");
  });

  test("tags objects and buckets", async () => {
    await minio.putObject(s3.bucket, "tagged", "x");
    await minio.setObjectTagging(s3.bucket, "tagged", { kind: "live" });
    expect(await minio.getObjectTagging(s3.bucket, "tagged")).toEqual([{ Key: "kind", Value: "live" }]);
    await minio.removeObjectTagging(s3.bucket, "tagged", { versionId: "null" });
    await minio.setBucketTagging(s3.bucket, { team: "video" });
    expect(await minio.getBucketTagging(s3.bucket)).toEqual([{ Key: "team", Value: "video" }]);
    await minio.removeBucketTagging(s3.bucket);
  });

  test("sets a policy, a lifecycle and versions", async () => {
    const statement = {
      Effect: "Allow",
      Principal: "*",
      Action: ["s3:GetObject"],
      Resource: [`arn:aws:s3:::${s3.bucket}/o/*`],
    };
    const policy = JSON.stringify({ Version: "2012-10-17", Statement: [statement] });
    await minio.setBucketPolicy(s3.bucket, policy);
    expect(JSON.parse(await minio.getBucketPolicy(s3.bucket))).toEqual(JSON.parse(policy));
    const rules = [{ ID: "week", Status: "Enabled", Filter: { Prefix: "live/" }, Expiration: { Days: "7" } }];
    await minio.setBucketLifecycle(s3.bucket, { Rule: rules } as never);
    expect(JSON.stringify(await minio.getBucketLifecycle(s3.bucket))).toContain("live/");
    await minio.removeBucketLifecycle(s3.bucket);
    const bucket = await s3.makeBucket();
    await minio.setBucketVersioning(bucket, { Status: "Enabled" });
    expect(await minio.getBucketVersioning(bucket)).toMatchObject({ Status: "Enabled" });
    await minio.putObject(bucket, "k", "one");
    await minio.putObject(bucket, "k", "two");
    const versions: string[] = [];
    for await (const item of minio.listObjects(bucket, "", true, { IncludeVersion: true }))
      versions.push(String((item as { versionId?: string }).versionId));
    expect(new Set(versions).size).toBe(2);
  });
});
