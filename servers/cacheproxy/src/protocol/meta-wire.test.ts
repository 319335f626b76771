import fc from "fast-check";
import { expect, test } from "vitest";
import type { MetaReply, MetaRequest } from "../engine/meta.ts";
import { ascii, asciiText } from "./ascii.ts";
import { ParseOutcome, ReplyShape } from "./codes.ts";
import { decodeMeta, encodeMeta } from "./meta-wire.ts";
import { formatReply } from "./reply-format.ts";
import { ReplyParser } from "./reply-parser.ts";
import { metaFromRequest, requestContext } from "./request-conversion.ts";
import { RequestParser } from "./request-parser.ts";
import { TEST_LIMITS } from "./test-requests.ts";

function parsed(wire: Uint8Array): RequestParser {
  const parser = new RequestParser(TEST_LIMITS);
  expect(parser.parse(wire, 0, wire.length)).toBe(ParseOutcome.WHOLE);
  expect(parser.requestEnd).toBe(wire.length);
  return parser;
}

const flags = fc.uniqueArray(fc.constantFrom("v", "t", "f", "T60", "c", "s", "N30", "D5", "P/x"), { maxLength: 6 });

test("a meta request is the same after it was written and read, whatever bytes are in its key", () => {
  const key = fc.oneof(fc.uint8Array({ minLength: 1, maxLength: 186 }), fc.constant(ascii("k\r")));
  const verb = fc.constantFrom("mg" as const, "ms" as const, "md" as const, "ma" as const);
  fc.assert(
    fc.property(verb, key, flags, fc.uint8Array({ maxLength: 30 }), (name, bytes, words, value) => {
      const request: MetaRequest = { verb: name, key: bytes, flags: words, ...(name === "ms" ? { value } : {}) };
      const wire = encodeMeta(request);
      expect(metaFromRequest(parsed(wire), wire)).toEqual(request);
    }),
    { numRuns: 500 },
  );
});

test("a reply is the same after it was framed and read", () => {
  fc.assert(
    fc.property(flags, fc.uint8Array({ maxLength: 40 }), fc.boolean(), (words, value, isHit) => {
      const head = isHit ? `VA ${value.length}` : "HD";
      const line = ascii(`${[head, ...words].join(" ")}\r\n`);
      const wire = isHit ? Uint8Array.from([...line, ...value, 13, 10]) : line;
      const end = new ReplyParser().parse(wire, 0, wire.length, ReplyShape.META);
      expect(end).toBe(wire.length);
      expect(decodeMeta(wire, 0, end)).toEqual(
        isHit ? { code: "VA", flags: words, value } : { code: "HD", flags: words },
      );
    }),
  );
});

const HIT: MetaReply = { code: "VA", flags: ["f5", "c7"], value: ascii("abc") };
const DONE: MetaReply = { code: "HD", flags: [] };

test.each([
  { request: "get a\r\n", meta: "mg a f v\r\n", reply: HIT, told: "VALUE a 5 3\r\nabc\r\nEND\r\n" },
  { request: "gets a\r\n", meta: "mg a f c v\r\n", reply: HIT, told: "VALUE a 5 3 7\r\nabc\r\nEND\r\n" },
  { request: "gat -1 a\r\n", meta: "mg a T-1 f v\r\n", reply: { code: "EN", flags: [] }, told: "END\r\n" },
  { request: "touch a +5\r\n", meta: "mg a T5\r\n", reply: { code: "EN", flags: [] }, told: "NOT_FOUND\r\n" },
  { request: "delete a 0\r\n", meta: "md a\r\n", reply: DONE, told: "DELETED\r\n" },
  {
    request: "decr a 7\r\n",
    meta: "ma a MD v D7\r\n",
    reply: { code: "VA", flags: [], value: ascii("3") },
    told: "3\r\n",
  },
  { request: "set a 5 60 1\r\nx\r\n", meta: "ms a 1 T60 F5\r\nx\r\n", reply: DONE, told: "STORED\r\n" },
  {
    request: "append a 5 60 1\r\nx\r\n",
    meta: "ms a 1 MA\r\nx\r\n",
    reply: { code: "NS", flags: [] },
    told: "NOT_STORED\r\n",
  },
  {
    request: "cas a 5 0 1 9\r\nx\r\n",
    meta: "ms a 1 T0 F5 C9\r\nx\r\n",
    reply: { code: "EX", flags: [] },
    told: "EXISTS\r\n",
  },
  { request: "set a 5 60 1 noreply\r\nx\r\n", meta: "ms a 1 T60 F5\r\nx\r\n", reply: DONE, told: "" },
  { request: "mg a k O1 f c v\r\n", meta: "mg a f c v\r\n", reply: HIT, told: "VA 3 ka O1 f5 c7\r\nabc\r\n" },
  {
    request: "mg YiA= v c f b k q\r\n",
    meta: "mg YiA= b v c f\r\n",
    reply: { code: "HD", flags: ["f5", "W"] },
    told: "HD f5 kYiA= b W\r\n",
  },
  { request: "mg a q k\r\n", meta: "mg a\r\n", reply: { code: "EN", flags: [] }, told: "" },
] satisfies { request: string; meta: string; reply: MetaReply; told: string }[])(
  "$request is $meta in the inner language, and its reply is told in its own words",
  ({ request, meta, reply, told }) => {
    const wire = ascii(request);
    const parser = parsed(wire);
    const encoded = encodeMeta(metaFromRequest(parser, wire));
    expect(asciiText(encoded, 0, encoded.length)).toBe(meta);
    const bytes = formatReply(requestContext(parser, wire), reply);
    expect(asciiText(bytes, 0, bytes.length)).toBe(told);
  },
);

test.each([0x20, 0x21, 0x22])("SASL, opcode %i, is refused with words that say why", (opcode) => {
  const wire = new Uint8Array(24 + 5);
  wire.set([0x80, opcode, 0, 5, 0, 0, 0, 0, 0, 0, 0, 5]);
  const parser = new RequestParser(TEST_LIMITS);
  expect(parser.parse(wire, 0, wire.length)).toBe(ParseOutcome.REFUSED);
  expect(parser.requestEnd).toBe(wire.length);
  expect(parser.errorReply[7]).toBe(0x81);
  expect(asciiText(parser.errorReply, 24, parser.errorReply.length)).toBe("SASL is not supported");
});
