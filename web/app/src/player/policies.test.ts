import { expect, test } from "vitest";
import { captionFor } from "./captions.ts";
import { ClockSync } from "./clock-sync.ts";
import { commandFor } from "./keyboard.ts";
import { FallbackLadder, parseMode, supportedModes } from "./ladder.ts";
import { parseServerMessage } from "./messages.ts";
import { RateMeter, ValueWindow } from "./meters.ts";
import { backOffMs, planAfterClose } from "./reconnect.ts";
import { TargetLatency } from "./target-latency.ts";
import { Watchdog } from "./watchdog.ts";

test.each([
  { attempt: 0, random: 0, ms: 200, why: "at least half of the ceiling" },
  { attempt: 0, random: 0.999, ms: 400, why: "at most the ceiling" },
  { attempt: 3, random: 0, ms: 1_600, why: "doubled with each try" },
  { attempt: 50, random: 0.999, ms: 9_995, why: "never over ten seconds" },
])("back-off of try $attempt is $ms ms: $why", ({ attempt, random, ms }) => {
  expect(backOffMs(attempt, random)).toBe(ms);
});

test.each([
  { code: 1006, attempt: 0, plan: { action: "retry", delayMs: 300 }, why: "a loss is retried soon" },
  { code: 1001, attempt: 0, plan: { action: "retry", delayMs: 250 }, why: "a restart is retried at once, spread" },
  { code: 1008, attempt: 0, plan: { action: "stop", reason: "not-allowed" }, why: "a refusal does not change" },
  { code: 1000, attempt: 0, plan: { action: "retry", delayMs: 2_250 }, why: "an ended broadcast is looked at later" },
  { code: 4404, attempt: 9, plan: { action: "retry", delayMs: 22_500 }, why: "a missing channel ever more rarely" },
  { code: 1013, attempt: 0, plan: { action: "retry", delayMs: 600 }, why: "a full server gets more time" },
])("after close $code: $why", ({ code, attempt, plan }) => {
  expect(planAfterClose(code, attempt, 0.5)).toEqual(plan);
});

test("the watchdog pings fast at first, then every two seconds", () => {
  const watchdog = new Watchdog(0);
  const pings: number[] = [];
  for (let nowMs = 0; nowMs <= 6_000; nowMs += 50) {
    watchdog.onMessage(nowMs);
    if (watchdog.onTick(nowMs) === "ping") pings.push(nowMs);
  }
  expect(pings).toEqual([0, 150, 300, 450, 2_450, 4_450]);
});

test("five seconds without an answer to a ping end the connection; silence without a ping does not", () => {
  const silent = new Watchdog(0);
  expect(silent.onTick(0)).toBe("ping");
  expect(silent.onTick(4_900)).not.toBe("reconnect");
  expect(silent.onTick(5_100)).toBe("reconnect");

  const throttled = new Watchdog(0);
  throttled.onTick(0);
  throttled.onMessage(100);
  expect(throttled.onTick(14_000)).toBe("ping");
});

test("a timer that comes much too late with nothing heard meanwhile means the machine slept", () => {
  const watchdog = new Watchdog(0);
  watchdog.onTick(0);
  watchdog.onMessage(50);
  expect(watchdog.onTick(60_000)).toBe("reconnect");
});

test("the ladder goes ws, hls, native, and only as far as the browser can", () => {
  const all = { hasMediaSource: true, hasWebSocket: true, hasNativeHls: true };
  expect(supportedModes(all)).toEqual(["ws", "hls", "native"]);
  expect(supportedModes({ ...all, hasMediaSource: false })).toEqual(["native"]);
  expect(supportedModes({ hasMediaSource: false, hasWebSocket: true, hasNativeHls: false })).toEqual([]);
});

test("two quick refusals step down; two that are far apart do not", () => {
  const quick = new FallbackLadder(["ws", "hls"], undefined);
  expect(quick.onFailure("refused", 0)).toBe(false);
  expect(quick.onFailure("refused", 1_000)).toBe(true);
  expect(quick.mode).toBe("hls");
  expect(quick.onFailure("stalls", 2_000)).toBe(false);

  const slow = new FallbackLadder(["ws", "hls"], undefined);
  slow.onFailure("refused", 0);
  expect(slow.onFailure("refused", 60_000)).toBe(false);
});

test("a mode the viewer chose is never left, until the choice is taken back", () => {
  const ladder = new FallbackLadder(["ws", "hls"], "ws");
  expect(ladder.onFailure("unsupported", 0)).toBe(false);
  ladder.choose(undefined);
  expect(ladder.onFailure("unsupported", 1)).toBe(true);
  ladder.reset();
  expect(ladder.mode).toBe("ws");
});

