import { type Figure, plainFigure, type Scenario } from "../src/scenario.ts";
import { median, percentile } from "../src/statistics.ts";
import { Load, preload } from "./load.ts";
import { withSubjects } from "./subjects.ts";

const CONNECTIONS = 50;
const KEY_COUNT = 20_000;
const VALUE_BYTES = 100;
const PER_SECOND = 4_000;

/** What a proxy adds to the time of a request, at a load that is far from what it can do. */
export const latency: Scenario = {
  name: "latency",
  summary: "Time of a request at 4,000 a second over 50 connections: direct, through nutcracker, through the proxy",
  run: ({ isSmoke, settings, progress }) =>
    withSubjects(async ({ direct, nutcracker, kagami, versions }) => {
      const rounds = settings.rounds ?? (isSmoke ? 1 : 7);
      const milliseconds = (settings.seconds ?? (isSmoke ? 0.3 : 3)) * 1_000;
      const peers = [direct, nutcracker, kagami];
      const load = new Load();
      const taken = peers.map(() => [] as { p50: number; p99: number }[]);
      try {
        for (const { ports } of peers) for (const port of ports) await preload(port, KEY_COUNT, VALUE_BYTES);
        for (let round = isSmoke ? 1 : 0; round <= rounds; round++) {
          for (const [i, { ports }] of peers.entries()) {
            const request = { connections: CONNECTIONS, pipeline: 1, valueBytes: VALUE_BYTES, keyCount: KEY_COUNT };
            const { latenciesMs } = await load.run({ ...request, ports, milliseconds, perSecond: PER_SECOND });
            if (round === 0) continue;
            taken[i]?.push({ p50: percentile(latenciesMs, 0.5), p99: percentile(latenciesMs, 0.99) });
          }
        }
      } finally {
        await load.stop();
      }
      const figures: Figure[] = [];
      const p99OfDirect = median((taken[0] ?? []).map(({ p99 }) => p99));
      for (const [i, { name }] of peers.entries()) {
        const p50 = median((taken[i] ?? []).map((round) => round.p50));
        const p99 = median((taken[i] ?? []).map((round) => round.p99));
        progress(`${name}: p50 ${p50.toFixed(3)} ms, p99 ${p99.toFixed(3)} ms`);
        figures.push(plainFigure(name, "latency-p50", p50, "ms"), plainFigure(name, "latency-p99", p99, "ms"));
        if (i > 0) figures.push(plainFigure(name, "added-p99", p99 - p99OfDirect, "ms"));
      }
      return { figures, notes: [versions, "Latencies hold the load's own event loop, alike for all three"] };
    }),
};
