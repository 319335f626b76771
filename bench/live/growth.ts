import { lineChart } from "../src/chart.ts";
import {
  type ChartFile,
  comparedFigure,
  type Figure,
  plainFigure,
  type Scenario,
  type ScenarioContext,
  type ScenarioOutcome,
} from "../src/scenario.ts";
import { median } from "../src/statistics.ts";
import { runRounds } from "./fan-out.ts";
import { type FanOutSample, measureFanOut } from "./fan-out-measure.ts";
import { withLoad } from "./load/load-process.ts";
import { PHONE_MEDIA, SMOKE_MEDIA } from "./load/media.ts";
import { startKagami } from "./servers/kagami.ts";
import { startNginx } from "./servers/peers.ts";
import type { ServerUnderTest, Subject } from "./servers/subject.ts";

const VIEWER_COUNTS = [10, 50, 100, 250, 500, 1000, 2000];
const SMOKE_COUNTS = [2, 6];
const REFERENCE = "nginx-rtmp";

/** How the cost of a viewer changes with the number of viewers. */
export const growth: Scenario = {
  name: "growth",
  summary: "One stream of 2.1 Mbit/s to 10 … 2,000 viewers: CPU for each MB, viewers per core, added latency",
  run,
};

/** Samples of a subject by number of viewers. */
type Curve = ReadonlyMap<number, readonly FanOutSample[]>;

async function run(context: ScenarioContext): Promise<ScenarioOutcome> {
  const { isSmoke, settings, progress } = context;
  const counts = (isSmoke ? SMOKE_COUNTS : VIEWER_COUNTS).filter((count) => count <= (settings.viewers ?? 1e6));
  const rounds = settings.rounds ?? (isSmoke ? 1 : 3);
  const measureMs = (settings.seconds ?? (isSmoke ? 0.5 : 5)) * 1000;
  const servers: ServerUnderTest[] = [await startNginx()];
  try {
    const [nginx] = servers as [ServerUnderTest];
    const ours = await startKagami();
    servers.push(ours);
    const subjects: Subject[] = [
      { name: REFERENCE, server: nginx, kind: "rtmp" },
      { name: "kagami-rtmp", server: ours, kind: "rtmp" },
      { name: "kagami-ws", server: ours, kind: "ws" },
    ];
    const curves = new Map<string, Map<number, FanOutSample[]>>(subjects.map(({ name }) => [name, new Map()]));
    await withLoad(2, async (probe, sink) => {
      if (!probe || !sink) throw new Error("There is no load");
      for (const viewers of counts) {
        progress(`${viewers} viewers`);
        const plan = {
          viewers,
          probes: Math.min(8, Math.ceil(viewers / 4)),
          media: isSmoke ? SMOKE_MEDIA : PHONE_MEDIA,
          settleMs: isSmoke ? 200 : 1_500,
          measureMs,
        };
        const measure = (subject: Subject) => measureFanOut(subject, { probe, sink }, plan);
        const samples = await runRounds(subjects, rounds, progress, measure);
        for (const [name, list] of samples) curves.get(name)?.set(viewers, list);
      }
    });
    return {
      figures: subjects.flatMap(({ name }) => figuresOf(name, curves.get(name), curves.get(REFERENCE))),
      charts: chartsOf(curves),
      notes: [
        `${rounds} interleaved rounds of ${measureMs / 1000} s for each number of viewers; medians. "viewers-per-core" divides the viewers by the share of a core that they cost; Node runs on one core, so it is what one process carries.`,
        "The load runs on the same machine: where its sinks use a whole core, the server is not the bottleneck.",
      ],
    };
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}

function figuresOf(name: string, curve: Curve | undefined, reference: Curve | undefined): Figure[] {
  return [...(curve ?? [])].flatMap(([viewers, samples]) => {
    const of = (pick: (sample: FanOutSample) => number) => median(samples.map(pick));
    const theirs = reference?.get(viewers) ?? [];
    const ratios = samples.map((sample, i) => sample.cpuMsPerMb / (theirs[i]?.cpuMsPerMb ?? Number.NaN));
    return [
      comparedFigure(
        name,
        `cpu-per-mb-${viewers}`,
        of((sample) => sample.cpuMsPerMb),
        "ms/MB",
        median(ratios),
      ),
      plainFigure(name, `viewers-per-core-${viewers}`, of(viewersPerCore(viewers)), "viewers"),
      plainFigure(
        name,
        `latency-p50-${viewers}`,
        of((sample) => sample.latencyP50Ms),
        "ms",
      ),
      plainFigure(
        name,
        `latency-p95-${viewers}`,
        of((sample) => sample.latencyP95Ms),
        "ms",
      ),
      plainFigure(name, `delivered-${viewers}`, 100 * of((sample) => sample.completeness), "%"),
      plainFigure(name, `sink-core-${viewers}`, 100 * of((sample) => sample.sinkCoreShare), "%"),
    ];
  });
}

/** Viewers that one core would carry at the same cost for each byte that reached them. */
function viewersPerCore(viewers: number): (sample: FanOutSample) => number {
  return ({ coreShare, completeness }) => (viewers * completeness) / coreShare;
}

function chartsOf(curves: ReadonlyMap<string, Curve>): ChartFile[] {
  const chart = (
    fileName: string,
    title: string,
    yLabel: string,
    pick: (viewers: number) => (sample: FanOutSample) => number,
  ): ChartFile => {
    const series = [...curves].map(([name, curve]) => ({
      name,
      points: [...curve].map(([x, samples]) => ({ x, y: median(samples.map(pick(x))) })),
    }));
    return { fileName, title, svg: lineChart({ title, xLabel: "viewers of one stream", yLabel, series }) };
  };
  return [
    chart("live-growth-cost.svg", "Server CPU for each MB delivered", "ms/MB", () => (sample) => sample.cpuMsPerMb),
    chart("live-growth-viewers.svg", "Viewers that one core carries", "viewers per core", viewersPerCore),
    chart("live-growth-latency.svg", "Added latency, median", "ms", () => (sample) => sample.latencyP50Ms),
  ];
}
