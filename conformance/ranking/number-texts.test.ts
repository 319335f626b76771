import { createRandom, type Random, seeds } from "@kagami/clock";
import { addLongDouble, formatDouble, formatHumanDouble, isLongDouble, parseDouble } from "@kagami/ranking/numbers";
import { type Reference, startRedis } from "@kagami/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connectRedis, type RedisClient, type Reply, ReplyError } from "./support/redis-client.ts";

const PAIRS_PER_SEED = 400;
const NOT_A_FLOAT = "ERR value is not a valid float";

let server: Reference;
let redis: RedisClient;
beforeAll(async () => {
  server = await startRedis();
  redis = await connectRedis(server.port);
  // In a listpack a score of -0 becomes 0.
  await redis.ask("CONFIG", "SET", "zset-max-listpack-entries", "0");
});
afterAll(async () => {
  redis.close();
  await server.stop();
});

const ODD_TEXTS = [
  ...[
    "",
    "0",
    "-0",
    "+5",
    "+",
    "-",
    ".",
    ".5",
    "5.",
    "-.5e1",
    "1e",
    "1e+",
    "1e5",
    "1E5",
    " 1",
    "1 ",
    "\t1",
    "1\0",
    "\0",
  ],
  ...["01", "0x10", "0X1p4", "0x.8", "0x", "0xp1", "-0x1.8p-1", "0x1p16383", "0x1p16384", "0x1p-16446", "0x1p1024"],
  ...[
    "inf",
    "-inf",
    "+Infinity",
    "INF",
    "infinit",
    "nan",
    "-nan",
    "nan(1)",
    "1e308",
    "1e309",
    "1e400",
    "-1e400",
    "1e4932",
  ],
  ...[
    "1.2e4932",
    "1e4933",
    "5e-324",
    "2e-324",
    "1e-400",
    "1e-4940",
    "1e-4960",
    "4.9e-324",
    "1e21",
    "0.1",
    "1_0",
    "1,5",
  ],
  ...[
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551615",
    "18446744073709551617",
    "1e17",
    "1e16",
    "1e-5",
  ],
  ...["0.0001", "123456789012345678901234567890", "0.30000000000000004", "1.00000762939453125", "0.000003814697265625"],
];

function digits(random: Random, max: number): string {
  return Array.from({ length: random.int(0, max) }, () => random.int(0, 9)).join("");
}

function numberText(random: Random): string {
  if (random.chance(0.1)) return random.pick(ODD_TEXTS);
  const sign = random.pick(["", "", "-", "+"]);
  if (random.chance(0.2)) {
    const fraction = random.int(0, 2 ** 31).toString(16);
    return `${sign}0x${random.int(0, 2 ** 31).toString(16)}.${fraction}p${random.int(-90, 80)}`;
  }
  const whole = digits(random, random.pick([1, 3, 20, 40]));
  const fraction = random.chance(0.6) ? `.${digits(random, random.pick([2, 17, 18, 30]))}` : "";
  const exponent = random.chance(0.3) ? `e${random.int(-40, 40) * random.pick([1, 1, 1, 9, 123])}` : "";
  return `${sign}${whole}${fraction}${exponent}`;
}

function textOf(reply: Reply): string {
  return reply instanceof ReplyError ? reply.message : String(reply);
}

function ourSum(a: string, b: string): string {
  if (!isLongDouble(a) || !isLongDouble(b)) return NOT_A_FLOAT;
  return addLongDouble(a, b) ?? "ERR increment would produce NaN or Infinity";
}

test.each(seeds(10))("sums have the digits of C's long double, seed %i", async (seed) => {
  const random = createRandom(seed);
  const pairs = Array.from({ length: PAIRS_PER_SEED }, () => [numberText(random), numberText(random)] as const);
  const replies = await Promise.all(
    pairs.map(async ([a, b]) => {
      const [, sum] = await Promise.all([
        redis.send("SET", "k", Buffer.from(a, "latin1")),
        redis.send("INCRBYFLOAT", "k", Buffer.from(b, "latin1")),
      ]);
      return { a, b, sum: textOf(sum) };
    }),
  );
  expect(pairs.map(([a, b]) => ({ a, b, sum: ourSum(a, b) }))).toEqual(replies);
});

/** A score as it comes back when it was given as this text. */
function ourScore(text: string): string {
  const bytes = Buffer.from(text, "latin1");
  const value = parseDouble(bytes, 0, bytes.length);
  return Number.isNaN(value) ? NOT_A_FLOAT : formatDouble(value);
}

async function theirScores(texts: readonly string[]): Promise<string[]> {
  return Promise.all(
    texts.map(async (text) => {
      // A set of its own: a score of 0 that becomes -0 is no change.
      const [, added, score] = await Promise.all([
        redis.send("DEL", "z"),
        redis.send("ZADD", "z", Buffer.from(text, "latin1"), "member"),
        redis.send("ZSCORE", "z", "member"),
      ]);
      return added instanceof ReplyError ? added.message : textOf(score);
    }),
  );
}

test.each(seeds(10))("scores are read and printed alike, seed %i", async (seed) => {
  const random = createRandom(seed);
  const texts = [...ODD_TEXTS, ...Array.from({ length: PAIRS_PER_SEED }, () => numberText(random))];
  expect(texts.map(ourScore)).toEqual(await theirScores(texts));
});

/** Doubles of every size, and many that lie halfway between two decimals of 17 digits. */
function someDouble(random: Random): number {
  if (random.chance(0.5)) return random.int(-(2 ** 31), 2 ** 31) / 2 ** random.int(0, 60);
  return (random.int(1, 2 ** 53 - 1) / 2 ** 53) * 10 ** random.int(-300, 300);
}

/** The double exactly, as C's `%a` would print it. */
function hexOf(value: number): string {
  let size = Math.abs(value);
  let exponent = 0;
  for (; !Number.isInteger(size); exponent--) size *= 2;
  return `${value < 0 ? "-" : ""}0x${BigInt(size).toString(16)}p${exponent}`;
}

test.each(seeds(10))("doubles are printed as C prints them, seed %i", async (seed) => {
  const random = createRandom(seed);
  const values = Array.from({ length: PAIRS_PER_SEED }, () => someDouble(random));
  expect(values.map(formatDouble)).toEqual(await theirScores(values.map(String)));
  const sums = await Promise.all(
    values.map(async (value) => {
      const [, sum] = await Promise.all([redis.send("DEL", "k"), redis.send("INCRBYFLOAT", "k", hexOf(value))]);
      return textOf(sum);
    }),
  );
  expect(values.map(formatHumanDouble)).toEqual(sums);
});
