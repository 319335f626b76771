// The manual's pages are made from the settings' schemas. `node scripts/manual.ts` writes them; tidy checks them.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { cacheproxyPart } from "@kagami/cacheproxy";
import { describeSettings, renderManual } from "@kagami/kit";
import { livePart } from "@kagami/live";
import { rankingPart } from "@kagami/ranking";
import { root } from "./steps.ts";

/** The pages by their path in the repository. */
export function manualPages(): Map<string, string> {
  return new Map(
    [livePart, cacheproxyPart, rankingPart].map(({ part, about, schema }) => {
      const settings = describeSettings(part, schema);
      return [`docs/manual/${part}.md`, renderManual({ part, about, settings, columns: 100 })];
    }),
  );
}

if (import.meta.main) {
  for (const [path, text] of manualPages()) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
    console.log(`• ${path}`);
  }
}
