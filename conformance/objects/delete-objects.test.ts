import { expect, test } from "vitest";
import { md5Base64, useSession } from "./support/session.ts";

const s3 = useSession("delete-objects");

function remove(body: string, headers: Readonly<Record<string, string>> = { "content-md5": md5Base64(body) }) {
  return s3.send({ method: "POST", query: { delete: "" }, body, headers });
}

function document(keys: readonly string[], isQuiet = false): string {
  const escaped = (text: string) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  const objects = keys.map((key) => `<Object><Key>${escaped(key)}</Key></Object>`).join("");
  return `<Delete>${isQuiet ? "<Quiet>true</Quiet>" : ""}${objects}</Delete>`;
}

test("many objects go at once, and those that were not there as well", async () => {
  await s3.put("a", "x");
  await s3.put("b", "x");
  await s3.put("kept", "x");
  const answer = await remove(document(["a", "b", "never"]));
  expect(answer.status).toBe(200);
  expect(answer.values("Key").toSorted()).toEqual(["a", "b", "never"]);
  expect(answer.values("Error")).toEqual([]);
  expect((await s3.send({ query: {} })).values("Key")).toEqual(["kept"]);
});

test("a quiet request is told of failures only", async () => {
  await s3.put("quiet", "x");
  const answer = await remove(document(["quiet", "never"], true));
  expect(answer.status).toBe(200);
  expect(answer.values("Deleted")).toEqual([]);
  expect((await s3.send({ key: "quiet" })).status).toBe(404);
});

test.each(["<&>\"'", "with space", "鏡/🎮", "a+b", "a//b"])("the key %j is deleted by its name", async (key) => {
  await s3.put(key, "x");
  expect((await remove(document([key]))).values("Key")).toEqual([key]);
  expect((await s3.send({ key })).status).toBe(404);
});

test("a thousand keys are the most", async () => {
  const keys = Array.from({ length: 1_000 }, (_, i) => `k${i}`);
  expect((await remove(document(keys))).values("Deleted")).toHaveLength(1_000);
  expect((await remove(document([...keys, "one-more"]))).outcome).toBe("400 MalformedXML");
});

test.each([
  { body: "", why: "nothing" },
  { body: "<Delete></Delete>", why: "no object" },
  { body: "<Delete><Object></Object></Delete>", why: "no key" },
  { body: "<Delete><Object><Key></Key></Object></Delete>", why: "an empty key" },
  { body: "<Delete><Object><Key>a</Key></Object>", why: "it breaks off" },
  { body: "<Other><Object><Key>a</Key></Object></Other>", why: "another document" },
  {
    body: '<!DOCTYPE d [<!ENTITY a "kept">]><Delete><Object><Key>&a;</Key></Object></Delete>',
    why: "entities of its own",
  },
])("$body deletes nothing: $why", async ({ body }) => {
  await s3.put("kept", "x");
  const answer = await remove(body);
  expect(answer.status).toBeGreaterThanOrEqual(400);
  expect(answer.status).toBeLessThan(500);
  expect((await s3.send({ key: "kept" })).status).toBe(200);
});

test("a document without a checksum of it is refused", async () => {
  await s3.put("kept", "x");
  const ask = { method: "POST", query: { delete: "" }, body: document(["kept"]), payloadHash: "UNSIGNED-PAYLOAD" };
  expect((await s3.send(ask)).outcome).toBe("400 InvalidRequest");
  expect((await s3.send({ key: "kept" })).status).toBe(200);
});

test("a document with the checksum of another is refused", async () => {
  await s3.put("kept", "x");
  const answer = await remove(document(["kept"]), { "content-md5": md5Base64("other") });
  expect(answer.outcome).toBe("400 BadDigest");
  expect((await s3.send({ key: "kept" })).status).toBe(200);
});

test("a document that no thousand keys can fill is refused", async () => {
  const body = `<Delete>${" ".repeat(8_500_000)}</Delete>`;
  const answer = await remove(body);
  expect(answer.status).toBeGreaterThanOrEqual(400);
  expect(answer.status).toBeLessThan(500);
});

test("a stranger deletes nothing, whatever the list says", async () => {
  await s3.put("kept", "x");
  const body = document(["kept"]);
  const headers = { "content-md5": md5Base64(body) };
  const answer = await s3.send({ method: "POST", query: { delete: "" }, body, headers, isAnonymous: true });
  expect(answer.value("Code")).toBe("AccessDenied");
  expect((await s3.send({ key: "kept" })).status).toBe(200);
});

test("an etag that does not fit keeps its object, and the others go", async () => {
  await s3.put("fits", "x");
  await s3.put("changed", "x");
  const body = `<Delete><Object><Key>fits</Key></Object><Object><Key>changed</Key><ETag>"${"0".repeat(32)}"</ETag></Object></Delete>`;
  const answer = await remove(body);
  expect(answer.value("Code")).toBe("PreconditionFailed");
  expect((await s3.send({ key: "changed" })).status).toBe(200);
  expect((await s3.send({ key: "fits" })).status).toBe(404);
});
