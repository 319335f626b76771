import { mkdir, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { residentMb } from "../src/process-sample.ts";
import { comparedFigure, type Figure, plainFigure, type Scenario, type ScenarioContext } from "../src/scenario.ts";
import { median } from "../src/statistics.ts";
import { diskUsage, indexUsage } from "./disk-usage.ts";
import { fillStore } from "./fill-store.ts";
import { histogramOf } from "./load/histogram.ts";
import { storingPlan, WARM_UP_MS } from "./load/load-plan.ts";
import { runPlan } from "./load/run-plan.ts";
import { type ObjectsServer, startObjects, withObjects } from "./servers/kagami.ts";
import { createBucket } from "./servers/requests.ts";

const BUCKET = "many";
const SIZE = "1KB";
/** Well under what the server can do, so that what is measured is not its queue. */
const GETS_PER_SECOND = 300;
const LIMIT = 2;
/** Beside the directory of a store: it holds all that it should. */
const FILLED = ".filled";

/** A store that is full, and its server. */
interface FullStore {
  readonly server: ObjectsServer;
  readonly count: number;
}

interface Latency {
  readonly p50Us: number;
  readonly p99Us: number;
}

/** How index, memory and latency grow with the number of objects. */
export const many: Scenario = {
  name: "many",
  summary:
    "10 million objects of 1 KB (--objects N): index and memory for each, GET p99 in turns with a store of a tenth",
  run: async (context) => {
    const kept = context.settings.flags?.keep;
    const root = kept ?? (await mkdtemp(join(tmpdir(), "kagami-bench-many-")));
    try {
      return { figures: await compareStores(root, context) };
    } finally {
      if (kept === undefined) await rm(root, { recursive: true, force: true });
    }
  },
};

async function compareStores(root: string, context: ScenarioContext): Promise<Figure[]> {
  const { isSmoke, settings, progress } = context;
  const most = Number(settings.flags?.objects ?? (isSmoke ? 1_000 : 10_000_000));
  const counts = [Math.ceil(most / 10), most];
  const puts: Figure[] = [];
  for (const count of counts) puts.push(...(await fill(join(root, String(count)), count, progress)));
  const emptyMb = await withObjects({}, async (server) => residentMb(server.pids[0] ?? 0));
  const stores: FullStore[] = [];
  try {
    for (const count of counts) {
      stores.push({ server: await startObjects({ data: join(root, String(count)) }), count });
    }
    const latencies = await measureInTurns(stores, context);
    const ratios = latencies[0]?.map(({ p99Us }, round) => (latencies[1]?.[round]?.p99Us ?? Number.NaN) / p99Us) ?? [];
    const figures: Figure[] = [];
    for (const [i, store] of stores.entries()) {
      const ratio = i === 0 ? null : median(ratios);
      figures.push(...(await sizesOf(store, emptyMb)), ...latenciesOf(store, latencies[i] ?? [], ratio));
    }
    return [...puts, ...figures];
  } finally {
    for (const { server } of stores) await server.stop();
  }
}

/** For each store, what was seen in each round. */
async function measureInTurns(stores: readonly FullStore[], context: ScenarioContext): Promise<Latency[][]> {
  const { isSmoke, settings, progress } = context;
  const seconds = settings.seconds ?? (isSmoke ? 0.5 : 20);
  const latencies: Latency[][] = stores.map(() => []);
  for (let round = 0; round < (settings.rounds ?? (isSmoke ? 1 : 5)); round++) {
    for (const [i, store] of stores.entries()) latencies[i]?.push(await gets(store, seconds, round));
    const shown = latencies.map((rounds) => ((rounds.at(-1)?.p99Us ?? Number.NaN) / 1_000).toFixed(2));
    progress(`p99 ${shown.join(" and ")} ms`);
  }
  return latencies;
}

/** Stores the objects, unless they are there from an earlier run. */
async function fill(data: string, count: number, progress: (text: string) => void): Promise<Figure[]> {
  if (await stat(data + FILLED).catch(() => undefined)) return [];
  await rm(data, { recursive: true, force: true });
  await mkdir(data, { recursive: true });
  await withObjects({ data }, async (server) => await createBucket(server, BUCKET));
  const startedAtMs = performance.now();
  await fillStore({ directory: data, bucket: BUCKET, size: SIZE, count }, progress);
  const perSecond = (count * 1_000) / (performance.now() - startedAtMs);
  await writeFile(data + FILLED, "");
  return [plainFigure("kagami", `fill-rate-to-${count}`, perSecond, "1/s")];
}

async function gets({ server, count }: FullStore, seconds: number, round: number): Promise<Latency> {
  const { entries } = await runPlan(
    {
      ...storingPlan(server, BUCKET, SIZE, count),
      loop: "open",
      entries: [{ operation: "get", size: SIZE, perSecond: GETS_PER_SECOND, weight: 1 }],
      prepares: false,
      warmUpMs: WARM_UP_MS,
      durationMs: seconds * 1_000,
      seed: round + 1,
    },
    () => undefined,
  );
  const errors = Object.entries(entries[0]?.errors ?? {});
  if (errors.length > 0) throw new Error(`Reads failed with ${count} objects: ${JSON.stringify(errors)}`);
  const latency = histogramOf(entries[0]?.latency ?? []);
  return { p50Us: latency.percentile(0.5), p99Us: latency.percentile(0.99) };
}

/** @param emptyMb What a server without objects takes. */
async function sizesOf({ server, count }: FullStore, emptyMb: number): Promise<Figure[]> {
  const rssMb = residentMb(server.pids[0] ?? 0);
  const perObject = (bytes: number) => bytes / count;
  return [
    plainFigure("kagami", `index-per-object-at-${count}`, perObject(await indexUsage(server.data)), "B"),
    plainFigure("kagami", `disk-per-object-at-${count}`, perObject(await diskUsage(server.data)), "B"),
    plainFigure("kagami", `memory-per-object-at-${count}`, perObject((rssMb - emptyMb) * 1e6), "B"),
    plainFigure("kagami", `rss-at-${count}`, rssMb, "MB"),
  ];
}

function latenciesOf({ count }: FullStore, rounds: readonly Latency[], ratio: number | null): Figure[] {
  const middle = (pick: (latency: Latency) => number) => median(rounds.map(pick)) / 1_000;
  const p50Ms = middle(({ p50Us }) => p50Us);
  const p99Ms = middle(({ p99Us }) => p99Us);
  const limit = ratio === null ? undefined : LIMIT;
  return [
    plainFigure("kagami", `get-p50-at-${count}`, p50Ms, "ms"),
    comparedFigure("kagami", `get-p99-at-${count}`, p99Ms, "ms", ratio, limit),
  ];
}
