import { readFileSync } from "node:fs";
import { concatBytes } from "@kagami/bytes";
import fc from "fast-check";
import { expect, test } from "vitest";
import { buildFlvFileHeader, buildFlvTag, FlvDemuxer, type FlvTag } from "./flv-file.ts";
import { parseFlvAudio, parseFlvVideo } from "./flv-tag.ts";

const capture = new Uint8Array(readFileSync(new URL("../testdata/avc-bframes.flv", import.meta.url)));

test("ffmpeg's file comes apart into the packets that ffprobe counts", () => {
  const items = new FlvDemuxer().push(capture);
  expect(items[0]).toEqual({ kind: "header", hasVideo: true, hasAudio: true });
  const tags = items.filter((item) => item.kind === "tag");
  const kinds = (type: number, parse: typeof parseFlvVideo | typeof parseFlvAudio, kind: string) =>
    tags.filter((tag) => tag.type === type && parse(tag.body).kind === kind).length;
  expect([kinds(9, parseFlvVideo, "config"), kinds(9, parseFlvVideo, "frame")]).toEqual([1, 20]);
  expect([kinds(8, parseFlvAudio, "config"), kinds(8, parseFlvAudio, "frame")]).toEqual([1, 36]);
  expect(tags.filter((tag) => tag.type === 18)).toHaveLength(1);
});

test("tags written again are ffmpeg's file, byte for byte", () => {
  const [header, ...rest] = new FlvDemuxer().push(capture);
  const tags = rest.filter((item) => item.kind === "tag");
  expect(header).toMatchObject({ kind: "header" });
  const again = concatBytes([
    buildFlvFileHeader(true, true),
    ...tags.map((tag) => buildFlvTag(tag.type, tag.timestampMs, tag.body)),
  ]);
  expect(again).toEqual(capture);
});

test.each([0, 0xff_ffff, 0x100_0000, 0xffff_ffff])("timestamp %i survives, its upper byte apart", (timestampMs) => {
  const [, tag] = new FlvDemuxer().push(
    concatBytes([buildFlvFileHeader(true, false), buildFlvTag(9, timestampMs, Uint8Array.of(1))]),
  );
  expect(tag).toMatchObject({ timestampMs });
});

test("tags survive any way the network cuts them, and the reuse of its buffer", () => {
  const tag = fc.record({
    type: fc.constantFrom(8, 9, 18),
    timestampMs: fc.integer({ min: 0, max: 0xffff_ffff }),
    body: fc.uint8Array({ maxLength: 30 }),
  });
  const pieceSizes = fc.infiniteStream(fc.integer({ min: 1, max: 25 }));
  fc.assert(
    fc.property(fc.array(tag, { maxLength: 8 }), pieceSizes, (tags, sizes) => {
      const wire = concatBytes([
        buildFlvFileHeader(true, true),
        ...tags.map(({ type, timestampMs, body }) => buildFlvTag(type, timestampMs, body)),
      ]);
      const demuxer = new FlvDemuxer();
      const seen: FlvTag[] = [];
      const buffer = new Uint8Array(25);
      for (let offset = 0; offset < wire.length; ) {
        const piece = wire.subarray(offset, offset + (sizes.next().value as number));
        buffer.set(piece);
        for (const item of demuxer.push(buffer.subarray(0, piece.length))) if (item.kind === "tag") seen.push(item);
        offset += piece.length;
      }
      expect(seen).toEqual(tags.map((expected) => ({ kind: "tag", ...expected })));
    }),
  );
});

test("a tag over the limit is refused at its header, and nothing follows", () => {
  const demuxer = new FlvDemuxer(10);
  demuxer.push(buildFlvFileHeader(true, true));
  const wire = buildFlvTag(9, 0, new Uint8Array(11));
  expect(demuxer.push(wire.subarray(0, 11))).toMatchObject([{ kind: "malformed", code: "FLV_TAG_TOO_LARGE" }]);
  expect(demuxer.push(buildFlvTag(9, 0, new Uint8Array(1)))).toEqual([]);
});

test("what is not FLV is refused", () => {
  expect(new FlvDemuxer().push(new Uint8Array(20))).toMatchObject([{ kind: "malformed", code: "FLV_SIGNATURE" }]);
});

test("a body that does not fit into 24 bits is a bug of the caller", () => {
  expect(() => buildFlvTag(9, 0, new Uint8Array(0x100_0000))).toThrow(RangeError);
});

test("any bytes behind a header end in tags or a refusal", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 40 })), (pieces) => {
      const demuxer = new FlvDemuxer(100);
      for (const piece of [buildFlvFileHeader(true, true), ...pieces]) {
        for (const item of demuxer.push(piece)) expect(["header", "tag", "malformed"]).toContain(item.kind);
      }
    }),
  );
});
