import { createRandom } from "@kagami/clock";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { asciiBytes, asciiText } from "./decimal.ts";
import { DumpWriter, RdbError, type RdbItem, RdbReader, type RdbValue, RdbWriter, readDump, readRdb } from "./index.ts";

const HEADER = { redisVersion: "7.0.15", createdAtSeconds: 1_700_000_000, usedMemoryBytes: 1_000_000 };

interface Entry {
  readonly database: number;
  readonly key: Uint8Array;
  readonly value: RdbValue;
  readonly expireAtMs?: number;
  readonly idleSeconds?: number;
  readonly frequency?: number;
}

/** Strings of every form: text of integers at the edges, long repeats, any bytes. */
const strings = fc.oneof(
  fc.uint8Array({ maxLength: 80 }),
  fc.constantFrom(0, -1, 127, 128, -128, -129, 32_767, 32_768, 8_388_608, 2_147_483_647, 2_147_483_648).map(text),
  fc
    .constantFrom("-0", "01", "-", "9223372036854775807", "-9223372036854775808", "9223372036854775808")
    .map(asciiBytes),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(text),
  fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 9 }), fc.nat(3_000)).map(([piece, count]) => repeat(piece, count)),
);
const lists = fc.uniqueArray(strings, { minLength: 1, maxLength: 140, selector: asciiText });
const scores = fc.oneof(fc.double({ noNaN: true }), fc.integer(), fc.constantFrom(-0, 0, 2 ** 53, 9e18, 1e-320));
const values: fc.Arbitrary<RdbValue> = fc.oneof(
  strings.map((bytes) => ({ kind: "string" as const, bytes })),
  fc.array(strings, { minLength: 1, maxLength: 140 }).map((elements) => ({ kind: "list" as const, elements })),
  lists.map((members) => ({ kind: "set" as const, members })),
  fc
    .uniqueArray(fc.maxSafeInteger(), { minLength: 1, maxLength: 600 })
    .map((members) => ({ kind: "set" as const, members: members.map(text) })),
  lists.map((fields) => ({ kind: "hash" as const, fields, values: fields.toReversed() })),
  lists.chain((members) =>
    fc
      .array(scores, { minLength: members.length, maxLength: members.length })
      .map((numbers) => ({ kind: "sorted-set" as const, members, scores: numbers })),
  ),
);
const entries: fc.Arbitrary<Entry[]> = fc.array(
  fc
    .record(
      {
        database: fc.nat(15),
        key: strings,
        value: values,
        expireAtMs: fc.maxSafeInteger(),
        idleSeconds: fc.nat(),
        frequency: fc.nat(255),
      },
      { requiredKeys: ["database", "key", "value"] },
    )
    .map((entry) => entry as Entry),
  { maxLength: 5 },
);

function text(value: number | bigint): Uint8Array {
  return asciiBytes(String(value));
}

function repeat(piece: Uint8Array, count: number): Uint8Array {
  const out = new Uint8Array(piece.length * count);
  for (let i = 0; i < count; i++) out.set(piece, i * piece.length);
  return out;
}

function fileOf(items: readonly Entry[], isCompressing = true): Uint8Array {
  const writer = new RdbWriter({ isCompressing });
  const parts: Uint8Array[] = [];
  writer.writeHeader(HEADER);
  for (const { database, key, value, ...attributes } of items) {
    writer.selectDatabase(database);
    writer.writeEntry(key, value, attributes);
    parts.push(writer.take().slice());
  }
  parts.push(writer.writeEnd());
  return new Uint8Array(Buffer.concat(parts));
}

/** A set's members and a sorted set's may come back in another order. */
function sorted(value: RdbValue): unknown {
  if (value.kind === "set") return { ...value, members: value.members.map(asciiText).sort() };
  if (value.kind !== "sorted-set") return value;
  return { ...value, members: undefined, scores: value.members.map((m, i) => [asciiText(m), value.scores[i]]).sort() };
}

