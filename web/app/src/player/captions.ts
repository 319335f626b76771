import type { StreamState } from "./messages.ts";

/** Where the player is, apart from what the server says of the stream. */
export type PlayerPhase =
  | "connecting"
  | "reconnecting"
  | "joined"
  | "buffering"
  | "playing"
  | "not-found"
  | "not-allowed"
  | "unsupported";

/** Words over the picture. `isBusy` shows a spinner. */
export interface Caption {
  readonly text: string;
  readonly detail: string;
  readonly isBusy: boolean;
}

/** @returns `undefined` when the picture speaks for itself. */
export function captionFor(phase: PlayerPhase, state: StreamState | undefined): Caption | undefined {
  switch (phase) {
    case "not-allowed":
      return caption("This stream is private", "Ask the streamer for a new link", false);
    case "unsupported":
      return caption("This browser cannot play the stream", "Try a current version of another browser", false);
    case "not-found":
      return caption("There is no such channel", "The page looks again from time to time", false);
    case "reconnecting":
      return state === "ended" ? ENDED : caption("Reconnecting", "The connection to the server was lost", true);
    case "connecting":
      return state === "ended" ? ENDED : caption("Connecting", "", true);
    case "joined":
    case "buffering":
    case "playing":
      return captionForState(phase, state);
    default:
      return phase satisfies never;
  }
}

const ENDED = caption("The broadcast has ended", "It starts here again when the streamer returns", false);

function captionForState(phase: PlayerPhase, state: StreamState | undefined): Caption | undefined {
  switch (state) {
    case "waiting":
      return caption("Waiting for the streamer", "The picture starts here by itself", true);
    case "interrupted":
      return caption("The streamer is reconnecting", "Hold on, the stream goes on here", true);
    case "ended":
      return ENDED;
    case "live":
    case undefined:
      if (phase === "playing") return undefined;
      return phase === "buffering" ? caption("Buffering", "", true) : caption("Connecting", "", true);
    default:
      return state satisfies never;
  }
}

function caption(text: string, detail: string, isBusy: boolean): Caption {
  return { text, detail, isBusy };
}
