import { createHash } from "node:crypto";
import { join } from "node:path";
import { cpuMs, pause } from "../src/process-sample.ts";
import { limitedFigure, plainFigure, type Scenario } from "../src/scenario.ts";
import { diskUsage, indexUsage } from "./disk-usage.ts";
import { storingPlan } from "./load/load-plan.ts";
import { runPlan } from "./load/run-plan.ts";
import { type ObjectsServer, withObjects } from "./servers/kagami.ts";
import { askWell, createBucket } from "./servers/requests.ts";

const BUCKET = "expiry";
const RULE =
  "<LifecycleConfiguration><Rule><ID>day</ID><Filter/><Status>Enabled</Status><Expiration><Days>1</Days></Expiration></Rule></LifecycleConfiguration>";
/** Objects kept for a day end at the midnight after; a day of the group that holds them comes on top. */
const DAYS = 3;
const IDLE_MS = 3_000;
const POLL_MS = 250;
/** Longer than any server should need once everything has expired. */
const PATIENCE_MS = 180_000;

/** What it costs to forget objects whose time is over. */
export const expiry: Scenario = {
  name: "expiry",
  summary: "A million objects of 1 KB expire at once (--objects N): CPU for it, and when the disk is free",
  run: ({ isSmoke, settings, progress }) =>
    withObjects({ preload: join(import.meta.dirname, "clock-hook.ts") }, async (server) => {
      const count = Number(settings.flags?.objects ?? (isSmoke ? 500 : 1_000_000));
      await createBucket(server, BUCKET);
      const body = Buffer.from(RULE);
      const headers = { "content-md5": createHash("md5").update(body).digest("base64") };
      await askWell(server, { method: "PUT", bucket: BUCKET, query: { lifecycle: "" }, headers, body });
      const startedAtMs = performance.now();
      await runPlan(storingPlan(server, BUCKET, "1KB", count), progress);
      const putSeconds = (performance.now() - startedAtMs) / 1_000;
      const before = await dataUsage(server);
      const idle = await idleShare(server);
      const spent = cpuMs(pidOf(server));
      const jumpedAtMs = performance.now();
      for (let day = 0; day < DAYS; day++) {
        process.kill(pidOf(server), "SIGUSR2");
        // Signals of a kind that are sent at once become one.
        await pause(20);
      }
      const after = await untilFreed(server, before);
      const tookMs = performance.now() - jumpedAtMs;
      const cost = Math.max(0, cpuMs(pidOf(server)) - spent - idle * tookMs);
      const figures = [
        plainFigure("kagami", "objects", count, "1"),
        plainFigure("kagami", "put-rate", count / putSeconds, "1/s"),
        plainFigure("kagami", "data-before", before / 1e6, "MB"),
        limitedFigure("kagami", "data-after", (100 * after) / before, "%", isSmoke ? 100 : 10),
        plainFigure("kagami", "time-until-freed", tookMs, "ms"),
        limitedFigure("kagami", "expiry-cpu", cost, "ms", 1_000),
      ];
      const note = `the server's clock jumped ${DAYS} days; its idle CPU of ${(100 * idle).toFixed(1)} % is not counted`;
      return { figures, notes: [note] };
    }),
};

function pidOf({ pids }: ObjectsServer): number {
  return pids[0] ?? 0;
}

/** CPU time for each ms while nothing is asked of it. */
async function idleShare(server: ObjectsServer): Promise<number> {
  const before = cpuMs(pidOf(server));
  await pause(IDLE_MS);
  return (cpuMs(pidOf(server)) - before) / IDLE_MS;
}

/** Without the index, which is small and shrinks when it likes. */
async function dataUsage({ data }: ObjectsServer): Promise<number> {
  return (await diskUsage(data)) - (await indexUsage(data));
}

/** @returns What the data takes at the end. */
async function untilFreed(server: ObjectsServer, before: number): Promise<number> {
  const endMs = performance.now() + PATIENCE_MS;
  let smallest = before;
  let smallestAtMs = performance.now();
  for (;;) {
    const now = await dataUsage(server);
    if (now < smallest * 0.99) {
      smallest = now;
      smallestAtMs = performance.now();
    }
    // Freed, and nothing more has gone for a while.
    if (smallest < before * 0.5 && performance.now() - smallestAtMs > 4 * POLL_MS) return smallest;
    if (performance.now() > endMs) return now;
    await pause(POLL_MS);
  }
}
