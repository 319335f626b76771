import type { DataPath } from "./data-path.ts";
import type { ServerAddress } from "./server-address.ts";
import { type SlotFailure, SlotMode } from "./slot.ts";

/** What one server answered to a question that all were asked. */
export interface ServerAnswer {
  readonly address: ServerAddress;
  /** Empty if it gave no answer; then `failure` says why. */
  readonly text: string;
  readonly failure: SlotFailure;
}

/**
 * Sends a line of the text protocol to every server of the cluster in use.
 *
 * @param line Without its end.
 * @param done Called once, never before this returns, with one answer of each server.
 */
export function broadcast(
  path: DataPath,
  line: string,
  shape: number,
  done: (answers: readonly ServerAnswer[]) => void,
): void {
  const { upstreams } = path;
  const bytes = new TextEncoder().encode(`${line}\r\n`);
  const answers: ServerAnswer[] = [];
  // One more than servers, so that it cannot end before all are asked.
  let missing = upstreams.length + 1;
  const arrived = (): void => {
    if (--missing === 0) path.defer(() => done(answers));
  };
  for (const [i, upstream] of upstreams.entries()) {
    const { address } = upstream;
    const answer = (failure: SlotFailure, text: string): void => {
      answers[i] = { address, text, failure };
      arrived();
    };
    if (!upstream.isReachable) {
      answer("down", "");
      continue;
    }
    const slot = path.slots.take();
    slot.mode = SlotMode.EXCHANGE;
    slot.shape = shape;
    slot.onReply = (failure, reply, start, end) =>
      answer(failure, new TextDecoder("latin1").decode(reply.subarray(start, end)));
    upstream.send(slot, bytes, 0, bytes.length);
  }
  arrived();
}
