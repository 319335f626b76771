import { expect, test } from "vitest";
import { nearest } from "./nearest.ts";

const NAMES = ["listen", "admin", "maxClients", "shutdownGraceMs"];

test.each([
  { word: "lisen", expected: "listen", why: "a letter left out" },
  { word: "lsiten", expected: "listen", why: "two letters swapped" },
  { word: "max-clients", expected: "maxClients", why: "dashes and capitals do not count" },
  { word: "shutdownGrace", expected: "shutdownGraceMs", why: "the unit forgotten" },
  { word: "password", expected: undefined, why: "nothing is near" },
  { word: "x".repeat(100_000), expected: undefined, why: "absurd input is cut, not compared" },
])("$word.length letters of $expected: $why", ({ word, expected }) => {
  expect(nearest(word, NAMES)).toBe(expected);
});
