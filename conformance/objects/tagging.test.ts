import { describe, expect, test } from "vitest";
import { useSession } from "./support/session.ts";

const s3 = useSession("tagging");

function document(tags: Readonly<Record<string, string>>): string {
  const each = Object.entries(tags).map(([key, value]) => `<Tag><Key>${key}</Key><Value>${value}</Value></Tag>`);
  return `<Tagging><TagSet>${each.join("")}</TagSet></Tagging>`;
}

function many(count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, `v${i}`]));
}

const TAGS = { a: "1", "b c": "two words", "+-=._:/@": "all that is allowed", 鏡: "みらー", empty: "" };

const REFUSED = [
  { body: "<Tagging><TagSet><Tag><Key>a</Key>", outcome: "400 MalformedXML", why: "it breaks off" },
  { body: "<Other/>", outcome: "400 MalformedXML", why: "another document" },
  { body: "", outcome: "400 MissingRequestBodyError", why: "nothing" },
  {
    body: "<Tagging><TagSet><Tag><Key>a</Key><Value>1</Value></Tag><Tag><Key>a</Key><Value>2</Value></Tag></TagSet></Tagging>",
    outcome: "400 InvalidTag",
    why: "the same key twice",
  },
  { body: document({ ["k".repeat(129)]: "v" }), outcome: "400 InvalidTag", why: "a key of 129 characters" },
  { body: document({ k: "v".repeat(257) }), outcome: "400 InvalidTag", why: "a value of 257 characters" },
  { body: document({ "": "v" }), outcome: "400 InvalidTag", why: "an empty key" },
];

describe.each([
  { what: "an object", ask: { key: "k" }, most: 10, over: /^400 BadRequest$|^400 InvalidTag$/, none: "200" },
  {
    what: "a bucket",
    ask: {},
    most: 50,
    over: /^400 (BadRequest|InvalidTag|InvalidTagError)$/,
    none: "404 NoSuchTagSet",
  },
])("tags of $what", ({ what, ask, most, over, none }) => {
  const query = { tagging: "" };
  const write = (body: string) => s3.send({ method: "PUT", ...ask, query, body });
  const read = () => s3.send({ ...ask, query });

  async function prepare(): Promise<void> {
    if (what === "an object") await s3.put("k", "x");
    await s3.send({ method: "DELETE", ...ask, query });
  }

  test("are kept as they are, and removed", async () => {
    await prepare();
    expect((await write(document(TAGS))).status).toBeLessThan(300);
    const answer = await read();
    expect(Object.fromEntries(answer.values("Key").map((key, i) => [key, answer.values("Value")[i]]))).toEqual(TAGS);
    expect((await s3.send({ method: "DELETE", ...ask, query })).status).toBe(204);
    expect((await read()).outcome).toBe(none);
  });

  test("are replaced, not added to", async () => {
    await prepare();
    await write(document({ a: "1", b: "2" }));
    await write(document({ c: "3" }));
    expect((await read()).values("Key")).toEqual(["c"]);
  });

  test(`may be ${most}, and no more`, async () => {
    await prepare();
    expect((await write(document(many(most)))).status).toBeLessThan(300);
    expect((await write(document(many(most + 1)))).outcome).toMatch(over);
    expect((await read()).values("Key")).toHaveLength(most);
  });

  test("may be as long as S3 lets them", async () => {
    await prepare();
    const tags = { ["k".repeat(128)]: "v".repeat(256) };
    expect((await write(document(tags))).status).toBeLessThan(300);
    expect((await read()).values("Value")).toEqual(["v".repeat(256)]);
  });

  test.each(REFUSED)("$outcome: $why", async ({ body, outcome }) => {
    await prepare();
    await write(document({ kept: "1" }));
    expect((await write(body)).outcome).toBe(outcome);
    expect((await read()).values("Key")).toEqual(["kept"]);
  });
});

test.each([
  { header: "a=1&b=2", tags: { a: "1", b: "2" } },
  { header: "a%20b=c%2Bd", tags: { "a b": "c+d" } },
  { header: "only", tags: { only: "" } },
])("the header x-amz-tagging: $header tags a new object", async ({ header, tags }) => {
  await s3.put("by-header", "x", { "x-amz-tagging": header });
  const answer = await s3.send({ key: "by-header", query: { tagging: "" } });
  const found = Object.fromEntries(answer.values("Key").map((key, i) => [key, answer.values("Value")[i]]));
  expect(found).toEqual(tags);
  const got = await s3.send({ key: "by-header" });
  expect(got.headers["x-amz-tagging-count"]).toBe(String(Object.keys(tags).length));
});

test.each([
  { header: "a=1&a=2", why: "a key twice" },
  { header: Array.from({ length: 11 }, (_, i) => `k${i}=v`).join("&"), why: "eleven" },
  { header: `${"k".repeat(129)}=v`, why: "a key that is too long" },
])("the header $header stores nothing: $why", async ({ header }) => {
  const answer = await s3.send({ method: "PUT", key: "refused", body: "x", headers: { "x-amz-tagging": header } });
  expect(answer.status).toBe(400);
  expect((await s3.send({ key: "refused" })).status).toBe(404);
});

test("an object that is written again has no tags", async () => {
  await s3.put("again", "x", { "x-amz-tagging": "a=1" });
  await s3.put("again", "y");
  expect((await s3.send({ key: "again", query: { tagging: "" } })).values("Key")).toEqual([]);
});

test("tags leave body, etag and time of the object as they are", async () => {
  await s3.put("same", "x", { "x-amz-meta-a": "1" });
  const before = await s3.send({ key: "same" });
  await s3.send({ method: "PUT", key: "same", query: { tagging: "" }, body: document({ t: "1" }) });
  const after = await s3.send({ key: "same" });
  expect(after.text).toBe("x");
  for (const name of ["etag", "last-modified", "x-amz-meta-a"]) expect(after.headers[name]).toBe(before.headers[name]);
});

test.each(["GET", "PUT", "DELETE"])("%s of the tags of what there is not answers 404 NoSuchKey", async (method) => {
  const body = method === "PUT" ? document({ a: "1" }) : "";
  const answer = await s3.send({ method, key: "absent", query: { tagging: "" }, body });
  expect(answer.outcome).toBe("404 NoSuchKey");
});
