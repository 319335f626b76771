import fc from "fast-check";
import { expect, test } from "vitest";
import { Args } from "./args.ts";
import { REQUEST_BROKEN, REQUEST_MORE, RequestParser } from "./request-parser.ts";

const bytesOf = (text: string): Uint8Array => Uint8Array.from(text, (byte) => byte.charCodeAt(0));

function wordsOf(line: string): string[] | string {
  const parser = new RequestParser();
  const args = new Args();
  const bytes = bytesOf(`${line}\r\n`);
  const next = parser.parse(bytes, 0, bytes.length, args, true);
  if (next === REQUEST_BROKEN) return parser.error;
  if (next === REQUEST_MORE) return "not whole";
  return Array.from({ length: args.count }, (_, i) => args.text(i));
}

test.each([
  { line: "a  b\tc", words: ["a", "b", "c"], why: "blanks of any kind and number part words" },
  { line: `a "b c" 'd e'`, words: ["a", "b c", "d e"], why: "quotes keep blanks" },
  { line: String.raw`"\x41\n\q" '\x41\''`, words: ["A\nq", String.raw`\x41'`], why: "escapes are for double quotes" },
  { line: "a\0b c", words: "not whole", why: "behind a zero byte no end of the line is looked for" },
  { line: '"a"b', words: "ERR Protocol error: unbalanced quotes in request", why: "nothing may follow a quote" },
])("$line: $why", ({ line, words }) => {
  expect(wordsOf(line)).toEqual(words);
});

test("requests come out whole however the bytes are cut, and nothing is read twice", () => {
  const request = fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(
      fc.array(request, { maxLength: 8 }),
      fc.infiniteStream(fc.integer({ min: 1, max: 40 })),
      (requests, cuts) => {
        const wire = bytesOf(
          requests
            .map(
              (args) =>
                `*${args.length}\r\n${args.map((arg) => `$${arg.length}\r\n${String.fromCharCode(...arg)}\r\n`).join("")}`,
            )
            .join(""),
        );
        const parser = new RequestParser();
        const args = new Args();
        const seen: Uint8Array[][] = [];
        let start = 0;
        for (let end = 0; end < wire.length; ) {
          end = Math.min(wire.length, end + (cuts.next().value ?? 1));
          for (;;) {
            const next = parser.parse(wire, start, end, args, true);
            if (next === REQUEST_MORE) {
              expect(parser.neededBytes).toBeGreaterThan(end - start);
              break;
            }
            seen.push(Array.from({ length: args.count }, (_, i) => args.copy(i)));
            args.clear();
            start = next;
          }
        }
        expect(seen).toEqual(requests);
      },
    ),
  );
});

test("any bytes are requests, the beginning of one, or refused; reading them ends", () => {
  const piece = fc.oneof(
    fc.constantFrom(
      "*1\r\n",
      "*-1\r\n",
      "*2\r\n$3\r\n",
      "$-1\r\n",
      "$3\r\nabc\r\n",
      "PING\r\n",
      "\r\n",
      "\0",
      '"',
      "'",
      "*0\r\n",
    ),
    fc.uint8Array({ maxLength: 12 }).map((bytes) => String.fromCharCode(...bytes)),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), fc.boolean(), (pieces, isKnown) => {
      const wire = bytesOf(pieces.join(""));
      const parser = new RequestParser();
      const args = new Args();
      for (let start = 0; start < wire.length; ) {
        const next = parser.parse(wire, start, wire.length, args, isKnown);
        if (next === REQUEST_MORE || next === REQUEST_BROKEN) return;
        expect(next).toBeGreaterThan(start);
        args.clear();
        start = next;
      }
    }),
    { numRuns: 2_000 },
  );
});
