import { parseArgs } from "node:util";
import { createRandom, type Random } from "@kagami/clock";
import type { CommandFacts } from "../src/engine/commands/facts.ts";
import { EngineDriver } from "../test/support/engine-driver.ts";

/*
 * Random commands with random arguments against an engine in this process: none may throw, and after FLUSHALL nothing
 * may be left in the heap. `node servers/ranking/bench/fuzz-ranking.ts --inputs 200000 --seed 1`; exit code 1 and the
 * last commands if it finds something.
 */

/** Between two FLUSHALLs. */
const ROUND = 2_000;
const SHOWN = 15;
const MAX_MEMORY_BYTES = 64 << 20;
/** These end or empty what is tested, or change what the rest may do; they have tests of their own. */
const LEFT_OUT = new Set([
  "shutdown",
  "quit",
  "acl|setuser",
  "acl|load",
  "acl|deluser",
  "client|pause",
  "debug",
  "config|set",
  "monitor",
]);
const KEYS = 12;

const NUMBERS = [
  "0",
  "1",
  "-1",
  "2",
  "7",
  "100",
  "1000",
  "-100",
  "0.5",
  "1e3",
  "inf",
  "-inf",
  "nan",
  "9223372036854775807",
  "-9223372036854775808",
  "99999999999999999999",
  "4294967296",
  "(1",
  "[a",
  "-",
  "+",
  "$",
  "*",
  "",
];
const WORDS =
  "NX XX GT LT CH INCR EX PX EXAT PXAT KEEPTTL GET PERSIST WITHSCORES LIMIT BYSCORE BYLEX REV WEIGHTS AGGREGATE SUM MIN MAX STORE COUNT MATCH TYPE LEFT RIGHT BEFORE AFTER ASYNC SYNC REPLACE FIELDS MEMBER AT UNIQUE BOARDS WITH RANK AROUND PASSED LIKE PERIOD DIR desc asc TIES first last shared lex AGG sum best KEEP CAP CHANGES SLIDING RETENTION RESOLUTION UNIQUES EXACT APPROX TOP TZ COST ANY WITHCOORD FROMLONLAT BYRADIUS km SET OVERFLOW u8 i16 WRAP BIT BYTE ALPHA BY DB COPY AND OR XOR NOT IDLETIME FREQ ABSTTL HELP".split(
    " ",
  );

const { values } = parseArgs({
  options: { inputs: { type: "string", default: "20000" }, seed: { type: "string", default: "1" } },
});

process.exitCode = fuzz(Number(values.inputs), Number(values.seed));

function fuzz(inputs: number, seed: number): number {
  const random = createRandom(seed);
  const driver = newDriver();
  const { store, commands } = driver.engine;
  const all = commands.all.filter(({ name, handler }) => handler !== undefined && !LEFT_OUT.has(name));
  const recent: string[][] = [];
  let errors = 0;
  for (let input = 1; input <= inputs; input++) {
    const command = all[below(random, all.length)] as (typeof all)[number];
    const words = commandOf(random, command.facts);
    recent.push(words);
    if (recent.length > SHOWN) recent.shift();
    try {
      if (driver.do(...words.map((word) => Buffer.from(word, "latin1"))).startsWith("-")) errors++;
      driver.engine.onTime(driver.nowMs);
      driver.engine.blocked.forget(driver.main.session);
    } catch (error) {
      return report(`threw at input ${input}: ${(error as Error).stack}`, seed, recent);
    }
    driver.nowMs += below(random, 50);
    driver.main.sent.length = 0;
    driver.batches.length = 0;
    if (input % ROUND === 0 || input === inputs) {
      const left = leftAfterFlush(driver);
      if (left !== 0) return report(`${left} live bytes left after FLUSHALL at input ${input}`, seed, recent);
    }
  }
  writeLine(
    `${inputs} commands of ${all.length} kinds, seed ${seed}: ${errors} errors replied, none thrown, ${store.heap.use.liveBytes} bytes left`,
  );
  return 0;
}

function writeLine(text: string): void {
  process.stdout.write(`${text}\n`);
}

function newDriver(): EngineDriver {
  const driver = new EngineDriver(12_345, { shell: { randomBytes: (sizeBytes) => new Uint8Array(sizeBytes) } });
  driver.engine.maxMemoryBytes = MAX_MEMORY_BYTES;
  return driver;
}

/** Live bytes of the heap when everything was removed and buried containers were taken apart. */
function leftAfterFlush(driver: EngineDriver): number {
  const { engine, main } = driver;
  driver.do("RESET");
  engine.forget(main.session);
  driver.do("FLUSHALL");
  // What is buried is taken apart in pieces by later turns.
  for (let turn = 0; turn < 10_000 && engine.store.heap.use.liveBytes > 0; turn++) driver.do("PING");
  return engine.store.heap.use.liveBytes;
}

function report(what: string, seed: number, recent: readonly string[][]): number {
  writeLine(`Seed ${seed}: ${what}\nThe last commands:`);
  for (const words of recent) writeLine(`  ${words.map((word) => JSON.stringify(word.slice(0, 80))).join(" ")}`);
  return 1;
}

/** A command whose arguments are keys where it takes keys, and anything elsewhere; sometimes too few or too many. */
function commandOf(random: Random, facts: CommandFacts): string[] {
  const words = facts.name.split("|");
  const least = Math.abs(facts.arity);
  const isFree = facts.arity < 0 || below(random, 20) === 0;
  const count = least + (isFree ? below(random, 8) : 0);
  while (words.length < count) {
    const isKey =
      facts.firstKey > 0 && words.length >= facts.firstKey && (facts.lastKey < 0 || words.length <= facts.lastKey);
    words.push(isKey && below(random, 30) > 0 ? keyOf(random) : argumentOf(random));
  }
  return words;
}

function argumentOf(random: Random): string {
  const kind = below(random, 12);
  if (kind < 4) return NUMBERS[below(random, NUMBERS.length)] as string;
  if (kind < 7) return WORDS[below(random, WORDS.length)] as string;
  if (kind < 9) return keyOf(random);
  if (kind === 9) return String(below(random, 2_000) - 200);
  const size = kind === 10 ? below(random, 12) : below(random, 40) === 0 ? below(random, 70_000) : below(random, 200);
  return Array.from({ length: size }, () => String.fromCharCode(below(random, 256))).join("");
}

function keyOf(random: Random): string {
  return `k${below(random, KEYS)}`;
}

function below(random: Random, limit: number): number {
  return Math.floor(random.float() * limit);
}
