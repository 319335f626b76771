import { parseArgs } from "node:util";
import { EXIT_CODES } from "@kagami/kit";
import { configSchema } from "../config.ts";
import { ObjectsError } from "../errors.ts";
import { promote, renderPromotion } from "../replica/promote.ts";
import { parseTiers, type TierPlace } from "../storage/tiers/open-tiers.ts";
import { fsck, renderFsck } from "./fsck.ts";
import { probeDisk } from "./probe-disk.ts";
import { renderProbe } from "./probe-report.ts";
import { renderRepair, repair } from "./repair.ts";

/** Words behind `kagami objects` that run no server. */
export const TOOL_WORDS: ReadonlySet<string> = new Set(["probe-disk", "fsck", "repair", "promote"]);

const USAGE = `kagami objects probe-disk [--data DIR] [--seconds N] [--bytes N] [--json]
kagami objects fsck [--data DIR] [--tiers LIST] [--json]
kagami objects repair [--data DIR] [--tiers LIST] [--dry-run] [--rebuild-index] [--json]
kagami objects promote [--data DIR] [--json]

probe-disk appends to a file as a volume is appended to, and tells how long each write and each fdatasync took. The file
is removed. fsck reads a store that no server has open, changes nothing, and tells what is wrong with it; its exit code is
1 then. It needs room in the system's directory for temporary files, twice what the index takes. repair mends what can
be mended, and names the objects that are lost; nothing is deleted, what is taken out goes to quarantine/ in the data
directory. Its exit code is 1 if something is still wrong. promote makes a store of its own of a replica that no server has
open; from then on followers take nothing from the source that it had.

  --data DIR    The data directory (default: KAGAMI_OBJECTS_DATA, or ${configSchema.shape.data.parse(undefined)})
  --tiers LIST  Where slower disks of the store are, if not where the server had them: hdd=DIR,cold=DIR
  --seconds N   How long to write, up to 3600 (default: 10)
  --bytes N     Bytes of each write, up to 67108864 (default: 16384)
  --dry-run     Tell what repair would do, and do nothing
  --rebuild-index
                Build the index from the volumes though nothing is wrong with it
  --json        The report as JSON
`;

/** What a tool needs of the process. */
export interface ToolContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly write: (text: string) => void;
  readonly writeError: (text: string) => void;
}

class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Runs `kagami objects probe-disk`, `fsck`, `repair` or `promote`. Returns the exit code. */
export async function runToolCommand(argv: readonly string[], context: ToolContext): Promise<number> {
  try {
    const options = readOptions(argv, context.env.KAGAMI_OBJECTS_DATA);
    if (options === undefined) {
      context.write(USAGE);
      return EXIT_CODES.clean;
    }
    return await run(options, context);
  } catch (error) {
    if (!(error instanceof ObjectsError || error instanceof UsageError)) throw error;
    context.writeError(`${error.message}\n`);
    return EXIT_CODES.startFailed;
  }
}

interface ToolOptions {
  readonly word: string;
  readonly directory: string;
  readonly seconds: number;
  readonly bytes: number;
  readonly asJson: boolean;
  readonly isDryRun: boolean;
  readonly rebuildsIndex: boolean;
  readonly tiers: readonly TierPlace[];
}

async function run(options: ToolOptions, { write }: ToolContext): Promise<number> {
  const show = <Report>(report: Report, render: (report: Report) => string): void => {
    write(options.asJson ? `${JSON.stringify(report)}\n` : render(report));
  };
  if (options.word === "fsck") {
    const report = await fsck(options.directory, Date.now(), options.tiers);
    show(report, renderFsck);
    return report.errors === 0 ? EXIT_CODES.clean : FOUND;
  }
  if (options.word === "repair") {
    const report = await repair({ ...options, nowMs: Date.now() });
    show(report, renderRepair);
    return report.left.errors === 0 ? EXIT_CODES.clean : FOUND;
  }
  if (options.word === "promote") {
    show(await promote(options.directory), renderPromotion);
    return EXIT_CODES.clean;
  }
  show(await probeDisk(options), renderProbe);
  return EXIT_CODES.clean;
}

/** Something is wrong with the store. */
const FOUND = 1;

/** `undefined` if only the usage was asked for. */
function readOptions(argv: readonly string[], usualDirectory: string | undefined): ToolOptions | undefined {
  const [word = "", ...rest] = argv;
  const { values, positionals } = parse(rest);
  if (values.help) return undefined;
  if (word !== "probe-disk" && (values.seconds ?? values.bytes) !== undefined) {
    throw new UsageError("Cannot use --seconds or --bytes here: they are for probe-disk");
  }
  if (word !== "repair" && (values["dry-run"] ?? values["rebuild-index"]) !== undefined) {
    throw new UsageError("Cannot use --dry-run or --rebuild-index here: they are for repair");
  }
  if (positionals.length > 0) throw new UsageError(`Cannot use "${positionals[0]}": ${HELP}`);
  return {
    word,
    directory: configSchema.shape.data.parse(values.data ?? usualDirectory),
    seconds: readNumber("--seconds", values.seconds, { initial: 10, min: 0.1, max: 3_600 }),
    bytes: Math.floor(readNumber("--bytes", values.bytes, { initial: 16_384, min: 1, max: 67_108_864 })),
    asJson: values.json === true,
    isDryRun: values["dry-run"] === true,
    rebuildsIndex: values["rebuild-index"] === true,
    tiers: readTiers(values.tiers),
  };
}

function parse(args: string[]) {
  const flag = { type: "boolean" } as const;
  const text = { type: "string" } as const;
  try {
    return parseArgs({
      args,
      options: {
        data: text,
        tiers: text,
        seconds: text,
        bytes: text,
        json: flag,
        "dry-run": flag,
        "rebuild-index": flag,
        help: { ...flag, short: "h" },
      },
      allowPositionals: true,
    });
  } catch (cause) {
    throw new UsageError(`${(cause as Error).message}. ${HELP}`, { cause });
  }
}

function readTiers(value: string | undefined): readonly TierPlace[] {
  try {
    return parseTiers(value === undefined ? [] : value.split(","));
  } catch (cause) {
    throw new UsageError((cause as Error).message, { cause });
  }
}

function readNumber(
  name: string,
  value: string | undefined,
  { initial, min, max }: { readonly initial: number; readonly min: number; readonly max: number },
): number {
  if (value === undefined) return initial;
  const number = value.trim() === "" ? Number.NaN : Number(value);
  if (number >= min && number <= max) return number;
  throw new UsageError(`Cannot use ${name} "${value}": give a number from ${min} to ${max}`);
}

const HELP = "kagami objects fsck --help tells what there is";
