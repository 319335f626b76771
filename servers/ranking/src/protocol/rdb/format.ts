// What an RDB file is made of, as Redis 7.0 writes it: "REDIS", four digits of version, then records that each begin
// with one byte. A byte below 128 is the type of a key's value; one near 255 says something about the file or about the
// key that follows. The last record is the end mark with a checksum of all before it.

import { RankingError } from "../../errors.ts";

/** The version that we write: that of Redis 7.0, which reads nothing newer. */
export const RDB_VERSION = 10;

/** The versions that we read: from Redis 2.6 to 7.2. */
export const RDB_VERSION_MIN = 6;
export const RDB_VERSION_MAX = 11;

/** The first byte of a value, by what follows. */
export const RDB_TYPE = {
  string: 0,
  list: 1,
  set: 2,
  sortedSetText: 3,
  hash: 4,
  sortedSet: 5,
  moduleOld: 6,
  module: 7,
  hashZipmap: 9,
  listZiplist: 10,
  setIntset: 11,
  sortedSetZiplist: 12,
  hashZiplist: 13,
  listQuicklist: 14,
  stream: 15,
  hashListpack: 16,
  sortedSetListpack: 17,
  listQuicklist2: 18,
  stream2: 19,
  setListpack: 20,
  stream3: 21,
} as const;

/** The first byte of a record that is no value. */
export const RDB_OPCODE = {
  functionLibrary: 245,
  functionOld: 246,
  moduleAux: 247,
  idleSeconds: 248,
  frequency: 249,
  aux: 250,
  resize: 251,
  expireMs: 252,
  expireSeconds: 253,
  database: 254,
  end: 255,
} as const;

/** How a string that is not plain bytes is kept: the low six bits of a length whose upper two are set. */
export const RDB_STRING = { int8: 0, int16: 1, int32: 2, lzf: 3 } as const;

/**
 * A value, whatever its encoding was. Bytes that were read may alias the file's; scores are never NaN. Members and
 * fields are as the file has them: a damaged file may name one twice.
 */
export type RdbValue =
  | { readonly kind: "string"; readonly bytes: Uint8Array }
  | { readonly kind: "list"; readonly elements: readonly Uint8Array[] }
  | { readonly kind: "set"; readonly members: readonly Uint8Array[] }
  | { readonly kind: "hash"; readonly fields: readonly Uint8Array[]; readonly values: readonly Uint8Array[] }
  | { readonly kind: "sorted-set"; readonly members: readonly Uint8Array[]; readonly scores: readonly number[] };

/** What stands before a key's value, beside its name. */
export interface RdbKeyAttributes {
  /** Unix time in ms; may be in the past. */
  readonly expireAtMs?: number;
  /** Seconds since the key was last used, from a server with an LRU policy. */
  readonly idleSeconds?: number;
  /** 0 to 255, from a server with an LFU policy. */
  readonly frequency?: number;
}

/** A file or DUMP payload that cannot be read; `offset` is the byte of it where reading failed. */
export class RdbError extends RankingError {
  readonly offset: number;

  constructor(offset: number, what: string, mend = "Take the file anew from the server that wrote it") {
    super("RDB_UNREADABLE", `Cannot read the RDB data at byte ${offset}: ${what}. ${mend}`);
    this.offset = offset;
  }
}
