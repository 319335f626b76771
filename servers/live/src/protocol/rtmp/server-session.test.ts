import { describe, expect, test } from "vitest";
import { type AmfValue, amfObject } from "./amf-value.ts";
import { encodeAmf0 } from "./amf0.ts";
import { MESSAGE_TYPE, uint32Payload, userControlPayload } from "./messages.ts";
import { concat, plainHello, TestPeer, wireCommand, wireMessage } from "./test-peer.ts";

const media = (timestampMs = 0, streamId = 1) =>
  wireMessage(MESSAGE_TYPE.video, Uint8Array.of(0x17, 1, 2), streamId, timestampMs, 6);

describe("connect", () => {
  test("is answered at once, and told to the shell", () => {
    const peer = new TestPeer();
    peer.send(plainHello());
    const object = amfObject({
      app: "live",
      tcUrl: "rtmp://h/live",
      flashVer: "FMLE/3.0",
      objectEncoding: 3,
      capsEx: 1,
      fourCcList: ["hvc1", 5, "*"],
    });
    expect(peer.send(wireCommand(0, "connect", 1, object))).toEqual([
      {
        kind: "connect",
        app: "live",
        tcUrl: "rtmp://h/live",
        flashVer: "FMLE/3.0",
        encoder: "FMLE/3.0",
        objectEncoding: 3,
        capsEx: 1,
        fourCcList: ["hvc1", "*"],
        videoFourCcInfoMap: undefined,
        audioFourCcInfoMap: undefined,
      },
    ]);
    const messages = peer.takeMessages();
    expect(messages.map((message) => message.messageType)).toEqual([5, 6, 1, 20]);
  });

  test("of an old client is answered without the new properties", () => {
    const peer = new TestPeer();
    peer.send(plainHello(), wireCommand(0, "connect", 1, amfObject({ app: "live" })));
    const [answer] = peer.takeAnswers();
    expect(answer).toMatchObject({ name: "_result", transactionId: 1, code: "NetConnection.Connect.Success" });
    expect(answer?.values[0]).not.toHaveProperty("capsEx");
  });

  test("comes before everything else", () => {
    const peer = new TestPeer();
    peer.send(plainHello());
    expect(peer.send(wireCommand(0, "createStream", 1, null))).toMatchObject([
      { kind: "error", code: "RTMP_CONNECT_EXPECTED" },
    ]);
  });

  test("of odd types is taken as it is", () => {
    const peer = new TestPeer();
    const object = amfObject({ app: 5, capsEx: "x", fourCcList: "y", videoFourCcInfoMap: 3 });
    expect(peer.send(plainHello(), wireCommand(0, "connect", 1, object))).toMatchObject([
      { kind: "connect", app: "", capsEx: 0, fourCcList: [], videoFourCcInfoMap: undefined },
    ]);
  });
});

