/** Where a setting's value came from, in rising order of precedence. */
export type ConfigSource =
  | { readonly kind: "default" }
  | { readonly kind: "file"; readonly path: string; readonly line: number }
  | { readonly kind: "env"; readonly name: string }
  | { readonly kind: "flag"; readonly name: string };

/** `code` is API: never renamed, never reused. */
export type ConfigProblemCode =
  | "SETTING_UNKNOWN"
  | "SETTING_INVALID"
  | "SETTING_MISSING"
  | "CONFIG_FILE_UNREADABLE"
  | "CONFIG_FILE_SYNTAX"
  | "ARGUMENT_UNEXPECTED";

/** One thing wrong with the configuration. `message` never holds the value of a secret setting. */
export interface ConfigProblem {
  readonly code: ConfigProblemCode;
  /** The setting's key in camelCase, if the problem is about one. */
  readonly key?: string;
  readonly source?: ConfigSource;
  readonly message: string;
}

/** Everything wrong with the configuration, reported at once; `message` has a line for each problem. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly code = "CONFIG_INVALID";
  readonly problems: readonly ConfigProblem[];

  constructor(part: string, problems: readonly ConfigProblem[]) {
    const lines = problems.map((problem) => `  ${problem.message}`);
    const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
    super(`Cannot configure ${part}: ${count}. See --help for every setting\n${lines.join("\n")}`);
    this.problems = problems;
  }
}

/** A source for people: `--listen`, `KAGAMI_LIVE_LISTEN`, `kagami.yaml:7` or `default`. */
export function formatSource(source: ConfigSource): string {
  switch (source.kind) {
    case "default":
      return "default";
    case "file":
      return `${source.path}:${source.line}`;
    case "env":
    case "flag":
      return source.name;
    default:
      return source satisfies never;
  }
}
