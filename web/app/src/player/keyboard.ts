/** What a key does in the player. */
export type PlayerCommand =
  | "toggle-play"
  | "toggle-mute"
  | "toggle-fullscreen"
  | "toggle-overlay"
  | "toggle-pip"
  | "go-live"
  | "volume-up"
  | "volume-down";

/** A row of the table shown to people; `keys` as `KeyboardEvent.key`, lower case. */
export interface KeyBinding {
  readonly keys: readonly string[];
  readonly command: PlayerCommand;
  readonly label: string;
}

/** The one list of keys: the player, its settings menu and the README follow it. */
export const KEY_BINDINGS: readonly KeyBinding[] = [
  { keys: [" ", "k"], command: "toggle-play", label: "Play or pause" },
  { keys: ["m"], command: "toggle-mute", label: "Mute or unmute" },
  { keys: ["arrowup"], command: "volume-up", label: "Louder" },
  { keys: ["arrowdown"], command: "volume-down", label: "Quieter" },
  { keys: ["l"], command: "go-live", label: "Go to live" },
  { keys: ["f"], command: "toggle-fullscreen", label: "Full screen" },
  { keys: ["p"], command: "toggle-pip", label: "Picture in picture" },
  { keys: ["i"], command: "toggle-overlay", label: "Stream figures" },
];

/** The part of a keyboard event that matters. */
export interface KeyPress {
  readonly key: string;
  readonly hasModifier: boolean;
  /** Element name in capitals and role of what has the focus. */
  readonly targetTag: string;
  readonly targetType: string | null;
}

/** @returns `undefined` for a key that is not ours, or that the focused control needs for itself. */
export function commandFor(press: KeyPress): PlayerCommand | undefined {
  if (press.hasModifier) return undefined;
  const key = press.key.toLowerCase();
  const isText =
    press.targetTag === "TEXTAREA" ||
    press.targetTag === "SELECT" ||
    (press.targetTag === "INPUT" && press.targetType !== "range");
  if (isText) return undefined;
  if (key === " " && ["BUTTON", "A", "SUMMARY"].includes(press.targetTag)) return undefined;
  if (key.startsWith("arrow") && press.targetTag === "INPUT") return undefined;
  return KEY_BINDINGS.find((binding) => binding.keys.includes(key))?.command;
}
