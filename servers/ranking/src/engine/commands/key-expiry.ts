import type { Call } from "../call.ts";
import type { Handler } from "../command.ts";
import { readTimeMs, replyTime, type TimeForm } from "../expiry-times.ts";
import { EventClass } from "../key-events.ts";

interface ExpireConditions {
  isNew: boolean;
  isOld: boolean;
  isGreater: boolean;
  isLess: boolean;
}

function readConditions({ args, reply }: Call): ExpireConditions | undefined {
  const conditions: ExpireConditions = { isNew: false, isOld: false, isGreater: false, isLess: false };
  for (let i = 3; i < args.count; i++) {
    if (args.isWord(i, "NX")) conditions.isNew = true;
    else if (args.isWord(i, "XX")) conditions.isOld = true;
    else if (args.isWord(i, "GT")) conditions.isGreater = true;
    else if (args.isWord(i, "LT")) conditions.isLess = true;
    else {
      reply.error(`ERR Unsupported option ${args.text(i)}`);
      return undefined;
    }
  }
  const { isNew, isOld, isGreater, isLess } = conditions;
  if (isNew && (isOld || isGreater || isLess)) {
    reply.error("ERR NX and XX, GT or LT options at the same time are not compatible");
    return undefined;
  }
  if (isGreater && isLess) {
    reply.error("ERR GT and LT options at the same time are not compatible");
    return undefined;
  }
  return conditions;
}

/** Whether a key that expires at `oldMs` (-1: never) is to expire at `nextMs` now. */
function isMet({ isNew, isOld, isGreater, isLess }: ExpireConditions, oldMs: number, nextMs: number): boolean {
  if (isNew && oldMs !== -1) return false;
  if (isOld && oldMs === -1) return false;
  if (isGreater && (oldMs === -1 || nextMs <= oldMs)) return false;
  return !(isLess && oldMs !== -1 && nextMs >= oldMs);
}

function expireAt(call: Call, form: TimeForm): void {
  const { args, db, reply } = call;
  const conditions = readConditions(call);
  if (conditions === undefined) return;
  const timeMs = readTimeMs(call, 2, form, true);
  if (timeMs === undefined) return;
  const record = db.findForWrite(args, 1);
  if (record === 0 || !isMet(conditions, db.expiryOf(record), timeMs)) {
    reply.integer(0);
    return;
  }
  if (timeMs <= call.nowMs) {
    db.delete(record);
    call.modified(1, "del", EventClass.generic);
  } else {
    db.setExpiry(record, timeMs);
    call.modified(1, "expire", EventClass.generic);
  }
  reply.integer(1);
}

function replyExpiry(call: Call, form: TimeForm): void {
  const { args, db, reply } = call;
  const record = db.findUnused(args, 1);
  const expiryMs = record === 0 ? -1 : db.expiryOf(record);
  if (record === 0 || expiryMs === -1) {
    reply.integer(record === 0 ? -2 : -1);
    return;
  }
  const timeMs = form.isRelative ? Math.max(0, expiryMs - call.nowMs) : expiryMs;
  replyTime(call, form.isSeconds ? Math.floor((timeMs + 500) / 1_000) : timeMs);
}

function persist(call: Call): void {
  const { args, db, reply } = call;
  const record = db.findForWrite(args, 1);
  if (record === 0 || !db.clearExpiry(record)) {
    reply.integer(0);
    return;
  }
  call.modified(1, "persist", EventClass.generic);
  reply.integer(1);
}

const IN_SECONDS: TimeForm = { isSeconds: true, isRelative: true };
const IN_MILLISECONDS: TimeForm = { isSeconds: false, isRelative: true };
const AT_SECOND: TimeForm = { isSeconds: true, isRelative: false };
const AT_MILLISECOND: TimeForm = { isSeconds: false, isRelative: false };

/** Commands about when keys expire. */
export const KEY_EXPIRY_HANDLERS: Readonly<Record<string, Handler>> = {
  expire: (call) => expireAt(call, IN_SECONDS),
  pexpire: (call) => expireAt(call, IN_MILLISECONDS),
  expireat: (call) => expireAt(call, AT_SECOND),
  pexpireat: (call) => expireAt(call, AT_MILLISECOND),
  ttl: (call) => replyExpiry(call, IN_SECONDS),
  pttl: (call) => replyExpiry(call, IN_MILLISECONDS),
  expiretime: (call) => replyExpiry(call, AT_SECOND),
  pexpiretime: (call) => replyExpiry(call, AT_MILLISECOND),
  persist,
};
