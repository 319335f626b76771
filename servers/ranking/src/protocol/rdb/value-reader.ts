import type { RdbCursor } from "./cursor.ts";
import { parseScore } from "./decimal.ts";
import { RDB_TYPE, RdbError, type RdbValue } from "./format.ts";
import { readListpack } from "./listpack.ts";
import { skipModule, skipStream } from "./skipped-values.ts";
import { readIntset, readZiplist, readZipmap } from "./ziplist.ts";

const PLAIN_NODE = 1;
const PACKED_NODE = 2;
const TEXT_NAN = 253;
const TEXT_INFINITY = 254;
const TEXT_MINUS_INFINITY = 255;

/** A value that was passed over: we keep no such type. */
export type UnkeptValue = "stream" | "module";

/**
 * Reads the value of a type, from behind its type byte. What is no value of ours is passed over.
 *
 * @throws ShortRead if its bytes are not all there, RdbError if they are no value.
 */
export function readValue(cursor: RdbCursor, type: number): RdbValue | UnkeptValue {
  switch (type) {
    case RDB_TYPE.string:
      return { kind: "string", bytes: cursor.string() };
    case RDB_TYPE.list:
      return { kind: "list", elements: readStrings(cursor, cursor.length()) };
    case RDB_TYPE.listZiplist:
      return { kind: "list", elements: readBlock(cursor, readZiplist) };
    case RDB_TYPE.listQuicklist:
    case RDB_TYPE.listQuicklist2:
      return { kind: "list", elements: readQuicklist(cursor, type) };
    case RDB_TYPE.set:
      return { kind: "set", members: readStrings(cursor, cursor.length()) };
    case RDB_TYPE.setIntset:
      return { kind: "set", members: readBlock(cursor, readIntset) };
    case RDB_TYPE.setListpack:
      return { kind: "set", members: readBlock(cursor, readListpack) };
    case RDB_TYPE.hash:
      return readHash(cursor);
    case RDB_TYPE.hashZipmap:
      return hashOf(cursor, readBlock(cursor, readZipmap));
    case RDB_TYPE.hashZiplist:
      return hashOf(cursor, readBlock(cursor, readZiplist));
    case RDB_TYPE.hashListpack:
      return hashOf(cursor, readBlock(cursor, readListpack));
    case RDB_TYPE.sortedSet:
    case RDB_TYPE.sortedSetText:
      return readSortedSet(cursor, type === RDB_TYPE.sortedSetText);
    case RDB_TYPE.sortedSetZiplist:
      return sortedSetOf(cursor, readBlock(cursor, readZiplist));
    case RDB_TYPE.sortedSetListpack:
      return sortedSetOf(cursor, readBlock(cursor, readListpack));
    case RDB_TYPE.stream:
    case RDB_TYPE.stream2:
    case RDB_TYPE.stream3:
      skipStream(cursor, type);
      return "stream";
    case RDB_TYPE.module:
      cursor.length(); // which module it is
      skipModule(cursor);
      return "module";
    case RDB_TYPE.moduleOld:
      return cursor.fail("a module of before Redis 4.0 kept it, and only that module knows where it ends");
    default:
      return cursor.fail(`no type of value has number ${type}`, "It may come from a newer server than 7.2");
  }
}

/** Whether there is nothing in it. A server keeps no such key, and passes over one in a file. */
export function isEmptyValue(value: RdbValue): boolean {
  switch (value.kind) {
    case "string":
      return false;
    case "list":
      return value.elements.length === 0;
    case "hash":
      return value.fields.length === 0;
    case "set":
    case "sorted-set":
      return value.members.length === 0;
    default:
      return value satisfies never;
  }
}

/** The count may lie: the array grows with what is really there. */
function readStrings(cursor: RdbCursor, count: number): Uint8Array[] {
  const strings: Uint8Array[] = [];
  for (let i = 0; i < count; i++) strings.push(cursor.string());
  return strings;
}

function readBlock(cursor: RdbCursor, read: (bytes: Uint8Array, offset: number) => Uint8Array[]): Uint8Array[] {
  const offset = cursor.offset;
  return read(cursor.string(), offset);
}

function readQuicklist(cursor: RdbCursor, type: number): Uint8Array[] {
  const nodeCount = cursor.length();
  const elements: Uint8Array[] = [];
  for (let i = 0; i < nodeCount; i++) {
    const container = type === RDB_TYPE.listQuicklist ? PACKED_NODE : cursor.length();
    if (container === PLAIN_NODE) {
      elements.push(cursor.string());
      continue;
    }
    if (container !== PACKED_NODE) cursor.fail(`no node of a list has number ${container}`);
    const entries = readBlock(cursor, type === RDB_TYPE.listQuicklist ? readZiplist : readListpack);
    for (const entry of entries) elements.push(entry);
  }
  return elements;
}

function readHash(cursor: RdbCursor): RdbValue {
  const count = cursor.length();
  const fields: Uint8Array[] = [];
  const values: Uint8Array[] = [];
  for (let i = 0; i < count; i++) {
    fields.push(cursor.string());
    values.push(cursor.string());
  }
  return { kind: "hash", fields, values };
}

function hashOf(cursor: RdbCursor, entries: readonly Uint8Array[]): RdbValue {
  if (entries.length % 2 === 1) cursor.fail("a hash ends in a field without a value");
  const fields: Uint8Array[] = [];
  const values: Uint8Array[] = [];
  for (let i = 0; i < entries.length; i += 2) {
    fields.push(entries[i]!);
    values.push(entries[i + 1]!);
  }
  return { kind: "hash", fields, values };
}

function readSortedSet(cursor: RdbCursor, isText: boolean): RdbValue {
  const count = cursor.length();
  const members: Uint8Array[] = [];
  const scores: number[] = [];
  for (let i = 0; i < count; i++) {
    members.push(cursor.string());
    const score = isText ? readTextScore(cursor) : cursor.f64();
    if (Number.isNaN(score)) cursor.fail("a score is not a number");
    scores.push(score);
  }
  return { kind: "sorted-set", members, scores };
}

function readTextScore(cursor: RdbCursor): number {
  const sizeBytes = cursor.u8();
  if (sizeBytes === TEXT_NAN) return Number.NaN;
  if (sizeBytes === TEXT_INFINITY) return Number.POSITIVE_INFINITY;
  if (sizeBytes === TEXT_MINUS_INFINITY) return Number.NEGATIVE_INFINITY;
  return parseScore(cursor.raw(sizeBytes)) ?? Number.NaN;
}

function sortedSetOf(cursor: RdbCursor, entries: readonly Uint8Array[]): RdbValue {
  if (entries.length % 2 === 1) cursor.fail("a sorted set ends in a member without a score");
  const members: Uint8Array[] = [];
  const scores: number[] = [];
  for (let i = 0; i < entries.length; i += 2) {
    const score = parseScore(entries[i + 1]!);
    if (score === undefined) throw new RdbError(cursor.offset, "a score is not a number");
    members.push(entries[i]!);
    scores.push(score);
  }
  return { kind: "sorted-set", members, scores };
}
