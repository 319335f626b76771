import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { amfObject } from "./amf-value.ts";
import { encodeAmf0 } from "./amf0.ts";
import type { RtmpClientEvent } from "./client-events.ts";
import { type RtmpClientOptions, RtmpClientSession } from "./client-session.ts";
import { statusInfo } from "./commands.ts";
import { encodeMediaMessage } from "./media-message.ts";
import { MESSAGE_TYPE, uint32Payload, userControlPayload } from "./messages.ts";
import type { RtmpEvent } from "./server-events.ts";
import { RtmpServerSession } from "./server-session.ts";
import { concat, seededBytes, wireCommand, wireMessage } from "./test-peer.ts";

/** A client and a server with a wire between them that cuts bytes as `sizes` says. */
class World {
  readonly client: RtmpClientSession;
  readonly server = new RtmpServerSession({ randomBytes: seededBytes(2), nowMs: 0 });
  readonly clientEvents: RtmpClientEvent[] = [];
  readonly serverEvents: RtmpEvent[] = [];
  readonly #sizes: Iterator<number>;

  constructor(options: Partial<RtmpClientOptions> = {}, sizes: Iterator<number> = whole()) {
    const defaults = { mode: "publish", app: "live", tcUrl: "rtmp://h/live", streamName: "key?t=1" } as const;
    this.client = new RtmpClientSession({ ...defaults, randomBytes: seededBytes(1), nowMs: 0, ...options });
    this.#sizes = sizes;
  }

  /** Carries bytes until nobody has anything to say; the server says yes. */
  run(): this {
    for (;;) {
      const up = concat(this.client.takeOutput());
      const down = concat(this.server.takeOutput());
      if (up.length + down.length === 0) return this;
      for (const piece of this.#pieces(up)) this.#onServerEvents(this.server.receive(piece, 0));
      for (const piece of this.#pieces(down)) this.clientEvents.push(...this.client.receive(piece, 0));
    }
  }

  toClient(bytes: Uint8Array): RtmpClientEvent[] {
    return this.client.receive(bytes, 0);
  }

  #onServerEvents(events: readonly RtmpEvent[]): void {
    for (const event of events) {
      this.serverEvents.push(event);
      if (event.kind === "publish") this.serverEvents.push(...this.server.acceptPublish(event.streamId));
      if (event.kind === "play") this.server.acceptPlay(event.streamId, { metadata: amfObject({ width: 8 }) });
    }
  }

  *#pieces(bytes: Uint8Array): Generator<Uint8Array> {
    for (let offset = 0; offset < bytes.length; ) {
      const piece = bytes.slice(offset, offset + Number(this.#sizes.next().value));
      offset += piece.length;
      yield piece;
    }
  }
}

function* whole(): Generator<number> {
  for (;;) yield 1e9;
}

const kinds = (events: readonly { readonly kind: string }[]) => events.map((event) => event.kind);
const sizes = () => fc.infiniteStream(fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 3000 })));
const schemes = fc.constantFrom<{ digestScheme?: 0 | 1 }>({}, { digestScheme: 0 }, { digestScheme: 1 });

