import type { Args } from "../../protocol/args.ts";
import type { Call } from "../call.ts";
import { ValueType } from "../container.ts";
import { SYNTAX_ERROR, WRONG_TYPE } from "../replies.ts";
import { IndexedScores } from "../structures/indexed-scores.ts";
import { memberBytes, memberScore, memberSize, memberStart, setMemberScore } from "../structures/member-record.ts";
import { type MemberVisit, SortedSet } from "../structures/sorted-set.ts";
import { keyCount } from "./sorted-set-arguments.ts";
import { storeSortedSet } from "./sorted-set-store.ts";

/** What a container of type set offers as an input here. Its members have the score 1. */
interface MemberSource {
  readonly size: number;
  /** Visits each member, `bytes[start, end)`, once. `visit` must not change the set. */
  forEachMember(visit: (bytes: Uint8Array, start: number, end: number) => void): void;
  has(bytes: Uint8Array, start: number, end: number): boolean;
}

type Operation = "union" | "inter" | "diff";
type Aggregate = "sum" | "min" | "max";

/** One key's value; nothing if the key is not there. */
class Input {
  readonly set: SortedSet | undefined;
  readonly source: MemberSource | undefined;
  weight = 1;

  constructor(set: SortedSet | undefined, source: MemberSource | undefined) {
    this.set = set;
    this.source = source;
  }

  get size(): number {
    return this.set?.size ?? this.source?.size ?? 0;
  }

  isSame(other: Input): boolean {
    return this.set === other.set && this.source === other.source;
  }

  forEach(visit: MemberVisit): void {
    this.set?.forEach(0, this.set.size, false, visit);
    this.source?.forEachMember((bytes, start, end) => visit(bytes, start, end, 1));
  }

  /** The score of a member; NaN if it is not there. */
  scoreOf(bytes: Uint8Array, start: number, end: number): number {
    if (this.source !== undefined) return this.source.has(bytes, start, end) ? 1 : Number.NaN;
    const found = this.set?.find(bytes, start, end) ?? 0;
    return this.set === undefined || found === 0 ? Number.NaN : this.set.foundScore(found);
  }
}

interface Options {
  aggregate: Aggregate;
  withScores: boolean;
  limit: number;
}

/** What a command of the family fixes by its name. */
interface CombineCommand {
  readonly operation: Operation;
  /** Argument that says how many keys follow. */
  readonly countAt: 1 | 2;
  /** ZINTERCARD. */
  readonly countsOnly?: boolean;
}

function combine(call: Call, command: CombineCommand): void {
  const { countAt, operation } = command;
  const keys = keyCount(call, countAt);
  if (Number.isNaN(keys)) return;
  const inputs = readInputs(call, countAt + 1, keys);
  if (inputs === undefined) return;
  const options = combineOptions(call, command, inputs, countAt + 1 + keys);
  if (options === undefined) return;
  // As Redis: the smallest first. The order decides how sums are rounded.
  if (operation !== "diff") inputs.sort((a, b) => a.size - b.size);
  const outcome = new IndexedScores(call.store.heap, call.store.hashSeed);
  if (operation === "union") unite(outcome, inputs, options.aggregate);
  else if (operation === "inter") intersect(outcome, inputs, options.aggregate, options.limit);
  else subtract(outcome, inputs);
  if (command.countsOnly === true) {
    call.reply.integer(outcome.table.size);
    discard(call, outcome);
  } else if (countAt === 2) {
    const set = SortedSet.fromUnsorted(call.store, outcome);
    call.reply.integer(set.size);
    storeSortedSet(call, set, call.command.name);
  } else replyAll(call, outcome, options.withScores);
}

