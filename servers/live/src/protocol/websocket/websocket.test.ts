import { createHash, randomBytes } from "node:crypto";
import { fromHex, toHex } from "@kagami/bytes";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  acceptKey,
  answerUpgrade,
  binaryFrameHeader,
  encodeClientFrame,
  encodeClose,
  encodeFrame,
  encodePing,
  encodePong,
  encodeText,
  isCloseCode,
  OPCODE,
  sha1,
  type UpgradeRequest,
  type WebSocketEvent,
  WebSocketReader,
  WebSocketSkimmer,
  writeBinaryHeader,
} from "./index.ts";

const MASK = fromHex("37 fa 21 3d");
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

function masked(opcode: number, payload: Uint8Array, isFinal = true): Uint8Array {
  const frame = encodeClientFrame(opcode, payload, MASK);
  if (!isFinal) frame[0] = frame[0]! & 0x7f;
  return frame;
}

function read(wire: Uint8Array, reader = new WebSocketReader()): WebSocketEvent[] {
  return [...reader.push(wire)];
}

/** Pushes in pieces whose sizes go round in `sizes`. */
function inPieces(wire: Uint8Array, sizes: readonly number[], push: (piece: Uint8Array) => void): void {
  for (let offset = 0, i = 0; offset < wire.length; i++) {
    const size = sizes[i % sizes.length]!;
    push(wire.subarray(offset, offset + size));
    offset += size;
  }
}

