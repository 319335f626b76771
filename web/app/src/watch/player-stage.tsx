import { useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { captionFor } from "../player/captions.ts";
import { commandFor, type PlayerCommand } from "../player/keyboard.ts";
import type { PlayerMode } from "../player/ladder.ts";
import { Player } from "../player/player.ts";
import type { KagamiPlayer } from "../player/player-stats.ts";
import { Icon } from "../ui/icon.tsx";
import { Controls } from "./controls.tsx";
import { FiguresOverlay } from "./figures-overlay.tsx";
import { IdleTimer } from "./idle-timer.ts";
import { StageView } from "./stage-view.ts";

interface PlayerStageProps {
  readonly name: string;
  readonly token: string | undefined;
  readonly forcedMode?: PlayerMode | undefined;
  /** The studio's preview: keys belong to the page, and `window.kagamiPlayer` stays with the watch page. */
  readonly isPreview?: boolean;
  readonly onPlayer?: (player: Player | undefined) => void;
}

/** The picture with everything that lies over it. */
export function PlayerStage({ name, token, forcedMode, isPreview, onPlayer }: PlayerStageProps) {
  const videoRef = useRef<HTMLVideoElement>(null);
  const stageRef = useRef<HTMLDivElement>(null);
  const player = useSignal<Player | undefined>(undefined);
  const view = useMemo(() => new StageView(stageRef, videoRef), []);
  const idle = useMemo(() => new IdleTimer(), []);
  useEffect(() => {
    const video = videoRef.current;
    if (video === null) return;
    const created = new Player({ video, address: { name, token }, forcedMode });
    player.value = created;
    onPlayer?.(created);
    if (isPreview !== true) expose(created);
    created.start();
    const stopView = view.start();
    return () => {
      stopView();
      idle.stop();
      created.stop();
      player.value = undefined;
      onPlayer?.(undefined);
    };
  }, [name, token]);

  useEffect(() => {
    if (isPreview === true) return;
    const onKey = (event: KeyboardEvent) =>
      onKeyDown(event, (command) => {
        idle.wake();
        run(command, player.peek(), view);
      });
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, [isPreview, player, view, idle]);

  const current = player.value;
  const size = current?.size.value;
  const isIdle = idle.isIdle.value && current?.isPaused.value !== true && !view.isMenuOpen.value;
  return (
    <div
      ref={stageRef}
      class={isIdle ? "stage is-idle" : "stage"}
      data-shape={size === undefined ? "unknown" : size.height > size.width ? "portrait" : "landscape"}
      onPointerMove={() => idle.wake()}
      onPointerLeave={(event) => {
        if (event.pointerType === "mouse") idle.sleep();
      }}
    >
      <video
        ref={videoRef}
        class="stage-video"
        playsInline
        muted
        aria-label={`Live stream of ${name}`}
        onClick={() => idle.toggle()}
        onDblClick={() => view.toggleFullscreen()}
      />
      {current !== undefined && <StageOverlays player={current} view={view} isPreview={isPreview === true} />}
    </div>
  );
}

function StageOverlays({ player, view, isPreview }: { player: Player; view: StageView; isPreview: boolean }) {
  const isPlaying = player.phase.value === "playing";
  const hasPanel = view.isMenuOpen.value || view.isOverlayOpen.value;
  const isSilent = player.isMuted.value && isPlaying && !isPreview && !player.isBlocked.value;
  return (
    <>
      <StageCaption player={player} />
      {player.isBlocked.value && (
        <button type="button" class="big-play" onClick={() => player.togglePlay()} aria-label="Play the stream">
          <Icon name="play" />
        </button>
      )}
      {isSilent && (
        <button
          type="button"
          class={hasPanel ? "sound-pill is-beside-panel" : "sound-pill"}
          onClick={() => player.toggleMute()}
        >
          <Icon name="muted" />
          <span>Tap for sound</span>
        </button>
      )}
      {view.isOverlayOpen.value && <FiguresOverlay player={player} onClose={() => view.toggleOverlay()} />}
      <Controls player={player} view={view} isPreview={isPreview} />
    </>
  );
}

function StageCaption({ player }: { player: Player }) {
  const caption = captionFor(player.phase.value, player.streamState.value);
  return (
    <div class={caption === undefined ? "caption" : "caption is-shown"} role="status" aria-live="polite">
      {caption !== undefined && (
        <>
          {caption.isBusy && <span class="spinner" aria-hidden="true" />}
          <strong>{caption.text}</strong>
          {caption.detail !== "" && <span>{caption.detail}</span>}
        </>
      )}
    </div>
  );
}

function onKeyDown(event: KeyboardEvent, act: (command: PlayerCommand) => void): void {
  const target = event.target instanceof HTMLElement ? event.target : document.body;
  const command = commandFor({
    key: event.key,
    hasModifier: event.ctrlKey || event.metaKey || event.altKey,
    targetTag: target.tagName,
    targetType: target.getAttribute("type"),
  });
  if (command === undefined) return;
  event.preventDefault();
  act(command);
}

function run(command: PlayerCommand, player: Player | undefined, view: StageView): void {
  if (player === undefined) return;
  const actions: Readonly<Record<PlayerCommand, () => void>> = {
    "toggle-play": () => player.togglePlay(),
    "toggle-mute": () => player.toggleMute(),
    "toggle-fullscreen": () => view.toggleFullscreen(),
    "toggle-overlay": () => view.toggleOverlay(),
    "toggle-pip": () => view.togglePip(),
    "go-live": () => player.goLive(),
    "volume-up": () => player.stepVolume(1),
    "volume-down": () => player.stepVolume(-1),
  };
  actions[command]();
}

function expose(player: Player): void {
  const handle: KagamiPlayer = {
    video: player.video,
    get mode() {
      return player.mode.value ?? null;
    },
    stats: () => player.stats(),
  };
  (window as unknown as { kagamiPlayer: KagamiPlayer }).kagamiPlayer = handle;
}
