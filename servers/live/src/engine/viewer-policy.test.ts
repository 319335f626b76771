import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DEFAULT_VIEWER_LIMITS, type ViewerAction, ViewerPolicy } from "./viewer-policy.ts";

const limits = DEFAULT_VIEWER_LIMITS;
const STEP_MS = 33;

/** Sends one burst each 33 ms from `fromMs`; a key frame every two seconds. */
function run(policy: ViewerPolicy, fromMs: number, toMs: number, bufferedBytes = 0): ViewerAction[] {
  const actions: ViewerAction[] = [];
  for (let ms = fromMs; ms < toMs; ms += STEP_MS) {
    const startsWithKey = ms % 1_980 === 0;
    actions.push(policy.decide({ endUs: (ms + STEP_MS) * 1000, hasVideo: true, startsWithKey }, bufferedBytes, ms));
  }
  return actions;
}

describe("ViewerPolicy", () => {
  test("a viewer that acknowledges in time gets everything", () => {
    const policy = new ViewerPolicy(limits, 0);
    policy.expectAcks();
    for (let ms = 0; ms < 20_000; ms += 990) {
      expect(new Set(run(policy, ms, ms + 990))).toEqual(new Set(["all"]));
      policy.onAck((ms + 990) * 1000, ms + 990);
    }
    expect(policy.skippedBurstCount).toBe(0);
  });

  test("a viewer that stops acknowledging loses the picture after 2.5 s though its socket takes everything", () => {
    const policy = new ViewerPolicy(limits, 0);
    policy.expectAcks();
    const actions = run(policy, 0, 5_000);
    expect(actions.indexOf("audio") * STEP_MS).toBeGreaterThan(2_400);
    expect(actions.indexOf("audio") * STEP_MS).toBeLessThan(2_700);
    expect(policy.isSkipping).toBe(true);
  });

  test("it resumes from the key frame before as soon as it has caught up", () => {
    const policy = new ViewerPolicy(limits, 0);
    policy.expectAcks();
    run(policy, 0, 9_900);
    policy.onAck(9_800_000, 9_900);
    expect(run(policy, 9_933, 9_999)).toEqual(["resume", "all"]);
  });

  test("it is disconnected when it takes nothing for the stall limit", () => {
    const policy = new ViewerPolicy(limits, 0);
    policy.expectAcks();
    const actions = run(policy, 0, 70_000);
    const seconds = (actions.indexOf("disconnect") * STEP_MS) / 1000;
    expect(seconds).toBeGreaterThan(60);
    expect(seconds).toBeLessThan(63);
  });

  test.each([
    { bufferedBytes: limits.maxBufferedBytes, expected: "all", why: "at the limit" },
    { bufferedBytes: limits.maxBufferedBytes + 1, expected: "nothing", why: "one byte beyond, with no room for sound" },
  ])("a viewer without acknowledgements is judged by its socket: $why", ({ bufferedBytes, expected }) => {
    const policy = new ViewerPolicy(limits, 0);
    expect(policy.decide({ endUs: 1, hasVideo: true, startsWithKey: false }, bufferedBytes, 0)).toBe(expected);
  });

  test("acknowledging more than was sent gains nothing", () => {
    const policy = new ViewerPolicy(limits, 0);
    policy.expectAcks();
    policy.onAck(Number.MAX_SAFE_INTEGER, 0);
    expect(run(policy, 0, 5_000)).toContain("audio");
  });

  test("picture never starts again after a pause but by a resume or at a key frame", () => {
    const step = fc.record({
      bufferedBytes: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 2 * limits.maxBufferedBytes })),
      startsWithKey: fc.boolean(),
      ackUs: fc.option(fc.integer({ min: 0, max: 60_000_000 })),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const policy = new ViewerPolicy(limits, 0);
        policy.expectAcks();
        let isPaused = false;
        for (const [i, { bufferedBytes, startsWithKey, ackUs }] of steps.entries()) {
          if (ackUs !== null) policy.onAck(ackUs, i * 300);
          const burst = { endUs: (i + 1) * 300_000, hasVideo: true, startsWithKey };
          const action = policy.decide(burst, bufferedBytes, i * 300);
          if (action === "all" && isPaused) expect(startsWithKey).toBe(true);
          isPaused = action !== "all" && action !== "resume";
        }
      }),
    );
  });
});
