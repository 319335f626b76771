import { spawn } from "node:child_process";
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CHROMIUM_LAUNCH, eventually, withTempDir } from "@kagami/testkit";
import { type Browser, chromium, type Page } from "playwright-core";
import { type KagamiServer, startKagami } from "../live/servers/kagami.ts";
import { pause } from "../src/process-sample.ts";
import {
  type Figure,
  limitedFigure,
  plainFigure,
  type Scenario,
  type ScenarioContext,
  type ScenarioOutcome,
} from "../src/scenario.ts";
import { median } from "../src/statistics.ts";
import { type BannerStream, makeBannerStream } from "./switching-clip.ts";
import {
  compareLowerHalf,
  type Decoding,
  type Delivery,
  decodeFile,
  judgeDelivery,
  judgePage,
} from "./switching-judge.ts";
import { openWatchPage, type PageReport, readPage } from "./switching-page.ts";
import { combineFigures } from "./switching-pieces.ts";
import {
  openFlvTap,
  openRtmpTap,
  openWsTap,
  type PlaylistWatch,
  publish,
  type WsTap,
  watchPlaylist,
} from "./switching-taps.ts";

/** Whether viewers notice that pictures are the publisher's, then ours, then the publisher's again. */
export const switching: Scenario = {
  name: "switching",
  summary: "banners come and go while Chromium plays over WebSocket and LL-HLS: is any switch to be seen or heard?",
  run,
};

const ROOT = join(import.meta.dirname, "..", "..");
/** What came is kept there until the next run, to be looked at. */
const KEPT = join(ROOT, ".cache", "bench", "switching");
const CHANNEL = "bench";
/** Each plays a quarter of the switches, with banners and backgrounds of its own: `--only 7` plays that quarter alone. */
const SEEDS = [7, 11, 12, 13];
const EVERY_SEC = 3.5;
/** In which Chromium and the filter start, and players find their distance from the edge: none of that is judged. */
const LEAD_SEC = 12;
const SETTLED_SEC = LEAD_SEC - 1;
/** So long that other load on the machine shows in the pages, and does not restart the filter. */
const BUDGET_MS = 5_000;
/** Pages are read so long before the stream ends, for its end is a stall too. */
const TAIL_MS = 4_000;
const SSIM_FLOOR = 0.97;
/** What ffmpeg's filter may say of pictures that are equal: 0.999993 was seen where every byte was. */
const EQUAL_SSIM = 0.9999;
const NOTE = `"switches" are counted where the bytes of the pictures stop or begin to be the publisher's. What came in the first ${SETTLED_SEC} s is not judged; "near" is within 15 pictures after a switch. A stall is a "waiting" event of the video element. "ssim" is of the luma of the lower half, where no banner comes. The files that came are in .cache/bench/switching.`;

/** Everything of one run that is judged. */
interface Seen {
  readonly stream: BannerStream;
  readonly ws: WsTap;
  readonly playlists: PlaylistWatch;
  readonly pages: Readonly<Record<"ws" | "hls", PageReport>>;
  readonly restartCount: number;
  readonly files: Readonly<Record<string, string>>;
}

async function run({ isSmoke, settings, progress }: ScenarioContext): Promise<ScenarioOutcome> {
  const seeds = isSmoke ? SEEDS.slice(0, 1) : SEEDS.filter((seed) => settings.only?.includes(`${seed}`) ?? true);
  const switchCount = settings.rounds ?? (isSmoke ? 4 : 200);
  const bannerCount = Math.ceil(switchCount / 2 / (isSmoke ? 1 : SEEDS.length));
  const size = { width: 360, height: 640, kilobits: 900 };
  const when = { leadSec: LEAD_SEC, bannerCount, everySec: EVERY_SEC, holdSec: [0.3, 1.3] } as const;
  await rm(KEPT, { recursive: true, force: true });
  return await withTempDir(async (directory) => {
    progress("building the web app");
    const webRoot = join(directory, "web");
    await runNode([join(ROOT, "node_modules/vite/bin/vite.js"), "build", "--outDir", webRoot, "--logLevel", "error"]);
    const plays: Figure[][] = [];
    for (const seed of seeds) {
      progress(`seed ${seed}: making a stream of ${bannerCount} banners`);
      const stream = await makeBannerStream({ seed, ...size, ...when });
      plays.push(await playOnce(stream, webRoot, join(KEPT, `${seed}`), progress));
      const missed = plays.at(-1)?.filter(({ pass }) => pass === false) ?? [];
      progress(
        `seed ${seed}: ${missed.map(({ peer, figure, value }) => `${peer} ${figure} ${value}`).join(", ") || "ok"}`,
      );
    }
    return { figures: combineFigures(plays), notes: [NOTE] };
  });
}

