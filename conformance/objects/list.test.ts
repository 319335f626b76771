import { beforeAll, describe, expect, test } from "vitest";
import { md5Hex, useSession } from "./support/session.ts";

const s3 = useSession("list");
const KEYS = [
  "a",
  "a/",
  "a/1",
  "a/2",
  "a/b/3",
  "a0",
  "b/c/d",
  "b/c/e",
  "b/f",
  "c d",
  "c+d",
  "z",
  "é",
  "鏡",
  "～",
  "🎮",
];
/** Byte order of UTF-8: `/` is below `0`, letters beyond ASCII come last, and the full-width tilde before the pad, unlike in UTF-16. */
const IN_ORDER = KEYS.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));

beforeAll(async () => {
  for (const key of KEYS) await s3.put(key, key);
});

interface Page {
  readonly keys: readonly string[];
  readonly prefixes: readonly string[];
  readonly isTruncated: boolean;
  readonly token: string | undefined;
}

/** One page of either version of the API. */
async function page(version: 1 | 2, query: Readonly<Record<string, string>>): Promise<Page> {
  const answer = await s3.send({ query: version === 2 ? { "list-type": "2", ...query } : query });
  expect(answer.status, answer.text).toBe(200);
  const prefixes = [...answer.text.matchAll(/<CommonPrefixes><Prefix>([^<]*)<\/Prefix><\/CommonPrefixes>/g)];
  return {
    keys: answer.values("Key"),
    prefixes: prefixes.map((match) => match[1] ?? ""),
    isTruncated: answer.value("IsTruncated") === "true",
    token: version === 2 ? answer.value("NextContinuationToken") : answer.value("NextMarker"),
  };
}

