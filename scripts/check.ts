// `npm run check`: everything that a tool can say about the source without running it.

import { heading, packageScript, runNode } from "./steps.ts";
import { findTidyProblems } from "./tidy.ts";

interface Check {
  readonly name: string;
  readonly run: () => Promise<boolean>;
}

function nodeCheck(name: string, script: string, args: readonly string[]): Check {
  return { name, run: async () => (await runNode([script, ...args])).ok };
}

const CHECKS: readonly Check[] = [
  nodeCheck("Types (tsc)", packageScript("typescript", "bin", "tsc"), ["-b"]),
  nodeCheck("Format, lint, layers, cycles and sizes (Biome)", packageScript("@biomejs", "biome", "bin", "biome"), [
    "ci",
    "--max-diagnostics=40",
  ]),
  nodeCheck("Dead files, exports and dependencies (knip)", packageScript("knip", "bin", "knip.js"), ["--no-progress"]),
  {
    name: "House rules (tidy)",
    run: async () => {
      const problems = await findTidyProblems();
      for (const problem of problems) console.error(`  ✗ ${problem}`);
      return problems.length === 0;
    },
  },
];

/** Runs every check, says which failed, and counts them. */
export async function runChecks(): Promise<{ passed: number; failed: number }> {
  let failed = 0;
  for (const check of CHECKS) {
    heading(check.name);
    if (await check.run()) console.log(`  ✓ ${check.name}`);
    else {
      failed++;
      console.error(`  ✗ ${check.name}: mend what is named above`);
    }
  }
  return { passed: CHECKS.length - failed, failed };
}

if (import.meta.main) {
  const { failed } = await runChecks();
  process.exit(failed === 0 ? 0 : 1);
}
