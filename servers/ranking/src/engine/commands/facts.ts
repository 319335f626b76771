import { type ArgumentFacts, parseArguments } from "./arguments.ts";
import { BITMAP_FACTS } from "./facts/bitmaps.ts";
import { BOARD_FACTS } from "./facts/boards.ts";
import { CONNECTION_FACTS } from "./facts/connection.ts";
import { GEO_FACTS } from "./facts/geo.ts";
import { HASH_EXPIRY_FACTS } from "./facts/hash-expiry.ts";
import { HASH_FACTS } from "./facts/hashes.ts";
import { HYPER_LOG_LOG_FACTS } from "./facts/hyper-log-logs.ts";
import { INTERNAL_FACTS } from "./facts/internal.ts";
import { KEY_FACTS } from "./facts/keys.ts";
import { LIST_FACTS } from "./facts/lists.ts";
import { PUBSUB_FACTS } from "./facts/pubsub.ts";
import type { FactRow } from "./facts/row.ts";
import { SCRIPTING_FACTS } from "./facts/scripting.ts";
import { SERVER_FACTS } from "./facts/server.ts";
import { SET_FACTS } from "./facts/sets.ts";
import { SORTED_SET_FACTS } from "./facts/sorted-sets.ts";
import { STRING_FACTS } from "./facts/strings.ts";
import { TRANSACTION_FACTS } from "./facts/transactions.ts";
import { WINDOW_FACTS } from "./facts/windows.ts";
import { type KeySpec, parseKeySpec } from "./key-spec.ts";

/** The groups of `COMMAND DOCS`; `board` and `window` are of ours. */
export type CommandGroup =
  | "bitmap"
  | "board"
  | "connection"
  | "generic"
  | "geo"
  | "hash"
  | "hyperloglog"
  | "internal"
  | "list"
  | "pubsub"
  | "scripting"
  | "server"
  | "set"
  | "sorted-set"
  | "string"
  | "transactions"
  | "window";

/** What `COMMAND`, `COMMAND DOCS`, the ACL and the compatibility table know of a command. Equal to Redis 7.0.15. */
export interface CommandFacts {
  /** In lower case; a subcommand has its container's name, a bar and its own name. */
  readonly name: string;
  /** Arguments with the name; negative is "at least". A subcommand counts its container's name too. */
  readonly arity: number;
  readonly group: CommandGroup;
  readonly since: string;
  /** One sentence without a full stop; ours, not Redis's. */
  readonly summary: string;
  readonly complexity: string;
  /** In the order in which `COMMAND` lists them. */
  readonly flags: readonly string[];
  /** ACL categories without the at sign, in the order in which `COMMAND` lists them. */
  readonly categories: readonly string[];
  readonly keySpecs: readonly KeySpec[];
  /** Position of the first key, or 0. */
  readonly firstKey: number;
  /** Position of the last key; negative counts from the end. */
  readonly lastKey: number;
  readonly keyStep: number;
  readonly tips: readonly string[];
  readonly arguments: readonly ArgumentFacts[];
  readonly deprecated?: { readonly since: string; readonly replacedBy: string };
  /** Not meant for applications: `COMMAND DOCS` flags it `syscmd`. */
  readonly isInternal: boolean;
  /** By name, in alphabetical order; empty if the command is no container. */
  readonly subcommands: readonly CommandFacts[];
}

const TABLES: readonly (readonly [CommandGroup, readonly FactRow[]])[] = [
  ["bitmap", BITMAP_FACTS],
  ["board", BOARD_FACTS],
  ["connection", CONNECTION_FACTS],
  ["generic", KEY_FACTS],
  ["internal", INTERNAL_FACTS],
  ["geo", GEO_FACTS],
  ["hash", HASH_FACTS],
  ["hash", HASH_EXPIRY_FACTS],
  ["hyperloglog", HYPER_LOG_LOG_FACTS],
  ["list", LIST_FACTS],
  ["pubsub", PUBSUB_FACTS],
  ["scripting", SCRIPTING_FACTS],
  ["server", SERVER_FACTS],
  ["set", SET_FACTS],
  ["sorted-set", SORTED_SET_FACTS],
  ["string", STRING_FACTS],
  ["transactions", TRANSACTION_FACTS],
  ["window", WINDOW_FACTS],
];

/**
 * Reads the fact tables: every command of Redis 7.0.15 but streams, functions, cluster, replication and modules, by its
 * name in lower case. Subcommands stand under their full name too (`config|get`). Reads the tables anew at each call:
 * keep what it returns.
 *
 * @throws RangeError if a table is wrong; a test reads them all.
 */
export function readCommandFacts(): ReadonlyMap<string, CommandFacts> {
  const byName = new Map<string, CommandFacts>();
  for (const [group, rows] of TABLES) {
    for (const row of rows) {
      const facts = factsFromRow(row, group);
      for (const entry of [facts, ...facts.subcommands]) {
        if (byName.has(entry.name)) throw new RangeError(`The command "${entry.name}" stands in the tables twice`);
        byName.set(entry.name, entry);
      }
    }
  }
  return byName;
}

function factsFromRow(row: FactRow, group: CommandGroup): CommandFacts {
  const [firstKey, lastKey, keyStep] = row.keyRange ?? [0, 0, 0];
  return {
    name: row.name,
    arity: row.arity,
    group,
    since: row.since,
    summary: row.summary,
    complexity: row.complexity,
    flags: words(row.flags),
    categories: words(row.categories),
    keySpecs: (row.keySpecs ?? []).map(parseKeySpec),
    firstKey,
    lastKey,
    keyStep,
    tips: words(row.tips ?? ""),
    arguments: row.arguments === undefined ? [] : parseArguments(row.arguments),
    ...(row.deprecated === undefined ? {} : { deprecated: row.deprecated }),
    isInternal: row.isInternal ?? false,
    subcommands: (row.subcommands ?? []).map((subcommand) => factsFromRow(subcommand, group)),
  };
}

function words(text: string): string[] {
  return text === "" ? [] : text.split(" ");
}
