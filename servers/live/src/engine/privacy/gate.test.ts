import { beforeEach, describe, expect, test } from "vitest";
import { AUDIO, CONFIG_REPLY, GateBench, lines, OTHER_VIDEO } from "./gate-bench.ts";
import { DEFAULT_GATE_LIMITS } from "./gate-types.ts";
import { RECORDS } from "./gate-world.ts";

let bench: GateBench;
beforeEach(() => {
  bench = new GateBench();
});

describe("a filter that answers", () => {
  test("gets the configuration and every picture, and nothing leaves before its answer", () => {
    expect(bench.tracks()).toEqual(["open"]);
    expect(bench.sound()).toEqual([]);
    expect(bench.picture(true)).toEqual([]);
    expect(bench.ready()).toEqual(["send config", "send 0: 0"]);
    expect(bench.picture()).toEqual(["send 1: 1"]);
    expect(bench.reply(CONFIG_REPLY)).toEqual(["tracks avc1.4d400a", "sound 0"]);
    expect(bench.sound()).toEqual([]);
    expect(bench.pass(0)).toEqual(["picture 0 key at 0"]);
    expect(bench.pass(1)).toEqual(["picture 1 at 40", "sound 1"]);
  });

  test("an answer that passes also passes all before it", () => {
    bench.run();
    bench.picture();
    bench.picture();
    bench.picture();
    expect(bench.pass(2)).toEqual(["picture 1 at 40", "picture 2 at 80"]);
  });

  test("a replacement takes the place of the oldest picture without an answer, and is never shown before it is decoded", () => {
    bench.run();
    bench.picture();
    bench.picture();
    expect(bench.replace(2, true, 80_000)).toEqual(["replaced 202 key at 80"]);
    expect(bench.replace(1, false, 40_000)).toEqual(["replaced 201 at 80"]);
  });

  test("a picture that is dropped leaves its place empty; if that is taken, the next one", () => {
    bench.run();
    for (let i = 0; i < 3; i++) bench.picture();
    expect(bench.replace(2, true)).toEqual(["replaced 202 key at 80"]);
    expect(bench.reply({ kind: "drop", sequence: 1 })).toEqual(["lost dropped"]);
    expect(bench.replace(3)).toEqual(["replaced 203 at 120"]);
  });

  test("a change of the codec leaves only with its own configuration", () => {
    bench.run();
    bench.picture();
    expect(bench.tracks(OTHER_VIDEO)).toEqual(["send config"]);
    expect(bench.picture(true)).toEqual(["send 2: 2"]);
    expect(bench.pass(2)).toEqual(["picture 1 at 40"]);
    expect(bench.reply({ kind: "config", codec: "h264", record: RECORDS[0] })).toEqual([
      "tracks avc1.42c00a",
      "picture 2 key at 80",
    ]);
  });

  test("a stream of sound alone needs no filter", () => {
    const { gate } = bench;
    expect(lines(gate.push({ kind: "tracks", video: undefined, audio: AUDIO }, 0))).toEqual([]);
    expect(bench.sound()).toEqual(["tracks none", "sound 0"]);
    expect(gate.deadlineMs).toBeUndefined();
  });

  test("two pictures without an answer are no failure, however long the next one takes", () => {
    bench.run();
    bench.picture();
    bench.picture();
    expect(bench.wait(60_000)).toEqual([]);
    expect(bench.gate.isFailed).toBe(false);
    expect(bench.sound()).toEqual([]);
    expect(bench.wait(DEFAULT_GATE_LIMITS.budgetMs)).toEqual(["sound 0"]);
  });
});