describe("publish", () => {
  test("waits for the shell, then media flows", () => {
    const peer = new TestPeer().open();
    expect(peer.send(wireCommand(1, "publish", 3, null, "secret?token=1", "live"))).toEqual([
      { kind: "publish", streamId: 1, key: "secret", query: "token=1", publishType: "live" },
    ]);
    expect(peer.takeAnswers()).toEqual([]);
    expect(peer.session.acceptPublish(1)).toEqual([]);
    expect(peer.takeAnswers()).toMatchObject([{ name: "onStatus", streamId: 1, code: "NetStream.Publish.Start" }]);
    expect(peer.send(media(40))).toEqual([
      { kind: "media", streamId: 1, messageType: 9, timestampMs: 40, payload: Uint8Array.of(0x17, 1, 2) },
    ]);
  });

  test("holds media until it is accepted", () => {
    const peer = new TestPeer().open();
    peer.send(wireCommand(1, "publish", 3, null, "key", "live"));
    expect(peer.send(media(1), media(2))).toEqual([]);
    expect(peer.session.heldBytes).toBeGreaterThan(0);
    expect(peer.session.acceptPublish(1)).toMatchObject([{ timestampMs: 1 }, { timestampMs: 2 }]);
    expect(peer.session.heldBytes).toBe(0);
  });

  test("holds no more than allowed", () => {
    const peer = new TestPeer({ maxUndecidedBytes: 300 }).open();
    peer.send(wireCommand(1, "publish", 3, null, "key", "live"));
    const events = peer.send(...Array.from({ length: 10 }, () => media()));
    expect(events).toMatchObject([{ kind: "error", code: "RTMP_UNDECIDED_LIMIT" }]);
  });

  test("that is refused may be tried again", () => {
    const peer = new TestPeer().open();
    peer.send(wireCommand(1, "publish", 3, null, "key", "live"), media());
    peer.session.rejectPublish(1, "NetStream.Publish.BadName", "The key is not known");
    expect(peer.takeAnswers()).toMatchObject([{ name: "onStatus", code: "NetStream.Publish.BadName" }]);
    expect(peer.send(media())).toEqual([]);
    expect(peer.send(wireCommand(1, "publish", 4, null, "other", "live"))).toMatchObject([{ key: "other" }]);
    expect(peer.session.acceptPublish(1)).toEqual([]);
  });

  test.each([
    { streamId: 7, name: "key", why: "the stream was not created" },
    { streamId: 0, name: "key", why: "0 is the connection itself" },
    { streamId: 1, name: 5, why: "the name is a number" },
  ])("is refused: $why", ({ streamId, name }) => {
    const peer = new TestPeer().open();
    expect(peer.send(wireCommand(streamId, "publish", 3, null, name, "live"))).toEqual([]);
    expect(peer.takeAnswers()).toMatchObject([{ streamId, code: "NetStream.Publish.BadName" }]);
  });

  test("cannot slip another key under an answer that comes late", () => {
    const peer = new TestPeer().open();
    peer.send(wireCommand(1, "publish", 3, null, "mine", "live"));
    expect(peer.send(wireCommand(0, "deleteStream", 0, null, 1))).toMatchObject([{ kind: "unpublish" }]);
    peer.send(wireCommand(0, "createStream", 4, null));
    expect(peer.takeAnswers().at(-1)).toMatchObject({ name: "_result", values: [2] });
    expect(peer.send(wireCommand(1, "publish", 5, null, "yours", "live"))).toEqual([]);
    expect(peer.session.acceptPublish(1)).toEqual([{ kind: "unpublish", streamId: 1 }]);
    expect(peer.send(media())).toEqual([]);
    peer.send(wireCommand(0, "createStream", 6, null));
    expect(peer.takeAnswers().at(-1)).toMatchObject({ name: "_result", values: [1] });
  });

  test.each([
    { wire: wireCommand(0, "FCUnpublish", 4, null, "key?x=1"), why: "FCUnpublish" },
    { wire: wireCommand(0, "deleteStream", 0, null, 1), why: "deleteStream" },
    { wire: wireCommand(1, "closeStream", 0, null), why: "closeStream" },
  ])("ends with $why, once", ({ wire }) => {
    const peer = new TestPeer().publish();
    expect(peer.send(wire, wireCommand(0, "deleteStream", 0, null, 1))).toEqual([{ kind: "unpublish", streamId: 1 }]);
    expect(peer.takeAnswers().some((answer) => answer.code === "NetStream.Unpublish.Success")).toBe(true);
    expect(peer.send(media())).toEqual([]);
  });
});

