import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CHROMIUM_LAUNCH } from "@kagami/testkit";
import { type Browser, chromium } from "playwright-core";
import { makeCounterClip } from "../browser/counter-clip.ts";
import { type WatchResult, watchFrames } from "../browser/frame-samples.ts";
import { type RtmpTap, startRtmpTap } from "../browser/rtmp-tap.ts";
import { pause } from "../src/process-sample.ts";
import {
  type Figure,
  limitedFigure,
  plainFigure,
  type Scenario,
  type ScenarioContext,
  type ScenarioOutcome,
} from "../src/scenario.ts";
import { median, percentile } from "../src/statistics.ts";
import { startKagami } from "./servers/kagami.ts";

/** Server to screen in a real browser, read off the pictures. */
export const latency: Scenario = {
  name: "latency",
  summary: "ffmpeg publishes 720p30, Chromium plays: how old is the picture that is shown, how soon is the first?",
  run,
};

type Mode = "ws" | "hls";

/** Milliseconds that a picture may be old at the median, and that the first may take. */
const AGE_LIMIT_MS: Readonly<Record<Mode, number>> = { ws: 250, hls: 1_000 };
const FIRST_FRAME_LIMIT_MS = 300;
/** The player needs this long to find its distance from the edge. */
const SETTLE_MS = 2_000;
const GOP_SECONDS = 2;

const ROOT = join(import.meta.dirname, "..", "..");

async function run({ isSmoke, settings, progress }: ScenarioContext): Promise<ScenarioOutcome> {
  const loads = settings.rounds ?? (isSmoke ? 1 : 8);
  const seconds = settings.seconds ?? (isSmoke ? 3 : 8);
  const directory = await mkdtemp(join(tmpdir(), "kagami-latency-"));
  progress("building the web app");
  const webRoot = join(directory, "web");
  await runNode([join(ROOT, "node_modules/vite/bin/vite.js"), "build", "--outDir", webRoot, "--logLevel", "error"]);
  progress("encoding a clip whose pictures carry their number");
  const clip = await cachedClip(
    isSmoke ? { width: 320, height: 180, seconds: 60 } : { width: 1280, height: 720, seconds: 300 },
  );
  const server = await startKagami({ args: ["--web-root", webRoot] });
  const tap = await startRtmpTap(server.rtmpPort);
  const publisher = publish(clip, tap.port);
  const browser = await chromium.launch(CHROMIUM_LAUNCH);
  try {
    await waitForPictures(tap, 2.5 * GOP_SECONDS * 30);
    const figures: Figure[] = [];
    for (const mode of ["ws", "hls"] as const) {
      progress(`${mode}: ${loads} times ${seconds} s`);
      const page = `http://127.0.0.1:${server.httpPort}/watch/bench?mode=${mode}`;
      figures.push(...figuresOf(mode, await watchTimes(browser, page, loads, seconds), tap));
    }
    return { figures, notes: [NOTE] };
  } finally {
    publisher.kill("SIGTERM");
    await browser.close();
    tap.close();
    await server.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

const NOTE =
  '"age" is from a coded picture\'s last byte being handed to the server to that very picture\'s being given to the compositor, after 2 s to settle; every picture carries its number in a strip that the browser reads back. "first-frame" is from opening the connection that carries media (for HLS, the page) to the first picture, over page loads at different phases of a 2 s group of pictures; the browser is software-decoding on the cores that the server, ffmpeg and the bench share.';

function figuresOf(mode: Mode, results: readonly WatchResult[], tap: RtmpTap): Figure[] {
  const ages = results.flatMap(({ frames }) => {
    const settledAtMs = (frames[0]?.shownAtMs ?? 0) + SETTLE_MS;
    return frames
      .filter(({ shownAtMs }) => shownAtMs > settledAtMs)
      .map(({ counter, shownAtMs }) => shownAtMs - (tap.passedAtMs[counter] ?? Number.NaN))
      .filter((age) => Number.isFinite(age));
  });
  const firstFrames = results.map((result) => result.connectToFirstFrameMs);
  const peer = `kagami-${mode}`;
  const firstFrameMs = median(firstFrames);
  return [
    limitedFigure(peer, "age-p50", median(ages), "ms", AGE_LIMIT_MS[mode]),
    plainFigure(peer, "age-p95", percentile(ages, 0.95), "ms"),
    plainFigure(peer, "pictures", ages.length, "1"),
    mode === "ws"
      ? limitedFigure(peer, "first-frame-p50", firstFrameMs, "ms", FIRST_FRAME_LIMIT_MS)
      : plainFigure(peer, "first-frame-p50", firstFrameMs, "ms"),
    plainFigure(peer, "first-frame-max", Math.max(...firstFrames), "ms"),
    plainFigure(peer, "open-to-frame-p50", median(results.map((result) => result.openToFrameMs)), "ms"),
    plainFigure(
      peer,
      "stalls",
      results.reduce((sum, result) => sum + result.stallCount, 0),
      "1",
    ),
  ];
}

async function watchTimes(browser: Browser, url: string, loads: number, seconds: number): Promise<WatchResult[]> {
  // The first page fills the browser's caches of code; a returning viewer has them.
  await watchFrames(browser, url, 1);
  const results: WatchResult[] = [];
  for (let load = 0; load < loads; load++) results.push(await watchFrames(browser, url, seconds));
  return results;
}

/** Encoded once, like the other scenarios' media. */
async function cachedClip(size: { width: number; height: number; seconds: number }): Promise<string> {
  const directory = join(ROOT, ".cache", "bench");
  const path = join(directory, `counter-${size.width}x${size.height}-${size.seconds}s.flv`);
  if (existsSync(path)) return path;
  await mkdir(directory, { recursive: true });
  const unfinished = `${path}.unfinished.flv`;
  await makeCounterClip({ path: unfinished, ...size, fps: 30, videoKbps: 2_000, gopSeconds: GOP_SECONDS });
  await rename(unfinished, path);
  return path;
}

function publish(clip: string, port: number): ChildProcess {
  const target = `rtmp://127.0.0.1:${port}/live/bench`;
  const args = ["-hide_banner", "-loglevel", "error", "-re", "-i", clip, "-c", "copy", "-f", "flv", target];
  return spawn("ffmpeg", args, { stdio: ["ignore", "ignore", "ignore"] });
}

async function waitForPictures(tap: RtmpTap, count: number): Promise<void> {
  const deadlineMs = performance.now() + 30_000;
  while (tap.passedAtMs.length < count) {
    if (performance.now() > deadlineMs) throw new Error("ffmpeg published nothing within 30 s");
    await pause(50);
  }
}

async function runNode(args: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, args, { cwd: join(ROOT, "web/app"), stdio: ["ignore", "ignore", "inherit"] });
  const code = await new Promise<number | null>((resolve) => child.once("exit", resolve));
  if (code !== 0) throw new Error(`${args[0]} ended with ${code}`);
}
