import { mkdir, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { FlvDemuxer, parseFlvAudio, parseFlvVideo } from "@kagami/media";
import { runTool } from "@kagami/testkit";
import { MARKER_BYTES } from "./marker.ts";

/** What a bench publishes. */
export interface MediaSpec {
  readonly width: number;
  readonly height: number;
  readonly fps: number;
  readonly videoKbps: number;
  /** Pictures from one key frame to the next. */
  readonly gopFrames: number;
  /** Length before it starts over; the clock goes on. */
  readonly seconds: number;
}

/** 2.1 Mbit/s with the sound: what a phone or OBS sends for 720p. */
export const PHONE_MEDIA: MediaSpec = {
  width: 1280,
  height: 720,
  fps: 30,
  videoKbps: 2000,
  gopFrames: 60,
  seconds: 16,
};

/** Few key frames, so that what is kept for newcomers is large. */
export const BIG_GOP_MEDIA: MediaSpec = {
  width: 1280,
  height: 720,
  fps: 30,
  videoKbps: 3000,
  gopFrames: 300,
  seconds: 20,
};

/** For runs that only show that a scenario works. */
export const SMOKE_MEDIA: MediaSpec = { width: 320, height: 180, fps: 30, videoKbps: 300, gopFrames: 30, seconds: 4 };

/** The body of one RTMP message, with room for a marker. */
export interface MarkedBody {
  readonly body: Buffer;
  readonly markerOffset: number;
  readonly isKey: boolean;
}

/** Messages ready to be sent again and again. */
export interface Media {
  readonly fps: number;
  readonly videoHeader: Uint8Array;
  readonly audioHeader: Uint8Array;
  readonly video: readonly MarkedBody[];
  readonly audio: readonly MarkedBody[];
}

export const AUDIO_SAMPLE_RATE = 48_000;
export const AUDIO_FRAME_SAMPLES = 1024;

const AUDIO_KBPS = 100;
const CACHE_DIRECTORY = join(import.meta.dirname, "..", "..", "..", ".cache", "bench");

/** Encodes the media with ffmpeg, once: the file is kept in `.cache/bench`. @returns Its path. */
export async function encodeMedia(spec: MediaSpec): Promise<string> {
  const { width, height, fps, videoKbps, gopFrames, seconds } = spec;
  const name = `${width}x${height}-${fps}fps-${videoKbps}k-gop${gopFrames}-${seconds}s.flv`;
  const path = join(CACHE_DIRECTORY, name);
  const isThere = await readFile(path).then(
    () => true,
    () => false,
  );
  if (isThere) return path;
  await mkdir(CACHE_DIRECTORY, { recursive: true });
  const temporary = `${path}.${process.pid}.part`;
  const rate = ["-b:v", `${videoKbps}k`, "-maxrate", `${videoKbps}k`, "-bufsize", `${videoKbps}k`];
  const gop = ["-g", String(gopFrames), "-keyint_min", String(gopFrames), "-sc_threshold", "0", "-bf", "0"];
  // Noise keeps the encoder at its bit rate: a test picture alone would fall far below it.
  const picture = `testsrc2=size=${width}x${height}:rate=${fps},noise=alls=12:allf=t`;
  const input = ["-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", `anoisesrc=r=${AUDIO_SAMPLE_RATE}:a=0.2`];
  const codec = ["-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", ...rate, ...gop];
  const sound = ["-c:a", "aac", "-ac", "2", "-b:a", `${AUDIO_KBPS}k`];
  const args = ["-v", "error", "-y", ...input, "-t", String(seconds), ...codec, ...sound, "-f", "flv", temporary];
  const { exitCode, stderr } = await runTool("ffmpeg", args, { timeoutMs: 120_000 });
  if (exitCode !== 0) throw new Error(`ffmpeg could not encode the bench's media (code ${exitCode}): ${stderr}`);
  await rename(temporary, path);
  return path;
}

/** Reads media that {@link encodeMedia} made and makes room for markers. */
export async function loadMedia(path: string, fps: number): Promise<Media> {
  let videoHeader: Uint8Array | undefined;
  let audioHeader: Uint8Array | undefined;
  const video: MarkedBody[] = [];
  const audio: MarkedBody[] = [];
  for (const tag of new FlvDemuxer().push(await readFile(path))) {
    if (tag.kind !== "tag") continue;
    const event = tag.type === 9 ? parseFlvVideo(tag.body) : tag.type === 8 ? parseFlvAudio(tag.body) : undefined;
    if (event?.kind === "config" && tag.type === 9) videoHeader = tag.body;
    else if (event?.kind === "config") audioHeader = tag.body;
    else if (event?.kind === "frame" && tag.type === 9) video.push(markedVideo(event.isKey, event.data));
    else if (event?.kind === "frame") audio.push(markedAudio(event.data));
  }
  if (!videoHeader || !audioHeader || !video[0]?.isKey) throw new Error(`${path} is not the bench's media. Remove it`);
  return { fps, videoHeader, audioHeader, video, audio };
}

const SEI_NAL = 6;
const USER_DATA_UNREGISTERED = 5;
const UUID = Buffer.from("kagami-bench-uid", "latin1");

/** H.264 §7.3.2.3, §D.1.7: an SEI message with the marker before the slices; everything else is left out. */
function markedVideo(isKey: boolean, data: Uint8Array): MarkedBody {
  const slices = slicesOf(data);
  const seiBytes = 3 + UUID.length + MARKER_BYTES + 1;
  const head = Buffer.alloc(5 + 4 + seiBytes);
  head.set([isKey ? 0x17 : 0x27, 1, 0, 0, 0]);
  head.writeUInt32BE(seiBytes, 5);
  head.set([SEI_NAL, USER_DATA_UNREGISTERED, UUID.length + MARKER_BYTES], 9);
  UUID.copy(head, 12);
  head[head.length - 1] = 0x80; // rbsp_trailing_bits
  return { body: Buffer.concat([head, ...slices]), markerOffset: 12 + UUID.length, isKey };
}

/** Slices with their four bytes of length. Filler and parameter sets would be dropped by some servers and not by others. */
function slicesOf(data: Uint8Array): Uint8Array[] {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const slices: Uint8Array[] = [];
  for (let at = 0; at + 4 < data.length; ) {
    const end = at + 4 + view.getUint32(at);
    const type = (data[at + 4] as number) & 0x1f;
    if (type === 1 || type === 5) slices.push(data.subarray(at, end));
    at = end;
  }
  return slices;
}

/** ISO 14496-3 §4.4.2.7: a data stream element in front, of whole bytes, so the frame behind it need not be shifted. */
function markedAudio(data: Uint8Array): MarkedBody {
  const head = Buffer.alloc(2 + 2 + MARKER_BYTES);
  head.set([0xaf, 1, 0b1000_0000, MARKER_BYTES]);
  return { body: Buffer.concat([head, data]), markerOffset: 4, isKey: false };
}
