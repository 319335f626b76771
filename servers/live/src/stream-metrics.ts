import type { Gauge, Metrics } from "@kagami/kit";
import type { Channel, Timing } from "./channels/channel.ts";
import type { ChannelRegistry } from "./channels/channel-registry.ts";
import type { PrivacyState } from "./channels/privacy-status.ts";

/** Per-stream gauges, set when they are asked for, and memory by owner. */
export function publishStreamMetrics(metrics: Metrics, registry: ChannelRegistry, timing: Timing): void {
  const gauge = (name: string, help: string) => metrics.gauge(`kagami_live_stream_${name}`, help, ["channel"]);
  const bitrate = gauge("bitrate_kbps", "Bits received in the last five seconds, in kbit/s, picture and sound");
  const fps = gauge("fps", "Pictures a second, over the last five seconds");
  const gop = gauge("gop_seconds", "Media time between the two latest key frames");
  const keyAge = gauge("key_frame_age_seconds", "Time since the latest key frame arrived");
  const dropped = gauge("dropped_frames", "Pictures not sent to viewers that were too slow, of the channel");
  const latency = gauge("latency_seconds", "Server to screen, the median of what WebSocket viewers report");
  const viewers = metrics.gauge("kagami_live_stream_viewers", "Viewers", ["channel", "protocol"]);
  const privacy = metrics.gauge(
    "kagami_live_privacy_state",
    "1 for the state that a protected channel's filter is in",
    ["channel", "state"],
  );
  const live = metrics.gauge("kagami_live_streams", "Broadcasts that are running");
  const perChannel = [bitrate, fps, gop, keyAge, dropped, latency];
  const known = new Set<string>();

  const set = (channel: Channel, name: string) => {
    const nowMs = timing.wallMs();
    const stats = channel.broadcast?.stats;
    const recent = stats?.recent(nowMs);
    bitrate.set((recent?.videoKbps ?? 0) + (recent?.audioKbps ?? 0), { channel: name });
    fps.set(recent?.fps ?? 0, { channel: name });
    gop.set((stats?.gopMs ?? 0) / 1000, { channel: name });
    keyAge.set((stats?.keyFrameAgeMs(nowMs) ?? 0) / 1000, { channel: name });
    dropped.set(channel.fanOut.droppedFrameCount, { channel: name });
    latency.set((channel.fanOut.latencyMs ?? Number.NaN) / 1000, { channel: name });
    for (const protocol of PROTOCOLS) viewers.set(countOf(channel, protocol), { channel: name, protocol });
  };

  metrics.onCollect(() => {
    let liveCount = 0;
    for (const name of known) {
      if (registry.find(name)) continue;
      known.delete(name);
      for (const metric of perChannel) metric.remove({ channel: name });
      for (const protocol of PROTOCOLS) viewers.remove({ channel: name, protocol });
      for (const state of PRIVACY_STATES) privacy.remove({ channel: name, state });
    }
    for (const channel of registry.all) {
      known.add(channel.name);
      set(channel, channel.name);
      setPrivacy(channel, privacy);
      if (channel.isLive) liveCount++;
    }
    live.set(liveCount);
  });

  const sum = (pick: (channel: Channel) => number) => () => {
    let total = 0;
    for (const channel of registry.all) total += pick(channel);
    return total;
  };
  metrics.memoryAccount(
    "gop-cache",
    sum((channel) => channel.memory.gopCache),
  );
  metrics.memoryAccount(
    "hls-window",
    sum((channel) => channel.memory.hlsWindow),
  );
  metrics.memoryAccount(
    "merging",
    sum((channel) => channel.memory.merging),
  );
  metrics.memoryAccount(
    "privacy",
    sum((channel) => channel.memory.privacy),
  );
}

/** Channels without a filter have no such series. */
function setPrivacy(channel: Channel, gauge: Gauge): void {
  const run = channel.broadcast?.privacy;
  const now = run && !run.isDone ? run.status.state : undefined;
  for (const state of PRIVACY_STATES) {
    if (now === undefined) gauge.remove({ channel: channel.name, state });
    else gauge.set(state === now ? 1 : 0, { channel: channel.name, state });
  }
}

const PRIVACY_STATES: readonly PrivacyState[] = ["waiting", "watching", "hiding", "failed"];

const PROTOCOLS = ["ws", "hls", "flv", "rtmp"] as const;

function countOf(channel: Channel, protocol: (typeof PROTOCOLS)[number]): number {
  return protocol === "hls" ? channel.hlsAudience.count : channel.fanOut.countOf(protocol);
}
