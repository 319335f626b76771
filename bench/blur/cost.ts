import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createLogger, systemClock } from "@kagami/kit";
import { findCommand, runTool, withTempDir } from "@kagami/testkit";
import type { FilterHandlers, FilterStreamReply } from "../../servers/live/src/privacy/filter-stream.ts";
import { FilterSupervisor } from "../../servers/live/src/privacy/filter-supervisor.ts";
import {
  encodeFilterClip,
  type FilterClip,
  requestsOf,
  toMp4,
  viewOf,
} from "../../servers/live/src/privacy/testing/clip.ts";
import type { FilterReply, FilterStats, PrivacyMode } from "../../servers/live/src/protocol/privacy/messages.ts";
import { cpuMs, pause, residentMb } from "../src/process-sample.ts";
import {
  type Figure,
  limitedFigure,
  plainFigure,
  type Scenario,
  type ScenarioContext,
  type ScenarioOutcome,
} from "../src/scenario.ts";
import { percentile } from "../src/statistics.ts";

/** What a protected stream costs while nothing shows, and while every picture is made anew. */
export const cost: Scenario = {
  name: "cost",
  summary: "720p30 at 2 Mbit/s through a filter process: CPU by stage, added latency, likeness of our pictures",
  run,
};

const FPS = 30;
const GOP = 60;
const CPU_LIMIT_PERCENT: Readonly<Record<PrivacyMode, number>> = { selective: 8, always: 25 };
const LATENCY_LIMIT_FRAMES = 2;
const SSIM_FLOOR = 0.97;
/** At 30 calls a second it takes a fresh process half a minute to compile what it runs; a stream goes on for hours. */
const WARM_UP_S = 30;
/** As the filter decodes while nothing shows. */
const THRIFTY = ["-skip_loop_filter", "nokey"];
/** A still full of detail that scrolls as a game's world does, and a figure on it. */
const SOURCE =
  "mandelbrot=size=1080x2560:rate=30:start_scale=0.02:start_x=-0.743643887037151:start_y=-0.131825904205330," +
  "gblur=sigma=1.2,format=yuv420p,loop=loop=-1:size=1,crop=720:1280:x='180+60*sin(t/2)':y='mod(t*60,1200)'[world];" +
  "testsrc2=size=240x240:rate=30[figure];[world][figure]overlay=x='240+200*sin(t*1.3)':y='500+200*cos(t)':shortest=1";

async function run({ isSmoke, settings, progress }: ScenarioContext): Promise<ScenarioOutcome> {
  const seconds = settings.seconds ?? (isSmoke ? 2 : 20);
  progress("encoding a clip of 720x1280 at 2 Mbit/s");
  const clip = await encodeFilterClip({
    source: SOURCE,
    pictureCount: isSmoke ? 30 : 300,
    gop: isSmoke ? 15 : GOP,
    encoderArgs: ["-b:v", "2M", "-maxrate", "2.4M", "-bufsize", "2M"],
  });
  const figures: Figure[] = [];
  for (const mode of ["selective", "always"] as const) {
    progress(`${mode}: ${seconds} s in real time`);
    figures.push(...(await measure(clip, mode, seconds, isSmoke)));
  }
  progress("comparing our pictures with the publisher's");
  figures.push(...(await compare(clip)));
  return {
    figures,
    notes: [
      "CPU is that of the whole filter process with one stream, node-av and JavaScript together.",
      "relay-share is what sending and hearing costs the process that stands for the relay, without the gate.",
      "ffmpeg decodes the same clip as fast as it can, with warm caches; a filter decodes a picture every 33 ms.",
    ],
  };
}

/** A stream as its owner sees it, with the time from each picture to its answer. */
class Owner implements FilterHandlers {
  readonly replies: FilterReply[] = [];
  readonly latenciesMs: number[] = [];
  readonly #sentAtMs = new Map<number, number>();
  stats: FilterStats | undefined;
  #ready: () => void = () => undefined;
  #closed: () => void = () => undefined;
  readonly isReady = new Promise<void>((resolve) => {
    this.#ready = resolve;
  });
  readonly isClosed = new Promise<void>((resolve) => {
    this.#closed = resolve;
  });

  onReady(): void {
    this.#ready();
  }

