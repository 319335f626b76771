import fc from "fast-check";
import { expect, test } from "vitest";
import { type PlaybackAction, PlaybackController, type PlaybackSample } from "./controller.ts";

const base: PlaybackSample = {
  nowMs: 0,
  currentTimeS: 0,
  isPaused: false,
  isSeeking: false,
  isStarved: false,
  isLive: true,
  buffered: [{ startS: 98, endS: 100 }],
  liveMediaS: 100,
};

/** A controller that has taken its start position. */
function started(): PlaybackController {
  const controller = new PlaybackController();
  controller.onTick(base);
  return controller;
}

/** Plays `seconds` on a made-up clock in steps of 100 ms; media arrives `delayS` after it reached the server. */
function simulate(controller: PlaybackController, fromS: number, delayS: number, seconds: number) {
  let currentTimeS = fromS;
  let rate = controller.rate;
  const rates: number[] = [];
  for (let i = 0; i < seconds * 10; i++) {
    const liveMediaS = 100 + i / 10;
    const endS = liveMediaS - delayS;
    const sample = { ...base, nowMs: i * 100, currentTimeS, liveMediaS, buffered: [{ startS: 98, endS }] };
    for (const action of controller.onTick(sample)) {
      if (action.kind === "rate") rate = action.rate;
      if (action.kind === "seek") currentTimeS = action.toS;
    }
    rates.push(rate);
    currentTimeS = Math.min(endS, currentTimeS + 0.1 * rate);
  }
  return { latencyS: 100 + seconds - currentTimeS, rates };
}

test("the first tick with media seeks near the live edge, once", () => {
  const controller = new PlaybackController();
  expect(controller.onTick({ ...base, buffered: [] })).toEqual([]);
  const [seek] = controller.onTick(base);
  expect(seek).toMatchObject({ kind: "seek", reason: "start" });
  expect((seek as { toS: number }).toS).toBeGreaterThan(99.7);
  expect(controller.onTick({ ...base, currentTimeS: 99.8, nowMs: 100 }).filter(isSeek)).toEqual([]);
});

test("the start waits while the join burst is still short of the live edge", () => {
  const controller = new PlaybackController();
  expect(controller.onTick({ ...base, buffered: [{ startS: 98, endS: 98.5 }] })).toEqual([]);
  expect(controller.onTick({ ...base, nowMs: 20 })).toHaveLength(1);
});

test("a burst younger than the target starts at its first frame", () => {
  const controller = new PlaybackController();
  const [seek] = controller.onTick({ ...base, buffered: [{ startS: 99.95, endS: 100 }] });
  expect(seek).toMatchObject({ toS: expect.closeTo(99.95, 2) });
});

test.each([
  { delayS: 0, fromS: 99.2, latencyS: 0.2, why: "catches up from 0.8 s behind to the target less the presentation" },
  { delayS: 0, fromS: 99.95, latencyS: 0.2, why: "slows down when it is too close" },
  { delayS: 0.1, fromS: 99.5, latencyS: 0.2, why: "a delivery delay is part of the latency, not added to it" },
  { delayS: 0.6, fromS: 98.6, latencyS: 0.7, why: "a slow path keeps the least buffer instead of the target" },
])("latency settles at $latencyS s: $why", ({ delayS, fromS, latencyS }) => {
  const result = simulate(started(), fromS, delayS, 40);
  expect(Math.abs(result.latencyS - latencyS)).toBeLessThan(0.04);
});

test("the rate stays within its bounds and never jumps by more than 0.02 a tick", () => {
  const { rates } = simulate(started(), 98.9, 0, 30);
  expect(Math.max(...rates)).toBeLessThanOrEqual(1.12);
  expect(Math.min(...rates)).toBeGreaterThanOrEqual(0.95);
  for (const [i, rate] of rates.entries()) {
    if (i > 0) expect(Math.abs(rate - (rates[i - 1] as number))).toBeLessThan(0.0201);
  }
});

test("more than 1.5 s behind is jumped", () => {
  const actions = started().onTick({ ...base, nowMs: 5_000, currentTimeS: 98.1 });
  expect(actions).toContainEqual(expect.objectContaining({ kind: "seek", reason: "behind" }));
});

test("a start that turns out half a second late is corrected, once", () => {
  const controller = started();
  const late = { ...base, currentTimeS: 99.2 };
  const isShort = { ...late, currentTimeS: 98.9, buffered: [{ startS: 98, endS: 99 }] };
  expect(controller.onTick({ ...isShort, nowMs: 50 }).filter(isSeek)).toEqual([]);
  expect(controller.onTick({ ...late, nowMs: 100 }).filter(isSeek)).toHaveLength(1);
  expect(controller.onTick({ ...late, nowMs: 200 }).filter(isSeek)).toEqual([]);
  expect(
    started()
      .onTick({ ...late, nowMs: 2_000 })
      .filter(isSeek),
  ).toEqual([]);
});

test.each([
  {
    currentTimeS: 90,
    buffered: [
      { startS: 80, endS: 90.01 },
      { startS: 93, endS: 95 },
      { startS: 99, endS: 100 },
    ],
    toS: 93,
    why: "the next stretch, from its start",
  },
  {
    currentTimeS: 90,
    buffered: [
      { startS: 80, endS: 90 },
      { startS: 96, endS: 100 },
    ],
    toS: 99.8,
    why: "the last stretch, at the live position",
  },
  { currentTimeS: 500, buffered: [{ startS: 0, endS: 100 }], toS: 99.8, why: "a timeline that started again" },
])("a playhead in a gap jumps to $why", ({ currentTimeS, buffered, toS }) => {
  const [seek] = started()
    .onTick({ ...base, nowMs: 100, currentTimeS, buffered })
    .filter(isSeek);
  expect(seek).toMatchObject({ reason: "gap", toS: expect.closeTo(toS, 1) });
});

