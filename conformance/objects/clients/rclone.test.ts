import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runTool } from "@kagami/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bucketName, useSession } from "../support/session.ts";

const s3 = useSession("rclone");
let home: string;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "kagami-rclone-"));
});
afterAll(() => rm(home, { recursive: true, force: true }));

async function rclone(...args: string[]): Promise<string> {
  const { accessKey, secretKey, region } = s3.endpoint.credentials;
  const { stdout } = await runTool("rclone", args, {
    mustSucceed: true,
    timeoutMs: 60_000,
    env: {
      HOME: home,
      // This rclone cannot be given certificates of its own and S3 at once.
      AWS_CA_BUNDLE: "",
      RCLONE_CONFIG: join(home, "none"),
      RCLONE_CONFIG_K_TYPE: "s3",
      RCLONE_CONFIG_K_PROVIDER: "Other",
      RCLONE_CONFIG_K_ENDPOINT: s3.endpoint.url,
      RCLONE_CONFIG_K_ACCESS_KEY_ID: accessKey,
      RCLONE_CONFIG_K_SECRET_ACCESS_KEY: secretKey,
      RCLONE_CONFIG_K_REGION: region,
      RCLONE_CONFIG_K_FORCE_PATH_STYLE: "true",
      RCLONE_S3_UPLOAD_CUTOFF: "6Mi",
      RCLONE_S3_CHUNK_SIZE: "5Mi",
      RCLONE_RETRIES: "1",
    },
  });
  return stdout.trim();
}

const at = (path: string) => `k:${s3.bucket}/${path}`;

describe("rclone", { timeout: 120_000 }, () => {
  test("makes, lists and removes buckets", async () => {
    const bucket = bucketName("rclone-own");
    await rclone("mkdir", `k:${bucket}`);
    expect(await rclone("lsd", "k:")).toContain(bucket);
    await rclone("rmdir", `k:${bucket}`);
    expect((await s3.send({ method: "HEAD", bucket })).status).toBe(404);
  });

  test("copies a tree there and back with times and contents, and finds no difference", async () => {
    const up = join(home, "up");
    await mkdir(join(up, "deep"), { recursive: true });
    await writeFile(join(up, "1 & 2.txt"), "one");
    await writeFile(join(up, "deep", "鏡 +%.bin"), randomBytes(100_000));
    await writeFile(join(up, "empty"), "");
    await rclone("copy", up, at("tree"));
    await rclone("check", up, at("tree"));
    await rclone("check", "--download", up, at("tree"));
    const down = join(home, "down");
    await rclone("copy", at("tree"), down);
    expect((await readdir(down, { recursive: true })).toSorted()).toEqual(
      (await readdir(up, { recursive: true })).toSorted(),
    );
    expect((await s3.send({ method: "HEAD", key: "tree/empty" })).headers["x-amz-meta-mtime"]).toMatch(/^\d+\.\d+$/);
    expect(JSON.parse(await rclone("lsjson", "-R", at("tree"))).map(({ Path }: { Path: string }) => Path)).toContain(
      "empty",
    );
  });

  test("copies a file in parts, there, inside and back", async () => {
    const body = randomBytes(13_000_000);
    await writeFile(join(home, "big"), body);
    await rclone("copyto", join(home, "big"), at("big"));
    expect((await s3.send({ method: "HEAD", key: "big" })).headers.etag).toMatch(/-3"$/);
    await rclone("copyto", at("big"), at("big copy"));
    await rclone("copyto", at("big copy"), join(home, "back"), "--multi-thread-cutoff", "5Mi");
    expect((await readFile(join(home, "back"))).equals(body)).toBe(true);
  });

  test("synchronizes: changes, renames and removals", async () => {
    const tree = join(home, "sync");
    await mkdir(tree);
    for (const name of ["a", "b", "c"]) await writeFile(join(tree, name), `${name} content`);
    await rclone("sync", tree, at("sync"));
    await rm(join(tree, "a"));
    await writeFile(join(tree, "b"), "b changed");
    await rclone("sync", "--track-renames", tree, at("sync"));
    expect((await s3.send({ query: { prefix: "sync/" } })).values("Key")).toEqual(["sync/b", "sync/c"]);
    expect((await s3.send({ key: "sync/b" })).text).toBe("b changed");
  });

  test("moves, renames and deletes", async () => {
    await s3.put("mv/from", "moved");
    await rclone("moveto", at("mv/from"), at("mv/to"));
    expect((await s3.send({ query: { prefix: "mv/" } })).values("Key")).toEqual(["mv/to"]);
    await rclone("deletefile", at("mv/to"));
    for (const key of ["del/1", "del/sub/2"]) await s3.put(key, "x");
    await rclone("purge", at("del"));
    expect((await s3.send({ query: { prefix: "del/" } })).values("Key")).toEqual([]);
  });

  test("lists, sums up and hashes", async () => {
    await s3.put("ls/a", "12345");
    await s3.put("ls/sub/b", "1");
    expect(await rclone("lsf", at("ls"))).toBe("a\nsub/");
    expect(await rclone("ls", at("ls"))).toMatch(/5 a/);
    expect(JSON.parse(await rclone("size", "--json", at("ls")))).toMatchObject({ count: 2, bytes: 6 });
    expect(await rclone("md5sum", at("ls/a"))).toContain("827ccb0eea8a706c4c34a16891f84e7b  a");
  });

  test("reads to its output, and makes empty objects", async () => {
    await s3.put("cat", "from a pipe");
    expect(await rclone("cat", at("cat"))).toBe("from a pipe");
    expect(await rclone("cat", "--offset", "5", "--count", "1", at("cat"))).toBe("a");
    await rclone("touch", at("touched"));
    expect((await s3.send({ method: "HEAD", key: "touched" })).headers["content-length"]).toBe("0");
  });

  test("makes a link that others can open", async () => {
    await s3.put("linked", "by URL");
    expect(await (await fetch(await rclone("link", "--expire", "1m", at("linked")))).text()).toBe("by URL");
  });

  test("clears away uploads that nobody completed, and versions", async () => {
    await s3.send({ method: "POST", key: "half", query: { uploads: "" } });
    expect(await rclone("backend", "list-multipart-uploads", `k:${s3.bucket}`)).toContain("half");
    await rclone("backend", "cleanup", "-o", "max-age=0s", `k:${s3.bucket}`);
    expect((await s3.send({ query: { uploads: "" } })).values("UploadId")).toEqual([]);
    const bucket = await s3.makeBucket();
    expect(await rclone("backend", "versioning", `k:${bucket}`, "Enabled")).toContain("Enabled");
    for (const body of ["1", "22"]) await s3.send({ method: "PUT", bucket, key: "k.txt", body });
    expect((await rclone("--s3-versions", "lsf", `k:${bucket}`)).split("\n")).toHaveLength(2);
  });
});
