import { createRandom, type Random, seeds } from "@kagami/clock";
import { bytesOfText } from "@kagami/ranking/acl";
import { matchesGlob } from "@kagami/ranking/glob";
import { type Reference, startRedis } from "@kagami/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { AclWire } from "./support/acl-wire.ts";

let redis: Reference;
let wire: AclWire;
beforeAll(async () => {
  redis = await startRedis();
  wire = await AclWire.open(redis.port);
});
afterAll(async () => {
  wire.close();
  await redis.stop();
});

function matches(pattern: string, text: string, ignoresCase = false): boolean {
  const patternBytes = bytesOfText(pattern);
  const textBytes = bytesOfText(text);
  return matchesGlob(patternBytes, 0, patternBytes.length, textBytes, 0, textBytes.length, ignoresCase);
}

const PATTERN_LETTERS = [..."aaabbZz-^]\\[*?*?[", "\x80", "\xff", "\0", "[a-", "[^", "[b-\x80]", "\\*", "**", "]"];
const TEXT_LETTERS = [..."aaabbZz-^]\\[*?", "\x80", "\xff", "\0"];

function randomText(random: Random, letters: readonly string[], maxLength: number): string {
  return Array.from({ length: random.int(0, maxLength) }, () => random.pick(letters)).join("");
}

test("KEYS finds the same keys for any pattern", async () => {
  const random = createRandom(1);
  const keys = ["", ...Array.from({ length: 400 }, () => randomText(random, TEXT_LETTERS, 5))];
  await wire.askOne("MSET", ...keys.flatMap((key) => [key, "x"]));
  const distinct = [...new Set(keys)];
  for (const seed of seeds(20)) {
    const patternRandom = createRandom(seed);
    const patterns = Array.from({ length: 60 }, () => randomText(patternRandom, PATTERN_LETTERS, 8));
    const replies = await wire.ask(patterns.map((pattern) => ["KEYS", pattern]));
    for (const [i, pattern] of patterns.entries()) {
      // The pattern `*` alone is all keys for KEYS, the empty one too, without a comparison.
      const expected = pattern === "*" ? distinct : distinct.filter((key) => matches(pattern, key));
      expect((replies[i] as string[]).toSorted(), JSON.stringify(pattern)).toEqual(expected.toSorted());
    }
  }
  await wire.askOne("FLUSHALL");
});

test("as many subscribed patterns match a message", async () => {
  const random = createRandom(2);
  const subscriber = await AclWire.open(redis.port);
  const patterns = [...new Set(Array.from({ length: 300 }, () => randomText(random, PATTERN_LETTERS, 6)))];
  await subscriber.ask(patterns.map((pattern) => ["PSUBSCRIBE", pattern]));
  const channels = Array.from({ length: 200 }, () => randomText(random, TEXT_LETTERS, 4));
  const counts = await wire.ask(channels.map((channel) => ["PUBLISH", channel, ""]));
  subscriber.close();
  expect(channels.map((channel) => patterns.filter((pattern) => matches(pattern, channel)).length)).toEqual(counts);
});

test("CONFIG GET finds the same settings, whatever the case", async () => {
  const names = pairNames(await wire.askOne("CONFIG", "GET", "*"));
  const letters = [..."aAeEmMlLsS-ioTn*?*?*[", "[A-z]", "[Z-a]", "[^M]", "[\\M]", "[a-F]"];
  const random = createRandom(3);
  // Without one of these a pattern is looked up as a name.
  const patterns = Array.from({ length: 400 }, () => randomText(random, letters, 7)).filter((text) =>
    /[*?[]/.test(text),
  );
  const replies = await wire.ask(patterns.map((pattern) => ["CONFIG", "GET", pattern]));
  for (const [i, pattern] of patterns.entries()) {
    const expected = names.filter((name) => matches(pattern, name, true));
    expect(pairNames(replies[i]), pattern).toEqual(expected);
  }
});

function pairNames(reply: unknown): string[] {
  return (reply as string[]).filter((_, i) => i % 2 === 0).toSorted();
}

test.each([
  { starCount: 1_000, tail: "", why: "a last star is not gone into" },
  { starCount: 1_000, tail: "a", why: "the limit itself" },
  { starCount: 1_001, tail: "", why: "a last star is not gone into" },
  { starCount: 1_001, tail: "a", why: "one more than the limit" },
  { starCount: 1_002, tail: "", why: "the last but one is too deep" },
])("a pattern of $starCount stars and '$tail' matches as in Redis: $why", async ({ starCount, tail }) => {
  const key = "a".repeat(1_200);
  await wire.askOne("SET", key, "x");
  const pattern = Array.from({ length: starCount }, () => "*").join("a") + tail;
  const keys = (await wire.askOne("KEYS", pattern)) as string[];
  expect(matches(pattern, key)).toBe(keys.length === 1);
  await wire.askOne("FLUSHALL");
});
