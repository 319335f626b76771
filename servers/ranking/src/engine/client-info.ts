import type { Session } from "./session.ts";

/** As CLIENT LIST TYPE knows them. We have neither masters nor replicas. */
export type ClientType = "normal" | "master" | "replica" | "pubsub";

/** About what a session takes beside its buffers, in bytes. */
const SESSION_BYTES = 2_048;

/** @returns `undefined` if there is no such type. */
export function clientTypeOf(text: string): ClientType | undefined {
  switch (text.toLowerCase()) {
    case "normal":
      return "normal";
    case "master":
      return "master";
    case "slave":
    case "replica":
      return "replica";
    case "pubsub":
      return "pubsub";
    default:
      return undefined;
  }
}

/** The type of a session. */
export function typeOfSession(session: Session): ClientType {
  return session.subscriptionCount > 0 ? "pubsub" : "normal";
}

/** One session as CLIENT LIST shows it, byte text, without an end of line. */
export function clientInfo(session: Session, nowMs: number): string {
  const { buffers } = session;
  const inputBytes = buffers?.inputBytes ?? 0;
  const outputBytes = buffers?.outputBytes ?? 0;
  let multiBytes = 0;
  for (const { args } of session.queue) multiBytes += args.bytes.length;
  const channels = session.subscriptionCount - session.patternCount - session.shardChannelCount;
  const fields: readonly (readonly [string, string | number])[] = [
    ["id", session.id],
    ["addr", session.address],
    ["laddr", session.localAddress],
    ["fd", session.id + 7],
    ["name", session.name],
    ["age", Math.max(0, Math.floor((nowMs - session.createdMs) / 1_000))],
    ["idle", Math.max(0, Math.floor((nowMs - session.activeMs) / 1_000))],
    ["flags", flagsOf(session)],
    ["db", session.database],
    ["sub", channels],
    ["psub", session.patternCount],
    ["ssub", session.shardChannelCount],
    ["multi", session.isQueueing ? session.queue.length : -1],
    ["qbuf", inputBytes],
    ["qbuf-free", buffers?.inputFreeBytes ?? 0],
    ["argv-mem", 0],
    ["multi-mem", multiBytes],
    ["rbs", 0],
    ["rbp", 0],
    ["obl", 0],
    ["oll", outputBytes > 0 ? 1 : 0],
    ["omem", outputBytes],
    ["tot-mem", memoryOfSession(session) + multiBytes],
    ["events", outputBytes > 0 ? "rw" : "r"],
    ["cmd", session.lastCommand?.name ?? "NULL"],
    ["user", session.user.name],
    ["redir", -1],
    ["resp", session.resp],
  ];
  return fields.map(([name, value]) => `${name}=${value}`).join(" ");
}

/** About what a session takes, in bytes. */
export function memoryOfSession({ buffers }: Session): number {
  return SESSION_BYTES + (buffers?.inputBytes ?? 0) + (buffers?.inputFreeBytes ?? 0) + (buffers?.outputBytes ?? 0);
}

function flagsOf(session: Session): string {
  let flags = "";
  if (session.isMonitoring) flags += "O";
  if (session.subscriptionCount > 0) flags += "P";
  if (session.isQueueing) flags += "x";
  if (session.isBlocked) flags += "b";
  if (session.isWatchBroken || session.hasQueueFailed) flags += "d";
  if (session.isClosing) flags += "c";
  if (session.isNoEvict) flags += "e";
  return flags === "" ? "N" : flags;
}
