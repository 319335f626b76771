import { readdirSync } from "node:fs";
import { constants, setPriority } from "node:os";
import { eventually } from "@kagami/testkit";
import { cpuMs } from "../src/process-sample.ts";
import { type Figure, limitedFigure, plainFigure, type Scenario } from "../src/scenario.ts";
import { median } from "../src/statistics.ts";
import { besideQuiet, FOREGROUND_SIZE, foreground, type PhasePair, phaseText } from "./foreground.ts";
import { type LoadPlan, storingPlan } from "./load/load-plan.ts";
import { runPlan } from "./load/run-plan.ts";
import { askAdmin, type ObjectsServer, startObjects, withObjects } from "./servers/kagami.ts";
import { createBucket } from "./servers/requests.ts";

const BUCKET = "catch-up";
const OBJECT_BYTES = 10_000;
/** What both sides may read and write each second: the default. */
const BUDGET_BYTES = 32 << 20;
const SMOKE_BUDGET_BYTES = 1 << 20;
/** The replica copies from its start on, the clients measure a little later and warm up. */
const SPARE_SECONDS = 3;
/** What was sent is looked at so often; the budget may be exceeded by what fits into a sixteenth of a second. */
const BUDGET_SLACK = 1.1;
const COMING = { timeoutMs: 30_000, intervalMs: 20, what: "The connection of the replica" };

interface Round extends PhasePair {
  /** While the clients were measured. */
  readonly megabytesPerSecond: number;
  readonly sourceCpuMsPerMb: number;
  readonly replicaCpuMsPerMb: number;
  /** What the replica did not have at the end of that time. */
  readonly behindMb: number;
}

interface ReplicaView {
  readonly isConnected: boolean;
  readonly sentBytes: number;
  readonly lag: { readonly bytes: number } | null;
}

/** Latency in the foreground while a replica copies the store from nothing. */
export const catchUp: Scenario = {
  name: "catch-up",
  summary: "GET and PUT p99 at exact rates while a replica in another process copies the store, beside quiet times",
  run: ({ isSmoke, settings, progress }) => {
    const budgetBytes = isSmoke ? SMOKE_BUDGET_BYTES : BUDGET_BYTES;
    // The short form shows that a replica copies, also on a machine that is too busy for clients and it.
    const patience = isSmoke ? ["--maintenance-target-p99-ms", "60000"] : [];
    const args = ["--maintenance-bytes-per-second", String(budgetBytes), ...patience];
    return withObjects({ args }, async (server) => {
      const seconds = settings.seconds ?? (isSmoke ? 2 : 10);
      // So much that it is still copying when the clients are done.
      const count = Math.ceil(((seconds + SPARE_SECONDS) * budgetBytes) / OBJECT_BYTES);
      await createBucket(server, BUCKET);
      const store = storingPlan(server, BUCKET, FOREGROUND_SIZE, count);
      await runPlan(store, progress);
      const rounds: Round[] = [];
      for (let round = 0; round < (settings.rounds ?? (isSmoke ? 1 : 5)); round++) {
        const measured = await measure(server, { store, args, seconds, round });
        rounds.push(measured);
        const { quiet, busy, megabytesPerSecond, behindMb } = measured;
        const rate = `${megabytesPerSecond.toFixed(1)} MB/s, ${behindMb.toFixed(0)} MB left`;
        progress(`quiet ${phaseText(quiet)}; catching up ${phaseText(busy)}; ${rate}`);
      }
      return { figures: figuresOf(rounds, budgetBytes) };
    });
  },
};

interface RoundPlan {
  readonly store: LoadPlan;
  readonly args: readonly string[];
  readonly seconds: number;
  readonly round: number;
}

