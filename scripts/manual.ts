// The manual's pages are made from the settings' schemas. `node scripts/manual.ts` writes them; tidy checks them.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { cacheproxyPart } from "@kagami/cacheproxy";
import { describeSettings, renderManual } from "@kagami/kit";
import { livePart } from "@kagami/live";
import { objectsPart } from "@kagami/objects";
import { rankingPart, renderCommandManual } from "@kagami/ranking";
import { root } from "./steps.ts";

/** The pages by their path in the repository. */
export function manualPages(): Map<string, string> {
  const pages = new Map<string, string>();
  for (const { part, about, schema } of [livePart, cacheproxyPart, rankingPart, objectsPart]) {
    const settings = describeSettings(part, schema);
    pages.set(`docs/manual/${part}.md`, renderManual({ part, about, settings, columns: 100 }));
  }
  pages.set("docs/manual/ranking-commands.md", renderCommandManual());
  return pages;
}

if (import.meta.main) {
  for (const [path, text] of manualPages()) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
    console.log(`• ${path}`);
  }
}
