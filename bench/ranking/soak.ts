import { join } from "node:path";
import { pause, residentMb } from "../src/process-sample.ts";
import { type Figure, limitedFigure, plainFigure, type Scenario, type ScenarioOutcome } from "../src/scenario.ts";
import { median, percentile } from "../src/statistics.ts";
import { type Contender, startKagami, withClient } from "./contenders.ts";
import { usedBytesOf } from "./memory.ts";
import { SoakLoad } from "./soak-load.ts";

const RSS_GROWTH_LIMIT = 1.05;
const P99_LIMIT = 1.2;
/** What an empty store may still call used: its tables of the smallest size. */
const EMPTY_LIMIT_BYTES = 65_536;
const SAMPLES = 30;
/** The share of the time that warms up. */
const WARM_UP = 1 / 3;
const SEED = 4_711;

interface Sample {
  readonly rssMb: number;
  readonly usedMb: number;
  readonly p99Ms: number;
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
      const samples = await runSoak(server, seconds, progress);
      await withClient(server, (client) => client.ask("FLUSHALL"));
      const leftBytes = await settledBytes(server);
      return { figures: figuresOf(isLeaky ? "kagami-leaky" : "kagami", samples, leftBytes), notes: notesOf(seconds) };
    } finally {
      await server.stop();
    }
  },
};

async function runSoak(server: Contender, seconds: number, progress: (text: string) => void): Promise<Sample[]> {
  const samples: Sample[] = [];
  const load = await SoakLoad.start(server, SEED);
  try {
    for (let i = 0; i < SAMPLES; i++) {
      await pause((seconds * 1_000) / SAMPLES);
      const { writes, latenciesMs } = load.take();
      const usedMb = (await usedBytesOf(server)) / 1e6;
      samples.push({ rssMb: residentMb(server.pid), usedMb, p99Ms: percentile(latenciesMs, 0.99), writes });
      const { rssMb, p99Ms } = samples[i] as Sample;
      progress(
        `RSS ${rssMb.toFixed(0)} MB, used ${usedMb.toFixed(1)} MB, p99 ${p99Ms.toFixed(1)} ms, ${writes} writes`,
      );
    }
  } finally {
    await load.stop();
  }
  return samples;
}

/** Bytes in use after FLUSHALL: big containers are taken apart in pieces, so it waits until they do not fall any more. */
async function settledBytes(server: Contender): Promise<number> {
  let last = await usedBytesOf(server);
  for (;;) {
    await pause(300);
    const now = await usedBytesOf(server);
    if (now >= last) return now;
    last = now;
  }
}

function figuresOf(peer: string, samples: readonly Sample[], leftBytes: number): Figure[] {
  const steady = samples.slice(Math.floor(samples.length * WARM_UP));
  const part = Math.ceil(steady.length / 4);
  const first = steady.slice(0, part);
  const last = steady.slice(-part);
  const grown = (pick: (sample: Sample) => number) => median(last.map(pick)) / median(first.map(pick));
  const writes = samples.reduce((sum, sample) => sum + sample.writes, 0);
  return [
    plainFigure(peer, "writes", writes, "1"),
    plainFigure(peer, "rss-last", samples.at(-1)?.rssMb ?? Number.NaN, "MB"),
    limitedFigure(
      peer,
      "rss-growth",
      grown(({ rssMb }) => rssMb),
      "1",
      RSS_GROWTH_LIMIT,
    ),
    limitedFigure(
      peer,
      "used-growth",
      grown(({ usedMb }) => usedMb),
      "1",
      RSS_GROWTH_LIMIT,
    ),
    limitedFigure(peer, "used-after-flushall", leftBytes, "bytes", EMPTY_LIMIT_BYTES),
    limitedFigure(
      peer,
      "p99-growth",
      grown(({ p99Ms }) => p99Ms),
      "1",
      P99_LIMIT,
    ),
  ];
}

function notesOf(seconds: number): string[] {
  return [
    `${seconds} s of writes, ${SAMPLES} samples; growth is the median of the last quarter after the warm-up (a third of the time) over that of the first`,
  ];
}
