// The manual's pages are made from the settings' schemas. `node scripts/manual.ts` writes them; tidy checks them.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describeSettings, renderManual } from "@kagami/kit";
import { livePart } from "@kagami/live";
import { root } from "./steps.ts";

/** The pages by their path in the repository. */
export function manualPages(): Map<string, string> {
  const settings = describeSettings(livePart.part, livePart.schema);
  const live = renderManual({ part: livePart.part, about: livePart.about, settings, columns: 100 });
  return new Map([["docs/manual/live.md", live]]);
}

if (import.meta.main) {
  for (const [path, text] of manualPages()) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
    console.log(`• ${path}`);
  }
}
