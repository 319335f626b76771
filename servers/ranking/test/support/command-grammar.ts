import type { Random } from "@kagami/clock";
import type { ArgumentFacts } from "../../src/engine/commands/arguments.ts";
import type { CommandFacts } from "../../src/engine/commands/facts.ts";

/** First letter of the keys that mostly hold values of a group's type. */
const LETTERS: Readonly<Record<string, string>> = {
  ...{ string: "s", bitmap: "s", hash: "h", list: "l", set: "e", "sorted-set": "z" },
  ...{ hyperloglog: "p", board: "b", window: "w", geo: "g" },
};
const ALL_LETTERS = "shlezpbwr";
/** Members, fields and elements are numbers or words, so that every form of a value comes up. */
const WORD_COUNT = 60;
const SCRIPTS: readonly string[] = [
  "return redis.call('SET', KEYS[1], math.random(1, 1000000))",
  "return redis.call('SPOP', KEYS[1])",
  "local k = redis.call('RANDOMKEY') if k then return redis.call('PEXPIRE', k, 700) end",
  "for i = 1, 5 do redis.call('ZADD', KEYS[1], math.random(), 'm' .. math.random(1, 40)) end return redis.call('ZPOPMIN', KEYS[1])",
  "redis.call('RPUSH', KEYS[1], unpack(ARGV)) return redis.call('LLEN', KEYS[1])",
  "redis.call('HSET', KEYS[1], 'f', redis.call('TIME')[1]) return redis.call('INCR', KEYS[1])",
  "return redis.call('RANK.ADD', 'm' .. math.random(1, 9), math.random(1, 50), 'BOARDS', 1, KEYS[1])",
  "return {redis.call('SRANDMEMBER', KEYS[1]), redis.call('DEL', KEYS[1])}",
  "return redis.pcall('GET', KEYS[1])",
  "return #redis.call('KEYS', '*')",
];
const COUNTERS: ReadonlySet<string> = new Set(["numkeys", "numfields"]);

/** Writes commands as their facts say they are written, with keys that mostly hold what the command wants. */
export class CommandGrammar {
  readonly #random: Random;
  readonly #keyCount: number;
  readonly #nowMs: () => number;
  #letter = "";
  #words: string[] = [];
  /** Where the count of the next repeated argument stands, or -1. */
  #counterAt = -1;

  /** @param nowMs The time around which times lie. */
  constructor(random: Random, nowMs: () => number, keyCount = 4) {
    this.#random = random;
    this.#nowMs = nowMs;
    this.#keyCount = keyCount;
  }

  /** A command without an error in it, as far as its facts say; Latin-1. */
  command(facts: CommandFacts): string[] {
    this.#words = facts.name.split("|");
    this.#counterAt = -1;
    this.#letter = facts.name === "win.rate" ? "r" : (LETTERS[facts.group] ?? "");
    for (const argument of facts.arguments) this.#argument(argument, facts);
    return this.#words;
  }

  key(letter = ""): string {
    const random = this.#random;
    const first = letter === "" || random.chance(0.08) ? random.pick([...ALL_LETTERS]) : letter;
    return `${first}${random.int(0, this.#keyCount - 1)}`;
  }

  word(): string {
    const random = this.#random;
    const kind = random.int(0, 99);
    if (kind < 40) return `m${random.int(0, WORD_COUNT)}`;
    if (kind < 80) return String(random.int(-10, WORD_COUNT));
    if (kind < 95) return `w${random.int(0, 9)}${"x".repeat(random.int(0, 90))}`;
    return kind < 99 ? "" : "y".repeat(random.int(0, 6_000));
  }

  #argument(argument: ArgumentFacts, facts: CommandFacts): void {
    const random = this.#random;
    if (argument.isOptional && random.chance(0.6)) return;
    const isCounted = argument.isMultiple && this.#counterAt >= 0;
    const count = argument.isMultiple ? random.int(1, random.chance(0.1) ? 30 : 3) : 1;
    if (isCounted) {
      this.#words[this.#counterAt] = String(count);
      this.#counterAt = -1;
    }
    for (let i = 0; i < count; i++) {
      if (argument.token !== undefined && (i === 0 || argument.isTokenMultiple)) this.#words.push(argument.token);
      this.#value(argument, facts);
    }
  }

  #value(argument: ArgumentFacts, facts: CommandFacts): void {
    const { name, type } = argument;
    const random = this.#random;
    if (type === "pure-token") return;
    if (type === "oneof") this.#argument({ ...random.pick(argument.arguments), isOptional: false }, facts);
    else if (type === "block") for (const part of argument.arguments) this.#argument(part, facts);
    else {
      const isCounter = COUNTERS.has(name) || (facts.name === "rank.add" && name === "n");
      if (isCounter) this.#counterAt = this.#words.length;
      this.#words.push(isCounter ? "0" : this.#plain(argument, facts));
    }
  }

  #plain({ name, type }: ArgumentFacts, facts: CommandFacts): string {
    const random = this.#random;
    switch (type) {
      case "key":
        return this.key(name === "template" ? "b" : this.#letter);
      case "integer":
        return this.#integer(name, facts);
      case "double":
        if (name === "timeout") return random.pick(["0.01", "0.5", "3"]);
        return random.pick(["1", "2", "-3", "0.5", "10", "1e3", "-inf", "+inf", "(2", String(random.int(-20, 20))]);
      case "unix-time": {
        const timeMs = this.#nowMs() + random.int(-100, 3_000);
        return String(name.includes("milli") ? timeMs : Math.ceil(timeMs / 1_000));
      }
      case "pattern":
        return random.pick(["*", "m*", "?1", "[a-m]*", "s*"]);
      default:
        return this.#text(name);
    }
  }

  #integer(name: string, facts: CommandFacts): string {
    const random = this.#random;
    if (name === "milliseconds" || (name === "ttl" && random.chance(0.5))) return String(random.int(1, 3_000));
    if (name === "seconds") return String(random.int(1, 4));
    if (name === "cursor") return random.chance(0.7) ? "0" : String(random.int(0, 2 ** 31));
    if (/^(db|index1|index2|destination-db)$/.test(name) || facts.name === "select") return String(random.int(0, 1));
    if (name.endsWith("-ms") || name === "ms") return String(1_000 * random.pick([1, 60, 3_600, 86_400]));
    if (name === "time-ms") return String(this.#nowMs() - random.int(0, 100_000));
    if (name === "offset") return String(random.int(0, 300));
    if (name === "members" || name === "cap") return String(random.int(2, 40));
    if (facts.name === "setbit" || facts.name === "bitpos") return String(random.int(0, 1));
    return String(random.chance(0.2) ? random.int(-12, -1) : random.int(0, 20));
  }

  #text(name: string): string {
    const random = this.#random;
    if (name === "script") return random.pick(SCRIPTS);
    if (name === "encoding") return random.pick(["u8", "i16", "u1", "i64", "u63"]);
    if (name === "operation") return random.pick(["AND", "OR", "XOR", "NOT"]);
    if (name === "period") return random.pick(["0", "-1", "-2", "2023-11-14", "2023-11"]);
    if (name === "offset") return random.pick(["UTC", "UTC+9", "-03:30"]);
    if (name === "min" || name === "max") return random.pick(["-", "+", "[m", "(m3", "[w"]);
    if (name === "start" || name === "stop") return random.pick(["0", "-1", "5", "-3", "(1", "[m", "-", "+"]);
    if (name === "type") return random.pick(["string", "list", "zset", "hash", "set"]);
    if (/channel/.test(name)) return `c${random.int(0, 2)}`;
    return this.word();
  }
}
