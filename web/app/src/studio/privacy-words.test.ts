import { expect, test } from "vitest";
import type { PrivacyState } from "../api/types.ts";
import {
  announce,
  describeTest,
  explainTrouble,
  formatAgo,
  NOTHING_SAID,
  privacyRows,
  TEST_BEGUN,
  withTestPicture,
} from "./privacy-words.ts";

/** What a screen reader hears when the states come at these times, in seconds. */
function heard(states: readonly (readonly [number, PrivacyState])[]): string[] {
  const texts: string[] = [];
  let last = NOTHING_SAID;
  for (const [atS, state] of states) {
    const next = announce(last, state, atS * 1_000);
    if (next.text !== last.text) texts.push(next.text);
    last = next;
  }
  return texts;
}

test.each([
  { states: [[0, "watching"]], said: [], why: "what is there from the start is read with the page" },
  {
    states: [
      [0, "off"],
      [1, "waiting"],
      [2, "watching"],
    ],
    said: ["Notification blur: Waiting for a picture", "Notification blur: Watching"],
    why: "what the streamer caused is told",
  },
  {
    states: [
      [0, "watching"],
      [1, "hiding"],
      [4, "watching"],
      [9, "hiding"],
      [12, "watching"],
    ],
    said: ["A notification is being hidden"],
    why: "a row of notifications is told once",
  },
  {
    states: [
      [0, "hiding"],
      [1, "failed"],
      [2, "watching"],
    ],
    said: ["Notification blur: Watching"],
    why: "a failure is an alert of its own, its end is not",
  },
] as const)("the states $states are told as $said: $why", ({ states, said }) => {
  expect(heard(states)).toEqual(said);
});

test.each([
  [-5_000, "just now"],
  [2_999, "just now"],
  [40_000, "40 s ago"],
  [300_000, "5 min ago"],
  [7_200_000, "2 h ago"],
])("%i ms ago is said as %s", (ms, said) => {
  expect(formatAgo(ms)).toBe(said);
});

test("figures that the server does not know yet are a dash", () => {
  const rows = privacyRows(
    {
      state: "waiting",
      isEncoding: false,
      regions: [],
      bannerCount: 1_204,
      lastHiddenAtMs: 1_000,
      restartCount: 2,
      cpuPercent: null,
      addedLatencyMs: null,
      message: null,
    },
    13_000,
  );
  expect(Object.fromEntries(rows)).toEqual({
    "Hidden so far": "1,204",
    "Last hidden": "12 s ago",
    "Viewers get": "your own picture",
    "Added latency": "–",
    Processor: "–",
    Restarts: "2",
  });
});

test.each([
  { seen: [], said: "No picture came", why: "without pictures there is nothing to say" },
  { seen: ["clear", "suspect"], said: "was not found", why: "a suspicion is not a find" },
  { seen: ["clear", "banner", "clear"], said: "was found and hidden", why: "found once is found" },
  { seen: ["held"], said: "was found and hidden", why: "the picture between may have been missed" },
  { seen: [undefined, undefined], said: "A frame around", why: "a server that does not tell leaves it to the eye" },
])("a test that saw $seen ends with '$said': $why", ({ seen, said }) => {
  const result = seen.reduce((sofar, detection) => withTestPicture(sofar, detection), TEST_BEGUN);
  expect(describeTest({ ...result, isRunning: false })).toContain(said);
});

test("every reason for a missing picture is a sentence of its own", () => {
  const codes = ["NOT_LIVE", "PRIVACY_OFF", "UNAVAILABLE", "PREVIEW_LATE", "UNREACHABLE", "ANYTHING_ELSE"];
  expect(new Set(codes.map(explainTrouble)).size).toBe(codes.length);
});
