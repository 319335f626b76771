import { CommandTable } from "./engine/command-table.ts";
import { HANDLERS } from "./engine/commands/handlers.ts";
import { type CommandFacts, readCommandFacts } from "./engine/commands/index.ts";

/** Redis 7.0's groups in reading order, then ours. */
const GROUPS: readonly (readonly [CommandFacts["group"], string])[] = [
  ["string", "Strings"],
  ["bitmap", "Bitmaps"],
  ["generic", "Keys"],
  ["list", "Lists"],
  ["set", "Sets"],
  ["hash", "Hashes"],
  ["sorted-set", "Sorted sets"],
  ["hyperloglog", "HyperLogLog"],
  ["geo", "Places"],
  ["board", "Boards: see RANK.md"],
  ["window", "Windows: see RANK.md"],
  ["pubsub", "Channels"],
  ["transactions", "Transactions"],
  ["scripting", "Scripts"],
  ["connection", "Connections"],
  ["server", "Server"],
];

/** The manual's page of commands, in Markdown: what is there, and what Redis 7.0 has beside it. Made from the table. */
export function renderCommandManual(): string {
  const facts = readCommandFacts();
  const table = new CommandTable(facts, HANDLERS);
  const lines = [
    "# Commands of the ranking store",
    "",
    "Made from the command table by `node scripts/manual.ts`. Arguments, replies and errors are those of Redis 7.0 where Redis has the command; `COMMAND DOCS` says the arguments.",
  ];
  const absent: string[] = [];
  for (const [group, title] of GROUPS) {
    const rows = [...facts.values()].filter((entry) => entry.group === group && !entry.isInternal);
    const present = rows.filter(({ name }) => isThere(table, name));
    const missing = rows.filter(({ name, subcommands }) => subcommands.length === 0 && !isThere(table, name));
    absent.push(...missing.map(({ name }) => shown(name)));
    if (present.length === 0) continue;
    lines.push("", `## ${title}`, "", "| command | does | cost |", "|---|---|---|");
    for (const { name, summary, complexity } of present) {
      lines.push(`| \`${shown(name)}\` | ${escaped(summary)} | ${escaped(complexity)} |`);
    }
  }
  lines.push("", "## Not there", "");
  lines.push("Streams, functions, cluster, replication, Sentinel and modules, and of the groups above:");
  lines.push(
    absent.length === 0
      ? "nothing."
      : `${absent
          .sort()
          .map((name) => `\`${name}\``)
          .join(", ")}.`,
    "",
  );
  return lines.join("\n");
}

/** A container is there if one of its subcommands is; those are listed, not the container. */
function isThere(table: CommandTable, name: string): boolean {
  const command = table.get(name);
  return command !== undefined && command.handler !== undefined;
}

function shown(name: string): string {
  return name.replace("|", " ").toUpperCase();
}

function escaped(text: string): string {
  return text.replaceAll("|", "\\|");
}
