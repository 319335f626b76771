import { beforeEach, describe, expect, test } from "vitest";
import { md5Base64, useSession } from "./support/session.ts";

const s3 = useSession("versioning");
let bucket: string;

function setVersioning(status: string, of = bucket) {
  const body = `<VersioningConfiguration><Status>${status}</Status></VersioningConfiguration>`;
  return s3.send({ method: "PUT", bucket: of, query: { versioning: "" }, body });
}

async function put(key: string, body: string): Promise<string> {
  const answer = await s3.send({ method: "PUT", bucket, key, body });
  expect(answer.status).toBe(200);
  return String(answer.headers["x-amz-version-id"]);
}

const get = (key: string, versionId?: string) => s3.send({ bucket, key, query: versionId ? { versionId } : {} });
const remove = (key: string, versionId?: string) =>
  s3.send({ method: "DELETE", bucket, key, query: versionId ? { versionId } : {} });

test("a fresh bucket has none, and then has what was set", async () => {
  const fresh = await s3.makeBucket();
  const read = async () => (await s3.send({ bucket: fresh, query: { versioning: "" } })).value("Status");
  expect(await read()).toBeUndefined();
  expect((await setVersioning("Enabled", fresh)).status).toBe(200);
  expect(await read()).toBe("Enabled");
  expect((await setVersioning("Suspended", fresh)).status).toBe(200);
  expect(await read()).toBe("Suspended");
});

test.each([
  { body: "<VersioningConfiguration><Status>Sometimes</Status></VersioningConfiguration>", why: "no such state" },
  { body: "<VersioningConfiguration><Status>Enabled", why: "it breaks off" },
  { body: "", why: "nothing" },
  { body: "<Other/>", why: "another document" },
])("$body is refused: $why", async ({ body }) => {
  const answer = await s3.send({ method: "PUT", query: { versioning: "" }, body });
  expect(answer.status).toBe(400);
  expect((await s3.send({ query: { versioning: "" } })).value("Status")).toBeUndefined();
});

test("in a bucket without versions there is no version id, and only the version null", async () => {
  const answer = await s3.put("plain", "x");
  expect(answer.headers["x-amz-version-id"]).toBeUndefined();
  expect((await s3.send({ key: "plain", query: { versionId: "null" } })).text).toBe("x");
  const listed = await s3.send({ query: { versions: "", prefix: "plain" } });
  expect(listed.values("VersionId")).toEqual(["null"]);
  expect(listed.values("IsLatest")).toEqual(["true"]);
});

