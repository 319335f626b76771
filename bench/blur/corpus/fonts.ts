import { runTool } from "@kagami/testkit";
import { FONTS } from "./texts.ts";

/** What words in scripts that a font does not have are drawn with. */
const FALLBACK_FONT = "Droid Sans Fallback";

/** Every family that pictures of the corpus ask for. */
export const CORPUS_FONTS: readonly string[] = [...new Set([...FONTS.train, ...FONTS.test, FALLBACK_FONT])];

/**
 * Makes sure that the browser will find all of these: where it does not, letters become those of another font or boxes,
 * and the set looks whole.
 *
 * @throws Error that names what is missing and the packages that have it
 */
export async function assertFonts(families: readonly string[] = CORPUS_FONTS): Promise<void> {
  const { stdout } = await runTool("fc-list", [":", "family"], { debianPackage: "fontconfig" });
  const installed = new Set(stdout.split(/[,\n]/).map((name) => name.trim()));
  const missing = families.filter((name) => !installed.has(name));
  if (missing.length === 0) return;
  const mend = "On Debian: apt-get install fonts-dejavu-extra fonts-liberation fonts-droid-fallback fonts-urw-base35";
  throw new Error(`Cannot draw the corpus: these fonts are not installed: ${missing.join(", ")}. ${mend}`);
}
