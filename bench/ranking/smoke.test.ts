import { expect, test } from "vitest";
import { expectFigures, runSmoke } from "../src/smoke.ts";
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
  ranking: {
    peers: ["kagami", "redis-script", "redis-rank-script", "redis-multi"],
    figures: ["events", "cpu-per-event"],
  },
  soak: { peers: ["kagami"], figures: ["writes", "rss-last", "rss-growth", "used-growth", "p99-growth"] },
  kills: { peers: ["kagami"], figures: ["kills", "writes-acknowledged"] },
};

test("every scenario has a smoke test", () => {
  expect(rankingPart.scenarios.map(({ name }) => name).toSorted()).toEqual(Object.keys(EXPECTED).toSorted());
});

test.each(Object.entries(EXPECTED))(
  "the short form of %s runs and gives a figure of every kind for every peer",
  { timeout: 120_000 },
  (scenario, expected) => expectFigures("ranking", scenario, expected),
);

test.each([
  { build: "the honest build", argv: [], isFlat: true },
  { build: "a build that loses every 50th block", argv: ["--only", "leaky"], isFlat: false },
])("the soak's memory check says of $build what it is", { timeout: 120_000 }, async ({ argv, isFlat }) => {
  const { lines } = await runSmoke("ranking", "soak", ...argv);
  const verdict = (figure: string) => lines.find((line) => line.figure === figure)?.pass;
  expect(verdict("used-after-flushall")).toBe(isFlat);
  expect(verdict("used-growth")).toBe(isFlat);
});

test("no acknowledged write is lost by a few kills, and none is out of order", { timeout: 120_000 }, async () => {
  const { lines } = await runSmoke("ranking", "kills");
  const value = (figure: string) => lines.find((line) => line.figure === figure)?.value;
  expect(value("writes-lost")).toBe(0);
  expect(value("writes-out-of-order")).toBe(0);
});
