import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ChunkReader } from "./chunk-reader.ts";
import { DEFAULT_RTMP_LIMITS } from "./limits.ts";
import {
  encodeMediaMessage,
  type MediaMessage,
  mediaMessageSize,
  PLAY_CHUNK_BYTES,
  writeMediaMessage,
} from "./media-message.ts";
import { concat, seededBytes, wireMessage } from "./test-peer.ts";

/** Reads messages as a player would that was told the chunk size. */
function readAsPlayer(wire: Uint8Array) {
  const reader = new ChunkReader(DEFAULT_RTMP_LIMITS.afterAccept);
  reader.push(concat([wireMessage(1, Uint8Array.of(0, 1, 0, 0)), wire]));
  const messages = [];
  for (let message = reader.next(); message !== undefined; message = reader.next()) messages.push(message);
  return messages.slice(1);
}

describe("a media message", () => {
  test.each([
    { timestampMs: 0, headerBytes: 12, why: "the start" },
    { timestampMs: 0xfffffe, headerBytes: 12, why: "the last plain timestamp" },
    { timestampMs: 0xffffff, headerBytes: 16, why: "the first extended one" },
    { timestampMs: 0xffffffff, headerBytes: 16, why: "the last" },
    { timestampMs: 2 ** 32 + 5, headerBytes: 12, why: "it wraps at 2^32" },
  ])("at $timestampMs has $headerBytes bytes of header: $why", ({ timestampMs, headerBytes }) => {
    const wire = encodeMediaMessage({ messageType: 9, timestampMs, payload: Uint8Array.of(1, 2) });
    expect(wire.length).toBe(headerBytes + 2);
    expect(readAsPlayer(wire)).toMatchObject([{ timestampMs: timestampMs % 2 ** 32, payload: Uint8Array.of(1, 2) }]);
  });

  test.each([0, 1, PLAY_CHUNK_BYTES - 1, PLAY_CHUNK_BYTES, PLAY_CHUNK_BYTES + 1, 3 * PLAY_CHUNK_BYTES])(
    "of %i bytes is read back, with plain and extended timestamps",
    (size) => {
      const payload = seededBytes(size)(size);
      for (const timestampMs of [40, 0x1000000]) {
        const [message] = readAsPlayer(encodeMediaMessage({ messageType: 8, timestampMs, payload }));
        expect(message).toMatchObject({ messageType: 8, messageStreamId: 1, timestampMs });
        expect(message?.payload).toEqual(payload);
      }
    },
  );

  test("audio and video have chunk streams of their own", () => {
    const [audio, video] = ([8, 9] as const).map(
      (messageType) => encodeMediaMessage({ messageType, timestampMs: 0, payload: Uint8Array.of(0) })[0],
    );
    expect([audio, video]).toEqual([4, 6]);
  });

  test("that does not fit is refused, not cut", () => {
    const message: MediaMessage = { messageType: 9, timestampMs: 0, payload: new Uint8Array(10) };
    expect(() => writeMediaMessage(new Uint8Array(21), 0, message)).toThrow(RangeError);
    expect(writeMediaMessage(new Uint8Array(22), 0, message)).toBe(22);
  });
});

test("any messages in any parts share one buffer and are read back in order", () => {
  const part = fc.oneof(
    fc.uint8Array({ maxLength: 20 }),
    fc.integer({ min: 65_500, max: 65_560 }).map((size) => seededBytes(size)(size)),
  );
  const message = fc.record({
    messageType: fc.constantFrom<8 | 9>(8, 9),
    timestampMs: fc.oneof(fc.nat({ max: 100 }), fc.integer({ min: 0xfffffe, max: 0xffffffff })),
    payload: fc.array(part, { maxLength: 4 }),
  });
  fc.assert(
    fc.property(fc.array(message, { maxLength: 5 }), (messages) => {
      const sizes = messages.map((each) => mediaMessageSize(concat(each.payload).length, each.timestampMs));
      const target = new Uint8Array(sizes.reduce((sum, size) => sum + size, 0));
      let offset = 0;
      for (const each of messages) offset = writeMediaMessage(target, offset, each);
      expect(offset).toBe(target.length);
      const read = readAsPlayer(target);
      expect(read.map((each) => each.timestampMs)).toEqual(messages.map((each) => each.timestampMs));
      for (const [i, each] of messages.entries()) expect(read[i]?.payload).toEqual(concat(each.payload));
    }),
    { numRuns: 50 },
  );
});
