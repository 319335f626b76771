import { createHash, randomBytes } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import { md5Hex, useSession } from "./support/session.ts";
import type { Answer } from "./support/wire.ts";

const s3 = useSession("multipart");
const MIB = 1_048_576;
const PART = randomBytes(5 * MIB);
const LAST = randomBytes(1_000);

async function begin(key: string, headers: Readonly<Record<string, string>> = {}): Promise<string> {
  const answer = await s3.send({ method: "POST", key, query: { uploads: "" }, headers });
  expect(answer.status, answer.text).toBe(200);
  expect(answer.value("Bucket")).toBe(s3.bucket);
  expect(answer.value("Key")).toBe(key);
  return answer.value("UploadId") ?? "";
}

function putPart(key: string, uploadId: string, partNumber: number | string, body: Uint8Array): Promise<Answer> {
  return s3.send({ method: "PUT", key, query: { uploadId, partNumber: String(partNumber) }, body });
}

function document(parts: readonly (readonly [number, string])[]): string {
  const each = parts.map(([number, etag]) => `<Part><PartNumber>${number}</PartNumber><ETag>${etag}</ETag></Part>`);
  return `<CompleteMultipartUpload>${each.join("")}</CompleteMultipartUpload>`;
}

function complete(key: string, uploadId: string, body: string, headers: Readonly<Record<string, string>> = {}) {
  return s3.send({ method: "POST", key, query: { uploadId }, body, headers });
}

/** Uploads the parts in this order and completes them by number. */
async function upload(key: string, parts: ReadonlyMap<number, Uint8Array>): Promise<Answer> {
  const uploadId = await begin(key);
  const etags: [number, string][] = [];
  for (const [number, body] of parts) {
    const answer = await putPart(key, uploadId, number, body);
    expect(answer.headers.etag).toBe(`"${md5Hex(body)}"`);
    etags.push([number, String(answer.headers.etag)]);
  }
  return complete(key, uploadId, document(etags.toSorted(([a], [b]) => a - b)));
}

/** S3's etag of a completed upload: the MD5 of the MD5s, and how many. */
function etagOf(...parts: readonly Uint8Array[]): string {
  const digests = parts.map((part) => createHash("md5").update(part).digest());
  return `"${md5Hex(Buffer.concat(digests))}-${parts.length}"`;
}

test("two parts become one object, whatever order they came in", async () => {
  const answer = await upload(
    "two",
    new Map([
      [2, LAST],
      [1, PART],
    ]),
  );
  expect(answer.status, answer.text).toBe(200);
  expect(answer.value("ETag")).toBe(etagOf(PART, LAST));
  expect(answer.value("Key")).toBe("two");
  expect(answer.value("Location")).toContain("two");
  const got = await s3.send({ key: "two" });
  expect(got.bytes.equals(Buffer.concat([PART, LAST]))).toBe(true);
  expect(got.headers.etag).toBe(etagOf(PART, LAST));
});

test("one small part is enough", async () => {
  expect((await upload("one", new Map([[1, LAST]]))).value("ETag")).toBe(etagOf(LAST));
  expect((await s3.send({ key: "one" })).bytes.equals(LAST)).toBe(true);
});

test("part numbers may have gaps, up to 10,000", async () => {
  const answer = await upload(
    "gaps",
    new Map([
      [3, PART],
      [10_000, LAST],
    ]),
  );
  expect(answer.value("ETag")).toBe(etagOf(PART, LAST));
  expect((await s3.send({ method: "HEAD", key: "gaps" })).headers["content-length"]).toBe(String(5 * MIB + 1_000));
});

test("a part that comes again replaces the earlier one", async () => {
  const uploadId = await begin("again");
  await putPart("again", uploadId, 1, randomBytes(1_000));
  const second = await putPart("again", uploadId, 1, LAST);
  expect((await complete("again", uploadId, document([[1, String(second.headers.etag)]]))).status).toBe(200);
  expect((await s3.send({ key: "again" })).bytes.equals(LAST)).toBe(true);
});

test("parts that are not named are left out", async () => {
  const uploadId = await begin("left-out");
  const first = await putPart("left-out", uploadId, 1, LAST);
  await putPart("left-out", uploadId, 2, PART);
  expect((await complete("left-out", uploadId, document([[1, String(first.headers.etag)]]))).status).toBe(200);
  expect((await s3.send({ key: "left-out" })).bytes.equals(LAST)).toBe(true);
});

