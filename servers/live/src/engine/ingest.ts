import { equalBytes } from "@kagami/bytes";
import {
  type AudioCodec,
  type AudioConfig,
  audioConfigFromRecord,
  audioFrameDurationUs,
  type FlvConfig,
  type FlvEvent,
  type FlvFrame,
  type FlvTrackEvent,
  type Malformed,
  openVideoTrack,
  parseAvcRecord,
  parseAvcSps,
  parseFlvAudio,
  parseFlvVideo,
  rewriteReorderLimit,
  type Sample,
  type VideoCodec,
  type VideoConfig,
  type VideoTrack,
} from "@kagami/media";
import { silentFrame } from "./silence.ts";
import { Timeline } from "./timeline.ts";
import { AudioClock, VideoClock } from "./track-clocks.ts";

/** Something worth a line in the log, once per publisher; `code` is API. */
export type IngestNoticeCode =
  | "TIMESTAMPS_REBASED"
  | "REORDERING"
  | "SILENCE_FILLED"
  | "AUDIO_OVERLAP"
  | "CODEC_UNSUPPORTED"
  | "EXTRA_TRACKS"
  | "FRAME_BEFORE_CONFIG";

export type IngestEvent =
  /** Decoders need this from the next sample on: at the start, and whenever a codec or a size changes. */
  | { readonly kind: "tracks"; readonly video: VideoConfig | undefined; readonly audio: AudioConfig | undefined }
  | { readonly kind: "sample"; readonly sample: Sample }
  | { readonly kind: "notice"; readonly code: IngestNoticeCode; readonly message: string }
  /** A message that could not be read. The stream goes on without it. */
  | { readonly kind: "refused"; readonly reason: Malformed };

interface VideoInput {
  readonly codec: VideoCodec;
  readonly track: VideoTrack;
  /** The encoder says nothing of reordering, so the parameter sets are told to say that there is none. */
  isReorderLimitAssumed: boolean;
}

interface AudioInput {
  readonly config: AudioConfig;
  readonly silence: Uint8Array | undefined;
  /** Length of every frame in microseconds, where the format fixes it (AAC); Opus packets say theirs. */
  readonly fixedFrameUs: number | undefined;
  frameUs: number;
  clock: AudioClock | undefined;
  /** Position of the first picture since sound was last heard, in microseconds. */
  unheardSinceUs: number | undefined;
  /** Silence put in since sound was last heard, in microseconds. */
  filledUs: number;
}

/** Pictures without any sound between them, for this long, mean that sound has stopped, in microseconds. */
const SOUND_PATIENCE_US = 1_000_000;

/** The most silence put in at one picture, in microseconds. */
const FILL_LIMIT_US = 3_000_000;

/** A publisher that returns has this long to announce what it sends, in microseconds of media. */
const ANNOUNCE_LIMIT_US = 1_000_000;

/**
 * Turns a publisher's messages into samples on the broadcast's timeline. Outlives its publishers: one that returns
 * continues the timeline.
 *
 * What it promises of its samples: decoding times do not go back within a track; the first video sample after a start,
 * a return or a change of tracks is a key frame; audio frames neither overlap nor leave holes that could be filled. Sound
 * that was announced and does not come is silence, since a browser waits for every track that it was promised.
 */
export class Ingest {
  readonly #timeline = new Timeline();
  readonly #videoClock = new VideoClock();
  #video: VideoInput | undefined;
  #audio: AudioInput | undefined;
  #audioClock: AudioClock | undefined;
  #videoConfig: VideoConfig | undefined;
  #isAwaitingKey = true;
  #lastPtsUs = Number.NEGATIVE_INFINITY;
  /** Whether the present publisher has sent anything of the track; else its config is the former one's. */
  readonly #isAnnounced = { video: false, audio: false };
  /** Position of the present publisher's first frame. */
  #startUs: number | undefined;
  readonly #noticed = new Set<IngestNoticeCode>();

  get videoConfig(): VideoConfig | undefined {
    return this.#videoConfig;
  }