test("a seek that finds no media for a second is sent where there is some", () => {
  const controller = started();
  const lost = { ...base, currentTimeS: 97, isSeeking: true };
  expect(controller.onTick({ ...lost, nowMs: 100 })).toEqual([]);
  expect(controller.onTick({ ...lost, nowMs: 1_200 })).toEqual([
    expect.objectContaining({ kind: "seek", reason: "gap" }),
  ]);
});

test("media of a new broadcast is not taken for old media of the last one", () => {
  const actions = started().onTick({ ...base, nowMs: 100, currentTimeS: 500, buffered: [{ startS: 0, endS: 100 }] });
  expect(actions.map((action) => action.kind)).not.toContain("trim");
});

test("nothing is sought while a seek is under way or the viewer paused", () => {
  const late = { ...base, nowMs: 100, currentTimeS: 98.1 };
  expect(started().onTick({ ...late, isSeeking: true })).toEqual([]);
  expect(started().onTick({ ...late, isPaused: true })).toEqual([]);
});

test("a long pause does not let the buffer grow without end", () => {
  const sample = { ...base, nowMs: 100, currentTimeS: 60, isPaused: true, buffered: [{ startS: 55, endS: 100 }] };
  expect(started().onTick(sample)).toEqual([expect.objectContaining({ kind: "seek", reason: "behind" })]);
});

test("media more than 10 s behind the playhead is removed, with slack so that it is rare", () => {
  const at = (startS: number) =>
    started().onTick({ ...base, nowMs: 100, currentTimeS: 99.8, buffered: [{ startS, endS: 100 }] });
  expect(at(86)).toEqual([]);
  const [trim] = at(84);
  expect(trim).toEqual({ kind: "trim", toS: expect.closeTo(89.8, 5) });
});

test("stalls count only while the stream is live, and raise the target from the second on", () => {
  const controller = started();
  stall(controller, 1_000, false);
  expect(controller.stallCount).toBe(0);
  stall(controller, 2_000, true);
  expect(controller.targetS).toBe(0.25);
  stall(controller, 4_000, true);
  expect(controller.stallCount).toBe(2);
  expect(controller.targetS).toBeCloseTo(0.375);
});

test("stalls of a decoder that has media ahead count, but do not raise the target", () => {
  const controller = started();
  for (const atMs of [1_000, 3_000, 5_000]) stall(controller, atMs, true, 99.7);
  expect(controller.stallCount).toBe(3);
  expect(controller.targetS).toBe(0.25);
});

test("stalls that go on at the highest target ask for another way to play", () => {
  const controller = started();
  const actions: PlaybackAction[] = [];
  for (let i = 0; i < 8; i++) actions.push(...stall(controller, 1_000 + i * 2_000, true));
  expect(controller.targetS).toBe(1);
  expect(actions).toContainEqual({ kind: "fall-back", reason: "stalls" });
});

test("a decoder that starves beside a full buffer is woken by a seek", () => {
  const controller = started();
  const starved = { ...base, currentTimeS: 99.5, isStarved: true };
  controller.onTick({ ...starved, nowMs: 1_000 });
  const actions = controller.onTick({ ...starved, nowMs: 2_100 });
  expect(actions).toContainEqual(expect.objectContaining({ kind: "seek", reason: "stuck" }));
});

test("whatever the element reports, seeks stay inside buffered media and rates inside their bounds", () => {
  const time = fc.double({ min: 0, max: 1e6, noNaN: true });
  const range = fc.tuple(time, fc.double({ min: 0.01, max: 60, noNaN: true }));
  const sample = fc.record({
    nowMs: time,
    currentTimeS: time,
    isPaused: fc.boolean(),
    isSeeking: fc.boolean(),
    isStarved: fc.boolean(),
    isLive: fc.boolean(),
    liveMediaS: fc.option(time, { nil: undefined }),
    range,
  });
  fc.assert(
    fc.property(fc.array(sample, { maxLength: 30 }), (samples) => {
      const controller = new PlaybackController();
      for (const {
        range: [startS, lengthS],
        ...rest
      } of samples) {
        const endS = startS + lengthS;
        for (const action of controller.onTick({ ...rest, buffered: [{ startS, endS }] })) {
          if (action.kind === "rate") expect(action.rate >= 0.95 && action.rate <= 1.12).toBe(true);
          if (action.kind === "seek" && action.reason !== "stuck") {
            expect(action.toS).toBeGreaterThanOrEqual(startS);
            expect(action.toS).toBeLessThanOrEqual(endS);
          }
        }
      }
    }),
  );
});

function isSeek(action: PlaybackAction): boolean {
  return action.kind === "seek";
}

function stall(controller: PlaybackController, atMs: number, isLive: boolean, currentTimeS = 99.95): PlaybackAction[] {
  const starved = { ...base, currentTimeS, isStarved: true, isLive };
  return [
    ...controller.onTick({ ...starved, nowMs: atMs }),
    ...controller.onTick({ ...starved, nowMs: atMs + 100 }),
    ...controller.onTick({ ...starved, nowMs: atMs + 200, isStarved: false }),
  ];
}
