import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ApiError, type PreviewPicture } from "../api/client.ts";
import { nextPictureMs, PrivacyFeed } from "./privacy-feed.ts";

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

const PICTURE: PreviewPicture = { jpeg: new Blob(["jpeg"]), detection: undefined };

/** A feed over a server that takes `tookMs` per picture and fails as long as `failure` is set. */
function feedOver(server: { tookMs: number; failure?: string }) {
  const asked: { atMs: number; isTest: boolean }[] = [];
  let shownCount = 0;
  const feed = new PrivacyFeed({
    ask: async (isTest, signal) => {
      asked.push({ atMs: performance.now(), isTest });
      await new Promise<void>((resolve, reject) => {
        const answer = () => resolve(); // when the fake clock says so
        setTimeout(answer, server.tookMs);
        signal.addEventListener("abort", () => reject(new ApiError("UNREACHABLE", 0, "aborted")));
      });
      if (server.failure !== undefined) throw new ApiError(server.failure, 409, "none");
      return PICTURE;
    },
    show: async () => {
      shownCount++;
    },
  });
  const pauses = () => asked.slice(1).map(({ atMs }, index) => Math.round(atMs - (asked[index]?.atMs ?? 0)));
  return { feed, asked, pauses, shown: () => shownCount };
}

test.each([
  { took: 40, failures: 0, pause: 210, why: "a quick answer leaves the rest of the quarter second" },
  { took: 900, failures: 0, pause: 0, why: "a slow answer has been waited for already" },
  { took: 40, failures: 1, pause: 1_000, why: "a failure is given a second" },
  { took: 40, failures: 3, pause: 4_000, why: "the pause doubles" },
  { took: 40, failures: 400, pause: 10_000, why: "and has a limit" },
])("after $took ms and $failures failures the pause is $pause ms: $why", ({ took, failures, pause }) => {
  expect(nextPictureMs(took, failures)).toBe(pause);
});

test("four pictures a second are asked for, and no more than the server can give", async () => {
  const quick = feedOver({ tookMs: 30 });
  quick.feed.start(false);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(new Set(quick.pauses())).toEqual(new Set([250]));
  quick.feed.stop();
  const slow = feedOver({ tookMs: 700 });
  slow.feed.start(false);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(new Set(slow.pauses())).toEqual(new Set([701])); // no timer is shorter than a millisecond
  slow.feed.stop();
});

test("failures are told and slow the feed down; the first picture brings it back", async () => {
  const server: { tookMs: number; failure?: string } = { tookMs: 30, failure: "NOT_LIVE" };
  const { feed, pauses, shown } = feedOver(server);
  feed.start(false);
  await vi.advanceTimersByTimeAsync(7_500);
  expect(pauses()).toEqual([1_030, 2_030, 4_030]);
  expect(feed.trouble.value).toBe("NOT_LIVE");
  delete server.failure;
  await vi.advanceTimersByTimeAsync(8_000);
  expect(feed.trouble.value).toBeUndefined();
  expect(shown()).toBeGreaterThan(0);
  expect(pauses().at(-1)).toBe(250);
  feed.stop();
});

test("after stop nothing is asked, and what was under way is not shown", async () => {
  const { feed, asked, shown } = feedOver({ tookMs: 100 });
  feed.start(false);
  await vi.advanceTimersByTimeAsync(50);
  feed.stop();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(asked).toHaveLength(1);
  expect(shown()).toBe(0);
  expect(vi.getTimerCount()).toBe(0);
});

test("a test begins at once, and a request that is held up is given up after 5 s", async () => {
  const server = { tookMs: 60_000 };
  const { feed, asked } = feedOver(server);
  feed.start(false);
  await vi.advanceTimersByTimeAsync(10);
  feed.start(true);
  expect(asked.map(({ isTest }) => isTest)).toEqual([false, true]);
  await vi.advanceTimersByTimeAsync(5_010);
  expect(feed.trouble.value).toBe("UNREACHABLE");
  feed.stop();
});
