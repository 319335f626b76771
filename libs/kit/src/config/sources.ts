import { readFileSync, statSync } from "node:fs";
import { isMap, isScalar, LineCounter, parseDocument, type YAMLMap } from "yaml";
import type { ConfigProblem, ConfigSource } from "./errors.ts";
import { nearest } from "./nearest.ts";
import { envPrefix, type Setting } from "./settings.ts";
import { parseFileValue, parseSettingText, type TextValue } from "./values.ts";

const CONFIG_FILE_LIMIT_BYTES = 1_048_576;

/** A value one source gives to a setting. */
export interface GivenValue {
  readonly value: unknown;
  readonly source: ConfigSource;
}

/** What one source has to say: values by key, and what is wrong with it. */
export interface SourceReading {
  readonly values: Map<string, GivenValue>;
  readonly problems: ConfigProblem[];
}

/** What a command line asks for beside settings. */
export interface FlagsReading extends SourceReading {
  readonly action: "run" | "help" | "print-config" | "manual";
  readonly configFile: string | undefined;
}

const RESERVED_FLAGS = ["--help", "--print-config", "--manual", "--config"];

/** Reads flags. `argv` is without the program's name. */
export function readFlags(settings: readonly Setting[], argv: readonly string[]): FlagsReading {
  const byFlag = indexFlags(settings);
  const values = new Map<string, GivenValue>();
  const problems: ConfigProblem[] = [];
  let action: FlagsReading["action"] = "run";
  let configFile: string | undefined;
  for (let i = 0; i < argv.length; i++) {
    const argument = argv[i] ?? "";
    const equals = argument.indexOf("=");
    const name = equals > 0 ? argument.slice(0, equals) : argument;
    const inline = equals > 0 ? argument.slice(equals + 1) : undefined;
    if (!/^-[^\d]/.test(name)) {
      const message = `unexpected argument ${JSON.stringify(argument)}; settings are written --name value`;
      problems.push({ code: "ARGUMENT_UNEXPECTED", message });
    } else if (name === "--help" || name === "-h") action = "help";
    else if (name === "--print-config" || name === "--manual") action = name === "--manual" ? "manual" : "print-config";
    else if (name === "--config") {
      configFile = inline ?? argv[++i];
      if (!configFile) problems.push({ code: "SETTING_INVALID", message: "--config needs the name of a file" });
    } else {
      const negated = name.startsWith("--no-") ? byFlag.get(`--${name.slice(5)}`) : undefined;
      const setting = byFlag.get(name) ?? (negated?.kind === "boolean" ? negated : undefined);
      if (!setting) {
        problems.push(unknownFlag(name, byFlag));
        // The unknown flag's value is not a second mistake.
        if (inline === undefined && argv[i + 1]?.startsWith("-") === false) i++;
        continue;
      }
      i += readFlag({ setting, name, inline, next: argv[i + 1], values, problems });
    }
  }
  return { values, problems, action, configFile };
}

function indexFlags(settings: readonly Setting[]): Map<string, Setting> {
  const byFlag = new Map<string, Setting>();
  for (const setting of settings) {
    byFlag.set(setting.flag, setting);
    for (const alias of setting.aliases) byFlag.set(alias.length === 1 ? `-${alias}` : `--${alias}`, setting);
  }
  return byFlag;
}

function unknownFlag(name: string, byFlag: ReadonlyMap<string, Setting>): ConfigProblem {
  const suggestion = nearest(name, [...byFlag.keys(), ...RESERVED_FLAGS]);
  const mend = suggestion ? `; did you mean ${suggestion}?` : "";
  return { code: "SETTING_UNKNOWN", source: { kind: "flag", name }, message: `unknown setting ${name}${mend}` };
}

interface FlagInput {
  readonly setting: Setting;
  readonly name: string;
  readonly inline: string | undefined;
  readonly next: string | undefined;
  readonly values: Map<string, GivenValue>;
  readonly problems: ConfigProblem[];
}

/** @returns How many further arguments were used. */
function readFlag({ setting, name, inline, next, values, problems }: FlagInput): number {
  const source: ConfigSource = { kind: "flag", name };
  const isSwitch = setting.kind === "boolean" && !setting.isArray;
  if (isSwitch && inline === undefined) {
    values.set(setting.key, { value: !(name.startsWith("--no-") && name !== setting.flag), source });
    return 0;
  }
  const text = inline ?? next;
  if (text === undefined || (inline === undefined && text.startsWith("--"))) {
    const message = `${name} needs a value: ${name} <${setting.placeholder}>`;
    problems.push({ code: "SETTING_INVALID", key: setting.key, source, message });
    return 0;
  }
  const parsed = parseSettingText(setting, text);
  if (parsed.ok) {
    const earlier = values.get(setting.key)?.value;
    const isRepeated = setting.isArray && Array.isArray(earlier) && Array.isArray(parsed.value);
    values.set(setting.key, { value: isRepeated ? [...earlier, ...parsed.value] : parsed.value, source });
  } else problems.push(invalidText(setting, name, text, parsed, source));
  return inline === undefined ? 1 : 0;
}

function invalidText(
  setting: Setting,
  name: string,
  text: string,
  parsed: TextValue & { ok: false },
  source: ConfigSource,
): ConfigProblem {
  const shown = setting.isSecret ? "(secret)" : JSON.stringify(text.slice(0, 200));
  const message = `${name} cannot be ${shown}: ${parsed.reason}`;
  return { code: "SETTING_INVALID", key: setting.key, source, message };
}

