import fc from "fast-check";
import { expect, test } from "vitest";
import { ascii, asciiText } from "./ascii.ts";
import { AccessCode, CommandId, Dialect, ParseOutcome } from "./codes.ts";
import { MAX_COMMAND_LINE_BYTES } from "./lines.ts";
import { RequestParser } from "./request-parser.ts";
import { parseInPieces, TEST_LIMITS } from "./test-requests.ts";

const key = fc.string({ unit: fc.constantFrom(..."abcK:_\t\x01\x7f\xff"), minLength: 1, maxLength: 20 });
const value = fc.string({ unit: fc.constantFrom(..."x\r\n \0get"), maxLength: 40 });
const exptime = fc.constantFrom("0", "-1", "60", "2592001", "99999999999");
const ending = fc.constantFrom("\r\n", "\n");

/** Sound and unsound requests of all three dialects, and noise between them. */
const request = fc.oneof(
  fc
    .tuple(fc.constantFrom("get", "gets", "bget"), fc.array(key, { maxLength: 30 }), ending)
    .map(([verb, keys, end]) => {
      return `${[verb, ...keys].join(" ")}${end}`;
    }),
  fc.tuple(fc.constantFrom("gat", "gats"), exptime, fc.array(key, { maxLength: 4 })).map(([verb, time, keys]) => {
    return `${[verb, time, ...keys].join(" ")}\r\n`;
  }),
  fc
    .tuple(
      fc.constantFrom("set", "add", "replace", "append", "prepend", "cas"),
      key,
      exptime,
      value,
      fc.boolean(),
      ending,
    )
    .map(([verb, k, time, data, isQuiet, end]) => {
      const cas = verb === "cas" ? " 7" : "";
      return `${verb} ${k} 5 ${time} ${data.length}${cas}${isQuiet ? " noreply" : ""}${end}${data}\r\n`;
    }),
  fc.tuple(key, value, fc.subarray(["k", "O7", "q", "T30", "F5", "MA", "c", "z"])).map(([k, data, flags]) => {
    return `${["ms", k, data.length, ...flags].join(" ")}\r\n${data}\r\n`;
  }),
  fc
    .tuple(fc.constantFrom("mg", "md", "ma", "me"), key, fc.subarray(["k", "O7", "q", "v", "t", "N30", "b", "D5"]))
    .map((words) => `${words.flat().join(" ")}\r\n`),
  fc.constantFrom(
    "mn\r\n",
    "version\r\n",
    "flush_all 5 noreply\r\n",
    "stats items\r\n",
    "verbosity 1\r\n",
    "slabs\r\n",
  ),
  fc.tuple(fc.constantFrom("incr", "decr", "touch"), key, fc.constantFrom("1", "x", "-1")).map((words) => {
    return `${words.join(" ")}\r\n`;
  }),
  fc.string({ unit: "binary-ascii", maxLength: 30 }).map((noise) => `${noise}\r\n`),
);

const cuts = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 12 });

test("any cut of the bytes gives the same requests", () => {
  fc.assert(
    fc.property(fc.array(request, { maxLength: 12 }), cuts, (requests, pieceSizes) => {
      const wire = ascii(requests.join(""));
      expect(parseInPieces(wire, pieceSizes)).toEqual(parseInPieces(wire, []));
    }),
    { numRuns: 1_500 },
  );
});

test("any cut of a line too long ends the connection at the same place", () => {
  const long = fc.integer({ min: MAX_COMMAND_LINE_BYTES - 30, max: MAX_COMMAND_LINE_BYTES + 30 });
  fc.assert(
    fc.property(long, fc.constantFrom("get ", "mg ", "gets ", "  get "), cuts, (length, verb, pieceSizes) => {
      const wire = ascii(`${verb}${"k ".repeat(length)}`.slice(0, length - 1).concat("\nmn\r\n"));
      const whole = parseInPieces(wire, []);
      expect(parseInPieces(wire, pieceSizes)).toEqual(whole);
      expect(whole.requests[0]?.outcome === "fatal").toBe(!verb.includes("get") && length > MAX_COMMAND_LINE_BYTES);
    }),
    { numRuns: 200 },
  );
});

test("any bytes are parsed or refused, and each call goes on or asks for more", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (noise) => {
      const parser = new RequestParser(TEST_LIMITS);
      let start = 0;
      while (start < noise.length) {
        const outcome = parser.parse(noise, start, noise.length);
        if (outcome === ParseOutcome.MORE || outcome === ParseOutcome.FATAL) break;
        expect(parser.requestEnd).toBeGreaterThan(start);
        start = parser.requestEnd;
      }
    }),
    { numRuns: 3_000 },
  );
});

