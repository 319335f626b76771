import fc from "fast-check";
import { expect, test } from "vitest";
import { codeOf } from "../../../test/support/signed-requests.ts";
import {
  childrenOf,
  element,
  escapeXml,
  MAX_XML_ATTRIBUTES,
  MAX_XML_BYTES,
  MAX_XML_DEPTH,
  MAX_XML_ELEMENTS,
  parseXml,
  textElement,
  textOf,
  urlEncodeKey,
  xmlDocument,
} from "./index.ts";

const parse = (text: string) => parseXml(Buffer.from(text));

test("what is written is read back", () => {
  const text = fc.string({ unit: "grapheme" }).filter((each) => each.isWellFormed() && !each.includes("\0"));
  fc.assert(
    fc.property(fc.array(text), (texts) => {
      const xml = xmlDocument("List", texts.map((each) => element("Item", textElement("Key", each))).join(""));
      const read = childrenOf(parse(xml), "Item").map((item) => textOf(item, "Key"));
      // U+FFFE and U+FFFF cannot be written.
      expect(read).toEqual(texts.map((each) => each.replace(/[\ufffe\uffff]/g, "\ufffd")));
    }),
  );
});

test.each([
  { xml: "<a/>", text: "", why: "an empty element" },
  { xml: "<a></a >", text: "", why: "space in the end tag" },
  {
    xml: '\ufeff<?xml version="1.0" encoding="UTF-8"?>\n<a>x</a>\n',
    text: "x",
    why: "mark, declaration and line ends",
  },
  { xml: "<?xml version='1.0'?><a>x</a>", text: "x", why: "a declaration without encoding" },
  { xml: '<s3:a xmlns:s3="urn:x" b = "c">x</s3:a>', text: "x", why: "a namespace prefix" },
  { xml: "<a><!-- <b> & -->x<!----></a>", text: "x", why: "comments" },
  { xml: "<a>1<![CDATA[<&>]]>2</a>", text: "1<&>2", why: "CDATA" },
  { xml: "<a>&lt;&gt;&amp;&quot;&apos;</a>", text: "<>&\"'", why: "the five entities" },
  { xml: "<a>&#65;&#x42;&#x1f600;&#10;&#x1;</a>", text: "AB\u{1f600}\n\u0001", why: "references by number" },
  { xml: "<a> x\r\ny\rz </a>", text: " x\ny\nz ", why: "line ends become one kind, other space is kept" },
])("$xml is read: $why", ({ xml, text }) => {
  expect(parse(xml)).toMatchObject({ name: "a", text, children: [] });
});

const nested = (depth: number) => "<a>".repeat(depth) + "</a>".repeat(depth);
const attributes = (count: number) => `<a ${Array.from({ length: count }, (_, i) => `b${i}="c"`).join(" ")}/>`;
const siblings = (count: number) => `<a>${"<b/>".repeat(count - 1)}</a>`;

