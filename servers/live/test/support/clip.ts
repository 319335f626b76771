import { readFileSync } from "node:fs";
import { FLV_TAG_AUDIO, FLV_TAG_VIDEO, FlvDemuxer } from "@kagami/media";
import { runTool } from "@kagami/testkit";

/** One message of a publisher. */
export interface ClipMessage {
  readonly messageType: 8 | 9;
  readonly timestampMs: number;
  readonly body: Uint8Array;
}

/** A short stream as a publisher sends it: sequence headers apart from the rest, so that it can be repeated. */
export interface Clip {
  /** The whole FLV file. */
  readonly flv: Uint8Array;
  readonly headers: readonly ClipMessage[];
  readonly media: readonly ClipMessage[];
  /** After which it can be repeated without a hole. */
  readonly durationMs: number;
}

export interface ClipOptions {
  /** 2 if absent. */
  readonly seconds?: number;
  /** 25 if absent. */
  readonly fps?: number;
  /** 160x90 if absent. */
  readonly size?: string;
  /** Pictures from one key frame to the next; `fps` if absent. */
  readonly gop?: number;
  readonly bFrames?: number;
  readonly hasVideo?: boolean;
  readonly hasAudio?: boolean;
  readonly sampleRate?: number;
  readonly channelCount?: number;
  /** Sound is a sine of this pitch; 440 if absent. */
  readonly hertz?: number;
  /** Further arguments of the encoder. */
  readonly encoderArgs?: readonly string[];
  /** A filter of the picture. */
  readonly filter?: string;
}

const made = new Map<string, Promise<Clip>>();

/** Encodes a clip of ffmpeg's test picture and a tone: H.264 and AAC. The same options are encoded once a process. */
export function encodeClip(options: ClipOptions = {}): Promise<Clip> {
  const key = JSON.stringify(options);
  const clip = made.get(key) ?? encode(options);
  made.set(key, clip);
  return clip;
}

async function encode(options: ClipOptions): Promise<Clip> {
  const args = ["-hide_banner", "-loglevel", "error", ...clipArgs(options), "-f", "flv", "pipe:1"];
  const { exitCode, stdoutBytes, stderr } = await runTool("ffmpeg", args);
  if (exitCode !== 0) throw new Error(`ffmpeg could not encode a clip: ${stderr}`);
  return readClip(new Uint8Array(stdoutBytes));
}

/** What ffmpeg must be told to make this clip, up to the output. */
export function clipArgs(options: ClipOptions): string[] {
  const { seconds = 2, fps = 25, size = "160x90", gop = fps, bFrames = 0, sampleRate = 48_000 } = options;
  const { hasVideo = true, hasAudio = true, channelCount = 2, hertz = 440, encoderArgs = [], filter } = options;
  const args: string[] = [];
  if (hasVideo) args.push("-f", "lavfi", "-i", `testsrc2=size=${size}:rate=${fps}:duration=${seconds}`);
  if (hasAudio) args.push("-f", "lavfi", "-i", `sine=${hertz}:sample_rate=${sampleRate}:duration=${seconds}`);
  if (hasVideo) {
    args.push("-c:v", "libx264", "-pix_fmt", "yuv420p", "-threads", "1", "-sc_threshold", "0");
    args.push("-preset", bFrames > 0 ? "veryfast" : "ultrafast", "-bf", String(bFrames), "-g", String(gop));
    if (filter !== undefined) args.push("-vf", filter);
  }
  // Without noise substitution: its decoder draws random numbers, so a late reader would hear other ones.
  if (hasAudio) args.push("-c:a", "aac", "-aac_pns", "0", "-b:a", "64k", "-ac", String(channelCount));
  return [...args, ...encoderArgs];
}

/** Takes an FLV file apart. */
export function readClip(flv: Uint8Array): Clip {
  const messages: ClipMessage[] = [];
  for (const tag of new FlvDemuxer().push(flv)) {
    if (tag.kind === "malformed") throw new Error(tag.message);
    if (tag.kind !== "tag" || (tag.type !== FLV_TAG_AUDIO && tag.type !== FLV_TAG_VIDEO)) continue;
    messages.push({
      messageType: tag.type === FLV_TAG_VIDEO ? 9 : 8,
      timestampMs: tag.timestampMs,
      body: tag.body,
    });
  }
  const media = messages.filter((message) => !isHeader(message) && !isVideoEnd(message));
  const first = media[0]?.timestampMs ?? 0;
  const pictures = media.filter(({ messageType }) => messageType === 9);
  const paced = pictures.length > 0 ? pictures : media;
  const [start, end] = [paced[0]?.timestampMs ?? first, paced.at(-1)?.timestampMs ?? first];
  const durationMs = Math.round(((end - start) * paced.length) / Math.max(1, paced.length - 1));
  return { flv, headers: messages.filter(isHeader), media, durationMs };
}

/** A file of `libs/media/testdata`. */
export function fixtureClip(name: string): Clip {
  return readClip(new Uint8Array(readFileSync(new URL(`../../../../libs/media/testdata/${name}`, import.meta.url))));
}

/** Messages of a clip with their times moved. */
export function shiftMessages(messages: readonly ClipMessage[], byMs: number): ClipMessage[] {
  return messages.map((message) => ({ ...message, timestampMs: message.timestampMs + byMs }));
}

/** A clip several times over, one after the other. */
export function repeatMedia(clip: Clip, count: number): ClipMessage[] {
  return Array.from({ length: count }, (_, i) => shiftMessages(clip.media, i * clip.durationMs)).flat();
}

function isHeader({ messageType, body }: ClipMessage): boolean {
  const head = body[0] ?? 0;
  if (messageType === 8) return head >> 4 === 9 ? (head & 0x0f) === 0 : body[1] === 0;
  return (head & 0x80) !== 0 ? (head & 0x0f) === 0 : body[1] === 0;
}

/** ffmpeg ends a file with an empty picture that says so. */
function isVideoEnd({ messageType, body }: ClipMessage): boolean {
  return messageType === 9 && ((body[0] ?? 0) & 0x80) === 0 && body[1] === 2;
}