test("mode names in the address are checked", () => {
  expect([parseMode("hls"), parseMode("HLS"), parseMode(null)]).toEqual(["hls", undefined, undefined]);
});

test("the target sinks slowly back after calm, and never under its start", () => {
  const target = new TargetLatency({ startS: 0.25, maxS: 1 });
  for (let i = 0; i < 3; i++) target.onStall(i * 1_000);
  const raised = target.targetS;
  target.onTick(11_000);
  expect(target.targetS).toBe(raised);
  target.onTick(12_000);
  expect(target.targetS).toBeLessThan(raised);
  for (let nowMs = 13_000; nowMs < 400_000; nowMs += 1_000) target.onTick(nowMs);
  expect(target.targetS).toBe(0.25);
});

test("the clock takes the ping with the shortest round trip and the median of the frames", () => {
  const clock = new ClockSync();
  clock.onClock(5_000, 1_000_000);
  expect(clock.liveMediaMs(150)).toBeUndefined();
  clock.onPong(0, 400, 1_000_300);
  clock.onPong(500, 520, 1_000_510);
  expect(clock.rttMs).toBe(20);
  expect(clock.liveMediaMs(600)).toBe(5_600);
  clock.onClock(6_900, 1_002_000);
  clock.onClock(8_000, 1_003_000);
  expect(clock.liveMediaMs(3_000)).toBe(8_000);
});

test("a clock message from another broadcast starts the clock anew", () => {
  const clock = new ClockSync();
  clock.onPong(0, 0, 0);
  clock.onClock(500_000, 1_000);
  clock.onClock(40, 3_000);
  expect(clock.liveMediaMs(3_000)).toBe(40);
});

test.each([
  { text: '{"type":"state","state":"live"}', ok: true, why: "a state we know" },
  { text: '{"type":"state","state":"paused"}', ok: false, why: "a state we do not know" },
  { text: '{"type":"clock","mediaMs":"1","serverMs":2}', ok: false, why: "numbers are numbers" },
  { text: '{"type":"later"}', ok: false, why: "a newer server's message" },
  { text: "null", ok: false, why: "not an object" },
  { text: "{", ok: false, why: "not JSON" },
])("message $text is read: $ok, for it is $why", ({ text, ok }) => {
  expect(parseServerMessage(text) !== undefined).toBe(ok);
});

test("meters count what is inside their window", () => {
  const meter = new RateMeter(1_000);
  for (let nowMs = 0; nowMs <= 3_000; nowMs += 100) meter.add(nowMs, 10);
  expect(meter.perSecond(3_000)).toBeCloseTo(110, 0);
  expect(meter.perSecond(10_000)).toBe(0);
  const values = new ValueWindow(3);
  expect(values.quantile(0.5)).toBeNull();
  for (const value of [9, 1, 2, 3]) values.add(value);
  expect([values.quantile(0), values.quantile(0.5), values.quantile(1)]).toEqual([1, 2, 3]);
});

test.each([
  { key: "k", tag: "BODY", type: null, command: "toggle-play", why: "a key of ours" },
  { key: "K", tag: "BUTTON", type: null, command: "toggle-play", why: "capitals count too" },
  { key: " ", tag: "BUTTON", type: null, command: undefined, why: "space presses the button in focus" },
  { key: "m", tag: "INPUT", type: "text", command: undefined, why: "typing is typing" },
  { key: "m", tag: "INPUT", type: "range", command: "toggle-mute", why: "a slider takes no letters" },
  { key: "ArrowUp", tag: "INPUT", type: "range", command: undefined, why: "a slider takes arrows" },
  { key: "x", tag: "BODY", type: null, command: undefined, why: "not ours" },
])("key '$key' on $tag: $why", ({ key, tag, type, command }) => {
  expect(commandFor({ key, hasModifier: false, targetTag: tag, targetType: type })).toBe(command);
  expect(commandFor({ key, hasModifier: true, targetTag: tag, targetType: type })).toBeUndefined();
});

test.each([
  { phase: "connecting", state: undefined, text: "Connecting" },
  { phase: "joined", state: "waiting", text: "Waiting for the streamer" },
  { phase: "playing", state: "interrupted", text: "The streamer is reconnecting" },
  { phase: "reconnecting", state: "ended", text: "The broadcast has ended" },
  { phase: "reconnecting", state: "live", text: "Reconnecting" },
  { phase: "playing", state: "live", text: undefined },
  { phase: "buffering", state: "live", text: "Buffering" },
  { phase: "not-allowed", state: undefined, text: "This stream is private" },
] as const)("$phase while the stream is $state says: $text", ({ phase, state, text }) => {
  expect(captionFor(phase, state)?.text).toBe(text);
});