function entriesOf(items: Iterable<RdbItem>): unknown[] {
  const found: unknown[] = [];
  for (const item of items) {
    if (item.kind !== "entry") continue;
    const { kind: _, value, ...rest } = item;
    found.push({ ...rest, value: sorted(value) });
  }
  return found;
}

function* readInPieces(bytes: Uint8Array, sizes: Iterator<number>): Generator<RdbItem> {
  const reader = new RdbReader();
  let at = 0;
  for (;;) {
    for (let item = reader.next(); item !== undefined; item = reader.next()) yield item;
    if (at === bytes.length) break;
    const size = sizes.next().value as number;
    reader.push(bytes.slice(at, at + size));
    at = Math.min(bytes.length, at + size);
    if (at === bytes.length) reader.end();
  }
}

describe("a file", () => {
  test("that was written is read again, whether compressed or not and however it is cut", () => {
    const sizes = fc.infiniteStream(fc.integer({ min: 1, max: 99 }));
    fc.assert(
      fc.property(entries, sizes, fc.boolean(), (items, pieceSizes, isCompressing) => {
        const bytes = fileOf(items, isCompressing);
        const expected = items.map((item) => ({ ...item, value: sorted(item.value) }));
        expect(entriesOf(readRdb(bytes))).toEqual(expected);
        expect(entriesOf(readInPieces(bytes, pieceSizes))).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });

  test("says who wrote it, what is in it and that it is whole", () => {
    const writer = new RdbWriter();
    writer.writeHeader(HEADER);
    writer.selectDatabase(3);
    writer.writeResize(70_000, 20);
    const items = [...readRdb(writer.writeEnd())];
    const aux = items.filter((item) => item.kind === "aux").map(({ name, value }) => `${name}=${asciiText(value)}`);
    expect(aux).toEqual(["redis-ver=7.0.15", "redis-bits=64", "ctime=1700000000", "used-mem=1000000"]);
    expect(items[0]).toEqual({ kind: "version", version: 10 });
    expect(items.slice(-2)).toEqual([
      { kind: "resize", database: 3, keyCount: 70_000, expiringCount: 20 },
      { kind: "end", isChecked: true },
    ]);
  });

  test("may be written in parts, so that a container is never there at once", () => {
    const writer = new RdbWriter();
    const [a, b] = [asciiBytes("a"), asciiBytes("b")];
    writer.writeHeader(HEADER);
    for (const kind of ["list", "set"] as const) {
      writer.beginContainer(kind, asciiBytes(kind), 2, { expireAtMs: 5 });
      writer.writePart(a);
      writer.writePart(b);
    }
    writer.beginContainer("hash", asciiBytes("hash"), 1);
    writer.writePair(a, b);
    writer.beginContainer("sorted-set", asciiBytes("sorted-set"), 1);
    writer.writeScored(a, 1.5);
    const found = [...readRdb(writer.writeEnd())].filter((item) => item.kind === "entry");
    expect(found.map(({ expireAtMs, value }) => ({ expireAtMs, value }))).toEqual([
      { expireAtMs: 5, value: { kind: "list", elements: [a, b] } },
      { expireAtMs: 5, value: { kind: "set", members: [a, b] } },
      { value: { kind: "hash", fields: [a], values: [b] } },
      { value: { kind: "sorted-set", members: [a], scores: [1.5] } },
    ]);
  });

  test("is not written wrongly: no empty value, no part too few or too many", () => {
    const writer = new RdbWriter();
    const key = asciiBytes("k");
    expect(() => writer.writeEntry(key, { kind: "list", elements: [] })).toThrow(RangeError);
    expect(() => writer.beginContainer("set", key, 0)).toThrow(RangeError);
    expect(() => writer.writePart(key)).toThrow("has all that were announced");
    writer.beginContainer("set", key, 2);
    writer.writePart(key);
    expect(() => writer.writeEnd()).toThrow("1 parts of a container are missing");
  });

  test("without a checksum is read, one with a wrong checksum is not", () => {
    const bytes = fileOf([]);
    bytes.fill(0, bytes.length - 8);
    expect([...readRdb(bytes)].at(-1)).toEqual({ kind: "end", isChecked: false });
    bytes[bytes.length - 1] = 1;
    expect(() => [...readRdb(bytes)]).toThrow(`at byte ${bytes.length - 8}: the checksum does not fit`);
  });

  test("of any bytes behind the header is read or refused, and every cut of a good one is refused", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (tail) => {
        expectReadOrRefused(new Uint8Array([...asciiBytes("REDIS0010"), ...tail]));
      }),
      { numRuns: 2_000 },
    );
    const bytes = fileOf([{ database: 0, key: asciiBytes("k"), value: { kind: "string", bytes: asciiBytes("v") } }]);
    for (let size = 0; size < bytes.length; size++) {
      expect(() => [...readRdb(bytes.subarray(0, size))]).toThrow(RdbError);
    }
  });

  test("damaged anywhere is read or refused, and takes no more memory than there are bytes", () => {
    const random = createRandom(7);
    const good = fc.sample(entries, { numRuns: 40, seed: 7 }).map((items) => fileOf(items));
    for (let i = 0; i < 6_000; i++) {
      const bytes = random.pick(good).slice(0, 20_000);
      for (let j = random.int(1, 4); j > 0; j--) bytes[random.int(9, bytes.length - 1)] = random.int(0, 255);
      expectReadOrRefused(bytes);
    }
  });
});

