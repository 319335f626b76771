import { readFileSync } from "node:fs";
import {
  AmfDate,
  AmfEcmaArray,
  AmfTypedObject,
  type AmfValue,
  amfObject,
  encodeAmf0,
  encodeAmf3,
  RtmpClientSession,
  RtmpServerSession,
} from "../src/protocol/rtmp/index.ts";
import { concat, plainHello, seededBytes, wireCommand, wireMessage } from "../src/protocol/rtmp/test-peer.ts";

/** Valid inputs that the fuzzer spoils. Each starts at the first byte of the handshake, except the AMF and FLV ones. */
export interface FuzzCorpus {
  /** What clients send: the bytes behind the handshake, so that most inputs get past it. */
  readonly clientChunks: readonly Uint8Array[];
  /** What clients send, from the first byte on. */
  readonly clientStreams: readonly Uint8Array[];
  /** What servers send behind the handshake. */
  readonly serverChunks: readonly Uint8Array[];
  readonly amf0: readonly Uint8Array[];
  readonly amf3: readonly Uint8Array[];
  readonly flvVideo: readonly Uint8Array[];
  readonly flvAudio: readonly Uint8Array[];
}

const HELLO_BYTES = plainHello().length;
const CAPTURES = [
  "ffmpeg-5.1-publish",
  "ffmpeg-5.1-publish-extended-timestamps",
  "gstreamer-1.22-publish",
  "ffprobe-5.1-play",
  "ffplay-5.1-play",
];

/** Captures of real clients, and sessions made here for what those do not say. */
export function loadCorpus(): FuzzCorpus {
  const captures = CAPTURES.map((name) => {
    const bytes = readFileSync(new URL(`../testdata/rtmp/${name}.bin`, import.meta.url));
    // Long enough for commands, metadata, configuration and some frames; short, so that there can be many.
    return new Uint8Array(bytes.subarray(0, 9_000));
  });
  const publish = record("publish");
  const play = record("play");
  const clientStreams = [...captures, publish.up, play.up];
  const flv = flvBodies();
  return {
    clientStreams,
    clientChunks: [...clientStreams.map((stream) => stream.slice(HELLO_BYTES)), oddMessages(), publisherMessages()],
    serverChunks: [publish.down.slice(HELLO_BYTES), play.down.slice(HELLO_BYTES)],
    amf0: [encodeAmf0(...values()), encodeAmf0("onMetaData", new AmfEcmaArray(amfObject({ width: 1, height: 2 })))],
    amf3: values().map((value) => encodeAmf3(value)),
    flvVideo: flv.video,
    flvAudio: flv.audio,
  };
}

/** A whole session of our own two sides, plain handshake, as both wires saw it. */
function record(mode: "publish" | "play"): { readonly up: Uint8Array; readonly down: Uint8Array } {
  const up: Uint8Array[] = [];
  const down: Uint8Array[] = [];
  const server = new RtmpServerSession({ randomBytes: seededBytes(1), nowMs: 0 });
  const names = { app: "live", tcUrl: "rtmp://h/live", streamName: "key?t=1" };
  const client = new RtmpClientSession({ mode, ...names, randomBytes: seededBytes(2), nowMs: 0, chunkBytes: 500 });
  const run = () => {
    for (let round = 0; round < 10; round++) {
      const upward = concat(client.takeOutput());
      up.push(upward);
      for (const event of server.receive(upward, 0)) {
        if (event.kind === "publish") server.acceptPublish(event.streamId);
        if (event.kind === "play") server.acceptPlay(event.streamId, { metadata: amfObject({ width: 2 }) });
      }
      const downward = concat(server.takeOutput());
      down.push(downward);
      client.receive(downward, 0);
    }
  };
  run();
  client.sendMetadata(amfObject({ width: 640, nested: amfObject({ list: [1, "a", null] }) }));
  for (let i = 0; i < 12; i++) {
    client.sendMedia(i % 3 === 0 ? 9 : 8, 16_777_200 + i * 7, seededBytes(i)(i * 60 + 1));
  }
  server.requestReconnect("rtmp://b/live");
  if (mode === "play") server.endPlay(1);
  client.close();
  run();
  return { up: concat(up), down: concat(down) };
}

