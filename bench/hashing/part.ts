import type { Part } from "../src/scenario.ts";
import { keyHashes } from "./key-hashes.ts";
import { moves } from "./moves.ts";
import { speed } from "./speed.ts";
import { spread } from "./spread.ts";

/** The ways to choose a server for a key: how even, how steady under change, how fast, how large. */
export const hashingPart: Part = {
  name: "hashing",
  summary: "The ways to choose a server for a key",
  scenarios: [spread, moves, speed, keyHashes],
};
