import { request } from "undici";
import { pause } from "../src/process-sample.ts";
import { type Figure, plainFigure, type Scenario } from "../src/scenario.ts";
import { median } from "../src/statistics.ts";
import { histogramOf } from "./load/histogram.ts";
import { type LoadPlan, storingPlan } from "./load/load-plan.ts";
import { runPlan } from "./load/run-plan.ts";
import { type ObjectsServer, withObjects } from "./servers/kagami.ts";
import { createBucket } from "./servers/requests.ts";

const BUCKET = "background";
const SIZE = "10KB";
const RATES = { get: 300, put: 50 };
/** Share of the objects that are written again at random: some more than half of a volume is then dead, the rest must be copied. */
const REWRITES = 0.8;
const LIMIT = 1.5;
/** What the server compacts by itself: sealed volumes with so much of them dead. */
const DEAD_PART = 0.5;
/** Compaction has its full rate again a quarter of a minute after a load, and needs about as long for what a round leaves. */
const CALM_LIMIT_MS = 120_000;
/** Requests of a load process that has just begun measure its own start. */
const WARM_UP_MS = 1_000;

interface Phase {
  readonly getP99Ms: number;
  readonly putP99Ms: number;
  /** How late the load itself once was. It counts as the server's time: where it is not small beside the p99, that is the machine's. */
  readonly loadLateMs: number;
}

interface Round {
  readonly quiet: Phase;
  readonly busy: Phase;
  /** By how much the dead bytes of sealed volumes shrank while it was busy. */
  readonly freedBytes: number;
}

/** Latency in the foreground while the server compacts. */
export const background: Scenario = {
  name: "background",
  summary: "GET and PUT p99 at exact rates while volumes that are half dead are compacted, beside quiet times",
  run: ({ isSmoke, settings, progress }) =>
    withObjects({ args: ["--volume-bytes", String((isSmoke ? 1 : 16) << 20)] }, async (server) => {
      const count = isSmoke ? 300 : 20_000;
      const seconds = settings.seconds ?? (isSmoke ? 0.5 : 20);
      await createBucket(server, BUCKET);
      const store = storingPlan(server, BUCKET, SIZE, count);
      await runPlan(store, progress);
      const rounds: Round[] = [];
      for (let round = 0; round < (settings.rounds ?? (isSmoke ? 1 : 3)); round++) {
        await untilCompacted(server);
        const quiet = await foreground(store, seconds, round);
        await rewrite(store, Math.ceil(count * REWRITES), round);
        const before = await deadBytes(server);
        const busy = await foreground(store, seconds, round + 100);
        const freedBytes = before - (await deadBytes(server));
        rounds.push({ quiet, busy, freedBytes });
        progress(`quiet ${text(quiet)}; busy ${text(busy)}; ${(freedBytes / 1e6).toFixed(0)} MB of dead bytes gone`);
      }
      return { figures: figuresOf(rounds) };
    }),
};

async function foreground(store: LoadPlan, seconds: number, seed: number): Promise<Phase> {
  const entries = (["get", "put"] as const).map((operation) => ({
    operation,
    size: SIZE,
    perSecond: RATES[operation],
    weight: 1,
  }));
  const plan: LoadPlan = {
    ...store,
    loop: "open",
    entries,
    connections: 32,
    prepares: false,
    warmUpMs: WARM_UP_MS,
    durationMs: seconds * 1_000,
    seed: seed + 10,
  };
  const report = await runPlan(plan, () => undefined);
  const [getP99Ms = Number.NaN, putP99Ms = Number.NaN] = report.entries.map(({ name, errors, latency }) => {
    const codes = Object.keys(errors);
    if (codes.length > 0) throw new Error(`${name} failed: ${codes.join(", ")}`);
    return histogramOf(latency).percentile(0.99) / 1_000;
  });
  return { getP99Ms, putP99Ms, loadLateMs: report.latestStartUs / 1_000 };
}

/** Writes so many of the objects again, chosen at random. */
async function rewrite(store: LoadPlan, count: number, seed: number): Promise<void> {
  const perSecond = 2_000;
  const entries = [{ operation: "put" as const, size: SIZE, perSecond, weight: 1 }];
  const durationMs = (count * 1_000) / perSecond;
  await runPlan({ ...store, loop: "open", entries, prepares: false, durationMs, seed: seed + 50 }, () => undefined);
}

/** Waits until nothing of the round before is left to compact: a quiet time would be none. @throws Error after two minutes */
async function untilCompacted(server: ObjectsServer): Promise<void> {
  for (const startMs = performance.now(); performance.now() - startMs < CALM_LIMIT_MS; await pause(500)) {
    const sealed = await sealedVolumes(server);
    if (sealed.every(({ deadBytes, sizeBytes }) => deadBytes < DEAD_PART * sizeBytes)) return;
  }
  throw new Error(`Volumes are still half dead after ${CALM_LIMIT_MS / 1_000} s without requests`);
}

/** Of the volumes that could be compacted. */
async function deadBytes(server: ObjectsServer): Promise<number> {
  return (await sealedVolumes(server)).reduce((sum, volume) => sum + volume.deadBytes, 0);
}

interface SealedVolume {
  readonly deadBytes: number;
  readonly sizeBytes: number;
}

/** As the admin API tells. */
async function sealedVolumes({ admin }: ObjectsServer): Promise<readonly SealedVolume[]> {
  const answer = await request(`http://${admin}/api/volumes`);
  if (answer.statusCode !== 200) throw new Error(`The admin API answered ${answer.statusCode} to GET /api/volumes`);
  const volumes = (await answer.body.json()) as readonly (SealedVolume & { readonly isSealed: boolean })[];
  return volumes.filter(({ isSealed }) => isSealed);
}

function figuresOf(rounds: readonly Round[]): Figure[] {
  const middle = (pick: (round: Round) => number) => median(rounds.map(pick));
  const freedMb = middle(({ freedBytes }) => freedBytes) / 1e6;
  const beside = (name: string, of: (phase: Phase) => number): Figure[] => {
    const ratio = middle(({ quiet, busy }) => of(busy) / of(quiet));
    const busy = plainFigure(
      "kagami",
      `${name}-p99-compacting`,
      middle((round) => of(round.busy)),
      "ms",
    );
    return [
      plainFigure(
        "kagami",
        `${name}-p99-quiet`,
        middle((round) => of(round.quiet)),
        "ms",
      ),
      { ...busy, ratio, bar: `ratio <= ${LIMIT}`, pass: ratio <= LIMIT },
    ];
  };
  return [
    // Without it the comparison would be one of quiet times with quiet times.
    { ...plainFigure("kagami", "dead-bytes-gone", freedMb, "MB"), bar: "> 0 MB", pass: freedMb > 0 },
    ...beside("get", ({ getP99Ms }) => getP99Ms),
    ...beside("put", ({ putP99Ms }) => putP99Ms),
    plainFigure(
      "load",
      "late-quiet",
      middle((round) => round.quiet.loadLateMs),
      "ms",
    ),
    plainFigure(
      "load",
      "late-compacting",
      middle((round) => round.busy.loadLateMs),
      "ms",
    ),
  ];
}

function text({ getP99Ms, putP99Ms, loadLateMs }: Phase): string {
  return `GET ${getP99Ms.toFixed(1)} ms, PUT ${putP99Ms.toFixed(1)} ms (load late up to ${loadLateMs.toFixed(1)} ms)`;
}
