import { fromHex } from "@kagami/bytes";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ChunkReader, type RtmpMessage } from "./chunk-reader.ts";
import { ChunkWriter, type OutgoingMessage } from "./chunk-writer.ts";
import { DEFAULT_RTMP_LIMITS } from "./limits.ts";
import { concat, seededBytes } from "./test-peer.ts";

const LIMITS = DEFAULT_RTMP_LIMITS.afterAccept;

function drain(reader: ChunkReader): RtmpMessage[] {
  const messages: RtmpMessage[] = [];
  for (let message = reader.next(); message !== undefined; message = reader.next()) messages.push(message);
  return messages;
}

/** Reads `wire` in pieces of the given sizes, each copied into the same buffer, as a socket may do. */
function readInPieces(wire: Uint8Array, sizes: Iterator<number>, reader = new ChunkReader(LIMITS)): RtmpMessage[] {
  const messages: RtmpMessage[] = [];
  const shared = new Uint8Array(wire.length);
  let offset = 0;
  while (offset < wire.length) {
    const piece = wire.subarray(offset, offset + Number(sizes.next().value));
    offset += piece.length;
    shared.set(piece);
    reader.push(shared.subarray(0, piece.length));
    messages.push(...drain(reader));
  }
  return messages;
}

function* ones(): Generator<number> {
  for (;;) yield 1;
}

function read(hex: string, reader = new ChunkReader(LIMITS)): RtmpMessage[] {
  reader.push(fromHex(hex));
  return drain(reader);
}

function failureOf(hex: string, limits = LIMITS): string | undefined {
  const reader = new ChunkReader(limits);
  reader.push(fromHex(hex));
  drain(reader);
  return reader.failure?.code;
}

describe("headers", () => {
  test.each([
    { wire: "03 000005 000001 14 01000000 aa", id: 3, why: "ids 2 to 63 fit in the first byte" },
    { wire: "00 00 000005 000001 14 01000000 aa", id: 64, why: "the second byte counts from 64" },
    { wire: "00 ff 000005 000001 14 01000000 aa", id: 319, why: "up to 319" },
    { wire: "01 00 01 000005 000001 14 01000000 aa", id: 320, why: "the third byte counts 256 each" },
    { wire: "01 ff ff 000005 000001 14 01000000 aa", id: 65_599, why: "the largest id" },
  ])("chunk stream $id: $why", ({ wire, id }) => {
    const expected = {
      chunkStreamId: id,
      messageType: 20,
      messageStreamId: 1,
      timestampMs: 5,
      payload: Uint8Array.of(0xaa),
    };
    expect(read(wire)).toEqual([expected]);
    expect(readInPieces(fromHex(wire), ones())).toEqual([expected]);
  });

  test("the message stream id is little-endian", () => {
    expect(read("03 000000 000000 14 04030201")[0]?.messageStreamId).toBe(0x01020304);
  });

  test("a message of no bytes is whole with its header", () => {
    expect(read("03 000000 000000 09 01000000 c3 c3").length).toBe(3);
  });

  test("format 1 may open a chunk stream, as some encoders do", () => {
    expect(read("42 000007 000001 09 aa")).toMatchObject([{ timestampMs: 7, messageStreamId: 0 }]);
  });

  test.each([
    { wire: "82 000000", why: "format 2 leaves out the length" },
    { wire: "c2", why: "format 3 leaves out everything" },
  ])("$wire cannot open a chunk stream: $why", ({ wire }) => {
    expect(failureOf(wire)).toBe("RTMP_CHUNK_HEADER_MISSING");
  });
});

