import { eventually } from "@kagami/testkit";
import { type Figure, plainFigure, type Scenario } from "../src/scenario.ts";
import { median } from "../src/statistics.ts";
import { besideQuiet, FOREGROUND_SIZE, foreground, type PhasePair, phaseText } from "./foreground.ts";
import { storingPlan } from "./load/load-plan.ts";
import { runPlan } from "./load/run-plan.ts";
import { askAdmin, type ObjectsServer, withObjects } from "./servers/kagami.ts";
import { createBucket } from "./servers/requests.ts";

const BUCKET = "scrub";
const OBJECT_BYTES = 10_000;
/** What maintenance may read each second: the default. */
const BUDGET_BYTES = 32 << 20;
/** The scrub begins before the clients are measured, and is to end after them. */
const SPARE_SECONDS = 4;
const CALM = { timeoutMs: 120_000, intervalMs: 200, what: "The scrub of all volumes" };

interface Round extends PhasePair {
  /** Of volumes that were done while it was busy. */
  readonly scrubbedMb: number;
}

/** Latency in the foreground while the server reads all that it has and checks it. */
export const scrub: Scenario = {
  name: "scrub",
  summary: "GET and PUT p99 at exact rates while all volumes are scrubbed, beside quiet times",
  run: ({ isSmoke, settings, progress }) => {
    const volumeBytes = (isSmoke ? 1 : 64) << 20;
    return withObjects({ args: ["--volume-bytes", String(volumeBytes)] }, async (server) => {
      const seconds = settings.seconds ?? (isSmoke ? 2 : 10);
      const count = isSmoke ? 500 : Math.ceil(((seconds + SPARE_SECONDS) * BUDGET_BYTES) / OBJECT_BYTES);
      await createBucket(server, BUCKET);
      const store = storingPlan(server, BUCKET, FOREGROUND_SIZE, count);
      await runPlan(store, progress);
      const rounds: Round[] = [];
      for (let round = 0; round < (settings.rounds ?? (isSmoke ? 1 : 5)); round++) {
        const quiet = await foreground(store, seconds, round);
        const before = await scrubbed(server);
        const { volumes } = await askAdmin<{ readonly volumes: number }>(server, "scrub", { method: "POST", body: {} });
        const busy = await foreground(store, seconds, round + 100);
        const scrubbedMb = ((await scrubbed(server)).scrubbedBytes - before.scrubbedBytes) / 1e6;
        // If something of it were left, the next quiet time would be none.
        await eventually(
          async () => (await scrubbed(server)).volumesScrubbed >= before.volumesScrubbed + volumes,
          CALM,
        );
        rounds.push({ quiet, busy, scrubbedMb });
        progress(`quiet ${phaseText(quiet)}; scrubbing ${phaseText(busy)}; ${scrubbedMb.toFixed(0)} MB scrubbed`);
      }
      return { figures: figuresOf(rounds) };
    });
  },
};

function scrubbed(server: ObjectsServer) {
  return askAdmin<{ readonly scrubbedBytes: number; readonly volumesScrubbed: number }>(server, "maintenance");
}

function figuresOf(rounds: readonly Round[]): Figure[] {
  const scrubbedMb = median(rounds.map((round) => round.scrubbedMb));
  return [
    // Without it the comparison would be one of quiet times with quiet times.
    { ...plainFigure("kagami", "scrubbed", scrubbedMb, "MB"), bar: "> 0 MB", pass: scrubbedMb > 0 },
    ...besideQuiet(rounds, "scrubbing"),
  ];
}
