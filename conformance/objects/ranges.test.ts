import { randomBytes } from "node:crypto";
import { beforeAll, expect, test } from "vitest";
import { useSession } from "./support/session.ts";

const s3 = useSession("ranges");
const BODY = Buffer.from("0123456789");
/** Over the limits of blocks of 64 KiB, and of bodies that have a file of their own. */
const LARGE = randomBytes(9_000_001);

beforeAll(async () => {
  await s3.put("ten", BODY);
  await s3.put("large", LARGE);
  await s3.put("empty", "");
});

test.each([
  { range: "bytes=0-0", body: "0", contentRange: "bytes 0-0/10", why: "the first byte" },
  { range: "bytes=0-9", body: "0123456789", contentRange: "bytes 0-9/10", why: "all of it is still a part" },
  { range: "bytes=2-4", body: "234", contentRange: "bytes 2-4/10", why: "both ends are in" },
  { range: "bytes=7-", body: "789", contentRange: "bytes 7-9/10", why: "to the end" },
  { range: "bytes=-3", body: "789", contentRange: "bytes 7-9/10", why: "the last three" },
  { range: "bytes=-100", body: "0123456789", contentRange: "bytes 0-9/10", why: "more last bytes than there are" },
  { range: "bytes=8-100", body: "89", contentRange: "bytes 8-9/10", why: "the end is beyond the object" },
  { range: "bytes=9-9", body: "9", contentRange: "bytes 9-9/10", why: "the last byte" },
])("$range answers 206: $why", async ({ range, body, contentRange }) => {
  const answer = await s3.send({ key: "ten", headers: { range } });
  expect(answer.status).toBe(206);
  expect(answer.text).toBe(body);
  expect(answer.headers["content-range"]).toBe(contentRange);
  expect(answer.headers["content-length"]).toBe(String(body.length));
});

test.each([
  { range: "bytes=10-", why: "it begins behind the last byte" },
  { range: "bytes=100-200", why: "all of it is behind" },
  { range: "bytes=-0", why: "the last no bytes" },
])("$range answers 416: $why", async ({ range }) => {
  const answer = await s3.send({ key: "ten", headers: { range } });
  expect(answer.outcome).toBe("416 InvalidRange");
});

test("a refused range says how large the object is", async () => {
  const answer = await s3.send({ key: "ten", headers: { range: "bytes=100-" } });
  expect(answer.headers["content-range"]).toBe("bytes */10");
  expect(answer.value("ActualObjectSize")).toBe("10");
  expect(answer.value("RangeRequested")).toBe("bytes=100-");
});

test.each([
  { range: "bytes=5-2", why: "it ends before its beginning" },
  { range: "bytes=a-b", why: "no numbers" },
  { range: "lines=1-2", why: "another unit" },
  { range: "bytes=", why: "nothing is asked for" },
  { range: "0-5", why: "no unit" },
])("$range is passed over and all of the object comes: $why", async ({ range }) => {
  const answer = await s3.send({ key: "ten", headers: { range } });
  expect(answer.status).toBe(200);
  expect(answer.text).toBe("0123456789");
});

test("any range of an empty object is refused, the whole of it is not", async () => {
  expect((await s3.send({ key: "empty", headers: { range: "bytes=0-0" } })).status).toBe(416);
  expect((await s3.send({ key: "empty" })).status).toBe(200);
});

test("a HEAD with a range tells the length of the part", async () => {
  const answer = await s3.send({ method: "HEAD", key: "ten", headers: { range: "bytes=2-4" } });
  expect(answer.status).toBe(206);
  expect(answer.headers["content-length"]).toBe("3");
  expect(answer.headers["content-range"]).toBe("bytes 2-4/10");
});

test.each([
  [0, 65_535],
  [0, 65_536],
  [65_535, 65_536],
  [65_536, 131_071],
  [1, 9_000_000],
  [8_388_607, 8_388_608],
  [8_999_999, 9_000_000],
  [4_500_000, 4_500_000],
])("bytes %i to %i of a large object are those", async (first, last) => {
  const answer = await s3.send({ key: "large", headers: { range: `bytes=${first}-${last}` } });
  expect(answer.status).toBe(206);
  expect(answer.bytes.equals(LARGE.subarray(first, last + 1))).toBe(true);
});

test("parts of an object that are read at the same time make up the whole", async () => {
  const step = 1_000_000;
  const starts = Array.from({ length: Math.ceil(LARGE.length / step) }, (_, i) => i * step);
  const parts = await Promise.all(
    starts.map((start) => s3.send({ key: "large", headers: { range: `bytes=${start}-${start + step - 1}` } })),
  );
  expect(Buffer.concat(parts.map(({ bytes }) => bytes)).equals(LARGE)).toBe(true);
});

test("a range and an override meet in one answer", async () => {
  const query = { "response-content-type": "text/x" };
  const answer = await s3.send({ key: "ten", query, headers: { range: "bytes=1-2" } });
  expect(answer.status).toBe(206);
  expect(answer.headers["content-type"]).toBe("text/x");
});
