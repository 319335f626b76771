import { type ConfigSource, formatSource } from "./errors.ts";
import type { Setting } from "./settings.ts";

/** What help and manual are made of. */
export interface ConfigDocumentation {
  readonly part: string;
  /** One sentence on what the part is. */
  readonly about: string;
  readonly settings: readonly Setting[];
  /** Width to wrap at. */
  readonly columns: number;
}

const MASK = "********";

/** The text of `--help`: settings by group, each with its default and environment name. */
export function renderHelp({ part, about, settings, columns }: ConfigDocumentation): string {
  const lines = [`Usage: kagami ${part} [--setting value ...]`];
  if (about !== "") lines.push("", ...wrap(about, columns, ""));
  for (const [group, members] of byGroup(settings)) {
    lines.push("", `${group}:`);
    for (const setting of members) {
      lines.push(`  ${usage(setting)}`);
      lines.push(...wrap(`${describe(setting)} [env ${setting.envName}]`, columns, "      "));
    }
  }
  lines.push("", "Everywhere:");
  for (const [flag, text] of GENERAL_FLAGS) lines.push(`  ${flag}`, ...wrap(text, columns, "      "));
  lines.push("", ...wrap(precedence(part), columns, ""));
  return `${lines.join("\n")}\n`;
}

/** The part's settings as a manual page in Markdown. */
export function renderManual({ part, about, settings }: ConfigDocumentation): string {
  const lines = [`# kagami ${part}`, ""];
  if (about !== "") lines.push(about, "");
  lines.push(precedence(part), "");
  for (const [group, members] of byGroup(settings)) {
    lines.push(`## ${group}`, "", "| flag | in the file | environment | default | what |", "|---|---|---|---|---|");
    for (const setting of members) {
      const flag = `\`${usage(setting)}\``;
      const cells = [flag, `\`${setting.key}\``, `\`${setting.envName}\``, manualDefault(setting), plain(setting)];
      lines.push(`| ${cells.map((cell) => cell.replaceAll("|", "\\|").replaceAll("\n", " ")).join(" | ")} |`);
    }
    lines.push("");
  }
  lines.push("## Everywhere", "", "| flag | what |", "|---|---|");
  for (const [flag, text] of GENERAL_FLAGS) lines.push(`| \`${flag}\` | ${text} |`);
  return `${lines.join("\n")}\n`;
}

/** The text of `--print-config`: each setting, its value and where that came from; secrets are masked. */
export function renderConfigTable(
  rows: readonly { readonly setting: Setting; readonly value: unknown; readonly source: ConfigSource }[],
): string {
  const cells = rows.map(({ setting, value, source }) => [
    setting.key,
    setting.isSecret && value !== undefined && value !== null && value !== "" ? MASK : show(value),
    formatSource(source),
  ]);
  const widths = [0, 1].map((column) => Math.min(60, Math.max(...cells.map((row) => row[column]?.length ?? 0), 5)));
  const lines = [["setting", "value", "source"], ...cells].map(
    ([name = "", value = "", source = ""]) =>
      `${name.padEnd(Math.max(7, widths[0] ?? 0))}  ${value.padEnd(widths[1] ?? 0)}  ${source}`,
  );
  return `${lines.map((line) => line.trimEnd()).join("\n")}\n`;
}

const GENERAL_FLAGS: readonly (readonly [string, string])[] = [
  ["--config FILE", "Read this file instead of kagami.yaml"],
  ["--print-config", "Show every setting with its value and where it came from, and end"],
  ["--help", "Show this text and end"],
  ["--manual", "Show the settings as Markdown and end"],
];

function precedence(part: string): string {
  return (
    `A flag wins over the environment, the environment over the section "${part}" of kagami.yaml, ` +
    "and the file over the default. Unknown settings are refused by name."
  );
}

function byGroup(settings: readonly Setting[]): Map<string, Setting[]> {
  const groups = new Map<string, Setting[]>();
  for (const setting of settings) {
    const members = groups.get(setting.group);
    if (members) members.push(setting);
    else groups.set(setting.group, [setting]);
  }
  return groups;
}

function usage(setting: Setting): string {
  const names = [setting.flag, ...setting.aliases.map((alias) => (alias.length === 1 ? `-${alias}` : `--${alias}`))];
  const isSwitch = setting.kind === "boolean" && !setting.isArray;
  const repeat = setting.isArray ? ",..." : "";
  return isSwitch ? names.join(", ") : `${names.join(", ")} <${setting.placeholder}${repeat}>`;
}

function describe(setting: Setting): string {
  return `${plain(setting)} [${setting.isRequired ? "required" : `default ${manualDefault(setting, false)}`}]`;
}

function plain(setting: Setting): string {
  const range = rangeOf(setting);
  const negation =
    setting.kind === "boolean" && setting.defaultValue === true ? ` (turn off with --no-${setting.flag.slice(2)})` : "";
  return `${setting.description}${negation}${range === "" ? "" : ` (${range})`}`;
}

function rangeOf({ min, max, unit }: Setting): string {
  const suffix = unit === undefined ? "" : ` ${unit}`;
  if (min !== undefined && max !== undefined) return `${min} to ${max}${suffix}`;
  if (min !== undefined) return `at least ${min}${suffix}`;
  if (max !== undefined) return `at most ${max}${suffix}`;
  return unit ?? "";
}

function manualDefault(setting: Setting, quoted = true): string {
  if (setting.isRequired) return "required";
  if (setting.defaultValue === undefined) return "none";
  const text = setting.isSecret && setting.defaultValue !== "" ? MASK : show(setting.defaultValue);
  return quoted ? `\`${text}\`` : text;
}

function show(value: unknown): string {
  if (value === undefined) return "(none)";
  if (typeof value === "string" && value !== "") return value;
  if (Array.isArray(value) && value.length > 0 && value.every((item) => typeof item !== "object"))
    return value.join(",");
  return JSON.stringify(value);
}

function wrap(text: string, columns: number, indent: string): string[] {
  const width = Math.max(20, columns - indent.length);
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/)) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(indent + line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  if (line !== "") lines.push(indent + line);
  return lines;
}