test("nothing is to be seen of an object before its upload is completed", async () => {
  const uploadId = await begin("unseen");
  await putPart("unseen", uploadId, 1, LAST);
  expect((await s3.send({ key: "unseen" })).outcome).toBe("404 NoSuchKey");
  expect((await s3.send({ query: { prefix: "unseen" } })).values("Key")).toEqual([]);
  await s3.send({ method: "DELETE", key: "unseen", query: { uploadId } });
});

test("what was said at the beginning is kept with the object", async () => {
  const headers = { "content-type": "video/mp4", "x-amz-meta-player": "ann", "x-amz-tagging": "kind=live" };
  const uploadId = await begin("metadata", headers);
  const part = await putPart("metadata", uploadId, 1, LAST);
  await complete("metadata", uploadId, document([[1, String(part.headers.etag)]]));
  const got = await s3.send({ method: "HEAD", key: "metadata" });
  expect(got.headers["content-type"]).toBe("video/mp4");
  expect(got.headers["x-amz-meta-player"]).toBe("ann");
  expect(got.headers["x-amz-tagging-count"] ?? "1").toBe("1");
  expect((await s3.send({ key: "metadata", query: { tagging: "" } })).value("Value")).toBe("live");
});

test.each([
  { number: 0, outcome: "400 InvalidArgument" },
  { number: 10_001, outcome: "400 InvalidArgument" },
  { number: -1, outcome: "400 InvalidArgument" },
  { number: "one", outcome: "400 InvalidArgument" },
])("part number $number answers $outcome", async ({ number, outcome }) => {
  const uploadId = await begin("numbers");
  expect((await putPart("numbers", uploadId, number, LAST)).outcome).toBe(outcome);
});

describe("completing", () => {
  let uploadId: string;
  let etags: [string, string, string];
  beforeAll(async () => {
    uploadId = await begin("refused");
    const answers = [
      await putPart("refused", uploadId, 1, PART),
      await putPart("refused", uploadId, 2, LAST),
      await putPart("refused", uploadId, 3, LAST),
    ];
    etags = answers.map(({ headers }) => String(headers.etag)) as [string, string, string];
  });

  test.each([
    {
      parts: [
        [2, 1],
        [1, 0],
      ],
      outcome: "400 InvalidPartOrder",
      why: "not by number",
    },
    {
      parts: [
        [1, 0],
        [1, 0],
      ],
      outcome: "400 InvalidPartOrder",
      why: "a part twice",
    },
    { parts: [[1, 1]], outcome: "400 InvalidPart", why: "the etag of another part" },
    { parts: [[4, 0]], outcome: "400 InvalidPart", why: "a part that there is not" },
    {
      parts: [
        [2, 1],
        [3, 2],
      ],
      outcome: "400 EntityTooSmall",
      why: "a part under 5 MiB that is not the last",
    },
    { parts: [], outcome: "400 MalformedXML", why: "no part" },
  ])("$parts answers $outcome: $why", async ({ parts, outcome }) => {
    const named = parts.map(([number, which]) => [number ?? 0, etags[which ?? 0] ?? ""] as [number, string]);
    expect((await complete("refused", uploadId, document(named))).outcome).toBe(outcome);
    expect((await s3.send({ key: "refused" })).status).toBe(404);
  });

  test.each([
    { body: "<CompleteMultipartUpload><Part>", why: "it breaks off" },
    { body: "<Other/>", why: "another document" },
    {
      body: '<!DOCTYPE x [<!ENTITY e "1">]><CompleteMultipartUpload><Part><PartNumber>&e;</PartNumber><ETag>x</ETag></Part></CompleteMultipartUpload>',
      why: "a document with definitions of its own",
    },
  ])("the document $body answers 400 MalformedXML: $why", async ({ body }) => {
    expect((await complete("refused", uploadId, body)).outcome).toBe("400 MalformedXML");
  });

  test("nothing at all is no document", async () => {
    const answer = await complete("refused", uploadId, "");
    expect(answer.outcome).toMatch(/^400 (MalformedXML|MissingRequestBodyError|InvalidRequest)$/);
  });

  test("an etag may stand without its quotes, or with them escaped", async () => {
    const one = etags[0].slice(1, -1);
    const two = `&quot;${etags[1].slice(1, -1)}&quot;`;
    const answer = await complete(
      "refused",
      uploadId,
      document([
        [1, one],
        [2, two],
      ]),
    );
    expect(answer.status, answer.text).toBe(200);
    expect((await s3.send({ key: "refused" })).status).toBe(200);
  });
});

