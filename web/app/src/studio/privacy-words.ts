import type { PrivacySettings, PrivacyState, PrivacyStatus } from "../api/types.ts";
import { formatCount } from "../ui/format.ts";

export interface Option<T> {
  readonly value: T;
  readonly label: string;
  readonly hint: string;
}

export const STYLES: readonly Option<PrivacySettings["style"]>[] = [
  { value: "any", label: "Any phone", hint: "Looks for every kind of notification" },
  { value: "ios", label: "iPhone", hint: "iOS banners and the Dynamic Island" },
  { value: "android", label: "Android", hint: "Heads-up notifications" },
];

export const STRENGTHS: readonly Option<PrivacySettings["strength"]>[] = [
  { value: 1, label: "Light", hint: "Text cannot be read; coarse patches of light and colour stay" },
  { value: 2, label: "Medium", hint: "Larger patches" },
  { value: 3, label: "Strong", hint: "The largest patches, in fewer shades" },
];

export const MODES: readonly Option<PrivacySettings["mode"]>[] = [
  {
    value: "selective",
    label: "Only when something shows",
    hint: "Viewers get your own picture untouched while there is nothing to hide",
  },
  {
    value: "always",
    label: "All the time",
    hint: "The server encodes every picture anew, which costs it more work and the picture some quality",
  },
];

export const FAILURES: readonly Option<PrivacySettings["onFailure"]>[] = [
  {
    value: "cover",
    label: "Hold and cover",
    hint: "Viewers keep the last checked picture and hear on; then the top of the picture is covered for a while",
  },
  {
    value: "pause",
    label: "Pause the picture",
    hint: "Viewers hear on; the picture stays away until your next key frame has been checked",
  },
  { value: "pass", label: "Go on unprotected", hint: "Viewers see everything, notifications as well" },
];

/** The state in a word or two, and how it is coloured. */
export const STATES: Readonly<Record<PrivacyState, { readonly label: string; readonly badge: string }>> = {
  off: { label: "Off", badge: "badge" },
  waiting: { label: "Waiting for a picture", badge: "badge" },
  watching: { label: "Watching", badge: "badge badge-good" },
  hiding: { label: "Hiding now", badge: "badge badge-warning" },
  failed: { label: "Failed", badge: "badge badge-danger" },
};

/** What viewers get while the filter is down. */
export const WHILE_FAILED: Readonly<Record<PrivacySettings["onFailure"], string>> = {
  cover: "Viewers keep the last picture that was checked, and hear you.",
  pause: "Viewers hear you; the picture is paused.",
  pass: "Viewers see the picture unprotected.",
};

/** Why there is no picture; each says what to do where something can be done. */
export function explainTrouble(code: string): string {
  switch (code) {
    case "NOT_LIVE":
      return "Nothing is being streamed. Start your encoder to see the picture.";
    case "PRIVACY_OFF":
      return "Switch the blur on to see the picture. It starts at the next key frame.";
    case "UNAVAILABLE":
      return "There is no picture: this server cannot look at it. Areas can be drawn all the same.";
    case "PREVIEW_LATE":
      return "No picture came in time. The studio tries again by itself.";
    case "UNREACHABLE":
      return "The server does not answer. The studio tries again by itself.";
    default:
      return "The picture cannot be shown. The studio tries again by itself.";
  }
}

/** At most so often is hiding told to a screen reader. */
const QUIET_MS = 30_000;

/** What a screen reader is told, and when something was told last. */
export interface Announcement {
  readonly state: PrivacyState | undefined;
  readonly text: string;
  /** When hiding was told last. */
  readonly hidingAtMs: number;
}

export const NOTHING_SAID: Announcement = { state: undefined, text: "", hidingAtMs: Number.NEGATIVE_INFINITY };

/**
 * Tells the change of state and stays quiet about what merely comes and goes: hiding is told twice a minute at the
 * most, and that it has ended never. A failure is an alert of its own and is not told here.
 */
export function announce(last: Announcement, state: PrivacyState, nowMs: number): Announcement {
  if (state === last.state) return last;
  const isFirst = last.state === undefined; // what is there from the start is read with the page
  const hasEnded = state === "watching" && last.state === "hiding";
  if (isFirst || hasEnded || state === "failed") return { ...last, state };
  if (state !== "hiding") return { ...last, state, text: `Notification blur: ${STATES[state].label}` };
  if (nowMs - last.hidingAtMs < QUIET_MS) return { ...last, state };
  return { state, text: "A notification is being hidden", hidingAtMs: nowMs };
}

/** `just now`, `40 s ago`, `5 min ago`, `2 h ago`. */
export function formatAgo(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  if (seconds < 3) return "just now";
  if (seconds < 100) return `${seconds} s ago`;
  const minutes = Math.round(seconds / 60);
  return minutes < 100 ? `${minutes} min ago` : `${Math.round(minutes / 60)} h ago`;
}

/** The figures of the panel, ready to be shown. */
export function privacyRows(status: PrivacyStatus, nowMs: number): readonly (readonly [string, string])[] {
  const { addedLatencyMs, cpuPercent, lastHiddenAtMs } = status;
  return [
    ["Hidden so far", formatCount(status.bannerCount)],
    ["Last hidden", lastHiddenAtMs === null ? "never" : formatAgo(nowMs - lastHiddenAtMs)],
    ["Viewers get", status.isEncoding ? "the server's picture" : "your own picture"],
    ["Added latency", addedLatencyMs === null ? "–" : `${addedLatencyMs.toFixed(0)} ms`],
    ["Processor", cpuPercent === null ? "–" : `${cpuPercent.toFixed(1)} % of a core`],
    ["Restarts", formatCount(status.restartCount)],
  ];
}

/** How far a test has come. `found`: undefined as long as no picture said anything about it. */
export interface PrivacyTest {
  readonly isRunning: boolean;
  readonly pictureCount: number;
  readonly found: boolean | undefined;
}

export const TEST_BEGUN: PrivacyTest = { isRunning: true, pictureCount: 0, found: undefined };

/** Takes in what the detector said of one picture of the test; a banner that was found stays found. */
export function withTestPicture(test: PrivacyTest, detection: string | undefined): PrivacyTest {
  const isFound = detection === "banner" || detection === "held";
  const found = test.found === true || (detection === undefined ? test.found : isFound);
  return { ...test, pictureCount: test.pictureCount + 1, found };
}

/** What the test has shown so far, in a sentence. */
export function describeTest({ isRunning, pictureCount, found }: PrivacyTest): string {
  if (found === true) return "The made-up notification was found and hidden.";
  if (isRunning) return "Looking for the made-up notification.";
  if (pictureCount === 0) return "No picture came, so nothing was tested.";
  if (found === undefined) return "The test is over. A frame around the made-up notification means that it was found.";
  return "The made-up notification was not found. Set the kind of phone to Any phone and test again.";
}
