import { describe, expect, test } from "vitest";
import { asciiBytes, asciiText } from "./decimal.ts";
import { RdbReader, type RdbValue, readRdb } from "./index.ts";

describe("what the reader passes over", () => {
  const ID = new Uint8Array(16).fill(7);
  const TIME = new Uint8Array(8).fill(7);
  const CONSUMER = [1, 0x43, ...TIME, 1, ...ID];
  const CONSUMER_3 = [1, 0x43, ...TIME, ...TIME, 1, ...ID];
  const WIDE = [0x81, 255, 255, 255, 255, 255, 255, 255, 255];

  test.each([
    {
      what: "stream",
      type: [15],
      body: [1, 16, ...ID, 1, 65, 9, ...WIDE, 1, 1, 1, 0x47, 5, 5, 1, ...ID, ...TIME, 1, 1, ...CONSUMER],
    },
    {
      what: "stream",
      type: [19],
      body: [
        1,
        16,
        ...ID,
        1,
        65,
        9,
        ...WIDE,
        1,
        2,
        3,
        4,
        5,
        6,
        1,
        1,
        0x47,
        5,
        5,
        9,
        1,
        ...ID,
        ...TIME,
        1,
        1,
        ...CONSUMER,
      ],
    },
    {
      what: "stream",
      type: [21],
      body: [0, 0, 1, 1, 2, 3, 4, 5, 6, 1, 1, 0x47, 5, 5, 9, 1, ...ID, ...TIME, 1, 1, ...CONSUMER_3],
    },
    { what: "module", type: [7], body: [...WIDE, 1, 5, 2, ...WIDE, 3, 0, 0, 0, 0, 4, ...TIME, 5, 2, 65, 66, 0] },
    { what: "empty", type: [2], body: [0] },
  ])("a $what of type $type leaves the key after it whole", ({ what, type, body }) => {
    const items = [...readRdb(record([...type, 1, 0x4b, ...body]))];
    expect(items).toContainEqual(expect.objectContaining({ kind: "skipped", what, database: 0, key: asciiBytes("K") }));
    expect(items.filter((item) => item.kind === "entry")).toHaveLength(1);
  });

  test.each([
    { what: "function", type: 245, body: [2, 65, 66] },
    { what: "function", type: 246, body: [1, 65, 1, 66, 1, 1, 67, 1, 68] },
    { what: "function", type: 246, body: [1, 65, 1, 66, 0, 1, 68] },
    { what: "module-aux", type: 247, body: [...WIDE, 2, 1, 5, 1, 65, 0] },
  ])("a $what in a record of type $type has no key", ({ what, type, body }) => {
    const items = [...readRdb(record([type, ...body]))];
    expect(items).toContainEqual(expect.objectContaining({ kind: "skipped", what, key: undefined }));
    expect(items.filter((item) => item.kind === "entry")).toHaveLength(1);
  });

  function record(bytes: readonly number[]): Uint8Array {
    const tail = [0, 1, 0x61, 1, 0x62, 255, 0, 0, 0, 0, 0, 0, 0, 0];
    return new Uint8Array([...asciiBytes("REDIS0011"), ...bytes, ...tail]);
  }
});

describe("refusals name the place and the way out", () => {
  const at = (...bytes: number[]): Uint8Array => new Uint8Array([...asciiBytes("REDIS0010"), ...bytes]);
  test.each([
    { bytes: asciiBytes("REDIX0010"), message: "at byte 0: it does not begin as an RDB file", why: "another file" },
    { bytes: asciiBytes("REDIS0012"), message: "at byte 5: it has version 12. Let Redis", why: "a newer server" },
    { bytes: at(), message: "at byte 9: the file ends here", why: "no end mark" },
    { bytes: at(0, 1, 0x61, 0x85), message: "at byte 12: a length cannot begin with byte 133", why: "no such length" },
    { bytes: at(0, 1, 0x61, 0xc4), message: "at byte 12: no encoding of strings has number 4", why: "no such string" },
    {
      bytes: at(0, 1, 0x61, 0xc3, 2, 0x7f, 0xff, 1, 1),
      message: "2 compressed bytes are no string of 16383",
      why: "a bomb",
    },
    {
      bytes: at(0, 1, 0x61, 0x80, 0x40, 0, 0, 0),
      message: "it has 1073741824 bytes, the limit is",
      why: "a long string",
    },
    {
      bytes: at(2, 1, 0x61, 0x81, 1, 0, 0, 0, 0, 0, 0, 0),
      message: "at byte 21: the file ends here",
      why: "a count that lies",
    },
    { bytes: at(8, 1, 0x61), message: "at byte 9: no record has type 8", why: "a type never used" },
    { bytes: at(6, 1, 0x61, 1), message: "only that module knows where it ends", why: "a module of before 4.0" },
    { bytes: at(5, 1, 0x61, 1, 0, 0, 0, 0, 0, 0, 0, 0xf8, 0x7f), message: "a score is not a number", why: "NaN" },
    { bytes: at(18, 1, 0x61, 1, 3, 0), message: "no node of a list has number 3", why: "an unknown node" },
    { bytes: at(16, 1, 0x61, 2, 0, 0), message: "a listpack cannot have 2 bytes", why: "a short block" },
    {
      bytes: at(11, 1, 0x61, 8, 3, 0, 0, 0, 0, 0, 0, 0),
      message: "an intset has no members of 3 bytes",
      why: "odd width",
    },
    { bytes: at(9, 1, 0x61, 4, 1, 1, 0x61, 0xff), message: "a field without a value", why: "half a pair" },
    { bytes: at(254, 0x80, 0xff, 0, 0, 0), message: "no database has number 4278190080", why: "an absurd database" },
  ])("$why", ({ bytes, message }) => {
    expect(() => [...readRdb(bytes)]).toThrow(message);
  });

  test("a value that would never fit is refused before its bytes are waited for", () => {
    const reader = new RdbReader({ valueLimitBytes: 1_000 });
    reader.push(at(0, 1, 0x61, 0x44, 0)); // 1,024 bytes
    expect(reader.next()?.kind).toBe("version");
    expect(() => reader.next()).toThrow("more than 1000 bytes, the limit");
  });
});

