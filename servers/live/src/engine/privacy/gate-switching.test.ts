import { beforeEach, describe, expect, test } from "vitest";
import { CONFIG_REPLY, GateBench, lines, SETTINGS } from "./gate-bench.ts";

let bench: GateBench;
beforeEach(() => {
  bench = new GateBench();
});

describe("switching", () => {
  test("on midway takes effect at a key frame, with one new configuration", () => {
    bench = new GateBench("cover", {}, true);
    expect(lines(bench.gate.start(bench.nowMs))).toEqual(["open"]);
    expect(bench.picture()).toEqual(["picture 0 at 0"]);
    expect(bench.ready()).toEqual(["send config"]);
    expect(bench.sound()).toEqual(["sound 0"]);
    expect(bench.picture(true)).toEqual(["send 0: 1"]);
    bench.reply(CONFIG_REPLY);
    expect(bench.pass(0)).toEqual(["tracks avc1.4d400a", "picture 1 key at 40"]);
  });

  test("off takes effect at a key frame; what is held before it is answered first, and then nothing is held", () => {
    bench.run();
    bench.picture();
    expect(lines(bench.gate.setEnabled(false, bench.nowMs))).toEqual([]);
    expect(bench.picture(), "still protected").toEqual(["send 2: 2"]);
    expect(bench.picture(true)).toEqual(["close"]);
    expect(bench.pass(2)).toEqual(["picture 1 at 40", "picture 2 at 80", "tracks avc1.42c00a", "picture 3 key at 120"]);
    expect(bench.gate.isDone).toBe(false);
    bench.gate.onClosed(bench.nowMs);
    expect(bench.gate.isDone).toBe(true);
  });

  test("off and on again before a key frame changes nothing", () => {
    bench.run();
    bench.gate.setEnabled(false, bench.nowMs);
    bench.gate.setEnabled(true, bench.nowMs);
    expect(bench.picture(true)).toEqual(["send 1: 1"]);
  });

  test("settings are told in front of the next key frame", () => {
    bench.run();
    bench.gate.settings = { ...SETTINGS, mode: "always" };
    expect(bench.picture()).toEqual(["send 1: 1"]);
    expect(bench.picture(true)).toEqual(["send settings", "send 2: 2"]);
    expect(bench.picture(true)).toEqual(["send 3: 3"]);
  });
});

describe("when nobody publishes", () => {
  test("what the filter holds is asked for, and a publisher that returns gets a stream of its own", () => {
    bench.run();
    bench.picture();
    expect(lines(bench.gate.onPause(bench.nowMs))).toEqual(["close"]);
    expect(bench.pass(1)).toEqual(["picture 1 at 40"]);
    bench.gate.onClosed(bench.nowMs);
    expect(bench.gate.deadlineMs).toBeUndefined();
    expect(bench.picture(true)).toEqual(["open"]);
    expect(bench.ready()).toEqual(["send config", "send 0: 2"]);
  });

  test("a publisher that returns while the stream is closing waits for its end", () => {
    bench.run();
    bench.picture();
    bench.gate.onPause(bench.nowMs);
    expect(bench.picture(true)).toEqual([]);
    expect(lines(bench.gate.onClosed(bench.nowMs))).toEqual(["open", "lost failed"]);
    expect(bench.ready()).toEqual(["send config", "send 0: 2"]);
  });

  test("a stream that does not end within the budget is given up", () => {
    bench.run();
    bench.picture();
    bench.gate.onPause(bench.nowMs);
    expect(bench.wait(500)).toEqual(["lost failed"]);
    expect(bench.gate.heldBytes).toBe(0);
  });

  test("at the end of the broadcast sound is kept, and pictures without an answer are counted", () => {
    bench.run();
    bench.picture();
    bench.sound();
    bench.gate.onPause(bench.nowMs);
    expect(lines(bench.gate.end(bench.nowMs))).toEqual(["lost ended", "sound 0"]);
    expect([bench.gate.heldBytes, bench.gate.isDone]).toEqual([0, true]);
  });
});
