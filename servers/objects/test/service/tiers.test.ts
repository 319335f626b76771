import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "@kagami/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { configSchema } from "../../src/config.ts";
import { RawClient, type RawRequest } from "../support/raw-client.ts";
import { startTestServer, type TestServer } from "../support/start-server.ts";

const base = mkdtempSync(join(tmpdir(), "kagami-tiers-"));
const [data, hdd, cold] = ["data", "hdd", "cold"].map((name) => join(base, name)) as [string, string, string];
const SETTINGS = { data, tiers: [`hdd=${hdd}`, `cold:GLACIER_IR=${cold}`], tierGatherMs: 1_000 };
const LARGE = Buffer.alloc(9_000_000, "large");
let server: TestServer;

beforeAll(async () => {
  server = await startTestServer(SETTINGS);
  await send({ method: "PUT", path: "/tiers" });
});

afterAll(async () => {
  await server.end();
  rmSync(base, { recursive: true });
});

const send = (request: RawRequest) => new RawClient(server.host).send(request);
const put = (key: string, body: Uint8Array | string, storageClass: string) =>
  send({ method: "PUT", path: `/tiers/${key}`, body, headers: { "x-amz-storage-class": storageClass } });
const head = async (key: string) => (await send({ method: "HEAD", path: `/tiers/${key}` })).headers;
const tiers = async (from = server) => {
  const answer = await fetch(`${from.adminUrl}/api/tiers`);
  return (await answer.json()) as { slow: readonly unknown[] };
};

test("a large body goes to the disk of its class at once, and every answer shows the class", async () => {
  expect((await put("large", LARGE, "STANDARD_IA")).status).toBe(200);
  expect([readdirSync(join(hdd, "blobs")).length, readdirSync(join(data, "blobs")).length]).toEqual([1, 0]);
  const read = await send({ path: "/tiers/large" });
  expect([read.body.equals(LARGE), read.headers["x-amz-storage-class"]]).toEqual([true, "STANDARD_IA"]);
  expect((await head("large"))["x-amz-storage-class"]).toBe("STANDARD_IA");
  const attributes = await send({
    path: "/tiers/large?attributes",
    headers: { "x-amz-object-attributes": "StorageClass" },
  });
  expect(attributes.text).toContain("<StorageClass>STANDARD_IA</StorageClass>");
  for (const query of ["", "?list-type=2", "?versions"]) {
    expect((await send({ path: `/tiers${query}` })).text).toContain("<StorageClass>STANDARD_IA</StorageClass>");
  }
});

