/** What a command does with a key, as bits: how the value is touched, and how the user's data is. */
export const KeyFlag = {
  /** Reads the value; leaves it alone. */
  readOnly: 1,
  /** Reads and changes the value, or changes a part of it. */
  readWrite: 2,
  /** Replaces the value whatever it was. */
  overwrite: 4,
  /** Deletes the value whatever it was. */
  remove: 8,
  /** Returns or copies the user's data, or acts upon what it is. */
  access: 16,
  /** Changes data that was there. */
  update: 32,
  /** Adds data and changes none. */
  insert: 64,
  /** Takes some data away. */
  delete: 128,
  /** Is no key: a channel that is placed by the rules of keys. */
  notKey: 256,
  /** This specification does not find all keys. */
  incomplete: 512,
  /** What happens to the key hangs on other arguments. */
  variable: 1024,
} as const;

/** The names of the flags as Redis lists them, in its order. */
export const KEY_FLAG_NAMES: readonly (readonly [number, string])[] = [
  [KeyFlag.readOnly, "RO"],
  [KeyFlag.readWrite, "RW"],
  [KeyFlag.overwrite, "OW"],
  [KeyFlag.remove, "RM"],
  [KeyFlag.access, "access"],
  [KeyFlag.update, "update"],
  [KeyFlag.insert, "insert"],
  [KeyFlag.delete, "delete"],
  [KeyFlag.notKey, "not_key"],
  [KeyFlag.incomplete, "incomplete"],
  [KeyFlag.variable, "variable_flags"],
];

/** Where the search for the keys begins. A keyword is looked for from `startFrom`, backwards if that is negative. */
export type BeginSearch =
  | { readonly type: "index"; readonly index: number }
  | { readonly type: "keyword"; readonly keyword: string; readonly startFrom: number }
  | { readonly type: "unknown" };

/** Which arguments from there on are keys. */
export type FindKeys =
  | { readonly type: "range"; readonly lastKey: number; readonly keyStep: number; readonly limit: number }
  | { readonly type: "keynum"; readonly keyNumIndex: number; readonly firstKey: number; readonly keyStep: number }
  | { readonly type: "unknown" };

/** A key specification of Redis 7: where the keys of a command stand and what it does with them. */
export interface KeySpec {
  /** `KeyFlag`s. */
  readonly flags: number;
  readonly beginSearch: BeginSearch;
  readonly findKeys: FindKeys;
}

/**
 * Reads `RO access | index 1 | range 0 1 0`: flags, the begin of the search, and the finding of the keys, each with its
 * numbers in the order of `COMMAND INFO`.
 *
 * @throws RangeError if the text is none such.
 */
export function parseKeySpec(text: string): KeySpec {
  const [flagText = "", begin = "", find = ""] = text.split(" | ");
  const [beginType, first = "", second = ""] = begin.split(" ");
  const [findType, ...numberTexts] = find.split(" ");
  const [a = Number.NaN, b = Number.NaN, c = Number.NaN] = numberTexts.map(Number);

  let beginSearch: BeginSearch = { type: "unknown" };
  if (beginType === "index") beginSearch = { type: "index", index: Number(first) };
  else if (beginType === "keyword") beginSearch = { type: "keyword", keyword: first, startFrom: Number(second) };
  else if (beginType !== "unknown") throw new RangeError(`Cannot read the key specification "${text}"`);

  let findKeys: FindKeys = { type: "unknown" };
  if (findType === "range") findKeys = { type: "range", lastKey: a, keyStep: b, limit: c };
  else if (findType === "keynum") findKeys = { type: "keynum", keyNumIndex: a, firstKey: b, keyStep: c };
  else if (findType !== "unknown") throw new RangeError(`Cannot read the key specification "${text}"`);

  return { flags: flagText.split(" ").reduce((bits, name) => bits | flagOf(name, text), 0), beginSearch, findKeys };
}

function flagOf(name: string, text: string): number {
  const entry = KEY_FLAG_NAMES.find(([, flagName]) => flagName === name);
  if (entry === undefined) throw new RangeError(`Cannot read the key flag "${name}" of "${text}"`);
  return entry[0];
}
