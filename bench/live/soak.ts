import { pause } from "../src/process-sample.ts";
import {
  type Figure,
  limitedFigure,
  plainFigure,
  type Scenario,
  type ScenarioContext,
  type ScenarioOutcome,
} from "../src/scenario.ts";
import { slope } from "../src/statistics.ts";
import { type LoadProcess, withLoad } from "./load/load-process.ts";
import { encodeMedia, SMOKE_MEDIA } from "./load/media.ts";
import type { ViewerKind } from "./load/viewer.ts";
import { type KagamiServer, startKagami } from "./servers/kagami.ts";

/** Thousands of comings and goings: does anything stay behind? */
export const soak: Scenario = {
  name: "soak",
  summary: "Over 3,000 publishers and viewers come and go: slope of the heap after garbage collection and of memory",
  run,
};

interface SoakPlan {
  readonly cycles: number;
  readonly watchMs: number;
  readonly sampleEvery: number;
  /** Cycles before the samples that count: broadcasts that have ended are kept for a while, so memory rises first. */
  readonly warmUpCycles: number;
}

interface SoakSample {
  readonly comings: number;
  readonly cycle: number;
  readonly heapMb: number;
  readonly externalMb: number;
  readonly rssMb: number;
}

const VIEWERS: readonly { readonly kind: ViewerKind; readonly count: number }[] = [
  { kind: "ws", count: 8 },
  { kind: "rtmp", count: 8 },
  { kind: "flv", count: 4 },
];
const COMINGS_PER_CYCLE = 1 + VIEWERS.reduce((sum, { count }) => sum + count, 0);
/** Less than 1 kB for each that came and went is not told from noise by some thousands of them. */
const HEAP_SLOPE_LIMIT_MB = 1;

async function run({ isSmoke, settings, progress }: ScenarioContext): Promise<ScenarioOutcome> {
  const cycles = settings.rounds ?? (isSmoke ? 6 : 300);
  const plan: SoakPlan = isSmoke
    ? { cycles, watchMs: 30, sampleEvery: 1, warmUpCycles: 2 }
    : { cycles, watchMs: 150, sampleEvery: 10, warmUpCycles: Math.round(cycles / 2) };
  // With grace 0 a broadcast ends with its publisher; it is kept for 30 s all the same.
  const server = await startKagami({ args: ["--grace-ms", "0"] });
  try {
    const samples = await withLoad(1, (load) => {
      if (!load) throw new Error("There is no load");
      return runCycles(server, load, plan, progress);
    });
    return { figures: figuresOf(samples, plan), notes: notesOf(plan) };
  } finally {
    await server.stop();
  }
}

async function runCycles(
  server: KagamiServer,
  load: LoadProcess,
  plan: SoakPlan,
  progress: (text: string) => void,
): Promise<SoakSample[]> {
  const samples: SoakSample[] = [];
  const mediaPath = await encodeMedia(SMOKE_MEDIA);
  for (let cycle = 1; cycle <= plan.cycles; cycle++) {
    const name = `soak${cycle}`;
    await load.call("publish", { id: name, port: server.rtmpPort, key: name, mediaPath, fps: SMOKE_MEDIA.fps });
    await pause(plan.watchMs);
    for (const { kind, count } of VIEWERS) {
      const port = kind === "rtmp" ? server.rtmpPort : server.httpPort;
      await load.call("open", { group: kind, kind, port, name, isSampled: false, count });
    }
    await pause(plan.watchMs);
    for (const { kind } of VIEWERS) await load.call("close", { group: kind });
    // Every third publisher is cut off instead of saying goodbye.
    await load.call("unpublish", { id: name, isKilled: cycle % 3 === 0 });
    if (cycle % plan.sampleEvery !== 0) continue;
    const { heapUsed, external, arrayBuffers, rss } = await server.collectGarbage();
    const comings = cycle * COMINGS_PER_CYCLE;
    const externalMb = (external + arrayBuffers) / 1e6;
    samples.push({ cycle, comings, heapMb: heapUsed / 1e6, externalMb, rssMb: rss / 1e6 });
    if (cycle % (plan.sampleEvery * 5) === 0) {
      progress(
        `${comings} have come and gone: heap ${(heapUsed / 1e6).toFixed(1)} MB, RSS ${(rss / 1e6).toFixed(0)} MB`,
      );
    }
  }
  return samples;
}

function figuresOf(samples: readonly SoakSample[], { cycles, warmUpCycles }: SoakPlan): Figure[] {
  const steady = samples.filter(({ cycle }) => cycle > warmUpCycles);
  const perThousand = (pick: (sample: SoakSample) => number) =>
    1000 * slope(steady.map((sample) => ({ x: sample.comings, y: pick(sample) })));
  const last = samples.at(-1);
  return [
    plainFigure("kagami", "comings-and-goings", cycles * COMINGS_PER_CYCLE, "1"),
    limitedFigure(
      "kagami",
      "heap-slope",
      perThousand(({ heapMb }) => heapMb),
      "MB/1000",
      HEAP_SLOPE_LIMIT_MB,
    ),
    plainFigure(
      "kagami",
      "external-slope",
      perThousand(({ externalMb }) => externalMb),
      "MB/1000",
    ),
    plainFigure(
      "kagami",
      "rss-slope",
      perThousand(({ rssMb }) => rssMb),
      "MB/1000",
    ),
    plainFigure("kagami", "heap-last", last?.heapMb ?? Number.NaN, "MB"),
    plainFigure("kagami", "rss-last", last?.rssMb ?? Number.NaN, "MB"),
  ];
}

function notesOf({ cycles, warmUpCycles }: SoakPlan): string[] {
  const viewers = VIEWERS.map(({ kind, count }) => `${count} ${kind}`).join(", ");
  return [
    `${cycles} broadcasts, each of its own name with ${viewers} viewers, come and go; every third publisher is cut off. Slopes are least-squares lines through samples after a forced garbage collection, of the cycles after ${warmUpCycles}; before, broadcasts that have ended and are kept for 30 s add up.`,
  ];
}
