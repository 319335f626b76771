import { crc32c as slowCrc32c } from "@kagami/bytes";
import { crc32c } from "@node-rs/crc32";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type RecordHead, recordBytesOf } from "../volume/index.ts";
import {
  BatchDecoder,
  type BatchEnd,
  encodeFrameHeader,
  encodeMessage,
  encodeWireRecord,
  FRAME_HEADER_BYTES,
  FRAME_KINDS,
  FrameDecoder,
  type FrameKind,
  MAX_BATCH_BYTES,
  MAX_FRAME_BYTES,
  type StreamEvent,
} from "./index.ts";

const SEED = 7;
const kinds = fc.constantFrom(...Object.values(FRAME_KINDS));
const frames = fc.array(fc.record({ kind: kinds, payload: fc.uint8Array({ maxLength: 200 }) }), { maxLength: 20 });

function frame(kind: FrameKind, ...payload: Uint8Array[]): Uint8Array {
  return Buffer.concat([encodeFrameHeader(kind, payload, crc32c), ...payload]);
}

function inPieces<Item>(
  bytes: Uint8Array,
  sizes: Iterator<number>,
  decoder: { push(bytes: Uint8Array): void; next(): Item | undefined },
): Item[] {
  const items: Item[] = [];
  for (let at = 0; at < bytes.length; ) {
    const size = sizes.next().value ?? 1;
    decoder.push(bytes.subarray(at, at + size));
    at += size;
    for (let item = decoder.next(); item !== undefined; item = decoder.next()) items.push(item);
  }
  return items;
}

const sizes = fc.infiniteStream(fc.integer({ min: 1, max: 40 }));

test("frames survive any way the network cuts them", () => {
  fc.assert(
    fc.property(frames, sizes, (sent, cuts) => {
      const wire = Buffer.concat(sent.map(({ kind, payload }) => frame(kind, payload)));
      const got = inPieces(wire, cuts, new FrameDecoder(crc32c));
      expect(got.map(({ kind, payload }) => ({ kind, payload: [...payload] }))).toEqual(
        sent.map(({ kind, payload }) => ({ kind, payload: [...payload] })),
      );
    }),
  );
});

test("any one bit that changes is noticed, at the latest at the end of its frame", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), kinds, fc.nat(), (payload, kind, bit) => {
      const wire = frame(kind, payload);
      const at = bit % (8 * wire.length);
      wire[at >> 3] = (wire[at >> 3] ?? 0) ^ (1 << (at & 7));
      const decoder = new FrameDecoder(crc32c);
      decoder.push(wire);
      expect(() => decoder.next()).toThrow(expect.objectContaining({ code: "STREAM_INVALID" }));
    }),
  );
});

test("any bytes are frames or are refused, and never more is held than one frame may have", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: FRAME_HEADER_BYTES, maxLength: 300 }), (bytes) => {
      const decoder = new FrameDecoder(crc32c);
      decoder.push(bytes);
      expect(() => decoder.next()).toThrow(expect.objectContaining({ code: "STREAM_INVALID" }));
    }),
  );
});

test("a native and a plain checksum make the same frame", () => {
  const payload = [Buffer.from("abc"), Buffer.from("de")];
  const plain = (bytes: Uint8Array, before = 0) => slowCrc32c(bytes, 0, bytes.length, before);
  expect(encodeFrameHeader(FRAME_KINDS.hello, payload, plain)).toEqual(
    encodeFrameHeader(FRAME_KINDS.hello, payload, crc32c),
  );
});

test.each([
  { kind: FRAME_KINDS.hello, bytes: 65_537, why: "what is no record is small" },
  { kind: FRAME_KINDS.record, bytes: MAX_FRAME_BYTES + 1, why: "a record has a body below 8 MiB" },
])("a frame of kind $kind with $bytes bytes is not sent: $why", ({ kind, bytes }) => {
  expect(() => encodeFrameHeader(kind, [new Uint8Array(bytes)], () => 0)).toThrow(RangeError);
});

const HELLO = frame(FRAME_KINDS.hello, encodeMessage({ storeId: "s", epochs: [], appliedSequence: 9 }));
const END: BatchEnd = {
  ...{ nextAfter: 9, isEnd: true, horizon: 0, drops: 0, appliedSequence: 9 },
  ...{ damagedSequences: [], damagedBytes: 0, usersGeneration: 1 },
};

