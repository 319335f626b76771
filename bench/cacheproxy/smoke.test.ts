import { expect, test } from "vitest";
import { expectFigures } from "../src/smoke.ts";
import { cacheproxyPart } from "./part.ts";

const CASES = ["pipeline-1-100-bytes", "pipeline-1-1024-bytes", "pipeline-16-100-bytes", "pipeline-16-1024-bytes"];

/** Figures that have to be there, for each peer, and be above 0. */
const EXPECTED: Readonly<Record<string, { readonly peers: readonly string[]; readonly figures: readonly string[] }>> = {
  cpu: {
    peers: ["kagami", "nutcracker"],
    figures: CASES.flatMap((name) => [`cpu-per-operation-${name}`, `operations-${name}`, `load-core-${name}`]),
  },
  latency: { peers: ["direct", "kagami", "nutcracker"], figures: ["latency-p50", "latency-p99"] },
  "system-calls": {
    peers: ["kagami", "nutcracker"],
    figures: ["calls-per-operation-pipeline-1", "calls-per-operation-pipeline-16"],
  },
};

test("every scenario has a smoke test", () => {
  expect(cacheproxyPart.scenarios.map(({ name }) => name)).toEqual(Object.keys(EXPECTED));
});

test.each(Object.entries(EXPECTED))(
  "the short form of %s runs and gives a figure of every kind for every peer",
  { timeout: 120_000 },
  (scenario, expected) => expectFigures("cacheproxy", scenario, expected),
);
