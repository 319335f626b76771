import { createRandom, seeds } from "@kagami/clock";
import { describe, expect, test } from "vitest";
import { type Argument, EngineDriver } from "../support/engine-driver.ts";

/** Lines of a RESP2 reply without their lengths: short to write and enough to tell replies apart. */
function said(reply: string): string {
  return reply
    .split("\r\n")
    .filter((line) => !/^[$*]\d/.test(line))
    .join(" ")
    .trim();
}

function driven(...commands: readonly (readonly Argument[])[]): EngineDriver {
  const driver = new EngineDriver();
  for (const command of commands) driver.do(...command);
  return driver;
}

const ABC = ["ZADD", "z", 1, "a", 2, "b", 3, "c"] as const;
const LONG = "x".repeat(65);

describe("replies as Redis 7.0.15 gives them", () => {
  test.each<{ call: readonly Argument[]; reply: string; why: string }>([
    {
      call: ["ZADD", "z", "NX", "XX", 1, "a"],
      reply: "-ERR XX and NX options at the same time are not compatible",
      why: "both",
    },
    {
      call: ["ZADD", "z", "GT", "NX", 1, "a"],
      reply: "-ERR GT, LT, and/or NX options at the same time are not compatible",
      why: "a new one has no score to compare",
    },
    {
      call: ["ZADD", "z", "INCR", 1, "a", 2, "b"],
      reply: "-ERR INCR option supports a single increment-element pair",
      why: "one score is replied",
    },
    { call: ["ZADD", "z", 1, "a", 2], reply: "-ERR syntax error", why: "a member is missing" },
    {
      call: ["ZADD", "z", 1, "a", "x", "b"],
      reply: "-ERR value is not a valid float",
      why: "nothing is added when one is wrong",
    },
    { call: ["ZADD", "z", "1e400", "a"], reply: "-ERR value is not a valid float", why: "no double holds it" },
    { call: ["ZADD", "z", "XX", "CH", 5, "a", 9, "new"], reply: ":1", why: "XX adds none, CH counts the changed" },
    { call: ["ZADD", "z", "GT", 0, "a", 4, "d"], reply: ":1", why: "GT keeps the higher, and adds" },
    { call: ["ZADD", "z", "GT", "INCR", -1, "a"], reply: "$-1", why: "nothing was done" },
    { call: ["ZADD", "z", "INCR", "-0", "n"], reply: "-0", why: "the sum is replied, not what is kept" },
    { call: ["ZINCRBY", "z", "1.5", "b"], reply: "3.5", why: "17 digits at most" },
    {
      call: ["ZINCRBY", "string", 1, "b"],
      reply: "-WRONGTYPE Operation against a key holding the wrong kind of value",
      why: "a string",
    },
    { call: ["ZREVRANK", "z", "a"], reply: ":2", why: "from the top" },
    {
      call: ["ZRANK", "z", "a", "WITHSCORE"],
      reply: "-ERR wrong number of arguments for 'zrank' command",
      why: "7.2 has it",
    },
    { call: ["ZMSCORE", "none", "a", "b"], reply: "$-1 $-1", why: "no set has no member" },
    { call: ["ZRANGE", "z", 0, -1, "REV", "WITHSCORES"], reply: "c 3 b 2 a 1", why: "pairs lie flat in RESP2" },
    {
      call: ["ZRANGE", "z", "(1", "+inf", "BYSCORE", "LIMIT", 1, 5],
      reply: "c",
      why: "the bound is open, one is passed over",
    },
    { call: ["ZRANGE", "z", "1", "1e400", "BYSCORE"], reply: "a b c", why: "a bound may be too large" },
    {
      call: ["ZRANGE", "z", 0, 1, "LIMIT", 0, 1],
      reply: "-ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX",
      why: "places need none",
    },
    {
      call: ["ZRANGE", "z", "-", "+", "BYLEX", "WITHSCORES"],
      reply: "-ERR syntax error, WITHSCORES not supported in combination with BYLEX",
      why: "all are the same",
    },
    {
      call: ["ZRANGE", "z", "a", "+", "BYLEX"],
      reply: "-ERR min or max not valid string range item",
      why: "neither [ nor (",
    },
    { call: ["ZRANGEBYSCORE", "z", "", "2"], reply: "a b", why: "nothing reads as 0" },
    { call: ["ZRANGEBYSCORE", "z", "x", "2"], reply: "-ERR min or max is not a float", why: "no number" },
    { call: ["ZREVRANGEBYSCORE", "z", 3, 2, "LIMIT", -1, 5], reply: "", why: "a negative offset leaves nothing" },
    { call: ["ZPOPMIN", "z", -1], reply: "-ERR value is out of range, must be positive", why: "a count" },
    { call: ["ZPOPMAX", "z", 2], reply: "c 3 b 2", why: "the highest first" },
    { call: ["ZMPOP", 2, "none", "z", "MAX", "COUNT", 2], reply: "z c 3 b 2", why: "the first key that is there" },
    { call: ["ZMPOP", 1, "none", "MIN"], reply: "*-1", why: "no key has any" },
    { call: ["ZMPOP", 0, "z", "MIN"], reply: "-ERR numkeys should be greater than 0", why: "no key" },
    { call: ["BZPOPMIN", "none", "z", 0], reply: "z a 1", why: "nobody has to wait" },
    { call: ["BZMPOP", 0, 1, "z", "MIN"], reply: "z a 1", why: "nobody has to wait" },
    { call: ["BZPOPMIN", "none", -1], reply: "-ERR timeout is negative", why: "no time" },
    { call: ["ZUNION", 0, "z"], reply: "-ERR at least 1 input key is needed for 'zunion' command", why: "no input" },
    {
      call: ["ZUNION", 2, "z", "z", "WEIGHTS", 2, "inf", "WITHSCORES"],
      reply: "a inf b inf c inf",
      why: "each input has its weight",
    },
    {
      call: ["ZUNION", 2, "z", "z", "WEIGHTS", "inf", "-inf", "WITHSCORES"],
      reply: "a 0 b 0 c 0",
      why: "infinity less infinity is 0",
    },
    { call: ["ZUNION", 1, "z", "WEIGHTS", "x"], reply: "-ERR weight value is not a float", why: "no number" },
    {
      call: ["ZINTER", 2, "z", "set", "AGGREGATE", "MAX", "WITHSCORES"],
      reply: "b 2 c 3",
      why: "members of a set have the score 1",
    },
    { call: ["ZDIFF", 2, "z", "set"], reply: "a", why: "a set takes away" },
    { call: ["ZINTERCARD", 2, "z", "z", "LIMIT", 2], reply: ":2", why: "counts no further" },
    { call: ["ZINTERCARD", 1, "z", "LIMIT", -1], reply: "-ERR LIMIT can't be negative", why: "a count" },
    { call: ["ZRANDMEMBER", "z", 5], reply: "a b c", why: "all there are" },
    {
      call: ["ZRANDMEMBER", "z", "-9223372036854775808"],
      reply: "-ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
      why: "it has no positive twin",
    },
    {
      call: ["ZRANDMEMBER", "z", -10_000_001],
      reply: "-ERR value is out of range, at most 10000000 members are picked at once",
      why: "ours: Redis would fill its memory",
    },
    { call: ["ZSCAN", "z", "x"], reply: "-ERR invalid cursor", why: "no number" },
    { call: ["ZSCAN", "z", 0, "COUNT", 0], reply: "-ERR syntax error", why: "nothing would ever come" },
    { call: ["ZSCAN", "z", 0, "MATCH", "[bc]"], reply: "0 b 2 c 3", why: "a packed set comes at once" },
  ])("$call: $why", ({ call, reply }) => {
    const driver = driven(ABC, ["SET", "string", "s"], ["SADD", "set", "b", "c", "q"]);
    expect(said(driver.do(...call))).toBe(reply);
  });

  test.each<{ call: readonly Argument[]; reply: string; why: string }>([
    {
      call: ["ZRANGE", "z", 0, 1, "WITHSCORES"],
      reply: "*2\r\n*2\r\n$1\r\na\r\n,1\r\n*2\r\n$1\r\nb\r\n,2\r\n",
      why: "pairs",
    },
    { call: ["ZPOPMIN", "z"], reply: "*2\r\n$1\r\na\r\n,1\r\n", why: "one without a count lies flat" },
    { call: ["ZPOPMIN", "z", 1], reply: "*1\r\n*2\r\n$1\r\na\r\n,1\r\n", why: "with a count in a pair" },
    { call: ["BZPOPMIN", "z", 0], reply: "*3\r\n$1\r\nz\r\n$1\r\na\r\n,1\r\n", why: "flat" },
    { call: ["ZMPOP", 1, "z", "MIN"], reply: "*2\r\n$1\r\nz\r\n*1\r\n*2\r\n$1\r\na\r\n,1\r\n", why: "pairs" },
    { call: ["ZSCORE", "z", "nobody"], reply: "_\r\n", why: "null" },
    {
      call: ["ZSCAN", "z", 0, "MATCH", "a"],
      reply: "*2\r\n$1\r\n0\r\n*2\r\n$1\r\na\r\n$1\r\n1\r\n",
      why: "scores are text here",
    },
  ])("in RESP3, $call: $why", ({ call, reply }) => {
    const driver = driven(ABC);
    driver.main.session.resp = 3;
    expect(driver.do(...call)).toBe(reply);
  });
});

