import type { Scenario } from "../src/scenario.ts";
import { withPair } from "./contenders.ts";
import { comparePair, fillSortedSet, type LoadCase } from "./load.ts";

const MEMBER = "member:__rand_int__";

function casesOf(memberCount: number): readonly LoadCase[] {
  const keys = { keyCount: 100_000 };
  const members = { keyCount: memberCount };
  const set = { ...keys, name: "set", command: ["SET", "key:__rand_int__", "0123456789abcdef"] };
  const get = { ...keys, name: "get", command: ["GET", "key:__rand_int__"] };
  const increase = { ...members, name: "zincrby", command: ["ZINCRBY", "board", 1, MEMBER] };
  const rank = { ...members, name: "zrevrank", command: ["ZREVRANK", "board", MEMBER] };
  // An event of a time window: Redis's own way is a sorted set by time, of which this is the write alone.
  const hit = {
    ...members,
    name: "window-hit",
    command: ["WIN.HIT", "events", "MEMBER", MEMBER],
    redisCommand: ["ZADD", "events", "__rand_int__", MEMBER],
  };
  const count = { ...hit, name: "window-count-hit", command: ["WIN.HIT", "counts"] };
  return [
    { ...set, pipeline: 1, limit: 0.97 },
    { ...set, pipeline: 16, limit: 1.2 },
    { ...get, pipeline: 1, limit: 0.97 },
    { ...get, pipeline: 16, limit: 1.2 },
    { ...increase, pipeline: 1, limit: 1.1 },
    { ...increase, pipeline: 16, limit: 1.5 },
    { ...rank, pipeline: 1, limit: 1.1 },
    { ...rank, pipeline: 16, limit: 1.5 },
    { ...hit, pipeline: 1 },
    { ...hit, pipeline: 16, limit: 4 },
    { ...count, pipeline: 16, limit: 4 },
  ];
}

/** Requests per second and CPU time per request of both, without persistence. */
export const throughput: Scenario = {
  name: "throughput",
  summary: "SET, GET, sorted sets of a million members and window hits beside redis-server, 50 connections",
  run: ({ isSmoke, settings, progress }) =>
    withPair({}, async (pair) => {
      const memberCount = isSmoke ? 2_000 : 1_000_000;
      const plan = {
        rounds: settings.rounds ?? (isSmoke ? 1 : 5),
        seconds: settings.seconds ?? (isSmoke ? 0.05 : 1),
        progress,
      };
      const wanted = casesOf(memberCount).filter(
        ({ name }) => settings.only?.some((part) => name.includes(part)) ?? true,
      );
      for (const contender of [pair.redis, pair.kagami]) await fillSortedSet(contender, "board", memberCount);
      progress(`boards of ${memberCount} members are there`);
      const figures = [];
      for (const load of wanted) figures.push(...(await comparePair(pair, load, plan)));
      const notes = [
        pair.versions,
        "window-hit and window-count-hit are WIN.HIT with and without a member beside ZADD of a member into one sorted set",
      ];
      return { figures, notes };
    }),
};
