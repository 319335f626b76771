/** Ways to play: fMP4 over WebSocket, LL-HLS through hls.js, the browser's own HLS. */
export type PlayerMode = "ws" | "hls" | "native";

/** What this browser can do. */
export interface Capabilities {
  readonly hasMediaSource: boolean;
  readonly hasWebSocket: boolean;
  readonly hasNativeHls: boolean;
}

/** Why a mode did not work. `refused`: no media although the server answers HTTP; `stalls`: too slow too often. */
export type FailureKind = "refused" | "stalls" | "media" | "unsupported";

/** Failures further apart than this do not add up. */
const WINDOW_MS = 30_000;
/** How many failures of each kind a mode may have within the window. */
const LIMITS: Readonly<Record<FailureKind, number>> = { refused: 2, stalls: 1, media: 2, unsupported: 1 };

/** The modes this browser can play, best first. */
export function supportedModes(capabilities: Capabilities): PlayerMode[] {
  const modes: PlayerMode[] = [];
  if (capabilities.hasMediaSource && capabilities.hasWebSocket) modes.push("ws");
  if (capabilities.hasMediaSource) modes.push("hls");
  if (capabilities.hasNativeHls) modes.push("native");
  return modes;
}

/** Reads `?mode=`; anything unknown is no choice. */
export function parseMode(text: string | null): PlayerMode | undefined {
  return text === "ws" || text === "hls" || text === "native" ? text : undefined;
}

/** Steps down from mode to mode as they fail. A mode chosen by the viewer is never left. Owns no clock. */
export class FallbackLadder {
  readonly #modes: readonly PlayerMode[];
  #forced: PlayerMode | undefined;
  #index = 0;
  #failures: { kind: FailureKind; atMs: number }[] = [];

  constructor(modes: readonly PlayerMode[], forced: PlayerMode | undefined) {
    this.#modes = modes;
    this.#forced = forced;
  }

  /** `undefined` when this browser can play nothing. */
  get mode(): PlayerMode | undefined {
    return this.#forced ?? this.#modes[this.#index];
  }

  get forced(): PlayerMode | undefined {
    return this.#forced;
  }

  /** @param mode `undefined` goes back to automatic choice, from the top. */
  choose(mode: PlayerMode | undefined): void {
    this.#forced = mode;
    this.reset();
  }

  /** Starts at the top again, as when the network changed. */
  reset(): void {
    this.#index = 0;
    this.#failures = [];
  }

  /** @returns whether `mode` is now another one. */
  onFailure(kind: FailureKind, nowMs: number): boolean {
    this.#failures = this.#failures.filter((failure) => nowMs - failure.atMs < WINDOW_MS);
    this.#failures.push({ kind, atMs: nowMs });
    const count = this.#failures.filter((failure) => failure.kind === kind).length;
    if (this.#forced !== undefined || count < LIMITS[kind] || this.#index + 1 >= this.#modes.length) return false;
    this.#index++;
    this.#failures = [];
    return true;
  }
}
