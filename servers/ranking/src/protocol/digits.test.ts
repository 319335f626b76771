import fc from "fast-check";
import { expect, test } from "vitest";
import { isShortWhole, putWhole, wholeSize } from "./digits.ts";
import { formatDouble } from "./doubles.ts";
import { labelOf, ReplyWriter } from "./reply-writer.ts";

const whole = fc.oneof(
  fc.integer({ min: -0x7fff_ffff, max: 0x7fff_ffff }),
  fc.integer({ min: 0, max: 30 }).map((power) => 2 ** power),
  fc.integer({ min: 0, max: 9 }).chain((power) => fc.constantFrom(10 ** power, 10 ** power - 1, -(10 ** power))),
);

function textOf(writer: ReplyWriter): string {
  return Buffer.from(writer.bytes.subarray(0, writer.length)).toString("latin1");
}

test("a whole number of 31 bits is written as JavaScript prints it, and nothing beside it", () => {
  fc.assert(
    fc.property(whole, (value) => {
      const bytes = new Uint8Array(16).fill(1);
      expect(isShortWhole(value)).toBe(true);
      const end = putWhole(bytes, 2, value);
      expect(end - 2).toBe(wholeSize(value));
      expect(String.fromCharCode(...bytes.subarray(2, end))).toBe(String(value));
      expect([...bytes.subarray(end), bytes[0], bytes[1]].every((byte) => byte === 1)).toBe(true);
    }),
  );
});

test.each([
  { value: -0, why: "its sign is replied" },
  { value: 0.5, why: "it is not whole" },
  { value: 2 ** 31, why: "it needs 32 bits" },
  { value: -(2 ** 31), why: "its opposite needs 32 bits" },
  { value: Number.NaN, why: "it is none" },
  { value: Number.NEGATIVE_INFINITY, why: "it has no digits" },
])("$value is not written by digits: $why", ({ value }) => {
  expect(isShortWhole(value)).toBe(false);
});

test("a row is an array of place, name and score, whatever their sizes and the protocol", () => {
  const place = fc.oneof(whole, fc.integer({ min: 2 ** 31, max: 2 ** 40 }));
  const score = fc.oneof(whole, fc.double({ noNaN: true }), fc.constant(-0));
  const name = fc.uint8Array({ maxLength: 90 });
  fc.assert(
    fc.property(place, name, score, fc.constantFrom(2, 3), (number, bytes, double, resp) => {
      const words = new Int32Array(32).fill(-1);
      new Uint8Array(words.buffer).set(bytes, 8);
      // A buffer that is too small at first: the row must make room for all that it writes.
      const [row, parts] = [new ReplyWriter(1), new ReplyWriter(1)];
      row.resp = resp;
      parts.resp = resp;
      row.row(number, words, 2, bytes.length, double);
      const text = formatDouble(double);
      parts.array(3);
      parts.integer(number);
      parts.bulkBytes(bytes);
      parts.simple("x");
      const tail = resp === 2 ? `$${text.length}\r\n${text}\r\n` : `,${text}\r\n`;
      expect(textOf(row)).toBe(textOf(parts).slice(0, -4) + tail);
    }),
  );
});

test("a label is written as it is, however many bytes its last word has", () => {
  for (const text of ["$1\r\na\r\n", "$2\r\nab\r\n", "$3\r\nabc\r\n", "$4\r\nabcd\r\n"]) {
    const writer = new ReplyWriter(1);
    writer.label(labelOf(text));
    writer.integer(7);
    expect(textOf(writer)).toBe(`${text}:7\r\n`);
  }
});