  onReply(reply: FilterStreamReply): void {
    this.replies.push({ ...reply, streamId: 0 } as FilterReply);
    if (reply.kind !== "pass" && reply.kind !== "replace") return;
    this.latenciesMs.push(performance.now() - (this.#sentAtMs.get(reply.sequence) ?? Number.NaN));
  }

  onFailed({ message }: { readonly message: string }): void {
    throw new Error(message);
  }

  onClosed(): void {
    this.#closed();
  }

  onStats(stats: FilterStats): void {
    this.stats = stats;
  }

  onSent(sequence: number): void {
    this.#sentAtMs.set(sequence, performance.now());
  }
}

async function measure(clip: FilterClip, mode: PrivacyMode, seconds: number, isSmoke: boolean): Promise<Figure[]> {
  const { owner, port, supervisor } = openStream(mode);
  await owner.isReady;
  const pid = supervisor.pids[0] as number;
  const [config, ...pictures] = requestsOf(clip);
  if (config !== undefined) port.send(config);
  let sequence = 0;
  const play = async (forSeconds: number): Promise<void> => {
    const startedAtMs = performance.now();
    for (let i = 0; i < forSeconds * FPS; i++, sequence++) {
      const picture = pictures[sequence % pictures.length];
      if (picture?.kind !== "picture") throw new Error("The clip is empty");
      const round = Math.floor(sequence / pictures.length);
      const ptsUs = picture.ptsUs + Math.round(round * pictures.length * clip.frameUs);
      await untilFrame(startedAtMs, i);
      owner.onSent(sequence);
      if (port.send({ ...picture, sequence, ptsUs }) !== "sent") throw new Error("The filter process does not keep up");
    }
  };
  await play(isSmoke ? 1 : WARM_UP_S);
  const before = { cpuMs: cpuMs(pid), stats: owner.stats, latencies: owner.latenciesMs.length };
  const startedAtMs = performance.now();
  const relayMs = await ownCpuMs(() => play(seconds));
  const percent = ((cpuMs(pid) - before.cpuMs) * 100) / (performance.now() - startedAtMs);
  const memoryMb = residentMb(pid);
  const pacingMs = await ownCpuMs(() => idle(isSmoke ? 1 : seconds));
  const latencies = owner.latenciesMs.slice(before.latencies);
  const stats = owner.stats;
  port.close();
  await owner.isClosed;
  await supervisor.close();

  const peer = `kagami-${mode}`;
  const frameMs = 1_000 / FPS;
  return [
    limitedFigure(peer, "cpu-of-a-core", percent, "%", CPU_LIMIT_PERCENT[mode]),
    ...stageFigures(peer, before.stats, stats),
    limitedFigure(peer, "added-latency-p50", percentile(latencies, 0.5) / frameMs, "pictures", LATENCY_LIMIT_FRAMES),
    plainFigure(peer, "added-latency-p99", percentile(latencies, 0.99) / frameMs, "pictures"),
    plainFigure(peer, "memory", memoryMb, "MB"),
    plainFigure(peer, "relay-share", Math.max(0, relayMs - pacingMs) / (seconds * FPS), "CPU ms/picture"),
  ];
}

function untilFrame(startedAtMs: number, index: number): Promise<void> {
  return pause(Math.max(0, startedAtMs + (index * 1_000) / FPS - performance.now()));
}

/** As long as playing, without doing anything else. */
async function idle(seconds: number): Promise<void> {
  const startedAtMs = performance.now();
  for (let i = 0; i < seconds * FPS; i++) await untilFrame(startedAtMs, i);
}

/** CPU time of this process, which stands for the relay, while something runs. */
async function ownCpuMs(run: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage();
  await run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

function openStream(mode: PrivacyMode): {
  owner: Owner;
  port: ReturnType<FilterSupervisor["openStream"]>;
  supervisor: FilterSupervisor;
} {
  const supervisor = new FilterSupervisor({ clock: systemClock, log: createLogger({ level: "error" }) });
  if (supervisor.unavailableReason !== undefined) throw new Error(supervisor.unavailableReason);
  const owner = new Owner();
  const settings = { mode, style: "any", strength: 1, zones: [], startsCovered: false } as const;
  return { owner, port: supervisor.openStream(settings, owner), supervisor };
}

function stageFigures(peer: string, from: FilterStats | undefined, to: FilterStats | undefined): Figure[] {
  if (from === undefined || to === undefined || to.decodedCount === from.decodedCount) return [];
  const decoded = to.decodedCount - from.decodedCount;
  const encoded = to.encodedCount - from.encodedCount;
  const figures = [
    plainFigure(peer, "decode", (to.decodeUs - from.decodeUs) / decoded / 1_000, "ms/picture"),
    plainFigure(peer, "detect", (to.detectUs - from.detectUs) / decoded / 1_000, "ms/picture"),
    plainFigure(peer, "whole-process", (to.cpuUs - from.cpuUs) / decoded / 1_000, "CPU ms/picture"),
  ];
  if (encoded === 0) return figures;
  return [...figures, plainFigure(peer, "encode", (to.encodeUs - from.encodeUs) / encoded / 1_000, "ms/picture")];
}

/** The whole clip in `always`, beside the same clip as the publisher sent it. */
async function compare(clip: FilterClip): Promise<Figure[]> {
  const { owner, port, supervisor } = openStream("always");
  await owner.isReady;
  for (const request of requestsOf(clip)) {
    if (port.send(request) !== "sent") throw new Error("The clip is too long to be sent at once");
  }
  port.close();
  await owner.isClosed;
  await supervisor.close();
  const viewed = viewOf(clip, owner.replies);
  const ours = viewed.samples.reduce((sum, { data }) => sum + data.length, 0);
  const theirs = clip.samples.reduce((sum, { data }) => sum + data.length, 0);
  return await withTempDir(async (directory) => {
    const [a, b] = [join(directory, "ours.mp4"), join(directory, "publisher.mp4")];
    await writeFile(a, viewed.mp4);
    await writeFile(b, toMp4(clip.config, clip.samples.slice(0, viewed.samples.length)));
    const ssim = await likeness(["-i", a], ["-i", b]);
    const drift = await likeness([...THRIFTY, "-i", b], ["-i", b]);
    return [
      { ...plainFigure("kagami-always", "ssim", ssim.all, "1"), bar: `>= ${SSIM_FLOOR}`, pass: ssim.all >= SSIM_FLOOR },
      plainFigure("kagami-always", "ssim-min", ssim.min, "1"),
      plainFigure("kagami-always", "rate-to-publisher", ours / theirs, "1"),
      plainFigure("kagami-selective", "ssim-of-pictures-looked-at", drift.all, "1"),
      plainFigure("kagami-selective", "ssim-of-pictures-looked-at-min", drift.min, "1"),
      plainFigure("ffmpeg", "decode", await decodeMs(b, [], clip.samples.length), "ms/picture"),
      plainFigure(
        "ffmpeg",
        "decode-without-loop-filter",
        await decodeMs(b, THRIFTY, clip.samples.length),
        "ms/picture",
      ),
    ];
  });
}

/** Likeness of the pictures of one file to those of another by ffmpeg's filter, over all and the least of a picture. */
async function likeness(one: readonly string[], other: readonly string[]): Promise<{ all: number; min: number }> {
  const compare = ["-lavfi", "ssim=shortest=1:stats_file=-", "-f", "null", "/dev/null"];
  const args = ["-hide_banner", "-nostats", ...one, ...other, ...compare];
  const { stdout, stderr } = await runTool(findCommand("ffmpeg"), args, { timeoutMs: 120_000 });
  const each = [...stdout.matchAll(/ All:([\d.]+)/g)].map(([, value]) => Number(value));
  return { all: Number(/SSIM .*All:([\d.]+)/.exec(stderr)?.[1]), min: Math.min(...each) };
}

/** CPU time of ffmpeg's own program for a picture of a file, its start and the reading included. */
async function decodeMs(path: string, options: readonly string[], pictureCount: number): Promise<number> {
  const args = ["-hide_banner", "-nostats", "-benchmark", "-threads", "1", ...options, "-i", path, "-f", "null", "-"];
  const { stderr } = await runTool(findCommand("ffmpeg"), args, { timeoutMs: 120_000 });
  const [, user, system] = /utime=([\d.]+)s stime=([\d.]+)s/.exec(stderr) ?? [];
  return ((Number(user) + Number(system)) * 1_000) / pictureCount;
}
