import { selectorFactories } from "@kagami/hashing";
import { expect, test } from "vitest";
import { expectFigures, runSmoke } from "../src/smoke.ts";
import { hashingPart } from "./part.ts";

const peers = Object.keys(selectorFactories);

/** Figures that have to be there, for each peer, and be above 0. */
const EXPECTED: Readonly<Record<string, { readonly peers: readonly string[]; readonly figures: readonly string[] }>> = {
  spread: { peers: [...peers, "dice"], figures: ["deviation-10", "peak-10", "peak-20"] },
  moves: { peers, figures: ["moved-add-10", "moved-remove-last-10", "moved-remove-middle-10", "moved-replace-20"] },
  speed: { peers, figures: ["key-hash-10", "build-10", "build-20"] },
  "key-hashes": { peers: ["slot hash", "md5", "md5 of node:crypto", "jenkins"], figures: ["hash-10", "hash-250"] },
};

test("every scenario has a smoke test", () => {
  expect(hashingPart.scenarios.map(({ name }) => name)).toEqual(Object.keys(EXPECTED));
});

test.each(Object.entries(EXPECTED))(
  "the short form of %s runs and gives a figure of every kind for every peer",
  { timeout: 60_000 },
  (scenario, expected) => expectFigures("hashing", scenario, expected),
);

test("slots move nothing needless, and only they have to hold that", async () => {
  const { lines } = await runSmoke("hashing", "moves");
  const judged = lines.filter(({ bar }) => bar !== null);
  expect(judged.length).toBe(8);
  expect(judged.every(({ peer, value, pass }) => peer === "slots" && value === 0 && pass === true)).toBe(true);
});