describe("a filter that does not answer", () => {
  test("lets sound go on alone after the budget, and counts as failed when it has said nothing for the limit", () => {
    bench.run();
    bench.picture();
    bench.picture();
    bench.nowMs += 40;
    bench.sound();
    bench.picture();
    expect(bench.wait(499)).toEqual([]);
    expect(bench.wait(1)).toEqual(["sound 0"]);
    expect(bench.gate.deadlineMs).toBe(bench.nowMs + 1_500);
    expect(bench.wait(1_499)).toEqual([]);
    bench.sound();
    expect(bench.wait(1)).toEqual(["restart", "failed", "lost failed", "lost failed", "lost failed", "sound 1"]);
    expect(bench.gate.isFailed).toBe(true);
    expect(bench.sound(), "sound does not wait for a filter that has failed").toEqual(["sound 2"]);
    expect(bench.fail("FILTER_RESTARTED"), "told once").toEqual([]);
  });

  test("that is only starting has longer, and loses nothing", () => {
    bench.tracks();
    bench.picture(true);
    bench.sound();
    expect(bench.wait(4_000)).toEqual([]);
    bench.ready();
    bench.reply(CONFIG_REPLY);
    expect(bench.pass(0)).toEqual(["tracks avc1.4d400a", "picture 0 key at 0", "sound 0"]);
  });

  test("that has started late is sent the last group alone, so that the stream does not stay late", () => {
    bench.tracks();
    bench.picture(true);
    bench.picture();
    bench.wait(600);
    bench.picture(true);
    bench.picture();
    expect(bench.ready()).toEqual(["send config", "send 0: 2", "send 1: 3", "lost late", "lost late"]);
    bench.reply(CONFIG_REPLY);
    expect(bench.pass(0)).toEqual(["tracks avc1.4d400a", "picture 2 key at 80"]);
  });

  test("that works off what came while it started has not failed while it does", () => {
    bench.tracks();
    bench.picture(true);
    for (let i = 0; i < 5; i++) bench.picture();
    bench.nowMs += 1_000;
    bench.picture();
    bench.ready();
    bench.reply(CONFIG_REPLY);
    bench.nowMs += 100;
    bench.pass(0);
    expect(bench.wait(900), "the one that came last is only just late").toEqual([]);
    expect(bench.pass(6)).toHaveLength(6);
    expect(bench.gate.isFailed).toBe(false);
  });

  test("in time, but goes on answering, is on a busy machine and has not failed until it is too far behind", () => {
    bench.run();
    for (let i = 0; i < 60; i++) bench.picture();
    // One answer a second, where 25 pictures come.
    for (let answered = 1; answered < 5; answered++) {
      expect(bench.wait(1_000)).toEqual([]);
      expect(bench.pass(answered)).toHaveLength(1);
    }
    expect(bench.gate.deadlineMs).toBe(bench.nowMs + 1_000);
    expect(bench.wait(1_000).slice(0, 3)).toEqual(["restart", "failed", "lost failed"]);
  });

  test("is given its time again when the relay itself was late to look, but not for ever", () => {
    bench.run();
    bench.picture();
    bench.picture();
    bench.picture();
    expect(bench.wait(3_000)).toEqual([]);
    expect(bench.gate.deadlineMs).toBe(bench.nowMs + 2_000);
    expect(bench.wait(2_000).slice(0, 2)).toEqual(["restart", "failed"]);
  });

  test("that never starts has failed after the start limit, and sound goes out without a picture", () => {
    bench.tracks();
    bench.picture(true);
    bench.sound();
    expect(bench.wait(5_000)).toEqual(["restart", "failed", "lost failed", "tracks none", "sound 0"]);
  });

  test("that answers after it was given up is not heard", () => {
    bench.run();
    bench.picture();
    bench.fail();
    expect(bench.pass(1)).toEqual([]);
  });

  test("more pictures than may be held are a failure", () => {
    bench = new GateBench("cover", { maxHeldPictures: 3 }).run();
    for (let i = 0; i < 3; i++) bench.picture();
    expect(bench.picture()).toEqual(["send 4: 4", "restart", "failed", ...Array(4).fill("lost failed")]);
    expect(bench.gate.heldBytes, "what is left is the group for the replay").toBe(5);
  });

  test("a configuration that cannot be read is a failure", () => {
    bench.tracks();
    bench.ready();
    bench.picture(true);
    const reply = bench.reply({ kind: "config", codec: "h264", record: Uint8Array.of(1, 2, 3) });
    expect(reply).toEqual(["restart", "failed", "lost failed"]);
  });
});

