import { cpuMs, pause, residentMb } from "../src/process-sample.ts";
import type { LoadProcess } from "./load/load-process.ts";
import { encodeMedia, type MediaSpec } from "./load/media.ts";
import { type Subject, viewerPort } from "./servers/subject.ts";

export interface FanOutPlan {
  readonly viewers: number;
  /** Viewers that also take latencies, spread among the others; they are part of `viewers`. */
  readonly probes: number;
  readonly media: MediaSpec;
  /** From the last viewer's arrival to the measurement. */
  readonly settleMs: number;
  readonly measureMs: number;
}

/** One measurement of one subject. */
export interface FanOutSample {
  /** CPU of the server's process for each MB (10^6 bytes) of media that reached viewers. */
  readonly cpuMsPerMb: number;
  /** Share of one core that the server used. */
  readonly coreShare: number;
  readonly latencyP50Ms: number;
  readonly latencyP95Ms: number;
  readonly videoLatencyP50Ms: number;
  readonly videoLatencyP95Ms: number;
  readonly residentMb: number;
  readonly deliveredMb: number;
  /** Bytes on the wire for each byte of media. */
  readonly wireOverhead: number;
  /** Media that reached viewers, of what was published; under 1 if the server or the load could not keep up. */
  readonly completeness: number;
  /** Share of one core that the process of the unprobed viewers used: near 1, the load is the bottleneck. */
  readonly sinkCoreShare: number;
  readonly missedPictures: number;
  readonly closedCount: number;
}

let channelCount = 0;

/**
 * Publishes one stream to a subject, lets viewers watch it, and measures its process. The publisher and the probes are
 * in one load process, all other viewers in another, so that latencies do not hold the sinks' own work.
 */
export async function measureFanOut(
  subject: Subject,
  load: { readonly probe: LoadProcess; readonly sink: LoadProcess },
  plan: FanOutPlan,
): Promise<FanOutSample> {
  const { probe, sink } = load;
  const name = `bench${++channelCount}`;
  const mediaPath = await encodeMedia(plan.media);
  const { fps } = plan.media;
  await probe.call("publish", { id: name, port: subject.server.rtmpPort, key: name, mediaPath, fps });
  try {
    await pause(FIRST_MEDIA_MS);
    await openSpread(subject, load, name, plan);
    await pause(plan.settleMs);
    return await measure(subject, load, name, plan);
  } finally {
    await probe.call("close", { group: name });
    await sink.call("close", { group: name });
    await probe.call("unpublish", { id: name, isKilled: false });
    await pause(LEAVE_MS);
  }
}

/** Time for a server to take in the first pictures, and to let everybody go. */
const FIRST_MEDIA_MS = 300;
const LEAVE_MS = 300;

/** Servers write to viewers in the order of their arrival or the reverse, so probes arrive among the others. */
async function openSpread(
  subject: Subject,
  { probe, sink }: { readonly probe: LoadProcess; readonly sink: LoadProcess },
  name: string,
  { viewers, probes }: FanOutPlan,
): Promise<void> {
  const group = { group: name, kind: subject.kind, port: viewerPort(subject), name };
  const sinks = viewers - probes;
  let opened = 0;
  for (let i = 0; i < probes; i++) {
    const upTo = Math.round((sinks * (i + 0.5)) / probes);
    await sink.call("open", { ...group, isSampled: false, count: upTo - opened });
    await probe.call("open", { ...group, isSampled: true, count: 1 });
    opened = upTo;
  }
  await sink.call("open", { ...group, isSampled: false, count: sinks - opened });
}

async function measure(
  { server }: Subject,
  { probe, sink }: { readonly probe: LoadProcess; readonly sink: LoadProcess },
  name: string,
  { viewers, probes, measureMs }: FanOutPlan,
): Promise<FanOutSample> {
  const group = { group: name };
  await Promise.all([probe.call("reset", group), sink.call("reset", group)]);
  const publishedBefore = await probe.call("published", { id: name });
  const cpuBefore = cpuMs(server.pid);
  const sinkBefore = cpuMs(sink.pid);
  const startedMs = performance.now();
  await pause(measureMs);
  const elapsedMs = performance.now() - startedMs;
  const usedMs = cpuMs(server.pid) - cpuBefore;
  const sinkUsedMs = cpuMs(sink.pid) - sinkBefore;
  const [probed, sunk] = await Promise.all([probe.call("report", group), sink.call("report", group)]);
  const published = await probe.call("published", { id: name });
  // Media, not bytes on the wire: else a protocol with larger headers would seem cheaper.
  const wireOverhead = probed.receivedBytes / probed.payloadBytes;
  const deliveredMb = (probed.receivedBytes + sunk.receivedBytes) / wireOverhead / 1e6;
  const publishedMb = (published.payloadBytes - publishedBefore.payloadBytes) / 1e6;
  if (probes + sunk.viewerCount !== viewers) throw new Error("The load did not open all of its viewers");
  return {
    cpuMsPerMb: usedMs / deliveredMb,
    coreShare: usedMs / elapsedMs,
    latencyP50Ms: probed.latency.p50,
    latencyP95Ms: probed.latency.p95,
    videoLatencyP50Ms: probed.videoLatency.p50,
    videoLatencyP95Ms: probed.videoLatency.p95,
    residentMb: residentMb(server.pid),
    deliveredMb,
    wireOverhead,
    completeness: deliveredMb / (publishedMb * viewers),
    sinkCoreShare: sinkUsedMs / elapsedMs,
    missedPictures: probed.missedPictures,
    closedCount: probed.closedCount + sunk.closedCount,
  };
}