function headOf(sequence: number, storedBytes = 3): RecordHead {
  return {
    ...{ kind: 1, flags: 0, fencingEpoch: 1, bucketId: 1, group: 0, sequence, createdMs: 1, expiresMs: 0, target: 0 },
    ...{ bodyBytes: storedBytes, storedBytes, partNumber: 0, blobId: 0 },
    ...{ key: Buffer.from("k"), metadata: Buffer.from("{}") },
  };
}

function record(sequence: number, { storedBytes = 3, seed = SEED, restBytes = -1, group = 0 } = {}): Uint8Array {
  const head = headOf(sequence, storedBytes);
  const bytes = restBytes < 0 ? recordBytesOf(91, storedBytes) - 91 : restBytes;
  const payload = { head, group: { id: group, bucketId: 0, ruleKey: "", endsMs: 0 }, rest: new Uint8Array(bytes) };
  return frame(FRAME_KINDS.record, ...encodeWireRecord(payload, seed));
}

const batchEnd = (change: Partial<BatchEnd> = {}) => frame(FRAME_KINDS.batchEnd, encodeMessage({ ...END, ...change }));
const decoderAt = (after = 0) => new BatchDecoder({ crc32c, seedOf: () => SEED, after });

test("a stream is read as batches, however it is cut", () => {
  const wire = Buffer.concat([HELLO, record(3), record(5), batchEnd(), record(12), batchEnd({ nextAfter: 12 })]);
  fc.assert(
    fc.property(sizes, (cuts) => {
      const events = inPieces<StreamEvent>(wire, cuts, decoderAt());
      expect(events.map(({ kind }) => kind)).toEqual(["hello", "batch", "batch"]);
      const batches = events.flatMap((event) => (event.kind === "batch" ? [event] : []));
      expect(batches.map(({ records }) => records.map(({ head }) => head.sequence))).toEqual([[3, 5], [12]]);
      expect(batches[0]?.end).toEqual(END);
    }),
  );
});

test.each([
  { wire: [record(3)], why: "who speaks has not said who he is" },
  { wire: [HELLO, HELLO], why: "he says it twice" },
  { wire: [HELLO, record(5), record(5)], why: "a record comes twice" },
  { wire: [HELLO, record(5), record(4)], why: "a record comes late" },
  { wire: [HELLO, record(2)], after: 2, why: "the copy has it" },
  { wire: [HELLO, record(5), batchEnd({ nextAfter: 4 })], why: "the batch ends before its last record" },
  { wire: [HELLO, record(5, { seed: 8 })], why: "the record is of another store" },
  { wire: [HELLO, record(5, { restBytes: 4 })], why: "its body is cut" },
  { wire: [HELLO, record(5, { group: 3 })], why: "its group is another one" },
  { wire: [HELLO, batchEnd({ nextAfter: -1 })], why: "a number is none" },
  { wire: [HELLO, batchEnd({ horizon: 0.5 })], why: "a number is not whole" },
  { wire: [HELLO, batchEnd({ drops: -1 })], why: "a number is below 0" },
  { wire: [HELLO, frame(FRAME_KINDS.batchEnd, Buffer.from("null"))], why: "a message is no object" },
  { wire: [HELLO, frame(FRAME_KINDS.record, Buffer.from([0, 0]))], why: "a record has no group" },
  { wire: [HELLO, frame(FRAME_KINDS.record, Buffer.from([9, 0, 1]))], why: "a record is shorter than it says" },
  {
    wire: [HELLO, frame(FRAME_KINDS.end, encodeMessage({ code: "CLOSED", message: "m" })), record(5)],
    why: "something comes behind the end",
  },
])("a stream is refused when $why", ({ wire, after = 0 }) => {
  const decoder = decoderAt(after);
  decoder.push(Buffer.concat(wire));
  const all = (): void => {
    while (decoder.next() !== undefined);
  };
  expect(all).toThrow(expect.objectContaining({ code: "STREAM_INVALID" }));
});

test("a batch that does not end is refused before it fills the memory", () => {
  const decoder = decoderAt();
  decoder.push(HELLO);
  decoder.next();
  const storedBytes = 4 << 20;
  let pushed = 0;
  const fill = (): void => {
    for (let sequence = 1; ; sequence++) {
      decoder.push(record(sequence, { storedBytes }));
      decoder.next();
      pushed += storedBytes;
    }
  };
  expect(fill).toThrow(/has more than/);
  expect(pushed).toBeLessThan(MAX_BATCH_BYTES);
  expect(decoder.heldBytes).toBeLessThan(MAX_BATCH_BYTES + 2 * storedBytes);
});
