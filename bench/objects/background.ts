import { eventually } from "@kagami/testkit";
import { type Figure, plainFigure, type Scenario } from "../src/scenario.ts";
import { median } from "../src/statistics.ts";
import { besideQuiet, FOREGROUND_SIZE, foreground, type PhasePair, phaseText } from "./foreground.ts";
import { type LoadPlan, storingPlan } from "./load/load-plan.ts";
import { runPlan } from "./load/run-plan.ts";
import { askAdmin, type ObjectsServer, withObjects } from "./servers/kagami.ts";
import { createBucket } from "./servers/requests.ts";

const BUCKET = "background";
/** Share of the objects that are written again at random: some more than half of a volume is then dead, the rest must be copied. */
const REWRITES = 0.8;
/** What the server compacts by itself: sealed volumes with so much of them dead. */
const DEAD_PART = 0.5;
/** Compaction has its full rate again a quarter of a minute after a load, and needs about as long for what a round leaves. */
const CALM = { timeoutMs: 120_000, intervalMs: 500, what: "The compaction of what was half dead" };

interface Round extends PhasePair {
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
      const store = storingPlan(server, BUCKET, FOREGROUND_SIZE, count);
      await runPlan(store, progress);
      const rounds: Round[] = [];
      for (let round = 0; round < (settings.rounds ?? (isSmoke ? 1 : 5)); round++) {
        // If something were left, the quiet time would be none.
        await eventually(() => isCompacted(server), CALM);
        const quiet = await foreground(store, seconds, round);
        await rewrite(store, Math.ceil(count * REWRITES), round);
        const before = await deadBytes(server);
        const busy = await foreground(store, seconds, round + 100);
        const freedBytes = before - (await deadBytes(server));
        rounds.push({ quiet, busy, freedBytes });
        progress(
          `quiet ${phaseText(quiet)}; busy ${phaseText(busy)}; ${(freedBytes / 1e6).toFixed(0)} MB of dead bytes gone`,
        );
      }
      return { figures: figuresOf(rounds) };
    }),
};

/** Writes so many of the objects again, chosen at random. */
async function rewrite(store: LoadPlan, count: number, seed: number): Promise<void> {
  const perSecond = 2_000;
  const entries = [{ operation: "put" as const, size: FOREGROUND_SIZE, perSecond, weight: 1 }];
  const durationMs = (count * 1_000) / perSecond;
  await runPlan({ ...store, loop: "open", entries, prepares: false, durationMs, seed: seed + 50 }, () => undefined);
}

/** Whether nothing of the round before is left to compact. */
async function isCompacted(server: ObjectsServer): Promise<boolean> {
  const sealed = await sealedVolumes(server);
  return sealed.every(({ deadBytes, sizeBytes }) => deadBytes < DEAD_PART * sizeBytes);
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
async function sealedVolumes(server: ObjectsServer): Promise<readonly SealedVolume[]> {
  const volumes = await askAdmin<readonly (SealedVolume & { readonly isSealed: boolean })[]>(server, "volumes");
  return volumes.filter(({ isSealed }) => isSealed);
}

function figuresOf(rounds: readonly Round[]): Figure[] {
  const middle = (pick: (round: Round) => number) => median(rounds.map(pick));
  const freedMb = middle(({ freedBytes }) => freedBytes) / 1e6;
  return [
    // Without it the comparison would be one of quiet times with quiet times.
    { ...plainFigure("kagami", "dead-bytes-gone", freedMb, "MB"), bar: "> 0 MB", pass: freedMb > 0 },
    ...besideQuiet(rounds, "compacting"),
  ];
}