test("what is forwarded parses as the same request, and is not quiet", () => {
  fc.assert(
    fc.property(request, (text) => {
      for (const seen of parseInPieces(ascii(text), []).requests) {
        if (seen.outcome !== "whole" || seen.forwarded.length === 0) continue;
        seen.forwarded.forEach((wire, i) => {
          const { requests, leftBytes } = parseInPieces(ascii(wire), []);
          const [again] = requests;
          expect({ count: requests.length, leftBytes }).toEqual({ count: 1, leftBytes: 0 });
          expect(again).toMatchObject({ outcome: "whole", command: seen.command, access: seen.access, isQuiet: false });
          expect(again?.keys).toEqual(seen.forwarded.length === 1 ? seen.keys : [seen.keys[i]]);
          expect(again?.value).toBe(seen.value);
        });
      }
    }),
    { numRuns: 2_000 },
  );
});

test.each([
  { wire: "get a\r\n", command: CommandId.GET, access: AccessCode.READ, keys: ["a"], why: "the plain read" },
  {
    wire: "gat 5 a b\r\n",
    command: CommandId.GAT,
    access: AccessCode.TOUCH,
    keys: ["a", "b"],
    why: "it sets exptimes",
  },
  { wire: "mg a T5\r\n", command: CommandId.MG, access: AccessCode.TOUCH, keys: ["a"], why: "T sets the exptime" },
  { wire: "mg a N5\r\n", command: CommandId.MG, access: AccessCode.WRITE, keys: ["a"], why: "N creates an item" },
  { wire: "mg YWJj b v\r\n", command: CommandId.MG, access: AccessCode.READ, keys: ["abc"], why: "base64 is decoded" },
  { wire: "mg YW b v\r\n", command: CommandId.MG, access: AccessCode.READ, keys: ["YW"], why: "bad base64 stays" },
  { wire: "incr a 1\r\n", command: CommandId.INCR, access: AccessCode.WRITE, keys: ["a"], why: "a number is a value" },
  { wire: "delete a\r\n", command: CommandId.DELETE, access: AccessCode.DELETE, keys: ["a"], why: "it deletes" },
  { wire: "flush_all\r\n", command: CommandId.FLUSH_ALL, access: AccessCode.OTHER, keys: [""], why: "it has no key" },
])("$wire: $why", ({ wire, command, access, keys }) => {
  expect(parseInPieces(ascii(wire), []).requests).toMatchObject([{ outcome: "whole", command, access, keys }]);
});

test.each([
  { set: "set", unlinks: true, why: "memcached deletes the old value" },
  { set: "add", unlinks: false, why: "an old value is what add would have kept" },
  { set: "append", unlinks: false, why: "it stays as it was" },
])("a value too large for $set is swallowed; unlinks $unlinks: $why", ({ set, unlinks }) => {
  const limits = { maxValueBytes: 10, maxLineBytes: 1000 };
  const { requests } = parseInPieces(ascii(`${set} a 0 0 11\r\n01234567890\r\nmn\r\n`), [4], limits);
  expect(requests[0]).toMatchObject({ reply: "SERVER_ERROR object too large for cache\r\n", unlinks });
  expect(requests[1]).toMatchObject({ outcome: "whole", command: CommandId.MN });
  expect(requests).toHaveLength(2);
});

test("a value that is still coming says how many bytes it needs", () => {
  const parser = new RequestParser(TEST_LIMITS);
  const wire = ascii("..set a 0 0 1000\r\nxx");
  expect(parser.parse(wire, 2, wire.length)).toBe(ParseOutcome.MORE);
  expect(parser.neededBytes).toBe("set a 0 0 1000\r\n".length + 1002);
});

test.each(["slabs automove 1", "shutdown", "watch fetchers", "lru tune 1 2", "cache_memlimit 5", "lru_crawler enable"])(
  "%s is refused: it would act on one server",
  (line) => {
    const { requests } = parseInPieces(ascii(`${line}\r\n`), []);
    expect(requests).toMatchObject([{ reply: "CLIENT_ERROR command not available through a proxy\r\n" }]);
  },
);

test("two q are refused here: with one taken off, a server would still see one", () => {
  const { requests } = parseInPieces(ascii("ms a 1 q qx\r\nx\r\nmn\r\n"), []);
  expect(requests).toMatchObject([{ reply: "CLIENT_ERROR duplicate flag\r\n" }, { command: CommandId.MN }]);
});

test("the first byte decides between the binary protocol and the others", () => {
  const binary = new RequestParser(TEST_LIMITS);
  const noop = new Uint8Array(24);
  noop.set([0x80, 0x0a]);
  expect(binary.parse(noop, 0, 24)).toBe(ParseOutcome.WHOLE);
  expect(binary.dialect).toBe(Dialect.BINARY);
  const text = ascii("mn\r\n");
  expect(binary.parse(text, 0, text.length)).toBe(ParseOutcome.FATAL);

  const other = new RequestParser(TEST_LIMITS);
  expect(other.parse(text, 0, text.length)).toBe(ParseOutcome.WHOLE);
  const magic = ascii("\x80abc\r\n");
  expect(other.parse(magic, 0, magic.length)).toBe(ParseOutcome.REFUSED);
  expect(asciiText(other.errorReply, 0, other.errorReply.length)).toBe("ERROR\r\n");
});
