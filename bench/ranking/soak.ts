import { join } from "node:path";
import { pause, residentMb } from "../src/process-sample.ts";
import { type Figure, limitedFigure, plainFigure, type Scenario, type ScenarioOutcome } from "../src/scenario.ts";
import { median, percentile } from "../src/statistics.ts";
import { type Contender, startKagami, withClient } from "./contenders.ts";
import { usedBytesOf } from "./memory.ts";
import { SoakLoad } from "./soak-load.ts";

const GROWTH_LIMIT = 1.05;
const P99_LIMIT = 1.2;
/** What an empty store may still call used: its tables of the smallest size. */
const EMPTY_LIMIT_BYTES = 65_536;
/**
 * What the process may take more after FLUSHALL than before the first command. It is not the store's: code that was
 * compiled meanwhile, buffers of connections, JavaScript's own heap, which gives back little and late; two segments of
 * the store, which it keeps for the next need, are 32 MB of it.
 */
const RSS_LEFT_LIMIT_MB = 96;
/** How long the process may take to give memory back. */
const SETTLE_MS = 15_000;
/** In a long run the first five minutes warm up, in a short one a third of the time. */
const WARM_UP_SECONDS = 300;
/** The time at the beginning and at the end that is compared, and how long the pieces are of which none may be larger. */
const WINDOW_SECONDS = 60;
const PIECE_SECONDS = 10;
/** Writes after which the data are as many as they get; they come before the time is taken. */
const FILL_WRITES = 200_000;
const SEED = 4_711;

interface Sample {
  /** Since the store was filled. */
  readonly atSeconds: number;
  readonly rssMb: number;
  readonly usedMb: number;
  readonly latenciesMs: readonly number[];
  readonly writes: number;
}

/** Memory under long-continued writes. `--only leaky` runs a build that leaks on purpose, which the same checks find. */
export const soak: Scenario = {
  name: "soak",
  summary: "Mixed writes at full speed: memory stays flat and goes back, p99 stays (--only leaky: a leaky build fails)",
  run: async ({ isSmoke, settings, progress }): Promise<ScenarioOutcome> => {
    const seconds = settings.seconds ?? (isSmoke ? 4 : 1_800);
    const isLeaky = settings.only?.includes("leaky") ?? false;
    const preload = join(import.meta.dirname, "leaky-heap.ts");
    const args = ["--persistence", "none"];
    const server = await startKagami({ args, ...(isLeaky ? { preload } : {}) });
    try {
      await withClient(server, (client) => client.ask("PING"));
      const startMb = residentMb(server.pid);
      const samples = await runSoak(server, seconds, progress);
      await withClient(server, (client) => client.ask("FLUSHALL"));
      const usedLeftBytes = await settled(() => usedBytesOf(server), EMPTY_LIMIT_BYTES);
      const rssLeftMb = (await settled(() => residentMb(server.pid), startMb + RSS_LEFT_LIMIT_MB / 2)) - startMb;
      progress(`RSS ${startMb.toFixed(0)} MB before, ${(startMb + rssLeftMb).toFixed(0)} MB after FLUSHALL`);
      const peer = isLeaky ? "kagami-leaky" : "kagami";
      return { figures: figuresOf(peer, samples, { usedLeftBytes, rssLeftMb }), notes: notesOf(seconds) };
    } finally {
      await server.stop();
    }
  },
};

async function runSoak(server: Contender, seconds: number, progress: (text: string) => void): Promise<Sample[]> {
  const samples: Sample[] = [];
  const load = await SoakLoad.start(server, SEED);
  const sampleMs = Math.min(1_000, (seconds * 1_000) / 60);
  try {
    for (let writes = 0; writes < FILL_WRITES; writes += load.take().writes) await pause(100);
    const startedMs = performance.now();
    for (let atSeconds = 0, shown = 0; atSeconds < seconds; ) {
      await pause(sampleMs);
      const usedMb = (await usedBytesOf(server)) / 1e6;
      atSeconds = (performance.now() - startedMs) / 1_000;
      samples.push({ atSeconds, rssMb: residentMb(server.pid), usedMb, ...load.take() });
      if (atSeconds < ((shown + 1) * seconds) / 30) continue;
      shown++;
      progress(describe(samples.slice(-Math.ceil(samples.length / shown))));
    }
  } finally {
    await load.stop();
  }
  return samples;
}

