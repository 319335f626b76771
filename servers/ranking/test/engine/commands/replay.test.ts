import { createRandom, type Random, seeds } from "@kagami/clock";
import { expect, test } from "vitest";
import { EngineDriver } from "../../support/engine-driver.ts";

const KEYS = ["a", "b", "c", "d"];

function member(random: Random): string {
  return random.chance(0.5) ? String(random.int(-40, 700)) : `m${random.int(0, 120)}`;
}

/** Commands whose outcome depends on chance, time, or the order in which something is walked through. */
const BUILDERS: readonly ((random: Random) => readonly (string | number)[])[] = [
  (r) => ["SADD", `s${r.pick(KEYS)}`, ...Array.from({ length: r.int(1, 40) }, () => member(r))],
  (r) => ["SPOP", `s${r.pick(KEYS)}`],
  (r) => ["SPOP", `s${r.pick(KEYS)}`, r.int(1, 90)],
  (r) => ["SRANDMEMBER", `s${r.pick(KEYS)}`, r.int(-5, 5)],
  (r) => [
    r.pick(["SUNIONSTORE", "SDIFFSTORE", "SINTERSTORE"]),
    `s${r.pick(KEYS)}`,
    `s${r.pick(KEYS)}`,
    `s${r.pick(KEYS)}`,
  ],
  (r) => ["SMOVE", `s${r.pick(KEYS)}`, `s${r.pick(KEYS)}`, member(r)],
  (r) => ["RPUSH", `l${r.pick(KEYS)}`, ...Array.from({ length: r.int(1, 40) }, () => member(r))],
  (r) => ["LMOVE", `l${r.pick(KEYS)}`, `l${r.pick(KEYS)}`, r.pick(["LEFT", "RIGHT"]), r.pick(["LEFT", "RIGHT"])],
  (r) => ["LMPOP", 2, `l${r.pick(KEYS)}`, `l${r.pick(KEYS)}`, "LEFT", "COUNT", r.int(1, 30)],
  (r) => ["LREM", `l${r.pick(KEYS)}`, r.int(-3, 3), member(r)],
  (r) => ["HSET", `h${r.pick(KEYS)}`, ...Array.from({ length: r.int(1, 20) }, () => [member(r), member(r)]).flat()],
  (r) => ["HINCRBYFLOAT", `h${r.pick(KEYS)}`, `n${r.int(0, 5)}`, "0.1"],
  (r) => ["HPEXPIRE", `h${r.pick(KEYS)}`, r.int(0, 400), "FIELDS", 3, member(r), member(r), `n${r.int(0, 5)}`],
  (r) => ["HPERSIST", `h${r.pick(KEYS)}`, "FIELDS", 2, member(r), member(r)],
  (r) => ["HRANDFIELD", `h${r.pick(KEYS)}`, r.int(-5, 5)],
  (r) => ["HDEL", `h${r.pick(KEYS)}`, member(r), member(r)],
];

/** All that can be seen of a store. */
function stateOf(driver: EngineDriver): Record<string, readonly string[]> {
  const lists = (reply: string): string[] => reply.split("\r\n").filter((line) => !/^[*$]/.test(line));
  const state: Record<string, readonly string[]> = {};
  for (const key of KEYS) {
    state[`l${key}`] = lists(driver.do("LRANGE", `l${key}`, 0, -1));
    state[`s${key}`] = [
      driver.do("OBJECT", "ENCODING", `s${key}`),
      ...lists(driver.do("SMEMBERS", `s${key}`)).toSorted(),
    ];
    const fields = lists(driver.do("HKEYS", `h${key}`))
      .filter((field) => field !== "")
      .toSorted();
    state[`h${key}`] = [
      driver.do("OBJECT", "ENCODING", `h${key}`),
      ...fields,
      driver.do("HMGET", `h${key}`, "", ...fields),
      driver.do("HPEXPIRETIME", `h${key}`, "FIELDS", fields.length + 1, "", ...fields),
    ];
  }
  return state;
}

test.each(seeds(12))(
  "a store that is made again from its log is the same, chance and time included, seed %i",
  (seed) => {
    const random = createRandom(seed);
    const driver = new EngineDriver();
    for (let step = 0; step < 1_200; step++) {
      if (random.chance(0.3)) driver.nowMs += random.int(1, 60);
      expect(driver.do(...random.pick(BUILDERS)(random))).not.toMatch(/^-/);
    }
    expect(stateOf(driver.replayed())).toEqual(stateOf(driver));
  },
);

test.each(seeds(4))(
  "a store of lists, sets and hashes gives everything back when its keys are deleted, seed %i",
  (seed) => {
    const random = createRandom(seed);
    const driver = new EngineDriver();
    const { store } = driver.engine;
    const outsideBytes = store.heap.outsideBytes;
    for (let step = 0; step < 800; step++) {
      if (random.chance(0.3)) driver.nowMs += random.int(1, 60);
      driver.do(...random.pick(BUILDERS)(random));
    }
    expect(store.heap.use.liveBytes).toBeGreaterThan(1_000);
    for (const type of ["s", "l", "h"]) driver.do("DEL", ...KEYS.map((key) => type + key));
    while (!store.releaseSome(1_000));
    store.heap.trim();
    expect(store.heap.use.liveBytes).toBe(0);
    expect(store.heap.outsideBytes).toBe(outsideBytes);
  },
);
