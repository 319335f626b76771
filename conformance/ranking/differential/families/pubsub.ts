import { command, type Family, type Step } from "../step.ts";
import type { Vocabulary } from "../vocabulary.ts";

const CHANNELS = ["c1", "c2", "", "\0", "chan:nel"] as const;
const PATTERNS = ["c*", "c?", "[c]1", "*", ""] as const;

function fromSecond(...words: string[]): Step {
  return { kind: "command", connection: 1, words };
}

function listen(v: Vocabulary): Step {
  switch (v.random.int(0, 5)) {
    case 0:
      return fromSecond("PSUBSCRIBE", ...v.many(1, 2, () => v.one(...PATTERNS)));
    case 1:
      return fromSecond("PUNSUBSCRIBE", ...v.many(1, 2, () => v.one(...PATTERNS)));
    case 2:
      return fromSecond("UNSUBSCRIBE", ...v.many(1, 2, () => v.one(...CHANNELS)));
    case 3:
      return fromSecond(v.one("SSUBSCRIBE", "SUNSUBSCRIBE"), ...v.many(1, 2, () => v.one(...CHANNELS)));
    default:
      return fromSecond("SUBSCRIBE", ...v.many(1, 3, () => v.one(...CHANNELS)));
  }
}

/** Channels, patterns and shard channels: the second connection listens, the first one speaks. */
export const PUBSUB: Family = {
  name: "pubsub",
  weight: 1,
  next: (v): Step[] => [
    listen(v),
    command(v.one("PUBLISH", "PUBLISH", "SPUBLISH"), v.one(...CHANNELS), v.value()),
    command(v.one("PUBLISH", "SPUBLISH"), v.one(...CHANNELS), v.value()),
    { kind: "drain" },
    command("PUBSUB", v.one("CHANNELS", "SHARDCHANNELS"), ...v.maybe(0.5, v.one(...PATTERNS))),
    command("PUBSUB", ...v.one(["NUMPAT"], ["NUMSUB", v.one(...CHANNELS), "c1"], ["SHARDNUMSUB", "c1"], ["NOPE"])),
    ...(v.chance(0.3) ? [fromSecond(v.one("GET", "SET", "HGET"), "s1")] : []),
    ...(v.chance(0.2) ? [{ kind: "drain" } as const] : []),
  ],
};
