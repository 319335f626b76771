import {
  type AudioConfig,
  audioConfigFromRecord,
  audioFrameDurationUs,
  isMalformed,
  openVideoTrack,
  parseFlvAudio,
  parseFlvVideo,
  type VideoTrack,
} from "@kagami/media";

/** Reads media as ingest does: bodies, then configurations, then frames against the last configuration. */
export class FlvSink {
  #video: VideoTrack | undefined;
  #audio: AudioConfig | undefined;

  /** Returns what became of the body, in a word or two. */
  read(messageType: 8 | 9, body: Uint8Array): string {
    return messageType === 9 ? this.#readVideo(body) : this.#readAudio(body);
  }

  #readVideo(body: Uint8Array): string {
    const event = parseFlvVideo(body);
    if (event.kind === "config") {
      const track = openVideoTrack(event.codec, event.record);
      if (isMalformed(track)) return `video ${track.code}`;
      this.#video = track;
      return "video config";
    }
    if (event.kind !== "frame" || this.#video === undefined) return `video ${event.kind}`;
    const sample = this.#video.normalize(event.data);
    return isMalformed(sample) ? `video ${sample.code}` : "video sample";
  }

  #readAudio(body: Uint8Array): string {
    const event = parseFlvAudio(body);
    if (event.kind === "config") {
      const config = audioConfigFromRecord(event.codec, event.record);
      if (isMalformed(config)) return `audio ${config.code}`;
      this.#audio = config;
      return "audio config";
    }
    if (event.kind !== "frame" || this.#audio === undefined) return `audio ${event.kind}`;
    const durationUs = audioFrameDurationUs(this.#audio, event.data);
    return typeof durationUs === "number" ? "audio sample" : `audio ${durationUs.code}`;
  }
}
