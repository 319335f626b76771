import type { Engine } from "../engine/engine.ts";
import { noLatencies, percentileOf } from "../engine/latency-histogram.ts";

const EVERY_MS = 2_000;
const POINTS = 300;

/** What a chart shows at one time; rates and percentiles are of the two seconds before. */
export interface HistoryPoint {
  readonly atMs: number;
  readonly commandsPerS: number;
  /** In percent; `undefined` if nothing was looked up. */
  readonly hitPercent: number | undefined;
  readonly clients: number;
  readonly usedBytes: number;
  readonly residentBytes: number;
  /** `undefined` if no command ran. */
  readonly p50Us: number | undefined;
  readonly p99Us: number | undefined;
}

interface Totals {
  readonly atMs: number;
  readonly commands: number;
  readonly hits: number;
  readonly misses: number;
  readonly latencies: Float64Array;
}

/** The last ten minutes, a point every two seconds. Costs a walk over the counts of all commands at each point. */
export class History {
  readonly points: HistoryPoint[] = [];
  readonly #engine: Engine;
  #last: Totals;

  constructor(engine: Engine, nowMs: number) {
    this.#engine = engine;
    this.#last = this.#totals(nowMs);
  }

  /** To be called now and then. */
  tick(nowMs: number): void {
    const last = this.#last;
    if (nowMs - last.atMs < EVERY_MS) return;
    const now = this.#totals(nowMs);
    this.#last = now;
    const { store, sessions, shell } = this.#engine;
    const hits = since(now.hits, last.hits);
    const lookUps = hits + since(now.misses, last.misses);
    const latencies = now.latencies.map((count, i) => since(count, last.latencies[i] as number));
    const calls = latencies.reduce((sum, count) => sum + count, 0);
    this.points.push({
      atMs: nowMs,
      commandsPerS: (since(now.commands, last.commands) * 1_000) / (nowMs - last.atMs),
      hitPercent: lookUps === 0 ? undefined : (100 * hits) / lookUps,
      clients: sessions.count,
      usedBytes: store.usedBytes,
      residentBytes: shell.state().residentBytes,
      p50Us: calls === 0 ? undefined : percentileOf(latencies, calls, 50),
      p99Us: calls === 0 ? undefined : percentileOf(latencies, calls, 99),
    });
    if (this.points.length > POINTS) this.points.shift();
  }

  #totals(atMs: number): Totals {
    const { commandCount, store, commands } = this.#engine;
    const latencies = noLatencies();
    for (const { latency } of commands.all) if (latency.total > 0) latency.addTo(latencies);
    return { atMs, commands: commandCount, hits: store.hits, misses: store.misses, latencies };
  }
}

/** How much a count has grown; CONFIG RESETSTAT may have set it back. */
function since(now: number, before: number): number {
  return now >= before ? now - before : now;
}
