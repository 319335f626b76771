import { readFileSync } from "node:fs";
import { createPlainKernels, createWasmKernels, type Kernels } from "@kagami/kernels";
import { createDetector } from "../../servers/live/src/engine/privacy/detector.ts";
import {
  type Figure,
  limitedFigure,
  plainFigure,
  type Scenario,
  type ScenarioContext,
  type ScenarioOutcome,
} from "../src/scenario.ts";
import { percentile } from "../src/statistics.ts";
import { clipsOf, smokeClips } from "./clips.ts";
import { type BannerQuality, type ClipQuality, measureClip } from "./quality-measure.ts";

/** What viewers would have been able to read, and what was hidden for nothing, over videos that nothing was fitted to. */
export const quality: Scenario = {
  name: "quality",
  summary: "over unseen videos: banners that could be read, hidden late, false alarms, area hidden",
  run,
};

const LEAK_LIMIT_PERCENT = 0.2;
const FALSE_ALARM_LIMIT = 1;
const AREA_LIMIT = 1.6;

async function run({ isSmoke, settings, progress }: ScenarioContext): Promise<ScenarioOutcome> {
  const wasmBytes = readFileSync(new URL(import.meta.resolve("@kagami/kernels/kernels.wasm")));
  const makeKernels = () => (isSmoke ? createPlainKernels() : createWasmKernels(wasmBytes));
  const limit = settings.rounds ?? Number.POSITIVE_INFINITY;
  const withBanners = await measureAll(
    isSmoke ? await smokeClips("test") : await clipsOf("test"),
    limit,
    makeKernels,
    progress,
  );
  const without = await measureAll(
    isSmoke ? await smokeClips("negatives") : await clipsOf("negatives"),
    limit,
    makeKernels,
    progress,
  );
  const banners = withBanners.flatMap((clip) => clip.banners);
  const byStyle = Map.groupBy(banners, ({ style }) => style);
  const figures = [
    ...figuresOf("all", banners, true),
    ...falseAlarmFigures(withBanners, without),
    ...[...byStyle].sort(([a], [b]) => a.localeCompare(b)).flatMap(([style, some]) => figuresOf(style, some, false)),
  ];
  return { figures, notes: [NOTE] };
}

const NOTE =
  '"leak" is the share of frames in which a banner\'s text can be read, of those in which a line of it can (the corpus says which) and not all of those lines are hidden; each frame is hidden as the pipeline does, by its own regions and by the next frame\'s where these reach back. "late" counts readable frames before the first hidden one of a banner. "area" is all that is hidden from a banner\'s first frame to the next banner\'s, holding included, by the visible area of the banner. A false alarm is a run of hidden frames with no banner within a second of its beginning; "per hour" is of the videos without banners.';

async function measureAll(
  paths: readonly string[],
  limit: number,
  makeKernels: () => Kernels,
  progress: (text: string) => void,
): Promise<ClipQuality[]> {
  const results: ClipQuality[] = [];
  for (const path of paths.slice(0, limit)) {
    const detector = createDetector({ kernels: makeKernels(), style: "any", zones: [], startsCovered: false });
    const result = await measureClip(path, detector);
    results.push(result);
    const leaked = result.banners.reduce((sum, { leakedFrames }) => sum + leakedFrames.length, 0);
    progress(
      `${path}: ${result.banners.length} banners, ${leaked} leaked frames, ${result.falseAlarms.length} false alarms`,
    );
  }
  return results;
}

function figuresOf(peer: string, banners: readonly BannerQuality[], isJudged: boolean): Figure[] {
  const sum = (count: (banner: BannerQuality) => number): number =>
    banners.reduce((all, banner) => all + count(banner), 0);
  const readable = sum(({ readableCount }) => readableCount);
  const leaked = sum(({ leakedFrames }) => leakedFrames.length);
  const area = sum(({ hiddenArea }) => hiddenArea) / sum(({ visibleArea }) => visibleArea);
  const late = banners.map(({ lateCount }) => lateCount);
  const leak = (100 * leaked) / Math.max(1, readable);
  return [
    isJudged ? limitedFigure(peer, "leak", leak, "%", LEAK_LIMIT_PERCENT) : plainFigure(peer, "leak", leak, "%"),
    isJudged ? limitedFigure(peer, "area", area, "1", AREA_LIMIT) : plainFigure(peer, "area", area, "1"),
    plainFigure(peer, "late-mean", late.reduce((a, b) => a + b, 0) / Math.max(1, late.length), "frames"),
    plainFigure(peer, "banners", banners.length, "1"),
    plainFigure(peer, "banners-leaking", banners.filter(({ leakedFrames }) => leakedFrames.length > 0).length, "1"),
    ...(isJudged
      ? [
          plainFigure(peer, "late-p95", percentile(late, 0.95), "frames"),
          plainFigure(peer, "readable", readable, "frames"),
        ]
      : []),
  ];
}

function falseAlarmFigures(withBanners: readonly ClipQuality[], without: readonly ClipQuality[]): Figure[] {
  const hours = without.reduce((sum, { seconds }) => sum + seconds, 0) / 3600;
  const alarms = without.reduce((sum, { falseAlarms }) => sum + falseAlarms.length, 0);
  const beside = withBanners.reduce((sum, { falseAlarms }) => sum + falseAlarms.length, 0);
  return [
    limitedFigure("all", "false-alarms", alarms / hours, "per hour", FALSE_ALARM_LIMIT),
    plainFigure("all", "hours-without-banners", hours, "h"),
    plainFigure("all", "false-alarms-beside-banners", beside, "1"),
  ];
}