describe("handshake", () => {
  const good: UpgradeRequest = {
    method: "GET",
    httpVersion: "1.1",
    headers: {
      upgrade: "websocket",
      connection: "keep-alive, Upgrade",
      "sec-websocket-version": "13",
      "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    },
  };

  test("the accept key is that of RFC 6455 §1.3", () => {
    expect(acceptKey("dGhlIHNhbXBsZSBub25jZQ==")).toBe("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  });

  test("SHA-1 agrees with another implementation for every length around the block size", () => {
    for (let length = 0; length < 200; length++) {
      const bytes = randomBytes(length);
      expect(toHex(sha1(bytes))).toBe(createHash("sha1").update(bytes).digest("hex"));
    }
  });

  test("an upgrade is accepted with the four lines that matter and no extension", () => {
    const headers = { ...good.headers, "sec-websocket-extensions": "permessage-deflate" };
    const result = answerUpgrade({ ...good, headers });
    expect(result.kind).toBe("accept");
    expect(new TextDecoder().decode(result.response)).toBe(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
    );
  });

  test.each([
    { change: { method: "POST" }, code: "WEBSOCKET_METHOD", status: 405 },
    { change: { httpVersion: "1.0" }, code: "WEBSOCKET_HTTP_VERSION", status: 505 },
    { header: { upgrade: "h2c" }, code: "WEBSOCKET_NO_UPGRADE", status: 426 },
    { header: { connection: "keep-alive" }, code: "WEBSOCKET_NO_UPGRADE", status: 426 },
    { header: { upgrade: undefined }, code: "WEBSOCKET_NO_UPGRADE", status: 426 },
    { header: { "sec-websocket-version": "8" }, code: "WEBSOCKET_VERSION", status: 426 },
    { header: { "sec-websocket-key": "c2hvcnQ=" }, code: "WEBSOCKET_KEY", status: 400 },
    { header: { "sec-websocket-key": undefined }, code: "WEBSOCKET_KEY", status: 400 },
    { header: { "sec-websocket-key": ["a", "b"] }, code: "WEBSOCKET_KEY", status: 400 },
  ])("refuses with $code: $change$header", ({ change, header, code, status }) => {
    const result = answerUpgrade({ ...good, ...change, headers: { ...good.headers, ...header } });
    expect(result).toMatchObject({ kind: "refuse", code, status });
    const [head, body] = new TextDecoder().decode(result.response).split("\r\n\r\n") as [string, string];
    expect(head.startsWith(`HTTP/1.1 ${status} `)).toBe(true);
    expect(head).toContain(`Content-Length: ${body.length}`);
    expect(JSON.parse(body).error.code).toBe(code);
  });
});

describe("frames of the server", () => {
  test.each([
    { length: 0, header: "82 00", why: "the least" },
    { length: 125, header: "82 7d", why: "the longest short form" },
    { length: 126, header: "82 7e 00 7e", why: "the shortest 16-bit form" },
    { length: 256, header: "82 7e 01 00", why: "RFC 6455 §5.7" },
    { length: 65_535, header: "82 7e ff ff", why: "the longest 16-bit form" },
    { length: 65_536, header: "82 7f 00 00 00 00 00 01 00 00", why: "RFC 6455 §5.7" },
    { length: 2 ** 33 + 5, header: "82 7f 00 00 00 02 00 00 00 05", why: "more than 32 bits" },
  ])("$length bytes have the header $header: $why", ({ length, header }) => {
    expect(binaryFrameHeader(length)).toEqual(fromHex(header));
    const target = new Uint8Array(12).fill(0xee);
    expect(writeBinaryHeader(target, 1, length)).toBe(1 + fromHex(header).length);
    expect(target[0]).toBe(0xee);
    expect(() => writeBinaryHeader(new Uint8Array(1), 0, length)).toThrow(RangeError);
  });

  test("text, ping, pong and close are as in RFC 6455 §5.7", () => {
    expect(encodeText("Hello")).toEqual(fromHex("81 05 48 65 6c 6c 6f"));
    expect(encodePing(bytesOf("Hello"))).toEqual(fromHex("89 05 48 65 6c 6c 6f"));
    expect(encodePong()).toEqual(fromHex("8a 00"));
    expect(encodeClose(1001, "ab")).toEqual(fromHex("88 04 03 e9 61 62"));
  });

  test("a close reason is cut between characters, and codes that must not be sent are refused", () => {
    const frame = encodeClose(4404, "é".repeat(100));
    expect(frame.length).toBe(2 + 2 + 122);
    expect(() => encodeClose(1005)).toThrow(RangeError);
    expect(() => encodePing(new Uint8Array(126))).toThrow(RangeError);
    expect([999, 1000, 1004, 1005, 1006, 1015, 1016, 2999, 3000, 4999, 5000].filter(isCloseCode)).toEqual([
      1000, 3000, 4999,
    ]);
  });
});

describe("frames of a client", () => {
  test.each([
    { wire: "81 85 37 fa 21 3d 7f 9f 4d 51 58", events: [{ kind: "text", text: "Hello" }], why: "RFC 6455 §5.7" },
    { wire: "89 80 00 00 00 00", events: [{ kind: "ping", bytes: new Uint8Array(0) }], why: "an empty ping" },
    { wire: "8a 81 00 00 00 00 07", events: [{ kind: "pong", bytes: new Uint8Array([7]) }], why: "an unasked pong" },
    { wire: "88 80 00 00 00 00", events: [{ kind: "close", code: 1005, reason: "" }], why: "no code given" },
    {
      wire: "88 84 00 00 00 00 03 e8 6f 6b 81",
      events: [{ kind: "close", code: 1000, reason: "ok" }],
      why: "then nothing",
    },
    {
      wire: "01 81 00 00 00 00 61 89 80 00 00 00 00 80 81 00 00 00 00 62",
      events: [
        { kind: "ping", bytes: new Uint8Array(0) },
        { kind: "text", text: "ab" },
      ],
      why: "a ping in the middle of a fragmented text",
    },
    { wire: "82 80 00 00 00 00", events: [{ kind: "binary", bytes: new Uint8Array(0) }], why: "an empty message" },
  ])("$wire is read: $why", ({ wire, events }) => {
    expect(read(fromHex(wire))).toEqual(events);
  });

  test.each([
    { wire: "81 00", code: "WEBSOCKET_NOT_MASKED", closeCode: 1002, why: "no mask" },
    { wire: "c1 80 00 00 00 00", code: "WEBSOCKET_RESERVED_BITS", closeCode: 1002, why: "RSV1 without deflate" },
    { wire: "83 80 00 00 00 00", code: "WEBSOCKET_OPCODE", closeCode: 1002, why: "reserved data opcode" },
    { wire: "8b 80 00 00 00 00", code: "WEBSOCKET_OPCODE", closeCode: 1002, why: "reserved control opcode" },
    { wire: "09 80 00 00 00 00", code: "WEBSOCKET_CONTROL", closeCode: 1002, why: "a ping in fragments" },
    { wire: "89 fe 00 7e 00 00 00 00", code: "WEBSOCKET_CONTROL", closeCode: 1002, why: "a ping of 126 bytes" },
    { wire: "82 fe 00 05 00 00 00 00", code: "WEBSOCKET_LENGTH", closeCode: 1002, why: "5 written in 16 bits" },
    {
      wire: "82 ff 00 00 00 00 00 00 ff ff 00 00 00 00",
      code: "WEBSOCKET_LENGTH",
      closeCode: 1002,
      why: "65535 in 64",
    },
    {
      wire: "82 ff 80 00 00 00 00 00 00 00 00 00 00 00",
      code: "WEBSOCKET_LENGTH",
      closeCode: 1002,
      why: "the top bit",
    },
    { wire: "80 80 00 00 00 00", code: "WEBSOCKET_FRAGMENTS", closeCode: 1002, why: "nothing to continue" },
    { wire: "01 80 00 00 00 00 81 80 00 00 00 00", code: "WEBSOCKET_FRAGMENTS", closeCode: 1002, why: "two at once" },
    {
      wire: "82 ff 00 00 00 00 00 01 00 01 00 00 00 00",
      code: "WEBSOCKET_TOO_LARGE",
      closeCode: 1009,
      why: "64 KiB + 1",
    },
    {
      wire: "82 ff 7f ff ff ff ff ff ff ff 00 00 00 00",
      code: "WEBSOCKET_TOO_LARGE",
      closeCode: 1009,
      why: "2^63 - 1",
    },
    { wire: "81 82 00 00 00 00 c3 28", code: "WEBSOCKET_UTF8", closeCode: 1007, why: "bad UTF-8" },
    { wire: "81 83 00 00 00 00 ed a0 80", code: "WEBSOCKET_UTF8", closeCode: 1007, why: "a surrogate" },
    { wire: "88 81 00 00 00 00 03", code: "WEBSOCKET_CLOSE", closeCode: 1002, why: "half a code" },
    { wire: "88 82 00 00 00 00 03 ed", code: "WEBSOCKET_CLOSE", closeCode: 1002, why: "1005 on the wire" },
    { wire: "88 83 00 00 00 00 03 e8 ff", code: "WEBSOCKET_UTF8", closeCode: 1007, why: "a reason that is not UTF-8" },
  ])("$wire is refused with $closeCode: $why", ({ wire, code, closeCode }) => {
    const reader = new WebSocketReader();
    const events = read(fromHex(wire), reader);
    expect(events).toHaveLength(1);
    expect(events[0]).toMatchObject({ kind: "violation", code, closeCode });
    expect(reader.isDone).toBe(true);
    expect(reader.push(masked(OPCODE.text, bytesOf("more")))).toEqual([]);
  });

  test("a message of exactly the limit is read, one more byte over fragments is not", () => {
    const reader = new WebSocketReader({ messageBytes: 100 });
    expect(read(masked(OPCODE.binary, new Uint8Array(100)), reader)).toHaveLength(1);
    expect(read(masked(OPCODE.binary, new Uint8Array(60), false), reader)).toEqual([]);
    expect(read(masked(OPCODE.continuation, new Uint8Array(41)), reader)).toMatchObject([
      { code: "WEBSOCKET_TOO_LARGE" },
    ]);
  });

  test("endless empty fragments are refused", () => {
    const reader = new WebSocketReader({ fragmentCount: 3 });
    reader.push(masked(OPCODE.text, new Uint8Array(0), false));
    for (let i = 0; i < 2; i++) expect(reader.push(masked(OPCODE.continuation, new Uint8Array(0), false))).toEqual([]);
    expect(reader.push(masked(OPCODE.continuation, new Uint8Array(0)))).toMatchObject([{ closeCode: 1009 }]);
  });

  test("messages survive any way the network cuts them, and any fragmentation", () => {
    const message = fc.record({
      text: fc.string({ unit: "binary", maxLength: 300 }),
      cut: fc.nat(300),
      ping: fc.boolean(),
    });
    const sizes = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(fc.array(message, { maxLength: 6 }), sizes, (messages, pieceSizes) => {
        const wire: Uint8Array[] = [];
        const expected: WebSocketEvent[] = [];
        for (const { text, cut, ping } of messages) {
          const payload = bytesOf(text);
          wire.push(masked(OPCODE.text, payload.subarray(0, cut), false));
          if (ping) wire.push(masked(OPCODE.ping, payload.subarray(0, 125)));
          if (ping) expected.push({ kind: "ping", bytes: payload.slice(0, 125) });
          wire.push(masked(OPCODE.continuation, payload.subarray(cut)));
          expected.push({ kind: "text", text: new TextDecoder("utf-8", { ignoreBOM: true }).decode(payload) });
        }
        const reader = new WebSocketReader();
        const events: WebSocketEvent[] = [];
        inPieces(new Uint8Array(Buffer.concat(wire)), pieceSizes, (piece) => events.push(...reader.push(piece)));
        expect(events).toEqual(expected);
      }),
    );
  });

  test("any bytes are read or refused, the same however they are cut", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.integer({ min: 1, max: 9 }), (wire, size) => {
        const whole = read(wire);
        const events: WebSocketEvent[] = [];
        const reader = new WebSocketReader();
        inPieces(wire, [size], (piece) => events.push(...reader.push(piece)));
        expect(events).toEqual(whole);
        const last = whole.findIndex(({ kind }) => kind === "violation" || kind === "close");
        if (last >= 0) expect(last).toBe(whole.length - 1);
      }),
      { numRuns: 500 },
    );
  });
});

