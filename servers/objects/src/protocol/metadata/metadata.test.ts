import fc from "fast-check";
import { expect, test } from "vitest";
import { codeOf } from "../../../test/support/signed-requests.ts";
import { HeaderFields } from "../header-fields.ts";
import { parseQuery } from "../routing/index.ts";
import { decodeHeaderText, encodeHeaderText, metadataHeaders, metadataOf, responseOverridesOf } from "./index.ts";

const read = (rawHeaders: string[]) => metadataOf(new HeaderFields(rawHeaders), {});
const latin1 = (text: string) => Buffer.from(text).toString("latin1");

test("an upload's headers become the metadata of the object, and the headers of a reply", () => {
  const sent = [
    ["Content-Type", "video/mp4"],
    ["Content-Encoding", "gzip"],
    ["Content-Disposition", 'attachment; filename="a"'],
    ["Content-Language", "ja"],
    ["Cache-Control", "no-cache"],
    ["Expires", "whenever"],
    ["x-amz-website-redirect-location", "/b"],
    ["x-amz-storage-class", "COLD"],
    ["x-amz-meta-channel", "17"],
  ] as [string, string][];
  const metadata = read([...sent.flat(), "x-amz-acl", "private", "Host", "h"]);
  expect(metadataHeaders(metadata, undefined)).toEqual(sent);
});

test("an object without type is told to be bytes", () => {
  expect(metadataHeaders(read([]), undefined)).toEqual([["Content-Type", "binary/octet-stream"]]);
});

test.each([
  { value: "aws-chunked", kept: undefined, why: "how it travelled is not what it is" },
  { value: "AWS-Chunked, gzip", kept: "gzip", why: "the rest stays" },
  { value: "gzip,aws-chunked,br", kept: "gzip,br", why: "in its order" },
  { value: "", kept: undefined, why: "an empty header is none" },
])("Content-Encoding $value is kept as $kept: $why", ({ value, kept }) => {
  expect(read(["Content-Encoding", value]).contentEncoding).toBe(kept);
});

test.each([
  { raw: ["x-amz-meta-A", "1", "X-Amz-Meta-a", "2"], user: { a: "1,2" }, why: "given twice, joined in order" },
  { raw: ["x-amz-meta-__proto__", "1"], user: JSON.parse('{"__proto__":"1"}'), why: "a name of the language" },
  { raw: ["x-amz-meta-a", ""], user: { a: "" }, why: "an empty value" },
  { raw: ["x-amz-meta-a", latin1("鏡")], user: { a: "鏡" }, why: "raw UTF-8" },
  { raw: ["x-amz-meta-a", "\u00e4"], user: { a: "ä" }, why: "a raw byte that is no UTF-8" },
  { raw: ["x-amz-meta-a", "=?UTF-8?B?6Y+h?="], user: { a: "鏡" }, why: "an encoded word in base64" },
  {
    raw: ["x-amz-meta-a", "a =?utf-8?q?=E9=8F=A1_b?= c"],
    user: { a: "a 鏡 b c" },
    why: "an encoded word between others",
  },
  {
    raw: ["x-amz-meta-a", "=?UTF-8?Q?=C3=A4?= =?ISO-8859-1?Q?=E4?="],
    user: { a: "ää" },
    why: "space between words is none",
  },
  {
    raw: ["x-amz-meta-a", "=?UTF-8?Q?abc?="],
    user: { a: "=?UTF-8?Q?abc?=" },
    why: "what could stand there itself is kept",
  },
  {
    raw: ["x-amz-meta-a", "=?UTF-8?B?broken?="],
    user: { a: "=?UTF-8?B?broken?=" },
    why: "what cannot be decoded is kept",
  },
  { raw: ["x-amz-meta-a", "=?KOI8-R?Q?=C3?="], user: { a: "=?KOI8-R?Q?=C3?=" }, why: "an unknown charset is kept" },
])("user metadata $raw: $why", ({ raw, user }) => {
  expect(Object.entries(read(raw).user)).toEqual(Object.entries(user));
});