/** Control messages, AMF3 commands, data and shared objects that encoders rarely send. */
function oddMessages(): Uint8Array {
  const amf3 = concat([
    Uint8Array.of(0),
    encodeAmf0("play2", 5, null),
    Uint8Array.of(0x11),
    encodeAmf3(amfObject({ a: [1] })),
  ]);
  const connect = amfObject({ app: "live", objectEncoding: 3, capsEx: 15, fourCcList: ["*"] });
  return concat([
    wireCommand(0, "connect", 1, connect),
    wireMessage(5, Uint8Array.of(0, 0, 64, 0), 0, 0, 2),
    wireMessage(6, Uint8Array.of(0, 0, 64, 0, 2), 0, 0, 2),
    wireMessage(4, Uint8Array.of(0, 3, 0, 0, 0, 1, 0, 0, 3, 232), 0, 0, 2),
    wireMessage(4, Uint8Array.of(0, 6, 0, 0, 0, 1), 0, 0, 2),
    wireMessage(17, amf3),
    wireCommand(0, "createStream", 2, null),
    wireCommand(1, "play", 3, null, "name", -2000),
    wireMessage(3, Uint8Array.of(255, 0, 0, 1), 0, 0, 2),
    wireCommand(1, "pause", 4, null, true, 0),
    wireCommand(1, "seek", 5, null, 0),
    wireCommand(0, "deleteStream", 0, null, 1),
    wireMessage(19, Uint8Array.of(1, 2, 3), 1),
  ]);
}

/** Media in aggregates, empty messages, aborted ones, and chunk sizes that change. */
function publisherMessages(): Uint8Array {
  const tag = (type: number) => Uint8Array.of(type, 0, 0, 2, 0, 0, 7, 0, 0, 0, 0, 0x17, 1, 0, 0, 0, 13);
  const long = wireMessage(9, seededBytes(3)(700), 1, 0xfffffff0, 6);
  return concat([
    wireCommand(0, "connect", 1, amfObject({ app: "live" })),
    wireCommand(0, "createStream", 2, null),
    wireCommand(1, "publish", 3, null, "key", "live"),
    wireMessage(22, concat([tag(9), tag(8), tag(18)]), 1, 50),
    wireMessage(9, new Uint8Array(0), 1, 3, 6),
    long.subarray(0, 300),
    wireMessage(2, Uint8Array.of(0, 0, 0, 6), 0, 0, 2),
    wireMessage(1, Uint8Array.of(0, 0, 2, 0), 0, 0, 2),
    wireMessage(9, seededBytes(4)(400), 1, 0xffffff, 6),
    Uint8Array.of(0xc6, 0, 0xff, 0xff, 0xff),
    seededBytes(5)(400),
    wireMessage(15, concat([Uint8Array.of(0), encodeAmf0("onTextData", amfObject({ text: "x" }))]), 1, 9, 5),
  ]);
}

/** Every kind of value once. */
function values(): AmfValue[] {
  return [
    amfObject({ text: "abc", number: 1.5, flag: true, none: null, gone: undefined }),
    [1, [2, [3, ["x"]]]],
    new AmfEcmaArray(amfObject({ duration: 0, encoder: "x" })),
    new AmfTypedObject("flex.Thing", amfObject({ id: 7 })),
    new AmfDate(1_764_000_000_000),
    Uint8Array.of(1, 2, 3),
    "y".repeat(300),
    -5,
  ];
}

/** The bodies of the media in the captures. */
function flvBodies(): { readonly video: Uint8Array[]; readonly audio: Uint8Array[] } {
  const video: Uint8Array[] = [];
  const audio: Uint8Array[] = [];
  const bytes = readFileSync(new URL(`../testdata/rtmp/${CAPTURES[0]}.bin`, import.meta.url));
  const session = new RtmpServerSession({ randomBytes: seededBytes(1), nowMs: 0 });
  for (let offset = 0; offset < bytes.length; offset += 100) {
    for (const event of session.receive(bytes.subarray(offset, offset + 100), 0)) {
      if (event.kind === "publish") session.acceptPublish(event.streamId);
      if (event.kind === "media") (event.messageType === 9 ? video : audio).push(event.payload.slice(0, 800));
    }
  }
  const hevc = Uint8Array.of(0x90, ...new TextEncoder().encode("hvc1"), 1, 1, 96, 0, 0, 0, 0, 0, 0, 0, 0, 0, 93);
  const multitrack = Uint8Array.of(0x96, 0x01, ...new TextEncoder().encode("av01"), 0, 0x81, 4, 12, 0, 10, 11, 0, 0);
  const opus = Uint8Array.of(0x90, ...new TextEncoder().encode("OpusOpusHead"), 1, 2, 0, 0, 0x80, 0xbb, 0, 0, 0, 0, 0);
  return { video: [...video, hevc, multitrack], audio: [...audio, opus] };
}
