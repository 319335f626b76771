import fc from "fast-check";
import { expect, test } from "vitest";
import { MARKER_BYTES, type Marker, MarkerScanner, payloadBytes, writeMarker } from "./marker.ts";

const marker = fc.record<Marker>({
  kind: fc.constantFrom("K", "V", "A"),
  sequence: fc.nat(0xffff_ffff),
  sentUs: fc.nat(0xff_ffff_ffff),
  followingBytes: fc.nat(300),
});

function messageOf(marker: Marker): Buffer {
  const bytes = Buffer.alloc(5 + MARKER_BYTES + marker.followingBytes, "x");
  writeMarker(bytes, 5, marker);
  return bytes;
}

test("markers survive any way the network cuts them, and are told with the last byte of their message", () => {
  const pieceSizes = fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1 });
  fc.assert(
    fc.property(fc.array(marker, { maxLength: 6 }), pieceSizes, (markers, sizes) => {
      const wire = Buffer.concat(markers.map(messageOf));
      const ends = markers.map((_, i) => Buffer.concat(markers.slice(0, i + 1).map(messageOf)).length);
      const found: { marker: Marker; pushedBytes: number }[] = [];
      let pushedBytes = 0;
      const scanner = new MarkerScanner((each) => found.push({ marker: each, pushedBytes }));
      const reused = Buffer.alloc(90);
      for (let piece = 0, at = 0; at < wire.length; piece++) {
        const size = Math.min(sizes[piece % sizes.length] ?? 1, wire.length - at);
        wire.copy(reused, 0, at, at + size); // as a socket with one buffer for all reads
        at += size;
        pushedBytes = at;
        scanner.push(reused.subarray(0, size), at);
      }
      expect(found.map((each) => each.marker)).toEqual(markers);
      for (const [i, each] of found.entries()) {
        expect(each.pushedBytes).toBeGreaterThanOrEqual(ends[i] ?? 0);
        expect(each.pushedBytes).toBeLessThan((ends[i] ?? 0) + 90);
      }
    }),
  );
});

test("bytes that hold no marker are passed over", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array()), (pieces) => {
      const scanner = new MarkerScanner(() => expect.unreachable());
      for (const piece of pieces) scanner.push(piece, 0);
    }),
  );
});

test("what protocols wrap around a message does not count to its payload", () => {
  expect(payloadBytes({ kind: "A", sequence: 0, sentUs: 0, followingBytes: 100 })).toBe(2 + MARKER_BYTES + 100);
  expect(payloadBytes({ kind: "V", sequence: 0, sentUs: 0, followingBytes: 100 })).toBe(23 + MARKER_BYTES + 100);
});