function describe(samples: readonly Sample[]): string {
  const last = samples.at(-1) as Sample;
  const writes = samples.reduce((sum, sample) => sum + sample.writes, 0);
  const p99Ms = p99Of(samples).toFixed(1);
  return `RSS ${last.rssMb.toFixed(0)} MB, used ${last.usedMb.toFixed(1)} MB, p99 ${p99Ms} ms, ${writes} writes`;
}

/** A figure that falls after FLUSHALL, once it is low enough or time is over: what is deleted is given back in pieces. */
async function settled(measure: () => number | Promise<number>, enough: number): Promise<number> {
  const endMs = performance.now() + SETTLE_MS;
  for (;;) {
    const value = await measure();
    if (value <= enough || performance.now() > endMs) return value;
    await pause(300);
  }
}

interface Left {
  readonly usedLeftBytes: number;
  readonly rssLeftMb: number;
}

function figuresOf(peer: string, samples: readonly Sample[], { usedLeftBytes, rssLeftMb }: Left): Figure[] {
  const { warmUp, window } = timesOf(samples.at(-1)?.atSeconds ?? 0);
  const steady = samples.filter(({ atSeconds }) => atSeconds > warmUp);
  const end = steady.at(-1)?.atSeconds ?? 0;
  const first = steady.filter(({ atSeconds }) => atSeconds <= warmUp + window);
  const last = steady.filter(({ atSeconds }) => atSeconds > end - window);
  const rss = ({ rssMb }: Sample): number => rssMb;
  const used = ({ usedMb }: Sample): number => usedMb;
  const pieceSeconds = Math.min(PIECE_SECONDS, window / 2);
  const rssGrowth = largestPiece(steady, pieceSeconds, rss) / median(first.map(rss));
  const usedGrowth = median(last.map(used)) / median(first.map(used));
  const writes = samples.reduce((sum, sample) => sum + sample.writes, 0);
  const p99 = p99Of(last) / p99Of(first);
  return [
    plainFigure(peer, "writes", writes, "1"),
    plainFigure(peer, "rss-last", samples.at(-1)?.rssMb ?? Number.NaN, "MB"),
    plainFigure(peer, "p99-last", p99Of(last), "ms"),
    limitedFigure(peer, "rss-growth", rssGrowth, "1", GROWTH_LIMIT),
    limitedFigure(peer, "used-growth", usedGrowth, "1", GROWTH_LIMIT),
    limitedFigure(peer, "used-after-flushall", usedLeftBytes, "bytes", EMPTY_LIMIT_BYTES),
    limitedFigure(peer, "rss-after-flushall", Math.max(0, rssLeftMb), "MB", RSS_LEFT_LIMIT_MB),
    limitedFigure(peer, "p99-growth", p99, "1", P99_LIMIT),
  ];
}

function timesOf(seconds: number): { readonly warmUp: number; readonly window: number } {
  const warmUp = Math.min(WARM_UP_SECONDS, seconds / 3);
  return { warmUp, window: Math.min(WINDOW_SECONDS, (seconds - warmUp) / 3) };
}

function p99Of(samples: readonly Sample[]): number {
  return percentile(
    samples.flatMap(({ latenciesMs }) => latenciesMs),
    0.99,
  );
}

/** The largest of the medians of pieces that are so long: a peak that a single sample met counts little. */
function largestPiece(samples: readonly Sample[], pieceSeconds: number, pick: (sample: Sample) => number): number {
  const pieces = new Map<number, number[]>();
  for (const sample of samples) {
    const piece = Math.floor(sample.atSeconds / pieceSeconds);
    pieces.set(piece, [...(pieces.get(piece) ?? []), pick(sample)]);
  }
  return Math.max(...[...pieces.values()].map(median));
}

function notesOf(seconds: number): string[] {
  const { warmUp, window } = timesOf(seconds);
  const one = (value: number): string => value.toFixed(value < 10 ? 1 : 0);
  return [
    `${seconds} s of writes, of which ${one(warmUp)} s warm up; growth of RSS: the largest median of ` +
      `${one(Math.min(PIECE_SECONDS, window / 2))} s until the end over that of the first ${one(window)} s after the warm-up; ` +
      `of used memory and p99: the last ${one(window)} s over these`,
    "rss-after-flushall is what the process takes more than before the first command",
  ];
}
