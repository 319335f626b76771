import { type Figure, plainFigure } from "../src/scenario.ts";
import { median } from "../src/statistics.ts";
import { histogramOf } from "./load/histogram.ts";
import { type LoadPlan, WARM_UP_MS } from "./load/load-plan.ts";
import { runPlan } from "./load/run-plan.ts";

/** Of the objects that the clients in the foreground ask for. */
export const FOREGROUND_SIZE = "10KB";
const RATES = { get: 300, put: 50 };
const LIMIT = 1.5;

/** How long requests took in some seconds, 99th percentile. */
interface Phase {
  readonly getP99Ms: number;
  readonly putP99Ms: number;
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
  const [getP99Ms = Number.NaN, putP99Ms = Number.NaN] = report.entries.map(({ name, errors, latency }) => {
    const codes = Object.keys(errors);
    if (codes.length > 0) throw new Error(`${name} failed: ${codes.join(", ")}`);
    return histogramOf(latency).percentile(0.99) / 1_000;
  });
  return { getP99Ms, putP99Ms, loadLateMs: report.latestStartUs / 1_000 };
}

/** The percentiles of both times beside each other, medians of the rounds; `busyName` ends the names of the busy ones. */
export function besideQuiet(rounds: readonly PhasePair[], busyName: string): Figure[] {
  const middle = (pick: (pair: PhasePair) => number) => median(rounds.map(pick));
  const beside = (name: string, of: (phase: Phase) => number): Figure[] => {
    const quietMs = middle(({ quiet }) => of(quiet));
    const busyMs = middle(({ busy }) => of(busy));
    const ratio = middle(({ quiet, busy }) => of(busy) / of(quiet));
    const busy = plainFigure("kagami", `${name}-p99-${busyName}`, busyMs, "ms");
    return [
      plainFigure("kagami", `${name}-p99-quiet`, quietMs, "ms"),
      { ...busy, ratio, bar: `ratio <= ${LIMIT}`, pass: ratio <= LIMIT },
    ];
  };
  const quietLateMs = middle(({ quiet }) => quiet.loadLateMs);
  const busyLateMs = middle(({ busy }) => busy.loadLateMs);
  return [
    ...beside("get", ({ getP99Ms }) => getP99Ms),
    ...beside("put", ({ putP99Ms }) => putP99Ms),
    plainFigure("load", "late-quiet", quietLateMs, "ms"),
    plainFigure("load", `late-${busyName}`, busyLateMs, "ms"),
  ];
}

/** For people. */
export function phaseText({ getP99Ms, putP99Ms, loadLateMs }: Phase): string {
  return `GET ${getP99Ms.toFixed(1)} ms, PUT ${putP99Ms.toFixed(1)} ms (load late up to ${loadLateMs.toFixed(1)} ms)`;
}
