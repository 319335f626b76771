import { type Figure, plainFigure } from "../src/scenario.ts";
import { median } from "../src/statistics.ts";
import { histogramOf, type SparseHistogram } from "./load/histogram.ts";
import { type LoadPlan, WARM_UP_MS } from "./load/load-plan.ts";
import { runPlan } from "./load/run-plan.ts";

/** Of the objects that the clients in the foreground ask for. */
export const FOREGROUND_SIZE = "10KB";
const RATES = { get: 300, put: 50 };
const LIMIT = 1.5;

/** How long requests took in some seconds. */
interface Phase {
  readonly get: SparseHistogram;
  readonly put: SparseHistogram;
  /** How late the load itself once was. It counts as the server's time: where it is not small beside the p99, that is the machine's. */
  readonly loadLateMs: number;
}

/** A quiet time, and one in which the server was busy with something else. */
export interface PhasePair {
  readonly quiet: Phase;
  readonly busy: Phase;
}

/** Asks at exact rates for some seconds. @throws Error if a request fails */
export async function foreground(store: LoadPlan, seconds: number, seed: number): Promise<Phase> {
  const entries = (["get", "put"] as const).map((operation) => ({
    operation,
    size: FOREGROUND_SIZE,
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
  const [get = [], put = []] = report.entries.map(({ name, errors, latency }) => {
    const codes = Object.keys(errors);
    if (codes.length > 0) throw new Error(`${name} failed: ${codes.join(", ")}`);
    return latency;
  });
  return { get, put, loadLateMs: report.latestStartUs / 1_000 };
}

/**
 * The percentiles of both times beside each other, each of the requests of all rounds together: a p99 of 50 puts a second for
 * some seconds is that of a handful, and the machine's own stalls are among them. `busyName` ends the names of the busy ones.
 */
export function besideQuiet(rounds: readonly PhasePair[], busyName: string): Figure[] {
  const beside = (name: "get" | "put"): Figure[] => {
    const quietMs = p99Ms(rounds.map(({ quiet }) => quiet[name]));
    const busyMs = p99Ms(rounds.map(({ busy }) => busy[name]));
    const ratio = busyMs / quietMs;
    const busy = plainFigure("kagami", `${name}-p99-${busyName}`, busyMs, "ms");
    return [
      plainFigure("kagami", `${name}-p99-quiet`, quietMs, "ms"),
      { ...busy, ratio, bar: `ratio <= ${LIMIT}`, pass: ratio <= LIMIT },
    ];
  };
  const middle = (pick: (pair: PhasePair) => number) => median(rounds.map(pick));
  const quietLateMs = middle(({ quiet }) => quiet.loadLateMs);
  const busyLateMs = middle(({ busy }) => busy.loadLateMs);
  return [
    ...beside("get"),
    ...beside("put"),
    plainFigure("load", "late-quiet", quietLateMs, "ms"),
    plainFigure("load", `late-${busyName}`, busyLateMs, "ms"),
  ];
}

/** For people: p50, p90 and p99. */
export function phaseText({ get, put, loadLateMs }: Phase): string {
  const text = (of: SparseHistogram) =>
    [0.5, 0.9, 0.99].map((share) => (histogramOf(of).percentile(share) / 1_000).toFixed(1)).join("/");
  return `GET ${text(get)} ms, PUT ${text(put)} ms (load late up to ${loadLateMs.toFixed(1)} ms)`;
}

function p99Ms(parts: readonly SparseHistogram[]): number {
  return histogramOf(...parts).percentile(0.99) / 1_000;
}