/** One broadcast with a server of its own. What came is kept in `kept`. */
async function playOnce(
  stream: BannerStream,
  webRoot: string,
  kept: string,
  progress: (text: string) => void,
): Promise<Figure[]> {
  await mkdir(kept, { recursive: true });
  const recordings = join(kept, "recordings");
  const limits = ["--privacy-budget-ms", `${BUDGET_MS}`, "--grace-ms", "200"];
  const args = ["--web-root", webRoot, "--record", "all", "--record-dir", recordings, ...limits];
  const server = await startKagami({ args });
  const browser = await chromium.launch(CHROMIUM_LAUNCH);
  const seen = await play(stream, server, browser, kept, progress).finally(async () => {
    await browser.close();
    await server.stop();
    await writeFile(join(kept, "server.log"), server.log());
  });
  progress("decoding what came");
  const [recording = ""] = (await readdir(join(recordings, CHANNEL))).filter((name) => name.endsWith(".mp4"));
  return judge({ ...seen, files: { ...seen.files, recording: join(recordings, CHANNEL, recording) } });
}

async function play(
  stream: BannerStream,
  server: KagamiServer,
  browser: Browser,
  kept: string,
  progress: (text: string) => void,
): Promise<Seen> {
  const http = `http://127.0.0.1:${server.httpPort}`;
  const rtmp = `rtmp://127.0.0.1:${server.rtmpPort}/live/${CHANNEL}`;
  await ask(http, "PATCH", { isEnabled: true, mode: "selective" });
  const publisher = publish(stream.path, rtmp);
  await eventually(async () => (await fetch(`${http}/live/${CHANNEL}/index.m3u8`)).ok, { timeoutMs: 30_000 });
  const ws = await openWsTap(`ws://127.0.0.1:${server.httpPort}/live/${CHANNEL}/ws`);
  const flv = await openFlvTap(`${http}/live/${CHANNEL}.flv`, join(kept, "http.flv"));
  const played = openRtmpTap(rtmp, join(kept, "rtmp.flv"));
  const playlists = watchPlaylist(`${http}/live/${CHANNEL}/index.m3u8`);
  const pages: Record<"ws" | "hls", Page> = {
    ws: await openWatchPage(browser, `${http}/watch/${CHANNEL}?mode=ws`),
    hls: await openWatchPage(browser, `${http}/watch/${CHANNEL}?mode=hls`),
  };
  // The broadcast's clock begins with the first picture that it can show, a group at the most behind the file's.
  const endUs = (stream.frameCount / stream.fps) * 1e6 - TAIL_MS * 1_000;
  progress(`playing ${Math.round(stream.frameCount / stream.fps)} s`);
  const timeoutMs = endUs / 1_000 + 60_000;
  await eventually(() => ws.isClosed || (ws.samples.at(-1)?.ptsUs ?? 0) >= endUs, { timeoutMs, intervalMs: 100 });
  const [ofWs, ofHls] = await Promise.all([readPage(pages.ws), readPage(pages.hls)]);
  await pages.ws.screenshot({ path: join(kept, "page-ws.png") });
  await playlists.stop();
  const { status } = (await ask(http, "GET")) as { status: { restartCount: number } };
  await pause(TAIL_MS);
  await publisher.stop();
  await Promise.all([flv.ended(), played.ended()]);
  ws.close();
  const file = join(kept, "ws.mp4");
  await ws.save(file);
  const files = { ws: file, "http-flv": flv.path, rtmp: played.path };
  return { stream, ws, playlists, pages: { ws: ofWs, hls: ofHls }, restartCount: status.restartCount, files };
}

async function ask(http: string, method: "GET" | "PATCH", body?: object): Promise<unknown> {
  const headers = { authorization: `Bearer ${CHANNEL}`, "content-type": "application/json" };
  const sent = body === undefined ? {} : { body: JSON.stringify(body) };
  const response = await fetch(`${http}/api/studio/privacy`, { method, headers, ...sent });
  if (!response.ok) throw new Error(`${method} /api/studio/privacy: ${response.status} ${await response.text()}`);
  return await response.json();
}

async function judge({ stream, ws, playlists, pages, restartCount, files }: Seen): Promise<Figure[]> {
  const delivery = await judgeDelivery(stream, ws.samples, SETTLED_SEC);
  const figures: Figure[] = [
    ...streamFigures(stream, delivery),
    limitedFigure("kagami-ws", "initialization-segments", ws.initCount, "1", 1),
    limitedFigure("kagami-hls", "initialization-segments", playlists.maps.size, "1", 1),
    limitedFigure("kagami-hls", "discontinuities", playlists.discontinuityCount, "1", 0),
    limitedFigure("kagami-ws", "left-out-by-server", ws.gapCount, "1", 0),
    plainFigure("kagami", "filter-restarts", restartCount, "1"),
  ];
  for (const mode of ["ws", "hls"] as const) figures.push(...pageFigures(mode, pages[mode], delivery));
  // The tone's last block is half silent in the published file, too.
  const soundToSec = stream.frameCount / stream.fps - 2;
  for (const [path, file] of Object.entries(files)) {
    figures.push(...fileFigures(path, await decodeFile(file, SETTLED_SEC, soundToSec)));
  }
  const { passed, replaced } = await compareLowerHalf(stream, files.ws as string, delivery);
  figures.push(
    {
      ...plainFigure("kagami", "ssim-passed-min", Math.min(...passed), "1"),
      bar: `>= ${EQUAL_SSIM}`,
      pass: passed.every((one) => one >= EQUAL_SSIM),
    },
    plainFigure("kagami", "ssim-replaced-min", Math.min(...replaced), "1"),
    {
      ...plainFigure("kagami", "ssim-replaced-p50", median(replaced), "1"),
      bar: `>= ${SSIM_FLOOR}`,
      pass: median(replaced) >= SSIM_FLOOR,
    },
  );
  return figures;
}

