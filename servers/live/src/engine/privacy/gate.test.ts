import { beforeEach, describe, expect, test } from "vitest";
import { PrivacyGate } from "./gate.ts";
import {
  DEFAULT_GATE_LIMITS,
  type FailurePolicy,
  type GateEffect,
  type GateLimits,
  type GateReply,
} from "./gate-types.ts";
import { audioConfig, RECORDS, videoConfig } from "./gate-world.ts";

const VIDEO = videoConfig(RECORDS[0]);
const OTHER_VIDEO = videoConfig(RECORDS[1]);
const AUDIO = audioConfig(2);
const CONFIG_REPLY: GateReply = { kind: "config", codec: "h264", record: RECORDS[1] };
const SETTINGS = { mode: "selective", style: "any", strength: 2, zones: [], startsCovered: false } as const;

/** A gate with a clock, and its effects as short lines. */
class Bench {
  gate: PrivacyGate;
  nowMs = 1_000;
  #videoCount = 0;
  #audioCount = 0;

  constructor(policy: FailurePolicy = "cover", limits: Partial<GateLimits> = {}, isMidway = false) {
    const tracks = { video: VIDEO, audio: AUDIO };
    const all = { ...DEFAULT_GATE_LIMITS, ...limits };
    const known = isMidway ? { output: tracks, published: tracks } : {};
    this.gate = new PrivacyGate({ settings: SETTINGS, policy, limits: all, ...known });
  }

  tracks(video = VIDEO): string[] {
    return lines(this.gate.push({ kind: "tracks", video, audio: AUDIO }, this.nowMs));
  }

  /** Picture number n, 40 ms after the one before. */
  picture(isKey = false): string[] {
    const n = this.#videoCount++;
    const at = n * 40_000;
    const sample = { kind: "video", dtsUs: at, ptsUs: at, durationUs: 40_000, isKey, data: Uint8Array.of(n) } as const;
    return lines(this.gate.push({ kind: "sample", sample }, this.nowMs));
  }

  sound(): string[] {
    const n = this.#audioCount++;
    const at = n * 21_333;
    const data = Uint8Array.of(n);
    const sample = { kind: "audio", dtsUs: at, ptsUs: at, durationUs: 21_333, isKey: true, data } as const;
    return lines(this.gate.push({ kind: "sample", sample }, this.nowMs));
  }

  ready(): string[] {
    return lines(this.gate.onReady(this.nowMs));
  }

  reply(reply: GateReply): string[] {
    return lines(this.gate.onReply(reply, this.nowMs));
  }

  pass(sequence: number): string[] {
    return this.reply({ kind: "pass", sequence });
  }

  replace(sequence: number, isKey = false, ptsUs = sequence * 40_000): string[] {
    return this.reply({ kind: "replace", sequence, ptsUs, isKey, data: Uint8Array.of(200 + sequence) });
  }

  wait(ms: number): string[] {
    this.nowMs += ms;
    return lines(this.gate.onDeadline(this.nowMs));
  }

  fail(code = "FILTER_DIED"): string[] {
    return lines(this.gate.onFailed(code, "in a test", this.nowMs));
  }

  /** A stream that runs: one key frame has gone out. */
  run(): this {
    this.tracks();
    this.ready();
    this.reply(CONFIG_REPLY);
    this.picture(true);
    this.pass(0);
    return this;
  }
}

function lines(effects: readonly GateEffect[]): string[] {
  return effects.map((effect) => {
    if (effect.kind === "tracks") {
      const { video } = effect.event;
      return `tracks ${video?.codecString ?? "none"}`;
    }
    if (effect.kind === "sample") {
      const { kind, data, isKey, ptsUs } = effect.sample;
      if (kind === "audio") return `sound ${data[0]}`;
      return `${effect.isReplaced ? "replaced" : "picture"} ${data[0]}${isKey ? " key" : ""} at ${ptsUs / 1000}`;
    }
    if (effect.kind === "send") {
      const { request } = effect;
      if (request.kind !== "picture") return `send ${request.kind}`;
      return `send ${request.sequence}${request.isReplay ? " replay" : ""}: ${request.data[0]}`;
    }
    if (effect.kind === "lost") return `lost ${effect.reason}`;
    return effect.kind;
  });
}

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
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

  test("one picture without an answer is no failure, however long the next one takes", () => {
    bench.run();
    bench.picture();
    expect(bench.wait(60_000)).toEqual([]);
    expect(bench.gate.isFailed).toBe(false);
    expect(bench.sound()).toEqual([]);
    expect(bench.wait(DEFAULT_GATE_LIMITS.budgetMs)).toEqual(["sound 0"]);
  });
});

describe("a filter that does not answer", () => {
  test("lets sound go on alone after the budget, and counts as failed when a picture's successor has waited as long", () => {
    bench.run();
    bench.picture();
    bench.nowMs += 40;
    bench.sound();
    bench.picture();
    expect(bench.wait(499)).toEqual([]);
    expect(bench.wait(1)).toEqual(["restart", "failed", "lost failed", "sound 0", "lost failed"]);
    expect(bench.gate.isFailed).toBe(true);
    expect(bench.sound(), "sound does not wait for a filter that has failed").toEqual(["sound 1"]);
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
    bench = new Bench("cover", { maxHeldPictures: 3 }).run();
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
    bench = new Bench("cover", { maxReplayBytes: 2 }).run();
    for (let i = 0; i < 3; i++) bench.picture();
    bench.pass(3);
    bench.fail();
    expect(bench.picture()).toEqual([]);
    expect(bench.ready()).toEqual(["send config"]);
    expect(bench.picture()).toEqual([]);
    expect(bench.picture(true)).toEqual(["send 0: 6", "lost undecodable", "lost undecodable"]);
  });

  test("pause: pictures stay away until the publisher's next key frame has been looked at", () => {
    bench = new Bench("pause").run();
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
    bench = new Bench("pass").run();
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

describe("switching", () => {
  test("on midway takes effect at a key frame, with one new configuration", () => {
    bench = new Bench("cover", {}, true);
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
