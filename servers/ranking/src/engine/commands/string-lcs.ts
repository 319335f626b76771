import type { Call } from "../call.ts";
import type { Handler } from "../command.ts";
import { ValueType } from "../container.ts";
import { SYNTAX_ERROR } from "../replies.ts";
import { MAX_STRING_BYTES } from "../string-edits.ts";

interface LcsOptions {
  onlyLength: boolean;
  ranges: boolean;
  minMatchLength: number;
  withMatchLength: boolean;
}

/** A run that both strings have, by the first and last index in each. */
interface Match {
  readonly firstA: number;
  readonly lastA: number;
  readonly firstB: number;
  readonly lastB: number;
}

/** Redis counts so many bytes for each cell of its table, whatever ours takes. */
const REDIS_CELL_BYTES = 4;

function readOptions(call: Call): LcsOptions | undefined {
  const { args, reply } = call;
  const options: LcsOptions = { onlyLength: false, ranges: false, minMatchLength: 0, withMatchLength: false };
  for (let i = 3; i < args.count; i++) {
    if (args.isWord(i, "IDX")) options.ranges = true;
    else if (args.isWord(i, "LEN")) options.onlyLength = true;
    else if (args.isWord(i, "WITHMATCHLEN")) options.withMatchLength = true;
    else if (args.isWord(i, "MINMATCHLEN") && i + 1 < args.count) {
      const length = call.integer(++i);
      if (Number.isNaN(length)) return undefined;
      options.minMatchLength = Math.max(0, length);
    } else {
      reply.error(SYNTAX_ERROR);
      return undefined;
    }
  }
  if (options.ranges && options.onlyLength) {
    reply.error("ERR If you want both the length and indexes, please just use IDX.");
    return undefined;
  }
  return options;
}

function lcs(call: Call): void {
  const { args, db, reply } = call;
  const values: Uint8Array[] = [];
  for (const index of [1, 2]) {
    const record = db.find(args, index);
    if (record !== 0 && db.typeOf(record) !== ValueType.string) {
      reply.error("ERR The specified keys must contain string values");
      return;
    }
    if (record !== 0) db.readString(record);
    values.push(record === 0 ? new Uint8Array(0) : db.valueBytes.subarray(db.valueStart, db.valueEnd));
  }
  const options = readOptions(call);
  if (options === undefined) return;
  const [a, b] = values as [Uint8Array, Uint8Array];
  if ((a.length + 1) * (b.length + 1) * REDIS_CELL_BYTES > MAX_STRING_BYTES) {
    reply.error("ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len");
    return;
  }
  const table = lengthsTable(a, b);
  const length = table[table.length - 1]!;
  if (options.onlyLength) {
    reply.integer(length);
    return;
  }
  const common = new Uint8Array(length);
  const matches = walkBack(a, b, table, common);
  if (options.ranges) replyMatches(call, matches, length, options);
  else reply.bulkBytes(common);
}

/** Length of the longest common subsequence of every pair of beginnings, row by row; a row for each byte of `a`, and one. */
function lengthsTable(a: Uint8Array, b: Uint8Array): Uint16Array | Uint32Array {
  const width = b.length + 1;
  const cells = (a.length + 1) * width;
  const table = Math.min(a.length, b.length) > 0xffff ? new Uint32Array(cells) : new Uint16Array(cells);
  for (let i = 1; i <= a.length; i++) {
    const byte = a[i - 1]!;
    const row = i * width;
    for (let j = 1; j <= b.length; j++) {
      const above = table[row - width + j]!;
      const before = table[row + j - 1]!;
      if (byte === b[j - 1]) table[row + j] = table[row - width + j - 1]! + 1;
      else table[row + j] = above > before ? above : before;
    }
  }
  return table;
}

/**
 * Finds the subsequence from its end on, puts it into `common`, and returns the runs it is made of, last first.
 *
 * A run that a longer way round interrupts ends with the byte that interrupts it, and that byte begins no run of its own:
 * Redis's reply has it so.
 */
function walkBack(a: Uint8Array, b: Uint8Array, table: Uint16Array | Uint32Array, common: Uint8Array): Match[] {
  const width = b.length + 1;
  const matches: Match[] = [];
  let left = common.length;
  let i = a.length;
  let j = b.length;
  let isOpen = false;
  let [firstA, lastA, firstB, lastB] = [0, 0, 0, 0];
  while (i > 0 && j > 0) {
    let isDone = false;
    if (a[i - 1] === b[j - 1]) {
      common[--left] = a[i - 1]!;
      i--;
      j--;
      if (!isOpen) {
        isOpen = true;
        firstA = i;
        lastA = i;
        firstB = j;
        lastB = j;
      } else if (firstA === i + 1 && firstB === j + 1) {
        firstA = i;
        firstB = j;
      } else isDone = true;
      if (firstA === 0 || firstB === 0) isDone = true;
    } else {
      if (table[(i - 1) * width + j]! > table[i * width + j - 1]!) i--;
      else j--;
      isDone = isOpen;
    }
    if (!isDone) continue;
    matches.push({ firstA, lastA, firstB, lastB });
    isOpen = false;
  }
  return matches;
}

function replyMatches({ reply }: Call, all: readonly Match[], length: number, options: LcsOptions): void {
  const matches = all.filter(({ firstA, lastA }) => lastA - firstA + 1 >= options.minMatchLength);
  reply.map(2);
  reply.bulkText("matches");
  reply.array(matches.length);
  for (const { firstA, lastA, firstB, lastB } of matches) {
    reply.array(options.withMatchLength ? 3 : 2);
    reply.array(2);
    reply.integer(firstA);
    reply.integer(lastA);
    reply.array(2);
    reply.integer(firstB);
    reply.integer(lastB);
    if (options.withMatchLength) reply.integer(lastA - firstA + 1);
  }
  reply.bulkText("len");
  reply.integer(length);
}

/** LCS. */
export const STRING_LCS_HANDLERS: Readonly<Record<string, Handler>> = { lcs };