test.each<{ commands: readonly (readonly Argument[])[]; encoding: string; why: string }>([
  { commands: [ABC], encoding: "listpack", why: "few and short" },
  { commands: [["ZADD", "z", 1, LONG.slice(1)]], encoding: "listpack", why: "64 bytes" },
  { commands: [["ZADD", "z", 1, LONG]], encoding: "skiplist", why: "65 bytes" },
  {
    commands: [
      ["ZADD", "z", 1, LONG, 2, "b"],
      ["ZREM", "z", LONG],
    ],
    encoding: "skiplist",
    why: "it never goes back",
  },
  {
    commands: [
      ["ZADD", "y", 1, LONG, 2, "b"],
      ["ZREM", "y", LONG],
      ["ZUNIONSTORE", "z", 1, "y"],
    ],
    encoding: "listpack",
    why: "an outcome is new",
  },
  { commands: [["ZADD", "z", ...numbered(128)]], encoding: "listpack", why: "128 members" },
  { commands: [["ZADD", "z", ...numbered(129)]], encoding: "skiplist", why: "129 members" },
  {
    commands: [
      ["ZADD", "y", ...numbered(200)],
      ["ZRANGESTORE", "z", "y", 10, 137],
    ],
    encoding: "listpack",
    why: "128 of them",
  },
  {
    commands: [
      ["ZADD", "y", ...numbered(200)],
      ["ZRANGESTORE", "z", "y", 10, 138],
    ],
    encoding: "skiplist",
    why: "129 of them",
  },
])("the encoding is $encoding: $why", ({ commands, encoding }) => {
  expect(said(driven(...commands).do("OBJECT", "ENCODING", "z"))).toBe(encoding);
});