describe("messages of a publisher", () => {
  test("metadata comes with or without wrapper, text data by its name", () => {
    const peer = new TestPeer().publish();
    const send = (...values: AmfValue[]) => peer.send(wireMessage(MESSAGE_TYPE.dataAmf0, encodeAmf0(...values), 1, 5));
    const value = amfObject({ width: 640 });
    const expected = [{ kind: "metadata", streamId: 1, timestampMs: 5, value }];
    expect(send("@setDataFrame", "onMetaData", value)).toEqual(expected);
    expect(send("onMetaData", value)).toEqual(expected);
    expect(send("onTextData", value)).toMatchObject([{ kind: "data", name: "onTextData", values: [value] }]);
    expect(send("onMetaData", 5)).toEqual([]);
    expect(peer.send(wireMessage(MESSAGE_TYPE.dataAmf0, Uint8Array.of(2, 0), 1))).toEqual([]);
  });

  test("aggregates are split", () => {
    const peer = new TestPeer().publish();
    const tag = Uint8Array.of(9, 0, 0, 1, 0, 0, 7, 0, 0, 0, 0, 0xaa, 0, 0, 0, 12);
    expect(peer.send(wireMessage(MESSAGE_TYPE.aggregate, tag, 1, 50))).toMatchObject([
      { kind: "media", messageType: 9, timestampMs: 50 },
    ]);
    expect(peer.send(wireMessage(MESSAGE_TYPE.aggregate, tag.subarray(0, 11), 1))).toMatchObject([
      { kind: "error", code: "RTMP_AGGREGATE_MALFORMED" },
    ]);
  });

  test.each([
    { wire: media(0, 2), why: "media of another stream" },
    { wire: wireMessage(MESSAGE_TYPE.video, new Uint8Array(0), 1), why: "media of no bytes" },
    { wire: wireMessage(19, Uint8Array.of(1), 1), why: "shared objects" },
    { wire: wireMessage(99, Uint8Array.of(1), 1), why: "an unknown type" },
  ])("$why are passed over", ({ wire }) => {
    expect(new TestPeer().publish().send(wire)).toEqual([]);
  });

  test("of a player are not media", () => {
    expect(new TestPeer().play().send(media())).toEqual([]);
  });
});

describe("play", () => {
  test("is accepted with begin, reset, start and metadata", () => {
    const peer = new TestPeer().open();
    expect(peer.send(wireCommand(1, "play", 3, null, "name?t=1"))).toEqual([
      { kind: "play", streamId: 1, name: "name", query: "t=1" },
    ]);
    peer.session.acceptPlay(1, { metadata: amfObject({ width: 640 }) });
    const messages = peer.takeMessages();
    expect(messages.map((message) => message.messageType)).toEqual([4, 20, 20, 18, 18]);
    const text = (index: number) => new TextDecoder().decode(messages[index]?.payload);
    expect([text(1), text(2), text(3), text(4)]).toEqual([
      expect.stringContaining("NetStream.Play.Reset"),
      expect.stringContaining("NetStream.Play.Start"),
      expect.stringContaining("|RtmpSampleAccess"),
      expect.stringContaining("onMetaData"),
    ]);
  });

  test("is refused with the shell's reason", () => {
    const peer = new TestPeer().open();
    peer.send(wireCommand(1, "play", 3, null, "name"));
    peer.session.rejectPlay(1, "NetStream.Play.StreamNotFound", "No such channel");
    expect(peer.takeAnswers()).toMatchObject([{ code: "NetStream.Play.StreamNotFound" }]);
  });

  test("that was left before the answer is not begun", () => {
    const peer = new TestPeer().open();
    peer.send(wireCommand(1, "play", 3, null, "name"), wireCommand(1, "closeStream", 0, null));
    expect(peer.session.acceptPlay(1)).toEqual([{ kind: "stop", streamId: 1 }]);
    expect(peer.takeAnswers()).toEqual([]);
    expect(peer.send(wireCommand(1, "play", 4, null, "name"))).toMatchObject([{ kind: "play" }]);
    expect(peer.session.acceptPlay(1)).toEqual([]);
  });

  test("works on the first stream only, whose number all players share", () => {
    const peer = new TestPeer().open({}, 2);
    expect(peer.send(wireCommand(2, "play", 3, null, "name"))).toEqual([]);
    expect(peer.takeAnswers()).toMatchObject([{ code: "NetStream.Play.Failed" }]);
  });

  test("ends with a notice and the end of the stream, and may begin again", () => {
    const peer = new TestPeer().play();
    peer.session.endPlay(1);
    const messages = peer.takeMessages();
    expect(messages.map((message) => message.messageType)).toEqual([20, 4]);
    expect(messages[1]?.payload).toEqual(userControlPayload(1, 1));
    expect(peer.send(wireCommand(1, "play", 5, null, "name"))).toMatchObject([{ kind: "play" }]);
  });

  test("can be paused, and cannot be sought in", () => {
    const peer = new TestPeer().play();
    expect(peer.send(wireCommand(1, "pause", 5, null, true, 0))).toEqual([
      { kind: "pause", streamId: 1, isPaused: true },
    ]);
    expect(peer.send(wireCommand(1, "pause", 5, null, false, 0))).toMatchObject([{ isPaused: false }]);
    peer.send(wireCommand(1, "seek", 6, null, 1000));
    expect(peer.takeAnswers().map((answer) => answer.code)).toEqual([
      "NetStream.Pause.Notify",
      "NetStream.Unpause.Notify",
      "NetStream.Seek.Failed",
    ]);
  });

  test("stopped by the player is told to the shell", () => {
    expect(new TestPeer().play().send(wireCommand(0, "deleteStream", 0, null, 1))).toEqual([
      { kind: "stop", streamId: 1 },
    ]);
  });
});

