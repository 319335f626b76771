import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runTool } from "@kagami/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bucketName, md5Hex, useSession } from "../support/session.ts";

const s3 = useSession("aws-cli");
let home: string;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "kagami-aws-"));
});
afterAll(() => rm(home, { recursive: true, force: true }));

/** What the command says. Starting it alone takes a second. */
async function aws(...args: string[]): Promise<string> {
  const { accessKey, secretKey, region } = s3.endpoint.credentials;
  const { stdout } = await runTool("/usr/bin/aws", ["--endpoint-url", s3.endpoint.url, ...args], {
    mustSucceed: true,
    debianPackage: "awscli",
    timeoutMs: 60_000,
    env: {
      HOME: home,
      AWS_ACCESS_KEY_ID: accessKey,
      AWS_SECRET_ACCESS_KEY: secretKey,
      AWS_DEFAULT_REGION: region,
      AWS_PAGER: "",
    },
  });
  return stdout.trim();
}

const api = async (command: string, ...args: string[]) => {
  const text = await aws("s3api", command, "--bucket", s3.bucket, ...args);
  return text === "" ? undefined : JSON.parse(text);
};

async function fill(directory: string, files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
  for (const [name, body] of Object.entries(files)) {
    await mkdir(join(directory, name, ".."), { recursive: true });
    await writeFile(join(directory, name), body);
  }
}

