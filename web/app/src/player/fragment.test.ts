import fc from "fast-check";
import { expect, test } from "vitest";
import { type FragmentTrack, parseTracks, summarize } from "./fragment.ts";

const TRACKS: readonly FragmentTrack[] = [
  { id: 1, isVideo: true, timescale: 90_000, defaultDuration: 3_000 },
  { id: 2, isVideo: false, timescale: 48_000, defaultDuration: 1_024 },
];

function box(type: string, ...payload: (readonly number[] | Uint8Array)[]): Uint8Array {
  const body = payload.flatMap((part) => [...part]);
  return Uint8Array.from([...u32(body.length + 8), ...[...type].map((c) => c.charCodeAt(0)), ...body]);
}

function u32(value: number): number[] {
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
}

function fragment(trackId: number, time: number, trun: readonly number[]): Uint8Array {
  const tfdt = box("tfdt", u32(0x01000000), u32(0), u32(time));
  return box(
    "moof",
    box("mfhd", u32(0), u32(1)),
    box("traf", box("tfhd", u32(0), u32(trackId)), tfdt, box("trun", trun)),
  );
}

test("tracks come with their kind, timescale and default duration", () => {
  const trak = (id: number, timescale: number, kind: string) =>
    box(
      "trak",
      box("tkhd", u32(0), u32(0), u32(0), u32(id), u32(0), u32(0)),
      box(
        "mdia",
        box("mdhd", u32(0), u32(0), u32(0), u32(timescale), u32(0), u32(0)),
        box(
          "hdlr",
          u32(0),
          u32(0),
          [...kind].map((c) => c.charCodeAt(0)),
          u32(0),
        ),
      ),
    );
  const trex = (id: number, duration: number) => box("trex", u32(0), u32(id), u32(1), u32(duration), u32(0), u32(0));
  const moov = box(
    "moov",
    trak(1, 90_000, "vide"),
    trak(2, 48_000, "soun"),
    box("mvex", trex(1, 3_000), trex(2, 1_024)),
  );
  expect(parseTracks(moov)).toEqual(TRACKS);
});

test("a message with video and audio gives the earliest start, the latest end and the video frames", () => {
  const video = fragment(1, 90_000, [...u32(0x000100), ...u32(2), ...u32(3_000), ...u32(4_500)]);
  const audio = fragment(2, 49_000, [...u32(0), ...u32(3)]);
  const summary = summarize(Uint8Array.from([...video, ...box("mdat", [1, 2]), ...audio]), TRACKS);
  expect(summary).toEqual({ startMs: 1000, endMs: expect.closeTo(1084.833, 2), videoFrameCount: 2 });
});

test.each([
  { bytes: new Uint8Array(0), why: "nothing" },
  { bytes: box("mdat", [1, 2, 3]), why: "no fragment" },
  { bytes: fragment(9, 0, [...u32(0), ...u32(1)]), why: "a track nobody declared" },
  { bytes: Uint8Array.from([0, 0, 0, 0, ...box("moof", [])]), why: "a box of size zero" },
])("no summary for $why", ({ bytes }) => {
  expect(summarize(bytes, TRACKS)).toBeUndefined();
});

test("any bytes are read or refused, and never throw or hang", () => {
  const wrapped = fc.tuple(
    fc.constantFrom("moof", "traf", "moov", "trak", "tfhd", "trun", "tfdt", "mdhd"),
    fc.uint8Array(),
  );
  fc.assert(
    fc.property(fc.array(wrapped), fc.uint8Array(), (boxes, tail) => {
      const bytes = Uint8Array.from([...boxes.flatMap(([type, body]) => [...box("traf", box(type, body))]), ...tail]);
      parseTracks(bytes);
      summarize(bytes, TRACKS);
    }),
  );
});
