import fc from "fast-check";
import { expect, test } from "vitest";
import { codeOf } from "../../../test/support/signed-requests.ts";
import { element, textElement, xmlDocument } from "../xml/index.ts";
import {
  MAX_BUCKET_TAGS,
  MAX_DELETE_BYTES,
  MAX_OBJECT_TAGS,
  parseCompleteMultipartUpload,
  parseCreateBucketConfiguration,
  parseDelete,
  parseObjectAttributes,
  parsePartNumber,
  parseTagging,
  parseTaggingHeader,
  parseVersioningConfiguration,
} from "./index.ts";

const bytes = (text: string) => Buffer.from(text);

test.each([
  { body: "", region: undefined, why: "no body" },
  { body: "<CreateBucketConfiguration/>", region: undefined, why: "nothing inside" },
  {
    body: "<CreateBucketConfiguration><LocationConstraint/></CreateBucketConfiguration>",
    region: undefined,
    why: "an empty region",
  },
  {
    body: "<CreateBucketConfiguration><LocationConstraint>eu</LocationConstraint></CreateBucketConfiguration>",
    region: "eu",
    why: "a region",
  },
])("CreateBucketConfiguration $body names $region: $why", ({ body, region }) => {
  expect(parseCreateBucketConfiguration(bytes(body))).toBe(region);
});

test("another document is no CreateBucketConfiguration", () => {
  expect(codeOf(() => parseCreateBucketConfiguration(bytes("<Delete/>")))).toContain("MalformedXML");
});

test.each([
  { inside: "<Status>Enabled</Status>", result: "enabled" },
  { inside: "<Status>Suspended</Status><MfaDelete>Disabled</MfaDelete>", result: "suspended" },
  { inside: "<Status>On</Status>", result: "IllegalVersioningConfigurationException" },
  { inside: "", result: "IllegalVersioningConfigurationException" },
  { inside: "<Status>Enabled</Status><MfaDelete>Enabled</MfaDelete>", result: "NotImplemented" },
])("VersioningConfiguration $inside is $result", ({ inside, result }) => {
  let state = "";
  const code = codeOf(() => {
    state = parseVersioningConfiguration(bytes(`<VersioningConfiguration>${inside}</VersioningConfiguration>`));
  });
  expect(code === "accepted" ? state : code).toContain(result);
});

const object = (inside: string) => `<Object>${inside}</Object>`;
const deletion = (inside: string) => bytes(xmlDocument("Delete", inside));

test("Delete names keys, versions and conditions", () => {
  const body = deletion(
    `<Quiet>true</Quiet>${object("<Key>a&amp;b</Key>")}${object('<Key> c </Key><VersionId>v</VersionId><ETag>"e"</ETag>')}${object("<Key>d</Key><VersionId/>")}`,
  );
  expect(parseDelete(body)).toEqual({
    isQuiet: true,
    objects: [
      { key: "a&b", versionId: undefined, etag: undefined },
      { key: " c ", versionId: "v", etag: "e" },
      { key: "d", versionId: undefined, etag: undefined },
    ],
  });
});

test.each([
  { inside: "", code: "MalformedXML", why: "no object" },
  { inside: object("<Key>a</Key>").repeat(1001), code: "MalformedXML", why: "more than 1,000" },
  { inside: object(""), code: "MalformedXML", why: "no key" },
  { inside: object("<Key/>"), code: "UserKeyMustBeSpecified", why: "an empty key" },
  { inside: object(`<Key>${"ä".repeat(513)}</Key>`), code: "KeyTooLongError", why: "a key over 1,024 bytes" },
  { inside: object("<Key><a/></Key>"), code: "MalformedXML", why: "elements in a key" },
  { inside: `<Quiet>yes</Quiet>${object("<Key>a</Key>")}`, code: "MalformedXML", why: "Quiet is true or false" },
])("Delete is refused with $code: $why", ({ inside, code }) => {
  expect(codeOf(() => parseDelete(deletion(inside)))).toContain(code);
});