function numbered(count: number): (string | number)[] {
  return Array.from({ length: count }, (_, i) => [i, `m${i}`]).flat();
}

test("the zero of a packed set has no sign, that of a large one has", () => {
  const driver = driven(["ZADD", "z", "-0", "a"]);
  expect(said(driver.do("ZSCORE", "z", "a"))).toBe("0");
  driver.do("ZADD", "z", 1, LONG, "-0", "b");
  expect(said(driver.do("ZMSCORE", "z", "a", "b"))).toBe("0 -0");
});

test("infinity less infinity is refused and changes nothing", () => {
  const driver = driven(["ZADD", "z", "inf", "a"]);
  expect(said(driver.do("ZINCRBY", "z", "-inf", "a"))).toBe("-ERR resulting score is not a number (NaN)");
  expect(said(driver.do("ZSCORE", "z", "a"))).toBe("inf");
});

test("a member that fits no block is refused before anything is changed, the longest that fits is kept", () => {
  const driver = new EngineDriver();
  expect(driver.do("ZADD", "z", 1, "a", 2, "x".repeat(65_521))).toBe("-ERR member is too long\r\n");
  expect(said(driver.do("ZCARD", "z"))).toBe(":0");
  const longest = "x".repeat(65_520);
  expect(said(driver.do("ZADD", "z", 1, "a", 2, longest))).toBe(":2");
  expect(said(driver.do("ZRANGE", "z", 1, 1))).toBe(longest);
  expect(said(driver.do("ZREM", "z", longest, "a"))).toBe(":2");
});

test.each([
  { last: ["ZREM", "z", "a", "b", "c"] },
  { last: ["ZPOPMIN", "z", 9] },
  { last: ["ZREMRANGEBYRANK", "z", 0, -1] },
  { last: ["ZREMRANGEBYSCORE", "z", "-inf", "inf"] },
  { last: ["ZMPOP", 1, "z", "MAX", "COUNT", 9] },
  { last: ["ZINTERSTORE", "z", 2, "z", "none"] },
  { last: ["ZRANGESTORE", "z", "z", 5, 9] },
])("$last leaves nothing, so the key goes", ({ last }) => {
  const driver = driven(ABC);
  driver.do(...last);
  expect(driver.do("EXISTS", "z")).toBe(":0\r\n");
  expect(driver.engine.store.heap.use.liveBytes).toBe(0);
});

