import { residentMb } from "../src/process-sample.ts";
import { comparedFigure, type Figure, plainFigure, type Scenario } from "../src/scenario.ts";
import { diskUsage, indexUsage } from "./disk-usage.ts";
import { histogramOf } from "./load/histogram.ts";
import { type LoadPlan, storingPlan } from "./load/load-plan.ts";
import { runPlan } from "./load/run-plan.ts";
import { type ObjectsServer, withObjects } from "./servers/kagami.ts";
import { createBucket } from "./servers/requests.ts";

const BUCKET = "many";
const SIZE = "1KB";
/** Well under what the server can do, so that what is measured is not its queue. */
const GETS_PER_SECOND = 300;

/** What was found with so many objects in the store. */
interface Fill {
  readonly count: number;
  readonly rssMb: number;
  readonly indexBytes: number;
  readonly diskBytes: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly putsPerSecond: number;
}

/** How index, memory and latency grow with the number of objects. */
export const many: Scenario = {
  name: "many",
  summary:
    "10 million objects of 1 KB (--objects N): index and memory for each, GET p99 beside that at a tenth of them",
  run: ({ isSmoke, settings, progress }) =>
    withObjects({}, async (server) => {
      const most = Number(settings.flags?.objects ?? (isSmoke ? 1_000 : 10_000_000));
      const seconds = settings.seconds ?? (isSmoke ? 0.5 : 30);
      await createBucket(server, BUCKET);
      const empty = residentMb(server.pids[0] ?? 0);
      const fills: Fill[] = [];
      let stored = 0;
      for (const count of [Math.ceil(most / 10), most]) {
        fills.push(await fill(server, { from: stored, count, seconds }, progress));
        stored = count;
      }
      return { figures: fills.flatMap((found) => figuresOf(found, empty, fills[0] as Fill)) };
    }),
};

async function fill(
  server: ObjectsServer,
  { from, count, seconds }: { readonly from: number; readonly count: number; readonly seconds: number },
  progress: (text: string) => void,
): Promise<Fill> {
  const store = storingPlan(server, BUCKET, SIZE, count, from);
  const startedAtMs = performance.now();
  await runPlan(store, progress);
  const putsPerSecond = ((count - from) * 1_000) / (performance.now() - startedAtMs);
  const gets: LoadPlan = {
    ...store,
    loop: "open",
    entries: [{ operation: "get", size: SIZE, perSecond: GETS_PER_SECOND, weight: 1 }],
    prepares: false,
    warmUpMs: seconds * 200,
    durationMs: seconds * 1_000,
  };
  const { entries } = await runPlan(gets, progress);
  const latency = histogramOf(entries[0]?.latency ?? []);
  const errors = Object.entries(entries[0]?.errors ?? {});
  if (errors.length > 0) throw new Error(`Reads failed with ${count} objects: ${JSON.stringify(errors)}`);
  progress(`${count} objects: p99 ${(latency.percentile(0.99) / 1_000).toFixed(2)} ms`);
  return {
    count,
    rssMb: residentMb(server.pids[0] ?? 0),
    indexBytes: await indexUsage(server.data),
    diskBytes: await diskUsage(server.data),
    p50Us: latency.percentile(0.5),
    p99Us: latency.percentile(0.99),
    putsPerSecond,
  };
}

function figuresOf(found: Fill, emptyMb: number, first: Fill): Figure[] {
  const at = `at-${found.count}`;
  const perObject = (bytes: number) => bytes / found.count;
  const isFirst = found === first;
  const ratio = isFirst ? null : found.p99Us / first.p99Us;
  return [
    plainFigure("kagami", `put-rate-${at}`, found.putsPerSecond, "1/s"),
    plainFigure("kagami", `index-per-object-${at}`, perObject(found.indexBytes), "B"),
    plainFigure("kagami", `disk-per-object-${at}`, perObject(found.diskBytes), "B"),
    plainFigure("kagami", `memory-per-object-${at}`, perObject((found.rssMb - emptyMb) * 1e6), "B"),
    plainFigure("kagami", `rss-${at}`, found.rssMb, "MB"),
    plainFigure("kagami", `get-p50-${at}`, found.p50Us / 1_000, "ms"),
    comparedFigure("kagami", `get-p99-${at}`, found.p99Us / 1_000, "ms", ratio, isFirst ? undefined : 2),
  ];
}
