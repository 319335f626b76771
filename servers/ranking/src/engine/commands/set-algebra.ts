import type { Call } from "../call.ts";
import type { Handler } from "../command.ts";
import { EventClass } from "../key-events.ts";
import { SYNTAX_ERROR } from "../replies.ts";
import { SetValue } from "../structures/set-value.ts";
import { integerFrom } from "./ranges.ts";
import { readSet } from "./sets.ts";

type Combine = (call: Call, sets: readonly (SetValue | 0)[]) => SetValue;

/** The sets of arguments `[first, end)`, 0 for those that are not there; `undefined` if WRONGTYPE was replied. */
function readSets(call: Call, first: number, end: number): (SetValue | 0)[] | undefined {
  const sets: (SetValue | 0)[] = [];
  for (let index = first; index < end; index++) {
    const set = readSet(call, index);
    if (set === undefined) return undefined;
    sets.push(set);
  }
  return sets;
}

function reading(combine: Combine): Handler {
  return (call) => {
    const { args, reply } = call;
    const sets = readSets(call, 1, args.count);
    if (sets === undefined) return;
    const result = combine(call, sets);
    reply.set(result.size);
    result.forEachMember((bytes, start, end) => reply.bulk(bytes, start, end));
    call.store.bury(result);
  };
}

function storing(combine: Combine, event: string): Handler {
  return (call) => {
    const { args, db, reply } = call;
    const sets = readSets(call, 2, args.count);
    if (sets === undefined) return;
    const result = combine(call, sets);
    const { size } = result;
    const record = db.findForWrite(args, 1);
    if (size > 0) {
      db.setContainer(args, 1, record, result);
      call.modified(1, event, EventClass.set);
    } else if (record !== 0) {
      db.delete(record);
      call.modified(1, "del", EventClass.generic);
    }
    reply.integer(size);
  };
}

function intersection(call: Call, sets: readonly (SetValue | 0)[]): SetValue {
  const result = new SetValue(call.store);
  eachCommon(sets, (bytes, start, end) => {
    result.add(bytes, start, end);
    return true;
  });
  return result;
}

/** Visits the members that all sets have, until the visitor returns `false`. */
function eachCommon(
  sets: readonly (SetValue | 0)[],
  visit: (bytes: Uint8Array, start: number, end: number) => boolean,
): void {
  if (sets.includes(0)) return;
  const [smallest, ...others] = (sets as readonly SetValue[]).toSorted((a, b) => a.size - b.size);
  let goesOn = true;
  smallest!.forEachMember((bytes, start, end) => {
    if (goesOn && others.every((set) => set === smallest || set.has(bytes, start, end))) {
      goesOn = visit(bytes, start, end);
    }
  });
}

function union(call: Call, sets: readonly (SetValue | 0)[]): SetValue {
  const result = new SetValue(call.store);
  for (const set of sets) if (set !== 0) addAll(result, set);
  return result;
}

function addAll(to: SetValue, from: SetValue): void {
  from.forEachMember((bytes, start, end) => to.add(bytes, start, end));
}

function difference(call: Call, sets: readonly (SetValue | 0)[]): SetValue {
  const result = new SetValue(call.store);
  const first = sets[0]!;
  const others = sets.slice(1).filter((set) => set !== 0);
  if (first === 0 || others.includes(first)) return result;
  // Redis goes the way with less work, which shows in the encoding of the result.
  const total = others.reduce((sum, set) => sum + set.size, first.size);
  if ((first.size * (others.length + 1)) / 2 <= total) {
    const biggestFirst = others.toSorted((a, b) => b.size - a.size);
    first.forEachMember((bytes, start, end) => {
      if (!biggestFirst.some((set) => set.has(bytes, start, end))) result.add(bytes, start, end);
    });
    return result;
  }
  addAll(result, first);
  for (const set of others) {
    if (result.size === 0) break;
    set.forEachMember((bytes, start, end) => result.remove(bytes, start, end));
  }
  return result;
}

function sintercard(call: Call): void {
  const { args, reply } = call;
  const keyCount = integerFrom(call, 1, 1, "ERR numkeys should be greater than 0");
  if (Number.isNaN(keyCount)) return;
  if (keyCount > args.count - 2) {
    reply.error("ERR Number of keys can't be greater than number of args");
    return;
  }
  let limit = 0;
  for (let i = 2 + keyCount; i < args.count; i += 2) {
    if (i + 1 === args.count || !args.isWord(i, "LIMIT")) {
      reply.error(SYNTAX_ERROR);
      return;
    }
    limit = integerFrom(call, i + 1, 0, "ERR LIMIT can't be negative");
    if (Number.isNaN(limit)) return;
  }
  const sets = readSets(call, 2, 2 + keyCount);
  if (sets === undefined) return;
  let count = 0;
  eachCommon(sets, () => ++count !== limit);
  reply.integer(count);
}

/** Commands of several sets. */
export const SET_ALGEBRA_HANDLERS: Readonly<Record<string, Handler>> = {
  sinter: reading(intersection),
  sunion: reading(union),
  sdiff: reading(difference),
  sinterstore: storing(intersection, "sinterstore"),
  sunionstore: storing(union, "sunionstore"),
  sdiffstore: storing(difference, "sdiffstore"),
  sintercard,
};
