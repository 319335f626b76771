import { createRandom, seeds } from "@kagami/clock";
import { expect, test } from "vitest";
import { addDigest, DigestMixer, digestText } from "../../../src/engine/digest/digest-mixer.ts";
import { EMPTY_DIGEST } from "../../../src/engine/digest/store-digest.ts";
import { EngineDriver } from "../../support/engine-driver.ts";

type Call = readonly (string | number)[];

function storeOf(...calls: readonly Call[]): EngineDriver {
  const driver = new EngineDriver();
  driver.engine.config.load([["enable-debug-command", "yes"]]);
  for (const call of calls) expect(driver.do(...call), call.join(" ")).not.toMatch(/^-/);
  return driver;
}

const digestOf = (...calls: readonly Call[]): string => storeOf(...calls).do("DEBUG", "DIGEST");

test("a store without keys has the digest 0, in whatever way it became empty", () => {
  expect(digestOf()).toBe(`+${EMPTY_DIGEST}\r\n`);
  expect(digestOf(["SET", "a", 1], ["SADD", "b", 1], ["DEL", "a", "b"])).toBe(`+${EMPTY_DIGEST}\r\n`);
});

const LIST: Call = ["RPUSH", "k", "a", "b"];
test.each<{ why: string; first: Call[]; second: Call[] }>([
  { why: "another value", first: [["SET", "k", "a"]], second: [["SET", "k", "b"]] },
  { why: "another key", first: [["SET", "k", "a"]], second: [["SET", "l", "a"]] },
  { why: "key and value cut elsewhere", first: [["SET", "ka", "b"]], second: [["SET", "k", "ab"]] },
  {
    why: "another database",
    first: [["SET", "k", "a"]],
    second: [
      ["SELECT", 1],
      ["SET", "k", "a"],
    ],
  },
  { why: "another type", first: [LIST], second: [["SADD", "k", "a", "b"]] },
  { why: "an expiry", first: [LIST], second: [LIST, ["EXPIRE", "k", 9]] },
  { why: "another expiry", first: [LIST, ["EXPIRE", "k", 8]], second: [LIST, ["EXPIRE", "k", 9]] },
  { why: "the order of a list", first: [LIST], second: [["RPUSH", "k", "b", "a"]] },
  { why: "elements cut elsewhere", first: [LIST], second: [["RPUSH", "k", "ab", ""]] },
  { why: "a score", first: [["ZADD", "k", 1, "a"]], second: [["ZADD", "k", 2, "a"]] },
  {
    why: "the expiry of a field",
    first: [["HSET", "k", "f", "v"]],
    second: [
      ["HSET", "k", "f", "v"],
      ["HEXPIRE", "k", 9, "FIELDS", 1, "f"],
    ],
  },
  {
    why: "fields that changed their values",
    first: [["HSET", "k", "f", 1, "g", 2]],
    second: [["HSET", "k", "f", 2, "g", 1]],
  },
  {
    why: "the encoding of a string",
    first: [["SET", "k", "ab"]],
    second: [
      ["SET", "k", "a"],
      ["APPEND", "k", "b"],
    ],
  },
  {
    why: "who was first on a board",
    first: [
      ["RANK.ADD", "a", 1, "BOARDS", 1, "k"],
      ["RANK.ADD", "b", 1, "BOARDS", 1, "k"],
    ],
    second: [
      ["RANK.ADD", "b", 1, "BOARDS", 1, "k"],
      ["RANK.ADD", "a", 1, "BOARDS", 1, "k"],
    ],
  },
  {
    why: "a hit of a window",
    first: [["WIN.HIT", "k"]],
    second: [
      ["WIN.HIT", "k"],
      ["WIN.HIT", "k"],
    ],
  },
  { why: "a debt", first: [["WIN.RATE", "k", 5, 1_000]], second: [["WIN.RATE", "k", 5, 1_000, 5, "COST", 2]] },
])("another digest for $why", ({ first, second }) => {
  expect(digestOf(...first)).not.toBe(digestOf(...second));
});

test.each(seeds(10))("a digest does not depend on the order in which a store was filled, seed %i", (seed) => {
  const random = createRandom(seed);
  const members = Array.from({ length: random.int(2, 400) }, (_, i) => `m${i}`);
  const calls = members.flatMap<Call>((member) => [
    ["SADD", "set", member],
    ["HSET", "hash", member.padEnd(70, "x"), member],
    ["ZADD", "zset", member.length, member],
    ["SET", member, member],
  ]);
  // The hash is a table from the start: a packed one keeps the order in which fields came.
  const first: Call = ["HSET", "hash", "y".repeat(99), 1];
  const detour: Call[] = [
    ["SADD", "gone", ...members],
    ["DEL", "gone"],
    ["SET", "m0", "other"],
  ];
  expect(digestOf(first, ...detour, ...random.shuffle(calls))).toBe(digestOf(first, ...calls));
});

test("a key whose time has come is in no digest, whether it was removed or not", () => {
  const driver = storeOf(["SET", "a", 1], ["PSETEX", "b", 5, 1], ["HSET", "h", "f", 1, "g", 2]);
  driver.do("HPEXPIRE", "h", 5, "FIELDS", 1, "f");
  driver.engine.expiresActively = false;
  driver.nowMs += 6;
  expect(driver.do("DEBUG", "DIGEST")).toBe(digestOf(["SET", "a", 1], ["HSET", "h", "g", 2]));
});

test("DEBUG DIGEST-VALUE hashes values without names and expiry, and says 0 for a key that is not there", () => {
  const driver = storeOf(["RPUSH", "a", 1, 2], ["RPUSH", "b", 1, 2], ["EXPIRE", "b", 9], ["RPUSH", "c", 2, 1]);
  const [, a, b, c, none] = driver.do("DEBUG", "DIGEST-VALUE", "a", "b", "c", "none").split("\r\n");
  expect(a).toMatch(/^\+[0-9a-f]{32}$/);
  expect(b).toBe(a);
  expect(c).not.toBe(a);
  expect(none).toBe(`+${EMPTY_DIGEST}`);
});

test("every bit of what goes in changes about half of the digest", () => {
  const mixer = new DigestMixer();
  const bitsOf = (bytes: Uint8Array): string => {
    mixer.begin();
    mixer.bytes(bytes);
    return [...digestText(mixer.end())]
      .map((digit) => Number.parseInt(digit, 16).toString(2).padStart(4, "0"))
      .join("");
  };
  const bytes = createRandom(1).bytes(23);
  const before = bitsOf(bytes);
  for (let bit = 0; bit < 8 * bytes.length; bit++) {
    const changed = bytes.slice();
    changed[bit >> 3]! ^= 1 << (bit & 7);
    const after = bitsOf(changed);
    const differing = [...after].filter((digit, i) => digit !== before[i]).length;
    // 128 fair coins: 64, give or take six standard deviations of 5.7.
    expect(Math.abs(differing - 64), `bit ${bit}`).toBeLessThan(34);
  }
});

test("a sum of digests does not depend on their order, and two of a kind do not cancel out", () => {
  const sumOf = (...words: number[]): string => {
    const sum = new Int32Array(4);
    for (const word of words) {
      const mixer = new DigestMixer();
      mixer.word(word);
      addDigest(sum, mixer.end());
    }
    return digestText(sum);
  };
  expect(sumOf(1, 2, 3)).toBe(sumOf(3, 1, 2));
  expect(sumOf(1, 1)).not.toBe(EMPTY_DIGEST);
  expect(sumOf(1, 1, 2)).not.toBe(sumOf(2));
});
