import type { MockChannel, MockServer } from "./server.ts";

interface Answer {
  readonly status: number;
  readonly body?: unknown;
}

/** The studio API of the mock, over its channel `demo`. */
export function answerStudio(mock: MockServer, method: string, path: string, key: string, body: unknown): Answer {
  const channel = mock.channels.get("demo");
  if (key !== mock.key || channel === undefined) {
    return { status: 401, body: { error: { code: "KEY_UNKNOWN", message: "No channel has this key" } } };
  }
  switch (`${method} ${path}`) {
    case "GET /api/studio":
      return { status: 200, body: studioChannel(mock, channel) };
    case "PATCH /api/studio":
      Object.assign(channel, body);
      return { status: 200, body: studioChannel(mock, channel) };
    case "POST /api/studio/key":
      mock.key = `live_${Math.random().toString(36).slice(2)}`;
      return { status: 200, body: { key: mock.key } };
    case "POST /api/studio/play-tokens": {
      const { expiresInS } = body as { expiresInS: number };
      return { status: 200, body: { token: mock.token, expiresAtMs: Date.now() + expiresInS * 1000 } };
    }
    case "DELETE /api/studio/publisher":
      mock.setState("demo", "ended");
      return { status: 204 };
    case "GET /api/studio/health":
      return { status: 200, body: health(mock, channel) };
    default:
      return { status: 404, body: { error: { code: "NOT_FOUND", message: "No such path" } } };
  }
}

function studioChannel(mock: MockServer, channel: MockChannel): unknown {
  return {
    ...mock.publicChannel(channel),
    rtmpUrl: "rtmp://127.0.0.1:1935/live",
    rtmpsUrl: null,
    watchPath: `/watch/${channel.name}`,
  };
}

function health(mock: MockServer, channel: MockChannel): unknown {
  const isLive = channel.state === "live" || channel.state === "interrupted";
  const nowMs = Math.floor(Date.now() / 1000) * 1000;
  const history = Array.from({ length: isLive ? 120 : 0 }, (_, index) => {
    const second = Math.floor(nowMs / 1000) - 119 + index;
    return {
      atMs: second * 1000,
      videoKbps: 3_900 + 700 * Math.sin(second / 9) + 250 * Math.sin(second * 1.7),
      audioKbps: 128,
      fps: second % 41 === 0 ? 24 : 30,
      keyFrameCount: second % 2 === 0 ? 1 : 0,
    };
  });
  return {
    isLive,
    isInterrupted: channel.state === "interrupted",
    uptimeMs: isLive ? Date.now() - mock.startedMs + 4_521_000 : 0,
    encoder: isLive ? "obs-output module (libobs version 32.0.1)" : null,
    video: isLive
      ? {
          codec: "h264",
          width: channel.media.width,
          height: channel.media.height,
          fps: 30,
          bitrateKbps: 4_120,
          gopMs: 2_000,
          keyFrameAgeMs: 700,
          hasReordering: true,
        }
      : null,
    audio: isLive ? { codec: "aac", sampleRate: 48_000, channelCount: 2, bitrateKbps: 128 } : null,
    viewerCount: channel.viewerCount,
    viewersByProtocol: { ws: channel.viewerCount - 2, hls: 2, flv: 0, rtmp: 0 },
    droppedFrameCount: 42,
    reconnectCount: 1,
    history,
    warnings: isLive
      ? [
          {
            code: "REORDERING",
            severity: "warning",
            message: "The encoder sends B-frames, which add 66 ms of latency. Set B-frames to 0",
          },
          { code: "TIMESTAMPS_REBASED", severity: "info", message: "The timestamps jumped once; the timeline goes on" },
        ]
      : [],
  };
}
