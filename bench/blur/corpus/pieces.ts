import { BANNER_STYLES, type BannerStyle } from "./banner-styles.ts";
import { DISTRACTIONS, type DistractionMaker } from "./card-html.ts";
import { SCENES, type SceneKind } from "./scenes.ts";
import type { ClipSet } from "./spec.ts";
import { FONTS, WORDS, type Words } from "./texts.ts";

/** What clips are put together from; what is listed twice comes twice as often. */
export interface Pieces {
  readonly scenes: readonly SceneKind[];
  /** Seed of the first background of each kind; the others follow it. */
  readonly variantFrom: number;
  readonly words: readonly Words[];
  readonly fonts: readonly string[];
  readonly styles: readonly BannerStyle[];
  readonly distractions: readonly DistractionMaker[];
}

/** What a set is made of: `train` never has the words, fonts, backgrounds and styles that only the others have. */
export function piecesOf(set: ClipSet): Pieces {
  const isTrain = set === "train";
  return {
    scenes: SCENES.filter(({ sets }) => !isTrain || sets === "both"),
    variantFrom: isTrain ? 0 : set === "test" ? 1_000 : 2_000,
    words: isTrain ? WORDS.train : WORDS.test,
    fonts: isTrain ? FONTS.train : FONTS.test,
    styles: BANNER_STYLES.filter(({ sets }) => set === "test" || sets === "both"),
    distractions: DISTRACTIONS,
  };
}
