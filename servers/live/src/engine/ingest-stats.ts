import type { Sample } from "@kagami/media";

/** One second of what a publisher sent. */
export interface IngestSecond {
  /** Milliseconds since the Unix epoch of the second's start. */
  readonly atMs: number;
  readonly videoKbps: number;
  readonly audioKbps: number;
  readonly fps: number;
  readonly keyFrameCount: number;
}

interface Bucket {
  second: number;
  videoBytes: number;
  audioBytes: number;
  frameCount: number;
  keyFrameCount: number;
}

export type WarningSeverity = "info" | "warning" | "error";

/** Something that the streamer should know. `code` is API, `message` is for people. */
export interface IngestWarning {
  readonly code: string;
  readonly severity: WarningSeverity;
  readonly message: string;
}

/** Seconds of history kept. */
export const HISTORY_SECONDS = 120;

/** Complete seconds that "now" is averaged over. */
const RECENT_SECONDS = 5;

const GOP_LIMIT_MS = 4_000;
const REBASE_SHOWN_MS = 60_000;

/** Counts what a publisher sends, second by second, and says what is wrong with it. */
export class IngestStats {
  readonly #buckets: Bucket[] = [];
  #gopMs: number | undefined;
  #keyDtsUs: number | undefined;
  #keyAtMs: number | undefined;
  #videoStartedAtMs: number | undefined;
  #rebasedAtMs = Number.NEGATIVE_INFINITY;
  #hasReordering = false;