test("1,000 of the longest keys can be deleted at once", () => {
  const inside = object(`<Key>${"k".repeat(1024)}</Key><VersionId>${"v".repeat(32)}</VersionId>`).repeat(1000);
  expect(parseDelete(deletion(inside)).objects).toHaveLength(1000);
});

const part = (number: number | string, more = "") =>
  `<Part><PartNumber>${number}</PartNumber><ETag>&quot;e&quot;</ETag>${more}</Part>`;
const completion = (inside: string) => bytes(xmlDocument("CompleteMultipartUpload", inside));

test("CompleteMultipartUpload names parts with their checksums", () => {
  const body = completion(part(1) + part(3, "<ChecksumSHA256>s</ChecksumSHA256>"));
  expect(parseCompleteMultipartUpload(body)).toEqual([
    { partNumber: 1, etag: "e", checksum: undefined },
    { partNumber: 3, etag: "e", checksum: { algorithm: "SHA256", value: "s" } },
  ]);
});

test("an upload of 10,000 parts with SHA-256 can be completed, one of 10,001 cannot", () => {
  const checksum = `<ChecksumSHA256>${"s".repeat(44)}</ChecksumSHA256>`;
  const parts = Array.from({ length: 10_000 }, (_, index) => part(index + 1, checksum)).join("\n");
  expect(parseCompleteMultipartUpload(completion(parts))).toHaveLength(10_000);
  expect(codeOf(() => parseCompleteMultipartUpload(completion(parts + part(10_001))))).toContain("InvalidArgument");
});

test.each([
  { inside: "", code: "MalformedXML", why: "no part" },
  { inside: part(2) + part(1), code: "InvalidPartOrder", why: "falling numbers" },
  { inside: part(1) + part(1), code: "InvalidPartOrder", why: "a number twice" },
  { inside: part(0), code: "InvalidArgument", why: "parts count from 1" },
  { inside: part("x"), code: "MalformedXML", why: "a number that is none" },
  { inside: "<Part><PartNumber>1</PartNumber></Part>", code: "MalformedXML", why: "no ETag" },
  { inside: "<Part><ETag>e</ETag></Part>", code: "MalformedXML", why: "no number" },
])("CompleteMultipartUpload is refused with $code: $why", ({ inside, code }) => {
  expect(codeOf(() => parseCompleteMultipartUpload(completion(inside)))).toContain(code);
});

test.each(["", "0", "10001", "1.5", "-1", "1e3", "99999999"])("the part number %j is refused", (text) => {
  expect(codeOf(() => parsePartNumber(text))).toContain("InvalidArgument");
});

test("part numbers go from 1 to 10,000", () => {
  expect([parsePartNumber("1"), parsePartNumber("10000")]).toEqual([1, 10_000]);
});

test("attributes are named in one header or in many", () => {
  expect([...parseObjectAttributes(["ETag, ObjectSize", "Checksum"])]).toEqual(["ETag", "ObjectSize", "Checksum"]);
  expect(codeOf(() => parseObjectAttributes(["Owner"]))).toContain("InvalidArgument");
  expect(codeOf(() => parseObjectAttributes([" ,"]))).toContain("InvalidRequest");
});

type Pair = readonly [string, string];
const tagging = (pairs: readonly Pair[]) =>
  bytes(
    xmlDocument(
      "Tagging",
      element(
        "TagSet",
        pairs.map(([key, value]) => element("Tag", textElement("Key", key) + textElement("Value", value))).join(""),
      ),
    ),
  );

const many = (count: number) => Array.from({ length: count }, (_, index): Pair => [`k${index}`, "v"]);

test.each([
  { pairs: [], why: "none" },
  { pairs: [["a", ""]], why: "an empty value" },
  {
    pairs: [
      ["__proto__", "x"],
      ["constructor", "y"],
    ],
    why: "names of the language",
  },
  { pairs: [["größe + 1.0:/=@_-", "鏡 x"]], why: "every allowed kind of character" },
  { pairs: [["k".repeat(128), "v".repeat(256)]], why: "the longest" },
  { pairs: many(MAX_OBJECT_TAGS), why: "ten" },
] as { pairs: Pair[]; why: string }[])("tags are the same from a document and from a header: $why", ({ pairs }) => {
  const fromDocument = parseTagging(tagging(pairs), MAX_OBJECT_TAGS);
  expect(Object.entries(fromDocument)).toEqual(pairs);
  const header = pairs.map((pair) => pair.map(encodeURIComponent).join("=")).join("&");
  expect(Object.entries(parseTaggingHeader(header))).toEqual(pairs);
});

