import { type CallArguments, isWord, leadingInt32, strictInt32 } from "./call-arguments.ts";
import type { CommandFacts } from "./facts.ts";
import { KeyFlag, type KeySpec } from "./key-spec.ts";

/** Where the keys of a call stand. Made once and used for one call after another, so that a call allocates nothing. */
export class KeyPositions {
  count = 0;
  /** The argument that is the key at this index. */
  positions = new Int32Array(16);
  /** Its `KeyFlag`s; 0 when Redis does not say what happens to the key. */
  flags = new Int32Array(16);

  /** Appends a key; grows when it must. */
  add(position: number, flags: number): void {
    if (this.count === this.positions.length) this.#grow();
    this.positions[this.count] = position;
    this.flags[this.count] = flags;
    this.count += 1;
  }

  #grow(): void {
    const positions = new Int32Array(this.count * 2);
    const flags = new Int32Array(this.count * 2);
    positions.set(this.positions);
    flags.set(this.flags);
    this.positions = positions;
    this.flags = flags;
  }
}

const READ = KeyFlag.readOnly | KeyFlag.access;
const REPLACE = KeyFlag.overwrite | KeyFlag.update;
const CHANGE = KeyFlag.readWrite | KeyFlag.access | KeyFlag.update;
const TAKE = KeyFlag.readWrite | KeyFlag.access | KeyFlag.delete;

type KeyFinder = (args: CallArguments, keys: KeyPositions) => void;

/** What knows better than the key specifications, or what Redis falls back to when they do not fit the call. */
const FINDERS: ReadonlyMap<string, KeyFinder> = new Map<string, KeyFinder>([
  ["set", findSetKey],
  ["bitfield", findBitfieldKey],
  ["sort", findSortKeys],
  ["sort_ro", (_args, keys) => keys.add(1, READ)],
  ["migrate", findMigrateKeys],
  ["rank.add", findBoardKeys],
  ["georadius", (args, keys) => findGeoRadiusKeys(args, 6, keys)],
  ["georadiusbymember", (args, keys) => findGeoRadiusKeys(args, 5, keys)],
  ...["eval", "evalsha", "eval_ro", "evalsha_ro", "blmpop", "bzmpop"].map(counted(0, 2, 3)),
  ...["zunionstore", "zinterstore", "zdiffstore"].map(counted(1, 2, 3)),
  ...["zunion", "zinter", "zdiff", "zintercard", "sintercard", "lmpop", "zmpop"].map(counted(0, 1, 2)),
]);

/**
 * Finds the keys of a call as Redis 7.0.15 does (`getKeysFromCommandWithSpecs`): by the key specifications, or by what
 * is written for the command when these cannot find all keys or do not fit the call. A call that is wrong in itself may
 * have no keys.
 *
 * @param args Have passed the check of the arity.
 * @param keys Receives the keys; what was there is lost.
 * @returns how many there are.
 */
export function keysOf(facts: CommandFacts, args: CallArguments, keys: KeyPositions): number {
  keys.count = 0;
  const specs = facts.keySpecs;
  if (hasKeySpec(specs) && (specs[0]!.flags & KeyFlag.variable) === 0) {
    if (findBySpecs(specs, args, keys)) return keys.count;
    keys.count = 0;
  }
  FINDERS.get(facts.name)?.(args, keys);
  return keys.count;
}

/**
 * Whether a call may have keys at all. Channels, which are placed like keys, are none.
 */
export function mayHaveKeys(facts: CommandFacts): boolean {
  return hasKeySpec(facts.keySpecs) || FINDERS.has(facts.name);
}

/**
 * Finds the keys of a call for `COMMAND GETKEYS` and `GETKEYSANDFLAGS`.
 *
 * @param facts Of the command that the call names, or of its subcommand; `undefined` if there is none.
 * @returns the error text after `ERR `, or `undefined` when `keys` has the answer, which may be no keys.
 */
export function keysOrError(
  facts: CommandFacts | undefined,
  args: CallArguments,
  keys: KeyPositions,
): string | undefined {
  keys.count = 0;
  if (facts === undefined) return "Invalid command specified";
  if (!mayHaveKeys(facts)) return "The command has no key arguments";
  const isCountRight = facts.arity > 0 ? args.count === facts.arity : args.count >= -facts.arity;
  if (!isCountRight) return "Invalid number of arguments specified for command";
  if (keysOf(facts, args, keys) > 0 || facts.flags.includes("no_mandatory_keys")) return undefined;
  return "Invalid arguments specified for command";
}

function hasKeySpec(specs: readonly KeySpec[]): boolean {
  for (const spec of specs) {
    if ((spec.flags & KeyFlag.notKey) === 0) return true;
  }
  return false;
}

/** @returns false if a specification is unknown, incomplete, or does not fit the call. */
function findBySpecs(specs: readonly KeySpec[], args: CallArguments, keys: KeyPositions): boolean {
  for (const spec of specs) {
    if ((spec.flags & KeyFlag.notKey) !== 0) continue;
    const begin = beginOf(spec, args);
    if (begin === 0) continue;
    if (begin < 0 || !addKeys(spec, begin, args, keys)) return false;
    if ((spec.flags & KeyFlag.incomplete) !== 0) return false;
  }
  return true;
}

