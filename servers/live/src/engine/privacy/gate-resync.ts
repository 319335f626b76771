import type { ReplayGroup } from "./gate-group.ts";
import type { FilterLine } from "./gate-line.ts";
import type { GateQueue } from "./gate-queue.ts";
import type { GateEffect } from "./gate-types.ts";

/** What of a gate takes part when a filter process is brought into step with the stream. */
interface ResyncParts {
  readonly queue: GateQueue;
  readonly group: ReplayGroup;
  readonly line: FilterLine;
  readonly budgetMs: number;
}

/**
 * Brings a new process to where the one before it was, and sends what has no answer.
 *
 * @returns whether the process is in step. Without the group's key frame the next one has to be waited for.
 */
export function replayGroup({ queue, group, line }: ResyncParts, nowMs: number, out: GateEffect[]): boolean {
  const pictures = new Set(group.pictures);
  if (pictures.size === 0) return false;
  queue.lose((item) => !pictures.has(item), "undecodable");
  for (const item of pictures) {
    if (item.answer === undefined) line.picture(item, nowMs, out);
    else line.replay(item, nowMs, out);
  }
  return true;
}

/**
 * Sends what was held before there was a process, from its first key frame on; from its last one, if the process took so
 * long that all of it would keep the stream late.
 *
 * @returns whether anything was sent, so that the process is in step.
 */
export function sendHeld({ queue, group, line, budgetMs }: ResyncParts, nowMs: number, out: GateEffect[]): boolean {
  const [oldest] = queue.unanswered();
  const isLate = oldest !== undefined && nowMs - oldest.arrivedAtMs > budgetMs;
  const pictures = new Set(group.pictures);
  if (isLate && pictures.size > 0) queue.lose((item) => !pictures.has(item), "late");
  loseBeforeKey(queue);
  const held = queue.unanswered();
  for (const item of held) line.picture(item, nowMs, out);
  return held.length > 0;
}

/** Gives up the pictures that no decoder could begin with. */
export function loseBeforeKey(queue: GateQueue): void {
  let hasKey = false;
  queue.lose((item) => {
    hasKey ||= item.sample.isKey;
    return !hasKey;
  }, "undecodable");
}
