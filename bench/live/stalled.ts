import { pause, residentMb } from "../src/process-sample.ts";
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
import { type LoadProcess, withLoad } from "./load/load-process.ts";
import { encodeMedia, type MediaSpec, PHONE_MEDIA, SMOKE_MEDIA } from "./load/media.ts";
import type { Recovery } from "./load/recovery-watch.ts";
import type { GroupReport } from "./load/viewer-group.ts";
import { startKagami } from "./servers/kagami.ts";
import { startNginx, startNms } from "./servers/peers.ts";
import { type ServerUnderTest, type Subject, viewerPort } from "./servers/subject.ts";

/** Viewers whose network stands still, beside viewers whose network is well. */
export const stalled: Scenario = {
  name: "stalled",
  summary: "40 viewers that read nothing for 40 s beside 50 healthy ones: memory, the others' latency, recovery",
  run,
};

interface StalledPlan {
  readonly healthyCount: number;
  readonly stalledCount: number;
  readonly media: MediaSpec;
  readonly baselineMs: number;
  readonly stallMs: number;
  readonly recoveryMs: number;
}

interface StalledSample {
  readonly rssBeforeMb: number;
  readonly rssPeakMb: number;
  readonly rssAfterMb: number;
  readonly alone: GroupReport;
  readonly beside: GroupReport;
  readonly recoveries: readonly Recovery[];
  readonly disconnectedCount: number;
}

/** A picture that comes back later than this is a stall of its own, in ms. */
const RECOVERY_LIMIT_MS = 1_000;

async function run({ isSmoke, settings, progress }: ScenarioContext): Promise<ScenarioOutcome> {
  const plan: StalledPlan = isSmoke
    ? { healthyCount: 4, stalledCount: 3, media: SMOKE_MEDIA, baselineMs: 500, stallMs: 4_000, recoveryMs: 2_500 }
    : {
        healthyCount: 50,
        stalledCount: settings.viewers ?? 40,
        media: PHONE_MEDIA,
        baselineMs: 10_000,
        stallMs: (settings.seconds ?? 40) * 1000,
        recoveryMs: 8_000,
      };
  const runPeer = async ({ name, kind, start }: Peer): Promise<Figure[]> => {
    progress(`${name}: ${plan.stalledCount} stalled beside ${plan.healthyCount} healthy viewers`);
    const server = await start();
    try {
      return await withLoad(3, async (probe, sink, stalling) => {
        if (!probe || !sink || !stalling) throw new Error("There is no load");
        return figuresOf(name, await measure({ name, server, kind }, { probe, sink, stalling }, plan));
      });
    } finally {
      await server.stop();
    }
  };
  const peers = PEERS.filter(({ name }) => settings.only?.some((part) => name.includes(part)) ?? true);
  const figures: Figure[] = [];
  // One after the other, or they would measure each other; the short form has nothing to measure.
  if (isSmoke) figures.push(...(await Promise.all(peers.map(runPeer))).flat());
  else for (const peer of peers) figures.push(...(await runPeer(peer)));
  const seconds = plan.stallMs / 1000;
  return {
    figures,
    notes: [
      `${plan.stalledCount} viewers stop reading for ${seconds} s; WebSocket viewers acknowledge until then. "recovery-live" is the time from reading again to the first picture that can be decoded and is less than 300 ms old.`,
      `"broken-pictures" are those sent to stalled viewers without the pictures that they depend on. "not-recovered" viewers had no live picture ${plan.recoveryMs / 1000} s after they read again.`,
    ],
  };
}

interface Peer extends Omit<Subject, "server"> {
  readonly start: () => Promise<ServerUnderTest>;
}

const PEERS: readonly Peer[] = [
  { name: "kagami-ws", kind: "ws", start: startKagami },
  { name: "kagami-rtmp", kind: "rtmp", start: startKagami },
  { name: "nginx-rtmp", kind: "rtmp", start: startNginx },
  { name: "nms-rtmp", kind: "rtmp", start: startNms },
];

interface StalledLoad {
  readonly probe: LoadProcess;
  readonly sink: LoadProcess;
  readonly stalling: LoadProcess;
}

