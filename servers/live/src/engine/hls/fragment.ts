/** One muxed CMAF fragment (`moof` + `mdat`) of one track: a video frame, or a few audio frames. */
export interface HlsFragment {
  /** Kept as it is and handed out; must not be changed afterwards. */
  readonly bytes: Uint8Array;
  readonly kind: "video" | "audio";
  /** Decoding time of its first sample, in microseconds. */
  readonly dtsUs: number;
  readonly durationUs: number;
  /** A video fragment that starts with an IDR picture; every audio fragment. */
  readonly isKey: boolean;
}

/** What the window must know about an initialization segment. */
export interface InitInfo {
  readonly hasVideo: boolean;
  readonly hasAudio: boolean;
  /** Nominal length of a video frame, in microseconds, if the stream says it; else it is measured. */
  readonly frameDurationUs?: number;
}

/** The track whose times make the timeline. */
export function leadKind(hasVideo: boolean): "video" | "audio" {
  return hasVideo ? "video" : "audio";
}

/** How long audio is dropped while a stream with video has not shown a key frame. */
const AUDIO_ALONE_US = 1_000_000;

/**
 * Lets nothing through that no decoder could show: a stream with video starts at a key frame. Audio before it is
 * dropped too, since a segment that starts with sound alone has nothing to seek to; but after a second of sound
 * without any picture (the camera is off) sound goes through alone.
 */
export class StartGate {
  #needsKey = true;
  #firstAudioUs: number | undefined;
  #hasVideo = false;

  reset(hasVideo: boolean): void {
    this.#hasVideo = hasVideo;
    this.#needsKey = hasVideo;
    this.#firstAudioUs = undefined;
  }

  accepts(fragment: HlsFragment): boolean {
    if (fragment.kind === "video") {
      if (!this.#hasVideo) return false;
      if (fragment.isKey) this.#needsKey = false;
      return !this.#needsKey;
    }
    if (!this.#needsKey) return true;
    this.#firstAudioUs ??= fragment.dtsUs;
    return fragment.dtsUs - this.#firstAudioUs >= AUDIO_ALONE_US;
  }
}