describe("timestamps", () => {
  const start = (hex: string) => `04 ${hex} 000001 08 01000000 aa`;
  test.each([
    { wire: start("000064"), ms: [100], why: "absolute" },
    { wire: `${start("000064")} 84 00000a bb`, ms: [100, 110], why: "format 2 adds" },
    { wire: `${start("000064")} 44 00000a 000002 08 bbbb`, ms: [100, 110], why: "format 1 adds" },
    { wire: `${start("000064")} 84 00000a bb c4 bb c4 bb`, ms: [100, 110, 120, 130], why: "format 3 adds it again" },
    { wire: `${start("000064")} c4 bb`, ms: [100, 200], why: "§5.3.1.2.4: behind format 0 it adds the timestamp" },
    { wire: start("fffffe"), ms: [16_777_214], why: "the largest that fits in three bytes" },
    { wire: start("ffffff").replace("aa", "00ffffff aa"), ms: [16_777_215], why: "0xFFFFFF is extended" },
    { wire: start("ffffff").replace("aa", "01000000 aa"), ms: [16_777_216], why: "and so is what lies beyond" },
    { wire: start("ffffff").replace("aa", "ffffffff aa"), ms: [4_294_967_295], why: "up to 2^32 - 1" },
    {
      wire: `${start("ffffff").replace("aa", "fffffff6 aa")} 84 000014 bb`,
      ms: [4_294_967_286, 10],
      why: "deltas wrap at 2^32",
    },
    { wire: `${start("fffffa")} 84 00000a bb`, ms: [16_777_210, 16_777_220], why: "a delta crosses 0xFFFFFF" },
    {
      wire: `${start("000001")} 84 ffffff 01000000 bb c4 01000000 bb`,
      ms: [1, 16_777_217, 33_554_433],
      why: "deltas can be extended, and repeat so",
    },
    {
      wire: `${start("000001")} 84 ffffff 01000000 bb c4 bb`,
      ms: [1, 16_777_217, 33_554_433],
      why: "an encoder that does not repeat the extension",
    },
  ])("$ms: $why", ({ wire, ms }) => {
    expect(read(wire).map((message) => message.timestampMs)).toEqual(ms);
    expect(readInPieces(fromHex(wire), ones()).map((message) => message.timestampMs)).toEqual(ms);
  });

  const head = `04 ffffff 000105 08 01000000 01000000 ${"aa".repeat(128)}`;
  test.each([
    { wire: `${head} c4 01000000 ${"bb".repeat(128)} c4 01000000 ${"cc".repeat(5)}`, why: "repeated, as specified" },
    { wire: `${head} c4 ${"bb".repeat(128)} c4 ${"cc".repeat(5)}`, why: "not repeated" },
    { wire: `${head} c4 ${`010000ff${"bb".repeat(124)}`} c4 ${"cc".repeat(5)}`, why: "payload that begins alike" },
  ])("between chunks the extended timestamp may be there or not: $why", ({ wire }) => {
    const bytes = fromHex(wire);
    for (const messages of [read(wire), readInPieces(bytes, ones())]) {
      expect(messages.length).toBe(1);
      expect(messages[0]?.payload.length).toBe(261);
      expect(messages[0]?.payload.subarray(256)).toEqual(new Uint8Array(5).fill(0xcc));
    }
  });

  test("the payload that begins like the timestamp may be cut anywhere", () => {
    const wire = fromHex(`${head} c4 ${`010000ff${"bb".repeat(124)}`} c4 ${"cc".repeat(5)}`);
    fc.assert(
      fc.property(fc.infiniteStream(fc.integer({ min: 1, max: 150 })), (sizes) => {
        const [message] = readInPieces(wire, sizes);
        expect(message?.payload.subarray(128, 132)).toEqual(Uint8Array.of(1, 0, 0, 0xff));
      }),
    );
  });
});