describe("enabled", () => {
  beforeEach(async () => {
    bucket = await s3.makeBucket();
    await setVersioning("Enabled");
  });

  test("every put makes a version, and each can be read", async () => {
    const first = await put("k", "one");
    const second = await put("k", "two");
    expect(first).not.toBe(second);
    expect((await get("k")).text).toBe("two");
    expect((await get("k")).headers["x-amz-version-id"]).toBe(second);
    expect((await get("k", first)).text).toBe("one");
    expect((await get("k", second)).text).toBe("two");
  });

  test("a delete hides the object behind a marker, and removing the marker shows it again", async () => {
    const version = await put("k", "one");
    const deleted = await remove("k");
    expect(deleted.status).toBe(204);
    expect(deleted.headers["x-amz-delete-marker"]).toBe("true");
    const marker = String(deleted.headers["x-amz-version-id"]);
    const gone = await get("k");
    expect(gone.outcome).toBe("404 NoSuchKey");
    expect(gone.headers["x-amz-delete-marker"]).toBe("true");
    expect((await get("k", version)).text).toBe("one");
    const unhidden = await remove("k", marker);
    expect(unhidden.headers["x-amz-delete-marker"]).toBe("true");
    expect((await get("k")).text).toBe("one");
  });

  test("a marker cannot be read", async () => {
    await put("k", "one");
    const marker = String((await remove("k")).headers["x-amz-version-id"]);
    const answer = await get("k", marker);
    expect(answer.outcome).toBe("405 MethodNotAllowed");
    expect(answer.headers["x-amz-delete-marker"]).toBe("true");
  });

  test("removing the newest version shows the one before it", async () => {
    await put("k", "one");
    const second = await put("k", "two");
    const answer = await remove("k", second);
    expect(answer.status).toBe(204);
    expect(answer.headers["x-amz-version-id"]).toBe(second);
    expect((await get("k")).text).toBe("one");
  });

  test("removing an old version leaves the newest", async () => {
    const first = await put("k", "one");
    await put("k", "two");
    await remove("k", first);
    expect((await get("k")).text).toBe("two");
    expect((await get("k", first)).outcome).toBe("404 NoSuchVersion");
  });

  test.each([
    { versionId: "no-such-version", outcome: /^(400 InvalidArgument|404 NoSuchVersion)$/ },
    { versionId: "null", outcome: /^404 NoSuchVersion$/ },
  ])("the version $versionId is not there", async ({ versionId, outcome }) => {
    await put("k", "one");
    expect((await get("k", versionId)).outcome).toMatch(outcome);
  });

  test("versions are listed newest first, and markers among them", async () => {
    const first = await put("a", "one");
    const second = await put("a", "two");
    const marker = String((await remove("a")).headers["x-amz-version-id"]);
    const other = await put("b", "three");
    const listed = await s3.send({ bucket, query: { versions: "" } });
    expect(listed.values("VersionId")).toEqual([marker, second, first, other]);
    expect(listed.values("IsLatest")).toEqual(["true", "false", "false", "true"]);
    expect(listed.values("DeleteMarker")).toHaveLength(1);
    expect((await s3.send({ bucket })).values("Key")).toEqual(["b"]);
  });

  test.each([1, 2, 3])("pages of %i hold every version once", async (maxKeys) => {
    const ids: string[] = [];
    for (const key of ["a", "b", "c"]) ids.push(await put(key, "1"), await put(key, "2"));
    const seen: string[] = [];
    let position: Record<string, string> = {};
    for (let pages = 0; pages < 10; pages++) {
      const listed = await s3.send({ bucket, query: { versions: "", "max-keys": String(maxKeys), ...position } });
      seen.push(...listed.values("VersionId"));
      if (listed.value("IsTruncated") !== "true") break;
      position = {
        "key-marker": listed.value("NextKeyMarker") ?? "",
        "version-id-marker": listed.value("NextVersionIdMarker") ?? "",
      };
    }
    expect(seen.toSorted()).toEqual(ids.toSorted());
  });

  test("versions of a folder are rolled up", async () => {
    await put("a/1", "x");
    await put("a/1", "y");
    await put("b", "z");
    const listed = await s3.send({ bucket, query: { versions: "", delimiter: "/" } });
    expect(listed.text).toContain("<CommonPrefixes><Prefix>a/</Prefix></CommonPrefixes>");
    expect(listed.values("Key")).toEqual(["b"]);
  });

  test("a version can be copied, and says which it was", async () => {
    const first = await put("k", "one");
    await put("k", "two");
    const headers = { "x-amz-copy-source": `${bucket}/k?versionId=${first}` };
    const copied = await s3.send({ method: "PUT", bucket, key: "copy", headers });
    expect(copied.status, copied.text).toBe(200);
    expect(copied.headers["x-amz-copy-source-version-id"]).toBe(first);
    expect((await get("copy")).text).toBe("one");
  });

  test("many versions are removed by one request", async () => {
    const first = await put("k", "one");
    const second = await put("k", "two");
    const objects = [first, second].map((id) => `<Object><Key>k</Key><VersionId>${id}</VersionId></Object>`).join("");
    const body = `<Delete>${objects}</Delete>`;
    const headers = { "content-md5": md5Base64(body) };
    const answer = await s3.send({ method: "POST", bucket, query: { delete: "" }, body, headers });
    expect(answer.values("VersionId").toSorted()).toEqual([first, second].toSorted());
    expect((await s3.send({ bucket, query: { versions: "" } })).values("VersionId")).toEqual([]);
  });

  test("one request makes markers where no version is named", async () => {
    await put("k", "one");
    const body = "<Delete><Object><Key>k</Key></Object></Delete>";
    const headers = { "content-md5": md5Base64(body) };
    const answer = await s3.send({ method: "POST", bucket, query: { delete: "" }, body, headers });
    expect(answer.value("DeleteMarker")).toBe("true");
    expect(answer.value("DeleteMarkerVersionId")).toBeDefined();
  });

  test("a bucket with nothing but a marker is not empty", async () => {
    await put("k", "one");
    await remove("k");
    expect((await s3.send({ method: "DELETE", bucket })).outcome).toBe("409 BucketNotEmpty");
  });

  test("tags belong to a version", async () => {
    const first = await put("k", "one");
    await put("k", "two");
    const body = "<Tagging><TagSet><Tag><Key>a</Key><Value>1</Value></Tag></TagSet></Tagging>";
    await s3.send({ method: "PUT", bucket, key: "k", query: { tagging: "", versionId: first }, body });
    expect((await s3.send({ bucket, key: "k", query: { tagging: "" } })).values("Key")).toEqual([]);
    const old = await s3.send({ bucket, key: "k", query: { tagging: "", versionId: first } });
    expect(old.values("Key")).toEqual(["a"]);
  });
});

describe("suspended", () => {
  test("a put writes the version null and leaves the others", async () => {
    bucket = await s3.makeBucket();
    await setVersioning("Enabled");
    const kept = await put("k", "one");
    await setVersioning("Suspended");
    await put("k", "two");
    await put("k", "three");
    const listed = await s3.send({ bucket, query: { versions: "" } });
    expect(listed.values("VersionId")).toEqual(["null", kept]);
    expect((await get("k")).text).toBe("three");
    expect((await get("k", kept)).text).toBe("one");
  });

  test("a delete replaces the version null by a marker of that name", async () => {
    bucket = await s3.makeBucket();
    await setVersioning("Enabled");
    const kept = await put("k", "one");
    await setVersioning("Suspended");
    await put("k", "two");
    const deleted = await remove("k");
    expect(deleted.headers["x-amz-delete-marker"]).toBe("true");
    expect(deleted.headers["x-amz-version-id"]).toBe("null");
    const listed = await s3.send({ bucket, query: { versions: "" } });
    expect(listed.values("VersionId")).toEqual(["null", kept]);
  });

  test("what was there before versions were enabled is the version null", async () => {
    bucket = await s3.makeBucket();
    await s3.send({ method: "PUT", bucket, key: "k", body: "old" });
    await setVersioning("Enabled");
    const newer = await put("k", "new");
    expect((await get("k", "null")).text).toBe("old");
    await remove("k", newer);
    expect((await get("k")).text).toBe("old");
  });
});