describe("the skimmer of a bench", () => {
  test("counts what the server sent, however it is cut, and hands out text and heads", () => {
    const payload = fc.uint8Array({ maxLength: 70_000, size: "max" });
    fc.assert(
      fc.property(fc.array(payload, { maxLength: 4 }), fc.integer({ min: 1, max: 5_000 }), (payloads, size) => {
        const wire = payloads.flatMap((bytes) => [encodeFrame(OPCODE.binary, bytes), encodeText("é{}"), encodePing()]);
        wire.push(encodeClose(1001, "bye"));
        const texts: string[] = [];
        const heads: string[] = [];
        const skimmer = new WebSocketSkimmer(
          { onText: (text) => texts.push(text), onBinary: (count, head) => heads.push(`${count} ${toHex(head)}`) },
          4,
        );
        inPieces(new Uint8Array(Buffer.concat(wire)), [size], (piece) => skimmer.push(piece));
        expect(heads).toEqual(payloads.map((bytes) => `${bytes.length} ${toHex(bytes.subarray(0, 4))}`));
        expect(texts).toEqual(payloads.map(() => "é{}"));
        const { binaryByteCount, binaryMessageCount, textMessageCount, pingCount, closeCode } = skimmer;
        expect({ binaryByteCount, binaryMessageCount, textMessageCount, pingCount, closeCode }).toEqual({
          binaryByteCount: payloads.reduce((sum, bytes) => sum + bytes.length, 0),
          binaryMessageCount: payloads.length,
          textMessageCount: payloads.length,
          pingCount: payloads.length,
          closeCode: 1001,
        });
      }),
      { numRuns: 50 },
    );
  });
});
