import type { Channel } from "../channels/channel.ts";
import type { ChannelSettings } from "../channels/channel-store.ts";
import type { IngestWarning } from "../engine/ingest-stats.ts";

/** `Channel` of API.md. */
export function describeChannel(settings: ChannelSettings, channel: Channel | undefined, nowMs: number): object {
  const { name, title, isPrivate } = settings;
  const broadcast = channel?.broadcast;
  const { video, audio } = broadcast?.config ?? {};
  const path = `/live/${encodeURIComponent(name)}`;
  return {
    name,
    title,
    isLive: broadcast !== undefined,
    isInterrupted: channel?.state === "interrupted",
    isPrivate,
    startedAtMs: broadcast?.startedAtMs ?? null,
    viewerCount: channel?.viewerCount ?? 0,
    video: video
      ? {
          codec: video.codec,
          codecString: video.codecString,
          width: video.width,
          height: video.height,
          fps: broadcast?.stats.recent(nowMs).fps ?? 0,
        }
      : null,
    audio: audio
      ? {
          codec: audio.codec,
          codecString: audio.codecString,
          sampleRate: audio.sampleRate,
          channelCount: audio.channelCount,
        }
      : null,
    playback: { ws: `${path}/ws`, hls: `${path}/index.m3u8`, flv: `${path}.flv` },
  };
}

/** `Health` of API.md: of what the publisher sends. `extra` are warnings of others than the ingest. */
export function describeHealth(channel: Channel | undefined, extra: readonly IngestWarning[], nowMs: number): object {
  const broadcast = channel?.broadcast;
  const { video, audio } = broadcast?.publishedConfig ?? {};
  const stats = broadcast?.stats;
  const recent = stats?.recent(nowMs) ?? { fps: 0, videoKbps: 0, audioKbps: 0 };
  const isInterrupted = channel?.state === "interrupted";
  const outline = {
    isLive: broadcast !== undefined,
    isInterrupted,
    hasVideo: video !== undefined,
    hasAudio: audio !== undefined,
    videoCodec: video?.codec,
  };
  return {
    isLive: outline.isLive,
    isInterrupted,
    uptimeMs: broadcast ? nowMs - broadcast.startedAtMs : 0,
    encoder: broadcast?.encoder ?? null,
    video: video
      ? {
          codec: video.codec,
          width: video.width,
          height: video.height,
          fps: recent.fps,
          bitrateKbps: recent.videoKbps,
          gopMs: stats?.gopMs ?? null,
          keyFrameAgeMs: stats?.keyFrameAgeMs(nowMs) ?? null,
          hasReordering: stats?.hasReordering ?? false,
        }
      : null,
    audio: audio
      ? {
          codec: audio.codec,
          sampleRate: audio.sampleRate,
          channelCount: audio.channelCount,
          bitrateKbps: recent.audioKbps,
        }
      : null,
    viewerCount: channel?.viewerCount ?? 0,
    viewersByProtocol: {
      ws: channel?.fanOut.countOf("ws") ?? 0,
      hls: channel?.hlsAudience.count ?? 0,
      flv: channel?.fanOut.countOf("flv") ?? 0,
      rtmp: channel?.fanOut.countOf("rtmp") ?? 0,
    },
    droppedFrameCount: channel?.fanOut.droppedFrameCount ?? 0,
    reconnectCount: broadcast?.reconnectCount ?? 0,
    history: stats?.history(nowMs) ?? [],
    warnings: [...(stats?.warnings(outline, nowMs) ?? []), ...extra],
  };
}
