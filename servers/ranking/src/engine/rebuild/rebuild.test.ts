import { createRandom, seeds } from "@kagami/clock";
import { expect, test } from "vitest";
import { EngineDriver } from "../../../test/support/engine-driver.ts";
import { rebuildStore } from "./rebuild.ts";

/** A second store made of the first one's rebuild. */
function rebuilt(driver: EngineDriver): EngineDriver {
  const other = new EngineDriver(driver.engine.store.hashSeed);
  rebuildStore(driver.engine.store, (bytes, start, end) => other.engine.apply(bytes.slice(start, end)));
  other.nowMs = driver.nowMs;
  other.turn = driver.turn;
  return other;
}

test.each(seeds(30))("a store that was rebuilt answers and picks like the first, seed %i", (seed) => {
  const random = createRandom(seed);
  const driver = new EngineDriver(seed);
  const word = (): string => (random.chance(0.3) ? String(random.int(0, 999)) : `w${random.int(0, 200)}`);
  for (let step = 0; step < 600; step++) {
    const key = `k${random.int(0, 5)}`;
    const call = random.pick([
      ["SADD", `s${key}`, word(), word(), word()],
      ["SREM", `s${key}`, word()],
      ["SPOP", `s${key}`, 1],
      ["HSET", `h${key}`, word(), word(), word(), word()],
      ["HDEL", `h${key}`, word()],
      ["HPEXPIRE", `h${key}`, random.int(1, 5_000), "FIELDS", 1, word()],
      ["RPUSH", `l${key}`, word(), "x".repeat(random.int(0, 5_000))],
      ["LPOP", `l${key}`],
      ["SET", `t${key}`, word(), "PX", random.int(1, 5_000)],
      ["APPEND", `t${key}`, "x".repeat(random.int(0, 3_000))],
      [
        "ZADD",
        `z${key}`,
        random.int(-3, 3) / 3,
        word(),
        random.int(-3, 3),
        `${word()}${"m".repeat(random.int(0, 70))}`,
      ],
      ["ZREM", `z${key}`, word()],
      ["ZPOPMIN", `z${key}`],
      ["RANK.ADD", word(), random.int(1, 50), "BOARDS", 2, `b${key}`, "bother"],
      ["WIN.HIT", `w${key}`, "MEMBER", word()],
    ]);
    driver.do(...call);
    driver.nowMs += random.int(0, 20);
  }
  const keys = driver
    .do("KEYS", "*")
    .split("\r\n")
    .filter((line) => /^[bshltwz]k/.test(line));
  expect(keys.length).toBeGreaterThan(10);
  const other = rebuilt(driver);
  for (const key of keys) {
    const questions: Record<string, (string | number)[][]> = {
      s: [
        ["SMEMBERS", key],
        ["OBJECT", "ENCODING", key],
        ["SPOP", key, 2],
        ["SPOP", key],
      ],
      h: [
        ["HGETALL", key],
        ["OBJECT", "ENCODING", key],
      ],
      l: [["LRANGE", key, 0, -1]],
      t: [
        ["GET", key],
        ["PTTL", key],
      ],
      z: [
        ["ZRANGE", key, 0, -1, "WITHSCORES"],
        ["OBJECT", "ENCODING", key],
        ["ZRANDMEMBER", key, 3],
      ],
      w: [
        ["WIN.COUNT", key, 1_000, 10_000],
        ["WIN.COUNT", key, 10_000, "UNIQUE"],
      ],
    };
    for (const question of questions[key.slice(0, 1)] ?? []) {
      const [first, second] = [driver.do(...question), other.do(...question)];
      expect(linesOf(second), `${question.join(" ")}`).toEqual(linesOf(first));
    }
  }
});

/** Sorted, for members of a table come in no promised order. */
function linesOf(reply: string): string[] {
  return reply.split("\r\n").sort();
}
