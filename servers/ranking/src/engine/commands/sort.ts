import { compareBytes } from "../../protocol/compare-bytes.ts";
import { parseDouble } from "../../protocol/numbers.ts";
import type { Call } from "../call.ts";
import type { Handler } from "../command.ts";
import { ValueType } from "../container.ts";
import { EventClass } from "../key-events.ts";
import { checkKeyBytes } from "../key-record.ts";
import { codecOf, fromRdbValue } from "../rdb-values.ts";
import { WRONG_TYPE } from "../replies.ts";
import { patternLookup } from "./sort-keys.ts";
import { readSortOptions, type SortOptions } from "./sort-options.ts";

/** One element, and what it is sorted by. */
interface Row {
  readonly element: Uint8Array;
  score: number;
  weight: Uint8Array | undefined;
}

function sort(call: Call, isReadOnly: boolean): void {
  const { args, db, reply } = call;
  const options = readSortOptions(call, isReadOnly);
  if (options === undefined) return;
  if (options.storeIndex > 0) checkKeyBytes(args.sizeOf(options.storeIndex));
  const record = db.find(args, 1);
  const type = record === 0 ? ValueType.list : db.typeOf(record);
  if (type !== ValueType.list && type !== ValueType.set && type !== ValueType.sortedSet) {
    reply.error(WRONG_TYPE);
    return;
  }
  const elements = record === 0 ? [] : elementsOf(call, record);
  const isLasting = options.storeIndex > 0 || call.session.isInternal;
  if (options.isUnsorted && type === ValueType.set && isLasting) {
    // A set has no order of its own: what is stored, or seen by a script, must not hang on where it lies in memory.
    options.isUnsorted = false;
    options.isAlpha = true;
    options.by = undefined;
  }
  const rows: Row[] = elements.map((element) => ({ element, score: 0, weight: undefined }));
  if (options.isUnsorted) {
    if (options.isDescending && type !== ValueType.set) rows.reverse();
  } else {
    if (!weigh(call, rows, options)) {
      reply.error("ERR One or more scores can't be converted into double");
      return;
    }
    rows.sort(comparer(options, type === ValueType.set));
  }
  const start = Math.min(Math.max(options.offset, 0), rows.length);
  const end = options.limit < 0 ? rows.length : Math.min(rows.length, start + options.limit);
  answer(call, options, rows.slice(start, end));
}

function elementsOf({ db }: Call, record: number): readonly Uint8Array[] {
  const value = codecOf(db.typeOf(record))?.toRdb(db.containerOf(record));
  if (value === undefined) return [];
  if (value.kind === "list") return value.elements;
  return value.kind === "set" || value.kind === "sorted-set" ? value.members : [];
}

/** Finds what the rows are sorted by. Returns false if one is no number and should be. */
function weigh({ db }: Call, rows: readonly Row[], { by, isAlpha }: SortOptions): boolean {
  const lookup = by === undefined ? (element: Uint8Array) => element : patternLookup(db, by);
  let isRight = true;
  for (const row of rows) {
    const weight = lookup(row.element);
    if (weight === undefined) continue;
    if (isAlpha) row.weight = by === undefined ? weight : Uint8Array.from(weight);
    else {
      row.score = scoreOf(weight);
      if (Number.isNaN(row.score)) isRight = false;
    }
  }
  return isRight;
}

/**
 * The number that a weight is, as C's `strtod` reads it up to the first zero byte: blanks may stand in front, nothing at
 * all is 0. NaN if it is none.
 */
function scoreOf(weight: Uint8Array): number {
  const zero = weight.indexOf(0);
  const end = zero < 0 ? weight.length : zero;
  if (end === 0) return 0;
  let start = 0;
  while (start < end && isBlank(weight[start]!)) start++;
  return parseDouble(weight, start, end);
}

function isBlank(byte: number): boolean {
  return byte === 32 || (byte >= 9 && byte <= 13);
}

/** @param isOfSet Then nothing may sort alike, or what is stored would hang on where it lies in memory. */
function comparer(options: SortOptions, isOfSet: boolean): (a: Row, b: Row) => number {
  const { isAlpha, isDescending, by, storeIndex } = options;
  const sign = isDescending ? -1 : 1;
  if (!isAlpha) return (a, b) => sign * (a.score - b.score || order(a, b) || compareBytes(a.element, b.element));
  // Where the result is only replied, Redis compares as C compares texts.
  const compare = storeIndex > 0 ? compareBytes : compareTexts;
  if (by === undefined) return (a, b) => sign * compare(a.element, b.element);
  return (a, b) => {
    const byWeight =
      a.weight === undefined || b.weight === undefined
        ? Number(a.weight !== undefined) - Number(b.weight !== undefined)
        : compare(a.weight, b.weight);
    return sign * (byWeight || (isOfSet ? compareBytes(a.element, b.element) : 0));
  };
}

/** Of two scores whose difference is no number, as of two that are infinite. */
function order(a: Row, b: Row): number {
  return a.score > b.score ? 1 : a.score < b.score ? -1 : 0;
}

/** Compares up to the first zero byte. */
function compareTexts(a: Uint8Array, b: Uint8Array): number {
  return compareBytes(untilZero(a), untilZero(b));
}

function untilZero(text: Uint8Array): Uint8Array {
  const zero = text.indexOf(0);
  return zero < 0 ? text : text.subarray(0, zero);
}

function answer(call: Call, { gets, storeIndex }: SortOptions, rows: readonly Row[]): void {
  const { db, reply } = call;
  const lookups = gets.length === 0 ? [(element: Uint8Array) => element] : gets.map((get) => patternLookup(db, get));
  if (storeIndex > 0) {
    const elements = rows.flatMap(({ element }) =>
      lookups.map((lookup) => Uint8Array.from(lookup(element) ?? new Uint8Array(0))),
    );
    storeList(call, storeIndex, elements);
    reply.integer(elements.length);
    return;
  }
  reply.array(rows.length * lookups.length);
  for (const { element } of rows) {
    for (const lookup of lookups) {
      const value = lookup(element);
      if (value === undefined) reply.nil();
      else reply.bulkBytes(value);
    }
  }
}

function storeList(call: Call, index: number, elements: readonly Uint8Array[]): void {
  const { args, db, store } = call;
  const list = elements.length === 0 ? undefined : fromRdbValue(store, { kind: "list", elements });
  const record = db.findForWrite(args, index);
  if (list !== undefined) {
    db.setContainer(args, index, record, list);
    call.modified(index, "sortstore", EventClass.list);
  } else if (record !== 0) {
    db.delete(record);
    call.modified(index, "del", EventClass.generic);
  }
}

/** SORT and its form that only reads. */
export const SORT_HANDLERS: Readonly<Record<string, Handler>> = {
  sort: (call) => sort(call, false),
  sort_ro: (call) => sort(call, true),
};
