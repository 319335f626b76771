import type { Container } from "../container.ts";
import { Board } from "./board.ts";
import { rebuildBoard } from "./board-load.ts";
import { EventWindow } from "./window.ts";
import { RateLimiter } from "./window-limiter.ts";
import { rebuildLimiter, rebuildWindow } from "./window-load.ts";

/**
 * Emits the commands that make an equal board, window or limiter of this key, for snapshots. The key's expiry is not
 * among them.
 *
 * @param emit Gets each command's arguments; they are its own to keep, but for `key`.
 * @returns Whether the container is one of these.
 */
export function rebuild(container: Container, key: Uint8Array, emit: (args: readonly Uint8Array[]) => void): boolean {
  if (container instanceof Board) rebuildBoard(container, key, emit);
  else if (container instanceof EventWindow) rebuildWindow(container, key, emit);
  else if (container instanceof RateLimiter) rebuildLimiter(container, key, emit);
  else return false;
  return true;
}
