/**
 * What Redis 7.0.15 says of a command, as short as it can be written. The words are those of `COMMAND` and
 * `COMMAND DOCS`; the sentences are ours. A row becomes a `CommandFacts`, see `../facts.ts`.
 */
export interface FactRow {
  /** In lower case; a subcommand has its container's name, a bar and its own name. */
  readonly name: string;
  /** Arguments with the name; negative is "at least". */
  readonly arity: number;
  readonly since: string;
  readonly summary: string;
  readonly complexity: string;
  /** Command flags, a blank between two. */
  readonly flags: string;
  /** ACL categories without the at sign, a blank between two. */
  readonly categories: string;
  /** One text for each key specification: its flags | how the first key is found | how the others are. */
  readonly keySpecs?: readonly string[];
  /** The first key, the last and the step, as clients before Redis 7 read them; left out if all are 0. */
  readonly keyRange?: readonly [number, number, number];
  /** Tips for clients and proxies, a blank between two. */
  readonly tips?: string;
  /** The arguments in the notation of `../arguments.ts`. */
  readonly arguments?: string;
  readonly deprecated?: { readonly since: string; readonly replacedBy: string };
  /** Not meant for applications (`syscmd`). */
  readonly isInternal?: true;
  readonly subcommands?: readonly FactRow[];
}