function streamFigures(stream: BannerStream, delivery: Delivery): Figure[] {
  const { firstFrame, isReplaced, switches } = delivery;
  const readable = stream.frames
    .slice(firstFrame, firstFrame + isReplaced.length)
    .map((frame) => frame.readable.length > 0);
  const passedReadable = readable.filter((isReadable, i) => isReadable && isReplaced[i] !== true).length;
  return [
    plainFigure("kagami", "switches", switches.length, "1"),
    plainFigure("kagami", "banners", stream.banners.length, "1"),
    plainFigure("kagami", "pictures", isReplaced.length, "1"),
    plainFigure("kagami", "pictures-replaced", isReplaced.filter((isOurs) => isOurs).length, "1"),
    plainFigure("kagami", "pictures-with-readable-text", readable.filter((isReadable) => isReadable).length, "1"),
    plainFigure("kagami", "of-them-passed-untouched", passedReadable, "1"),
    limitedFigure("kagami", "switches-without-key-frame", delivery.keylessSwitchCount, "1", 0),
    limitedFigure("kagami", "pictures-missing", delivery.missingCount, "1", 0),
    limitedFigure("kagami", "video-gap-max", delivery.videoGapMs, "ms", 1),
    limitedFigure("kagami", "audio-gap-max", delivery.audioGapMs, "ms", 1),
    limitedFigure("kagami", "audio-samples-changed", delivery.changedAudioCount, "1", 0),
  ];
}

function pageFigures(mode: "ws" | "hls", report: PageReport, { switches, firstFrame }: Delivery): Figure[] {
  const peer = `chromium-${mode}`;
  const playing = judgePage(report, switches, firstFrame);
  const { seekCount, gapCount, reconnectCount, fallBacks } = report.player;
  return [
    plainFigure(peer, "pictures-presented", playing.presentedCount, "1"),
    limitedFigure(peer, "stalls", playing.stallCount, "1", 0),
    plainFigure(peer, "stalls-near-a-switch", playing.stallNearCount, "1"),
    limitedFigure(peer, "decode-errors", report.errors.length + fallBacks.length + report.corruptedCount, "1", 0),
    limitedFigure(peer, "pictures-garbled", playing.garbledCount, "1", 0),
    limitedFigure(peer, "pictures-backwards", playing.backwardCount, "1", 0),
    limitedFigure(peer, "reconnects", reconnectCount + gapCount, "1", 0),
    plainFigure(peer, "seeks", seekCount, "1"),
    plainFigure(peer, "sound-listened-to", report.soundBlockCount / 200, "s"),
    limitedFigure(peer, "sound-silent", report.silentBlockCount * 5, "ms", 0),
    plainFigure(peer, "dropped-by-decoder", report.droppedCount, "1"),
    plainFigure(peer, "not-presented-near", playing.missedNearShare * 100, "%"),
    plainFigure(peer, "not-presented-elsewhere", playing.missedElsewhereShare * 100, "%"),
    plainFigure(peer, "gap-near-p99", playing.gapNearP99Ms, "ms"),
    plainFigure(peer, "gap-elsewhere-p99", playing.gapElsewhereP99Ms, "ms"),
    plainFigure(peer, "gap-near-max", playing.gapNearMs, "ms"),
    plainFigure(peer, "gap-elsewhere-max", playing.gapElsewhereMs, "ms"),
  ];
}

function fileFigures(path: string, { pictureCount, complaints, silenceCount }: Decoding): Figure[] {
  const peer = `kagami-${path}`;
  return [
    plainFigure(peer, "pictures-decoded", pictureCount, "1"),
    limitedFigure(peer, "decoder-complaints", complaints.length, "1", 0),
    limitedFigure(peer, "silences", silenceCount, "1", 0),
  ];
}

async function runNode(args: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, args, { cwd: join(ROOT, "web/app"), stdio: ["ignore", "ignore", "inherit"] });
  const code = await new Promise<number | null>((resolve) => child.once("exit", resolve));
  if (code !== 0) throw new Error(`${args[0]} ended with ${code}`);
}
