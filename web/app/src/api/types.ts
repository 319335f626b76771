/** The shapes of the live server's JSON, as its API document writes them. Unknown fields are ignored. */

/** `GET /api/server`. */
export interface ServerInfo {
  readonly version: string;
  readonly rtmpUrl: string;
  readonly rtmpsUrl: string | null;
  /** Any stream key is valid and is the channel's name. */
  readonly isOpenPublish: boolean;
}

/** A channel as viewers may see it. */
export interface Channel {
  readonly name: string;
  readonly title: string;
  /** A publisher is connected, or may still return. */
  readonly isLive: boolean;
  /** Live, but the publisher is away just now. */
  readonly isInterrupted: boolean;
  readonly isPrivate: boolean;
  /** Milliseconds since the Unix epoch. */
  readonly startedAtMs: number | null;
  readonly viewerCount: number;
  readonly video: {
    readonly codec: string;
    readonly codecString: string;
    readonly width: number;
    readonly height: number;
    readonly fps: number;
  } | null;
  readonly audio: {
    readonly codec: string;
    readonly codecString: string;
    readonly sampleRate: number;
    readonly channelCount: number;
  } | null;
  /** Paths on the same origin. */
  readonly playback: { readonly ws: string; readonly hls: string; readonly flv: string };
}

/** `GET /api/studio`: the streamer's own view of the channel. */
export interface StudioChannel extends Channel {
  readonly rtmpUrl: string;
  readonly rtmpsUrl: string | null;
  readonly watchPath: string;
}

/** One second of ingest. */
export interface HealthPoint {
  readonly atMs: number;
  readonly videoKbps: number;
  readonly audioKbps: number;
  readonly fps: number;
  readonly keyFrameCount: number;
}

export type Severity = "info" | "warning" | "error";

export interface HealthWarning {
  readonly code: string;
  readonly severity: Severity;
  readonly message: string;
}

/** `GET /api/studio/health`. */
export interface Health {
  readonly isLive: boolean;
  readonly isInterrupted: boolean;
  readonly uptimeMs: number;
  readonly encoder: string | null;
  readonly video: {
    readonly codec: string;
    readonly width: number;
    readonly height: number;
    readonly fps: number;
    readonly bitrateKbps: number;
    readonly gopMs: number | null;
    readonly keyFrameAgeMs: number | null;
    readonly hasReordering: boolean;
  } | null;
  readonly audio: {
    readonly codec: string;
    readonly sampleRate: number;
    readonly channelCount: number;
    readonly bitrateKbps: number;
  } | null;
  readonly viewerCount: number;
  readonly viewersByProtocol: Readonly<Record<string, number>>;
  readonly droppedFrameCount: number;
  readonly reconnectCount: number;
  /** One a second, the last 120. */
  readonly history: readonly HealthPoint[];
  readonly warnings: readonly HealthWarning[];
}

/** `POST /api/studio/play-tokens`. */
export interface PlayToken {
  readonly token: string;
  readonly expiresAtMs: number;
}