test.each([
  { xml: "", why: "nothing" },
  { xml: "x", why: "text only" },
  { xml: "<a>", why: "an element without end" },
  { xml: "<a></b>", why: "another end" },
  { xml: "</a>", why: "an end without start" },
  { xml: "<a/><a/>", why: "two roots" },
  { xml: "<a/>x", why: "text behind the root" },
  { xml: "<a>x<b/></a>", why: "text beside elements" },
  { xml: "<!DOCTYPE a><a/>", why: "a document type" },
  { xml: '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', why: "an entity of its own" },
  { xml: "<a>&x;</a>", why: "an unknown entity" },
  { xml: "<a>&toString;</a>", why: "an entity named like a method" },
  { xml: "<a>&amp</a>", why: "an entity without end" },
  { xml: "<a>&#0;</a>", why: "NUL" },
  { xml: "<a>&#xd800;</a>", why: "a surrogate" },
  { xml: "<a>&#x110000;</a>", why: "beyond Unicode" },
  { xml: "<a>&#x;</a>", why: "a reference without digits" },
  { xml: "<a><?php x ?></a>", why: "a processing instruction" },
  { xml: ' <?xml version="1.0"?><a/>', why: "a declaration that is not first" },
  { xml: '<?xml version="1.0" encoding="UTF-16"?><a/>', why: "another encoding" },
  { xml: "<![CDATA[x]]><a/>", why: "CDATA outside" },
  { xml: "<a><![CDATA[x</a>", why: "CDATA without end" },
  { xml: "<a><!-- x</a>", why: "a comment without end" },
  { xml: "<a b/>", why: "an attribute without value" },
  { xml: "<a b=c/>", why: "a value without quotes" },
  { xml: '<a b="c"d="e"/>', why: "no space between attributes" },
  { xml: '<a b="c" b="d"/>', why: "an attribute twice" },
  { xml: '<a b="<"/>', why: "a tag in a value" },
  { xml: "<1/>", why: "a name that is none" },
  { xml: "<a", why: "cut in a tag" },
  { xml: nested(MAX_XML_DEPTH + 1), why: "too deep" },
  { xml: attributes(MAX_XML_ATTRIBUTES + 1), why: "too many attributes" },
  { xml: siblings(MAX_XML_ELEMENTS + 1), why: "too many elements" },
])("a document is refused: $why", ({ xml }) => {
  expect(codeOf(() => parse(xml))).toContain("MalformedXML");
});

test("documents at the limits are read", () => {
  for (const xml of [nested(MAX_XML_DEPTH), attributes(MAX_XML_ATTRIBUTES), siblings(MAX_XML_ELEMENTS)]) parse(xml);
  parse(`<a>${"x".repeat(MAX_XML_BYTES - 7)}</a>`);
});

test("a document beyond the limit is refused before it is read", () => {
  expect(codeOf(() => parseXml(new Uint8Array(MAX_XML_BYTES + 1)))).toContain("MaxMessageLengthExceeded");
  expect(codeOf(() => parseXml(new Uint8Array(11), 10))).toContain("MaxMessageLengthExceeded");
});

test("bytes that are not UTF-8 are refused", () => {
  expect(codeOf(() => parseXml(Buffer.from([0x3c, 0x61, 0x3e, 0xff])))).toContain("MalformedXML");
});

test.each([
  { what: "starts of tags", text: "<a".repeat(300_000) },
  { what: "starts of references", text: `<a>${"&".repeat(900_000)}</a>` },
  { what: "spaces in a tag", text: `<a${" ".repeat(900_000)}` },
  { what: "quotes", text: `<a ${'b="'.repeat(300_000)}` },
  { what: "starts of comments", text: `<a>${"<!-".repeat(300_000)}` },
  { what: "end brackets", text: `<a><![CDATA[${"]]".repeat(400_000)}` },
  { what: "empty comments", text: `<a>${"<!---->".repeat(140_000)}</a>` },
])("a million characters of $what are judged in no time", ({ text }) => {
  const started = performance.now();
  codeOf(() => parse(text));
  expect(performance.now() - started).toBeLessThan(1_000);
});

test("any text is a document or refused with an error of S3", () => {
  const piece = fc.oneof(
    fc.constantFrom(
      "<",
      ">",
      "/",
      "a",
      "<a>",
      "</a>",
      "<!--",
      "-->",
      "<![CDATA[",
      "]]>",
      "&",
      ";",
      "&#",
      "=",
      '"',
      "'",
      " ",
      "<?xml",
      "?>",
    ),
    fc.string({ maxLength: 3 }),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 25 }), (pieces) => {
      expect(typeof codeOf(() => parse(pieces.join("")))).toBe("string");
    }),
    { numRuns: 2_000 },
  );
});

test("a key under encoding-type=url is decoded by every client's decoder", () => {
  const key = fc.string({ unit: "grapheme" }).filter((each) => each.isWellFormed());
  fc.assert(
    fc.property(key, (text) => {
      const encoded = urlEncodeKey(text);
      expect(encoded).toMatch(/^[\w.~/%-]*$/);
      expect(decodeURIComponent(encoded)).toBe(text);
      expect(new URLSearchParams(`k=${encoded}`).get("k")).toBe(text);
      expect(escapeXml(encoded)).toBe(encoded);
    }),
  );
});