/** A quiet time and one with a replica, in turns which of them comes first. */
async function measure(server: ObjectsServer, plan: RoundPlan): Promise<Round> {
  const { store, seconds, round } = plan;
  const calm = async () => {
    const before = totalCpuMs(server);
    const phase = await foreground(store, seconds, round);
    return { phase, cpuMs: totalCpuMs(server) - before };
  };
  const first = round % 2 === 0 ? await calm() : undefined;
  const copying = await besideReplica(server, plan);
  const quiet = first ?? (await calm());
  const { megabytes, elapsedMs, phase, behindMb } = copying;
  return {
    quiet: quiet.phase,
    busy: phase,
    behindMb,
    megabytesPerSecond: (megabytes / elapsedMs) * 1_000,
    sourceCpuMsPerMb: Math.max(0, copying.sourceCpuMs - quiet.cpuMs) / megabytes,
    replicaCpuMsPerMb: copying.replicaCpuMs / megabytes,
  };
}

async function besideReplica(server: ObjectsServer, { store, args, seconds, round }: RoundPlan) {
  const name = `round-${round}`;
  const { token } = await askAdmin<{ token: string }>(server, "replicas", { method: "POST", body: { name } });
  const replica = await startObjects({
    args: [...args, "--follow", server.endpoint],
    env: { KAGAMI_OBJECTS_FOLLOW_TOKEN: token },
  });
  try {
    for (const pid of replica.pids) giveWay(pid);
    await eventually(async () => (await viewOf(server, name)).isConnected, COMING);
    const before = await viewOf(server, name);
    const startedMs = performance.now();
    const cpuBefore = { source: totalCpuMs(server), replica: totalCpuMs(replica) };
    const phase = await foreground(store, seconds, round + 100);
    const after = await viewOf(server, name);
    return {
      phase,
      elapsedMs: performance.now() - startedMs,
      megabytes: (after.sentBytes - before.sentBytes) / 1e6,
      sourceCpuMs: totalCpuMs(server) - cpuBefore.source,
      replicaCpuMs: totalCpuMs(replica) - cpuBefore.replica,
      behindMb: (after.lag?.bytes ?? 0) / 1e6,
    };
  } finally {
    await replica.stop();
    await askAdmin(server, `replicas/${name}`, { method: "DELETE" });
  }
}

/** A replica has a machine of its own, and takes nothing of the processor from its source's clients. */
function giveWay(pid: number): void {
  for (const thread of readdirSync(`/proc/${pid}/task`)) setPriority(Number(thread), constants.priority.PRIORITY_LOW);
}

function totalCpuMs({ pids }: ObjectsServer): number {
  return pids.reduce((sum, pid) => sum + cpuMs(pid), 0);
}

async function viewOf(server: ObjectsServer, wanted: string): Promise<ReplicaView> {
  const { replicas } = await askAdmin<{ replicas: readonly (ReplicaView & { name: string })[] }>(server, "replication");
  const view = replicas.find(({ name }) => name === wanted);
  if (view === undefined) throw new Error(`The admin API knows no replica ${wanted}`);
  return view;
}

function figuresOf(rounds: readonly Round[], budgetBytes: number): Figure[] {
  const middle = (pick: (round: Round) => number) => median(rounds.map(pick));
  const behindMb = Math.min(...rounds.map((round) => round.behindMb));
  const fastest = Math.max(...rounds.map(({ megabytesPerSecond }) => megabytesPerSecond));
  const limit = Math.round((budgetBytes * BUDGET_SLACK) / 1e5) / 10;
  return [
    // Without it a part of the comparison would be one of quiet times with quiet times.
    { ...plainFigure("kagami", "behind-at-the-end", behindMb, "MB"), bar: "> 0 MB", pass: behindMb > 0 },
    plainFigure(
      "kagami",
      "catch-up-rate",
      middle((round) => round.megabytesPerSecond),
      "MB/s",
    ),
    limitedFigure("kagami", "catch-up-fastest", fastest, "MB/s", limit),
    plainFigure(
      "kagami",
      "catch-up-cpu-source",
      middle((round) => round.sourceCpuMsPerMb),
      "ms/MB",
    ),
    plainFigure(
      "kagami",
      "catch-up-cpu-replica",
      middle((round) => round.replicaCpuMsPerMb),
      "ms/MB",
    ),
    ...besideQuiet(rounds, "catching-up"),
  ];
}
