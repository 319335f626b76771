// `npm test`: system packages, the WebAssembly kernels, types, lint and layers, dead exports, house rules, then every
// test; in one run that ends with `N passed, N failed`. Each check counts as one test beside those that Vitest counts.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { buildKernels } from "./build-kernels.ts";
import { runChecks } from "./check.ts";
import { heading, packageScript, root, runNode } from "./steps.ts";
import { ensureSystemPackages, TEST_PACKAGES } from "./system-packages.ts";

interface VitestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly testResults: readonly { readonly status: string; readonly assertionResults: readonly unknown[] }[];
}

/** Tests that passed and failed; a file that could not even be loaded counts as one failure. */
function readReport(path: string): { passed: number; failed: number } {
  const report = JSON.parse(readFileSync(path, "utf8")) as VitestReport;
  const broken = report.testResults.filter((file) => file.status === "failed" && file.assertionResults.length === 0);
  return { passed: report.numPassedTests, failed: report.numFailedTests + broken.length };
}

async function runVitest(args: readonly string[]): Promise<{ passed: number; failed: number }> {
  heading("Tests");
  const reportPath = join(root, ".cache", "vitest-report.json");
  const run = await runNode([
    packageScript("vitest", "vitest.mjs"),
    "run",
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${reportPath}`,
    ...args,
  ]);
  try {
    const counts = readReport(reportPath);
    return run.ok || counts.failed > 0 ? counts : { ...counts, failed: 1 };
  } catch (error) {
    console.error(`✗ Vitest left no report at ${reportPath}: ${String(error)}`);
    return { passed: 0, failed: 1 };
  }
}

const args = process.argv.slice(2);
const missing = await ensureSystemPackages(TEST_PACKAGES);
for (const entry of missing) console.error(`✗ The system package "${entry.name}" is missing: ${entry.why}`);
if (missing.length > 0) {
  console.error(`  Install them: sudo apt-get install ${missing.map((entry) => entry.name).join(" ")}`);
  console.log(`0 passed, ${missing.length} failed`);
  process.exit(1);
}

if (!(await buildKernels())) {
  console.log("0 passed, 1 failed");
  process.exit(1);
}
const checks = args.length > 0 ? { passed: 0, failed: 0 } : await runChecks();
const tests = await runVitest(args);
const passed = checks.passed + tests.passed;
const failed = checks.failed + tests.failed;
console.log(`\n${passed} passed, ${failed} failed`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);