describe("chunk size and abort", () => {
  test("a new chunk size counts from the next chunk on", () => {
    const wire = `02 000000 000004 01 00000000 00000002  03 000000 000005 14 00000000 0102 c3 0304 c3 05`;
    expect(read(wire)[1]?.payload).toEqual(Uint8Array.of(1, 2, 3, 4, 5));
  });

  test("a size beyond any message is taken as the largest", () => {
    const wire = `02 000000 000004 01 00000000 7fffffff 03 000000 000001 14 00000000 aa`;
    expect(read(wire).length).toBe(2);
  });

  test.each([
    { size: "00000000", why: "nothing would ever arrive" },
    { size: "80000000", why: "the first bit must be zero" },
    { size: "ffffffff", why: "likewise" },
  ])("size $size is refused: $why", ({ size }) => {
    expect(failureOf(`02 000000 000004 01 00000000 ${size}`)).toBe("RTMP_CHUNK_SIZE_INVALID");
  });

  test.each(["01", "02"])("type %s of three bytes is refused", (type) => {
    expect(failureOf(`02 000000 000003 ${type} 00000000 000000`)).toBe("RTMP_CONTROL_MALFORMED");
  });

  test("an aborted message is forgotten, and its memory with it", () => {
    const reader = new ChunkReader(LIMITS);
    read(`03 000000 0000c8 14 00000000 ${"aa".repeat(128)}`, reader);
    expect(reader.partialBytes).toBe(200);
    read("02 000000 000004 02 00000000 00000003", reader);
    expect(reader.partialBytes).toBe(0);
    expect(read("03 000000 000001 14 00000000 bb", reader)).toMatchObject([{ payload: Uint8Array.of(0xbb) }]);
  });

  test("an abort of a chunk stream that never was changes nothing", () => {
    expect(read("02 000000 000004 02 00000000 0000ffff").length).toBe(1);
  });

  test("a new header in the middle of a message gives the message up", () => {
    const wire = `03 000000 0000c8 14 00000000 ${"aa".repeat(128)} 03 000000 000001 14 00000000 bb`;
    expect(read(wire)).toMatchObject([{ payload: Uint8Array.of(0xbb) }]);
  });
});

describe("limits", () => {
  const limits = { maxMessageBytes: 1000, maxChunkStreams: 2, maxPartialBytes: 1500 };

  test("a message longer than allowed is refused at its header", () => {
    expect(failureOf("03 000000 0003e8 14 00000000", limits)).toBeUndefined();
    expect(failureOf("03 000000 0003e9 14 00000000", limits)).toBe("RTMP_MESSAGE_LIMIT");
  });

  test("chunk streams are counted for the whole connection", () => {
    const open = (id: string) => `${id} 000000 000000 14 00000000`;
    expect(failureOf(open("03") + open("04"), limits)).toBeUndefined();
    expect(failureOf(open("03") + open("04") + open("05"), limits)).toBe("RTMP_CHUNK_STREAM_LIMIT");
  });

  test("unfinished messages share one allowance", () => {
    const begin = (id: string) => `${id} 000000 0003e8 14 00000000 ${"aa".repeat(128)}`;
    expect(failureOf(begin("03") + begin("04"), limits)).toBe("RTMP_PARTIAL_LIMIT");
  });

  test("a peer pays in bytes for the memory it announces", () => {
    const reader = new ChunkReader(LIMITS);
    for (let id = 2; id < 60; id++) read(`${id.toString(16).padStart(2, "0")} 000000 7fffff 09 01000000 aa`, reader);
    expect(reader.failure).toBeUndefined();
    expect(reader.partialBytes).toBeLessThanOrEqual(58 * 16_384);
  });

  test("every chunk stream id there is ends at the limit", () => {
    const reader = new ChunkReader(LIMITS);
    for (let id = 64; id < 65_600 && reader.failure === undefined; id++) {
      const header = Uint8Array.of(1, (id - 64) & 0xff, (id - 64) >> 8, 0, 0, 0, 0, 0, 129, 9, 1, 0, 0, 0);
      reader.push(concat([header, new Uint8Array(128)]));
      drain(reader);
    }
    expect(reader.failure?.code).toBe("RTMP_CHUNK_STREAM_LIMIT");
    expect(reader.partialBytes).toBe(64 * 129);
  });

  test("nothing comes after a failure", () => {
    const reader = new ChunkReader(limits);
    read("c2", reader);
    expect(read("03 000000 000001 14 00000000 bb", reader)).toEqual([]);
  });
});

describe("memory", () => {
  test("a payload is the reader's own, of exactly its length", () => {
    const wire = fromHex("03 000000 000003 14 00000000 010203");
    const reader = new ChunkReader(LIMITS);
    reader.push(wire);
    const [message] = drain(reader);
    wire.fill(0);
    expect(message?.payload).toEqual(Uint8Array.of(1, 2, 3));
    expect(message?.payload.buffer.byteLength).toBe(3);
  });

  test("a long message in small pieces ends in one buffer of its length", () => {
    const payload = seededBytes(1)(300_000);
    const writer = new ChunkWriter();
    const wire = writer.write({ chunkStreamId: 6, messageType: 9, messageStreamId: 1, timestampMs: 0, payload });
    const [message] = readInPieces(wire, ones());
    expect(message?.payload.buffer.byteLength).toBe(300_000);
    expect(message?.payload).toEqual(payload);
  });
});

