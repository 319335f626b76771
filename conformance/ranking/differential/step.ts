import type { Reply } from "../reply.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** A command's arguments, the name first; latin1, one character a byte. */
export type Words = readonly string[];

/**
 * One thing that is done to both servers. Steps are independent data, so that a failing list of them can be made smaller
 * and played again.
 */
export type Step =
  /** A command on one of the two connections of a round. */
  | { readonly kind: "command"; readonly connection: 0 | 1; readonly words: Words }
  /** Commands on connection 0 whose replies are judged on each side alone, because the outcome is random. */
  | { readonly kind: "property"; readonly commands: readonly Words[]; readonly property: Property }
  /** Reads what was pushed to connection 1: sends a PING and takes all that comes before its answer. */
  | { readonly kind: "drain" }
  /** Bytes on a connection of their own, then the end of the stream; all bytes of the answer are compared. */
  | { readonly kind: "bytes"; readonly bytes: string };

/** Says what is wrong with the replies to the commands of a step, or `undefined`. Must be the same code for both sides. */
export type Property = (replies: readonly Reply[]) => string | undefined;

/** A family of commands: what is generated for it. Each call returns steps that belong together. */
export interface Family {
  readonly name: string;
  /** How often it is picked among the families of a run. */
  readonly weight: number;
  next(vocabulary: Vocabulary): Step[];
}

/** A command on connection 0. */
export function command(...words: readonly (string | number)[]): Step {
  return { kind: "command", connection: 0, words: words.map(String) };
}

/** A step as lines for redis-cli; what is not a command is told in a comment. */
export function toLines(step: Step): string[] {
  switch (step.kind) {
    case "command":
      return [`${step.connection === 1 ? "(second connection) " : ""}${step.words.map(quoted).join(" ")}`];
    case "property":
      return step.commands.map((words) => words.map(quoted).join(" "));
    case "drain":
      return ["# read what was pushed to the second connection"];
    case "bytes":
      return [`# bytes on a connection of their own: ${JSON.stringify(step.bytes)}`];
    default:
      return step satisfies never;
  }
}

function quoted(word: string): string {
  if (/^[\w:.+*-]+$/.test(word)) return word;
  const escaped = word.replaceAll(/[^ -~]|["\\]/g, (sign) =>
    sign === '"' || sign === "\\" ? `\\${sign}` : `\\x${sign.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
  return `"${escaped}"`;
}
