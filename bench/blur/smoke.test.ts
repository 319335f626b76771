import { expect, test } from "vitest";
import { expectFigures } from "../src/smoke.ts";
import { blurPart } from "./part.ts";

/** Figures that have to be there, for each peer, and be above 0. */
const EXPECTED: Readonly<Record<string, { readonly peers: readonly string[]; readonly figures: readonly string[] }>> = {
  kernels: {
    peers: ["wasm", "plain", "opencv-js", "copy"],
    figures: ["obscure-720x1280-p50", "obscure-720x1280-p99"],
  },
  detect: { peers: ["wasm", "plain"], figures: ["small-p50", "small-p99"] },
  quality: { peers: ["all"], figures: ["banners", "hours-without-banners"] },
  cost: { peers: ["kagami-selective", "kagami-always"], figures: ["cpu-of-a-core", "decode", "added-latency-p50"] },
  switching: { peers: ["kagami"], figures: ["switches", "banners", "pictures", "pictures-replaced"] },
};

test("every scenario has a smoke test", () => {
  expect(blurPart.scenarios.map(({ name }) => name)).toEqual(Object.keys(EXPECTED));
});

test.each(Object.entries(EXPECTED))(
  "the short form of %s runs and gives a figure of every kind for every peer",
  { timeout: 240_000 },
  (scenario, expected) => expectFigures("blur", scenario, expected),
);
