// What the log costs a turn of the event loop: `node servers/ranking/bench/file-log.bench.ts [--smoke]`.
// A turn appends its batch, flushes, and yields, as the server does. On the disk of the current directory.
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "@kagami/kit";
import { FileLog } from "../src/storage/file-log.ts";
import type { SyncPolicy } from "../src/storage/log-syncer.ts";

const isSmoke = process.argv.includes("--smoke");
const TURNS = isSmoke ? 300 : 30_000;
const ROUNDS = isSmoke ? 1 : 3;
const journal = { info: () => undefined, warn: () => undefined };

interface Figures {
  readonly microsecondsPerTurn: number;
  readonly p99Microseconds: number;
  readonly syncCount: number;
}

async function measure(policy: SyncPolicy, batchBytes: number, batchesPerTurn: number): Promise<Figures> {
  const directory = mkdtempSync(join(process.cwd(), ".log-bench-"));
  const log = FileLog.open({ directory, policy, clock: systemClock, journal });
  const batch = new Uint8Array(batchBytes).fill(120);
  const times = new Float64Array(TURNS);
  for (let turn = 0; turn < TURNS; turn++) {
    const startMs = performance.now();
    for (let i = 0; i < batchesPerTurn; i++) log.append(batch, 0, batchBytes);
    log.flush();
    times[turn] = (performance.now() - startMs) * 1_000;
    if (turn % 8 === 7) await new Promise(setImmediate);
  }
  await log.close();
  const { syncCount } = log.statistics;
  if (log.lastPosition !== TURNS * batchesPerTurn) throw new Error(`The log ends at ${log.lastPosition}`);
  rmSync(directory, { recursive: true });
  const mean = times.reduce((sum, time) => sum + time, 0) / TURNS;
  return { microsecondsPerTurn: mean, p99Microseconds: times.sort()[Math.floor(TURNS * 0.99)] ?? 0, syncCount };
}

console.log(`Node ${process.version}, ${process.arch}; ${TURNS} turns a run, the median of ${ROUNDS} runs`);
for (const policy of ["no", "everysec", "always"] as const) {
  for (const [batchBytes, batchesPerTurn] of [
    [60, 1],
    [60, 50],
    [3_000, 1],
    [16_384, 1],
  ] as const) {
    const runs: Figures[] = [];
    for (let round = 0; round < ROUNDS; round++) runs.push(await measure(policy, batchBytes, batchesPerTurn));
    const { microsecondsPerTurn, p99Microseconds, syncCount } = runs.sort(
      (a, b) => a.microsecondsPerTurn - b.microsecondsPerTurn,
    )[ROUNDS >> 1] as Figures;
    console.log(
      `${policy}, ${batchesPerTurn} x ${batchBytes} bytes: ${microsecondsPerTurn.toFixed(2)} us a turn ` +
        `(p99 ${p99Microseconds.toFixed(1)}), ${syncCount} syncs`,
    );
  }
}