function readInputs({ args, db, reply }: Call, first: number, count: number): Input[] | undefined {
  const inputs: Input[] = [];
  for (let i = first; i < first + count; i++) {
    const record = db.find(args, i);
    const type = record === 0 ? 0 : db.typeOf(record);
    if (type === 0) inputs.push(new Input(undefined, undefined));
    else if (type === ValueType.sortedSet) inputs.push(new Input(db.containerOf(record) as SortedSet, undefined));
    else if (type === ValueType.set) {
      inputs.push(new Input(undefined, db.containerOf(record) as unknown as MemberSource));
    } else {
      reply.error(WRONG_TYPE);
      return undefined;
    }
  }
  return inputs;
}

// Options

function combineOptions(call: Call, command: CombineCommand, inputs: Input[], first: number): Options | undefined {
  const { args } = call;
  const options: Options = { aggregate: "sum", withScores: false, limit: 0 };
  const aggregates = command.operation !== "diff" && command.countsOnly !== true;
  for (let i = first; i < args.count; ) {
    const left = args.count - i;
    let used = 0;
    if (aggregates && left > inputs.length && args.isWord(i, "WEIGHTS")) used = readWeights(call, inputs, i);
    else if (aggregates && left > 1 && args.isWord(i, "AGGREGATE")) used = readAggregate(call, options, i);
    else if (command.countAt === 1 && command.countsOnly !== true && args.isWord(i, "WITHSCORES")) {
      options.withScores = true;
      used = 1;
    } else if (command.countsOnly === true && left > 1 && args.isWord(i, "LIMIT")) used = readLimit(call, options, i);
    else call.reply.error(SYNTAX_ERROR);
    if (used === 0) return undefined;
    i += used;
  }
  return options;
}

/** These return how many arguments they took; 0 when the error is replied. */
function readWeights(call: Call, inputs: Input[], at: number): number {
  for (const [i, input] of inputs.entries()) {
    input.weight = call.double(at + 1 + i, "ERR weight value is not a float");
    if (Number.isNaN(input.weight)) return 0;
  }
  return inputs.length + 1;
}

function readAggregate({ args, reply }: Call, options: Options, at: number): number {
  const aggregate = aggregateAt(args, at + 1);
  if (aggregate === undefined) {
    reply.error(SYNTAX_ERROR);
    return 0;
  }
  options.aggregate = aggregate;
  return 2;
}

function aggregateAt(args: Args, index: number): Aggregate | undefined {
  if (args.isWord(index, "SUM")) return "sum";
  if (args.isWord(index, "MIN")) return "min";
  return args.isWord(index, "MAX") ? "max" : undefined;
}

function readLimit(call: Call, options: Options, at: number): number {
  const error = "ERR LIMIT can't be negative";
  const limit = call.integer(at + 1, error);
  if (Number.isNaN(limit)) return 0;
  if (limit < 0) {
    call.reply.error(error);
    return 0;
  }
  options.limit = limit;
  return 2;
}

// Combining

/** Infinity times 0, or less infinity, is 0. */
function orZero(value: number): number {
  return Number.isNaN(value) ? 0 : value;
}

function joined(score: number, value: number, aggregate: Aggregate): number {
  if (aggregate === "sum") return orZero(score + value);
  if (aggregate === "min") return value < score ? value : score;
  return value > score ? value : score;
}

function unite(outcome: IndexedScores, inputs: readonly Input[], aggregate: Aggregate): void {
  const { heap } = outcome;
  for (const input of inputs) {
    input.forEach((bytes, start, end, score) => {
      const value = orZero(input.weight * score);
      const record = outcome.find(bytes, start, end);
      if (record === 0) outcome.addUnsorted(bytes, start, end, value);
      else setMemberScore(heap, record, joined(memberScore(heap, record), value, aggregate));
    });
  }
}

