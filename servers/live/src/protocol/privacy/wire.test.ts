import { concatBytes } from "@kagami/bytes";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { FilterReply, FilterRequest } from "./messages.ts";
import {
  createFilterReplyReader,
  createFilterRequestReader,
  encodeFilterReply,
  encodeFilterRequest,
  FILTER_MESSAGE_LIMIT_BYTES,
  type FilterMessageReader,
  type FilterWireFault,
} from "./wire.ts";

const id = fc.nat(0xffff_ffff);
const us = fc.maxSafeInteger();
const bytes = fc.uint8Array({ maxLength: 300 });
const zone = fc.record({ x: fraction(), y: fraction(), width: fraction(), height: fraction() });
const region = fc.record({ x: fc.nat(), y: fc.nat(), width: fc.nat(), height: fc.nat() });
const codec = fc.constantFrom("h264", "h265", "av1", "vp9");
const settings = fc.record({
  mode: fc.constantFrom("selective", "always"),
  style: fc.constantFrom("any", "ios", "android"),
  strength: fc.constantFrom(1, 2, 3),
  zones: fc.array(zone, { maxLength: 8 }),
  startsCovered: fc.boolean(),
});
const detection = fc.record({
  state: fc.constantFrom("clear", "suspect", "banner", "held"),
  regions: fc.array(region, { maxLength: 3 }),
  reachesBack: fc.boolean(),
  isUnsure: fc.boolean(),
  bannerCount: fc.nat(),
  explanation: fc.array(fc.record({ region, rule: fc.string(), score: fraction() }), { maxLength: 3 }),
});
const stats = fc.record({
  ...{ decodedCount: fc.nat(), encodedCount: fc.nat(), cpuUs: fc.nat(), decodeUs: fc.nat() },
  ...{ detectUs: fc.nat(), obscureUs: fc.nat(), encodeUs: fc.nat(), residentBytes: fc.nat() },
});

const requests: fc.Arbitrary<FilterRequest> = fc.oneof(
  fc.record({ kind: fc.constant("open"), streamId: id, settings }),
  fc.record({ kind: fc.constant("settings"), streamId: id, settings }),
  fc.record({ kind: fc.constant("config"), streamId: id, codec, record: bytes }),
  fc.record({
    ...{ kind: fc.constant("picture"), streamId: id, sequence: id, ptsUs: us },
    ...{ isKey: fc.boolean(), isReplay: fc.boolean(), data: bytes },
  }),
  fc.record({ kind: fc.constant("preview"), streamId: id, isTest: fc.boolean() }),
  fc.record({ kind: fc.constantFrom("close", "abandon"), streamId: id }),
) as fc.Arbitrary<FilterRequest>;

const replies: fc.Arbitrary<FilterReply> = fc.oneof(
  fc.record({ kind: fc.constant("config"), streamId: id, codec, record: bytes }),
  fc.record({ kind: fc.constantFrom("pass", "drop"), streamId: id, sequence: id }),
  fc.record({
    ...{ kind: fc.constant("replace"), streamId: id, sequence: id, ptsUs: us },
    ...{ isKey: fc.boolean(), data: bytes },
  }),
  fc.record({
    ...{ kind: fc.constant("detection"), streamId: id, ptsUs: us, isEncoding: fc.boolean() },
    ...{ width: fc.nat(), height: fc.nat(), detection },
  }),
  fc.record({
    kind: fc.constant("preview"),
    streamId: id,
    isTest: fc.boolean(),
    state: fc.constantFrom("clear", "banner"),
    jpeg: bytes,
  }),
  fc.record({ kind: fc.constant("stats"), stats }),
  fc.record({ kind: fc.constant("closed"), streamId: id }),
  fc.record({ kind: fc.constant("failed"), streamId: id, code: fc.string(), message: fc.string() }),
) as fc.Arbitrary<FilterReply>;

const pieceSizes = fc.infiniteStream(fc.integer({ min: 1, max: 40 }));

test("requests survive any way the pipe cuts them", () => {
  fc.assert(
    fc.property(fc.array(requests, { maxLength: 8 }), pieceSizes, (sent, sizes) => {
      const wire = concatBytes(sent.flatMap(encodeFilterRequest));
      expect(readInPieces(createFilterRequestReader(), wire, sizes)).toEqual(sent);
    }),
  );
});