/** Reads the part's environment variables, and refuses those with its prefix that name no setting. */
export function readEnvironment(
  part: string,
  settings: readonly Setting[],
  env: Readonly<Record<string, string | undefined>>,
): SourceReading & { readonly configFile: string | undefined } {
  const byName = new Map(settings.map((setting) => [setting.envName, setting]));
  const prefix = envPrefix(part);
  const values = new Map<string, GivenValue>();
  const problems: ConfigProblem[] = [];
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith(prefix) || text === undefined || name === `${prefix}CONFIG`) continue;
    const source: ConfigSource = { kind: "env", name };
    const setting = byName.get(name);
    if (!setting) {
      const suggestion = nearest(
        name.slice(prefix.length),
        [...byName.keys()].map((known) => known.slice(prefix.length)),
      );
      const mend = suggestion ? `; did you mean ${prefix}${suggestion}?` : "";
      problems.push({ code: "SETTING_UNKNOWN", source, message: `unknown setting ${name} (environment)${mend}` });
      continue;
    }
    const parsed = parseSettingText(setting, text);
    if (parsed.ok) values.set(setting.key, { value: parsed.value, source });
    else problems.push(invalidText(setting, name, text, parsed, source));
  }
  return { values, problems, configFile: env[`${prefix}CONFIG`] || undefined };
}

/** A configuration file's name; a file that must exist was asked for by name. */
export interface ConfigFile {
  readonly path: string;
  readonly mustExist: boolean;
}

/** Reads the part's section of a YAML file. Other sections belong to other parts and are passed over. */
export function readConfigFile(
  part: string,
  settings: readonly Setting[],
  { path, mustExist }: ConfigFile,
  parts: readonly string[],
): SourceReading & { readonly isFound: boolean } {
  const values = new Map<string, GivenValue>();
  const problems: ConfigProblem[] = [];
  const text = readFileText(path, mustExist, problems);
  if (text === undefined) return { values, problems, isFound: false };
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  for (const error of document.errors.slice(0, 5)) {
    const line = lines.linePos(error.pos[0]).line;
    const source: ConfigSource = { kind: "file", path, line };
    problems.push({ code: "CONFIG_FILE_SYNTAX", source, message: `${path}:${line}: ${error.message}` });
  }
  if (problems.length > 0 || document.contents === null) return { values, problems, isFound: true };
  const root = document.contents;
  const wrongShape = (line: number, message: string) =>
    problems.push({ code: "CONFIG_FILE_SYNTAX", source: { kind: "file", path, line }, message });
  if (!isMap(root)) {
    wrongShape(1, `${path}:1: write one section for each part, such as "${part}:" with its settings indented below`);
    return { values, problems, isFound: true };
  }
  for (const { key, line } of mapKeys(root, lines)) {
    if (key === part || parts.length === 0 || parts.includes(key)) continue;
    const suggestion = nearest(key, [part, ...parts]);
    const mend = suggestion ? `; did you mean "${suggestion}"?` : "";
    const source: ConfigSource = { kind: "file", path, line };
    problems.push({ code: "SETTING_UNKNOWN", source, message: `unknown section "${key}" (${path}:${line})${mend}` });
  }
  const section = root.get(part, true) as unknown;
  if (isMap(section))
    readSection(section, { path, settings, lines, values, problems, contents: root.toJS(document)[part] });
  else if (section !== undefined && !(isScalar(section) && section.value === null)) {
    wrongShape(1, `${path}: section "${part}" must hold settings, each on a line of its own as "name: value"`);
  }
  return { values, problems, isFound: true };
}

function readFileText(path: string, mustExist: boolean, problems: ConfigProblem[]): string | undefined {
  try {
    const sizeBytes = statSync(path).size;
    if (sizeBytes <= CONFIG_FILE_LIMIT_BYTES) return readFileSync(path, "utf8");
    const message = `cannot read ${path}: ${sizeBytes} bytes is more than a configuration file may have (1 MiB)`;
    problems.push({ code: "CONFIG_FILE_UNREADABLE", message });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "unknown";
    if (code === "ENOENT" && !mustExist) return undefined;
    const mend = code === "ENOENT" ? "create it or correct --config" : "check that it is a readable file";
    problems.push({ code: "CONFIG_FILE_UNREADABLE", message: `cannot read ${path} (${code}): ${mend}` });
  }
  return undefined;
}

interface Section extends SourceReading {
  readonly path: string;
  readonly settings: readonly Setting[];
  readonly lines: LineCounter;
  readonly contents: Readonly<Record<string, unknown>>;
}

function readSection(section: YAMLMap, { path, settings, lines, values, problems, contents }: Section): void {
  const byKey = new Map(settings.map((setting) => [setting.key, setting]));
  for (const { key, line } of mapKeys(section, lines)) {
    const source: ConfigSource = { kind: "file", path, line };
    const setting = byKey.get(key);
    if (!setting) {
      const suggestion = nearest(key, byKey.keys());
      const mend = suggestion ? `; did you mean "${suggestion}"?` : "";
      problems.push({ code: "SETTING_UNKNOWN", source, message: `unknown setting "${key}" (${path}:${line})${mend}` });
      continue;
    }
    const parsed = parseFileValue(setting, contents[key]);
    if (parsed.ok) values.set(key, { value: parsed.value, source });
    else problems.push(invalidText(setting, `${path}:${line}: ${key}`, String(contents[key]), parsed, source));
  }
}

function mapKeys(map: YAMLMap, lines: LineCounter): { key: string; line: number }[] {
  return map.items.map((pair) => {
    const node: unknown = pair.key;
    const key = isScalar(node) ? String(node.value) : String(node);
    const line = isScalar(node) && node.range ? lines.linePos(node.range[0]).line : 1;
    return { key, line };
  });
}
