import fc from "fast-check";
import { expect, test } from "vitest";
import { PLAIN_BODY_BYTES, PLAIN_HEAD_BYTES, parsePlainHead } from "./plain-head.ts";

const LINES = "GET /a/b%20c?x=1&y HTTP/1.1\r\nHost: h\r\n";
const parse = (bytes: Buffer) => parsePlainHead(bytes, PLAIN_HEAD_BYTES);
const bytesOf = (text: string): Buffer => Buffer.from(text, "latin1");

test("a head is read as it was sent, and the next request begins behind it", () => {
  const text = `${LINES}Range:\t bytes=0-1 \t\r\nempty:\r\n\r\nGET`;
  expect(parse(bytesOf(text))).toEqual({
    method: "GET",
    url: "/a/b%20c?x=1&y",
    rawHeaders: ["Host", "h", "Range", "bytes=0-1", "empty", ""],
    endOffset: text.length - 3,
    bodyBytes: 0,
  });
});

test.each([
  { text: "HEAD / HTTP/1.1\r\nhost: h\r\n\r\n", why: "HEAD" },
  { text: `${LINES}Connection: Keep-Alive\r\n\r\n`, why: "what HTTP/1.1 does anyway" },
  { text: `${LINES}content-length: 0\r\n\r\n`, why: "a length that says that there is no body" },
])("$why is plain", ({ text }) => {
  expect(parse(bytesOf(text))).toMatchObject({ endOffset: text.length });
});

test.each([
  { length: "0", bodyBytes: 0, why: "an empty body" },
  { length: "5", bodyBytes: 5, why: "a body" },
  { length: ` ${PLAIN_BODY_BYTES}\t`, bodyBytes: PLAIN_BODY_BYTES, why: "the longest body" },
])("a PUT with $why is plain, and says where its body begins", ({ length, bodyBytes }) => {
  const text = `PUT / HTTP/1.1\r\nhost: h\r\ncontent-length:${length}\r\n\r\n`;
  expect(parse(bytesOf(`${text}hello`))).toMatchObject({ method: "PUT", endOffset: text.length, bodyBytes });
});

test.each([
  { lines: "", why: "no length, so that more may be said of its body" },
  { lines: `content-length: ${PLAIN_BODY_BYTES + 1}\r\n`, why: "a longer body" },
  { lines: "content-length: 10000000\r\n", why: "a length of more digits" },
  { lines: "content-length: 05\r\n", why: "a zero before its length" },
  { lines: "content-length: +5\r\n", why: "a sign before its length" },
  { lines: "content-length: 0x5\r\n", why: "a length of another base" },
  { lines: "content-length: 5 5\r\n", why: "a space in its length" },
  { lines: "content-length:\r\n", why: "an empty length" },
  { lines: "content-length: 5\r\ncontent-length: 5\r\n", why: "two lengths" },
  { lines: "content-length: 5\r\ntransfer-encoding: chunked\r\n", why: "a length and chunks" },
  { lines: "content-length: 5\r\nexpect: 100-continue\r\n", why: "a body that waits to be asked for" },
])("a PUT with $why is left to the whole parser", ({ lines }) => {
  expect(parse(bytesOf(`PUT / HTTP/1.1\r\nhost: h\r\n${lines}\r\nhello`))).toBe("unusual");
});