  onSample(sample: Sample, nowMs: number): void {
    const bucket = this.#bucketAt(nowMs);
    if (sample.kind === "audio") {
      bucket.audioBytes += sample.data.length;
      return;
    }
    bucket.videoBytes += sample.data.length;
    bucket.frameCount++;
    this.#videoStartedAtMs ??= nowMs;
    if (!sample.isKey) return;
    bucket.keyFrameCount++;
    if (this.#keyDtsUs !== undefined) this.#gopMs = (sample.dtsUs - this.#keyDtsUs) / 1000;
    this.#keyDtsUs = sample.dtsUs;
    this.#keyAtMs = nowMs;
  }

  /** Pictures arrive in another order than they are shown in (B-frames). */
  onReordering(): void {
    this.#hasReordering = true;
  }

  onRebase(nowMs: number): void {
    this.#rebasedAtMs = nowMs;
  }

  get hasReordering(): boolean {
    return this.#hasReordering;
  }

  /** Media time between the two latest key frames, in milliseconds. */
  get gopMs(): number | undefined {
    return this.#gopMs;
  }

  keyFrameAgeMs(nowMs: number): number | undefined {
    return this.#keyAtMs === undefined ? undefined : Math.max(0, nowMs - this.#keyAtMs);
  }

  /** The complete seconds of the last two minutes, oldest first; seconds in which nothing came are there as zeros. */
  history(nowMs: number): IngestSecond[] {
    const nowSecond = Math.floor(nowMs / 1000);
    const first = Math.max(this.#buckets[0]?.second ?? nowSecond, nowSecond - HISTORY_SECONDS);
    const bySecond = new Map(this.#buckets.map((bucket) => [bucket.second, bucket]));
    return Array.from({ length: nowSecond - first }, (_, i) => describe(first + i, bySecond.get(first + i)));
  }

  /** Averages over the last five complete seconds. */
  recent(nowMs: number): { fps: number; videoKbps: number; audioKbps: number } {
    const seconds = this.history(nowMs).slice(-RECENT_SECONDS);
    const mean = (pick: (second: IngestSecond) => number) =>
      seconds.length === 0 ? 0 : seconds.reduce((sum, second) => sum + pick(second), 0) / seconds.length;
    return {
      fps: Math.round(mean((second) => second.fps) * 10) / 10,
      videoKbps: Math.round(mean((second) => second.videoKbps)),
      audioKbps: Math.round(mean((second) => second.audioKbps)),
    };
  }

  warnings(stream: StreamOutline, nowMs: number): IngestWarning[] {
    if (!stream.isLive) return [];
    const found = stream.isInterrupted ? [PUBLISHER_AWAY] : [...this.#trackWarnings(stream, nowMs)];
    found.push(...this.#keyFrameWarnings(stream, nowMs));
    if (nowMs - this.#rebasedAtMs < REBASE_SHOWN_MS) found.push(TIMESTAMPS_REBASED);
    return found;
  }

  #trackWarnings(stream: StreamOutline, nowMs: number): IngestWarning[] {
    const found: IngestWarning[] = [];
    const { videoKbps } = this.recent(nowMs);
    const seconds = this.history(nowMs).slice(-RECENT_SECONDS);
    if (!stream.hasAudio) found.push(NO_AUDIO);
    if (!stream.hasVideo) found.push(NO_VIDEO);
    if (this.#hasReordering) found.push(REORDERING);
    if (stream.videoCodec !== undefined && stream.videoCodec !== "h264") found.push(codecWarning(stream.videoCodec));
    if (stream.hasVideo && seconds.length === RECENT_SECONDS) {
      if (videoKbps < 300) found.push(bitrateLow(videoKbps));
      if (videoKbps > 12_000) found.push(bitrateHigh(videoKbps));
      const rates = seconds.map((second) => second.fps);
      const spread = Math.max(...rates) - Math.min(...rates);
      if (spread > Math.max(4, 0.25 * Math.max(...rates))) found.push(frameRateUnsteady(rates));
    }
    return found;
  }

  #keyFrameWarnings(stream: StreamOutline, nowMs: number): IngestWarning[] {
    if (!stream.hasVideo || stream.isInterrupted) return [];
    const sinceMs = nowMs - (this.#keyAtMs ?? this.#videoStartedAtMs ?? nowMs);
    const limitMs = Math.max(2 * (this.#gopMs ?? 0), 2 * GOP_LIMIT_MS);
    if (sinceMs > limitMs) return [keyFramesMissing(sinceMs)];
    return this.#gopMs !== undefined && this.#gopMs > GOP_LIMIT_MS ? [keyFramesRare(this.#gopMs)] : [];
  }

  #bucketAt(nowMs: number): Bucket {
    const second = Math.floor(nowMs / 1000);
    const last = this.#buckets.at(-1);
    // A wall clock that was set back goes on filling the last bucket until it has caught up.
    if (last && last.second >= second) return last;
    const bucket = { second, videoBytes: 0, audioBytes: 0, frameCount: 0, keyFrameCount: 0 };
    this.#buckets.push(bucket);
    if (this.#buckets.length > HISTORY_SECONDS + 1) this.#buckets.shift();
    return bucket;
  }
}

/** What the warnings must know of the stream. */
export interface StreamOutline {
  readonly isLive: boolean;
  readonly isInterrupted: boolean;
  readonly hasVideo: boolean;
  readonly hasAudio: boolean;
  readonly videoCodec: string | undefined;
}

function describe(second: number, bucket: Bucket | undefined): IngestSecond {
  const kbps = (bytes: number | undefined) => Math.round(((bytes ?? 0) * 8) / 1000);
  return {
    atMs: second * 1000,
    videoKbps: kbps(bucket?.videoBytes),
    audioKbps: kbps(bucket?.audioBytes),
    fps: bucket?.frameCount ?? 0,
    keyFrameCount: bucket?.keyFrameCount ?? 0,
  };
}

const PUBLISHER_AWAY: IngestWarning = {
  code: "PUBLISHER_AWAY",
  severity: "error",
  message: "The encoder is disconnected. Viewers stay for a few seconds; connect again with the same key",
};
const TIMESTAMPS_REBASED: IngestWarning = {
  code: "TIMESTAMPS_REBASED",
  severity: "info",
  message: "The encoder's clock jumped. The timeline was joined on; check the encoder if this happens often",
};
const NO_AUDIO: IngestWarning = {
  code: "NO_AUDIO",
  severity: "info",
  message: "No sound is sent. Switch on AAC audio in the encoder unless this is meant",
};
const NO_VIDEO: IngestWarning = {
  code: "NO_VIDEO",
  severity: "warning",
  message: "No picture is sent. Check the encoder's video settings unless this is meant",
};
const REORDERING: IngestWarning = {
  code: "REORDERING",
  severity: "warning",
  message: "The encoder uses B-frames, which delay every picture. Set B-frames to 0, or tune for zero latency",
};

function codecWarning(codec: string): IngestWarning {
  const message = `Not every browser plays ${codec.toUpperCase()}. Use H.264 to reach all viewers`;
  return { code: "CODEC_NOT_UNIVERSAL", severity: "info", message };
}

function bitrateLow(kbps: number): IngestWarning {
  const message = `Only ${kbps} kbit/s of video arrive; the picture will look coarse. Raise the bitrate, or check the uplink`;
  return { code: "BITRATE_LOW", severity: "warning", message };
}

function bitrateHigh(kbps: number): IngestWarning {
  const message = `${kbps} kbit/s of video is more than many viewers can receive. 2,000 to 6,000 is usual`;
  return { code: "BITRATE_HIGH", severity: "warning", message };
}

function frameRateUnsteady(rates: readonly number[]): IngestWarning {
  const message = `The frame rate moves between ${Math.min(...rates)} and ${Math.max(...rates)} fps. The device or the uplink may be overloaded`;
  return { code: "FRAME_RATE_UNSTEADY", severity: "warning", message };
}

function keyFramesRare(gopMs: number): IngestWarning {
  const seconds = Math.round(gopMs / 100) / 10;
  const message = `Key frames come every ${seconds} s: viewers that join or fall behind will wait. Set the key frame interval to 2 s`;
  return { code: "KEY_FRAMES_RARE", severity: "warning", message };
}

function keyFramesMissing(sinceMs: number): IngestWarning {
  const seconds = Math.round(sinceMs / 1000);
  const message = `No key frame for ${seconds} s: nobody can join. Set the key frame interval to 2 s`;
  return { code: "KEY_FRAMES_MISSING", severity: "error", message };
}
