import { existsSync } from "node:fs";
import { parseArgs } from "node:util";
import { createLogger, EXIT_CODES, type Logger } from "@kagami/kit";
import { configSchema } from "../config.ts";
import { createEngine, hashSeedOf, randomClusterId } from "../create-engine.ts";
import type { Engine } from "../engine/engine.ts";
import { RankingError } from "../errors.ts";
import { Persistence, type PersistenceOptions, type RunningStore } from "../persistence.ts";
import { restoreSnapshot } from "../recovery.ts";
import { SnapshotStore } from "../storage/snapshot-store.ts";
import { type ExportOutcome, exportRdb } from "./export-rdb.ts";
import { importRdb } from "./import-rdb.ts";

/** Words behind `kagami ranking` that run no server. */
export const RDB_WORDS: ReadonlySet<string> = new Set(["export", "import"]);

const USAGE = `kagami ranking export --to FILE [--data DIR] [--skip] [--overwrite]
kagami ranking import FILE [--data DIR] [--skip]

export writes what a data directory holds into an RDB file that Redis 7.0 loads. While a server uses the directory it is
the last snapshot that is exported: BGSAVE makes a new one. import makes a data directory from an RDB file of Redis 2.6 to
7.2; the directory must hold no data yet.

  --data DIR    The data directory (default: KAGAMI_RANKING_DATA, or ${configSchema.shape.data.parse(undefined)})
  --to FILE     Where the RDB file is written
  --skip        Leave out what the other side has no form for (export: boards, windows, rate limits; import: streams,
                modules, functions), instead of refusing
  --overwrite   Replace FILE if it is there
`;

interface Request {
  readonly directory: string;
  readonly file: string;
  readonly skips: boolean;
  readonly overwrites: boolean;
}

/** What the command needs of the process. */
export interface RdbCommandContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly write: (text: string) => void;
  readonly writeError: (text: string) => void;
}

/** `kagami ranking export` and `import`. Returns the exit code. */
export async function runRdbCommand(argv: readonly string[], context: RdbCommandContext): Promise<number> {
  try {
    const request = readRequest(argv, context.env.KAGAMI_RANKING_DATA);
    if (request === undefined) context.write(USAGE);
    else if (argv[0] === "export") context.write(await runExport(request));
    else context.write(await runImport(request));
    return EXIT_CODES.clean;
  } catch (error) {
    if (!(error instanceof RankingError || error instanceof UsageError)) throw error;
    context.writeError(`${error.message}\n`);
    return EXIT_CODES.startFailed;
  }
}

class UsageError extends Error {
  override readonly name = "UsageError";
}

/** `undefined` if only the usage was asked for. */
function readRequest(argv: readonly string[], usualDirectory: string | undefined): Request | undefined {
  const [word = "", ...rest] = argv;
  const { values, positionals } = parse(rest);
  if (values.help) return undefined;
  const directory = configSchema.shape.data.parse(values.data ?? usualDirectory);
  const [file, ...more] = word === "export" ? [values.to, ...positionals] : positionals;
  if (file === undefined || file === "" || more.length > 0) {
    throw new UsageError(`Cannot ${word}: give one file. kagami ranking ${word} --help tells how`);
  }
  if (word === "import" && (values.to !== undefined || values.overwrite)) {
    throw new UsageError("Cannot import with --to or --overwrite: they are for export");
  }
  return { directory, file, skips: values.skip === true, overwrites: values.overwrite === true };
}

function parse(args: string[]) {
  const flag = { type: "boolean" } as const;
  const text = { type: "string" } as const;
  try {
    return parseArgs({
      args,
      options: { data: text, to: text, skip: flag, overwrite: flag, help: { ...flag, short: "h" } },
      allowPositionals: true,
    });
  } catch (cause) {
    throw new UsageError(`${(cause as Error).message}. kagami ranking export --help tells what there is`, { cause });
  }
}

async function runExport({ directory, file, skips, overwrites }: Request): Promise<string> {
  if (!overwrites && existsSync(file)) {
    throw new UsageError(`Cannot export to ${file}: it is there already. Give another name, or --overwrite`);
  }
  if (!existsSync(directory)) throw new UsageError(`Cannot export from ${directory}: there is no such directory`);
  const log = createLogger({ level: "warn" });
  const options = { path: file, skips, nowMs: Date.now() };
  const { engine, note, close } = openForExport(directory, log);
  try {
    engine.store.advance(options.nowMs);
    return exportReport(exportRdb(engine, options), file, note);
  } finally {
    await close();
  }
}

interface OpenStore {
  readonly engine: Engine;
  /** What is to be told of where it came from. */
  readonly note: string;
  readonly close: () => Promise<void>;
}

/** The store of a directory; while a server uses it, as its last snapshot has it. */
function openForExport(directory: string, log: Logger): OpenStore {
  try {
    const persistence = new Persistence(optionsFor(directory, log));
    return { engine: persistence.engine, note: "", close: () => persistence.close() };
  } catch (error) {
    if (!(error instanceof RankingError && error.code === "STORAGE_LOCKED")) throw error;
    const restored = restoreSnapshot(directory, new SnapshotStore(directory, log));
    if (restored === undefined) {
      const mend = "Run BGSAVE on it and export then, or stop it";
      throw new RankingError("STORAGE_LOCKED", `A server uses ${directory}, and has made no snapshot yet. ${mend}`, {
        cause: error,
      });
    }
    const note = `A server uses ${directory}: this is its last snapshot, of batch ${restored.position}. `;
    return { engine: restored.engine, note: `${note}BGSAVE makes a newer one.\n`, close: async () => undefined };
  }
}

function optionsFor(directory: string, log: Logger, running?: RunningStore): PersistenceOptions {
  return {
    ...{ directory, log, observer: {}, fsync: "no", repair: false, compactBytes: Number.POSITIVE_INFINITY },
    makeEngine: (hashSeed) => createEngine(hashSeed),
    ...(running && { running }),
  };
}

function exportReport(
  { keys, sizeBytes, leftOut, hashesWithExpiry }: ExportOutcome,
  file: string,
  note: string,
): string {
  let text = `${note}Exported ${keys} keys to ${file}, ${sizeBytes} bytes\n`;
  for (const [type, count] of leftOut) text += `Left out: ${count} of type ${type}\n`;
  if (hashesWithExpiry > 0)
    text += `${hashesWithExpiry} hashes have fields that expire: their times are not in the file\n`;
  return text;
}

async function runImport({ directory, file, skips }: Request): Promise<string> {
  const clusterId = randomClusterId();
  const engine = createEngine(hashSeedOf(clusterId));
  engine.store.advance(Date.now());
  const outcome = importRdb(engine, file, skips);
  const log = createLogger({ level: "warn" });
  const persistence = new Persistence(optionsFor(directory, log, { engine, clusterId, wasKept: false }));
  await persistence.close();
  const by = outcome.redisVersion === "" ? "" : ` of Redis ${outcome.redisVersion}`;
  let text = `Imported ${outcome.keys} keys from ${file}${by}, ${outcome.sizeBytes} bytes, into ${directory}\n`;
  if (!outcome.isChecked) text += "The file has no checksum: its writer was told to leave it out\n";
  if (outcome.expiredKeys > 0) text += `${outcome.expiredKeys} keys had expired and were left out\n`;
  for (const [what, count] of outcome.leftOut) text += `Left out: ${count} of kind ${what}\n`;
  return text;
}