test.each([
  { text: "POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 1\r\n\r\nx", why: "another method with a body" },
  { text: "get / HTTP/1.1\r\nhost: h\r\n\r\n", why: "a method in small letters" },
  { text: "GETX / HTTP/1.1\r\nhost: h\r\n\r\n", why: "a longer method" },
  { text: "\r\nGET / HTTP/1.1\r\nhost: h\r\n\r\n", why: "an empty line before" },
  { text: "GET  / HTTP/1.1\r\nhost: h\r\n\r\n", why: "two spaces" },
  { text: "GET /\tHTTP/1.1\r\nhost: h\r\n\r\n", why: "a tab for a space" },
  { text: "GET http://h/ HTTP/1.1\r\nhost: h\r\n\r\n", why: "a whole URL" },
  { text: "GET * HTTP/1.1\r\nhost: h\r\n\r\n", why: "no path" },
  { text: "GET /#a HTTP/1.1\r\nhost: h\r\n\r\n", why: "a fragment" },
  { text: "GET /\xe4 HTTP/1.1\r\nhost: h\r\n\r\n", why: "a byte of no ASCII in the target" },
  { text: "GET / HTTP/1.0\r\nhost: h\r\n\r\n", why: "an older version" },
  { text: "GET / HTTP/1.1\nhost: h\r\n\r\n", why: "a line that ends without CR" },
  { text: "GET / HTTP/1.1\r\n\r\n", why: "no host" },
  { text: `${LINES}host: h\r\n\r\n`, why: "two hosts" },
  { text: `${LINES}a: b\n\r\n`, why: "a bare LF behind a value" },
  { text: `${LINES}a: b\rc\r\n\r\n`, why: "a bare CR in a value" },
  { text: `${LINES}\rX\n`, why: "a bare CR at the end" },
  { text: `${LINES}a: b\0\r\n\r\n`, why: "a NUL" },
  { text: `${LINES}a: \xe4\r\n\r\n`, why: "a byte of no ASCII in a value" },
  { text: `${LINES}a : b\r\n\r\n`, why: "a space before the colon" },
  { text: `${LINES} a: b\r\n\r\n`, why: "a folded line" },
  { text: `${LINES}: b\r\n\r\n`, why: "no name" },
  { text: `${LINES}a\r\n\r\n`, why: "no colon" },
  { text: `${LINES}Content-Length: 1\r\n\r\nx`, why: "a body" },
  { text: `${LINES}content-length: 0\r\ncontent-length: 0\r\n\r\n`, why: "two lengths" },
  { text: `${LINES}content-length: 00\r\n\r\n`, why: "a length that is written otherwise" },
  { text: `${LINES}content-length: 0, 0\r\n\r\n`, why: "a list of lengths" },
  { text: `${LINES}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, why: "a body in chunks" },
  { text: `${LINES}transfer-encoding: identity\r\n\r\n`, why: "any coding at all" },
  { text: `${LINES}expect: 100-continue\r\n\r\n`, why: "an expectation" },
  { text: `${LINES}connection: close\r\n\r\n`, why: "a connection that ends" },
  { text: `${LINES}connection: keep-alive, upgrade\r\n\r\n`, why: "more than one wish" },
  { text: `${LINES}upgrade: h2c\r\n\r\n`, why: "another protocol" },
  { text: `${LINES}${"a: b\r\n".repeat(64)}\r\n`, why: "more headers than are read here" },
  { text: `GET /${"a".repeat(PLAIN_HEAD_BYTES)}`, why: "a target that is too long, before it ends" },
  { text: `${LINES}a: ${"b".repeat(PLAIN_HEAD_BYTES)}`, why: "a head that is too long, before it ends" },
])("$why is left to the whole parser", ({ text }) => {
  expect(parse(bytesOf(text))).toBe("unusual");
});

test("every beginning of a head asks for more, and what follows it changes nothing", () => {
  const text = `${LINES}Range: bytes=0-1\r\nuser-agent: x\r\n\r\n`;
  for (let length = 0; length < text.length; length++) {
    expect(parse(bytesOf(text.slice(0, length))), text.slice(0, length)).toBeUndefined();
  }
  const whole = parse(bytesOf(text));
  fc.assert(
    fc.property(fc.uint8Array(), (more) => {
      expect(parse(Buffer.concat([bytesOf(text), more]))).toEqual(whole);
    }),
  );
});

test("any bytes are read, refused, or asked to go on", () => {
  const piece = fc.constantFrom(
    ...["GET ", "HEAD ", "PUT ", "/a", " HTTP/1.1", "\r\n", "host: h", "content-length: 3", ":", " ", "\r", "\n", "a"],
  );
  const bytes = fc.oneof(
    fc.array(piece).map((pieces) => bytesOf(pieces.join(""))),
    fc.uint8Array().map(Buffer.from),
  );
  fc.assert(
    fc.property(bytes, (input) => {
      const head = parse(input);
      if (head !== undefined && head !== "unusual") expect(head.endOffset).toBeLessThanOrEqual(input.length);
    }),
  );
});
