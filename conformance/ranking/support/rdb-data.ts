import type { Random } from "@kagami/clock";
import type { RdbValue } from "@kagami/ranking/rdb";
import type { RedisClient, Reply } from "./redis-client.ts";

const INTEGERS = [
  ...["0", "-1", "12", "13", "63", "64", "127", "128", "-128", "-129", "255", "4095", "4096", "-4096", "-4097"],
  ...["32767", "32768", "-32768", "-32769", "8388607", "8388608", "-8388608", "-8388609", "2147483647", "2147483648"],
  ...["-2147483648", "-2147483649", "9007199254740993", "9223372036854775807", "-9223372036854775808"],
  ...["9223372036854775808", "-0", "007", "+1", "1e5", "", " 1"],
];
/** Around every step of the formats: lengths, blocks, listpack heads and what is compressed. */
const SIZES = [
  0, 1, 4, 5, 20, 21, 63, 64, 65, 126, 127, 128, 253, 254, 255, 4_095, 4_096, 8_190, 8_200, 16_383, 16_384,
];
const COUNTS = [1, 2, 3, 10, 127, 128, 129, 511, 512, 513, 1_000];
const SCORES = [0, -0, 1, -1, 0.1, 1.5, 1e-300, 5e-324, 1e300, 2 ** 53, 2 ** 53 + 2, 9e18, -9e18, 1e17, 123_456_789];

/** A string of any form: the text of an integer, repeats, text or noise; mostly short. */
export function randomString(random: Random, isLongAllowed = true): Buffer {
  if (random.chance(0.3)) return Buffer.from(random.pick(INTEGERS));
  if (random.chance(0.2)) return Buffer.from(String(random.int(-(2 ** 40), 2 ** 40)));
  const size = isLongAllowed && random.chance(0.1) ? random.pick(SIZES) : random.int(0, 40);
  if (random.chance(0.3)) return Buffer.alloc(size, Buffer.from(random.bytes(random.int(1, 7))));
  return random.chance(0.5) ? Buffer.from(random.bytes(size)) : Buffer.alloc(size, "x");
}

function randomStrings(random: Random, isUnique: boolean): Buffer[] {
  const count = random.pick(COUNTS);
  const kind = random.int(0, 3);
  const make = (): Buffer => {
    if (kind === 0) return Buffer.from(String(random.int(-(2 ** random.pick([6, 14, 15, 31, 50])), 2 ** 15)));
    return randomString(random, kind === 1);
  };
  const made = Array.from({ length: count }, make);
  return isUnique ? [...new Map(made.map((bytes) => [bytes.toString("latin1"), bytes])).values()] : made;
}

/** A value of any kind, of a size around what makes Redis choose another encoding for it. */
export function randomValue(random: Random): RdbValue {
  switch (random.int(0, 4)) {
    case 0: {
      const size = random.chance(0.05) ? random.int(50_000, 300_000) : random.pick(SIZES);
      const bytes = random.chance(0.6) ? randomString(random) : Buffer.from(random.bytes(size));
      return { kind: "string", bytes };
    }
    case 1:
      return { kind: "list", elements: randomStrings(random, false) };
    case 2:
      return { kind: "set", members: randomStrings(random, true) };
    case 3: {
      const fields = randomStrings(random, true);
      return { kind: "hash", fields, values: fields.map(() => randomString(random, random.chance(0.1))) };
    }
    default: {
      const members = randomStrings(random, true);
      return { kind: "sorted-set", members, scores: members.map(() => randomScore(random)) };
    }
  }
}

function randomScore(random: Random): number {
  if (random.chance(0.4)) return random.pick([...SCORES, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]);
  return random.chance(0.5) ? random.int(-1_000, 1_000) : random.float() * 10 ** random.int(-20, 20);
}

/** Makes the value on a server by its own commands, pipelined. */
export async function storeValue(redis: RedisClient, key: Buffer, value: RdbValue): Promise<void> {
  const parts: (Uint8Array | string)[] = [];
  switch (value.kind) {
    case "string":
      await redis.ask("SET", key, value.bytes);
      return;
    case "list":
      await redis.ask("RPUSH", key, ...value.elements);
      return;
    case "set":
      await redis.ask("SADD", key, ...value.members);
      return;
    case "hash":
      value.fields.forEach((field, i) => void parts.push(field, value.values[i] as Uint8Array));
      await redis.ask("HSET", key, ...parts);
      return;
    case "sorted-set":
      value.members.forEach((member, i) => void parts.push(scoreText(value.scores[i] as number), member));
      await redis.ask("ZADD", key, ...parts);
      return;
    default:
      value satisfies never;
  }
}

function scoreText(score: number): string {
  if (Object.is(score, -0)) return "-0";
  return String(score).replace("Infinity", "inf");
}

const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");

/**
 * A value as text that can be compared: sets, hashes and sorted sets in an order of their own. Redis keeps a score of -0
 * as 0 in its small sorted sets and as -0 in its large ones, so both are 0 here.
 */
export function comparable(value: RdbValue): unknown {
  switch (value.kind) {
    case "string":
      return latin1(value.bytes);
    case "list":
      return value.elements.map(latin1);
    case "set":
      return { set: value.members.map(latin1).sort() };
    case "hash":
      return { hash: value.fields.map((field, i) => [latin1(field), latin1(value.values[i] as Uint8Array)]).sort() };
    case "sorted-set":
      return { sortedSet: value.members.map((member, i) => [latin1(member), (value.scores[i] as number) + 0]).sort() };
    default:
      return value satisfies never;
  }
}

/** What a server has under a key, asked by commands, in the form of `comparable`. */
export async function askValue(redis: RedisClient, key: Uint8Array, kind: RdbValue["kind"]): Promise<unknown> {
  const strings = async (...command: (string | Uint8Array)[]): Promise<Buffer[]> =>
    (await redis.ask(...command)) as Buffer[];
  switch (kind) {
    case "string":
      return comparable({ kind, bytes: (await redis.ask("GET", key)) as Buffer });
    case "list":
      return comparable({ kind, elements: await strings("LRANGE", key, "0", "-1") });
    case "set":
      return comparable({ kind, members: await strings("SMEMBERS", key) });
    case "hash": {
      const pairs = await strings("HGETALL", key);
      const fields = pairs.filter((_, i) => i % 2 === 0);
      return comparable({ kind, fields, values: pairs.filter((_, i) => i % 2 === 1) });
    }
    case "sorted-set": {
      const pairs = await strings("ZRANGE", key, "0", "-1", "WITHSCORES");
      const members = pairs.filter((_, i) => i % 2 === 0);
      const scores = pairs.filter((_, i) => i % 2 === 1).map((text) => numberOf(text.toString()));
      // The server's own order, which it must have kept too: it finds members by it.
      const ranks = await Promise.all(members.slice(0, 40).map((member) => redis.ask("ZRANK", key, member)));
      if (ranks.some((rank: Reply, i) => rank !== i)) throw new Error(`Members are not found in their order: ${ranks}`);
      return comparable({ kind, members, scores });
    }
    default:
      return kind satisfies never;
  }
}

function numberOf(text: string): number {
  return Number(text.replace("inf", "Infinity"));
}
