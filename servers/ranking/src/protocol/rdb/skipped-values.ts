// Values that we do not keep, read only so far that what follows them is found.

import type { RdbCursor } from "./cursor.ts";
import { RDB_TYPE } from "./format.ts";

const ENTRY_ID_BYTES = 16;
const TIME_BYTES = 8;

/** The parts of a module's value, or of what a module keeps beside the keys. */
const MODULE_PART = { end: 0, signed: 1, unsigned: 2, float: 3, double: 4, string: 5 } as const;

/**
 * Passes over a stream: its blocks of entries, its own numbers (more of them since 7.0), and its groups, each with the
 * entries it waits for and its consumers.
 */
export function skipStream(cursor: RdbCursor, type: number): void {
  const hasOffsets = type !== RDB_TYPE.stream; // since 7.0
  const hasActiveTime = type === RDB_TYPE.stream3; // since 7.2
  skipStrings(cursor, 2 * cursor.length()); // first id and listpack
  // Entries and the last id; since 7.0 also the first id, the highest deleted id and the count ever added.
  skipLengths(cursor, hasOffsets ? 8 : 3);
  const groupCount = cursor.length();
  for (let i = 0; i < groupCount; i++) {
    cursor.skipString();
    skipLengths(cursor, hasOffsets ? 3 : 2); // last delivered id; since 7.0 the count read
    const waitedCount = cursor.length();
    for (let j = 0; j < waitedCount; j++) {
      cursor.skip(ENTRY_ID_BYTES + TIME_BYTES);
      cursor.length(); // deliveries
    }
    const consumerCount = cursor.length();
    for (let j = 0; j < consumerCount; j++) {
      cursor.skipString();
      cursor.skip(hasActiveTime ? 2 * TIME_BYTES : TIME_BYTES);
      cursor.skip(ENTRY_ID_BYTES * cursor.length());
    }
  }
}

/** Passes over the parts that a module wrote, to their end mark. */
export function skipModule(cursor: RdbCursor): void {
  for (;;) {
    const part = cursor.length();
    switch (part) {
      case MODULE_PART.end:
        return;
      case MODULE_PART.signed:
      case MODULE_PART.unsigned:
        cursor.length();
        break;
      case MODULE_PART.float:
        cursor.skip(4);
        break;
      case MODULE_PART.double:
        cursor.skip(8);
        break;
      case MODULE_PART.string:
        cursor.skipString();
        break;
      default:
        cursor.fail(`no part of a module's value has number ${part}`);
    }
  }
}

function skipStrings(cursor: RdbCursor, count: number): void {
  for (let i = 0; i < count; i++) cursor.skipString();
}

function skipLengths(cursor: RdbCursor, count: number): void {
  for (let i = 0; i < count; i++) cursor.length();
}