test.each([
  { name: "a", value: "v".repeat(2_047), code: "accepted", why: "2,048 bytes with the name" },
  { name: "a", value: "v".repeat(2_048), code: "MetadataTooLarge", why: "one more" },
  { name: "a", value: latin1("ä".repeat(1_024)), code: "MetadataTooLarge", why: "bytes count, not characters" },
  { name: "", value: "v", code: "InvalidArgument", why: "no name" },
])("user metadata is $code: $why", ({ name, value, code }) => {
  expect(codeOf(() => read([`x-amz-meta-${name}`, value]))).toContain(code);
});

test.each(["a/b\r\nX-Evil: 1", "a\nb", "\u0000", "\u007f"])(
  "a type of %j, as a field of a form could hold, is refused",
  (value) => {
    expect(codeOf(() => read(["content-type", value]))).toContain("InvalidArgument: Header values cannot hold control");
  },
);

test("line ends in the metadata of the user come back encoded", () => {
  const metadata = read(["x-amz-meta-a", "1\r\nX-Evil: 2"]);
  expect(metadata.user.a).toBe("1\r\nX-Evil: 2");
  expect(metadataHeaders(metadata, undefined).at(-1)).toEqual(["x-amz-meta-a", "=?UTF-8?B?MQ0KWC1FdmlsOiAy?="]);
});

test("many small headers count together", () => {
  const raw = Array.from({ length: 300 }, (_, index) => [`x-amz-meta-${index}`, "12345"]).flat();
  expect(codeOf(() => read(raw))).toContain("MetadataTooLarge");
});

test("every text comes back from a header as it went in, and none can end it", () => {
  const text = fc
    .string({ unit: "binary", maxLength: 80 })
    .filter((each) => each.isWellFormed() && !/=\?.*\?=/s.test(each));
  fc.assert(
    fc.property(text, (each) => {
      const encoded = encodeHeaderText(each);
      expect(encoded).toMatch(/^[ -~]*$/);
      expect(decodeHeaderText(encoded)).toBe(each);
    }),
    { numRuns: 500 },
  );
});

test("any value of a header is read, in no time", () => {
  const piece = fc.oneof(
    fc.constantFrom("=?", "?=", "UTF-8", "?B?", "?Q?", "=", "=C3", "=A4", " "),
    fc.string({ unit: "binary-ascii", maxLength: 4 }),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => typeof decodeHeaderText(pieces.join("")) === "string"),
  );
  const started = performance.now();
  decodeHeaderText("=?UTF-8?Q?".repeat(2_000));
  decodeHeaderText("=?".repeat(10_000));
  expect(performance.now() - started).toBeLessThan(500);
});

test("a signed reader may ask for other headers", () => {
  const query = parseQuery(
    "response-content-type=text%2Fplain&response-content-disposition=attachment%3B%20filename*%3DUTF-8''%C3%A4&response-expires=never&versionId=1",
  );
  const overrides = responseOverridesOf(query, false);
  expect(metadataHeaders(read(["Content-Type", "video/mp4", "Cache-Control", "no-store"]), overrides)).toEqual([
    ["Content-Type", "text/plain"],
    ["Content-Disposition", "attachment; filename*=UTF-8''\u00c3\u00a4"],
    ["Cache-Control", "no-store"],
    ["Expires", "never"],
  ]);
});

test.each([
  { query: "response-content-type=a", isAnonymous: true, code: "InvalidRequest", why: "an anonymous reader may not" },
  { query: "response-content-type=a%0D%0AX-Evil:%201", isAnonymous: false, code: "InvalidArgument", why: "a line end" },
  { query: "response-expires=%7F", isAnonymous: false, code: "InvalidArgument", why: "a control character" },
])("$query is refused with $code: $why", ({ query, isAnonymous, code }) => {
  expect(codeOf(() => responseOverridesOf(parseQuery(query), isAnonymous))).toContain(code);
});

test("without such parameters nothing is overridden", () => {
  expect(responseOverridesOf(parseQuery("versionId=1"), true)).toBeUndefined();
  expect(responseOverridesOf(parseQuery(""), true)).toBeUndefined();
});
