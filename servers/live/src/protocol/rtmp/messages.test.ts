import { fromHex } from "@kagami/bytes";
import { describe, expect, test } from "vitest";
import { amfObject } from "./amf-value.ts";
import { encodeAmf0 } from "./amf0.ts";
import type { RtmpMessage } from "./chunk-reader.ts";
import { decodeCommand, decodeData, encodeCommand, splitStreamName } from "./commands.ts";
import { DEFAULT_RTMP_LIMITS } from "./limits.ts";
import { decodeControlMessage, peerBandwidthPayload, splitAggregate, userControlPayload } from "./messages.ts";
import { concat } from "./test-peer.ts";

const AMF = DEFAULT_RTMP_LIMITS.amf;

function message(messageType: number, payload: Uint8Array, timestampMs = 0): RtmpMessage {
  return { chunkStreamId: 2, messageType, messageStreamId: 1, timestampMs, payload };
}

describe("control messages", () => {
  test.each([
    { type: 3, wire: "00000010", control: { kind: "acknowledgement", sequenceNumber: 16 } },
    { type: 5, wire: "002625a0", control: { kind: "window-ack-size", windowBytes: 2_500_000 } },
    { type: 6, wire: "002625a002", control: { kind: "set-peer-bandwidth", windowBytes: 2_500_000 } },
    { type: 6, wire: "002625a0", control: { kind: "set-peer-bandwidth", windowBytes: 2_500_000 } },
    { type: 4, wire: "0000 00000001", control: { kind: "stream-begin", streamId: 1 } },
    { type: 4, wire: "0001 00000001", control: { kind: "stream-eof", streamId: 1 } },
    { type: 4, wire: "0006 fffffffe", control: { kind: "ping-request", timestampMs: 0xfffffffe } },
    { type: 4, wire: "0007 00000005", control: { kind: "ping-response", timestampMs: 5 } },
    { type: 4, wire: "0003 00000001 000003e8", control: { kind: "ignored" } },
    { type: 4, wire: "001a 00", control: { kind: "ignored" } },
    { type: 3, wire: "000010", control: undefined },
    { type: 4, wire: "00", control: undefined },
    { type: 4, wire: "0006 0000", control: undefined },
    { type: 9, wire: "00000000", control: undefined },
  ])("type $type, $wire is $control", ({ type, wire, control }) => {
    expect(decodeControlMessage(message(type, fromHex(wire)))).toEqual(control);
  });

  test("what is written is what is read", () => {
    expect(decodeControlMessage(message(6, peerBandwidthPayload(7)))).toMatchObject({ windowBytes: 7 });
    expect(decodeControlMessage(message(4, userControlPayload(6, 9)))).toEqual({
      kind: "ping-request",
      timestampMs: 9,
    });
  });
});

describe("commands", () => {
  test("have a name, a number, an object and values", () => {
    const payload = encodeCommand("publish", 5, amfObject({ a: 1 }), "key", "live");
    expect(decodeCommand(20, payload, AMF)).toMatchObject({
      ok: true,
      name: "publish",
      transactionId: 5,
      object: { a: 1 },
      values: ["key", "live"],
    });
  });

  test("of type 17 start with a format byte, which some encoders forget", () => {
    const payload = encodeCommand("connect", 1, null);
    expect(decodeCommand(17, concat([Uint8Array.of(0), payload]), AMF)).toMatchObject({ name: "connect" });
    expect(decodeCommand(17, payload, AMF)).toMatchObject({ name: "connect" });
  });

  test.each([
    { wire: "", why: "nothing at all" },
    { wire: "05", why: "no name" },
    { wire: "02 0001 61 02 0001 62", why: "a text for a number" },
    { wire: "02 0005 61", why: "cut" },
  ])("$wire is refused: $why", ({ wire }) => {
    expect(decodeCommand(20, fromHex(wire), AMF).ok).toBe(false);
  });

  test("a data message may be wrapped in @setDataFrame", () => {
    const value = amfObject({ width: 2 });
    const expected = { ok: true, name: "onMetaData", values: [value] };
    expect(decodeData(18, encodeAmf0("@setDataFrame", "onMetaData", value), AMF)).toEqual(expected);
    expect(decodeData(18, encodeAmf0("onMetaData", value), AMF)).toEqual(expected);
    expect(decodeData(15, concat([Uint8Array.of(0), encodeAmf0("onMetaData", value)]), AMF)).toEqual(expected);
    expect(decodeData(18, encodeAmf0("@setDataFrame"), AMF).ok).toBe(false);
  });

  test.each([
    { name: "key", expected: { name: "key", query: "" } },
    { name: "key?a=1&b=?", expected: { name: "key", query: "a=1&b=?" } },
    { name: "?a", expected: { name: "", query: "a" } },
  ])("the stream name $name is split at its first question mark", ({ name, expected }) => {
    expect(splitStreamName(name)).toEqual(expected);
  });
});

describe("aggregates", () => {
  const video = "09 000002 000064 00 000000 aabb 0000000d";
  const audio = "08 000001 00006e 01 000000 cc";

  test("are split, with times that start at the aggregate's", () => {
    const parts = splitAggregate(message(22, fromHex(`${video} ${audio}`), 1000));
    expect(parts).toMatchObject([
      { messageType: 9, messageStreamId: 1, timestampMs: 1000, payload: fromHex("aabb") },
      { messageType: 8, timestampMs: 1000 + 10 + 0x1000000, payload: fromHex("cc") },
    ]);
  });

  test("of nothing hold nothing", () => {
    expect(splitAggregate(message(22, new Uint8Array(0)))).toEqual([]);
  });

  test.each([
    { wire: "09 0000", why: "a header is cut" },
    { wire: "09 000003 000064 00 000000 aabb", why: "a payload is cut" },
    { wire: "09 ffffff 000064 00 000000 aabb", why: "a size is absurd" },
    { wire: `${video} 00`, why: "a stray byte is no header" },
  ])("$wire are refused: $why", ({ wire }) => {
    expect(splitAggregate(message(22, fromHex(wire)))).toBeUndefined();
  });
});
