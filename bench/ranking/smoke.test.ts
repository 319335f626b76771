import { expect, test } from "vitest";
import { expectFigures } from "../src/smoke.ts";
import { rankingPart } from "./part.ts";

const BOTH = ["kagami", "redis"];
const CASES = ["set", "get", "zincrby", "zrevrank", "window-hit"].flatMap((name) => [
  `${name}-pipeline-1`,
  `${name}-pipeline-16`,
]);
const LOGGED = ["everysec", "always"].flatMap((fsync) => [`set-${fsync}-pipeline-1`, `set-${fsync}-pipeline-16`]);

/** Figures that have to be there, for each peer, and be above 0. */
const EXPECTED: Readonly<Record<string, { readonly peers: readonly string[]; readonly figures: readonly string[] }>> = {
  throughput: {
    peers: BOTH,
    figures: [...CASES, "window-count-hit-pipeline-16"].flatMap((name) => [`${name}-requests`, `${name}-cpu`]),
  },
  durability: { peers: BOTH, figures: LOGGED.flatMap((name) => [`${name}-requests`, `${name}-cpu`]) },
  memory: { peers: BOTH, figures: ["rss-per-key", "used-per-key", "rss-per-member", "used-per-member"] },
  ranking: { peers: ["kagami", "redis-script", "redis-multi"], figures: ["events", "cpu-per-event"] },
};

test("every scenario has a smoke test", () => {
  expect(rankingPart.scenarios.map(({ name }) => name).toSorted()).toEqual(Object.keys(EXPECTED).toSorted());
});

test.each(Object.entries(EXPECTED))(
  "the short form of %s runs and gives a figure of every kind for every peer",
  { timeout: 120_000 },
  (scenario, expected) => expectFigures("ranking", scenario, expected),
);
