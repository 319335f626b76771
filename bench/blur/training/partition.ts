import { type Pieces, piecesOf } from "../corpus/index.ts";
import { DEVELOPMENT_SCENES, LEARNING_SCENES } from "./backgrounds.ts";
import { learningCards } from "./cards.ts";
import { DEVELOPMENT_STYLES } from "./looks.ts";
import { DEVELOPMENT_WORDS } from "./words.ts";

const TRAIN = piecesOf("train");

/** What the networks learn from: the corpus's train set, and more backgrounds, fonts and cards of our own. */
export const LEARNING: Pieces = {
  ...TRAIN,
  scenes: [...TRAIN.scenes, ...LEARNING_SCENES],
  fonts: [...TRAIN.fonts, "Liberation Serif", "Liberation Mono", "P052", "DejaVu Sans Light"],
  distractions: [...TRAIN.distractions, ...learningCards()],
};

/**
 * What is looked at while working on the detector: as far from {@link LEARNING} as the test set is. Its words, fonts,
 * backgrounds and three of its styles are nowhere else.
 */
export const DEVELOPMENT: Pieces = {
  ...TRAIN,
  scenes: [...TRAIN.scenes, ...DEVELOPMENT_SCENES],
  variantFrom: 5_000,
  words: DEVELOPMENT_WORDS,
  fonts: ["Liberation Sans", "URW Bookman", "Liberation Sans Narrow", "DejaVu Serif", "Nimbus Sans"],
  styles: [...TRAIN.styles, ...DEVELOPMENT_STYLES],
};