/** Takes the members of the smallest input that all others have: the others are asked for each. */
function intersect(outcome: IndexedScores, inputs: readonly Input[], aggregate: Aggregate, limit: number): void {
  const { heap } = outcome;
  const [smallest, ...others] = inputs;
  if (smallest === undefined || smallest.size === 0) return;
  smallest.forEach((bytes, start, end, score) => {
    outcome.find(bytes, start, end);
    outcome.addUnsorted(bytes, start, end, score);
  });
  let kept = 0;
  for (const record of recordsOf(outcome)) {
    const total = limit > 0 && kept >= limit ? Number.NaN : scoreInAll(outcome, record, smallest, others, aggregate);
    if (Number.isNaN(total)) outcome.dropUnsorted(record);
    else {
      setMemberScore(heap, record, total);
      kept++;
    }
  }
}

/** A member's score over all inputs; NaN if one has it not. */
function scoreInAll(
  { heap }: IndexedScores,
  record: number,
  smallest: Input,
  others: readonly Input[],
  aggregate: Aggregate,
): number {
  const own = memberScore(heap, record);
  const start = memberStart(record);
  const end = start + memberSize(heap, record);
  let total = orZero(smallest.weight * own);
  for (const other of others) {
    const score = other.isSame(smallest) ? own : other.scoreOf(memberBytes(heap, record), start, end);
    if (Number.isNaN(score)) return Number.NaN;
    total = joined(total, score * other.weight, aggregate);
  }
  return total;
}

function subtract(outcome: IndexedScores, inputs: readonly Input[]): void {
  const [first, ...others] = inputs;
  if (first === undefined || others.some((other) => other.size > 0 && other.isSame(first))) return;
  first.forEach((bytes, start, end, score) => {
    outcome.find(bytes, start, end);
    outcome.addUnsorted(bytes, start, end, score);
  });
  const { heap } = outcome;
  for (const other of others) {
    if (other.size > outcome.table.size) {
      for (const record of recordsOf(outcome)) {
        const start = memberStart(record);
        const score = other.scoreOf(memberBytes(heap, record), start, start + memberSize(heap, record));
        if (!Number.isNaN(score)) outcome.dropUnsorted(record);
      }
      continue;
    }
    other.forEach((bytes, start, end) => {
      const record = outcome.find(bytes, start, end);
      if (record !== 0) outcome.dropUnsorted(record);
    });
  }
}

function recordsOf(outcome: IndexedScores): Int32Array {
  const records = new Int32Array(outcome.table.size);
  let count = 0;
  outcome.table.forEachRecord((record) => {
    records[count++] = record;
  });
  return records;
}

// Replying

function replyAll(call: Call, outcome: IndexedScores, withScores: boolean): void {
  const { reply } = call;
  outcome.sort();
  const { heap, tree } = outcome;
  const isNested = withScores && reply.resp > 2;
  reply.array(withScores && !isNested ? 2 * tree.size : tree.size);
  tree.forEach(0, tree.size, (record, score) => {
    const start = memberStart(record);
    if (isNested) reply.array(2);
    reply.bulk(memberBytes(heap, record), start, start + memberSize(heap, record));
    if (withScores) reply.double(score);
  });
  call.store.bury(new SortedSet(call.store, outcome));
}

function discard(call: Call, outcome: IndexedScores): void {
  outcome.sort();
  call.store.bury(new SortedSet(call.store, outcome));
}

/** Commands that combine sorted sets, and sets. */
export const SORTED_SET_COMBINATIONS = {
  zunion: (call: Call): void => combine(call, { operation: "union", countAt: 1 }),
  zinter: (call: Call): void => combine(call, { operation: "inter", countAt: 1 }),
  zdiff: (call: Call): void => combine(call, { operation: "diff", countAt: 1 }),
  zunionstore: (call: Call): void => combine(call, { operation: "union", countAt: 2 }),
  zinterstore: (call: Call): void => combine(call, { operation: "inter", countAt: 2 }),
  zdiffstore: (call: Call): void => combine(call, { operation: "diff", countAt: 2 }),
  zintercard: (call: Call): void => combine(call, { operation: "inter", countAt: 1, countsOnly: true }),
} as const;
