import {
  comparedFigure,
  type Figure,
  limitedFigure,
  plainFigure,
  type Scenario,
  type ScenarioContext,
  type ScenarioOutcome,
} from "../src/scenario.ts";
import { median } from "../src/statistics.ts";
import { type FanOutPlan, type FanOutSample, measureFanOut } from "./fan-out-measure.ts";
import { withLoad } from "./load/load-process.ts";
import { PHONE_MEDIA, SMOKE_MEDIA } from "./load/media.ts";
import { startKagami } from "./servers/kagami.ts";
import { startNginx, startNms } from "./servers/peers.ts";
import type { ServerUnderTest, Subject } from "./servers/subject.ts";

/** The subject that all others are compared with. */
const REFERENCE = "nginx-rtmp";

interface Bars {
  readonly cpuRatio: number;
  readonly latencyMs?: number;
}

interface FanOutSubject extends Subject {
  readonly bars?: Bars;
}

const DEFAULT_BARS: Bars = { cpuRatio: 0.75, latencyMs: 25 };
const MERGED_BARS: Bars = { cpuRatio: 0.5 };

/** What one stream costs a server for each viewer, beside nginx-rtmp and node-media-server. */
export const fanOut: Scenario = {
  name: "fan-out",
  summary: "One stream of 2.1 Mbit/s to 250 viewers: CPU for each MB, added latency and memory beside the peers",
  run,
};

async function run(context: ScenarioContext): Promise<ScenarioOutcome> {
  const { isSmoke, settings, progress } = context;
  const rounds = settings.rounds ?? (isSmoke ? 1 : 5);
  const plan: FanOutPlan = {
    viewers: settings.viewers ?? (isSmoke ? 10 : 250),
    probes: isSmoke ? 2 : 8,
    media: isSmoke ? SMOKE_MEDIA : PHONE_MEDIA,
    settleMs: isSmoke ? 200 : 1_500,
    measureMs: (settings.seconds ?? (isSmoke ? 1 : 8)) * 1000,
  };
  const servers: ServerUnderTest[] = [];
  const start = async <S extends ServerUnderTest>(starting: Promise<S>): Promise<S> => {
    const server = await starting;
    servers.push(server);
    return server;
  };
  try {
    const subjects = await startSubjects(start, settings.only);
    const samples = await withLoad(2, async (probe, sink) => {
      if (!probe || !sink) throw new Error("There is no load");
      const measure = (subject: Subject) => measureFanOut(subject, { probe, sink }, plan);
      if (!isSmoke) await warmUp(subjects, progress, measure);
      return runRounds(subjects, rounds, progress, measure);
    });
    return { figures: subjects.flatMap((subject) => figuresOf(subject, samples)), notes: notesOf(plan, rounds) };
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}

type Start = <S extends ServerUnderTest>(starting: Promise<S>) => Promise<S>;

async function startSubjects(start: Start, only: readonly string[] | undefined): Promise<FanOutSubject[]> {
  const [nginx, ours, merged, nms] = await Promise.all([
    start(startNginx()),
    start(startKagami()),
    start(startKagami({ args: ["--merge-ms", "100", "--max-merge-ms", "100"] })),
    start(startNms()),
  ]);
  const subjects: FanOutSubject[] = [{ name: REFERENCE, server: nginx, kind: "rtmp" }];
  for (const kind of ["rtmp", "ws", "flv"] as const) {
    subjects.push({ name: `kagami-${kind}`, server: ours, kind, bars: DEFAULT_BARS });
    subjects.push({ name: `kagami-${kind}-100ms`, server: merged, kind, bars: MERGED_BARS });
  }
  for (const kind of ["rtmp", "flv"] as const) subjects.push({ name: `nms-${kind}`, server: nms, kind });
  if (!only) return subjects;
  return subjects.filter(({ name }) => name === REFERENCE || only.some((part) => name.includes(part)));
}

/** One measurement each that does not count: a server that runs for days has compiled its code long ago. */
async function warmUp(
  subjects: readonly Subject[],
  progress: (text: string) => void,
  measure: (subject: Subject) => Promise<FanOutSample>,
): Promise<void> {
  for (const subject of subjects) progress(`warming up, ${subject.name}: ${describe(await measure(subject))}`);
}

/** Measures all subjects in each round, in turning order, so that what else the machine does hits all of them alike. */
export async function runRounds(
  subjects: readonly Subject[],
  rounds: number,
  progress: (text: string) => void,
  measure: (subject: Subject) => Promise<FanOutSample>,
): Promise<Map<string, FanOutSample[]>> {
  const samples = new Map<string, FanOutSample[]>(subjects.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < subjects.length; i++) {
      const subject = subjects[(i + round) % subjects.length] as Subject;
      const attempt = async () => {
        const sample = await measure(subject);
        progress(`round ${round + 1} of ${rounds}, ${subject.name}: ${describe(sample)}`);
        return sample;
      };
      let sample = await attempt();
      for (let retry = 0; retry < RETRY_LIMIT && !isSteady(sample); retry++) sample = await attempt();
      samples.get(subject.name)?.push(sample);
    }
  }
  return samples;
}