describe("upon failure", () => {
  test("cover: the group is replayed, young pictures are asked for, and viewers go on at a key frame of ours", () => {
    bench.run();
    bench.picture();
    expect(bench.fail()).toEqual(["failed", "lost failed"]);
    bench.picture();
    expect(bench.wait(500)).toEqual(["lost late"]);
    bench.picture();
    expect(bench.ready()).toEqual([
      "send config",
      "send 0 replay: 0",
      "send 1 replay: 1",
      "send 2 replay: 2",
      "send 3: 3",
    ]);
    bench.reply(CONFIG_REPLY);
    expect(bench.replace(3, true, 120_000)).toEqual(["recovered", "replaced 203 key at 120"]);
    expect(bench.gate.isFailed).toBe(false);
  });

  test("cover: a picture that viewers could not decode is left out, even if the filter passes it", () => {
    bench.run();
    bench.fail();
    bench.picture();
    bench.ready();
    bench.reply(CONFIG_REPLY);
    expect(bench.pass(1)).toEqual(["recovered", "lost undecodable"]);
    bench.picture(true);
    expect(bench.pass(2)).toEqual(["picture 2 key at 80"]);
  });

  test("cover: a group larger than the limit is not replayed; the next key frame is waited for", () => {
    bench = new GateBench("cover", { maxReplayBytes: 2 }).run();
    for (let i = 0; i < 3; i++) bench.picture();
    bench.pass(3);
    bench.fail();
    expect(bench.picture()).toEqual([]);
    expect(bench.ready()).toEqual(["send config"]);
    expect(bench.picture()).toEqual([]);
    expect(bench.picture(true)).toEqual(["send 0: 6", "lost undecodable", "lost undecodable"]);
  });

  test("pause: pictures stay away until the publisher's next key frame has been looked at", () => {
    bench = new GateBench("pause").run();
    bench.fail();
    expect(bench.picture()).toEqual(["lost failed"]);
    expect(bench.picture(true)).toEqual(["lost failed"]);
    expect(bench.ready()).toEqual(["send config"]);
    expect(bench.picture()).toEqual(["lost failed"]);
    expect(bench.picture(true)).toEqual(["send 0: 4"]);
    bench.reply(CONFIG_REPLY);
    expect(bench.pass(0)).toEqual(["recovered", "picture 4 key at 160"]);
  });

  test("pass: pictures go out unprotected from the next key frame, and are protected again from one", () => {
    bench = new GateBench("pass").run();
    bench.fail();
    expect(bench.picture()).toEqual(["lost failed"]);
    expect(bench.picture(true)).toEqual(["bypassed", "picture 2 key at 80"]);
    expect(bench.gate.isBypassed).toBe(true);
    expect(bench.picture()).toEqual(["picture 3 at 120"]);
    expect(bench.ready()).toEqual(["send config"]);
    expect(bench.picture(), "not before a key frame").toEqual(["picture 4 at 160"]);
    expect(bench.picture(true)).toEqual(["send 0: 5"]);
    expect(bench.gate.isBypassed).toBe(false);
    bench.reply(CONFIG_REPLY);
    expect(bench.pass(0)).toEqual(["recovered", "picture 5 key at 200"]);
  });

  test("a policy that changes while the filter is away holds from then on", () => {
    bench.run();
    bench.fail();
    bench.picture();
    bench.gate.policy = "pass";
    expect(bench.picture(true)).toEqual(["bypassed", "lost failed", "picture 2 key at 80"]);
  });
});
