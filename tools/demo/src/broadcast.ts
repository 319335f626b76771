import type { AudioConfig, Sample, VideoConfig } from "@kagami/media";
import { AacEncoder } from "./aac/encoder.ts";
import { FRAME_LENGTH } from "./aac/mdct.ts";
import { H264Encoder } from "./h264/encoder.ts";
import { Game } from "./scene/game.ts";
import { GameScene } from "./scene/scene.ts";
import { Sound } from "./scene/sound.ts";

export interface DemoBroadcastOptions {
  /** Chooses the course, the melody and nothing else; 1 by default. */
  readonly seed?: number;
  /** Pixels; even, 176 to 4096. 720 by default. */
  readonly width?: number;
  /** Pixels; even, 256 to 4096. 1280 by default. */
  readonly height?: number;
  /** Pictures a second; whole, 1 to 120. 30 by default. */
  readonly fps?: number;
  /** Target for video; 1200 by default. */
  readonly bitrateKbps?: number;
  /** Seconds from one key frame to the next; 2 by default. */
  readonly keyIntervalS?: number;
  /** Draws the frame counter that `readFrameCounter` reads; off by default. */
  readonly counter?: boolean;
  /** `false` leaves sound out. */
  readonly audio?: false | DemoAudioOptions;
}

export interface DemoAudioOptions {
  /** Hz; 48000 by default. */
  readonly sampleRate?: 44_100 | 48_000;
  /** 2 by default. */
  readonly channelCount?: 1 | 2;
  /** Target; 96 by default. */
  readonly bitrateKbps?: number;
  /** A 1 kHz beep of 60 ms at each whole second instead of music, to measure how far sound and picture are apart. */
  readonly beepOnly?: boolean;
}

/** An endless broadcast, as fast as it is asked for: pure, and the same bytes from the same options. */
export interface DemoBroadcast extends Iterable<Sample> {
  readonly video: VideoConfig;
  /** Pictures a second. */
  readonly fps: number;
  readonly audio: AudioConfig | undefined;
  /** The next sample of either track: decoding times never go back, pictures come before sound of the same time. */
  next(): Sample;
}

/**
 * Makes the demo broadcast: a phone's screen with a game that plays itself, and its sound.
 *
 * Timestamps start at 0. Sound and picture are made from the same game, so they agree to the sample.
 *
 * @throws RangeError if an option is out of its range.
 */
export function createDemoBroadcast(options: DemoBroadcastOptions = {}): DemoBroadcast {
  const videoTrack = new VideoTrack(options);
  const audioTrack = options.audio === false ? undefined : new AudioTrack(options, options.audio ?? {});
  const next = (): Sample => {
    if (audioTrack !== undefined && audioTrack.nextUs < videoTrack.nextUs) return audioTrack.next();
    return videoTrack.next();
  };
  return {
    video: videoTrack.config,
    fps: videoTrack.fps,
    audio: audioTrack?.config,
    next,
    *[Symbol.iterator]() {
      for (;;) yield next();
    },
  };
}

/** Microseconds at which unit number `count` starts, rounded from the exact time so that errors never add up. */
function timeUs(count: number, unitsPerSecond: number): number {
  return Math.round((count * 1_000_000) / unitsPerSecond);
}

class VideoTrack {
  readonly config: VideoConfig;
  readonly fps: number;
  readonly #scene: GameScene;
  readonly #encoder: H264Encoder;
  #count = 0;

  constructor(options: DemoBroadcastOptions) {
    const { seed = 1, width = 720, height = 1280, fps = 30, bitrateKbps = 1200, keyIntervalS = 2 } = options;
    this.fps = fps;
    const gopLength = Math.max(1, Math.round(keyIntervalS * fps));
    this.#encoder = new H264Encoder({ width, height, fps, bitrateKbps, gopLength });
    this.#scene = new GameScene({ seed, width, height, fps, counter: options.counter ?? false });
    const { codecString, record } = this.#encoder;
    this.config = { kind: "video", codec: "h264", codecString, width, height, record };
  }

  get nextUs(): number {
    return timeUs(this.#count, this.fps);
  }

  next(): Sample {
    const vectors = this.#scene.next();
    const { data, isKey } = this.#encoder.encode(this.#scene.picture, vectors);
    const dtsUs = this.nextUs;
    this.#count++;
    return { kind: "video", dtsUs, ptsUs: dtsUs, durationUs: this.nextUs - dtsUs, isKey, data };
  }
}

class AudioTrack {
  readonly config: AudioConfig;
  readonly #sampleRate: number;
  readonly #sound: Sound;
  readonly #encoder: AacEncoder;
  /** Runs ahead of the one that is drawn, to say what will be heard. */
  readonly #game: Game;
  #first: Float32Array[];
  #second: Float32Array[];
  #count = 0;

  constructor(options: DemoBroadcastOptions, audio: DemoAudioOptions) {
    const { seed = 1, fps = 30 } = options;
    const { sampleRate = 48_000, channelCount = 2, bitrateKbps = 96, beepOnly = false } = audio;
    this.#sampleRate = sampleRate;
    this.#game = new Game(seed, fps);
    this.#sound = new Sound({ seed, sampleRate, channelCount, fps, beepOnly });
    this.#encoder = new AacEncoder({ sampleRate, channelCount, bitrateKbps });
    const { codecString, record } = this.#encoder;
    this.config = { kind: "audio", codec: "aac", codecString, sampleRate, channelCount, record };
    const makeBlock = () => Array.from({ length: channelCount }, () => new Float32Array(FRAME_LENGTH));
    this.#first = makeBlock();
    this.#second = makeBlock();
    this.#render(0, this.#second);
  }

  get nextUs(): number {
    return timeUs(this.#count * FRAME_LENGTH, this.#sampleRate);
  }

  next(): Sample {
    const first = this.#second;
    this.#second = this.#first;
    this.#first = first;
    this.#render((this.#count + 1) * FRAME_LENGTH, this.#second);
    const data = this.#encoder.encode(this.#first, this.#second);
    const dtsUs = this.nextUs;
    this.#count++;
    return { kind: "audio", dtsUs, ptsUs: dtsUs, durationUs: this.nextUs - dtsUs, isKey: true, data };
  }

  #render(firstSample: number, block: Float32Array[]): void {
    const endFrame = ((firstSample + FRAME_LENGTH) / this.#sampleRate) * this.#game.fps;
    while (this.#game.frame + 1 <= endFrame) {
      for (const event of this.#game.step()) this.#sound.addEvent(event);
    }
    this.#sound.render(firstSample, block);
  }
}
