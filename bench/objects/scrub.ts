import { request } from "undici";
import { pause } from "../src/process-sample.ts";
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
const CALM_LIMIT_MS = 120_000;

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
        const volumes = await askToScrub(server);
        const busy = await foreground(store, seconds, round + 100);
        const scrubbedMb = ((await scrubbed(server)).scrubbedBytes - before.scrubbedBytes) / 1e6;
        await untilScrubbed(server, before.volumesScrubbed + volumes);
        rounds.push({ quiet, busy, scrubbedMb });
        progress(`quiet ${phaseText(quiet)}; scrubbing ${phaseText(busy)}; ${scrubbedMb.toFixed(0)} MB scrubbed`);
      }
      return { figures: figuresOf(rounds) };
    });
  },
};

/** How many volumes there are to look at. */
async function askToScrub({ admin }: ObjectsServer): Promise<number> {
  const headers = { "content-type": "application/json" };
  const answer = await request(`http://${admin}/api/scrub`, { method: "POST", headers, body: "{}" });
  if (answer.statusCode !== 202) throw new Error(`The admin API answered ${answer.statusCode} to POST /api/scrub`);
  return ((await answer.body.json()) as { readonly volumes: number }).volumes;
}

function scrubbed(server: ObjectsServer) {
  return askAdmin<{ readonly scrubbedBytes: number; readonly volumesScrubbed: number }>(server, "maintenance");
}

/** Waits until nothing of the round is left: the next quiet time would be none. @throws Error after two minutes */
async function untilScrubbed(server: ObjectsServer, volumes: number): Promise<void> {
  for (const startMs = performance.now(); performance.now() - startMs < CALM_LIMIT_MS; await pause(200)) {
    if ((await scrubbed(server)).volumesScrubbed >= volumes) return;
  }
  throw new Error(`Volumes are still to be scrubbed after ${CALM_LIMIT_MS / 1_000} s without requests`);
}

function figuresOf(rounds: readonly Round[]): Figure[] {
  const scrubbedMb = median(rounds.map((round) => round.scrubbedMb));
  return [
    // Without it the comparison would be one of quiet times with quiet times.
    { ...plainFigure("kagami", "scrubbed", scrubbedMb, "MB"), bar: "> 0 MB", pass: scrubbedMb > 0 },
    ...besideQuiet(rounds, "scrubbing"),
  ];
}