  get audioConfig(): AudioConfig | undefined {
    return this.#audio?.config;
  }

  /** Another publisher takes over, or the same one returns. */
  restart(): void {
    this.#timeline.restart();
    this.#video = undefined;
    this.#isAwaitingKey = true;
    this.#lastPtsUs = Number.NEGATIVE_INFINITY;
    this.#isAnnounced.video = false;
    this.#isAnnounced.audio = false;
    this.#startUs = undefined;
    if (this.#audio) forgetSilence(this.#audio);
    this.#noticed.clear();
  }

  /**
   * Takes the body of a video message.
   *
   * @param timestampMs As on the wire: unsigned 32 bits, wrapping.
   */
  onVideo(body: Uint8Array, timestampMs: number): IngestEvent[] {
    const out: IngestEvent[] = [];
    const event = this.#firstTrack(parseFlvVideo(body), out);
    if (event?.kind === "config") this.#openVideo(event, out);
    else if (event?.kind === "frame") this.#videoFrame(event, timestampMs, out);
    return out;
  }

  /** Takes the body of an audio message; `timestampMs` as for video. */
  onAudio(body: Uint8Array, timestampMs: number): IngestEvent[] {
    const out: IngestEvent[] = [];
    const event = this.#firstTrack(parseFlvAudio(body), out);
    if (event?.kind === "config") this.#openAudio(event, out);
    else if (event?.kind === "frame") this.#audioFrame(event, timestampMs, out);
    return out;
  }

  /** The config or frame of the first track; everything else is dealt with here. */
  #firstTrack<Codec extends VideoCodec | AudioCodec>(
    event: FlvEvent<Codec>,
    out: IngestEvent[],
  ): FlvConfig<Codec> | FlvFrame<Codec> | undefined {
    let first: FlvTrackEvent<Codec> | undefined = event.kind === "multitrack" ? undefined : event;
    if (event.kind === "multitrack") {
      first = event.tracks.find((track) => track.kind !== "malformed" && track.trackId === 0) ?? event.tracks[0];
      if (event.tracks.length > 1) this.#notice("EXTRA_TRACKS", "Only the first track of each kind is used", out);
    }
    if (first === undefined) return undefined;
    if (first.kind === "config" || first.kind === "frame") {
      if (first.trackId === 0 || event.kind === "multitrack") return first;
      this.#notice("EXTRA_TRACKS", "Only the first track of each kind is used", out);
    } else if (first.kind === "malformed") {
      out.push({ kind: "refused", reason: first });
    } else if (first.kind === "ignored" && first.reason === "unsupported-codec") {
      const mend = "send H.264, H.265, AV1 or VP9 with AAC or Opus";
      this.#notice("CODEC_UNSUPPORTED", `Codec "${first.codecName}" is not carried; ${mend}`, out);
    }
    return undefined;
  }

