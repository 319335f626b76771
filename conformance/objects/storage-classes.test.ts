import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand } from "@aws-sdk/client-s3";
import { afterAll, beforeEach, expect, test } from "vitest";
import { md5Base64, useSession } from "./support/session.ts";

const base = mkdtempSync(join(tmpdir(), "kagami-classes-"));
const tiers = `hdd=${join(base, "hdd")},cold=${join(base, "cold")}`;
const s3 = useSession("classes", ["--tiers", tiers]);
const LARGE = Buffer.alloc(9_000_000, "abcdefg");

afterAll(() => rmSync(base, { recursive: true, force: true }));

beforeEach(() => s3.send({ method: "DELETE", query: { lifecycle: "" } }));

const classed = (storageClass: string) => ({ "x-amz-storage-class": storageClass });
const classOf = async (key: string) => (await s3.send({ method: "HEAD", key })).headers["x-amz-storage-class"];

test.each([
  { storageClass: "STANDARD", shown: undefined, listed: "STANDARD" },
  { storageClass: "STANDARD_IA", shown: "STANDARD_IA", listed: "STANDARD_IA" },
  { storageClass: "GLACIER_IR", shown: "GLACIER_IR", listed: "GLACIER_IR" },
])(
  "an object of class $storageClass says so in HEAD, GET, attributes and listings",
  async ({ storageClass, shown, listed }) => {
    for (const [size, body] of [
      ["small", Buffer.from("hello")],
      ["large", LARGE],
    ] as const) {
      const key = `${storageClass}/${size}`;
      await s3.put(key, body, classed(storageClass));
      expect(await classOf(key)).toBe(shown);
      const read = await s3.send({ key });
      expect([read.headers["x-amz-storage-class"], read.bytes.equals(body)]).toEqual([shown, true]);
      const range = await s3.send({ key, headers: { range: "bytes=1-3" } });
      expect([range.status, range.bytes.equals(body.subarray(1, 4))]).toEqual([206, true]);
      const attributes = { "x-amz-object-attributes": "StorageClass" };
      expect((await s3.send({ key, query: { attributes: "" }, headers: attributes })).value("StorageClass")).toBe(
        listed,
      );
      for (const query of [{}, { "list-type": "2" }, { versions: "" }]) {
        expect((await s3.send({ query: { ...query, prefix: key } })).values("StorageClass")).toEqual([listed]);
      }
    }
  },
);

test.each(["GLACIER", "DEEP_ARCHIVE", "ONEZONE_IA", "REDUCED_REDUNDANCY", "standard_ia"])(
  "class %j, that nothing stands behind, is refused and leaves nothing",
  async (storageClass) => {
    const put = await s3.send({ method: "PUT", key: "refused", body: "x", headers: classed(storageClass) });
    expect(put.outcome).toBe("400 InvalidStorageClass");
    const begun = await s3.send({
      method: "POST",
      key: "refused",
      query: { uploads: "" },
      headers: classed(storageClass),
    });
    expect(begun.outcome).toBe("400 InvalidStorageClass");
    expect((await s3.send({ method: "HEAD", key: "refused" })).status).toBe(404);
  },
);