describe("a publisher", () => {
  const message = fc.record({
    messageType: fc.constantFrom<8 | 9>(8, 9),
    timestampMs: fc.oneof(fc.nat({ max: 5000 }), fc.integer({ min: 0xfffff0, max: 0xffffffff })),
    payload: fc.uint8Array({ minLength: 1, maxLength: 9000 }),
  });

  test("gets every message to the server, however the network cuts them", () => {
    fc.assert(
      fc.property(
        schemes,
        fc.array(message),
        fc.constantFrom(128, 4096, 65_536),
        sizes(),
        (scheme, media, size, cut) => {
          const world = new World({ ...scheme, chunkBytes: size }, cut).run();
          expect(world.client.isReady).toBe(true);
          world.client.sendMetadata(amfObject({ width: 640 }));
          for (const each of media) world.client.sendMedia(each.messageType, each.timestampMs, each.payload);
          world.run();
          world.client.close();
          world.run();
          expect(world.serverEvents.slice(1)).toEqual([
            { kind: "publish", streamId: 1, key: "key", query: "t=1", publishType: "live" },
            { kind: "metadata", streamId: 1, timestampMs: 0, value: amfObject({ width: 640 }) },
            ...media.map((each) => ({ kind: "media", streamId: 1, ...each })),
            { kind: "unpublish", streamId: 1 },
          ]);
        },
      ),
      { numRuns: 60 },
    );
  });

  test("may send nothing before it is ready, nor after it has closed", () => {
    const world = new World();
    const greeting = world.client.takeOutput();
    world.client.sendMedia(9, 0, Uint8Array.of(1));
    expect(world.client.takeOutput()).toEqual([]);
    expect(concat(greeting).length).toBe(1537);
    world.client.close();
    expect(world.client.takeOutput()).toEqual([]);
  });

  test("hears of a reconnect request, and where to", () => {
    const world = new World().run();
    expect(world.server.requestReconnect("rtmp://b/live", "Restarting")).toBe(true);
    world.run();
    expect(world.clientEvents.at(-1)).toEqual({
      kind: "reconnect-request",
      tcUrl: "rtmp://b/live",
      description: "Restarting",
    });
    expect(world.server.requestReconnect()).toBe(true);
    world.run();
    expect(world.clientEvents.at(-1)).toMatchObject({ tcUrl: undefined });
  });

  test("is acknowledged as it sends", () => {
    const world = new World({ chunkBytes: 65_536 }).run();
    for (let i = 0; i < 40; i++) {
      world.client.sendMedia(9, i, new Uint8Array(50_000));
      world.run();
    }
    const acks = world.clientEvents.filter((event) => event.kind === "ack");
    expect(acks.length).toBe(1);
    expect(acks[0]).toMatchObject({ byteCount: expect.any(Number) });
  });
});

describe("a player", () => {
  test("gets what every player gets, however the network cuts it", () => {
    const message = fc.record({
      messageType: fc.constantFrom<8 | 9>(8, 9),
      timestampMs: fc.oneof(fc.nat({ max: 5000 }), fc.integer({ min: 0xfffff0, max: 0xffffffff })),
      payload: fc.oneof(
        fc.uint8Array({ minLength: 1, maxLength: 300 }),
        fc.integer({ min: 65_000, max: 140_000 }).map((size) => seededBytes(size)(size)),
      ),
    });
    fc.assert(
      fc.property(schemes, fc.array(message, { maxLength: 6 }), sizes(), (scheme, media, cut) => {
        const world = new World({ ...scheme, mode: "play", streamName: "name" }, cut).run();
        expect(kinds(world.clientEvents)).toEqual(["connected", "status", "status", "ready", "data", "metadata"]);
        const events: RtmpClientEvent[] = [];
        for (const each of media) {
          const wire = encodeMediaMessage(each);
          for (let offset = 0; offset < wire.length; ) {
            const piece = wire.subarray(offset, offset + Number(cut.next().value));
            offset += piece.length;
            events.push(...world.toClient(piece));
          }
        }
        expect(events).toEqual(media.map((each) => ({ kind: "media", ...each })));
      }),
      { numRuns: 30 },
    );
  });

  test("hears once that the broadcast is over", () => {
    const world = new World({ mode: "play" }).run();
    world.server.endPlay(1);
    world.run();
    expect(kinds(world.clientEvents).filter((kind) => kind === "ended")).toEqual(["ended"]);
  });

  test("acknowledges what it receives, and answers pings", () => {
    const world = new World({ mode: "play" }).run();
    for (let i = 0; i < 30; i++) {
      world.toClient(encodeMediaMessage({ messageType: 9, timestampMs: i, payload: new Uint8Array(60_000) }));
    }
    world.toClient(wireMessage(MESSAGE_TYPE.userControl, userControlPayload(6, 5), 0, 0, 2));
    world.run();
    expect(world.serverEvents.at(-1)).toMatchObject({ kind: "ack", byteCount: expect.any(Number) });
  });

  test("splits aggregates, but not aggregates inside aggregates", () => {
    const world = new World({ mode: "play" }).run();
    const tag = (type: number) => Uint8Array.of(type, 0, 0, 1, 0, 0, 7, 0, 0, 0, 0, 0xaa, 0, 0, 0, 12);
    const aggregate = concat([tag(9), tag(22)]);
    expect(kinds(world.toClient(wireMessage(MESSAGE_TYPE.aggregate, aggregate, 1, 5)))).toEqual(["media"]);
  });
});

