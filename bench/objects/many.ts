import { mkdir, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { residentMb } from "../src/process-sample.ts";
import { comparedFigure, type Figure, plainFigure, type Scenario, type ScenarioContext } from "../src/scenario.ts";
import { median } from "../src/statistics.ts";
import { diskUsage, indexUsage } from "./disk-usage.ts";
import { histogramOf } from "./load/histogram.ts";
import { storingPlan } from "./load/load-plan.ts";
import { runPlan } from "./load/run-plan.ts";
import { type ObjectsServer, startObjects, withObjects } from "./servers/kagami.ts";
import { createBucket } from "./servers/requests.ts";

const BUCKET = "many";
const SIZE = "1KB";
/** Well under what the server can do, so that what is measured is not its queue. */
const GETS_PER_SECOND = 300;
/** Requests of a load process that has just begun measure its own start. */
const WARM_UP_MS = 1_000;
const LIMIT = 2;
/** Beside the directory of a store: it holds all that it should. */
const FILLED = ".filled";

/** A store that is full, and its server. */
interface FullStore {
  readonly server: ObjectsServer;
  readonly count: number;
  /** Of the server before the first object; of a store that is opened again too, for it says what a server costs. */
  readonly emptyMb: number;
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
      stores.push({ server: await startObjects({ data: join(root, String(count)) }), count, emptyMb });
    }
    const rounds: Latency[][] = [];
    for (let round = 0; round < (settings.rounds ?? (isSmoke ? 1 : 5)); round++) {
      rounds.push([]);
      for (const store of stores)
        rounds.at(-1)?.push(await gets(store, settings.seconds ?? (isSmoke ? 0.5 : 20), round));
      progress(
        `p99 ${rounds
          .at(-1)
          ?.map(({ p99Us }) => (p99Us / 1_000).toFixed(2))
          .join(" and ")} ms`,
      );
    }
    const ratio = median(rounds.map(([few, all]) => (all?.p99Us ?? Number.NaN) / (few?.p99Us ?? Number.NaN)));
    const figures: Figure[] = [];
    for (const [i, store] of stores.entries()) {
      figures.push(
        ...(await sizesOf(store)),
        ...latenciesOf(
          store,
          rounds.flatMap((round) => round[i] ?? []),
          i === 1 ? ratio : null,
        ),
      );
    }
    return [...puts, ...figures];
  } finally {
    for (const { server } of stores) await server.stop();
  }
}

/** Stores the objects, unless they are there from an earlier run. */
async function fill(data: string, count: number, progress: (text: string) => void): Promise<Figure[]> {
  if (await stat(data + FILLED).catch(() => undefined)) return [];
  await rm(data, { recursive: true, force: true });
  await mkdir(data, { recursive: true });
  return await withObjects({ data }, async (server) => {
    await createBucket(server, BUCKET);
    const startedAtMs = performance.now();
    await runPlan(storingPlan(server, BUCKET, SIZE, count), progress);
    const perSecond = (count * 1_000) / (performance.now() - startedAtMs);
    await writeFile(data + FILLED, "");
    return [
      plainFigure("kagami", `put-rate-to-${count}`, perSecond, "1/s"),
      plainFigure("kagami", `rss-filled-${count}`, residentMb(server.pids[0] ?? 0), "MB"),
    ];
  });
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

async function sizesOf({ server, count, emptyMb }: FullStore): Promise<Figure[]> {
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
  return [
    plainFigure(
      "kagami",
      `get-p50-at-${count}`,
      middle(({ p50Us }) => p50Us),
      "ms",
    ),
    comparedFigure(
      "kagami",
      `get-p99-at-${count}`,
      middle(({ p99Us }) => p99Us),
      "ms",
      ratio,
      ratio === null ? undefined : LIMIT,
    ),
  ];
}
