import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { RtmpEvent } from "./server-events.ts";
import { RtmpServerSession } from "./server-session.ts";
import { seededBytes } from "./test-peer.ts";

function capture(name: string): Uint8Array {
  return readFileSync(new URL(`../../../testdata/rtmp/${name}.bin`, import.meta.url));
}

/** Plays a capture into a session that says yes to everything, in pieces of the given sizes. */
function replay(bytes: Uint8Array, sizes: Iterator<number>): RtmpEvent[] {
  const session = new RtmpServerSession({ randomBytes: seededBytes(1), nowMs: 0 });
  const events: RtmpEvent[] = [];
  for (let offset = 0; offset < bytes.length; ) {
    const piece = bytes.subarray(offset, offset + Number(sizes.next().value));
    offset += piece.length;
    for (const event of session.receive(piece, 0)) {
      events.push(event);
      if (event.kind === "publish") events.push(...session.acceptPublish(event.streamId));
      if (event.kind === "play") session.acceptPlay(event.streamId);
    }
    session.takeOutput();
  }
  return events;
}

function* always(size: number): Generator<number> {
  for (;;) yield size;
}

/** What a capture says, short enough to compare. */
function outline(events: readonly RtmpEvent[]): unknown[] {
  return events.slice(0, 8).map((event) => {
    switch (event.kind) {
      case "media":
        return [event.messageType, event.timestampMs, event.payload.length];
      case "metadata":
        return ["metadata", event.value.encoder];
      case "publish":
        return ["publish", event.key, event.query];
      case "play":
        return ["play", event.name, event.query];
      case "connect":
        return ["connect", event.app, event.flashVer];
      default:
        return event;
    }
  });
}

const CAPTURES = [
  {
    name: "ffmpeg-5.1-publish",
    events: [
      ["connect", "live", "FMLE/3.0 (compatible; Lavf59.27.100)"],
      ["publish", "key1", "token=abc"],
      ["metadata", "Lavf59.27.100"],
      [9, 0, 44],
      [8, 0, 7],
      [8, 0, 282],
      [9, 23, 4980],
      [8, 23, 280],
    ],
  },
  {
    name: "ffmpeg-5.1-publish-extended-timestamps",
    events: [
      ["connect", "live", "FMLE/3.0 (compatible; Lavf59.27.100)"],
      ["publish", "key3", ""],
      ["metadata", "Lavf59.27.100"],
      [9, 0, 44],
      [8, 0, 7],
      [8, 16_777_977, 282],
      [9, 16_778_000, 4980],
      [8, 16_778_000, 280],
    ],
  },
  {
    name: "gstreamer-1.22-publish",
    events: [
      ["connect", "live", "LNX 10,0,32,18"],
      ["publish", "key2", ""],
      ["metadata", "GStreamer 1.22.0 FLV muxer"],
      [9, 0, 35],
      [8, 0, 7],
      [8, 0, 304],
      [9, 12, 1724],
      [8, 23, 281],
    ],
  },
  {
    name: "ffprobe-5.1-play",
    events: [["connect", "live", "LNX 9,0,124,2"], ["play", "name", "x=1"], { kind: "stop", streamId: 1 }],
  },
  {
    name: "ffplay-5.1-play",
    events: [
      ["connect", "live", "LNX 9,0,124,2"],
      ["play", "name", ""],
    ],
  },
];

describe.each(CAPTURES)("$name", ({ name, events }) => {
  const bytes = capture(name);

  test("is read as the client meant it", () => {
    expect(outline(replay(bytes, always(600)))).toEqual(events);
  });

  test("is read alike byte by byte, and in any pieces", () => {
    const expected = replay(bytes, always(600));
    expect(replay(bytes, always(1))).toEqual(expected);
    fc.assert(
      fc.property(fc.infiniteStream(fc.integer({ min: 1, max: 2000 })), (sizes) => {
        expect(replay(bytes, sizes)).toEqual(expected);
      }),
      { numRuns: 20 },
    );
  });
});

test("extended timestamps go on rising over every chunk of the capture", () => {
  const events = replay(capture("ffmpeg-5.1-publish-extended-timestamps"), always(600));
  const videoMs = events.flatMap((event) =>
    event.kind === "media" && event.messageType === 9 ? event.timestampMs : [],
  );
  expect(videoMs.length).toBeGreaterThan(4);
  expect(videoMs.slice(1)).toEqual(videoMs.slice(1).toSorted((a, b) => a - b));
  expect(videoMs.at(-1)).toBeGreaterThan(0xffffff);
});
