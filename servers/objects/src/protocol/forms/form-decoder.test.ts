import fc from "fast-check";
import { expect, test } from "vitest";
import { codeOf } from "../../../test/support/signed-requests.ts";
import { FormDecoder, fillFileName, MAX_FORM_BYTES_BEFORE_FILE, MAX_FORM_FIELDS, parseBoundary } from "./index.ts";

const BOUNDARY = "----x-7";

function field(name: string, value: string): string {
  return `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
}

const fileHead = (more = '; filename="a.png"\r\nContent-Type: image/png') =>
  `--${BOUNDARY}\r\nContent-Disposition: form-data; name="file"${more}\r\n\r\n`;
const END = `\r\n--${BOUNDARY}--\r\n`;

function decode(body: Uint8Array, cuts: readonly number[] = []) {
  const decoder = new FormDecoder(BOUNDARY);
  const file: Uint8Array[] = [];
  let start = 0;
  for (let turn = 0; start < body.length; turn++) {
    const size = cuts.length === 0 ? body.length : cuts[turn % cuts.length]!;
    // Given in an array that is used again, as sockets do.
    const piece = Uint8Array.from(body.subarray(start, start + size));
    for (const part of decoder.push(piece)) file.push(Uint8Array.from(part));
    piece.fill(0xff);
    start += size;
  }
  decoder.finish();
  return { fields: decoder.fields!, file: Buffer.concat(file) };
}

test("a form comes back as it was sent, however the network cuts it", () => {
  const name = fc.constantFrom("key", "Content-Type", "x-amz-meta-a", "policy");
  // Files that are full of what could be a delimiter.
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 20 }),
    fc
      .constantFrom("\r", "\n", "\r\n", "\r\n-", "\r\n--", `\r\n--${BOUNDARY.slice(0, -1)}`, "--")
      .map((text) => Buffer.from(text)),
  );
  const value = fc.string({ unit: "grapheme" }).map((text) => text.replaceAll(/[\r\0]/g, ""));
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.tuple(name, value), { selector: ([key]) => key }),
      fc.array(piece, { maxLength: 12 }),
      fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 6 }),
      fc.boolean(),
      (fields, pieces, cuts, hasMore) => {
        const file = Buffer.concat(pieces);
        fc.pre(!file.includes(`\r\n--${BOUNDARY}`));
        const body = Buffer.concat([
          Buffer.from(fields.map(([key, text]) => field(key, text)).join("") + fileHead()),
          file,
          Buffer.from(hasMore ? `\r\n${field("submit", "late")}--${BOUNDARY}--` : END),
        ]);
        const decoded = decode(body, cuts);
        expect([...decoded.fields.values]).toEqual(fields.map(([key, text]) => [key.toLowerCase(), text]));
        expect(decoded.file.equals(file)).toBe(true);
      },
    ),
    { numRuns: 300 },
  );
});

test("a large file is given as views of what came in", () => {
  const decoder = new FormDecoder(BOUNDARY);
  decoder.push(Buffer.from(field("key", "k") + fileHead()));
  expect(decoder.fields).toMatchObject({ fileName: "a.png", fileType: "image/png" });
  const large = new Uint8Array(1 << 20).fill(0x0d);
  large[large.length - 1] = 0;
  const pieces = decoder.push(large);
  expect([pieces.length, pieces[0]?.buffer === large.buffer]).toEqual([1, true]);
  decoder.push(Buffer.from(END));
  decoder.finish();
});

test("one piece may hold the fields and a file beyond the limit of the fields", () => {
  const file = Buffer.alloc(100_000, 7);
  expect(
    decode(Buffer.concat([Buffer.from(field("key", "k") + fileHead()), file, Buffer.from(END)])).file.equals(file),
  ).toBe(true);
});

test.each([
  { head: fileHead(""), fileName: "", fileType: undefined, why: "no name, no type" },
  {
    head: fileHead('; filename="a \\"b\\" %22c%22.png"'),
    fileName: 'a "b" "c".png',
    fileType: undefined,
    why: "quotes in a name",
  },
  { head: fileHead("; filename=plain.png"), fileName: "plain.png", fileType: undefined, why: "a name without quotes" },
  { head: fileHead('; filename="鏡.png"'), fileName: "鏡.png", fileType: undefined, why: "a name beyond ASCII" },
  {
    head: `--${BOUNDARY}\r\ncontent-type: a/b\r\nCONTENT-DISPOSITION:form-data;NAME=File\r\n\r\n`,
    fileName: "",
    fileType: "a/b",
    why: "case and order do not matter",
  },
])("the head of a file: $why", ({ head, fileName, fileType }) => {
  expect(decode(Buffer.from(head + END)).fields).toMatchObject({ fileName, fileType });
});

test("the type of the file's part does not go around a policy", () => {
  expect(decode(Buffer.from(field("policy", "p") + fileHead() + END)).fields).toMatchObject({
    fileName: "a.png",
    fileType: undefined,
  });
});

const many = (count: number) => Array.from({ length: count }, (_, index) => field(`f${index}`, "")).join("");

test.each([
  { body: "", code: "MalformedPOSTRequest", why: "nothing" },
  { body: "hello", code: "MalformedPOSTRequest", why: "no delimiter" },
  { body: `--${BOUNDARY}--\r\n`, code: "IncorrectNumberOfFilesInPostRequest", why: "no field and no file" },
  { body: `${field("key", "k")}--${BOUNDARY}--\r\n`, code: "IncorrectNumberOfFilesInPostRequest", why: "no file" },
  { body: field("key", "k") + field("KEY", "l"), code: "MalformedPOSTRequest", why: "a field twice" },
  { body: field("", "k"), code: "MalformedPOSTRequest", why: "a field without name" },
  {
    body: `--${BOUNDARY}\r\nContent-Disposition: form-data\r\n\r\nv\r\n`,
    code: "MalformedPOSTRequest",
    why: "no name at all",
  },
  {
    body: `--${BOUNDARY}\r\nContent-Disposition: attachment; name="key"\r\n\r\nv\r\n`,
    code: "MalformedPOSTRequest",
    why: "no form data",
  },
  { body: `--${BOUNDARY}\r\nContent-Type: a/b\r\n\r\nv\r\n`, code: "MalformedPOSTRequest", why: "no disposition" },
  { body: `--${BOUNDARY}\r\nnonsense\r\n\r\nv\r\n`, code: "MalformedPOSTRequest", why: "a header that is none" },
  { body: `--${BOUNDARY}x`, code: "MalformedPOSTRequest", why: "another boundary" },
  { body: fileHead(), code: "MalformedPOSTRequest", why: "cut before the file" },
  {
    body: `${fileHead()}bytes\r\n--${BOUNDARY.slice(0, 3)}`,
    code: "MalformedPOSTRequest",
    why: "cut in the last delimiter",
  },
  { body: `${field("key", "\u0000\xff").slice(0, -2)}`, code: "MalformedPOSTRequest", why: "cut in a field" },
  {
    body: field("key", "k".repeat(MAX_FORM_BYTES_BEFORE_FILE)) + fileHead() + END,
    code: "MaxPostPreDataLengthExceededError",
    why: "fields too large",
  },
  { body: many(MAX_FORM_FIELDS + 1) + fileHead() + END, code: "MalformedPOSTRequest", why: "too many fields" },
])("a form is refused with $code: $why", ({ body, code }) => {
  for (const cuts of [[], [1]]) expect(codeOf(() => decode(Buffer.from(body), cuts))).toContain(code);
});

test("NUL in a value or a name is refused", () => {
  for (const each of [field("key", "a\0b"), field("a\0", "b")]) {
    expect(codeOf(() => decode(Buffer.from(each + fileHead() + END)))).toContain("MalformedPOSTRequest");
  }
});

test("a value that is no UTF-8 is refused", () => {
  expect(codeOf(() => decode(Buffer.from(field("key", "\u00ff") + fileHead() + END, "latin1")))).toContain(
    "MalformedPOSTRequest",
  );
});

test.each([
  { type: "multipart/form-data; boundary=abc", boundary: "abc", why: "the usual form" },
  { type: 'Multipart/Form-Data; charset=utf-8; boundary="a b"', boundary: "a b", why: "quotes and other parameters" },
  { type: "multipart/form-data;boundary=abc; charset=utf-8", boundary: "abc", why: "parameters behind" },
  { type: "multipart/form-data", code: "MalformedPOSTRequest", why: "no boundary" },
  { type: "multipart/form-data; boundary=", code: "MalformedPOSTRequest", why: "an empty one" },
  {
    type: `multipart/form-data; boundary=${"a".repeat(71)}`,
    code: "MalformedPOSTRequest",
    why: "more than 70 characters",
  },
  { type: "application/x-www-form-urlencoded", code: "RequestIsNotMultiPartContent", why: "another type" },
  { type: undefined, code: "RequestIsNotMultiPartContent", why: "no type" },
])("Content-Type $type: $why", ({ type, boundary, code }) => {
  let found: string | undefined;
  const refused = codeOf(() => {
    found = parseBoundary(type);
  });
  if (code === undefined) expect(found).toBe(boundary);
  else expect(refused).toContain(code);
});

test("a key takes the name of the file, without its path and without magic", () => {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the form says it in these letters.
  const key = "user/${filename}";
  expect(fillFileName(key, "C:\\photos\\a.png")).toBe("user/a.png");
  expect(fillFileName(key, "../../etc/passwd")).toBe("user/passwd");
  expect(fillFileName(key, "$&")).toBe("user/$&");
  expect(fillFileName("fixed", "a")).toBe("fixed");
});

test("any bytes are a form or refused with an error of S3", () => {
  const piece = fc.oneof(
    fc.constantFrom(
      `--${BOUNDARY}`,
      "\r\n",
      "\r\n\r\n",
      "--",
      'Content-Disposition: form-data; name="file"',
      'Content-Disposition: form-data; name="a"',
      ";",
      "=",
    ),
    fc.string({ unit: "binary-ascii", maxLength: 5 }),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
      expect(typeof codeOf(() => decode(Buffer.from(pieces.join("")), [7]))).toBe("string");
    }),
    { numRuns: 1_000 },
  );
});

test("a body of one byte pieces and of line ends costs little", () => {
  const started = performance.now();
  codeOf(() => decode(Buffer.from(field("key", "\r\n-".repeat(6_000))), [1]));
  decode(Buffer.concat([Buffer.from(fileHead()), Buffer.from("\r\n--".repeat(100_000)), Buffer.from(END)]), [1_000]);
  expect(performance.now() - started).toBeLessThan(3_000);
});