describe("any", () => {
  const message = fc.record({
    chunkStreamId: fc.integer({ min: 3, max: 63 }),
    messageType: fc.constantFrom(8, 9, 18, 20),
    messageStreamId: fc.constantFrom(0, 1),
    timestampMs: fc.oneof(
      fc.integer({ min: 0, max: 200 }),
      fc.integer({ min: 0xfffff0, max: 0x1000010 }),
      fc.integer({ min: 0xfffffff0, max: 0xffffffff }),
    ),
    payload: fc.oneof(fc.uint8Array({ maxLength: 8 }), fc.uint8Array({ minLength: 100, maxLength: 700 })),
  });
  const sizes = () => fc.infiniteStream(fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 400 })));

  test.each([false, true])(
    "messages survive any way the network cuts them, compressed headers: %s",
    (isCompressing) => {
      fc.assert(
        fc.property(fc.array(message), fc.integer({ min: 1, max: 300 }), sizes(), (messages, chunkBytes, pieces) => {
          const writer = new ChunkWriter(isCompressing);
          const size = new Uint8Array(4);
          new DataView(size.buffer).setUint32(0, chunkBytes);
          const parts = [writer.write({ ...control(1), payload: size })];
          writer.chunkBytes = chunkBytes;
          for (const outgoing of messages) parts.push(writer.write(outgoing));
          expect(readInPieces(concat(parts), pieces).slice(1)).toEqual(messages);
        }),
      );
    },
  );

  test("messages survive being interleaved chunk by chunk", () => {
    const pair = fc.tuple(fc.uint8Array({ maxLength: 900 }), fc.uint8Array({ maxLength: 900 }));
    fc.assert(
      fc.property(pair, fc.infiniteStream(fc.boolean()), sizes(), ([audio, video], order, pieces) => {
        const queues = [chunksOf(4, 8, audio), chunksOf(6, 9, video)];
        const wire: Uint8Array[] = [];
        while (queues.some((queue) => queue.length > 0)) {
          const queue = queues[order.next().value ? 0 : 1];
          const chunk = queue?.shift();
          if (chunk !== undefined) wire.push(chunk);
        }
        const messages = readInPieces(concat(wire), pieces);
        expect(messages.find((found) => found.messageType === 8)?.payload).toEqual(audio);
        expect(messages.find((found) => found.messageType === 9)?.payload).toEqual(video);
      }),
    );
  });

  test("bytes either become messages or are refused, whole or one by one alike", () => {
    const soup = fc.array(fc.oneof(fc.constantFrom(0, 1, 2, 3, 0xc3, 0x43, 0x83, 255), fc.nat({ max: 255 })));
    fc.assert(
      fc.property(soup, (bytes) => {
        const wire = Uint8Array.from(bytes);
        const [once, single] = [new ChunkReader(LIMITS), new ChunkReader(LIMITS)];
        once.push(wire);
        expect(drain(once)).toEqual(readInPieces(wire, ones(), single));
        expect(once.failure).toEqual(single.failure);
      }),
      { numRuns: 1000 },
    );
  });
});

function control(messageType: number): Omit<OutgoingMessage, "payload"> {
  return { chunkStreamId: 2, messageType, messageStreamId: 0, timestampMs: 0 };
}

/** The chunks of one message, apart. */
function chunksOf(chunkStreamId: number, messageType: number, payload: Uint8Array): Uint8Array[] {
  const writer = new ChunkWriter();
  const wire = writer.write({ chunkStreamId, messageType, messageStreamId: 1, timestampMs: 9, payload });
  const chunks = [wire.slice(0, 12 + Math.min(128, payload.length))];
  for (let at = chunks[0]?.length ?? 0; at < wire.length; at += 129) chunks.push(wire.slice(at, at + 129));
  return chunks;
}
