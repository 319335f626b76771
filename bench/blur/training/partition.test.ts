import { expect, test } from "vitest";
import { piecesOf } from "../corpus/index.ts";
import { DEVELOPMENT, LEARNING } from "./partition.ts";

const textsOf = ({ words }: typeof LEARNING): Set<string> =>
  new Set(words.flatMap(({ titles, bodies }) => [...titles, ...bodies]));

test("what the networks learn from has nothing that only the test set or the set without banners has", () => {
  for (const set of ["test", "negatives"] as const) {
    const own = piecesOf(set);
    const train = piecesOf("train");
    const onlyScenes = own.scenes.filter((scene) => !train.scenes.includes(scene));
    const onlyStyles = own.styles.filter((style) => !train.styles.includes(style));
    for (const pieces of [LEARNING, DEVELOPMENT]) {
      expect(pieces.scenes.filter((scene) => onlyScenes.includes(scene))).toEqual([]);
      expect(pieces.styles.filter((style) => onlyStyles.includes(style))).toEqual([]);
      expect(pieces.variantFrom).not.toBe(own.variantFrom);
    }
  }
});

test("the development set has words, fonts, backgrounds and styles that learning never sees", () => {
  const learned = textsOf(LEARNING);
  expect([...textsOf(DEVELOPMENT)].filter((text) => learned.has(text))).toEqual([]);
  const unseen = {
    fonts: DEVELOPMENT.fonts.filter((font) => !LEARNING.fonts.includes(font)),
    scenes: DEVELOPMENT.scenes.filter((scene) => !LEARNING.scenes.includes(scene)),
    styles: DEVELOPMENT.styles.filter((style) => !LEARNING.styles.includes(style)),
  };
  expect(unseen).toMatchObject({ fonts: { length: 3 }, scenes: { length: 3 }, styles: { length: 3 } });
  expect(DEVELOPMENT.variantFrom).not.toBe(LEARNING.variantFrom);
});