async function measure(subject: Subject, load: StalledLoad, plan: StalledPlan): Promise<StalledSample> {
  const { server, kind } = subject;
  const { probe, sink, stalling } = load;
  const name = "stalled";
  const mediaPath = await encodeMedia(plan.media);
  await probe.call("publish", { id: name, port: server.rtmpPort, key: name, mediaPath, fps: plan.media.fps });
  await pause(300);
  const group = { kind, port: viewerPort(subject), name };
  const probes = Math.min(8, plan.healthyCount);
  await sink.call("open", { ...group, group: "healthy", isSampled: false, count: plan.healthyCount - probes });
  await probe.call("open", { ...group, group: "healthy", isSampled: true, count: probes });
  await pause(plan.baselineMs / 4);
  await probe.call("reset", { group: "healthy" });
  await pause(plan.baselineMs);
  const alone = await probe.call("report", { group: "healthy" });

  await stalling.call("open", { ...group, group: "stalled", isSampled: true, count: plan.stalledCount });
  await pause(plan.baselineMs / 2);
  const rssBeforeMb = residentMb(server.pid);
  await stalling.call("stall", { group: "stalled" });
  await probe.call("reset", { group: "healthy" });
  let rssPeakMb = rssBeforeMb;
  for (const endMs = performance.now() + plan.stallMs; performance.now() < endMs; ) {
    await pause(Math.min(500, plan.stallMs / 8));
    rssPeakMb = Math.max(rssPeakMb, residentMb(server.pid));
  }
  const beside = await probe.call("report", { group: "healthy" });

  await stalling.call("resume", { group: "stalled" });
  await pause(plan.recoveryMs);
  const recoveries = await stalling.call("recoveries", { group: "stalled" });
  const { closedCount } = await stalling.call("report", { group: "stalled" });
  return {
    rssBeforeMb,
    rssPeakMb,
    rssAfterMb: residentMb(server.pid),
    alone,
    beside,
    recoveries,
    disconnectedCount: closedCount,
  };
}

function figuresOf(name: string, sample: StalledSample): Figure[] {
  const { rssBeforeMb, rssPeakMb, rssAfterMb, alone, beside, recoveries, disconnectedCount } = sample;
  const live = recoveries.flatMap(({ liveMs }) => liveMs ?? []);
  const keys = recoveries.flatMap(({ keyFrameMs }) => keyFrameMs ?? []);
  const sum = (pick: (recovery: Recovery) => number) => recoveries.reduce((total, each) => total + pick(each), 0);
  const lost = recoveries.length - live.length;
  const slowest = lost > 0 ? Number.POSITIVE_INFINITY : Math.max(...live);
  const isOurs = name.startsWith("kagami");
  return [
    plainFigure(name, "rss-before", rssBeforeMb, "MB"),
    comparedFigure(name, "rss-while-stalled", rssPeakMb, "MB", rssPeakMb / rssBeforeMb),
    comparedFigure(name, "rss-after", rssAfterMb, "MB", rssAfterMb / rssBeforeMb),
    plainFigure(name, "healthy-p95-alone", alone.latency.p95, "ms"),
    comparedFigure(name, "healthy-p95-beside", beside.latency.p95, "ms", beside.latency.p95 / alone.latency.p95),
    plainFigure(name, "healthy-missed-pictures", beside.missedPictures, "pictures"),
    plainFigure(name, "recovery-live-median", median(live), "ms"),
    isOurs
      ? limitedFigure(name, "recovery-live-max", slowest, "ms", RECOVERY_LIMIT_MS)
      : plainFigure(name, "recovery-live-max", slowest, "ms"),
    plainFigure(name, "recovery-key-frame-median", median(keys), "ms"),
    plainFigure(name, "not-recovered", lost, "viewers"),
    plainFigure(name, "disconnected", disconnectedCount, "viewers"),
    plainFigure(name, "missed-pictures", sum(({ missedCount }) => missedCount) / recoveries.length, "per viewer"),
    isOurs
      ? limitedFigure(
          name,
          "broken-pictures",
          sum(({ brokenCount }) => brokenCount),
          "pictures",
          0,
        )
      : plainFigure(
          name,
          "broken-pictures",
          sum(({ brokenCount }) => brokenCount),
          "pictures",
        ),
  ];
}
