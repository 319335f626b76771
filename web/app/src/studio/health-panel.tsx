import type { Health } from "../api/types.ts";
import { formatBitrate, formatCodec, formatCount, formatFps } from "../ui/format.ts";
import { Icon } from "../ui/icon.tsx";
import { keyFrameIntervals } from "./health-series.ts";
import { LineChart } from "./line-chart.tsx";

/** What arrives at the server: warnings, figures, and the last two minutes as charts. */
export function HealthPanel({ health }: { health: Health | undefined }) {
  if (health === undefined) return <p class="page-note">Asking the server how the stream arrives</p>;
  const { history } = health;
  return (
    <section class="panel health" aria-labelledby="health-title">
      <h2 id="health-title">Stream health</h2>
      <Warnings health={health} />
      <Figures health={health} />
      <div class="charts">
        <LineChart
          title="Frame rate"
          unit="fps"
          points={history.map((point) => ({ atMs: point.atMs, value: point.fps }))}
          format={formatFps}
        />
        <LineChart
          title="Bitrate"
          unit="kbit/s"
          points={history.map((point) => ({ atMs: point.atMs, value: point.videoKbps + point.audioKbps }))}
          format={formatCount}
        />
        <LineChart
          title="Key-frame interval"
          unit="s"
          points={keyFrameIntervals(history)}
          format={(seconds) => seconds.toFixed(1)}
        />
      </div>
    </section>
  );
}

function Warnings({ health }: { health: Health }) {
  if (health.warnings.length === 0) {
    return (
      <p class="notice notice-good" role="status">
        {health.isLive ? "Everything arrives as it should." : "Nothing arrives yet. Start your encoder."}
      </p>
    );
  }
  return (
    <ul class="warnings" aria-label="Warnings" aria-live="polite">
      {health.warnings.map((warning) => (
        <li key={warning.code} class={`notice notice-${warning.severity}`}>
          <Icon name={warning.severity === "info" ? "info" : "warning"} />
          <div>
            <strong>{SEVERITY_NAMES[warning.severity] ?? "Note"}</strong>
            <p>{warning.message}</p>
          </div>
        </li>
      ))}
    </ul>
  );
}

const SEVERITY_NAMES: Readonly<Record<string, string>> = { info: "Note", warning: "Warning", error: "Problem" };

function Figures({ health }: { health: Health }) {
  return (
    <dl class="health-figures">
      {healthRows(health).map(([label, value]) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function healthRows(health: Health): [string, string][] {
  const { video, audio } = health;
  const viewers = Object.entries(health.viewersByProtocol).filter(([, count]) => count > 0);
  return [
    ["Picture", video === null ? "–" : `${video.width} × ${video.height}`],
    ["Frame rate", video === null ? "–" : `${formatFps(video.fps)} fps`],
    ["Video", video === null ? "–" : `${formatCodec(video.codec)}, ${formatBitrate(video.bitrateKbps)}`],
    ["Sound", audio === null ? "none" : `${formatCodec(audio.codec)}, ${formatBitrate(audio.bitrateKbps)}`],
    ["Key frames", video?.gopMs == null ? "–" : `every ${(video.gopMs / 1000).toFixed(1)} s`],
    ["B-frames", video === null ? "–" : video.hasReordering ? "yes, they add latency" : "none"],
    ["Encoder", health.encoder ?? "–"],
    ["Reconnects", formatCount(health.reconnectCount)],
    ["Dropped for slow viewers", `${formatCount(health.droppedFrameCount)} frames`],
    [
      "Viewers by protocol",
      viewers.length === 0
        ? "none"
        : viewers.map(([name, count]) => `${name.toUpperCase()} ${formatCount(count)}`).join(", "),
    ],
  ];
}
