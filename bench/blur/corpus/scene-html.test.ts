import { createRandom } from "@kagami/clock";
import { expect, test } from "vitest";
import * as pages from "./scene-html.ts";
import { FONTS, WORDS } from "./texts.ts";

const context = (seed: number): pages.PageContext => ({
  random: createRandom(seed),
  width: 360,
  height: 640,
  words: WORDS.train[0]!,
  font: FONTS.train[0]!,
  isDark: seed % 2 === 0,
});

test.each(Object.entries(pages))("%s closes each of its shapes", (_name, page) => {
  for (let seed = 1; seed <= 5; seed++) {
    // A value without quotes takes the slash of an empty element with it; what follows is then inside and not drawn.
    expect(page(context(seed), false).match(/=[^"'\s>]+\/>/g)).toBeNull();
  }
});
