import { useEffect, useRef } from "preact/hooks";
import { KEY_BINDINGS } from "../player/keyboard.ts";
import type { PlayerMode } from "../player/ladder.ts";
import type { Player } from "../player/player.ts";
import { Icon } from "../ui/icon.tsx";
import type { StageView } from "./stage-view.ts";

/** Names of the ways to play, for people. */
export const MODE_NAMES: Readonly<Record<PlayerMode, string>> = {
  ws: "WebSocket",
  hls: "LL-HLS",
  native: "Browser HLS",
};

const MODE_HINTS: Readonly<Record<PlayerMode, string>> = {
  ws: "about ¼ s behind",
  hls: "about 1 s behind",
  native: "several seconds behind",
};

/** The gear button and its panel: how to play, and which keys there are. */
export function SettingsMenu({ player, view }: { player: Player; view: StageView }) {
  const rootRef = useRef<HTMLDivElement>(null);
  const buttonRef = useRef<HTMLButtonElement>(null);
  const isOpen = view.isMenuOpen.value;
  useEffect(() => {
    if (!isOpen) return;
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== "Escape") return;
      view.isMenuOpen.value = false;
      buttonRef.current?.focus();
    };
    const onDown = (event: PointerEvent) => {
      if (rootRef.current?.contains(event.target as Node) === false) view.isMenuOpen.value = false;
    };
    document.addEventListener("keydown", onKey);
    document.addEventListener("pointerdown", onDown);
    return () => {
      document.removeEventListener("keydown", onKey);
      document.removeEventListener("pointerdown", onDown);
    };
  }, [isOpen, view]);
  return (
    <div class="settings" ref={rootRef}>
      <button
        ref={buttonRef}
        type="button"
        class="control"
        aria-label="Settings"
        aria-expanded={isOpen}
        aria-controls="player-settings"
        title="Settings"
        onClick={() => {
          view.isMenuOpen.value = !isOpen;
        }}
      >
        <Icon name="settings" />
      </button>
      {isOpen && (
        <div class="settings-panel" id="player-settings">
          <ModeChoice player={player} />
          <KeyTable />
        </div>
      )}
    </div>
  );
}

function ModeChoice({ player }: { player: Player }) {
  const now = player.mode.value;
  return (
    <fieldset>
      <legend>Playback</legend>
      <ModeOption
        player={player}
        mode={undefined}
        text="Automatic"
        hint={now === undefined ? "" : `now ${MODE_NAMES[now]}`}
      />
      {player.modes.map((mode) => (
        <ModeOption key={mode} player={player} mode={mode} text={MODE_NAMES[mode]} hint={MODE_HINTS[mode]} />
      ))}
    </fieldset>
  );
}

interface ModeOptionProps {
  readonly player: Player;
  readonly mode: PlayerMode | undefined;
  readonly text: string;
  readonly hint: string;
}

function ModeOption({ player, mode, text, hint }: ModeOptionProps) {
  return (
    <label class="option">
      <input
        type="radio"
        name="player-mode"
        checked={player.forcedMode.value === mode}
        onChange={() => player.chooseMode(mode)}
      />
      <span>{text}</span>
      <span class="option-hint">{hint}</span>
    </label>
  );
}

function KeyTable() {
  return (
    <table class="keys">
      <caption>Keys</caption>
      <tbody>
        {KEY_BINDINGS.map((binding) => (
          <tr key={binding.command}>
            <th scope="row">
              {binding.keys.map((key) => (
                <kbd key={key}>{keyName(key)}</kbd>
              ))}
            </th>
            <td>{binding.label}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function keyName(key: string): string {
  const names: Readonly<Record<string, string>> = { " ": "Space", arrowup: "↑", arrowdown: "↓" };
  return names[key] ?? key;
}