test.each(["packed", "indexed"])("each member of a %s set is picked about as often as another", (form) => {
  const driver = driven(
    ["ZADD", "z", ...numbered(10)],
    ...(form === "packed"
      ? []
      : [
          ["ZADD", "z", 1, LONG],
          ["ZREM", "z", LONG],
        ]),
  );
  const counts = new Map<string, number>();
  for (const reply of [
    driver.do("ZRANDMEMBER", "z", -10_000),
    ...repeated(3_000, () => driver.do("ZRANDMEMBER", "z", 3)),
  ]) {
    for (const member of said(reply).split(" ")) counts.set(member, (counts.get(member) ?? 0) + 1);
  }
  expect(counts.size).toBe(10);
  // 1,900 expected, with a deviation of 41.
  for (const count of counts.values()) expect(Math.abs(count - 1_900)).toBeLessThan(250);
});

function repeated<T>(count: number, make: () => T): T[] {
  return Array.from({ length: count }, make);
}

test("a scan sees every member that stays, while others come and go", () => {
  const driver = driven(["ZADD", "z", ...numbered(1_000)]);
  const seen = new Set<string>();
  let cursor = "0";
  let round = 0;
  do {
    const [next = "0", ...pairs] = said(driver.do("ZSCAN", "z", cursor, "COUNT", 20)).split(" ");
    for (let i = 0; i < pairs.length; i += 2) seen.add(String(pairs[i]));
    cursor = next;
    for (let i = 0; i < 8; i++) driver.do("ZADD", "z", 1, `new${round}-${i}`);
    if (round++ % 2 === 1) driver.do("ZREMRANGEBYSCORE", "z", 999, 999);
  } while (cursor !== "0");
  for (let i = 0; i < 999; i++) expect(seen.has(`m${i}`)).toBe(true);
});

test.each(seeds(12))("a sorted set answers as a sorted list does and comes back from the log, seed %i", (seed) => {
  const random = createRandom(seed);
  const driver = new EngineDriver(seed);
  const model = new Map<string, number>();
  const isSmall = seed % 2 === 0;
  const memberCount = isSmall ? 90 : 900;
  const member = (): string => `m${random.int(0, memberCount)}${isSmall || random.chance(0.99) ? "" : LONG}`;
  const score = (): number =>
    random.pick([
      random.int(-3, 3),
      random.int(-1e6, 1e6),
      random.float(),
      2 ** 31,
      -(2 ** 31),
      1e300,
      Infinity,
      -Infinity,
    ]);
  const text = (value: number): string => String(value).replace("Infinity", "inf");
  for (let step = 0; step < 1_500; step++) {
    const name = member();
    const value = score();
    switch (random.int(0, 5)) {
      case 0:
        driver.do("ZREM", "z", name);
        model.delete(name);
        break;
      case 1: {
        const sum = (model.get(name) ?? 0) + 1;
        expect(Number(said(driver.do("ZINCRBY", "z", 1, name)).replace("inf", "Infinity"))).toBe(sum);
        model.set(name, sum);
        break;
      }
      default:
        driver.do("ZADD", "z", text(value), name);
        model.set(name, value);
    }
  }
  const sorted = [...model].sort(([a, aScore], [b, bScore]) =>
    aScore === bScore ? (a < b ? -1 : 1) : aScore < bScore ? -1 : 1,
  );
  const names = sorted.map(([name]) => name);
  for (const side of [driver, driver.replayed()]) {
    expect(said(side.do("ZRANGE", "z", 0, -1))).toBe(names.join(" "));
    expect(said(side.do("ZRANGE", "z", 0, -1, "REV"))).toBe(names.toReversed().join(" "));
    for (let i = 0; i < 60; i++) {
      const rank = random.int(0, names.length - 1);
      expect(said(side.do("ZRANK", "z", String(names[rank])))).toBe(`:${rank}`);
      const [low, high] = [score(), score()];
      const within = sorted.filter(([, other]) => other >= low && other <= high);
      expect(said(side.do("ZCOUNT", "z", text(low), text(high)))).toBe(`:${within.length}`);
      expect(said(side.do("ZREVRANGEBYSCORE", "z", text(high), text(low), "LIMIT", 2, 5))).toBe(
        within
          .map(([name]) => name)
          .toReversed()
          .slice(2, 7)
          .join(" "),
      );
    }
    side.do("COPY", "z", "copy");
    side.do("ZPOPMAX", "z", 5);
    expect(said(side.do("ZRANGE", "copy", 0, -1))).toBe(names.join(" "));
    side.do("DEL", "z", "copy");
    while (!side.engine.store.releaseSome(100));
    expect(side.engine.store.heap.use.liveBytes).toBe(0);
    expect(side.engine.store.heap.outsideBytes).toBe(new EngineDriver().engine.store.heap.outsideBytes);
  }
});