test("completing again answers the same, or that the upload is over", async () => {
  const uploadId = await begin("twice");
  const part = await putPart("twice", uploadId, 1, LAST);
  const body = document([[1, String(part.headers.etag)]]);
  expect((await complete("twice", uploadId, body)).status).toBe(200);
  expect((await complete("twice", uploadId, body)).outcome).toMatch(/^(200|404 NoSuchUpload)$/);
});

test.each([
  { headers: { "if-none-match": "*" }, outcome: "412 PreconditionFailed", why: "there is one" },
  { headers: { "if-match": `"${"0".repeat(32)}"` }, outcome: "412 PreconditionFailed", why: "it is another" },
  { headers: { "if-match": `"${md5Hex("old")}"` }, outcome: "200", why: "nobody has written meanwhile" },
])("completing with $headers answers $outcome: $why", async ({ headers, outcome }) => {
  await s3.put("conditional", "old");
  const uploadId = await begin("conditional");
  const part = await putPart("conditional", uploadId, 1, LAST);
  const body = document([[1, String(part.headers.etag)]]);
  expect((await complete("conditional", uploadId, body, headers as Record<string, string>)).outcome).toBe(outcome);
});

const UNKNOWN = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
test.each([
  { what: "a part", ask: { method: "PUT", query: { uploadId: UNKNOWN, partNumber: "1" }, body: "x" } },
  { what: "a completion", ask: { method: "POST", query: { uploadId: UNKNOWN }, body: document([[1, "x"]]) } },
  { what: "an end", ask: { method: "DELETE", query: { uploadId: UNKNOWN } } },
  { what: "a listing", ask: { method: "GET", query: { uploadId: UNKNOWN } } },
])("$what of an upload that nobody has begun answers 404 NoSuchUpload", async ({ ask }) => {
  expect((await s3.send({ ...ask, key: "nobody" } as Parameters<typeof s3.send>[0])).outcome).toBe("404 NoSuchUpload");
});

test("an upload belongs to its key", async () => {
  const uploadId = await begin("mine");
  expect((await putPart("other-key", uploadId, 1, LAST)).outcome).toBe("404 NoSuchUpload");
});

test("an upload that is given up is gone with its parts", async () => {
  const uploadId = await begin("given-up");
  await putPart("given-up", uploadId, 1, LAST);
  expect((await s3.send({ method: "DELETE", key: "given-up", query: { uploadId } })).status).toBe(204);
  expect((await putPart("given-up", uploadId, 2, LAST)).outcome).toBe("404 NoSuchUpload");
  expect((await s3.send({ key: "given-up", query: { uploadId } })).outcome).toBe("404 NoSuchUpload");
});

describe("listing", () => {
  test("the parts of an upload, page by page", async () => {
    const uploadId = await begin("parts");
    for (const number of [1, 2, 5, 9]) await putPart("parts", uploadId, number, Buffer.alloc(number, number));
    const first = await s3.send({ key: "parts", query: { uploadId, "max-parts": "3" } });
    expect(first.values("PartNumber")).toEqual(["1", "2", "5"]);
    expect(first.values("Size")).toEqual(["1", "2", "5"]);
    expect(first.values("ETag")[2]).toBe(`"${md5Hex(Buffer.alloc(5, 5))}"`);
    expect(first.value("IsTruncated")).toBe("true");
    expect(first.value("NextPartNumberMarker")).toBe("5");
    const second = await s3.send({ key: "parts", query: { uploadId, "part-number-marker": "5" } });
    expect(second.values("PartNumber")).toEqual(["9"]);
    expect(second.value("IsTruncated")).toBe("false");
  });

  test("uploads under way by key, with prefix, delimiter and pages", async () => {
    const bucket = await s3.makeBucket();
    const start = async (key: string) =>
      (await s3.send({ method: "POST", bucket, key, query: { uploads: "" } })).value("UploadId");
    const ids = [await start("a/1"), await start("a/2"), await start("b"), await start("b")];
    const list = (query: Record<string, string>) => s3.send({ bucket, query: { uploads: "", ...query } });
    const all = await list({});
    expect(all.values("Key")).toEqual(["a/1", "a/2", "b", "b"]);
    expect(all.values("UploadId").toSorted()).toEqual(ids.toSorted());
    expect((await list({ prefix: "b" })).values("Key")).toEqual(["b", "b"]);
    const folded = await list({ delimiter: "/" });
    expect(folded.values("Key")).toEqual(["b", "b"]);
    expect(folded.text).toContain("<CommonPrefixes><Prefix>a/</Prefix></CommonPrefixes>");
    const first = await list({ "max-uploads": "3" });
    expect(first.value("IsTruncated")).toBe("true");
    const second = await list({
      "key-marker": first.value("NextKeyMarker") ?? "",
      "upload-id-marker": first.value("NextUploadIdMarker") ?? "",
    });
    expect([...first.values("UploadId"), ...second.values("UploadId")].toSorted()).toEqual(ids.toSorted());
  });
});