describe.each([1, 2] as const)("list objects v%i", (version) => {
  test("all keys come in the order of their bytes", async () => {
    expect((await page(version, {})).keys).toEqual(IN_ORDER);
  });

  test.each([
    { query: { prefix: "a/" }, keys: ["a/", "a/1", "a/2", "a/b/3"], prefixes: [], why: "a prefix" },
    { query: { prefix: "nothing" }, keys: [], prefixes: [], why: "a prefix of none" },
    { query: { prefix: "a/1" }, keys: ["a/1"], prefixes: [], why: "a prefix that is a key" },
    {
      query: { delimiter: "/" },
      keys: ["a", "a0", "c d", "c+d", "z", "é", "鏡", "～", "🎮"],
      prefixes: ["a/", "b/"],
      why: "folders are rolled up",
    },
    { query: { delimiter: "/", prefix: "a/" }, keys: ["a/", "a/1", "a/2"], prefixes: ["a/b/"], why: "inside a folder" },
    {
      query: { delimiter: "/", prefix: "a" },
      keys: ["a", "a0"],
      prefixes: ["a/"],
      why: "a prefix that ends inside a name",
    },
    { query: { delimiter: "/", prefix: "b/" }, keys: ["b/f"], prefixes: ["b/c/"], why: "a folder of folders" },
    { query: { delimiter: "/", prefix: "/" }, keys: [], prefixes: [], why: "no key begins with a slash" },
    {
      query: { delimiter: "c/", prefix: "b" },
      keys: ["b/f"],
      prefixes: ["b/c/"],
      why: "a delimiter of two characters",
    },
    {
      query: { delimiter: "鏡" },
      keys: IN_ORDER.filter((key) => key !== "鏡"),
      prefixes: ["鏡"],
      why: "a delimiter beyond ASCII",
    },
    { query: { delimiter: "%" }, keys: IN_ORDER, prefixes: [], why: "a delimiter in no key" },
    { query: { delimiter: "" }, keys: IN_ORDER, prefixes: [], why: "an empty delimiter is none" },
    { query: { delimiter: " " }, keys: IN_ORDER.filter((key) => key !== "c d"), prefixes: ["c "], why: "a space" },
  ])("$query gives $prefixes and its keys: $why", async ({ query, keys, prefixes }) => {
    const found = await page(version, query as Record<string, string>);
    expect(found.keys).toEqual(keys);
    expect(found.prefixes).toEqual(prefixes);
    expect(found.isTruncated).toBe(false);
  });

  test.each([1, 2, 3, 7, 1_000])("pages of %i hold every key and prefix once", async (maxKeys) => {
    const seen: string[] = [];
    let position: Record<string, string> = {};
    for (let pages = 0; pages <= KEYS.length; pages++) {
      const found = await page(version, { delimiter: "/", "max-keys": String(maxKeys), ...position });
      expect(found.keys.length + found.prefixes.length).toBeLessThanOrEqual(maxKeys);
      seen.push(...found.keys, ...found.prefixes);
      if (!found.isTruncated) break;
      expect(found.token).toBeDefined();
      position = version === 2 ? { "continuation-token": found.token ?? "" } : { marker: found.token ?? "" };
    }
    expect(seen.toSorted()).toEqual(["a", "a0", "a/", "b/", "c d", "c+d", "z", "é", "鏡", "～", "🎮"].toSorted());
  });

  test("no keys were asked for", async () => {
    const found = await page(version, { "max-keys": "0" });
    expect(found).toMatchObject({ keys: [], prefixes: [], isTruncated: false });
  });

  test("more keys than are given at once may be asked for", async () => {
    const answer = await s3.send({ query: { ...(version === 2 ? { "list-type": "2" } : {}), "max-keys": "5000" } });
    expect(answer.status).toBe(200);
    expect(answer.values("Key")).toHaveLength(KEYS.length);
  });

  test.each(["-1", "many", "1.5"])("max-keys %s is refused", async (maxKeys) => {
    const query = { ...(version === 2 ? { "list-type": "2" } : {}), "max-keys": maxKeys };
    expect((await s3.send({ query })).outcome).toBe("400 InvalidArgument");
  });

  test("keys and prefixes are encoded where the client asks for it", async () => {
    const query = {
      ...(version === 2 ? { "list-type": "2" } : {}),
      "encoding-type": "url",
      prefix: "c",
      delimiter: " ",
    };
    const answer = await s3.send({ query });
    expect(answer.values("Key")).toEqual(["c%2Bd"]);
    expect(answer.values("Prefix")).toEqual(["c", expect.stringMatching(/^c(\+|%20)$/)]);
    expect(answer.value("Delimiter")).toMatch(/^(\+|%20)$/);
    expect(answer.value("EncodingType")).toBe("url");
  });

  test("another encoding is refused", async () => {
    const query = { ...(version === 2 ? { "list-type": "2" } : {}), "encoding-type": "rot13" };
    expect((await s3.send({ query })).outcome).toBe("400 InvalidArgument");
  });

  test("a slash is not encoded in listings", async () => {
    const query = { ...(version === 2 ? { "list-type": "2" } : {}), "encoding-type": "url", prefix: "a/b/" };
    expect((await s3.send({ query })).values("Key")).toEqual(["a/b/3"]);
  });

  test("an entry tells size, etag, time and class", async () => {
    const query = { ...(version === 2 ? { "list-type": "2" } : {}), prefix: "z" };
    const answer = await s3.send({ query });
    expect(answer.value("Size")).toBe("1");
    expect(answer.value("ETag")).toBe(`"${md5Hex("z")}"`);
    expect(answer.value("StorageClass")).toBe("STANDARD");
    expect(answer.value("LastModified")).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });

  test("what was asked for is said again", async () => {
    const query = { ...(version === 2 ? { "list-type": "2" } : {}), prefix: "a", delimiter: "/", "max-keys": "7" };
    const answer = await s3.send({ query });
    expect(answer.value("Name")).toBe(s3.bucket);
    expect(answer.value("Prefix")).toBe("a");
    expect(answer.value("Delimiter")).toBe("/");
    expect(answer.value("MaxKeys")).toBe("7");
    expect(answer.text).toContain('<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">');
  });
});

