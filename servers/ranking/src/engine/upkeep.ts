import type { Args } from "../protocol/args.ts";
import { isShortOfMemory } from "./admission.ts";
import { CommandFlag } from "./command.ts";
import type { Engine } from "./engine.ts";
import type { Session } from "./session.ts";

/** Slots that the walk through all keys looks at in one tick: a few tenths of a ms. A million keys, in two million slots, take three and a half minutes. */
const WALK_SLOTS = 1_024;
const CHANGE_FLAGS = CommandFlag.write | CommandFlag.mayReplicate;

/**
 * What has to be done now and then, every 100 ms or so, inside a turn: rates, eviction that did not get ready, the walk
 * through all keys.
 */
export function tick(engine: Engine): void {
  const { observer, store } = engine;
  if (isShortOfMemory(engine)) engine.memoryLimit.evict();
  const state = engine.shell.state();
  observer.statistics.sample(store.nowMs, {
    commandCount: engine.commandCount,
    netInputBytes: state.netInputBytes,
    netOutputBytes: state.netOutputBytes,
    usedBytes: store.usedBytes,
  });
  observer.hotKeys.advance(store.nowMs);
  observer.keyWalk.step(store, WALK_SLOTS);
}

/**
 * Whether CLIENT PAUSE holds this command back. Then the shell leaves it where it is, gives the session no other one, and
 * asks again when `sessions.pausedUntilMs` is over or UNPAUSE was called. Ask only while `sessions.pausedUntilMs` is not 0.
 */
export function isHeldBack(engine: Engine, session: Session, args: Args): boolean {
  const { sessions } = engine;
  if (!sessions.isPaused(engine.store.nowMs)) return false;
  if (sessions.pauseMode === "all") return true;
  const command = engine.find(args);
  if (command === undefined || !command.takes(args.count)) return false;
  if (command.name === "exec") return session.queue.some((queued) => (queued.command.flags & CHANGE_FLAGS) !== 0);
  return (command.flags & CHANGE_FLAGS) !== 0;
}
