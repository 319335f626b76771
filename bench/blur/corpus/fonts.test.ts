import { expect, test } from "vitest";
import { assertFonts, CORPUS_FONTS } from "./fonts.ts";

test("the corpus is not drawn without its fonts: what is missing is named", async () => {
  await expect(assertFonts([...CORPUS_FONTS, "No Such Font"])).rejects.toThrow(
    /these fonts are not installed: No Such Font\. On Debian: apt-get install /,
  );
});
