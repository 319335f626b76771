import { parseReply, type Reply } from "../reply.ts";
import type { Words } from "./step.ts";

/** The clocks of two servers and the moments at which a command reaches them differ by less than this. */
const TIME_TOLERANCE_MS = 2_500;

type Normaliser = (reply: Reply, words: Words) => string;

/**
 * The known differences between two good servers. Each reply is brought into a form without what the protocol leaves
 * open; errors stay as they are.
 */
const NORMALISERS: readonly { readonly commands: string; readonly why: string; readonly normalise: Normaliser }[] = [
  {
    commands: "smembers sinter sunion sdiff keys hkeys hvals pubsub",
    why: "A hash table has no order; Redis seeds its hash anew at each start",
    normalise: (reply) => sorted(reply, 1),
  },
  { commands: "hgetall", why: "As above, with the value beside its field", normalise: (reply) => sorted(reply, 2) },
  {
    commands: "scan sscan",
    why: "As above, below the cursor; one call walks all, so the cursor is the end",
    normalise: (reply) => sortedScan(reply, 1),
  },
  { commands: "hscan zscan", why: "As above, in pairs", normalise: (reply) => sortedScan(reply, 2) },
  {
    commands: "sort sort_ro",
    why: "What sorts alike, or is not sorted (BY without *), comes in the order of the table",
    normalise: (reply, words) => (words.some((word) => /^(?:by|get)$/i.test(word)) ? sorted(reply, 1) : whole(reply)),
  },
  {
    commands: "object",
    why: "The words of HELP are our own; SORT makes a skiplist of the sorted set that it reads, ours stays as it was",
    normalise: (reply, words) =>
      /^help$/i.test(words[1] ?? "") ? reply.kind : whole(reply).replace("skiplist", "listpack"),
  },
  {
    commands: "dbsize",
    why: "Keys whose time has come count until they are removed, at a moment of the server's own",
    normalise: (reply) => reply.kind,
  },
];
const BY_COMMAND: ReadonlyMap<string, Normaliser> = new Map(
  NORMALISERS.flatMap(({ commands, normalise }) => commands.split(" ").map((name) => [name, normalise] as const)),
);

/** The unit of the numbers that count from or to a time, in milliseconds. */
const TIMES: ReadonlyMap<string, number> = new Map([
  ["ttl", 1_000],
  ["pttl", 1],
  ["expiretime", 1_000],
  ["pexpiretime", 1],
]);

/** Whether the replies to a command are compared byte for byte. */
export function isExact(words: Words): boolean {
  const name = (words[0] ?? "").toLowerCase();
  return !TIMES.has(name) && !BY_COMMAND.has(name);
}

/** Whether two replies to a command say the same; byte for byte but for the listed, reasoned differences. */
export function isSame(words: Words, ours: Buffer, theirs: Buffer): boolean {
  if (ours.equals(theirs)) return true;
  const name = (words[0] ?? "").toLowerCase();
  const unitMs = TIMES.get(name);
  const normalise = BY_COMMAND.get(name);
  if (unitMs === undefined && normalise === undefined) return false;
  const ourReply = parseReply(ours);
  const theirReply = parseReply(theirs);
  if (unitMs !== undefined) return isSameTime(ourReply, theirReply, unitMs);
  return normalise?.(ourReply, words) === normalise?.(theirReply, words);
}

/** Whether two numbers of this unit are near, or the same below zero, where they are no times. */
function isSameTime(ours: Reply, theirs: Reply, unitMs: number): boolean {
  if (ours.kind !== "integer" || theirs.kind !== "integer") return false;
  const [a, b] = [Number(ours.text), Number(theirs.text)];
  return a === b || (a >= 0 && b >= 0 && Math.abs(a - b) * unitMs <= TIME_TOLERANCE_MS);
}

/** A reply as text, its list sorted in groups of `groupSize`. */
function sorted(reply: Reply, groupSize: number): string {
  if (!("items" in reply)) return whole(reply);
  const groups: string[] = [];
  for (let i = 0; i < reply.items.length; i += groupSize) groups.push(whole(reply.items.slice(i, i + groupSize)));
  return `${reply.kind} ${groups.toSorted().join()}`;
}

function sortedScan(reply: Reply, groupSize: number): string {
  if (!("items" in reply)) return whole(reply);
  const [cursor, found] = reply.items;
  return `${whole(cursor)} ${found === undefined ? "" : sorted(found, groupSize)}`;
}

function whole(value: unknown): string {
  return JSON.stringify(value);
}
