import type { ReplyWriter } from "../../protocol/reply-writer.ts";

/** What HELP of a container tells: per subcommand how it is called, and a sentence. */
export type HelpRow = readonly [usage: string, ...sentences: string[]];

/** Replies HELP of a container, in the shape that Redis gives it. */
export function writeHelp(reply: ReplyWriter, container: string, rows: readonly HelpRow[]): void {
  const lines = [`${container} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:`];
  for (const [usage, ...sentences] of [...rows, ["HELP", "Tells of the subcommands."] as const]) {
    lines.push(usage, ...sentences.map((sentence) => `    ${sentence}`));
  }
  reply.array(lines.length);
  for (const line of lines) reply.simple(line);
}
