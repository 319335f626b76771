import { expect, test } from "vitest";
import { expectFigures, runSmoke } from "../src/smoke.ts";
import { livePart } from "./part.ts";

/** Figures that have to be there, for each peer, and be above 0. */
const EXPECTED: Readonly<Record<string, { readonly peers: readonly string[]; readonly figures: readonly string[] }>> = {
  latency: {
    peers: ["kagami-ws", "kagami-hls"],
    figures: ["age-p50", "age-p95", "pictures", "first-frame-p50", "open-to-frame-p50"],
  },
  "fan-out": {
    peers: ["nginx-rtmp", "kagami-rtmp", "kagami-ws", "kagami-flv", "kagami-ws-100ms", "nms-rtmp", "nms-flv"],
    figures: ["cpu-per-mb", "latency-p50", "latency-p95", "rss", "delivered"],
  },
  growth: {
    peers: ["nginx-rtmp", "kagami-rtmp", "kagami-ws"],
    figures: ["cpu-per-mb-6", "viewers-per-core-6", "latency-p50-6"],
  },
  stalled: {
    peers: ["kagami-ws", "kagami-rtmp", "nginx-rtmp", "nms-rtmp"],
    figures: ["rss-before", "rss-while-stalled", "healthy-p95-alone", "healthy-p95-beside", "recovery-live-max"],
  },
  reconnect: {
    peers: ["kagami-ws", "kagami-rtmp", "kagami-flv", "nginx-rtmp", "nms-rtmp", "nms-flv"],
    figures: ["largest-step-0.3"],
  },
  memory: { peers: ["kagami"], figures: ["rss-before", "rss-peak", "rss-after", "peak-of-gop-cache"] },
  soak: { peers: ["kagami"], figures: ["comings-and-goings", "heap-last", "rss-last"] },
};

test("every scenario has a smoke test", () => {
  expect(livePart.scenarios.map(({ name }) => name)).toEqual(Object.keys(EXPECTED));
});

test.each(Object.entries(EXPECTED))(
  "the short form of %s runs and gives a figure of every kind for every peer",
  { timeout: 120_000 },
  (scenario, expected) => expectFigures("live", scenario, expected),
);

test("a stalled viewer misses pictures but never sees a broken one", { timeout: 60_000 }, async () => {
  const { lines } = await runSmoke("live", "stalled", "--only", "kagami-ws");
  const value = (figure: string) => lines.find((line) => line.figure === figure)?.value;
  expect(value("missed-pictures")).toBeGreaterThan(0);
  expect(value("broken-pictures")).toBe(0);
  expect(value("not-recovered")).toBe(0);
});