/** Times that a measurement is repeated in which the machine stood still; who never keeps up is taken as it is. */
const RETRY_LIMIT = 2;

/** Whether as much arrived as was sent: else a backlog grew or went while it was measured, at another price. */
function isSteady({ completeness }: FanOutSample): boolean {
  return Math.abs(completeness - 1) <= 0.05;
}

/** A sample in a line. */
function describe(sample: FanOutSample): string {
  const { cpuMsPerMb, latencyP50Ms, latencyP95Ms, completeness, sinkCoreShare } = sample;
  const latency = `latency ${latencyP50Ms.toFixed(1)} / ${latencyP95Ms.toFixed(1)} ms`;
  const load = `sinks ${(sinkCoreShare * 100).toFixed(0)} % of a core`;
  return `${cpuMsPerMb.toFixed(2)} ms/MB, ${latency}, ${(completeness * 100).toFixed(1)} % delivered, ${load}`;
}

function figuresOf(subject: FanOutSubject, all: ReadonlyMap<string, readonly FanOutSample[]>): Figure[] {
  const { name, bars } = subject;
  const samples = all.get(name) ?? [];
  const reference = all.get(REFERENCE) ?? [];
  const of = (pick: (sample: FanOutSample) => number) => median(samples.map(pick));
  // Each round against the reference of the same round: what the machine did meanwhile cancels out.
  const ratios = samples.map((sample, i) => sample.cpuMsPerMb / (reference[i]?.cpuMsPerMb ?? Number.NaN));
  const p50 = of((sample) => sample.latencyP50Ms);
  const spread = (Math.max(...ratios) - Math.min(...ratios)) / 2;
  return [
    comparedFigure(
      name,
      "cpu-per-mb",
      of((sample) => sample.cpuMsPerMb),
      "ms/MB",
      median(ratios),
      bars?.cpuRatio,
    ),
    plainFigure(name, "cpu-ratio-spread", spread, "±"),
    bars?.latencyMs === undefined
      ? plainFigure(name, "latency-p50", p50, "ms")
      : limitedFigure(name, "latency-p50", p50, "ms", bars.latencyMs),
    plainFigure(
      name,
      "latency-p95",
      of((sample) => sample.latencyP95Ms),
      "ms",
    ),
    plainFigure(
      name,
      "video-latency-p50",
      of((sample) => sample.videoLatencyP50Ms),
      "ms",
    ),
    plainFigure(
      name,
      "video-latency-p95",
      of((sample) => sample.videoLatencyP95Ms),
      "ms",
    ),
    plainFigure(
      name,
      "rss",
      of((sample) => sample.residentMb),
      "MB",
    ),
    plainFigure(name, "delivered", 100 * of((sample) => sample.completeness), "%"),
    plainFigure(name, "wire-overhead", 100 * (of((sample) => sample.wireOverhead) - 1), "%"),
  ];
}

function notesOf({ viewers, measureMs, media, probes }: FanOutPlan, rounds: number): string[] {
  const { width, height, fps, videoKbps } = media;
  return [
    `${viewers} viewers of ${width} × ${height} at ${fps} fps, ${videoKbps} kbit/s of video; ${rounds} interleaved rounds of ${measureMs / 1000} s; medians, ratios within a round.`,
    `Latency is from the publisher's write to the last byte at ${probes} of the viewers, over pictures and sound; "video" counts pictures alone. MB are media, without framing.`,
    `"-100ms" runs with --merge-ms 100 --max-merge-ms 100; the others of ours with the defaults. WebSocket viewers acknowledge every 900 ms as the web app does. Before the rounds each subject is measured once without counting.`,
  ];
}
