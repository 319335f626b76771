const FLAGS = ["no-writes", "allow-oom", "allow-stale", "no-cluster", "allow-cross-slot-keys"] as const;

/** A flag that a script declares in its first line. */
export type ScriptFlag = (typeof FLAGS)[number];

/** What the first line of a script says. */
export interface Shebang {
  /** Where Lua begins: the line's end, so that line numbers stay. */
  readonly start: number;
  /** `undefined` without such a line: the script then runs as scripts did before Redis 7. */
  readonly flags: readonly ScriptFlag[] | undefined;
}

/** Reads `#!lua flags=…`; an error message as Redis words it if the line is none. */
export function readShebang(source: string): Shebang | string {
  if (!source.startsWith("#!")) return { start: 0, flags: undefined };
  const start = source.indexOf("\n");
  if (start < 0) return "Invalid script shebang";
  const [engine = "", ...options] = source.slice(0, start).trim().split(/\s+/);
  if (engine !== "#!lua") return `Unexpected engine in script shebang: ${engine}`;
  const flags: ScriptFlag[] = [];
  for (const option of options) {
    if (!option.startsWith("flags=")) return `Unknown lua shebang option: ${option}`;
    for (const name of option.slice(6).split(",")) {
      const flag = FLAGS.find((known) => known === name);
      if (flag === undefined) return `Unexpected flag in script shebang: ${name}`;
      flags.push(flag);
    }
  }
  return { start, flags };
}