test("an upload in parts has the class that it was begun with, and tells it while it is under way", async () => {
  const begun = await s3.send({ method: "POST", key: "parts", query: { uploads: "" }, headers: classed("GLACIER_IR") });
  const uploadId = begun.value("UploadId") ?? "";
  const part = await s3.send({ method: "PUT", key: "parts", query: { uploadId, partNumber: "1" }, body: LARGE });
  expect((await s3.send({ query: { uploads: "", prefix: "parts" } })).value("StorageClass")).toBe("GLACIER_IR");
  expect((await s3.send({ key: "parts", query: { uploadId } })).value("StorageClass")).toBe("GLACIER_IR");
  const body = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${part.headers.etag}</ETag></Part></CompleteMultipartUpload>`;
  expect((await s3.send({ method: "POST", key: "parts", query: { uploadId }, body })).status).toBe(200);
  expect(await classOf("parts")).toBe("GLACIER_IR");
  expect((await s3.send({ key: "parts" })).bytes.equals(LARGE)).toBe(true);
});

test("a copy has the class that it asks for, and STANDARD if it asks for none", async () => {
  await s3.put("source", "x", classed("STANDARD_IA"));
  const source = { "x-amz-copy-source": `/${s3.bucket}/source` };
  await s3.send({ method: "PUT", key: "plain-copy", headers: source });
  await s3.send({ method: "PUT", key: "cold-copy", headers: { ...source, ...classed("GLACIER_IR") } });
  expect([await classOf("plain-copy"), await classOf("cold-copy")]).toEqual([undefined, "GLACIER_IR"]);
});

test("an object changes its class by a copy over itself, and back", async () => {
  await s3.put("itself", "x");
  const source = { "x-amz-copy-source": `/${s3.bucket}/itself` };
  for (const [storageClass, shown] of [
    ["STANDARD_IA", "STANDARD_IA"],
    ["STANDARD", undefined],
  ] as const) {
    const answer = await s3.send({ method: "PUT", key: "itself", headers: { ...source, ...classed(storageClass) } });
    expect([answer.status, await classOf("itself")]).toEqual([200, shown]);
  }
});

test("a new version over one of a slow class is of its own class", async () => {
  await s3.put("over", "old", classed("GLACIER_IR"));
  await s3.put("over", "new");
  expect([await classOf("over"), (await s3.send({ key: "over" })).text]).toEqual([undefined, "new"]);
  expect((await s3.send({ method: "DELETE", key: "over" })).status).toBe(204);
  expect((await s3.send({ key: "over" })).status).toBe(404);
});

const rule = (inside: string) =>
  `<LifecycleConfiguration><Rule><ID>r</ID><Filter><Prefix>vod/</Prefix></Filter><Status>Enabled</Status>${inside}</Rule></LifecycleConfiguration>`;
const after = (days: number, storageClass: string) =>
  `<Transition><Days>${days}</Days><StorageClass>${storageClass}</StorageClass></Transition>`;
const on = (day: string, storageClass: string) =>
  `<Transition><Date>${day}</Date><StorageClass>${storageClass}</StorageClass></Transition>`;
const write = (inside: string) => {
  const body = rule(inside);
  return s3.send({ method: "PUT", query: { lifecycle: "" }, body, headers: { "content-md5": md5Base64(body) } });
};

test.each([
  { inside: after(30, "STANDARD_IA"), why: "after days" },
  { inside: after(0, "GLACIER_IR"), why: "at the end of its day" },
  { inside: on("2050-01-01T00:00:00.000Z", "STANDARD_IA"), why: "on a day of the calendar" },
  { inside: `${after(30, "STANDARD_IA")}${after(90, "GLACIER_IR")}`, why: "twice" },
  { inside: `${after(30, "STANDARD_IA")}<Expiration><Days>31</Days></Expiration>`, why: "before it expires" },
])("a rule that moves objects $why comes back as it was put", async ({ inside }) => {
  expect((await write(inside)).status).toBe(200);
  expect((await s3.send({ query: { lifecycle: "" } })).text).toContain(
    /(?:<Transition>.*<\/Transition>)/.exec(inside)?.[0],
  );
});

test.each([
  { inside: after(30, "GLACIER"), outcome: "400 InvalidStorageClass", why: "nothing stands behind the class" },
  { inside: after(30, "cold storage"), outcome: "400 MalformedXML", why: "it is no class at all" },
  { inside: after(-1, "STANDARD_IA"), outcome: "400 InvalidArgument", why: "days below 0" },
  {
    inside: "<Transition><StorageClass>STANDARD_IA</StorageClass></Transition>",
    outcome: "400 MalformedXML",
    why: "no time",
  },
  { inside: "<Transition><Days>1</Days></Transition>", outcome: "400 MalformedXML", why: "no class" },
  { inside: on("2050-01-01T12:00:00.000Z", "STANDARD_IA"), outcome: "400 InvalidArgument", why: "noon" },
  {
    inside: `${after(1, "STANDARD_IA")}${after(2, "STANDARD_IA")}`,
    outcome: "400 InvalidRequest",
    why: "one class twice",
  },
  {
    inside: `${after(1, "STANDARD_IA")}${on("2050-01-01T00:00:00.000Z", "GLACIER_IR")}`,
    outcome: "400 InvalidRequest",
    why: "days and dates",
  },
  {
    inside: `${after(30, "STANDARD_IA")}<Expiration><Days>30</Days></Expiration>`,
    outcome: "400 InvalidArgument",
    why: "it expires on that day",
  },
  {
    inside:
      "<NoncurrentVersionTransition><NoncurrentDays>1</NoncurrentDays><StorageClass>GLACIER_IR</StorageClass></NoncurrentVersionTransition>",
    outcome: "501 NotImplemented",
    why: "older versions stay",
  },
])("a rule is refused with $outcome: $why", async ({ inside, outcome }) => {
  expect((await write(inside)).outcome).toBe(outcome);
  expect((await s3.send({ query: { lifecycle: "" } })).outcome).toBe("404 NoSuchLifecycleConfiguration");
});

test("the AWS SDK puts, reads and lists classes", async () => {
  const { bucket: Bucket, client } = s3;
  await client.send(new PutObjectCommand({ Bucket, Key: "sdk", Body: "sdk", StorageClass: "STANDARD_IA" }));
  const read = await client.send(new GetObjectCommand({ Bucket, Key: "sdk" }));
  expect([read.StorageClass, await read.Body?.transformToString()]).toEqual(["STANDARD_IA", "sdk"]);
  const listed = await client.send(new ListObjectsV2Command({ Bucket, Prefix: "sdk" }));
  expect(listed.Contents?.map(({ StorageClass }) => StorageClass)).toEqual(["STANDARD_IA"]);
});
