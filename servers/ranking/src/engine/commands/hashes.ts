import type { Call } from "../call.ts";
import type { Handler } from "../command.ts";
import { ValueType } from "../container.ts";
import { EventClass } from "../key-events.ts";
import { ByteView } from "../structures/byte-view.ts";
import { checkFieldLength, type HashValue } from "../structures/hash-value.ts";
import { wrongArity } from "../unknown-command.ts";
import { scanCollection } from "./collection-scan.ts";
import { fieldsRemoved, makeHash, readHash, writeHash } from "./hash-access.ts";

function setFields(call: Call): number {
  const { args, reply } = call;
  if (args.count % 2 !== 0) {
    reply.error(wrongArity(call.command));
    return -1;
  }
  for (let i = 2; i < args.count; i += 2) checkFieldLength(args.sizeOf(i));
  const hash = makeHash(call, 1);
  if (hash === undefined) return -1;
  for (let i = 2; i < args.count; i++) hash.prepareFor(args.sizeOf(i));
  let added = 0;
  for (let i = 2; i < args.count; i += 2) if (setField(call, hash, i, i + 1)) added++;
  call.modified(1, "hset", EventClass.hash);
  return added;
}

function setField({ args }: Call, hash: HashValue, field: number, value: number): boolean {
  return hash.set(
    args.bytes,
    args.starts[field]!,
    args.ends[field]!,
    args.bytes,
    args.starts[value]!,
    args.ends[value]!,
  );
}

function hset(call: Call): void {
  const added = setFields(call);
  if (added >= 0) call.reply.integer(added);
}

function hmset(call: Call): void {
  if (setFields(call) >= 0) call.reply.ok();
}

function hsetnx(call: Call): void {
  const { args, reply } = call;
  checkFieldLength(args.sizeOf(2));
  const hash = makeHash(call, 1);
  if (hash === undefined) return;
  if (hash.find(args.bytes, args.starts[2]!, args.ends[2]!) !== 0) {
    reply.integer(0);
    return;
  }
  setField(call, hash, 2, 3);
  call.modified(1, "hset", EventClass.hash);
  reply.integer(1);
}

/** Replies the value of the field in argument `index`, or nil. */
function replyValue(call: Call, hash: HashValue | 0, index: number, value: ByteView): void {
  const { args, reply } = call;
  const field = hash === 0 ? 0 : hash.find(args.bytes, args.starts[index]!, args.ends[index]!);
  if (hash === 0 || field === 0) {
    reply.nil();
    return;
  }
  hash.readValue(field, value);
  reply.bulk(value.bytes, value.start, value.end);
}

function hget(call: Call): void {
  const hash = readHash(call, 1);
  if (hash !== undefined) replyValue(call, hash, 2, new ByteView());
}

function hmget(call: Call): void {
  const { args, reply } = call;
  const hash = readHash(call, 1);
  if (hash === undefined) return;
  const value = new ByteView();
  reply.array(args.count - 2);
  for (let i = 2; i < args.count; i++) replyValue(call, hash, i, value);
}

function hdel(call: Call): void {
  const { args, reply } = call;
  const found = writeHash(call, 1);
  if (found === undefined) return;
  let removed = 0;
  if (found !== 0) {
    for (let i = 2; i < args.count; i++) {
      const field = found.hash.find(args.bytes, args.starts[i]!, args.ends[i]!);
      if (field === 0) continue;
      found.hash.remove(field);
      removed++;
    }
    if (removed > 0) fieldsRemoved(call, 1, found, "hdel");
  }
  reply.integer(removed);
}

function hlen(call: Call): void {
  const hash = readHash(call, 1);
  if (hash !== undefined) call.reply.integer(hash === 0 ? 0 : hash.size);
}

function hexists(call: Call): void {
  const { args, reply } = call;
  const hash = readHash(call, 1);
  if (hash === undefined) return;
  reply.integer(hash !== 0 && hash.find(args.bytes, args.starts[2]!, args.ends[2]!) !== 0 ? 1 : 0);
}

function hstrlen(call: Call): void {
  const { args, reply } = call;
  const hash = readHash(call, 1);
  if (hash === undefined) return;
  const field = hash === 0 ? 0 : hash.find(args.bytes, args.starts[2]!, args.ends[2]!);
  const value = new ByteView();
  if (hash !== 0 && field !== 0) hash.readValue(field, value);
  reply.integer(value.size);
}

/** HGETALL, HKEYS, HVALS. */
function listing(hasNames: boolean, hasValues: boolean): Handler {
  return (call) => {
    const { reply } = call;
    const hash = readHash(call, 1);
    if (hash === undefined) return;
    const size = hash === 0 ? 0 : hash.size;
    if (hasNames && hasValues) reply.map(size);
    else reply.array(size);
    if (hash === 0) return;
    const view = new ByteView();
    hash.forEachField((field) => {
      if (hasNames) replyName(call, hash, field, view);
      if (!hasValues) return;
      hash.readValue(field, view);
      reply.bulk(view.bytes, view.start, view.end);
    });
  };
}

function replyName({ reply }: Call, hash: HashValue, field: number, view: ByteView): void {
  hash.readField(field, view);
  reply.bulk(view.bytes, view.start, view.end);
}

function hscan(call: Call): void {
  scanCollection<HashValue>(call, ValueType.hash, (hash, cursor, options) => {
    const view = new ByteView();
    const found: number[] = [];
    const next = hash.scan(cursor, options.count, (field) => {
      hash.readField(field, view);
      if (options.matches(view.bytes, view.start, view.end)) found.push(field);
    });
    const put = (): void => {
      for (const field of found) {
        replyName(call, hash, field, view);
        hash.readValue(field, view);
        call.reply.bulk(view.bytes, view.start, view.end);
      }
    };
    return { next, count: 2 * found.length, put };
  });
}

/** Commands of hashes, but those that count, pick and let fields expire. */
export const HASH_HANDLERS: Readonly<Record<string, Handler>> = {
  hset,
  hmset,
  hsetnx,
  hget,
  hmget,
  hdel,
  hlen,
  hexists,
  hstrlen,
  hgetall: listing(true, true),
  hkeys: listing(true, false),
  hvals: listing(false, true),
  hscan,
};
