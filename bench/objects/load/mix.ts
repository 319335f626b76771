import { parseSizes } from "./size.ts";

/** What a load generator can do. */
export type OperationName = "put" | "get" | "head" | "delete" | "list" | "copy";

/** One kind of request of a mix. Plain data: it travels between processes. */
export interface MixEntry {
  readonly operation: OperationName;
  /** A size as `parseSizes` reads it; for `list` the greatest number of keys; `""` for `delete`. */
  readonly size: string;
  /** Requests per second in the open loop. */
  readonly perSecond: number;
  /** Share of the requests in the closed loop. */
  readonly weight: number;
}

export interface Mix {
  /** `open` sends by the clock, whatever the answers; `closed` sends a connection's next request when it has its answer. */
  readonly loop: "open" | "closed";
  readonly entries: readonly MixEntry[];
}

const OPERATIONS: readonly OperationName[] = ["put", "get", "head", "delete", "list", "copy"];
const DEFAULT_SIZE: Readonly<Record<OperationName, string>> = {
  put: "10KB",
  get: "10KB",
  head: "10KB",
  copy: "10KB",
  delete: "",
  list: "100",
};
/** More than one process of Node could send. */
const HIGHEST_RATE = 100_000;

/**
 * Reads a mix: entries by comma, each `operation[:size][@rate/s]` or `operation[:size][*weight]`. With rates the loop is open,
 * without it is closed. `put:10KB@100/s,get:10KB@1000/s,list@5/s` is exactly so many of each; `put:4KB*1,get:4KB*9` is one
 * put among ten requests. A size may be a range or a choice in brackets: `get:[1KB*80|1MB*20]@50/s`.
 *
 * @returns What is wrong, as text, if it cannot be read.
 */
export function parseMix(text: string): Mix | string {
  const entries: MixEntry[] = [];
  const rated: boolean[] = [];
  for (const part of text.split(",")) {
    const match = /^\s*([a-z]+)(?::(?:\[([^\]]+)\]|([^@*[\]]+)))?(?:@([\d.]+)\/s|\*([\d.]+))?\s*$/.exec(part);
    if (match === null)
      return `Cannot read "${part}" of the mix: write operation[:size][@rate/s], such as get:10KB@100/s`;
    const [, name = "", bracketed, plain, rate, weight] = match;
    const operation = OPERATIONS.find((known) => known === name);
    if (operation === undefined) return `There is no operation "${name}". Choose from: ${OPERATIONS.join(", ")}`;
    const size = bracketed ?? plain ?? DEFAULT_SIZE[operation];
    const problem = problemOf(operation, size);
    if (problem !== undefined) return problem;
    const perSecond = Number(rate ?? 0);
    if (rate !== undefined && !(perSecond > 0 && perSecond <= HIGHEST_RATE))
      return `The rate of "${part}" must be above 0 and at most ${HIGHEST_RATE}/s`;
    if (weight !== undefined && !(Number(weight) > 0)) return `The weight of "${part}" must be above 0`;
    entries.push({ operation, size, perSecond, weight: Number(weight ?? 1) });
    rated.push(rate !== undefined);
  }
  if (rated.some((hasRate) => hasRate) && !rated.every((hasRate) => hasRate))
    return "Give every operation of a mix a rate, or none: the loop is open or closed, not both";
  return { loop: rated[0] ? "open" : "closed", entries };
}

function problemOf(operation: OperationName, size: string): string | undefined {
  if (operation === "delete") return size === "" ? undefined : "A delete has no size";
  if (operation === "list") {
    const count = Number(size);
    return Number.isInteger(count) && count >= 1 && count <= 1_000
      ? undefined
      : `A list asks for 1 to 1000 keys, not "${size}"`;
  }
  const sizes = parseSizes(size);
  return typeof sizes === "string" ? sizes : undefined;
}

/** How an entry is named in results, such as `get:10KB`. */
export function entryName({ operation, size }: MixEntry): string {
  return size === "" ? operation : `${operation}:${size}`;
}
