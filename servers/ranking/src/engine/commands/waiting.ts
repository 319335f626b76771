import type { Call } from "../call.ts";
import type { Handler } from "../command.ts";

/** WAIT: no replica is ever connected, so it waits for its whole time unless it wants none. As in Redis. */
function wait(call: Call): void {
  const { engine, reply } = call;
  const replicas = call.integer(1);
  if (Number.isNaN(replicas)) return;
  const timeoutMs = call.integer(2, "ERR timeout is not an integer or out of range");
  if (Number.isNaN(timeoutMs)) return;
  if (timeoutMs < 0) {
    reply.error("ERR timeout is negative");
    return;
  }
  if (timeoutMs > Number.MAX_SAFE_INTEGER - call.nowMs) {
    reply.error("ERR timeout is out of range");
    return;
  }
  if (replicas <= 0 || !engine.blocked.waitForTime(call, timeoutMs)) reply.integer(0);
}

/** Commands that wait for something that is no key. */
export const WAITING_HANDLERS: Readonly<Record<string, Handler>> = { wait };
