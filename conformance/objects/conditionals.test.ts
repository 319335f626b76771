import { beforeAll, expect, test } from "vitest";
import { md5Hex, useSession } from "./support/session.ts";

const s3 = useSession("conditionals");
const ETAG = `"${md5Hex("here")}"`;
const OTHER = `"${md5Hex("other")}"`;
const PAST = "Sat, 01 Jan 2000 00:00:00 GMT";

beforeAll(async () => {
  await s3.put("here", "here");
});

const READS = [
  { headers: { "if-match": ETAG }, status: 200, why: "it is this one" },
  { headers: { "if-match": ETAG.slice(1, -1) }, status: 200, why: "without its quotes" },
  { headers: { "if-match": "*" }, status: 200, why: "any will do" },
  { headers: { "if-match": `${OTHER}, ${ETAG}` }, status: 200, why: "one of two" },
  { headers: { "if-match": OTHER }, status: 412, why: "it is another" },
  { headers: { "if-none-match": OTHER }, status: 200, why: "it is not that one" },
  { headers: { "if-none-match": ETAG }, status: 304, why: "the client has it" },
  { headers: { "if-none-match": "*" }, status: 304, why: "the client has any" },
  { headers: { "if-none-match": `${OTHER}, ${ETAG}` }, status: 304, why: "the client has one of these" },
  { headers: { "if-modified-since": PAST }, status: 200, why: "it is younger" },
  { headers: { "if-unmodified-since": PAST }, status: 412, why: "it has changed since" },
  { headers: { "if-modified-since": "yesterday" }, status: 200, why: "what is no date is passed over" },
  { headers: { "if-match": ETAG, "if-unmodified-since": PAST }, status: 200, why: "a match outweighs the date" },
  { headers: { "if-none-match": ETAG, "if-modified-since": PAST }, status: 304, why: "a match outweighs the date" },
  { headers: { "if-none-match": OTHER, "if-modified-since": PAST }, status: 200, why: "neither holds it back" },
];

test.each(READS)("GET with $headers answers $status: $why", async ({ headers, status }) => {
  const answer = await s3.send({ key: "here", headers: headers as Record<string, string> });
  expect(answer.status).toBe(status);
  if (status === 412) expect(answer.code).toBe("PreconditionFailed");
  if (status === 304) {
    expect(answer.bytes).toHaveLength(0);
    expect(answer.headers.etag).toBe(ETAG);
  }
});

test.each(READS)("HEAD with $headers answers $status: $why", async ({ headers, status }) => {
  const answer = await s3.send({ method: "HEAD", key: "here", headers: headers as Record<string, string> });
  expect(answer.status).toBe(status);
});

test("the time of the object itself is not after it, nor before it", async () => {
  const modified = String((await s3.send({ method: "HEAD", key: "here" })).headers["last-modified"]);
  expect((await s3.send({ key: "here", headers: { "if-modified-since": modified } })).status).toBe(304);
  expect((await s3.send({ key: "here", headers: { "if-unmodified-since": modified } })).status).toBe(200);
});

test("a condition is asked before the range", async () => {
  const headers = { "if-none-match": ETAG, range: "bytes=0-1" };
  expect((await s3.send({ key: "here", headers })).status).toBe(304);
});

test.each([
  { range: ETAG, status: 206, why: "the client's part is of this object" },
  { range: OTHER, status: 200, why: "the object is another now, so all of it comes" },
])("If-Range $range answers $status: $why", async ({ range, status }) => {
  const answer = await s3.send({ key: "here", headers: { "if-range": range, range: "bytes=1-2" } });
  expect(answer.status).toBe(status);
});

test("a condition on what there is not answers that there is nothing", async () => {
  expect((await s3.send({ key: "absent", headers: { "if-match": "*" } })).outcome).toBe("404 NoSuchKey");
  expect((await s3.send({ key: "absent", headers: { "if-none-match": ETAG } })).outcome).toBe("404 NoSuchKey");
});

test.each([
  { exists: false, headers: { "if-none-match": "*" }, outcome: "200", why: "there is none" },
  { exists: true, headers: { "if-none-match": "*" }, outcome: "412 PreconditionFailed", why: "there is one" },
  { exists: true, headers: { "if-match": `"${md5Hex("old")}"` }, outcome: "200", why: "nobody else has written" },
  { exists: true, headers: { "if-match": OTHER }, outcome: "412 PreconditionFailed", why: "somebody else has written" },
  { exists: false, headers: { "if-match": OTHER }, outcome: "404 NoSuchKey", why: "there is none to match" },
])("PUT with $headers where one is there: $exists answers $outcome: $why", async ({ exists, headers, outcome }) => {
  const key = `put-${exists}-${JSON.stringify(headers).length}-${outcome.length}`;
  await s3.send({ method: "DELETE", key });
  if (exists) await s3.put(key, "old");
  const answer = await s3.send({ method: "PUT", key, body: "new", headers: headers as Record<string, string> });
  expect(answer.outcome).toBe(outcome);
  const now = await s3.send({ key });
  if (outcome === "200") expect(now.text).toBe("new");
  else if (exists) expect(now.text).toBe("old");
  else expect(now.status).toBe(404);
});

test("of many writers who want to be the first one is", async () => {
  const answers = await Promise.all(
    Array.from({ length: 10 }, (_, i) =>
      s3.send({ method: "PUT", key: "first", body: `writer ${i}`, headers: { "if-none-match": "*" } }),
    ),
  );
  const winners = answers.flatMap(({ status }, i) => (status === 200 ? [i] : []));
  expect(winners).toHaveLength(1);
  const losers = answers.filter(({ status }) => status !== 200).map(({ outcome }) => outcome);
  for (const outcome of losers) expect(outcome).toMatch(/^(412 PreconditionFailed|409 ConditionalRequestConflict)$/);
  expect((await s3.send({ key: "first" })).text).toBe(`writer ${winners[0]}`);
});

test("a counter that is written by its last etag loses no step", async () => {
  await s3.put("counter", "0");
  const count = async (): Promise<void> => {
    for (;;) {
      const now = await s3.send({ key: "counter" });
      const body = String(Number(now.text) + 1);
      const headers = { "if-match": String(now.headers.etag) };
      const { status } = await s3.send({ method: "PUT", key: "counter", body, headers });
      if (status === 200) return;
      expect([409, 412]).toContain(status);
    }
  };
  await Promise.all(Array.from({ length: 5 }, count));
  expect((await s3.send({ key: "counter" })).text).toBe("5");
});

test.each([
  { etag: `"${md5Hex("x")}"`, outcome: "204", left: 404, why: "it is this one" },
  { etag: OTHER, outcome: "412 PreconditionFailed", left: 200, why: "it is another" },
])("DELETE with If-Match $etag answers $outcome: $why", async ({ etag, outcome, left }) => {
  await s3.put("delete", "x");
  const answer = await s3.send({ method: "DELETE", key: "delete", headers: { "if-match": etag } });
  expect(answer.outcome).toBe(outcome);
  expect((await s3.send({ key: "delete" })).status).toBe(left);
});
