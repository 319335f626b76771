import type { Args } from "../protocol/args.ts";
import { ALLOWED, denialText, NOT_AUTHENTICATED } from "./acl/index.ts";
import { type Command, CommandFlag } from "./command.ts";
import type { Engine } from "./engine.ts";
import { OUT_OF_MEMORY } from "./replies.ts";
import type { Session } from "./session.ts";

const DATA_FLAGS = CommandFlag.write | CommandFlag.mayReplicate | CommandFlag.readonly;

const WHILE_SUBSCRIBED: ReadonlySet<string> = new Set([
  ...["subscribe", "psubscribe", "ssubscribe", "unsubscribe", "punsubscribe", "sunsubscribe"],
  ...["ping", "quit", "reset"],
]);

/**
 * Why a session may not run a command now, as the error reply without its `-`; "" if it may. Asked in the order of Redis:
 * who it is, what it is allowed, whether there is memory, whether writes can be kept.
 */
export function refusalOf(engine: Engine, session: Session, command: Command, args: Args): string {
  const { flags } = command;
  if (!session.isAuthenticated && (flags & CommandFlag.noAuth) === 0 && engine.users.isLoginNeeded) {
    return NOT_AUTHENTICATED;
  }
  if (session.isQueueing && (flags & CommandFlag.noMulti) !== 0) {
    return "ERR Command not allowed inside a transaction";
  }
  const denial = engine.denialOf(session, command, args);
  if (denial !== ALLOWED) {
    engine.observer.noteDenial(denial, session, command, args, engine.store.nowMs);
    return denialText(denial, command.name);
  }
  if (isShortOfMemory(engine) && !engine.memoryLimit.makeRoom(session, command)) return OUT_OF_MEMORY;
  if (session.isMonitoring && (flags & DATA_FLAGS) !== 0) return "ERR Replica can't interact with the keyspace";
  const isExec = session.isQueueing && command.name === "exec";
  if (engine.writeRefusal !== "" && ((isExec ? session.queuedFlags : flags) & CommandFlag.write) !== 0) {
    return engine.writeRefusal;
  }
  if (session.subscriptionCount > 0 && session.resp === 2 && !WHILE_SUBSCRIBED.has(command.name)) {
    return `ERR Can't execute '${command.name}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context`;
  }
  return "";
}

/** Whether the data takes more than it may, or about as much as there can be. */
export function isShortOfMemory({ maxMemoryBytes, store }: Engine): boolean {
  return (maxMemoryBytes > 0 && store.usedBytes > maxMemoryBytes) || store.heap.isNearlyFull;
}