describe("the forms of older servers", () => {
  const ascii = (values: readonly Uint8Array[]): string[] => values.map(asciiText);
  const read = (type: number, block: readonly number[]): RdbValue => {
    const bytes = [...asciiBytes("REDIS0006"), type, 1, 0x61, ...block, 255, 0, 0, 0, 0, 0, 0, 0, 0];
    const entry = [...readRdb(new Uint8Array(bytes))].find((item) => item.kind === "entry");
    return entry!.value;
  };
  const ziplist = (count: number, ...content: number[]): number[] => {
    const size = 11 + content.length;
    return [0x40, size, size, 0, 0, 0, 10, 0, 0, 0, count, 0, ...content, 255];
  };

  test("a ziplist has strings and integers of every width", () => {
    const entries = ziplist(
      9,
      ...[0, 2, 0x61, 0x62], // "ab"
      ...[4, 0xf1], // 0
      ...[2, 0xfd], // 12
      ...[2, 0xfe, 0x80], // -128
      ...[3, 0xc0, 0x00, 0x80], // -32768
      ...[4, 0xf0, 0xff, 0xff, 0x7f], // 8388607
      ...[5, 0xd0, 0x00, 0x00, 0x00, 0x80], // -2^31
      ...[6, 0xe0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f], // 2^63 - 1
      ...[10, 0x40, 1, 0x7a], // "z" with 14 bits of size
    );
    const list = ["ab", "0", "12", "-128", "-32768", "8388607", "-2147483648", "9223372036854775807", "z"];
    expect(read(10, entries)).toEqual({ kind: "list", elements: list.map(asciiBytes) });
    expect(read(14, [1, ...entries])).toEqual({ kind: "list", elements: list.map(asciiBytes) });
  });

  test("a hash and a sorted set as ziplists", () => {
    expect(read(13, ziplist(2, 0, 1, 0x66, 3, 0xf3))).toEqual({
      kind: "hash",
      fields: [asciiBytes("f")],
      values: [asciiBytes("2")],
    });
    expect(read(12, ziplist(2, 0, 1, 0x6d, 3, 4, 0x2d, 0x69, 0x6e, 0x66))).toEqual({
      kind: "sorted-set",
      members: [asciiBytes("m")],
      scores: [Number.NEGATIVE_INFINITY],
    });
  });

  test("a zipmap may have unused bytes behind a value", () => {
    const zipmap = [1, 1, 0x66, 1, 2, 0x76, 9, 9, 254, 1, 0, 0, 0, 0x67, 0, 0, 255];
    const value = read(9, [zipmap.length, ...zipmap]);
    expect(value.kind === "hash" && [ascii(value.fields), ascii(value.values)]).toEqual([
      ["f", "g"],
      ["v", ""],
    ]);
  });

  test("scores as text", () => {
    const members = [1, 0x61, 3, 0x31, 0x2e, 0x35, 1, 0x62, 254, 1, 0x63, 255];
    expect(read(3, [3, ...members])).toEqual({
      kind: "sorted-set",
      members: ["a", "b", "c"].map(asciiBytes),
      scores: [1.5, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
    });
  });

  test("expiry in seconds, before 1970 too", () => {
    const bytes = [...asciiBytes("REDIS0006"), 253, 0xff, 0xff, 0xff, 0xff, 0, 1, 0x61, 1, 0x62, 255];
    const items = [...readRdb(new Uint8Array([...bytes, 0, 0, 0, 0, 0, 0, 0, 0]))];
    expect(items).toContainEqual(expect.objectContaining({ kind: "entry", expireAtMs: -1_000 }));
  });
});