test("a part of an upload goes to the disk of the upload's class", async () => {
  const headers = { "x-amz-storage-class": "GLACIER_IR" };
  const begun = await send({ method: "POST", path: "/tiers/parts?uploads", headers });
  const upload = `uploadId=${/<UploadId>([^<]*)/.exec(begun.text)?.[1]}`;
  const part = await send({ method: "PUT", path: `/tiers/parts?partNumber=1&${upload}`, body: LARGE });
  expect(readdirSync(join(cold, "blobs")).length).toBe(1);
  const body = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${part.headers.etag}</ETag></Part></CompleteMultipartUpload>`;
  expect((await send({ method: "POST", path: `/tiers/parts?${upload}`, body })).status).toBe(200);
  expect((await head("parts"))["x-amz-storage-class"]).toBe("GLACIER_IR");
  expect((await send({ path: "/tiers/parts" })).body.equals(LARGE)).toBe(true);
});

test("small objects move to the disk of their class when they have gathered", async () => {
  await put("small", "small", "STANDARD_IA");
  expect((await head("small"))["x-amz-storage-class"]).toBe("STANDARD_IA");
  await eventually(async () => expect((await tiers()).slow[0]).toMatchObject({ pendingVolumes: 0, failedMoves: 0 }), {
    timeoutMs: 10_000,
  });
  expect(readdirSync(join(hdd, "volumes")).length).toBeGreaterThan(0);
  expect((await send({ path: "/tiers/small" })).text).toBe("small");
  const metrics = await (await fetch(`${server.adminUrl}/metrics`)).text();
  expect(metrics).toMatch(/^kagami_objects_tier_up\{tier="hdd"\} 1$/m);
  expect(metrics).toMatch(/^kagami_objects_tier_moved_bytes\{tier="hdd"\} [1-9]/m);
  expect(metrics).toMatch(/^kagami_objects_reads\{from="recent"\} \d/m);
});

test.each([
  { storageClass: "STANDARD", outcome: 200, why: "the first disk" },
  { storageClass: "GLACIER", outcome: 400, why: "it would have to be restored first" },
  { storageClass: "ONEZONE_IA", outcome: 400, why: "no tier has it" },
  { storageClass: "REDUCED_REDUNDANCY", outcome: 400, why: "it would be a lie" },
])("a put with class $storageClass answers $outcome: $why", async ({ storageClass, outcome }) => {
  const answer = await put("class", "x", storageClass);
  expect([answer.status, answer.code]).toEqual([outcome, outcome === 200 ? undefined : "InvalidStorageClass"]);
  if (outcome === 400) expect(answer.text).toContain("this server has STANDARD, STANDARD_IA, GLACIER_IR");
});

test("a copy changes the class of an object in its place", async () => {
  await put("changed", "x", "STANDARD");
  const headers = { "x-amz-copy-source": "/tiers/changed", "x-amz-storage-class": "GLACIER_IR" };
  expect((await send({ method: "PUT", path: "/tiers/changed", headers })).status).toBe(200);
  expect((await head("changed"))["x-amz-storage-class"]).toBe("GLACIER_IR");
});

test("a lifecycle with transitions is kept as it was put", async () => {
  const rule = (inside: string) =>
    `<LifecycleConfiguration><Rule><ID>r</ID><Filter><Prefix>vod/</Prefix></Filter><Status>Enabled</Status>${inside}</Rule></LifecycleConfiguration>`;
  const transitions =
    "<Transition><Days>30</Days><StorageClass>STANDARD_IA</StorageClass></Transition><Transition><Days>90</Days><StorageClass>GLACIER_IR</StorageClass></Transition>";
  expect((await send({ method: "PUT", path: "/tiers?lifecycle", body: rule(transitions) })).status).toBe(200);
  expect((await send({ path: "/tiers?lifecycle" })).text).toContain(transitions);
  const unknown = transitions.replace("GLACIER_IR", "DEEP_ARCHIVE");
  expect((await send({ method: "PUT", path: "/tiers?lifecycle", body: rule(unknown) })).code).toBe(
    "InvalidStorageClass",
  );
  await send({ method: "DELETE", path: "/tiers?lifecycle" });
});

test("without a slow disk the store starts; what lies there is told to be away, and comes back with the disk", async () => {
  await server.close(0);
  renameSync(hdd, `${hdd}.away`);
  server = await startTestServer(SETTINGS);
  expect((await tiers()).slow[0]).toMatchObject({ state: "missing", because: expect.stringContaining("tier.json") });
  const away = await send({ path: "/tiers/large" });
  expect([away.status, away.code, away.headers["retry-after"]]).toEqual([503, "ServiceUnavailable", "300"]);
  expect((await head("small"))["x-amz-storage-class"]).toBe("STANDARD_IA");
  expect((await send({ path: "/tiers" })).text).toContain("<Key>large</Key>");
  expect((await put("more", LARGE, "STANDARD_IA")).status).toBe(503);
  // A replica that were told that the body is gone would go on without it.
  const added = await fetch(`${server.adminUrl}/api/replicas`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ name: "second" }),
  });
  const { token } = (await added.json()) as { readonly token: string };
  const { storeId } = JSON.parse(readFileSync(join(data, "store.json"), "utf8")) as { readonly storeId: string };
  const path = `/_kagami/replica/blobs/1?store=${storeId}`;
  const blob = await fetch(`${server.url}${path}`, { headers: { authorization: `Bearer ${token}` } });
  expect([blob.status, await blob.text()]).toEqual([503, expect.stringContaining("BLOB_UNREADABLE")]);
  expect((await put("class", "y", "STANDARD")).status).toBe(200);
  await server.close(0);
  await expect(startTestServer({ ...SETTINGS, requireTiers: true })).rejects.toMatchObject({ code: "TIER_MISSING" });
  renameSync(`${hdd}.away`, hdd);
  // The store remembers where its tiers are.
  server = await startTestServer({ data });
  expect((await send({ path: "/tiers/large" })).body.equals(LARGE)).toBe(true);
  expect((await send({ path: "/tiers/small" })).text).toBe("small");
});

test("a new tier does not take the class of one that the store remembers", async () => {
  const remembering = join(base, "remembering");
  await (await startTestServer({ data: remembering, tiers: [`hdd=${join(base, "hdd-a")}`] })).close(0);
  const other = `more=${join(base, "hdd-b")}`;
  await expect(startTestServer({ data: remembering, tiers: [other] })).rejects.toMatchObject({
    message: expect.stringContaining('tier "more" is STANDARD_IA, too'),
  });
  const all = await startTestServer({ data: remembering, tiers: [`hdd=${join(base, "hdd-a")}`, other] });
  expect(await tiers(all)).toMatchObject({ slow: [{ name: "hdd" }, { name: "more", storageClass: "GLACIER_IR" }] });
  await all.close(0);
});

test("a disk of another store is not taken, and one that cannot be used is missing", async () => {
  const [other, foreign] = [join(base, "other"), join(base, "foreign")];
  const first = await startTestServer({ data: other, tiers: [`hdd=${foreign}`] });
  await new RawClient(first.host).send({ method: "PUT", path: "/made" });
  await first.close(0);
  const taken = startTestServer({ data: join(base, "third"), tiers: [`hdd=${foreign}`] });
  await expect(taken).rejects.toMatchObject({ code: "CORRUPT", message: expect.stringContaining("tier.json") });
  rmSync(join(foreign, "blobs"), { recursive: true });
  writeFileSync(join(foreign, "blobs"), "no directory");
  const broken = await startTestServer({ data: other });
  expect(await tiers(broken)).toMatchObject({
    slow: [{ state: "missing", because: expect.stringContaining("blobs") }],
  });
  await broken.close(0);
  writeFileSync(join(foreign, "tier.json"), "{");
  const again = await startTestServer({ data: other, tiers: [`hdd=${foreign}`] });
  expect(await tiers(again)).toMatchObject({ slow: [{ state: "missing" }] });
  await again.close(0);
});

test.each([
  { tiers: ["hdd"], why: "no directory" },
  { tiers: ["HDD=/x"], why: "a name in capitals" },
  { tiers: ["hdd:GLACIER=/x"], why: "a class that would have to be restored" },
])("tiers $tiers are refused: $why", ({ tiers }) => {
  expect(configSchema.safeParse({ tiers }).success).toBe(false);
});

test.each([
  { tiers: ["a=/x", "a=/y"], why: "one name twice" },
  { tiers: ["a:GLACIER_IR=/x", "b:GLACIER_IR=/y"], why: "one class twice" },
  { tiers: ["a=/a", "b=/b", "c=/c", "d=/d"], why: "more than there are classes" },
])("tiers $tiers do not start: $why", async ({ tiers }) => {
  await expect(startTestServer({ tiers })).rejects.toMatchObject({ code: "CORRUPT" });
});

test.each([
  { settings: { coldAfterDays: 1 }, why: "there is no slow tier" },
  { settings: { coldTier: "none", tiers: [`x=${join(base, "x")}`] }, why: "it is none of them" },
])("cold volumes cannot go anywhere: $why", async ({ settings }) => {
  await expect(startTestServer(settings)).rejects.toMatchObject({ message: expect.stringContaining("--tiers") });
});
