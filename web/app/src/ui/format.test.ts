import { expect, test } from "vitest";
import { hueOf } from "../directory/hue.ts";
import { parseRoute } from "../router.ts";
import { ffmpegCommand } from "./encoder-settings.ts";
import { formatBitrate, formatDuration, formatFps, formatLatency, formatResolution } from "./format.ts";
import { nextPollMs } from "./poll.ts";

test("quantities read as people write them", () => {
  expect([formatDuration(59_900), formatDuration(61_000), formatDuration(3_725_000)]).toEqual([
    "0:59",
    "1:01",
    "1:02:05",
  ]);
  expect([formatBitrate(850), formatBitrate(4_249)]).toEqual(["850 kbit/s", "4.2 Mbit/s"]);
  expect([formatLatency(238.4), formatLatency(1_240)]).toEqual(["238 ms", "1.2 s"]);
  expect([formatFps(29.97), formatFps(59.94), formatFps(12.5)]).toEqual(["30", "60", "12.5"]);
  expect([formatResolution(1280, 720), formatResolution(720, 1280)]).toEqual(["720p", "720p"]);
});

test.each([
  { path: "/", page: "directory" },
  { path: "/watch/yuki", page: "watch" },
  { path: "/watch/a%20b", page: "watch" },
  { path: "/watch/%zz", page: "not-found" },
  { path: "/watch", page: "not-found" },
  { path: "/studio", page: "studio" },
  { path: "/studio/x", page: "not-found" },
])("$path is the $page page", ({ path, page }) => {
  expect(parseRoute(path).page).toBe(page);
});

test("failing polls become rarer, up to half a minute, and never faster than asked", () => {
  expect([0, 1, 2, 9].map((count) => nextPollMs(1_000, count))).toEqual([1_000, 2_000, 4_000, 30_000]);
  expect(nextPollMs(60_000, 5)).toBe(60_000);
});

test("the ffmpeg line ends in the address with the key", () => {
  expect(ffmpegCommand("rtmp://host/live/", "k1").endsWith("-f flv rtmp://host/live/k1")).toBe(true);
});

test("a channel keeps its colour, and names spread over all six", () => {
  const hues = Array.from({ length: 60 }, (_, index) => hueOf(`channel${index}`));
  expect(new Set(hues)).toEqual(new Set([0, 1, 2, 3, 4, 5]));
  expect(hueOf("yuki")).toBe(hueOf("yuki"));
});