describe("copying parts", () => {
  const BODY = randomBytes(6 * MIB);
  beforeAll(async () => {
    await s3.put("whole", BODY);
  });

  function copyPart(key: string, uploadId: string, headers: Readonly<Record<string, string>>) {
    const all = { "x-amz-copy-source": `/${s3.bucket}/whole`, ...headers };
    return s3.send({ method: "PUT", key, query: { uploadId, partNumber: "1" }, headers: all });
  }

  test("a range of an object becomes a part", async () => {
    const uploadId = await begin("of-a-range");
    const answer = await copyPart("of-a-range", uploadId, { "x-amz-copy-source-range": "bytes=10-99" });
    expect(answer.status, answer.text).toBe(200);
    expect(answer.value("ETag")).toBe(`"${md5Hex(BODY.subarray(10, 100))}"`);
    await complete("of-a-range", uploadId, document([[1, answer.value("ETag") ?? ""]]));
    expect((await s3.send({ key: "of-a-range" })).bytes.equals(BODY.subarray(10, 100))).toBe(true);
  });

  test.each([
    { range: "bytes=0-6291456", outcome: "400 InvalidArgument", why: "it ends beyond the object" },
    { range: "bytes=5-", outcome: "400 InvalidArgument", why: "both ends must be said" },
    { range: "bytes=9-1", outcome: "400 InvalidArgument", why: "it ends before its beginning" },
    { range: "0-5", outcome: "400 InvalidArgument", why: "no unit" },
  ])("the range $range answers $outcome: $why", async ({ range, outcome }) => {
    const uploadId = await begin("refused-range");
    expect((await copyPart("refused-range", uploadId, { "x-amz-copy-source-range": range })).outcome).toBe(outcome);
  });

  test("a condition on the source holds", async () => {
    const uploadId = await begin("condition");
    const headers = { "x-amz-copy-source-if-match": `"${md5Hex("other")}"` };
    expect((await copyPart("condition", uploadId, headers)).outcome).toBe("412 PreconditionFailed");
  });
});

test("a part of a completed object can be read alone", async () => {
  await upload(
    "by-part",
    new Map([
      [1, PART],
      [2, LAST],
    ]),
  );
  const second = await s3.send({ key: "by-part", query: { partNumber: "2" } });
  expect(second.status).toBe(206);
  expect(second.bytes.equals(LAST)).toBe(true);
  expect(second.headers["x-amz-mp-parts-count"]).toBe("2");
  expect((await s3.send({ key: "by-part", query: { partNumber: "3" } })).outcome).toBe("416 InvalidPartNumber");
});

test("ranges over the seams of parts are right", async () => {
  await upload(
    "seams",
    new Map([
      [1, PART],
      [2, PART],
      [3, LAST],
    ]),
  );
  const whole = Buffer.concat([PART, PART, LAST]);
  for (const [first, last] of [
    [0, 9],
    [5 * MIB - 5, 5 * MIB + 5],
    [1, 10 * MIB + 998],
    [10 * MIB, 10 * MIB + 999],
  ]) {
    const answer = await s3.send({ key: "seams", headers: { range: `bytes=${first}-${last}` } });
    expect(answer.bytes.equals(whole.subarray(first, (last ?? 0) + 1))).toBe(true);
  }
});

test("a bucket with an upload under way can be removed, or says what is in it", async () => {
  const bucket = await s3.makeBucket();
  await s3.send({ method: "POST", bucket, key: "k", query: { uploads: "" } });
  expect((await s3.send({ method: "DELETE", bucket })).outcome).toMatch(/^(204|409 BucketNotEmpty)$/);
});
