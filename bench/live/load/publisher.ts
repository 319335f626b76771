import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import { RtmpClientSession } from "../../../servers/live/src/protocol/rtmp/index.ts";
import { MARKER_BYTES, monotonicUs, writeMarker } from "./marker.ts";
import { AUDIO_FRAME_SAMPLES, AUDIO_SAMPLE_RATE, type MarkedBody, type Media } from "./media.ts";

export interface PublisherOptions {
  readonly port: number;
  readonly key: string;
  readonly media: Media;
}

/** What a publisher has sent. */
export interface PublisherCounters {
  payloadBytes: number;
  messageCount: number;
  videoCount: number;
  /** When the first key frame was sent, µs. */
  firstKeyUs: number;
}

const CONNECT_TIMEOUT_MS = 10_000;

/** Publishes marked media over RTMP as an encoder would: each message at its time, as exactly as timers allow. */
export class Publisher {
  readonly counters: PublisherCounters = { payloadBytes: 0, messageCount: 0, videoCount: 0, firstKeyUs: 0 };
  readonly #options: PublisherOptions;
  readonly #socket: Socket;
  readonly #session: RtmpClientSession;
  #timer: NodeJS.Timeout | undefined;
  #startedUs = 0;
  #videoSequence = 0;
  #audioSequence = 0;
  #failure: Error | undefined;

  constructor(options: PublisherOptions) {
    this.#options = options;
    this.#socket = connect({ host: "127.0.0.1", port: options.port, noDelay: true });
    this.#session = new RtmpClientSession({
      mode: "publish",
      app: "live",
      tcUrl: `rtmp://127.0.0.1:${options.port}/live`,
      streamName: options.key,
      randomBytes: (size) => randomBytes(size),
      nowMs: performance.now(),
    });
  }

  /** Connects and begins; resolves when the server has let it publish. */
  start(): Promise<void> {
    const socket = this.#socket;
    return new Promise((resolve, reject) => {
      const fail = (error: Error) => {
        this.#failure = error;
        clearTimeout(timer);
        this.kill();
        reject(error);
      };
      const timer = setTimeout(() => fail(new Error("The server let nobody publish in time")), CONNECT_TIMEOUT_MS);
      socket.on("connect", () => this.#flush());
      socket.on("error", fail);
      socket.on("close", () => this.#stopTimer());
      socket.on("data", (bytes) => {
        for (const event of this.#session.receive(bytes as Buffer, performance.now())) {
          if (event.kind === "error") fail(new Error(`The server refused a publisher: ${event.message}`));
          if (event.kind !== "ready") continue;
          clearTimeout(timer);
          this.#begin();
          resolve();
        }
        this.#flush();
      });
    });
  }

  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Says goodbye and hangs up. */
  stop(): void {
    this.#stopTimer();
    this.#session.close();
    this.#flush();
    this.#socket.end();
  }

  /** Is gone from one moment to the next, as when a phone loses its network: the connection is reset. */
  kill(): void {
    this.#stopTimer();
    this.#socket.resetAndDestroy();
  }

  #stopTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #begin(): void {
    const { media } = this.#options;
    const session = this.#session;
    session.sendMetadata({ width: 1280, height: 720, framerate: media.fps, encoder: "kagami-bench" });
    session.sendMedia(9, 0, media.videoHeader);
    session.sendMedia(8, 0, media.audioHeader);
    this.#flush();
    this.#startedUs = monotonicUs();
    this.#tick();
  }

  /** Sends everything that is due, in the order of its time, and sleeps until the next. */
  #tick(): void {
    const { media } = this.#options;
    const nowUs = monotonicUs() - this.#startedUs;
    for (;;) {
      const videoUs = (this.#videoSequence * 1e6) / media.fps;
      const audioUs = (this.#audioSequence * AUDIO_FRAME_SAMPLES * 1e6) / AUDIO_SAMPLE_RATE;
      const nextUs = Math.min(videoUs, audioUs);
      if (nextUs > nowUs) {
        this.#timer = setTimeout(() => this.#tick(), (nextUs - nowUs) / 1000);
        return;
      }
      if (videoUs <= audioUs) this.#sendVideo(videoUs);
      else this.#sendAudio(audioUs);
      this.#flush();
    }
  }

  #sendVideo(mediaUs: number): void {
    const { video } = this.#options.media;
    const message = video[this.#videoSequence % video.length] as MarkedBody;
    const sentUs = this.#send(9, mediaUs, message, message.isKey ? "K" : "V", this.#videoSequence);
    if (message.isKey && this.counters.firstKeyUs === 0) this.counters.firstKeyUs = sentUs;
    this.#videoSequence++;
    this.counters.videoCount++;
  }

  #sendAudio(mediaUs: number): void {
    const { audio } = this.#options.media;
    this.#send(8, mediaUs, audio[this.#audioSequence % audio.length] as MarkedBody, "A", this.#audioSequence);
    this.#audioSequence++;
  }

  #send(type: 8 | 9, mediaUs: number, message: MarkedBody, kind: "K" | "V" | "A", sequence: number): number {
    const { body, markerOffset } = message;
    const sentUs = Math.floor(monotonicUs());
    const followingBytes = body.length - markerOffset - MARKER_BYTES;
    writeMarker(body, markerOffset, { kind, sequence, sentUs, followingBytes });
    this.#session.sendMedia(type, Math.round(mediaUs / 1000), body);
    this.counters.payloadBytes += body.length;
    this.counters.messageCount++;
    return sentUs;
  }

  #flush(): void {
    for (const bytes of this.#session.takeOutput()) this.#socket.write(bytes);
  }
}
