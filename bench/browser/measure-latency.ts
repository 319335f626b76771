import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLogger } from "@kagami/kit";
import { configSchema, startLiveServer } from "@kagami/live";
import { type Browser, chromium } from "playwright-core";
import { makeCounterClip } from "./counter-clip.ts";
import { type WatchResult, watchFrames } from "./frame-samples.ts";
import { type RtmpTap, startRtmpTap } from "./rtmp-tap.ts";

export type PlayMode = "ws" | "hls";

export interface LatencyOptions {
  /** Built web app. */
  readonly webRoot: string;
  readonly modes: readonly PlayMode[];
  /** Page loads per mode, at different phases of the group of pictures. */
  readonly loads: number;
  /** Played for this long in each load, in seconds. */
  readonly seconds: number;
  readonly onProgress: (text: string) => void;
}

export interface LatencyFigures {
  readonly mode: PlayMode;
  /** Picture handed to the server until it is shown, in milliseconds, after two seconds to settle. */
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly frameCount: number;
  /** Medians and maxima over the loads, in milliseconds. */
  readonly firstFrameP50Ms: number;
  readonly firstFrameMaxMs: number;
  readonly openToFrameP50Ms: number;
  readonly stallCount: number;
}

const CHROMIUM_ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--autoplay-policy=no-user-gesture-required",
];

/** The player needs this long to find its distance from the edge. */
const SETTLE_MS = 2_000;

/**
 * ffmpeg publishes a 720p30 clip in real time; Chromium plays it; the number in each shown picture tells when that very
 * picture was handed to the server.
 */
export async function measureLatency(options: LatencyOptions): Promise<LatencyFigures[]> {
  const { webRoot, modes, loads, seconds, onProgress } = options;
  const directory = await mkdtemp(join(tmpdir(), "kagami-latency-"));
  const log = createLogger({ level: "error" });
  const config = configSchema.parse({
    listen: "127.0.0.1:0",
    rtmp: "127.0.0.1:0",
    admin: "off",
    openPublish: true,
    data: directory,
    webRoot,
  });
  const server = await startLiveServer(config, log);
  const tap = await startRtmpTap(Number(server.addresses.rtmp?.split(":").at(-1)));
  const clip = join(directory, "clip.flv");
  const neededSeconds = 10 + modes.length * loads * (seconds + 6);
  onProgress(`encoding a clip of ${neededSeconds} s`);
  await makeCounterClip({
    path: clip,
    width: 1280,
    height: 720,
    fps: 30,
    seconds: neededSeconds,
    videoKbps: 2_000,
    gopSeconds: 2,
  });
  const publisher = publish(clip, tap.port);
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: CHROMIUM_ARGS });
  try {
    await waitForPicture(tap, 90);
    const figures: LatencyFigures[] = [];
    for (const mode of modes) {
      const results = await watchTimes(
        browser,
        `http://${server.addresses.http}/watch/bench?mode=${mode}`,
        loads,
        seconds,
      );
      figures.push(summarise(mode, results, tap));
      onProgress(`${mode}: p50 ${Math.round(figures.at(-1)?.p50Ms ?? 0)} ms`);
    }
    return figures;
  } finally {
    publisher.kill("SIGTERM");
    await browser.close();
    tap.close();
    await server.close();
    await rm(directory, { recursive: true, force: true });
  }
}

function publish(clip: string, port: number): ChildProcess {
  const target = `rtmp://127.0.0.1:${port}/live/bench`;
  const args = ["-hide_banner", "-loglevel", "error", "-re", "-i", clip, "-c", "copy", "-f", "flv", target];
  return spawn("ffmpeg", args, { stdio: ["ignore", "ignore", "inherit"] });
}

async function waitForPicture(tap: RtmpTap, count: number): Promise<void> {
  const deadlineMs = performance.now() + 30_000;
  while (tap.passedAtMs.length < count) {
    if (performance.now() > deadlineMs) throw new Error("Cannot measure: ffmpeg published nothing within 30 s");
    await once(AbortSignal.timeout(50), "abort");
  }
}

async function watchTimes(browser: Browser, url: string, loads: number, seconds: number): Promise<WatchResult[]> {
  const results: WatchResult[] = [];
  for (let load = 0; load < loads; load++) results.push(await watchFrames(browser, url, seconds));
  return results;
}

function summarise(mode: PlayMode, results: readonly WatchResult[], tap: RtmpTap): LatencyFigures {
  const latencies = results.flatMap(({ frames }) => {
    const firstAtMs = frames[0]?.shownAtMs ?? 0;
    return frames
      .filter(({ shownAtMs }) => shownAtMs - firstAtMs > SETTLE_MS)
      .map(({ counter, shownAtMs }) => shownAtMs - (tap.passedAtMs[counter] ?? Number.NaN))
      .filter((latency) => Number.isFinite(latency));
  });
  const firstFrames = results.map((result) => result.connectToFirstFrameMs);
  return {
    mode,
    p50Ms: quantile(latencies, 0.5),
    p95Ms: quantile(latencies, 0.95),
    frameCount: latencies.length,
    firstFrameP50Ms: quantile(firstFrames, 0.5),
    firstFrameMaxMs: Math.max(...firstFrames),
    openToFrameP50Ms: quantile(
      results.map((result) => result.openToFrameMs),
      0.5,
    ),
    stallCount: results.reduce((sum, result) => sum + result.stallCount, 0),
  };
}

function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}
