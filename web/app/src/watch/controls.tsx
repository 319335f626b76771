import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Player } from "../player/player.ts";
import { formatLatency } from "../ui/format.ts";
import { Icon, type IconName } from "../ui/icon.tsx";
import { SettingsMenu } from "./settings-menu.tsx";
import type { StageView } from "./stage-view.ts";

interface ControlsProps {
  readonly player: Player;
  readonly view: StageView;
  readonly isPreview: boolean;
}

/** The bar at the lower edge of the picture. */
export function Controls({ player, view, isPreview }: ControlsProps) {
  const isPaused = player.isPaused.value;
  return (
    <fieldset class="controls" aria-label="Player controls">
      {!isPreview && (
        <ControlButton
          icon={isPaused ? "play" : "pause"}
          label={isPaused ? "Play" : "Pause"}
          keys="k"
          onClick={() => player.togglePlay()}
        />
      )}
      <ControlButton
        icon={player.isMuted.value ? "muted" : "volume"}
        label={player.isMuted.value ? "Unmute" : "Mute"}
        keys="m"
        onClick={() => player.toggleMute()}
      />
      {!isPreview && <VolumeSlider player={player} />}
      <LiveButton player={player} />
      <span class="controls-space" />
      <ControlButton
        icon="figures"
        label="Stream figures"
        keys="i"
        isPressed={view.isOverlayOpen.value}
        onClick={() => view.toggleOverlay()}
      />
      {!isPreview && <SettingsMenu player={player} view={view} />}
      {!isPreview && view.hasPip && (
        <ControlButton
          icon="pip"
          label="Picture in picture"
          keys="p"
          isPressed={view.isPip.value}
          onClick={() => view.togglePip()}
        />
      )}
      <ControlButton
        icon={view.isFullscreen.value ? "fullscreen-exit" : "fullscreen"}
        label={view.isFullscreen.value ? "Leave full screen" : "Full screen"}
        keys="f"
        onClick={() => view.toggleFullscreen()}
      />
    </fieldset>
  );
}

interface ControlButtonProps {
  readonly icon: IconName;
  readonly label: string;
  readonly keys: string;
  readonly isPressed?: boolean;
  readonly onClick: () => void;
}

function ControlButton({ icon, label, keys, isPressed, onClick }: ControlButtonProps) {
  return (
    <button
      type="button"
      class="control"
      aria-label={label}
      aria-pressed={isPressed}
      title={`${label} (${keys})`}
      onClick={onClick}
    >
      <Icon name={icon} />
    </button>
  );
}

function VolumeSlider({ player }: { player: Player }) {
  const percent = player.isMuted.value ? 0 : Math.round(player.volume.value * 100);
  return (
    <input
      class="volume"
      type="range"
      min="0"
      max="100"
      step="5"
      value={percent}
      aria-label="Volume"
      aria-valuetext={`${percent} %`}
      onInput={(event) => player.setVolume(Number(event.currentTarget.value) / 100)}
    />
  );
}

/** Further behind than this counts as not live. */
const BEHIND_MS = 4_000;

/** Says how live the picture is, and goes to live when pressed. */
function LiveButton({ player }: { player: Player }) {
  const latencyMs = useSignal<number | null>(null);
  useEffect(() => {
    const timer = setInterval(() => {
      const stats = player.stats();
      const ms = stats.latencyP50Ms ?? stats.latencyMs;
      latencyMs.value = ms === null || stats.phase !== "playing" ? null : Math.max(0, Math.round(ms / 10) * 10);
    }, 1_000);
    return () => clearInterval(timer);
  }, [player, latencyMs]);
  const isOnAir = player.phase.value === "playing" && player.streamState.value !== "ended";
  const isLive = isOnAir && !player.isPaused.value && (latencyMs.value ?? 0) < BEHIND_MS;
  return (
    <button
      type="button"
      class={isLive ? "live-button is-live" : "live-button"}
      aria-label={isLive ? "Live. Go to live" : "Go to live"}
      title="Go to live (l)"
      disabled={!isOnAir}
      onClick={() => player.goLive()}
    >
      <span class="live-dot" aria-hidden="true" />
      <span>Live</span>
      {latencyMs.value !== null && <span class="live-latency">{formatLatency(latencyMs.value)}</span>}
    </button>
  );
}
