import type { Args } from "../protocol/args.ts";
import type { Command } from "./command.ts";
import type { Engine } from "./engine.ts";
import type { Session } from "./session.ts";

/** How much one session may keep for EXEC; Redis has no such limit but that of its input buffer. */
export interface QueueLimits {
  readonly commands: number;
  /** Of all their arguments. */
  readonly bytes: number;
}

/** 262,144 commands and 512 MiB a session. */
export const DEFAULT_QUEUE_LIMITS: QueueLimits = { commands: 262_144, bytes: 512 * 1024 * 1024 };

/** Commands that are done at once between MULTI and EXEC. */
export const DONE_AT_ONCE: ReadonlySet<string> = new Set(["exec", "discard", "multi", "watch", "quit", "reset"]);

/**
 * Keeps a command for EXEC.
 *
 * @returns Why it cannot be, or "": then the transaction has failed, and what was kept is dropped.
 */
export function queueCommand(session: Session, command: Command, args: Args, limits: QueueLimits): string {
  // EXEC will do none of them: nothing need be kept.
  if (session.hasQueueFailed || session.isWatchBroken) return "";
  const bytes = session.queuedBytes + args.byteCount;
  if (session.queue.length < limits.commands && bytes <= limits.bytes) {
    session.queue.push({ command, args: args.packed() });
    session.queuedBytes = bytes;
    session.queuedFlags |= command.flags;
    return "";
  }
  session.hasQueueFailed = true;
  clearQueue(session);
  return (
    `ERR Transaction is too long: at most ${limits.commands} commands of ${limits.bytes} bytes together are kept ` +
    "for EXEC. Use several shorter transactions"
  );
}

/** Ends a transaction without doing it; watched keys are forgotten. */
export function dropQueue(engine: Engine, session: Session): void {
  session.isQueueing = false;
  session.hasQueueFailed = false;
  session.isWatchBroken = false;
  clearQueue(session);
  engine.watches.unwatch(session);
}

function clearQueue(session: Session): void {
  session.queue = [];
  session.queuedBytes = 0;
  session.queuedFlags = 0;
}
