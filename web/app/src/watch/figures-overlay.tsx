import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Player } from "../player/player.ts";
import type { PlayerStats } from "../player/player-stats.ts";
import { formatBitrate, formatCount, formatFps } from "../ui/format.ts";
import { MODE_NAMES } from "./settings-menu.tsx";

const EVERY_MS = 500;

/** The figures of the stream as this viewer gets it. */
export function FiguresOverlay({ player, onClose }: { player: Player; onClose: () => void }) {
  const stats = useSignal<PlayerStats>(player.stats());
  useEffect(() => {
    const timer = setInterval(() => {
      stats.value = player.stats();
    }, EVERY_MS);
    return () => clearInterval(timer);
  }, [player, stats]);
  return (
    <section class="figures" aria-label="Stream figures">
      <dl>
        {figureRows(stats.value).map(([label, value]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <button type="button" class="figures-close" aria-label="Close stream figures" onClick={onClose}>
        ×
      </button>
    </section>
  );
}

function figureRows(stats: PlayerStats): [string, string][] {
  const p50 = stats.latencyP50Ms ?? stats.latencyMs;
  return [
    ["Latency", p50 === null ? "unknown" : `${Math.round(p50)} ms`],
    ["Latency, 95 %", stats.latencyP95Ms === null ? "–" : `${Math.round(stats.latencyP95Ms)} ms`],
    ["Target", stats.targetMs === null ? "–" : `${Math.round(stats.targetMs)} ms`],
    ["Buffer", `${Math.round(stats.bufferMs)} ms`],
    ["Speed", `${stats.rate.toFixed(2)} ×`],
    ["Picture", stats.width === 0 ? "–" : `${stats.width} × ${stats.height}`],
    ["Frame rate", stats.fps === null ? "–" : `${formatFps(stats.fps)} fps`],
    ["Bitrate", stats.bitrateKbps === null ? "–" : formatBitrate(stats.bitrateKbps)],
    ["Dropped", `${formatCount(stats.droppedFrameCount)} of ${formatCount(stats.decodedFrameCount)}`],
    ["Stalls, jumps", `${stats.stallCount}, ${stats.seekCount}`],
    ["First frame", stats.firstFrameMs === null ? "–" : `${Math.round(stats.firstFrameMs)} ms`],
    ["Protocol", stats.mode === null ? "none" : MODE_NAMES[stats.mode]],
  ];
}