/** @returns 0 if the keyword is not there, -1 if nobody knows where the keys begin. */
function beginOf(spec: KeySpec, args: CallArguments): number {
  const begin = spec.beginSearch;
  if (begin.type === "index") return begin.index;
  if (begin.type === "unknown") return -1;
  // Redis looks at neither the last argument of a forward search nor the first two of a backward one.
  if (begin.startFrom > 0) {
    for (let i = begin.startFrom; i < args.count - 1; i++) {
      if (isWord(args, i, begin.keyword)) return i + 1;
    }
    return 0;
  }
  for (let i = args.count + begin.startFrom; i > 1; i--) {
    if (isWord(args, i, begin.keyword)) return i + 1;
  }
  return 0;
}

/** Adds the keys that a specification finds from `begin` on. */
function addKeys(spec: KeySpec, begin: number, args: CallArguments, keys: KeyPositions): boolean {
  const find = spec.findKeys;
  if (find.type === "unknown") return false;
  let first = begin;
  let last: number;
  if (find.type === "range") {
    if (find.lastKey >= 0) last = first + find.lastKey;
    else if (find.limit === 0) last = args.count + find.lastKey;
    else last = first + Math.trunc((args.count - first) / find.limit) + find.lastKey;
  } else {
    if (first + find.keyNumIndex >= args.count) return false;
    const keyCount = strictInt32(args, first + find.keyNumIndex);
    if (keyCount === undefined) return false;
    first += find.firstKey;
    last = (first + keyCount - 1) | 0;
  }
  if (last >= args.count || last < first || first >= args.count) return false;
  for (let i = first; i <= last; i += find.keyStep) keys.add(i, spec.flags);
  return true;
}

/** A finder for commands that say how many keys follow; `storeAt` is where one stands apart, or 0. */
function counted(storeAt: number, countAt: number, firstAt: number): (name: string) => [string, KeyFinder] {
  const find: KeyFinder = (args, keys) => {
    const count = leadingInt32(args, countAt);
    if (count < 1 || count > args.count - firstAt) return;
    for (let i = 0; i < count; i++) keys.add(firstAt + i, 0);
    if (storeAt !== 0) keys.add(storeAt, 0);
  };
  return (name) => [name, find];
}

/** The boards, and a template if one stands right behind them. */
function findBoardKeys(args: CallArguments, keys: KeyPositions): void {
  const count = leadingInt32(args, 4);
  if (count < 1 || count > args.count - 5) return;
  for (let i = 0; i < count; i++) keys.add(5 + i, CHANGE);
  if (6 + count < args.count && isWord(args, 5 + count, "like")) keys.add(6 + count, READ);
}

function findSetKey(args: CallArguments, keys: KeyPositions): void {
  for (let i = 3; i < args.count; i++) {
    if (isWord(args, i, "get")) {
      keys.add(1, CHANGE);
      return;
    }
  }
  keys.add(1, REPLACE);
}

function findBitfieldKey(args: CallArguments, keys: KeyPositions): void {
  let isReadOnly = true;
  for (let i = 2; i < args.count; i++) {
    const left = args.count - i - 1;
    if (left >= 2 && isWord(args, i, "get")) i += 2;
    else if (left >= 1 && isWord(args, i, "overflow")) i += 1;
    else {
      isReadOnly = false; // a write, or nothing that BITFIELD knows
      break;
    }
  }
  keys.add(1, isReadOnly ? READ : CHANGE);
}

/** Of several STOREs the last counts, as it does for SORT itself. */
function findSortKeys(args: CallArguments, keys: KeyPositions): void {
  keys.add(1, READ);
  let storeAt = 0;
  for (let i = 2; i < args.count; i++) {
    if (isWord(args, i, "limit")) i += 2;
    else if (isWord(args, i, "get") || isWord(args, i, "by")) i += 1;
    else if (i + 1 < args.count && isWord(args, i, "store")) storeAt = i + 1;
  }
  if (storeAt !== 0) keys.add(storeAt, REPLACE);
}

function findGeoRadiusKeys(args: CallArguments, optionsAt: number, keys: KeyPositions): void {
  keys.add(1, 0);
  let storeAt = 0;
  for (let i = optionsAt - 1; i + 1 < args.count; i++) {
    if (isWord(args, i, "store") || isWord(args, i, "storedist")) {
      storeAt = i + 1;
      i += 1;
    }
  }
  if (storeAt !== 0) keys.add(storeAt, 0);
}

function findMigrateKeys(args: CallArguments, keys: KeyPositions): void {
  let first = 3;
  let count = 1;
  for (let i = 6; i < args.count; i++) {
    if (isWord(args, i, "keys")) {
      // A key and KEYS together are a syntax error; such a call has no keys.
      first = i + 1;
      count = args.ends[3]! > args.starts[3]! ? 0 : args.count - first;
      break;
    }
    if (isWord(args, i, "auth")) i += 1;
    else if (isWord(args, i, "auth2")) i += 2;
  }
  for (let i = 0; i < count; i++) keys.add(first + i, TAKE);
}