describe("aws s3", { timeout: 120_000 }, () => {
  test("makes, lists and removes buckets", async () => {
    const bucket = bucketName("cli-own");
    expect(await aws("s3", "mb", `s3://${bucket}`)).toContain(`make_bucket: ${bucket}`);
    expect(await aws("s3", "ls")).toContain(bucket);
    await s3.send({ method: "PUT", bucket, key: "k", body: "x" });
    expect(await aws("s3", "rb", "--force", `s3://${bucket}`)).toContain(`remove_bucket: ${bucket}`);
    expect((await s3.send({ method: "HEAD", bucket })).status).toBe(404);
  });

  test("copies a file there and back, and from place to place", async () => {
    const from = join(home, "a file");
    await writeFile(from, "content");
    await aws("s3", "cp", from, `s3://${s3.bucket}/dir/a file`, "--content-type", "text/x", "--metadata", "player=ann");
    const head = await s3.send({ method: "HEAD", key: "dir/a file" });
    expect(head.headers["content-type"]).toBe("text/x");
    expect(head.headers["x-amz-meta-player"]).toBe("ann");
    await aws("s3", "cp", `s3://${s3.bucket}/dir/a file`, `s3://${s3.bucket}/copied`);
    expect(await aws("s3", "cp", `s3://${s3.bucket}/copied`, "-")).toBe("content");
  });

  test("copies a file of many parts", async () => {
    const body = randomBytes(20_000_000);
    await writeFile(join(home, "big"), body);
    await aws("s3", "cp", "--quiet", join(home, "big"), `s3://${s3.bucket}/big`);
    expect((await s3.send({ method: "HEAD", key: "big" })).headers.etag).toMatch(/-3"$/);
    await aws("s3", "mv", "--quiet", `s3://${s3.bucket}/big`, `s3://${s3.bucket}/big moved`);
    await aws("s3", "cp", "--quiet", `s3://${s3.bucket}/big moved`, join(home, "big back"));
    expect((await readFile(join(home, "big back"))).equals(body)).toBe(true);
    expect((await s3.send({ key: "big" })).status).toBe(404);
  });

  test("synchronizes a folder both ways", async () => {
    const up = join(home, "up");
    const down = join(home, "down");
    await fill(up, { "1.txt": "one", "deep/2 &+.txt": "two", "deep/鏡.bin": randomBytes(1_000) });
    await aws("s3", "sync", up, `s3://${s3.bucket}/tree`);
    expect(await aws("s3", "sync", up, `s3://${s3.bucket}/tree`)).toBe("");
    await aws("s3", "sync", `s3://${s3.bucket}/tree`, down);
    expect((await readdir(down, { recursive: true })).toSorted()).toEqual(
      (await readdir(up, { recursive: true })).toSorted(),
    );
    await rm(join(up, "1.txt"));
    await fill(up, { "deep/2 &+.txt": "two, changed" });
    const said = await aws("s3", "sync", "--delete", up, `s3://${s3.bucket}/tree`);
    expect(said).toMatch(/delete: .*1\.txt/);
    expect((await s3.send({ key: "tree/deep/2 &+.txt" })).text).toBe("two, changed");
    expect((await s3.send({ key: "tree/1.txt" })).status).toBe(404);
  });

  test("lists folders, and sums them up", async () => {
    await s3.put("ls/a", "12345");
    await s3.put("ls/sub/b", "1");
    const listed = await aws("s3", "ls", `s3://${s3.bucket}/ls/`);
    expect(listed).toMatch(/PRE sub\//);
    expect(listed).toMatch(/ 5 a$/m);
    expect(await aws("s3", "ls", "--recursive", "--summarize", `s3://${s3.bucket}/ls/`)).toMatch(
      /Total Objects: 2\s+Total Size: 6/,
    );
  });

  test("moves and removes, one and all below", async () => {
    await writeFile(join(home, "moving"), "m");
    await aws("s3", "mv", join(home, "moving"), `s3://${s3.bucket}/rm/moved`);
    await s3.put("rm/other", "x");
    await aws("s3", "rm", `s3://${s3.bucket}/rm/moved`);
    expect((await s3.send({ query: { prefix: "rm/" } })).values("Key")).toEqual(["rm/other"]);
    await aws("s3", "rm", "--recursive", `s3://${s3.bucket}/rm/`);
    expect((await s3.send({ query: { prefix: "rm/" } })).values("Key")).toEqual([]);
  });

  test("presigns", async () => {
    await s3.put("signed", "by URL");
    const url = await aws("s3", "presign", `s3://${s3.bucket}/signed`, "--expires-in", "60");
    expect(url).toContain("X-Amz-Signature");
    expect(await (await fetch(url)).text()).toBe("by URL");
  });
});

describe("aws s3api", { timeout: 120_000 }, () => {
  test("puts and gets objects with all their headers", async () => {
    const file = join(home, "body");
    await writeFile(file, "content");
    const put = await api(
      "put-object",
      "--key",
      "api",
      "--body",
      file,
      "--cache-control",
      "no-store",
      "--tagging",
      "a=1",
    );
    expect(put.ETag).toBe(`"${md5Hex("content")}"`);
    const got = await api("get-object", "--key", "api", "--range", "bytes=0-2", join(home, "part"));
    expect(got).toMatchObject({ ContentRange: "bytes 0-2/7", CacheControl: "no-store", TagCount: 1 });
    expect(await readFile(join(home, "part"), "utf8")).toBe("con");
    expect(await api("get-object-attributes", "--key", "api", "--object-attributes", "ObjectSize")).toMatchObject({
      ObjectSize: 7,
    });
    await api("copy-object", "--key", "api copy", "--copy-source", `${s3.bucket}/api`);
    expect((await s3.send({ key: "api copy" })).text).toBe("content");
  });

  test("keeps a checksum that it computes", async () => {
    const file = join(home, "sum");
    await writeFile(file, "123456789");
    const put = await api("put-object", "--key", "sum", "--body", file, "--checksum-algorithm", "SHA256");
    expect(put.ChecksumSHA256).toBe("FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=");
    const head = await api("head-object", "--key", "sum", "--checksum-mode", "ENABLED");
    expect(head.ChecksumSHA256).toBe(put.ChecksumSHA256);
  });

  test("lists, deletes many and pages", async () => {
    for (const key of ["l/1", "l/2", "l/3"]) await s3.put(key, "x");
    const listed = await api("list-objects-v2", "--prefix", "l/", "--page-size", "1");
    expect(listed.Contents.map(({ Key }: { Key: string }) => Key)).toEqual(["l/1", "l/2", "l/3"]);
    const done = await api("delete-objects", "--delete", JSON.stringify({ Objects: [{ Key: "l/1" }, { Key: "l/2" }] }));
    expect(done.Deleted).toHaveLength(2);
    expect((await s3.send({ query: { prefix: "l/" } })).values("Key")).toEqual(["l/3"]);
  });

  test("sets what a bucket has, and reads it", async () => {
    const cors = { CORSRules: [{ AllowedMethods: ["GET"], AllowedOrigins: ["*"] }] };
    await api("put-bucket-cors", "--cors-configuration", JSON.stringify(cors));
    expect(await api("get-bucket-cors")).toMatchObject(cors);
    const rule = { ID: "week", Status: "Enabled", Filter: { Prefix: "l/" }, Expiration: { Days: 7 } };
    await api("put-bucket-lifecycle-configuration", "--lifecycle-configuration", JSON.stringify({ Rules: [rule] }));
    expect((await api("get-bucket-lifecycle-configuration")).Rules).toEqual([rule]);
  });

  test("turns versions on and finds them", async () => {
    const bucket = await s3.makeBucket();
    const of = (command: string, ...args: string[]) => aws("s3api", command, "--bucket", bucket, ...args);
    await of("put-bucket-versioning", "--versioning-configuration", "Status=Enabled");
    for (const body of ["1", "2"]) await s3.send({ method: "PUT", bucket, key: "k", body });
    const { Versions } = JSON.parse(await of("list-object-versions"));
    expect(Versions).toHaveLength(2);
    await of("get-object", "--key", "k", "--version-id", Versions[1].VersionId, join(home, "version"));
    expect(await readFile(join(home, "version"), "utf8")).toBe("1");
  });

  test("uploads parts by hand", async () => {
    const file = join(home, "part-1");
    await writeFile(file, randomBytes(5_242_880));
    const { UploadId } = await api("create-multipart-upload", "--key", "hand");
    const where = ["--key", "hand", "--upload-id", UploadId];
    const { ETag } = await api("upload-part", ...where, "--part-number", "1", "--body", file);
    expect((await api("list-parts", ...where)).Parts).toHaveLength(1);
    const parts = JSON.stringify({ Parts: [{ ETag, PartNumber: 1 }] });
    expect((await api("complete-multipart-upload", ...where, "--multipart-upload", parts)).ETag).toMatch(/-1"$/);
  });
});