describe("list objects v1", () => {
  test("goes on behind a marker, which need not be a key", async () => {
    expect((await page(1, { marker: "a/1" })).keys[0]).toBe("a/2");
    expect((await page(1, { marker: "a/15" })).keys[0]).toBe("a/2");
    expect((await page(1, { marker: "~" })).keys[0]).toBe("é");
    expect((await page(1, { marker: "🎮" })).keys).toEqual([]);
  });

  test("a marker that is a common prefix leads behind all of it", async () => {
    const found = await page(1, { delimiter: "/", marker: "a/" });
    expect(found.prefixes).toEqual(["b/"]);
    expect(found.keys[0]).toBe("a0");
  });

  test("names the owner of each entry", async () => {
    const answer = await s3.send({ query: { prefix: "z" } });
    expect(answer.values("ID")).toHaveLength(1);
  });

  test("says the next marker only with a delimiter", async () => {
    const without = await s3.send({ query: { "max-keys": "1" } });
    expect(without.value("IsTruncated")).toBe("true");
    const withDelimiter = await s3.send({ query: { "max-keys": "1", delimiter: "/" } });
    expect(withDelimiter.value("NextMarker")).toBe("a");
  });
});

describe("list objects v2", () => {
  test("begins behind a key that need not be there", async () => {
    expect((await page(2, { "start-after": "a/15" })).keys[0]).toBe("a/2");
    expect((await page(2, { "start-after": "a", prefix: "a" })).keys[0]).toBe("a/");
  });

  test("a token outweighs the key to begin behind", async () => {
    const first = await page(2, { "max-keys": "3" });
    const second = await page(2, { "continuation-token": first.token ?? "", "start-after": "z" });
    expect(second.keys[0]).toBe(IN_ORDER[3]);
  });

  test("counts keys and prefixes together", async () => {
    const answer = await s3.send({ query: { "list-type": "2", delimiter: "/" } });
    expect(answer.value("KeyCount")).toBe("11");
  });

  test("names owners only where it is asked to", async () => {
    const plain = await s3.send({ query: { "list-type": "2", prefix: "z" } });
    expect(plain.values("ID")).toHaveLength(0);
    const owned = await s3.send({ query: { "list-type": "2", prefix: "z", "fetch-owner": "true" } });
    expect(owned.values("ID")).toHaveLength(1);
  });

  test.each(["not-a-token", ""])("the token %j that nobody was given is refused", async (token) => {
    const answer = await s3.send({ query: { "list-type": "2", "continuation-token": token } });
    expect(answer.outcome).toBe("400 InvalidArgument");
  });

  test("keys that are written while a client pages neither repeat nor hide others", async () => {
    const bucket = await s3.makeBucket();
    const put = (key: string) => s3.send({ method: "PUT", bucket, key, body: "x" });
    for (const key of ["b", "d", "f", "h"]) await put(key);
    const first = await s3.send({ bucket, query: { "list-type": "2", "max-keys": "2" } });
    await put("a");
    await put("e");
    await s3.send({ method: "DELETE", bucket, key: "h" });
    const token = first.value("NextContinuationToken") ?? "";
    const second = await s3.send({ bucket, query: { "list-type": "2", "continuation-token": token } });
    expect([...first.values("Key"), ...second.values("Key")]).toEqual(["b", "d", "e", "f"]);
  });

  test("a thousand keys are one page, the next one follows", async () => {
    const bucket = await s3.makeBucket();
    const names = Array.from({ length: 1_001 }, (_, i) => `k${String(i).padStart(4, "0")}`);
    for (let i = 0; i < names.length; i += 50)
      await Promise.all(names.slice(i, i + 50).map((key) => s3.send({ method: "PUT", bucket, key })));
    const first = await s3.send({ bucket, query: { "list-type": "2" } });
    expect(first.values("Key")).toEqual(names.slice(0, 1_000));
    expect(first.value("MaxKeys")).toBe("1000");
    const token = first.value("NextContinuationToken") ?? "";
    const second = await s3.send({ bucket, query: { "list-type": "2", "continuation-token": token } });
    expect(second.values("Key")).toEqual(["k1000"]);
    expect(second.value("IsTruncated")).toBe("false");
  });
});
