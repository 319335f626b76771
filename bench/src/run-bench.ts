import { parseArgs } from "node:util";
import { blurPart } from "../blur/part.ts";
import { cacheproxyPart } from "../cacheproxy/part.ts";
import { hashingPart } from "../hashing/part.ts";
import { livePart } from "../live/part.ts";
import { objectsPart } from "../objects/part.ts";
import { rankingPart } from "../ranking/part.ts";
import { recordMachine } from "./machine.ts";
import { jsonLine, textTable } from "./report.ts";
import { saveResults } from "./save-results.ts";
import type { Part, Scenario, ScenarioSettings } from "./scenario.ts";

/** Where output goes; the process's own streams unless given. */
export interface BenchIo {
  readonly writeOut: (text: string) => void;
  readonly writeErr: (text: string) => void;
}

const PARTS: readonly Part[] = [livePart, blurPart, hashingPart, cacheproxyPart, rankingPart, objectsPart];

const PROCESS_IO: BenchIo = {
  writeOut: (text) => void process.stdout.write(text),
  writeErr: (text) => void process.stderr.write(text),
};

const OPTIONS = {
  json: { type: "boolean" },
  smoke: { type: "boolean" },
  save: { type: "boolean" },
  help: { type: "boolean" },
  rounds: { type: "string" },
  seconds: { type: "string" },
  viewers: { type: "string" },
  only: { type: "string" },
  quality: { type: "boolean" },
} as const;

/**
 * Runs comparisons: `[part [scenario]] [--json] [--smoke] [--rounds N] …`; see `--help`.
 *
 * @returns The exit code: 0 if it ran and every bar held, 1 if a bar did not hold or a scenario failed, 2 if it was
 *   asked for something that there is not. With `--smoke` bars are not judged.
 */
export async function runBench(argv: readonly string[], io: BenchIo = PROCESS_IO): Promise<number> {
  const request = readRequest(argv);
  if (typeof request === "string") {
    io.writeErr(`${request}\n`);
    return 2;
  }
  if (request.isHelp || request.part === undefined) {
    io.writeOut(helpText());
    return 0;
  }
  let exitCode = 0;
  for (const scenario of request.scenarios) {
    const hasPassed = await runScenario(request.part, scenario, request, io);
    if (!hasPassed) exitCode = 1;
  }
  return exitCode;
}

interface Request {
  readonly part: Part | undefined;
  readonly scenarios: readonly Scenario[];
  readonly settings: ScenarioSettings;
  readonly isHelp: boolean;
  readonly isJson: boolean;
  readonly isSmoke: boolean;
  readonly isSaved: boolean;
  readonly command: string;
}

async function runScenario(part: Part, scenario: Scenario, request: Request, io: BenchIo): Promise<boolean> {
  const { isJson, isSmoke, isSaved, settings, command } = request;
  io.writeErr(`${part.name} ${scenario.name}: ${scenario.summary}\n`);
  const machine = recordMachine(command);
  const startedAtMs = performance.now();
  const progress = (text: string) => {
    io.writeErr(`  [${((performance.now() - startedAtMs) / 1000).toFixed(0).padStart(4)} s] ${text}\n`);
  };
  try {
    const outcome = await scenario.run({ isSmoke, settings, progress });
    const { figures, notes = [], overview } = outcome;
    if (isJson) for (const figure of figures) io.writeOut(`${jsonLine(part.name, scenario.name, figure)}\n`);
    else
      io.writeOut(
        `\n${part.name} ${scenario.name}\n${overview ?? textTable(figures)}${notes.map((note) => `- ${note}\n`).join("")}`,
      );
    if (isSaved) await saveResults(part, scenario, outcome, machine());
    return isSmoke || figures.every(({ pass }) => pass !== false);
  } catch (error) {
    io.writeErr(`${part.name} ${scenario.name} failed: ${error instanceof Error ? error.stack : String(error)}\n`);
    return false;
  }
}

