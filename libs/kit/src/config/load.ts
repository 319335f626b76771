import type { z } from "zod";
import { ConfigError, type ConfigProblem, type ConfigSource, formatSource } from "./errors.ts";
import { renderConfigTable, renderHelp, renderManual } from "./render.ts";
import { describeSettings, type Setting } from "./settings.ts";
import { type ConfigFile, type GivenValue, readConfigFile, readEnvironment, readFlags } from "./sources.ts";

/** What {@link loadConfig} needs to know. */
export interface ConfigRequest<S extends z.ZodObject> {
  /** The part's name: its section in the file and the middle of its environment names. */
  readonly part: string;
  /** A `z.strictObject`. */
  readonly schema: S;
  /** Arguments without the program's and the part's names. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Files that are read if they exist, later ones win; `["kagami.yaml"]` if absent. `--config` replaces them. */
  readonly files?: readonly string[];
  /** One sentence on what the part is, for help and manual. */
  readonly about?: string;
  /** Names of all parts; if given, a section of the file that is none of them is refused. */
  readonly parts?: readonly string[];
  /** Width of the help text in columns; 100 if absent. */
  readonly columns?: number;
}

/** A setting together with the value it got and where that came from. Mask it if `isSecret` before showing it. */
export interface ResolvedSetting {
  readonly setting: Setting;
  readonly value: unknown;
  readonly source: ConfigSource;
}

/** Either a configuration to run with, or a text that the user asked to see (`--help`, `--print-config`, `--manual`). */
export type ConfigOutcome<T> =
  | { readonly kind: "run"; readonly config: T; readonly settings: readonly ResolvedSetting[] }
  | { readonly kind: "print"; readonly text: string };

/**
 * Reads a part's configuration: defaults < file < environment < flags.
 *
 * @throws ConfigError with every problem of every source at once.
 */
export function loadConfig<S extends z.ZodObject>(request: ConfigRequest<S>): ConfigOutcome<z.output<S>> {
  const settings = describeSettings(request.part, request.schema);
  const flags = readFlags(settings, request.argv);
  const documentation = { part: request.part, about: request.about ?? "", settings, columns: request.columns ?? 100 };
  if (flags.action === "help") return { kind: "print", text: renderHelp(documentation) };
  if (flags.action === "manual") return { kind: "print", text: renderManual(documentation) };

  const environment = readEnvironment(request.part, settings, request.env);
  const problems: ConfigProblem[] = [];
  const given = new Map<string, GivenValue>();
  for (const file of configFiles(request.files, flags.configFile ?? environment.configFile)) {
    const reading = readConfigFile(request.part, settings, file, request.parts ?? []);
    problems.push(...reading.problems);
    for (const [key, value] of reading.values) given.set(key, value);
  }
  for (const reading of [environment, flags]) {
    problems.push(...reading.problems);
    for (const [key, value] of reading.values) given.set(key, value);
  }

  const input = Object.fromEntries([...given].map(([key, { value }]) => [key, value]));
  const parsed = request.schema.safeParse(input);
  if (!parsed.success) {
    // A setting whose text could not be read has its own, better message.
    const reported = new Set(problems.map((problem) => problem.key));
    for (const issue of parsed.error.issues) {
      const key = String(issue.path[0] ?? "");
      if (!reported.has(key)) problems.push(describeIssue(issue, key, settings, given));
    }
  }
  if (!parsed.success || problems.length > 0) throw new ConfigError(request.part, problems);

  const config = parsed.data as z.output<S>;
  const resolved = settings.map((setting): ResolvedSetting => {
    const source = given.get(setting.key)?.source ?? { kind: "default" };
    return { setting, value: (config as Record<string, unknown>)[setting.key], source };
  });
  if (flags.action === "print-config") {
    return { kind: "print", text: renderConfigTable(resolved) };
  }
  return { kind: "run", config, settings: resolved };
}

function configFiles(files: readonly string[] | undefined, asked: string | undefined): ConfigFile[] {
  if (asked !== undefined) return [{ path: asked, mustExist: true }];
  return (files ?? ["kagami.yaml"]).map((path) => ({ path, mustExist: false }));
}

function describeIssue(
  issue: z.core.$ZodIssue,
  key: string,
  settings: readonly Setting[],
  given: ReadonlyMap<string, GivenValue>,
): ConfigProblem {
  const setting = settings.find((candidate) => candidate.key === key);
  const value = given.get(key);
  if (!setting) return { code: "SETTING_INVALID", message: issue.message };
  if (!value) {
    const message = `missing setting ${setting.flag} (or ${setting.envName}): ${setting.description || issue.message}`;
    return { code: "SETTING_MISSING", key, message };
  }
  const inside = issue.path.length > 1 ? ` at ${issue.path.slice(1).join(".")}` : "";
  const shown = setting.isSecret ? "(secret)" : JSON.stringify(value.value)?.slice(0, 200);
  const where = value.source.kind === "file" ? `${formatSource(value.source)}: ${key}` : formatSource(value.source);
  const message = `${where} cannot be ${shown}${inside}: ${mendIssue(issue)}`;
  return { code: "SETTING_INVALID", key, source: value.source, message };
}

/** Says what is allowed, in words; zod's own text for the rest. */
function mendIssue(issue: z.core.$ZodIssue): string {
  const isNumber = "origin" in issue && (issue.origin === "number" || issue.origin === "int");
  if (issue.code === "too_small" && isNumber) return `the least is ${issue.minimum}`;
  if (issue.code === "too_big" && isNumber) return `the most is ${issue.maximum}`;
  if (issue.code === "invalid_value") return `choose one of ${issue.values.join(", ")}`;
  if (issue.code === "invalid_type") return `it must be of type ${issue.expected}`;
  if (issue.code === "invalid_union") {
    const reasons = issue.errors.flat().map((inner) => mendIssue(inner as z.core.$ZodIssue));
    return reasons.length > 0 ? [...new Set(reasons)].join("; or ") : issue.message;
  }
  return issue.message;
}
