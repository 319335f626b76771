import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { MachineRecord } from "./machine.ts";
import { markdownTable } from "./report.ts";
import type { Figure, Part, Scenario, ScenarioOutcome } from "./scenario.ts";

/** Where `--save` writes, in the repository. */
const RESULTS_DIRECTORY = join(import.meta.dirname, "..", "results");

interface SavedResult {
  readonly part: string;
  readonly scenario: string;
  readonly summary: string;
  readonly machine: MachineRecord;
  readonly notes: readonly string[];
  readonly overview?: string;
  readonly charts: readonly { readonly fileName: string; readonly title: string }[];
  readonly figures: readonly Figure[];
}

/** Writes the results of a scenario and its charts, and the summary of its part anew. */
export async function saveResults(
  part: Part,
  scenario: Scenario,
  outcome: ScenarioOutcome,
  machine: MachineRecord,
  directory = RESULTS_DIRECTORY,
): Promise<void> {
  await mkdir(directory, { recursive: true });
  const charts = outcome.charts ?? [];
  for (const { fileName, svg } of charts) await writeFile(join(directory, fileName), svg);
  const saved: SavedResult = {
    part: part.name,
    scenario: scenario.name,
    summary: scenario.summary,
    machine,
    notes: outcome.notes ?? [],
    ...(outcome.overview === undefined ? {} : { overview: outcome.overview }),
    charts: charts.map(({ fileName, title }) => ({ fileName, title })),
    figures: outcome.figures,
  };
  await writeFile(join(directory, `${part.name}-${scenario.name}.json`), `${JSON.stringify(saved, null, 2)}\n`);
  await writeFile(join(directory, `${part.name}.md`), summaryOf(part, await readResults(part, directory)));
}

async function readResults(part: Part, directory: string): Promise<SavedResult[]> {
  const names = new Set(await readdir(directory));
  const results: SavedResult[] = [];
  for (const { name } of part.scenarios) {
    const fileName = `${part.name}-${name}.json`;
    if (names.has(fileName)) results.push(JSON.parse(await readFile(join(directory, fileName), "utf8")));
  }
  return results;
}

function summaryOf(part: Part, results: readonly SavedResult[]): string {
  const head = `# Results: ${part.name}\n\nWritten by \`--save\`; how each figure is taken is in [the benches' README](../README.md).\n`;
  return [head, ...results.map(sectionOf)].join("\n");
}

function sectionOf({ scenario, summary, machine, notes, overview, charts, figures }: SavedResult): string {
  const failed = figures.filter(({ pass }) => pass === false).length;
  const held = figures.filter(({ pass }) => pass === true).length;
  const { cpu, cores, memoryGb, kernel, node, date, command, loadBefore, loadAfter } = machine;
  const busy = loadBefore > cores / 2 ? " **The machine was busy with other work: trust ratios, not values.**" : "";
  return [
    `## ${scenario}\n`,
    `${summary}. Bars held: ${held} of ${held + failed}.\n`,
    `\`${command}\`, ${date}, Node ${node}, ${cores} × ${cpu}, ${memoryGb} GB, ${kernel}; load average ${loadBefore} before, ${loadAfter} after.${busy}\n`,
    ...notes.map((note) => `- ${note}`),
    ...(notes.length > 0 ? [""] : []),
    ...(overview === undefined
      ? [markdownTable(figures)]
      : [overview, `<details><summary>All figures</summary>\n\n${markdownTable(figures)}\n</details>\n`]),
    ...charts.map(({ fileName, title }) => `![${title}](${fileName})\n`),
  ].join("\n");
}
