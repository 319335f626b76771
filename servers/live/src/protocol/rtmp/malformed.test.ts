import { fromHex } from "@kagami/bytes";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DEFAULT_RTMP_LIMITS } from "./limits.ts";
import { MESSAGE_TYPE, uint32Payload } from "./messages.ts";
import { RtmpServerSession } from "./server-session.ts";
import { concat, errorCode, plainHello, seededBytes, TestPeer, wireCommand, wireMessage } from "./test-peer.ts";

/** Shaken hands, nothing else: what any stranger can do. */
function stranger(): TestPeer {
  const peer = new TestPeer();
  peer.send(plainHello());
  return peer;
}

describe("from a stranger", () => {
  test.each([
    {
      why: "AMF nested 60,000 deep",
      wire: wireMessage(20, fromHex(`020007636f6e6e656374003ff0000000000000${"0a00000001".repeat(9000)}`)),
      code: "RTMP_COMMAND_MALFORMED",
    },
    {
      why: "an array of four billion",
      wire: wireMessage(20, fromHex("020007636f6e6e656374003ff00000000000000affffffff")),
      code: "RTMP_COMMAND_MALFORMED",
    },
    {
      why: "a string of 4 GiB",
      wire: wireMessage(20, fromHex("0cffffffff")),
      code: "RTMP_COMMAND_MALFORMED",
    },
    { why: "a command of no bytes", wire: wireMessage(20, new Uint8Array(0)), code: "RTMP_COMMAND_MALFORMED" },
    {
      why: "a message beyond 64 KiB",
      wire: fromHex("03 000000 010001 14 00000000"),
      code: "RTMP_MESSAGE_LIMIT",
    },
    {
      why: "a chunk size of zero",
      wire: wireMessage(1, uint32Payload(0), 0, 0, 2),
      code: "RTMP_CHUNK_SIZE_INVALID",
    },
    {
      why: "a chunk size of 4 GiB",
      wire: wireMessage(1, uint32Payload(0xffffffff), 0, 0, 2),
      code: "RTMP_CHUNK_SIZE_INVALID",
    },
    { why: "a cut acknowledgement", wire: wireMessage(3, Uint8Array.of(1), 0, 0, 2), code: "RTMP_CONTROL_MALFORMED" },
    { why: "a chunk from nowhere", wire: Uint8Array.of(0xff), code: "RTMP_CHUNK_HEADER_MISSING" },
    { why: "publish before connect", wire: wireCommand(0, "publish", 1, null, "k"), code: "RTMP_CONNECT_EXPECTED" },
  ])("$why is refused with $code", ({ wire, code }) => {
    const peer = stranger();
    expect(errorCode(peer.send(wire))).toBe(code);
    expect(peer.session.heldBytes).toBeLessThanOrEqual(DEFAULT_RTMP_LIMITS.beforeAccept.maxPartialBytes);
  });

  test("chunk streams without end are refused at the ninth", () => {
    const peer = stranger();
    const open = (id: number) => Uint8Array.of(1, id & 0xff, id >> 8, 0, 0, 0, 0, 0, 200, 9, 1, 0, 0, 0);
    for (let id = 0; id < 8; id++) expect(peer.send(open(id), new Uint8Array(128))).toEqual([]);
    expect(errorCode(peer.send(open(9)))).toBe("RTMP_CHUNK_STREAM_LIMIT");
  });

  test("media before connect and a flood of aborts change nothing", () => {
    const peer = stranger();
    const abort = wireMessage(MESSAGE_TYPE.abort, uint32Payload(3), 0, 0, 2);
    expect(peer.send(...Array.from({ length: 50_000 }, () => abort))).toEqual([]);
    expect(peer.send(wireMessage(9, Uint8Array.of(1), 1))).toEqual([]);
    expect(peer.session.takeOutput().length).toBe(3);
    expect(peer.session.heldBytes).toBe(0);
  });

  test("a flood of commands is cut short", () => {
    const peer = stranger();
    peer.send(wireCommand(0, "connect", 1, null));
    const flood = Array.from({ length: 1000 }, () => wireCommand(0, "x", 5, null));
    expect(errorCode(peer.send(...flood))).toBe("RTMP_COMMAND_FLOOD");
    expect(concat(peer.session.takeOutput()).length).toBeLessThan(40_000);
  });

  test("garbage behind the handshake ends in an error or in silence, at no cost", () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const peer = stranger();
        peer.send(seededBytes(seed)(20_000));
        expect(peer.session.heldBytes).toBeLessThanOrEqual(DEFAULT_RTMP_LIMITS.beforeAccept.maxPartialBytes);
      }),
    );
  });

  test("half a handshake is waited for until its time is up", () => {
    for (const size of [1, 2, 1536, 1537, 3072]) {
      const session = new RtmpServerSession({ randomBytes: seededBytes(1), nowMs: 0 });
      expect(session.receive(plainHello().subarray(0, size), 0)).toEqual([]);
      expect(errorCode(session.onDeadline(10_000))).toBe("RTMP_HANDSHAKE_TIMEOUT");
    }
  });
});

describe("from a publisher", () => {
  test("a flood of empty messages makes no events", () => {
    const peer = new TestPeer().publish();
    const start = wireMessage(9, new Uint8Array(0), 1, 0, 6);
    expect(peer.send(start, new Uint8Array(100_000).fill(0xc6))).toEqual([]);
  });

  test("the largest message is bought with bytes, not with a header", () => {
    const peer = new TestPeer().publish();
    peer.send(fromHex("06 000000 7fffff 09 01000000 aa"));
    expect(peer.session.heldBytes).toBeLessThanOrEqual(16_384);
  });

  test("unfinished messages stay below their limit", () => {
    const peer = new TestPeer().publish();
    peer.send(wireMessage(1, uint32Payload(1 << 20), 0, 0, 2));
    let code: string | undefined;
    for (let id = 10; id < 60 && code === undefined; id++) {
      const header = Uint8Array.of(id, 0, 0, 0, 0x7f, 0xff, 0xff, 9, 1, 0, 0, 0);
      code = errorCode(peer.send(header, new Uint8Array(1 << 20)));
      expect(peer.session.heldBytes).toBeLessThanOrEqual(DEFAULT_RTMP_LIMITS.afterAccept.maxPartialBytes);
    }
    expect(code).toBe("RTMP_PARTIAL_LIMIT");
  });

  test("a long message that arrives byte by byte is one event", () => {
    const peer = new TestPeer().publish();
    const wire = wireMessage(9, seededBytes(1)(400_000), 1, 0, 6);
    let events = 0;
    for (let i = 0; i < wire.length; i++) events += peer.send(wire.subarray(i, i + 1)).length;
    expect(events).toBe(1);
  });
});