describe("other commands", () => {
  test.each([
    { name: "releaseStream", answers: ["_result"] },
    { name: "FCPublish", answers: ["_result", "onFCPublish"] },
    { name: "FCSubscribe", answers: ["_result", "onFCSubscribe"] },
    { name: "FCUnpublish", answers: ["_result", "onFCUnpublish"] },
    { name: "getStreamLength", answers: ["_result"] },
    { name: "_checkbw", answers: ["_result"] },
    { name: "connect", answers: ["_error"] },
    { name: "noSuchCommand", answers: ["_error"] },
    { name: "_result", answers: [] },
    { name: "receiveAudio", answers: [] },
  ])("$name is answered with $answers", ({ name, answers }) => {
    const peer = new TestPeer().open();
    expect(peer.send(wireCommand(0, name, 9, null, "key"))).toEqual([]);
    expect(peer.takeAnswers().map((answer) => answer.name)).toEqual(answers);
  });

  test("an unknown command without number gets no answer", () => {
    const peer = new TestPeer().open();
    peer.send(wireCommand(0, "noSuchCommand", 0, null));
    expect(peer.takeAnswers()).toEqual([]);
  });

  test("streams are counted, and their numbers used again", () => {
    const peer = new TestPeer({ maxStreams: 2 }).open({}, 2);
    peer.send(wireCommand(0, "createStream", 9, null));
    expect(peer.takeAnswers()).toMatchObject([{ name: "_error", transactionId: 9 }]);
    peer.send(wireCommand(0, "deleteStream", 0, null, 1), wireCommand(0, "createStream", 10, null));
    expect(peer.takeAnswers()).toMatchObject([{ name: "_result", values: [1] }]);
  });
});

describe("acknowledgements", () => {
  test("of the peer are unwrapped beyond 32 bits", () => {
    const peer = new TestPeer().play();
    const ack = (sequence: number) => peer.send(wireMessage(3, uint32Payload(sequence), 0, 0, 2));
    expect(ack(0x7000_0000)).toEqual([{ kind: "ack", byteCount: 0x7000_0000 }]);
    expect(ack(0xe000_0000)).toEqual([{ kind: "ack", byteCount: 0xe000_0000 }]);
    expect(ack(0x10)).toEqual([{ kind: "ack", byteCount: 0x1_0000_0010 }]);
    expect(ack(0)).toEqual([{ kind: "ack", byteCount: 0x1_0000_0010 }]);
  });

  test("go out for each half of the peer's window", () => {
    const peer = new TestPeer().publish();
    peer.send(wireMessage(5, uint32Payload(40_000), 0, 0, 2));
    const before = peer.takeMessages().length;
    for (let i = 0; i < 25; i++) peer.send(wireMessage(9, new Uint8Array(4000), 1, i, 6));
    const acks = peer.takeMessages();
    expect(before).toBe(0);
    expect(acks.map((message) => message.messageType)).toEqual([3, 3, 3, 3, 3]);
  });

  test("a window of one byte is not obeyed to the letter", () => {
    const peer = new TestPeer().publish();
    peer.send(wireMessage(5, uint32Payload(1), 0, 0, 2));
    for (let i = 0; i < 100; i++) peer.send(media(i));
    expect(peer.takeMessages().length).toBeLessThan(2);
  });
});

