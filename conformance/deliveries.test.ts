import { readFile } from "node:fs/promises";
import { clipArgs, encodeClip, RtmpPeer, startTestServer } from "@kagami/live/testing";
import { parseFlvVideo } from "@kagami/media";
import { runTool, withTempDir } from "@kagami/testkit";
import { expect, test } from "vitest";
import { broadcast, type Delivered, type Publish } from "./support/broadcast.ts";
import { type Decoded, decodeAll, differences } from "./support/decoded.ts";
import { publishMp4, readMp4 } from "./support/mp4-publisher.ts";

const GOP = 25;

/** Every delivery against what the source itself decodes to. */
async function compareAll(
  source: Decoded,
  delivered: Delivered,
  { isEnhanced = false } = {},
): Promise<Record<string, string[]>> {
  const found: Record<string, string[]> = {};
  const late = { missedPictures: GOP };
  if (!isEnhanced) {
    found.rtmp = differences(source, delivered.rtmp);
    found.flv = differences(source, delivered.flv, late);
  }
  found.hls = differences(source, delivered.hls, late);
  found.websocket = differences(source, await decodeAll(delivered.websocket, ["-f", "mp4"]));
  found.recording = differences(source, await decodeAll(delivered.recording, ["-f", "mp4"]));
  return found;
}

const same = { rtmp: [], flv: [], hls: [], websocket: [], recording: [] };

function ffmpegPublisher(flvPath: string): Publish {
  return async ({ url }) => {
    const args = [
      "-hide_banner",
      "-loglevel",
      "error",
      "-nostdin",
      "-re",
      "-i",
      flvPath,
      "-c",
      "copy",
      "-f",
      "flv",
      url,
    ];
    const { exitCode, stderr } = await runTool("ffmpeg", args);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  };
}

test.each([
  { why: "with B-frames", bFrames: 2, sampleRate: 44_100 },
  { why: "without", bFrames: 0, sampleRate: 48_000 },
])(
  "ffmpeg publishes H.264 $why: every delivery shows the same pictures and sounds at the same times",
  async (options) => {
    const { bFrames, sampleRate } = options;
    await withTempDir(async (dir) => {
      const path = `${dir}/source.flv`;
      const args = clipArgs({ seconds: 4, gop: GOP, bFrames, sampleRate });
      expect((await runTool("ffmpeg", ["-v", "error", ...args, "-f", "flv", path])).exitCode).toBe(0);
      const delivered = await broadcast(ffmpegPublisher(path));
      const source = await decodeAll(path);
      expect(source.video).toHaveLength(100);
      expect(await compareAll(source, delivered)).toEqual(same);
      expect(delivered.server.log.filter(({ level }) => level === "error" || level === "warn")).toEqual([]);
    });
  },
);

test("GStreamer publishes H.264: every delivery shows the same pictures and sounds at the same times", async () => {
  await withTempDir(async (dir) => {
    const path = `${dir}/source.flv`;
    const publish: Publish = async ({ url }) => {
      const video = "videotestsrc num-buffers=100 pattern=ball ! video/x-raw,width=160,height=90,framerate=25/1";
      const audio = "audiotestsrc num-buffers=187 samplesperbuffer=1024 ! audio/x-raw,rate=48000,channels=2";
      const pipeline = [
        `${video} ! openh264enc gop-size=${GOP} ! h264parse ! queue ! m.`,
        `${audio} ! avenc_aac aac-pns=false ! aacparse ! queue ! m.`,
        "flvmux name=m streamable=true ! identity sync=true ! tee name=t",
        `t. ! queue ! rtmp2sink location=${url}`,
        `t. ! queue ! filesink location=${path}`,
      ].join(" ");
      const { exitCode, stderr } = await runTool("gst-launch-1.0", ["-q", ...pipeline.split(" ")], {
        debianPackage: "gstreamer1.0-tools",
      });
      expect(exitCode, stderr).toBe(0);
    };
    const delivered = await broadcast(publish);
    const source = await decodeAll(new Uint8Array(await readFile(path)), ["-f", "flv"]);
    expect(source.video.length).toBeGreaterThan(90);
    expect(await compareAll(source, delivered)).toEqual(same);
    expect(delivered.server.events("publisher.noticed")).toEqual([]);
  });
});