/** The checksum is off, so that damage reaches the parts that read values. */
function expectReadOrRefused(bytes: Uint8Array): void {
  bytes.fill(0, Math.max(9, bytes.length - 8));
  try {
    for (const item of readRdb(bytes)) if (item.kind === "entry") sorted(item.value);
  } catch (error) {
    if (!(error instanceof RdbError)) throw error;
    expect(error.code).toBe("RDB_UNREADABLE");
    expect(error.offset).toBeLessThanOrEqual(bytes.length);
  }
}

describe("a DUMP payload", () => {
  test("that was written is read again", () => {
    const writer = new DumpWriter();
    fc.assert(
      fc.property(values, (value) => {
        const reading = readDump(writer.write(value));
        expect(reading.kind === "value" && sorted(reading.value)).toEqual(sorted(value));
      }),
    );
  });

  const good = new DumpWriter().write({ kind: "string", bytes: asciiBytes("hello") }).slice();
  const resealed = (bytes: readonly number[], version = 10): Uint8Array => {
    const file = [...bytes, version, 0];
    const crc = fileChecksum(new Uint8Array(file));
    return new Uint8Array([...file, ...crc]);
  };
  test.each([
    { payload: good.subarray(0, 9), kind: "footer", why: "too short for a footer" },
    { payload: good.with(2, 0), kind: "footer", why: "changed in transit" },
    { payload: resealed([0, 1, 65], 12), kind: "footer", why: "of a newer version" },
    { payload: resealed([0, 2, 65]), kind: "format", why: "a string that would reach into the footer" },
    { payload: resealed([0, 1, 65, 66]), kind: "format", why: "bytes behind the value" },
    { payload: resealed([99, 1, 65]), kind: "format", why: "an unknown type" },
    { payload: resealed([2, 0]), kind: "format", why: "a set without members" },
    { payload: resealed([7, 1, 0]), kind: "unkept", why: "a module's value" },
  ])("is refused as $kind: $why", ({ payload, kind }) => {
    expect(readDump(payload).kind).toBe(kind);
  });

  test("of any bytes never throws", () => {
    fc.assert(
      fc.property(fc.nat(25), fc.uint8Array(), (type, body) => {
        expect(["value", "format", "unkept"]).toContain(readDump(resealed([type, ...body])).kind);
      }),
      { numRuns: 2_000 },
    );
  });
});

/** CRC-64 bit by bit, so that the tables are checked against something else. */
function fileChecksum(bytes: Uint8Array): number[] {
  let crc = 0n;
  for (const byte of bytes) {
    crc ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit++) crc = crc & 1n ? (crc >> 1n) ^ 0x95ac9329ac4bc9b5n : crc >> 1n;
  }
  return Array.from({ length: 8 }, (_, i) => Number((crc >> BigInt(8 * i)) & 255n));
}