test("replies survive any way the pipe cuts them", () => {
  fc.assert(
    fc.property(fc.array(replies, { maxLength: 8 }), pieceSizes, (sent, sizes) => {
      const wire = concatBytes(sent.flatMap(encodeFilterReply));
      expect(readInPieces(createFilterReplyReader(), wire, sizes)).toEqual(sent);
    }),
  );
});

test("a cut at every byte of a message makes no difference", () => {
  const sent: FilterRequest = {
    ...({ kind: "picture", streamId: 7, sequence: 0xffff_ffff, ptsUs: -1 } as const),
    ...{ isKey: true, isReplay: false, data: Uint8Array.of(1, 2, 3) },
  };
  const wire = concatBytes(encodeFilterRequest(sent));
  for (let cut = 0; cut <= wire.length; cut++) {
    const reader = createFilterRequestReader();
    expect([...reader.push(wire.subarray(0, cut)), ...reader.push(wire.subarray(cut))]).toEqual([sent]);
  }
});

test("any bytes are messages or one fault, after which nothing is read", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), pieceSizes, (wire, sizes) => {
      for (const reader of [createFilterRequestReader(), createFilterReplyReader()]) {
        const read: (FilterRequest | FilterReply | FilterWireFault)[] = readInPieces<FilterRequest | FilterReply>(
          reader as FilterMessageReader<FilterRequest | FilterReply>,
          wire,
          sizes,
        );
        const fault = read.findIndex(({ kind }) => kind === "fault");
        if (fault >= 0) expect(fault).toBe(read.length - 1);
      }
    }),
  );
});

test.each([
  { wire: [0, 0, 0, 0], why: "no type" },
  { wire: [1, 0, 0, 1], why: "a byte over 16 MiB, refused before any of it is kept" },
  { wire: [0, 0, 0, 1, 9], why: "an unknown type" },
  { wire: [0, 0, 0, 9, 3, 0, 0, 0, 0, 0, 0, 0, 0], why: "a reply, not a request" },
  { wire: [0, 0, 0, 5, 5, 0, 0, 0, 9], why: "JSON longer than its message" },
  { wire: [0, 0, 0, 7, 5, 0, 0, 0, 2, 123, 125], why: "JSON without a kind" },
  { wire: [0, 0, 0, 6, 5, 0, 0, 0, 1, 123], why: "half a JSON" },
])("refused: $why", ({ wire }) => {
  const reader = createFilterRequestReader();
  expect(reader.push(Uint8Array.from(wire))).toMatchObject([{ kind: "fault" }]);
  expect(reader.push(concatBytes(encodeFilterRequest({ kind: "close", streamId: 1 })))).toEqual([]);
});

test("settings with a field that cannot be are refused", () => {
  const strong = { mode: "selective", style: "any", strength: 4, zones: [], startsCovered: false } as const;
  const wire = concatBytes(encodeFilterRequest({ kind: "open", streamId: 1, settings: strong }));
  expect(createFilterRequestReader().push(wire)).toMatchObject([{ kind: "fault" }]);
});

test("a message over the limit cannot be sent", () => {
  const jpeg = new Uint8Array(FILTER_MESSAGE_LIMIT_BYTES);
  expect(() => encodeFilterReply({ kind: "preview", streamId: 1, isTest: false, state: "clear", jpeg })).toThrow(
    RangeError,
  );
});

function fraction(): fc.Arbitrary<number> {
  // JSON has no negative zero.
  return fc.double({ min: 0, max: 1, noNaN: true }).map((value) => value + 0);
}

function readInPieces<Message>(
  reader: FilterMessageReader<Message>,
  wire: Uint8Array,
  sizes: fc.Stream<number>,
): (Message | FilterWireFault)[] {
  const out: (Message | FilterWireFault)[] = [];
  for (let offset = 0; offset < wire.length; ) {
    const size = sizes.next().value as number;
    out.push(...reader.push(wire.subarray(offset, offset + size)));
    offset += size;
  }
  return out;
}
