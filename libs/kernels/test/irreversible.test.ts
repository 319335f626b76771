import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { createWasmKernels, type ObscureStrength, strengthFor } from "../src/index.ts";
import { type Candidate, gridOf, guess, Laboratory, normalized, type Scene } from "./attack.ts";
import { averageSquares, deconvolve } from "./deconvolution.ts";

// The attacker knows the font, the colors, the strength and the 64 phrases that it can be, and tries them all at a grid
// of sizes and offsets. Unknown are the true size and offset, and what encoding did to the samples.

const wasmBytes = readFileSync(new URL("../dist/kernels.wasm", import.meta.url));
const PHRASE_COUNT = 64;
/** Of 64 phrases, each shown once; by chance it is one. */
const NEAR_CHANCE = 6;

const WORDS =
  "ANNA BANK CALL CODE DATE DEAR DOCTOR EIGHT EXAM FATHER FLIGHT FRIDAY GAME HELLO HOTEL HOUSE INVOICE JULY KEY LATE LOVE LUNCH MARIA MEET MONEY MOTHER NIGHT NINE OFFICE ORDER PARTY PHONE PIN PLEASE QUIT RENT SALARY SECRET SEVEN SORRY STREET TABLE THANKS TICKET TODAY TRAIN TWELVE URGENT VISIT WAIT WEDDING YES ZERO".split(
    " ",
  );

function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Phrases of 24 letters each: their length is allowed to show, and must not help. */
function makePhrases(): string[] {
  const random = seededRandom(12_345);
  const phrases = new Set<string>();
  while (phrases.size < PHRASE_COUNT) {
    let phrase = "";
    while (phrase.length < 20) phrase += `${phrase && " "}${WORDS[Math.floor(random() * WORDS.length)]}`;
    if (phrase.length === 24) phrases.add(phrase);
  }
  return [...phrases];
}
const phrases = makePhrases();

/** Steps of a third to a half of a letter. */
const GRID = gridOf(9, 4, 3);

/** How many of the 64 phrases are named rightly. */
function countRead(
  laboratory: Laboratory,
  library: readonly Candidate[],
  look: () => Float32Array,
  obscure: () => void,
) {
  const random = seededRandom(777);
  let read = 0;
  for (const [phrase, text] of phrases.entries()) {
    laboratory.draw(text, laboratory.randomPlace(random));
    obscure();
    laboratory.addNoise(random);
    read += guess(look(), library, phrase, PHRASE_COUNT);
  }
  return read;
}

/** Obscures every candidate as the banner was, and takes the nearest. */
function readByDictionary(scene: Scene, strength: ObscureStrength, grid = GRID): number {
  const laboratory = new Laboratory(createWasmKernels(wasmBytes), scene);
  const obscure = () => laboratory.obscure(strength);
  const library = laboratory.library(phrases, grid, () => {
    obscure();
    return laboratory.features();
  });
  return countRead(laboratory, library, () => laboratory.features(), obscure);
}

/** Sharpens what it sees, and takes the clear text that is most like it. */
function readByDeconvolution(scene: Scene, strength: ObscureStrength): number {
  const laboratory = new Laboratory(createWasmKernels(wasmBytes), scene);
  const { width, height } = laboratory;
  const look = (samples: Float32Array) => normalized(averageSquares(samples, width, height));
  const library = laboratory.library(phrases, gridOf(6, 4, 2), () => look(laboratory.samples()));
  const sharpen = () => deconvolve(laboratory.samples(), width, height, strength.radius, 8);
  return countRead(
    laboratory,
    library,
    () => look(sharpen()),
    () => laboratory.obscure(strength),
  );
}

const SCENES: readonly Scene[] = [
  { shortSide: 360, letterHeight: 10, paper: 225, ink: 30 },
  { shortSide: 360, letterHeight: 13, paper: 40, ink: 235 },
  { shortSide: 720, letterHeight: 20, paper: 245, ink: 10 },
  { shortSide: 1440, letterHeight: 40, paper: 60, ink: 240 },
];
const [SMALL] = SCENES as [Scene];
const LEVELS = [1, 2, 3] as const;

describe("a dictionary of phrases", () => {
  test.each([
    { strength: { cell: 4, radius: 2 }, why: "cells are smaller than letters" },
    { strength: { cell: 20, radius: 10 }, why: "averages of two letters still differ" },
    { strength: { ...strengthFor(1, 360), step: 1 }, why: "without the rounding, cells of any level tell too much" },
  ])(
    "reads most of what is obscured by $strength.cell: $why",
    ({ strength }) => {
      expect(readByDictionary(SMALL, strength)).toBeGreaterThan(PHRASE_COUNT / 2);
    },
    60_000,
  );

  // Large pictures are the same at another scale, and slow to try: they have the weakest level only.
  const cases = SCENES.flatMap((scene) =>
    LEVELS.filter((level) => level === 1 || scene.shortSide === 360).map((level) => ({ ...scene, level })),
  );

  test.each(cases)(
    "does not read letters of $letterHeight samples, $ink on $paper, at $shortSide and level $level",
    ({ level, ...scene }) => {
      const grid = scene.shortSide < 1440 ? GRID : gridOf(6, 3, 2);
      const read = readByDictionary(scene, strengthFor(level, scene.shortSide), grid);
      expect(read).toBeLessThanOrEqual(NEAR_CHANCE);
    },
    60_000,
  );
});

describe("deconvolution", () => {
  test("reads most of what is only blurred, by little", () => {
    expect(readByDeconvolution(SMALL, { cell: 1, radius: 3 })).toBeGreaterThan(PHRASE_COUNT / 2);
  }, 60_000);

  test.each(LEVELS)(
    "does not read level %i",
    (level) => {
      expect(readByDeconvolution(SMALL, strengthFor(level, 360))).toBeLessThanOrEqual(NEAR_CHANCE);
    },
    60_000,
  );
});