  #openVideo({ codec, record }: FlvConfig<VideoCodec>, out: IngestEvent[]): void {
    const track = openVideoTrack(codec, record);
    if (track.kind === "malformed") {
      out.push({ kind: "refused", reason: track });
      return;
    }
    this.#isAnnounced.video = true;
    this.#video = { codec, track, isReorderLimitAssumed: lacksReorderLimit(track.config) };
    this.#setVideoConfig(this.#video, out);
  }

  #setVideoConfig(video: VideoInput, out: IngestEvent[]): void {
    const rewritten = video.isReorderLimitAssumed ? rewriteReorderLimit(video.track.config, 0) : video.track.config;
    // A parameter set that cannot be rewritten is passed on as it came: decoders may still take it.
    const config = rewritten.kind === "malformed" ? video.track.config : rewritten;
    if (this.#videoConfig && isSameConfig(this.#videoConfig, config)) return;
    this.#videoConfig = config;
    this.#isAwaitingKey = true;
    out.push({ kind: "tracks", video: config, audio: this.#audio?.config });
  }

  #videoFrame(frame: FlvFrame<VideoCodec>, timestampMs: number, out: IngestEvent[]): void {
    const video = this.#video;
    if (!video || video.codec !== frame.codec) {
      this.#notice("FRAME_BEFORE_CONFIG", "Pictures came before their sequence header; they are left out", out);
      return;
    }
    const normalized = video.track.normalize(frame.data);
    if (normalized.kind === "malformed") {
      out.push({ kind: "refused", reason: normalized });
      return;
    }
    if (normalized.changedConfig) {
      video.isReorderLimitAssumed = lacksReorderLimit(normalized.changedConfig);
      this.#setVideoConfig(video, out);
    }
    if (normalized.data.length === 0) return;
    if (this.#isAwaitingKey && !normalized.isKey) return;
    // Now, and not when reordering was seen: a new initialization segment starts at a key frame.
    if (normalized.isKey) this.#setVideoConfig(video, out);
    this.#isAwaitingKey = false;

    const position = this.#timeline.map("video", timestampMs);
    if (position.wasRebased) this.#notice("TIMESTAMPS_REBASED", `The clock jumped at ${timestampMs} ms`, out);
    if (normalized.isKey && this.#isOverdue("audio", position.dtsUs)) {
      this.#audio = undefined;
      out.push({ kind: "tracks", video: this.#videoConfig, audio: undefined });
    }
    this.#fillUnheard(position.dtsUs, out);
    const ptsUs = Math.max(0, position.dtsUs + frame.compositionTimeMs * 1000 + frame.timestampOffsetNs / 1000);
    if (normalized.isKey) this.#lastPtsUs = Number.NEGATIVE_INFINITY;
    if (ptsUs < this.#lastPtsUs) {
      this.#notice("REORDERING", "The encoder reorders pictures (B-frames), which adds latency", out);
      video.isReorderLimitAssumed = false;
    }
    this.#lastPtsUs = Math.max(this.#lastPtsUs, ptsUs);
    const { dtsUs, durationUs } = this.#videoClock.next(position.dtsUs);
    const { data, isKey } = normalized;
    out.push({ kind: "sample", sample: { kind: "video", dtsUs, ptsUs, durationUs, isKey, data } });
  }

  #openAudio({ codec, record }: FlvConfig<AudioCodec>, out: IngestEvent[]): void {
    const config = audioConfigFromRecord(codec, record);
    if (config.kind === "malformed") {
      out.push({ kind: "refused", reason: config });
      return;
    }
    this.#isAnnounced.audio = true;
    if (this.#audio && isSameConfig(this.#audio.config, config)) return;
    const silence = silentFrame(config);
    const fixedFrameUs = fixedFrameDurationUs(config);
    this.#audio = {
      config,
      silence,
      fixedFrameUs,
      frameUs: 0,
      clock: undefined,
      unheardSinceUs: undefined,
      filledUs: 0,
    };
    // A new initialization segment starts at a key frame, or nobody could decode what follows it.
    if (this.#videoConfig) this.#isAwaitingKey = true;
    out.push({ kind: "tracks", video: this.#videoConfig, audio: config });
  }

  #audioFrame(frame: FlvFrame<AudioCodec>, timestampMs: number, out: IngestEvent[]): void {
    const audio = this.#audio;
    if (!audio || audio.config.codec !== frame.codec) {
      this.#notice("FRAME_BEFORE_CONFIG", "Sound came before its sequence header; it is left out", out);
      return;
    }
    const frameUs = audio.fixedFrameUs ?? audioFrameDurationUs(audio.config, frame.data);
    if (typeof frameUs !== "number") {
      out.push({ kind: "refused", reason: frameUs });
      return;
    }
    this.#isAnnounced.audio = true;
    forgetSilence(audio);
    const clock = this.#clockOf(audio, frameUs);
    const position = this.#timeline.map("audio", timestampMs);
    if (position.wasRebased) this.#notice("TIMESTAMPS_REBASED", `The clock jumped at ${timestampMs} ms`, out);
    if (this.#isOverdue("video", position.dtsUs)) {
      this.#videoConfig = undefined;
      out.push({ kind: "tracks", video: undefined, audio: audio.config });
    }
    const timing = clock.next(position.dtsUs);
    if (timing.kind === "drop") {
      this.#notice("AUDIO_OVERLAP", "Sound came twice for the same time; the second is left out", out);
      return;
    }
    if (timing.silenceCount > 0) this.#fillSilence(audio, timing.dtsUs, timing.silenceCount, out);
    out.push(audioSample(timing.dtsUs, frameUs, frame.data));
  }

  #fillSilence({ silence, frameUs }: AudioInput, untilUs: number, count: number, out: IngestEvent[]): void {
    if (!silence) return;
    this.#notice("SILENCE_FILLED", "Sound is missing in between; silence was put in its place", out);
    for (let i = count; i > 0; i--) out.push(audioSample(Math.round(untilUs - i * frameUs), frameUs, silence));
  }

  /** A publisher has come back without a track that there was before: nobody may wait for it. */
  #isOverdue(kind: "video" | "audio", dtsUs: number): boolean {
    this.#startUs ??= dtsUs;
    const isKnown = kind === "video" ? this.#videoConfig !== undefined : this.#audio !== undefined;
    return isKnown && !this.#isAnnounced[kind] && dtsUs - this.#startUs >= ANNOUNCE_LIMIT_US;
  }

  /** Puts in silence up to a picture when sound has stopped coming; it keeps its distance to the picture. */
  #fillUnheard(videoUs: number, out: IngestEvent[]): void {
    const audio = this.#audio;
    const frameUs = audio?.fixedFrameUs;
    if (!audio?.silence || frameUs === undefined) return;
    audio.unheardSinceUs ??= videoUs;
    const missingUs = videoUs - audio.unheardSinceUs - audio.filledUs;
    if (missingUs < frameUs || (audio.filledUs === 0 && missingUs < SOUND_PATIENCE_US)) return;
    const count = Math.floor(Math.min(missingUs, FILL_LIMIT_US) / frameUs);
    audio.filledUs += count * frameUs;
    const untilUs = this.#clockOf(audio, frameUs).skip(count, audio.unheardSinceUs);
    this.#fillSilence(audio, untilUs, count, out);
  }

  /** Sound of another format, or of frames of another length, goes on where the sound before it ended. */
  #clockOf(audio: AudioInput, frameUs: number): AudioClock {
    if (!audio.clock || audio.frameUs !== frameUs) {
      audio.clock = new AudioClock(frameUs, this.#audioClock?.endUs);
      audio.frameUs = frameUs;
      this.#audioClock = audio.clock;
    }
    return audio.clock;
  }

  #notice(code: IngestNoticeCode, message: string, out: IngestEvent[]): void {
    if (this.#noticed.has(code)) return;
    this.#noticed.add(code);
    out.push({ kind: "notice", code, message });
  }
}

/** `undefined` where each frame says its length, or the configuration cannot be read. */
function fixedFrameDurationUs(config: AudioConfig): number | undefined {
  const frameUs = config.codec === "aac" ? audioFrameDurationUs(config, new Uint8Array()) : undefined;
  return typeof frameUs === "number" ? frameUs : undefined;
}

function forgetSilence(audio: AudioInput): void {
  audio.unheardSinceUs = undefined;
  audio.filledUs = 0;
}

function audioSample(dtsUs: number, frameUs: number, data: Uint8Array): IngestEvent {
  const durationUs = Math.round(frameUs);
  return { kind: "sample", sample: { kind: "audio", dtsUs, ptsUs: dtsUs, durationUs, isKey: true, data } };
}

function isSameConfig(a: VideoConfig | AudioConfig, b: VideoConfig | AudioConfig): boolean {
  return a.codec === b.codec && a.codecString === b.codecString && equalBytes(a.record, b.record);
}

function lacksReorderLimit(config: VideoConfig): boolean {
  if (config.codec !== "h264") return false;
  const record = parseAvcRecord(config.record);
  if ("kind" in record) return false;
  return record.sps.some((nal) => {
    const sps = parseAvcSps(nal);
    return !("kind" in sps) && sps.vui?.bitstreamRestriction === undefined;
  });
}