/** @returns What is wrong, as text, if it cannot be done. */
function readRequest(argv: readonly string[]): Request | string {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(argv);
  } catch (error) {
    return `Cannot read the arguments: ${(error as Error).message}. See --help`;
  }
  const { values, positionals } = parsed;
  const [partName, givenName] = positionals;
  const scenarioName = givenName ?? (values.quality ? "quality" : undefined);
  const part = PARTS.find(({ name }) => name === partName);
  if (partName !== undefined && !part) {
    return `There is no part "${partName}" to compare. Choose from: ${PARTS.map(({ name }) => name).join(", ")}`;
  }
  const all = part?.scenarios ?? [];
  const scenarios = all.filter(({ name }) => scenarioName === undefined || name === scenarioName);
  if (scenarioName !== undefined && scenarios.length === 0) {
    return `There is no scenario "${scenarioName}". Choose from: ${all.map(({ name }) => name).join(", ")}`;
  }
  const settings: { -readonly [Name in keyof ScenarioSettings]: ScenarioSettings[Name] } = {};
  for (const name of ["rounds", "seconds", "viewers"] as const) {
    const text = values[name];
    if (text === undefined) continue;
    const number = Number(text);
    if (!(number > 0) || !Number.isFinite(number)) return `--${name} takes a positive number, not "${text}"`;
    settings[name] = number;
  }
  if (values.only !== undefined) settings.only = values.only.split(",");
  const flags: Record<string, string> = {};
  for (const { name } of PART_FLAGS) {
    const text: unknown = (values as Record<string, unknown>)[name];
    if (typeof text !== "string") continue;
    if (!part?.flags?.some((flag) => flag.name === name))
      return `--${name} is not for ${partName ?? "no part"}. See --help`;
    flags[name] = text;
  }
  return {
    part,
    scenarios,
    settings: { ...settings, flags },
    isHelp: values.help ?? false,
    isJson: values.json ?? false,
    isSmoke: values.smoke ?? false,
    isSaved: values.save ?? false,
    command: `kagami bench ${argv.join(" ")}`,
  };
}

/** Every part's own flags; a name that several parts know is here once for each. */
const PART_FLAGS = PARTS.flatMap(({ flags = [] }) => flags);

function parse(argv: readonly string[]) {
  const own = Object.fromEntries(PART_FLAGS.map(({ name }) => [name, { type: "string" } as const]));
  return parseArgs({ args: [...argv], options: { ...own, ...OPTIONS }, allowPositionals: true, strict: true });
}

function helpText(): string {
  const parts = PARTS.map(({ name, summary, scenarios }) => {
    const width = Math.max(...scenarios.map((scenario) => scenario.name.length));
    const lines = scenarios.map((scenario) => `  ${scenario.name.padEnd(width)}  ${scenario.summary}`);
    return `${name}: ${summary}\n${lines.join("\n")}`;
  });
  const own = PARTS.filter(({ flags = [] }) => flags.length > 0).map(({ name, flags = [] }) => {
    const shown = flags.map((flag) => ({ left: `--${flag.name} ${flag.value}`, about: flag.about }));
    const width = Math.max(...shown.map(({ left }) => left.length));
    return `Only for ${name}:\n${shown.map(({ left, about }) => `  ${left.padEnd(width)}  ${about}`).join("\n")}\n`;
  });
  return `Usage: kagami bench <part> [scenario] [--flag ...]

Runs a part beside its peers on this machine. Without a scenario all of the part are run.

${parts.join("\n\n")}

  --json        Print one JSON object a line instead of tables
  --smoke       The short form: shows that it works, not how fast it is
  --save        Write results, charts and the summary to bench/results
  --rounds N    Repetitions; figures are medians over them
  --seconds N   Length of one measurement
  --viewers N   Viewers, where the scenario has one number of them
  --only A,B    Only peers whose name contains A or B (the reference always runs)
  --quality     The same as naming the scenario "quality"
  --help        Show this text

${own.join("\n")}`;
}