describe("reconnect", () => {
  test("is asked of peers that can", () => {
    const peer = new TestPeer().open({ capsEx: 1 });
    expect(peer.session.requestReconnect("rtmp://other/live")).toBe(true);
    expect(peer.takeAnswers()).toMatchObject([
      {
        name: "onStatus",
        streamId: 0,
        code: "NetConnection.Connect.ReconnectRequest",
        values: [{ level: "status", tcUrl: "rtmp://other/live" }],
      },
    ]);
  });

  test("is not asked of others", () => {
    const peer = new TestPeer().open({ capsEx: 6 });
    expect(peer.session.requestReconnect()).toBe(false);
    expect(peer.takeAnswers()).toEqual([]);
  });
});

describe("deadlines", () => {
  const limits = { handshakeTimeoutMs: 10, connectTimeoutMs: 20, idleTimeoutMs: 30, pingAfterMs: 100 };

  test("a handshake, a connect and a publish each have their time", () => {
    const peer = new TestPeer(limits);
    expect(peer.session.deadlineMs).toBe(10);
    expect(peer.session.onDeadline(9)).toEqual([]);
    expect(peer.session.onDeadline(10)).toMatchObject([{ code: "RTMP_HANDSHAKE_TIMEOUT" }]);

    const slow = new TestPeer(limits);
    slow.nowMs = 5;
    slow.send(plainHello());
    expect(slow.session.deadlineMs).toBe(25);
    expect(slow.session.onDeadline(25)).toMatchObject([{ code: "RTMP_CONNECT_TIMEOUT" }]);
    expect(slow.session.deadlineMs).toBe(Number.POSITIVE_INFINITY);

    const idle = new TestPeer(limits).open();
    expect(idle.session.deadlineMs).toBe(30);
    expect(idle.session.onDeadline(30)).toMatchObject([{ code: "RTMP_IDLE_TIMEOUT" }]);
  });

  test("a silent peer is pinged, then given up", () => {
    const peer = new TestPeer(limits).publish();
    expect(peer.session.deadlineMs).toBe(100);
    expect(peer.session.onDeadline(100)).toEqual([]);
    expect(peer.takeMessages()).toMatchObject([{ messageType: 4, payload: userControlPayload(6, 100) }]);
    expect(peer.session.deadlineMs).toBe(200);
    peer.nowMs = 150;
    peer.send(wireMessage(4, userControlPayload(7, 100), 0, 0, 2));
    expect(peer.session.deadlineMs).toBe(250);
    peer.session.onDeadline(250);
    expect(peer.session.onDeadline(350)).toMatchObject([{ code: "RTMP_PEER_SILENT" }]);
  });

  test("the time without a stream counts again when the stream ends", () => {
    const peer = new TestPeer(limits).publish();
    peer.nowMs = 90;
    peer.send(wireCommand(0, "deleteStream", 0, null, 1));
    expect(peer.session.deadlineMs).toBe(120);
  });
});

test("a ping is answered with its own time", () => {
  const peer = new TestPeer().open();
  peer.send(wireMessage(4, userControlPayload(6, 1234), 0, 0, 2));
  expect(peer.takeMessages()).toMatchObject([{ messageType: 4, payload: userControlPayload(7, 1234) }]);
});

test("commands are bounded: a burst, then some a second", () => {
  const peer = new TestPeer({ maxCommandBurst: 10, commandsPerSecond: 5 }).open();
  const ping = wireMessage(4, userControlPayload(6, 1), 0, 0, 2);
  expect(peer.send(...Array.from({ length: 8 }, () => ping))).toEqual([]);
  peer.nowMs = 1000;
  expect(peer.send(...Array.from({ length: 5 }, () => ping))).toEqual([]);
  expect(peer.send(ping)).toMatchObject([{ kind: "error", code: "RTMP_COMMAND_FLOOD" }]);
});

test("after an error there is nothing more, whatever comes", () => {
  const peer = new TestPeer();
  expect(peer.send(Uint8Array.of(9))).toMatchObject([{ kind: "error", code: "RTMPE_UNSUPPORTED" }]);
  expect(peer.send(concat([plainHello(), media()]))).toEqual([]);
  expect(peer.session.acceptPublish(1)).toEqual([{ kind: "unpublish", streamId: 1 }]);
  expect(peer.session.requestReconnect()).toBe(false);
});
