import type { Call } from "../call.ts";
import type { Handler } from "../command.ts";
import { SYNTAX_ERROR } from "../replies.ts";
import { ByteView } from "../structures/byte-view.ts";
import { readHash } from "./hash-access.ts";
import { negatableInteger } from "./ranges.ts";
import { checkRepeatedPicks, pickDistinct } from "./set-picks.ts";

const HALF_LONG = 2 ** 62;

function hrandfield(call: Call): void {
  const { args, reply, random } = call;
  const hasCount = args.count > 2;
  const count = hasCount ? negatableInteger(call, 2) : 1;
  if (Number.isNaN(count)) return;
  const hasValues = args.count > 3;
  if (args.count > 4 || (hasValues && !args.isWord(3, "WITHVALUES"))) {
    reply.error(SYNTAX_ERROR);
    return;
  }
  if (hasValues && Math.abs(count) >= HALF_LONG) {
    reply.error("ERR value is out of range");
    return;
  }
  const hash = readHash(call, 1);
  if (hash === undefined) return;
  if (hash === 0 || hash.size === 0) {
    if (hasCount) reply.array(0);
    else reply.nil();
    return;
  }
  const view = new ByteView();
  const put = (field: number): void => {
    if (hasValues && reply.resp > 2) reply.array(2);
    hash.readField(field, view);
    reply.bulk(view.bytes, view.start, view.end);
    if (!hasValues) return;
    hash.readValue(field, view);
    reply.bulk(view.bytes, view.start, view.end);
  };
  const pick = (): number => hash.pick(random);
  if (!hasCount) {
    put(pick());
    return;
  }
  checkRepeatedPicks(count);
  const replied = count < 0 ? -count : Math.min(count, hash.size);
  reply.array(hasValues && reply.resp === 2 ? 2 * replied : replied);
  if (count < 0) for (let left = replied; left > 0; left--) put(pick());
  else pickDistinct(hash.size, count, pick, put, (visit) => hash.forEachField(visit));
}

/** Commands that pick fields at random. */
export const HASH_PICK_HANDLERS: Readonly<Record<string, Handler>> = { hrandfield };
