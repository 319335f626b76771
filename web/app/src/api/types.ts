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

/** A rectangle in the picture, as fractions of it: 0 to 1 from the left upper corner. */
export interface Zone {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export type PrivacyState = "off" | "waiting" | "watching" | "hiding" | "failed";

/** What the streamer sets of the notification blur. */
export interface PrivacySettings {
  readonly isEnabled: boolean;
  readonly mode: "selective" | "always";
  readonly style: "any" | "ios" | "android";
  readonly strength: 1 | 2 | 3;
  /** What viewers get while the filter is down. */
  readonly onFailure: "cover" | "pause" | "pass";
  /** Always hidden; 8 at the most. */
  readonly zones: readonly Zone[];
}

/** What the filter does just now. */
export interface PrivacyStatus {
  /** `waiting`: no picture yet. */
  readonly state: PrivacyState;
  /** Viewers get pictures that the server has encoded anew. */
  readonly isEncoding: boolean;
  /** Hidden just now. */
  readonly regions: readonly Zone[];
  /** Of this broadcast. */
  readonly bannerCount: number;
  /** Milliseconds since the Unix epoch. */
  readonly lastHiddenAtMs: number | null;
  readonly restartCount: number;
  /** Of one core, over the last second. */
  readonly cpuPercent: number | null;
  readonly addedLatencyMs: number | null;
  /** For people, when failed. */
  readonly message: string | null;
}

/** `GET /api/studio/privacy`. */
export interface Privacy {
  readonly isAvailable: boolean;
  readonly unavailableReason: string | null;
  readonly settings: PrivacySettings;
  readonly status: PrivacyStatus;
}
