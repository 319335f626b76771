import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeHead, encodeHead, headBytesOf, type RecordHead, recordBytesOf } from "./record.ts";
import { decodeVolumeHeader, encodeVolumeHeader } from "./volume-header.ts";

const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const u53 = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const heads: fc.Arbitrary<RecordHead> = fc.record({
  kind: fc.integer({ min: 0, max: 255 }),
  flags: fc.integer({ min: 0, max: 65_535 }),
  fencingEpoch: u32,
  bucketId: u32,
  group: u32,
  sequence: u53,
  createdMs: u53,
  expiresMs: u53,
  target: u53,
  bodyBytes: u53,
  storedBytes: u32,
  partNumber: fc.integer({ min: 0, max: 65_535 }),
  blobId: u53,
  key: fc.uint8Array({ maxLength: 1_024 }),
  metadata: fc.uint8Array({ maxLength: 300 }),
});

function encode(head: RecordHead, before = 0, seed = 7): Uint8Array {
  const out = new Uint8Array(before + headBytesOf(head));
  encodeHead(head, out, before, seed);
  return out;
}

test("a head is read as it was written, wherever it stands", () => {
  fc.assert(
    fc.property(heads, fc.integer({ min: 0, max: 9 }), (head, before) => {
      expect(decodeHead(encode(head, before), before, 7)).toEqual(head);
    }),
  );
});

test("any one bit that changes, a missing byte, or another store's seed makes it no head", () => {
  fc.assert(
    fc.property(heads, fc.nat(), (head, bit) => {
      const bytes = encode(head);
      expect(decodeHead(bytes.subarray(0, bytes.length - 1), 0, 7)).toBeUndefined();
      expect(decodeHead(bytes, 0, 8)).toBeUndefined();
      const at = bit % (8 * bytes.length);
      bytes[at >> 3] = (bytes[at >> 3] ?? 0) ^ (1 << (at & 7));
      expect(decodeHead(bytes, 0, 7)).toBeUndefined();
    }),
  );
});

test("any bytes are a head or none, and nothing throws", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat({ max: 200 }), (bytes, offset) => {
      expect(decodeHead(bytes, offset, 0)).toBeUndefined();
    }),
  );
});

test.each([
  { key: 1_025, metadata: 0, why: "a key is at most 1,024 bytes" },
  { key: 1, metadata: 2_097_153, why: "metadata is at most 2 MiB" },
])("a record beyond a limit is refused: $why", ({ key, metadata }) => {
  const head = { ...emptyHead, key: new Uint8Array(key), metadata: new Uint8Array(metadata) };
  expect(() => encode(head)).toThrow(RangeError);
});

const emptyHead: RecordHead = {
  kind: 1,
  flags: 0,
  fencingEpoch: 1,
  bucketId: 1,
  group: 0,
  sequence: 1,
  createdMs: 1,
  expiresMs: 0,
  target: 0,
  bodyBytes: 0,
  storedBytes: 0,
  partNumber: 0,
  blobId: 0,
  key: new Uint8Array(),
  metadata: new Uint8Array(),
};

test.each([
  { storedBytes: 0, bytes: 88, why: "no body, no checksum" },
  { storedBytes: 1, bytes: 96, why: "1 and a checksum of 4, filled to 8" },
  { storedBytes: 65_536, bytes: 65_632, why: "one chunk has one checksum" },
  { storedBytes: 65_537, bytes: 65_640, why: "one byte more has two" },
])("a record with $storedBytes stored bytes takes $bytes: $why", ({ storedBytes, bytes }) => {
  expect(recordBytesOf(88, storedBytes)).toBe(bytes);
});

test("a volume's header is read as it was written, and a changed one is none", () => {
  const header = {
    storeId: "s",
    shard: 0,
    volumeId: 7,
    group: { id: 3, bucketId: 2, ruleKey: "r", endsMs: 9 },
    fencingEpoch: 1,
    createdMs: 5,
    sources: [1, 2],
  };
  const bytes = encodeVolumeHeader(header);
  expect(bytes.length).toBe(4_096);
  expect(decodeVolumeHeader(bytes)).toEqual(header);
  bytes[2_000] = 1;
  expect(decodeVolumeHeader(bytes)).toBeUndefined();
  expect(decodeVolumeHeader(bytes.subarray(0, 4_095))).toBeUndefined();
  expect(() => encodeVolumeHeader({ ...header, storeId: "x".repeat(5_000) })).toThrow(RangeError);
});