test.each([
  { pairs: many(11), code: "BadRequest", why: "eleven" },
  {
    pairs: [
      ["a", "1"],
      ["a", "2"],
    ],
    code: "InvalidTag: Cannot provide multiple Tags",
    why: "a name twice",
  },
  { pairs: [["", "v"]], code: "InvalidTag: The TagKey", why: "an empty name" },
  { pairs: [["k".repeat(129), "v"]], code: "InvalidTag: The TagKey", why: "a name too long" },
  { pairs: [["a", "v".repeat(257)]], code: "InvalidTag: The TagValue", why: "a value too long" },
  { pairs: [["a<b", "v"]], code: "InvalidTag: The TagKey", why: "a character that is not allowed" },
  { pairs: [["a", "v\n"]], code: "InvalidTag: The TagValue", why: "a line end" },
  { pairs: [["aws:x", "v"]], code: "InvalidTag: System tags", why: "a name of the system" },
] as { pairs: Pair[]; code: string; why: string }[])("tags are refused with $code: $why", ({ pairs, code }) => {
  expect(codeOf(() => parseTagging(tagging(pairs), MAX_OBJECT_TAGS))).toContain(code);
  const header = pairs.map((pair) => pair.map(encodeURIComponent).join("=")).join("&");
  expect(codeOf(() => parseTaggingHeader(header))).toContain(code);
});

test("a bucket has up to 50 tags", () => {
  expect(Object.keys(parseTagging(tagging(many(50)), MAX_BUCKET_TAGS))).toHaveLength(50);
  expect(codeOf(() => parseTagging(tagging(many(51)), MAX_BUCKET_TAGS))).toContain("BadRequest: Bucket tags");
});

test("a header of tags that cannot be decoded is refused", () => {
  expect(codeOf(() => parseTaggingHeader("a=%zz"))).toContain("InvalidArgument");
});

test("whatever document comes, it is read or refused with an error of S3", () => {
  const names = [
    "Delete",
    "Object",
    "Key",
    "Tagging",
    "TagSet",
    "Tag",
    "Value",
    "Part",
    "ETag",
    "PartNumber",
    "CompleteMultipartUpload",
    "CreateBucketConfiguration",
    "LocationConstraint",
  ];
  const tree = fc.letrec<{ node: string }>((tie) => ({
    node: fc.oneof(
      { maxDepth: 5, withCrossShrink: true },
      fc.constantFrom("a", "1", ""),
      fc
        .tuple(fc.constantFrom(...names), fc.array(tie("node"), { maxLength: 4 }))
        .map(([name, inside]) => element(name, inside.join(""))),
    ),
  })).node;
  const readers = [
    parseCreateBucketConfiguration,
    parseVersioningConfiguration,
    parseDelete,
    parseCompleteMultipartUpload,
    (body: Uint8Array) => parseTagging(body, 10),
  ];
  fc.assert(
    fc.property(tree, (xml) => {
      for (const read of readers) expect(typeof codeOf(() => read(bytes(xml)))).toBe("string");
    }),
    { numRuns: 500 },
  );
});

test("1,000 of the longest keys, with every character escaped, are one document", () => {
  const key = "&quot;".repeat(1_024);
  const text = `<Delete>${`<Object><Key>${key}</Key><VersionId>${"v".repeat(32)}</VersionId></Object>`.repeat(1_000)}</Delete>`;
  const { objects } = parseDelete(Buffer.from(text));
  expect([objects.length, objects[999]?.key]).toEqual([1_000, '"'.repeat(1_024)]);
  expect(codeOf(() => parseDelete(Buffer.alloc(MAX_DELETE_BYTES + 1, " ")))).toContain("MaxMessageLengthExceeded");
});