describe("a client is refused", () => {
  test("at connect", () => {
    const world = atConnect();
    const info = statusInfo("error", "NetConnection.Connect.Rejected", "No such app");
    expect(world.toClient(wireCommand(0, "_error", 1, null, info))).toMatchObject([
      { kind: "error", code: "RTMP_CONNECT_REFUSED", message: expect.stringContaining("No such app") },
    ]);
  });

  test("at publish, without its key in the message", () => {
    const world = new World({ streamName: "secret" });
    world.server.acceptPublish = () => [];
    world.run();
    world.server.rejectPublish(1, "NetStream.Publish.BadName", "The key is not known");
    world.run();
    const refusal = world.clientEvents.at(-1);
    expect(refusal).toMatchObject({ kind: "error", code: "RTMP_STREAM_REFUSED" });
    expect(JSON.stringify(refusal)).not.toContain("secret");
    expect(world.toClient(encodeMediaMessage({ messageType: 9, timestampMs: 0, payload: new Uint8Array(1) }))).toEqual(
      [],
    );
  });

  test("by silence: each step has its time", () => {
    const world = new World({ limits: { handshakeTimeoutMs: 10, connectTimeoutMs: 20 } });
    expect(world.client.deadlineMs).toBe(10);
    expect(world.client.onDeadline(9)).toEqual([]);
    expect(world.client.onDeadline(10)).toMatchObject([{ code: "RTMP_HANDSHAKE_TIMEOUT" }]);
    const later = atConnect({ limits: { connectTimeoutMs: 20 } });
    expect(later.client.deadlineMs).toBe(20);
    expect(later.client.onDeadline(20)).toMatchObject([{ code: "RTMP_CONNECT_TIMEOUT" }]);
  });

  test.each([
    { wire: wireMessage(5, Uint8Array.of(1), 0, 0, 2), code: "RTMP_CONTROL_MALFORMED", why: "a short control message" },
    { wire: wireMessage(20, Uint8Array.of(9)), code: "RTMP_COMMAND_MALFORMED", why: "a command that is no AMF" },
    { wire: Uint8Array.of(0xc9), code: "RTMP_CHUNK_HEADER_MISSING", why: "a chunk from nowhere" },
    { wire: wireMessage(22, Uint8Array.of(9)), code: "RTMP_AGGREGATE_MALFORMED", why: "an aggregate that is cut" },
  ])("by a server that speaks wrongly: $why", ({ wire, code }) => {
    expect(atConnect().toClient(wire)).toMatchObject([{ kind: "error", code }]);
  });

  test("not by a server that does not know FCPublish", () => {
    const world = atConnect();
    const info = statusInfo("error", "NetConnection.Call.Failed", "Unknown");
    expect(world.toClient(wireCommand(0, "_error", 3, null, info))).toEqual([]);
  });
});

test("a client takes data and status as they come", () => {
  const world = atConnect();
  const data = wireMessage(MESSAGE_TYPE.dataAmf0, encodeAmf0("onTextData", amfObject({ text: "hi" })), 1, 3);
  expect(world.toClient(data)).toMatchObject([{ kind: "data", name: "onTextData", timestampMs: 3 }]);
  expect(world.toClient(wireMessage(MESSAGE_TYPE.acknowledgement, uint32Payload(9), 0, 0, 2))).toEqual([
    { kind: "ack", byteCount: 9 },
  ]);
});

/** A client that has shaken hands with a server which then falls silent. */
function atConnect(options: Partial<RtmpClientOptions> = {}): World {
  const world = new World(options);
  world.server.receive(concat(world.client.takeOutput()), 0);
  world.toClient(concat(world.server.takeOutput()));
  return world;
}
