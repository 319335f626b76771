import { pause, residentMb } from "../src/process-sample.ts";
import {
  comparedFigure,
  type Figure,
  plainFigure,
  type Scenario,
  type ScenarioContext,
  type ScenarioOutcome,
} from "../src/scenario.ts";
import { type LoadProcess, withLoad } from "./load/load-process.ts";
import { BIG_GOP_MEDIA, encodeMedia, type MediaSpec, SMOKE_MEDIA } from "./load/media.ts";
import type { ViewerKind } from "./load/viewer.ts";
import { type KagamiServer, startKagami } from "./servers/kagami.ts";

/** A crowd comes and goes: does the memory go with it? */
export const memory: Scenario = {
  name: "memory",
  summary: "From nobody to 20 publishers with 10 s between key frames and 300 viewers, and back: resident memory",
  run,
};

interface MemoryPlan {
  readonly publishers: number;
  readonly viewers: number;
  readonly media: MediaSpec;
  readonly spikeMs: number;
  readonly idleMs: number;
}

/** Resident memory after the crowd, against that before it. */
const AFTER_LIMIT = 1.3;
const KINDS: readonly ViewerKind[] = ["ws", "rtmp", "flv"];

async function run({ isSmoke, settings, progress }: ScenarioContext): Promise<ScenarioOutcome> {
  const plan: MemoryPlan = isSmoke
    ? { publishers: 2, viewers: 6, media: SMOKE_MEDIA, spikeMs: 1_500, idleMs: 1_500 }
    : {
        publishers: 20,
        viewers: settings.viewers ?? 300,
        media: BIG_GOP_MEDIA,
        spikeMs: (settings.seconds ?? 60) * 1000,
        idleMs: 60_000,
      };
  const server = await startKagami();
  try {
    return await withLoad(2, (publishing, viewing) => {
      if (!publishing || !viewing) throw new Error("There is no load");
      return measure(server, { publishing, viewing }, plan, progress);
    });
  } finally {
    await server.stop();
  }
}

interface MemoryLoad {
  readonly publishing: LoadProcess;
  readonly viewing: LoadProcess;
}

async function measure(
  server: KagamiServer,
  load: MemoryLoad,
  plan: MemoryPlan,
  progress: (text: string) => void,
): Promise<ScenarioOutcome> {
  const startMb = residentMb(server.pid);
  progress(`started with ${startMb.toFixed(0)} MB; one publisher and one viewer of each protocol come and go`);
  const small = { ...plan, publishers: 1, viewers: KINDS.length };
  await join(server, load, small, "warm");
  await pause(Math.min(5_000, plan.spikeMs));
  await leave(load, small, "warm");
  await pause(Math.min(10_000, plan.idleMs));
  const beforeMb = residentMb(server.pid);
  const beforeOwners = ownersOf(await server.metrics());

  progress(`${beforeMb.toFixed(0)} MB before; ${plan.publishers} publishers and ${plan.viewers} viewers come`);
  await join(server, load, plan, "spike");
  let peakMb = 0;
  for (const endMs = performance.now() + plan.spikeMs; performance.now() < endMs; ) {
    await pause(Math.min(500, plan.spikeMs / 4));
    peakMb = Math.max(peakMb, residentMb(server.pid));
  }
  const peakOwners = ownersOf(await server.metrics());
  progress(`${peakMb.toFixed(0)} MB at the most; everybody leaves`);
  await leave(load, plan, "spike");
  for (const endMs = performance.now() + plan.idleMs; performance.now() < endMs; ) {
    await pause(Math.min(10_000, plan.idleMs));
    progress(`${residentMb(server.pid).toFixed(0)} MB while idle`);
  }
  const afterMb = residentMb(server.pid);
  const afterOwners = ownersOf(await server.metrics());
  await server.collectGarbage();
  // The memory of buffers that were collected is given back in the background.
  await pause(Math.min(3_000, plan.idleMs));
  const collected = await server.collectGarbage();
  await pause(Math.min(3_000, plan.idleMs));
  const collectedMb = residentMb(server.pid);
  const figures: Figure[] = [
    plainFigure("kagami", "rss-start", startMb, "MB"),
    plainFigure("kagami", "rss-before", beforeMb, "MB"),
    comparedFigure("kagami", "rss-peak", peakMb, "MB", peakMb / beforeMb),
    comparedFigure("kagami", "rss-after", afterMb, "MB", afterMb / beforeMb, AFTER_LIMIT),
    comparedFigure("kagami", "rss-after-forced-gc", collectedMb, "MB", collectedMb / beforeMb),
    plainFigure("kagami", "heap-after-forced-gc", collected.heapUsed / 1e6, "MB"),
    ...ownerFigures("before", beforeOwners),
    ...ownerFigures("peak", peakOwners),
    ...ownerFigures("after", afterOwners),
  ];
  return { figures, notes: notesOf(plan) };
}

async function join(
  server: KagamiServer,
  { publishing, viewing }: MemoryLoad,
  { publishers, viewers, media }: MemoryPlan,
  prefix: string,
): Promise<void> {
  const mediaPath = await encodeMedia(media);
  for (let i = 0; i < publishers; i++) {
    const key = `${prefix}${i}`;
    await publishing.call("publish", { id: key, port: server.rtmpPort, key, mediaPath, fps: media.fps });
  }
  await pause(500);
  for (let i = 0; i < publishers * KINDS.length; i++) {
    const kind = KINDS[i % KINDS.length] as ViewerKind;
    const name = `${prefix}${Math.floor(i / KINDS.length)}`;
    const port = kind === "rtmp" ? server.rtmpPort : server.httpPort;
    const count = Math.round(viewers / (publishers * KINDS.length));
    await viewing.call("open", { group: `${name}-${kind}`, kind, port, name, isSampled: false, count });
  }
}

async function leave({ publishing, viewing }: MemoryLoad, { publishers }: MemoryPlan, prefix: string): Promise<void> {
  for (let i = 0; i < publishers; i++) {
    for (const kind of KINDS) await viewing.call("close", { group: `${prefix}${i}-${kind}` });
    await publishing.call("unpublish", { id: `${prefix}${i}`, isKilled: false });
  }
}

/** What the server says of its memory: its own accounts by owner, and what the process has by kind; MB by name. */
function ownersOf(metrics: string): Map<string, number> {
  const owners = new Map<string, number>();
  for (const [, label, value] of metrics.matchAll(/^\w*memory\w*bytes\{(?:owner|kind)="([^"]+)"\} (\S+)$/gm)) {
    owners.set(label ?? "", Number(value) / 1e6);
  }
  return owners;
}

function ownerFigures(when: string, owners: ReadonlyMap<string, number>): Figure[] {
  return [...owners].map(([owner, mb]) => plainFigure("kagami", `${when}-of-${owner}`, mb, "MB"));
}

function notesOf({ publishers, viewers, media, spikeMs, idleMs }: MemoryPlan): string[] {
  return [
    `${publishers} publishers of ${media.videoKbps} kbit/s with a key frame every ${media.gopFrames / media.fps} s and ${viewers} viewers over three protocols for ${spikeMs / 1000} s, then ${idleMs / 1000} s with nobody.`,
    '"rss-before" is taken after one publisher and one viewer of each protocol have come and gone, so that code which is loaded once is in it. A broadcast\'s memory is held for 10 s of grace and 30 s of afterglow after its publisher left.',
    "Owners come from the server's /metrics: its own accounts (gop-cache, hls-window, merging) and what the process has by kind.",
  ];
}