test.each([
  {
    codec: "HEVC",
    args: ["-c:v", "libx265", "-tag:v", "hvc1", "-preset", "ultrafast", "-x265-params", "log-level=none:bframes=0"],
  },
  { codec: "AV1", args: ["-c:v", "libsvtav1", "-preset", "12", "-crf", "50"] },
])("Enhanced RTMP carries $codec to every delivery as it came", async ({ args }) => {
  await withTempDir(async (dir) => {
    const path = `${dir}/source.mp4`;
    const picture = ["-f", "lavfi", "-i", "testsrc2=size=160x90:rate=25:duration=3"];
    const sound = ["-f", "lavfi", "-i", "sine=440:sample_rate=48000:duration=3"];
    const fragments = ["-f", "mp4", "-movflags", "frag_keyframe+empty_moov+default_base_moof", path];
    const encoder = [...args, "-pix_fmt", "yuv420p", "-g", String(GOP), "-c:a", "aac", "-aac_pns", "0", "-ac", "2"];
    const made = await runTool("ffmpeg", ["-v", "error", ...picture, ...sound, ...encoder, ...fragments]);
    expect(made.exitCode, made.stderr).toBe(0);
    const file = new Uint8Array(await readFile(path));
    const delivered = await broadcast(publishMp4(file), { isEnhanced: true });
    const source = await decodeAll(file, ["-f", "mp4"]);
    expect(await compareAll(source, delivered, { isEnhanced: true })).toEqual({
      hls: [],
      websocket: [],
      recording: [],
    });
    // ffmpeg 5.1 reads no Enhanced RTMP, so what players are sent is compared byte by byte.
    const pictures = delivered.rtmpMedia.flatMap(({ messageType, payload }) => {
      const event = messageType === 9 ? parseFlvVideo(payload) : undefined;
      return event?.kind === "frame" ? [event.data] : [];
    });
    const published = readMp4(file).samples.flatMap(({ kind, data }) => (kind === "video" ? [data] : []));
    expect(pictures).toEqual(published);
  });
});

test("ffplay and GStreamer play to the end of a broadcast and end without an error", async () => {
  const clip = await encodeClip({ seconds: 3, gop: GOP });
  await withTempDir(async (dir) => {
    const server = await startTestServer(dir, { openPublish: true, graceMs: 100 });
    const publisher = await RtmpPeer.open({ port: server.rtmpPort, name: "game" });
    publisher.send(clip.headers);
    publisher.send(clip.media.slice(0, 5));
    const rtmp = `rtmp://127.0.0.1:${server.rtmpPort}/live/game`;
    const env = { SDL_VIDEODRIVER: "dummy", SDL_AUDIODRIVER: "dummy" };
    const ffplay = (url: string) =>
      runTool("ffplay", ["-v", "error", "-autoexit", url], { env, debianPackage: "ffmpeg" });
    const gst = (source: string) =>
      runTool("gst-launch-1.0", ["-q", ...`${source} ! decodebin name=d d. ! fakesink`.split(" ")], {
        debianPackage: "gstreamer1.0-tools",
      });
    const players = [
      ffplay(rtmp),
      ffplay(`${server.http}/live/game.flv`),
      ffplay(`${server.http}/live/game/index.m3u8`),
      gst(`rtmp2src location=${rtmp}`),
      gst(`souphttpsrc location=${server.http}/live/game.flv`),
    ];
    await publisher.playOut({ headers: [], media: clip.media.slice(5) });
    publisher.leave();
    const ended = await Promise.all(players);
    expect(ended.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0, 0, 0]);
    await server.close();
  });
});
