import type { Call } from "../call.ts";
import type { Handler } from "../command.ts";
import { ValueType } from "../container.ts";
import { stringEncoding } from "../string-encoding.ts";
import { type HelpRow, writeHelp } from "./help.ts";

/** Redis keeps one object for each of these numbers, and replies as its count what never runs out. */
const SHARED_NUMBERS = 10_000;
const SHARED_COUNT = 0x7fff_ffff;
const POLICY_WARNING =
  "Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.";
const NO_LFU = `ERR An LFU maxmemory policy is not selected, access frequency not tracked. ${POLICY_WARNING}`;
const NO_LRU = `ERR An LFU maxmemory policy is selected, idle time not tracked. ${POLICY_WARNING}`;
const HELP: readonly HelpRow[] = [
  ["ENCODING <key>", "Names how the value of a key is represented inside."],
  ["FREQ <key>", "Tells how often a key is used; only with an LFU policy."],
  ["IDLETIME <key>", "Tells for how many seconds a key was not used."],
  ["REFCOUNT <key>", "Tells how many references the value of a key has."],
];

/** The key's record; 0, and nil is replied, if there is none. It counts as no use. */
function lookUp({ args, db, reply }: Call): number {
  const record = db.peek(args.bytes, args.starts[2]!, args.ends[2]!);
  if (record === 0) reply.nil();
  return record;
}

function encodingOf({ db, store }: Call, record: number): string {
  return db.typeOf(record) === ValueType.string ? stringEncoding(store, db, record) : db.containerOf(record).encoding;
}

function encoding(call: Call): void {
  const record = lookUp(call);
  if (record !== 0) call.reply.bulkText(encodingOf(call, record));
}

function refcount(call: Call): void {
  const { db, reply } = call;
  const record = lookUp(call);
  if (record === 0) return;
  let isShared = false;
  if (encodingOf(call, record) === "int") {
    db.readString(record);
    const text = String.fromCharCode(...db.valueBytes.subarray(db.valueStart, db.valueEnd));
    isShared = Number(text) >= 0 && Number(text) < SHARED_NUMBERS;
  }
  reply.integer(isShared ? SHARED_COUNT : 1);
}

function idletime(call: Call): void {
  const { db, reply, store } = call;
  const record = lookUp(call);
  if (record === 0) return;
  if (store.access.isLfu) reply.error(NO_LRU);
  else reply.integer(store.access.idleSeconds(db.accessOf(record)));
}

function freq(call: Call): void {
  const { db, reply, store } = call;
  const record = lookUp(call);
  if (record === 0) return;
  if (store.access.isLfu) reply.integer(store.access.frequency(db.accessOf(record)));
  else reply.error(NO_LFU);
}

/** OBJECT and its subcommands. */
export const OBJECT_HANDLERS: Readonly<Record<string, Handler>> = {
  "object|encoding": encoding,
  "object|refcount": refcount,
  "object|idletime": idletime,
  "object|freq": freq,
  "object|help": ({ reply }) => writeHelp(reply, "OBJECT", HELP),
};
