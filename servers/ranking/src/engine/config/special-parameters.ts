import { EventClass, NotifyChannel } from "../key-events.ts";
import { type Parameter, type Parsed, parseMemory } from "./parameter.ts";

const CLASSES: readonly (readonly [string, number])[] = [
  ["g", EventClass.generic],
  ["$", EventClass.string],
  ["l", EventClass.list],
  ["s", EventClass.set],
  ["h", EventClass.hash],
  ["z", EventClass.sortedSet],
  ["x", EventClass.expired],
  ["e", EventClass.evicted],
];
/** Streams and modules have letters, though we have neither. */
const STREAM_BIT = 1 << 18;
const MODULE_BIT = 1 << 19;
const ALL = CLASSES.reduce((bits, [, bit]) => bits | bit, 0) | STREAM_BIT | MODULE_BIT;
const OTHERS: readonly (readonly [string, number])[] = [
  ["K", NotifyChannel.keyspace],
  ["E", NotifyChannel.keyevent],
  ["m", EventClass.keyMiss],
  ["n", EventClass.newKey],
  ["b", EventClass.board],
];

/** The bits of a text like `KEA`; `undefined` if a letter is none. */
export function notifyBits(text: string): number | undefined {
  let bits = 0;
  for (const letter of text) {
    if (letter === "A") bits |= ALL | EventClass.board;
    else if (letter === "t") bits |= STREAM_BIT;
    else if (letter === "d") bits |= MODULE_BIT;
    else {
      const known = [...CLASSES, ...OTHERS].find(([name]) => name === letter);
      if (known === undefined) return undefined;
      bits |= known[1];
    }
  }
  return bits;
}

function notifyText(bits: number): string {
  const isAll = (bits & ALL) === ALL;
  let text = isAll ? "A" : "";
  if (!isAll) {
    for (const [letter, bit] of CLASSES) if ((bits & bit) !== 0) text += letter;
    if ((bits & STREAM_BIT) !== 0) text += "t";
    if ((bits & MODULE_BIT) !== 0) text += "d";
    // As in Redis it is not shown beside A, though A does not have it.
    if ((bits & EventClass.newKey) !== 0) text += "n";
  }
  for (const [letter, bit] of OTHERS) {
    // Ours is in A, and the text stays the one that Redis shows.
    if ((bits & bit) !== 0 && letter !== "n" && !(isAll && letter === "b")) text += letter;
  }
  return text;
}

/** Which keyspace notifications are sent. The letter `b`, for boards and windows, is ours, and in `A`. */
export const NOTIFY_PARAMETER: Parameter = {
  name: "notify-keyspace-events",
  initial: "",
  parse: (given): Parsed => {
    const bits = notifyBits(given);
    if (bits === undefined) return { error: "Invalid event class character. Use 'Ag$lshzxeKEtmdn'." };
    const value = notifyText(bits);
    // Beside A the letter n is in force and not shown.
    return notifyBits(value) === bits ? { value } : { value, applied: given };
  },
};

/** After how many seconds and changes a snapshot is made. */
export const SAVE_PARAMETER: Parameter = {
  name: "save",
  initial: "",
  parse: (given): Parsed => {
    const words = given.split(" ").filter((word) => word !== "");
    const numbers = words.map(Number);
    const isRight = words.length % 2 === 0 && words.every((word) => /^-?\d+$/.test(word));
    const isInRange = numbers.every((number, i) => number >= (i % 2 === 0 ? 1 : 0));
    return isRight && isInRange ? { value: numbers.join(" ") } : { error: "Invalid save parameters" };
  },
};

/** Limits of what waits to be sent to a client, by its type. */
export interface OutputLimit {
  readonly hardBytes: number;
  readonly softBytes: number;
  readonly softSeconds: number;
}

const CLASSES_OF_CLIENTS = ["normal", "slave", "pubsub"] as const;

/** What `client-output-buffer-limit` holds. */
export function outputLimits(value: string): ReadonlyMap<string, OutputLimit> {
  const words = value.split(" ");
  const limits = new Map<string, OutputLimit>();
  for (let i = 0; i + 3 < words.length; i += 4) {
    const [hardBytes = 0, softBytes = 0, softSeconds = 0] = words.slice(i + 1, i + 4).map(Number);
    limits.set(words[i] ?? "", { hardBytes, softBytes, softSeconds });
  }
  return limits;
}

/** How much may wait to be sent to a client before it is closed. A class that is not named keeps its limits. */
export const OUTPUT_LIMIT_PARAMETER: Parameter = {
  name: "client-output-buffer-limit",
  initial: "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60",
  parse: (given, current): Parsed => {
    const words = given.split(" ").filter((word) => word !== "");
    if (words.length % 4 !== 0) {
      return { error: "Wrong number of arguments in buffer limit configuration." };
    }
    const limits = new Map(outputLimits(current));
    for (let i = 0; i < words.length; i += 4) {
      const name = (words[i] ?? "").toLowerCase().replace("replica", "slave");
      if (!CLASSES_OF_CLIENTS.some((known) => known === name)) {
        return { error: "Invalid client class specified in buffer limit configuration." };
      }
      const hardBytes = parseMemory(words[i + 1] ?? "");
      const softBytes = parseMemory(words[i + 2] ?? "");
      const seconds = /^\d+$/.test(words[i + 3] ?? "") ? Number(words[i + 3]) : undefined;
      if (hardBytes === undefined || softBytes === undefined || seconds === undefined) {
        return { error: "Error in hard, soft or soft_seconds setting in buffer limit configuration." };
      }
      limits.set(name, { hardBytes: Number(hardBytes), softBytes: Number(softBytes), softSeconds: seconds });
    }
    const texts = CLASSES_OF_CLIENTS.map((name) => {
      const limit = limits.get(name);
      return `${name} ${limit?.hardBytes} ${limit?.softBytes} ${limit?.softSeconds}`;
    });
    return { value: texts.join(" ") };
  },
};

/** Which percentiles INFO shows. */
export const PERCENTILES_PARAMETER: Parameter = {
  name: "latency-tracking-info-percentiles",
  initial: "50 99 99.9",
  parse: (given): Parsed => {
    const words = given === "" ? [] : given.split(" ");
    const numbers = words.map((word) => (word === "" ? Number.NaN : Number(word)));
    if (numbers.some(Number.isNaN)) return { error: "Invalid latency-tracking-info-percentiles parameters" };
    if (numbers.some((number) => number < 0 || number > 100)) {
      return { error: "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]" };
    }
    return { value: numbers.join(" ") };
  },
};
