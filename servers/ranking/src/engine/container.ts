/** What a key holds. The numbers are stored in key records and in snapshots: never change one. */
export const ValueType = {
  string: 1,
  list: 2,
  set: 3,
  hash: 4,
  sortedSet: 5,
  board: 6,
  window: 7,
  limiter: 8,
} as const;

export type ValueTypeCode = (typeof ValueType)[keyof typeof ValueType];

/** As TYPE replies them, by {@link ValueType}. */
export const TYPE_NAMES: readonly string[] = [
  "none",
  "string",
  "list",
  "set",
  "hash",
  "zset",
  "rank-board",
  "win-window",
  "win-limiter",
];

/**
 * A value that is more than a string. It owns blocks of the heap, and is owned by one key.
 *
 * A container that has become empty is deleted by the command that emptied it; no key has an empty one, except boards
 * and windows, which are made before anything is in them.
 */
export interface Container {
  readonly type: ValueTypeCode;
  /** Elements: members, fields, entries. */
  readonly size: number;
  /** As OBJECT ENCODING replies it. */
  readonly encoding: string;
  /** About what it takes in memory, this object included. */
  readonly usedBytes: number;
  /** A copy with blocks of its own. */
  copy(): Container;
  /**
   * Gives the memory of about `limit` elements back. Called until it returns `true`, when all is given back; nothing else
   * is called in between. Big values are so deleted in slices and stop nobody.
   */
  release(limit: number): boolean;
}

/** A container whose elements may expire one by one: a hash. */
export interface FieldExpiringContainer extends Container {
  /** When the next field expires, in ms since 1970; infinite if none does. */
  readonly nextFieldExpiryMs: number;
  /** Whether the time of every field has come, so that the key is not there any more. */
  readonly isAllDue: boolean;
  /** Kept by the keyspace: the slot in its index of hashes with such fields, or 0. */
  fieldExpirySlot: number;
  /** Removes at most `limit` fields whose time has come. Returns how many. */
  removeDueFields(limit: number): number;
}

/** A container that can lie in its key's record while it is small and nobody uses it. */
export interface FoldingContainer extends Container {
  /** Bytes that it takes folded, 2 at least; -1 if it cannot be folded. */
  readonly foldedBytes: number;
  /** Writes itself to `into[at, at + foldedBytes)`, and gives its own memory back: nothing may be called afterwards. */
  fold(into: Uint8Array, at: number): void;
}
