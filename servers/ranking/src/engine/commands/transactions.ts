import { ALLOWED, bytesOfText, revokedText } from "../acl/index.ts";
import type { Call } from "../call.ts";
import type { Handler } from "../command.ts";
import { watchName } from "../key-watches.ts";
import { dropQueue } from "../transactions.ts";

function multi({ reply, session }: Call): void {
  if (session.isQueueing) {
    reply.error("ERR MULTI calls can not be nested");
    return;
  }
  session.isQueueing = true;
  reply.ok();
}

function discard({ engine, reply, session }: Call): void {
  if (!session.isQueueing) {
    reply.error("ERR DISCARD without MULTI");
    return;
  }
  dropQueue(engine, session);
  reply.ok();
}

function watch({ args, db, engine, reply, session }: Call): void {
  if (session.isQueueing) {
    reply.error("ERR WATCH inside MULTI is not allowed");
    return;
  }
  // Redis stops to watch when it learns of the first change; the flag is what counts until EXEC.
  for (let i = 1; i < args.count && !session.isWatchBroken; i++) {
    const { bytes, starts, ends } = args;
    // A key whose time has come is removed now: that it goes later must not look like a change.
    db.removeIfDue(bytes, starts[i]!, ends[i]!);
    engine.watches.watch(session, watchName(db.index, bytes, starts[i]!, ends[i]!));
  }
  reply.ok();
}

function unwatch({ engine, reply, session }: Call): void {
  engine.watches.unwatch(session);
  session.isWatchBroken = false;
  reply.ok();
}

/** A watched key whose time has come counts as changed, whether it was removed yet or not. */
function expireWatched({ engine, session }: Call): void {
  for (const name of [...engine.watches.namesOf(session)]) {
    const colon = name.indexOf(":");
    const key = bytesOfText(name.slice(colon + 1));
    engine.store.keyspaces[Number(name.slice(0, colon))]!.removeIfDue(key, 0, key.length);
  }
}

function exec(call: Call): void {
  const { engine, reply, session } = call;
  if (!session.isQueueing) {
    reply.error("ERR EXEC without MULTI");
    return;
  }
  expireWatched(call);
  const { queue, hasQueueFailed, isWatchBroken } = session;
  dropQueue(engine, session);
  if (hasQueueFailed) {
    reply.error("EXECABORT Transaction discarded because of previous errors.");
    return;
  }
  if (isWatchBroken) {
    reply.nilArray();
    return;
  }
  reply.array(queue.length);
  for (const { command, args } of queue) {
    // HELLO in between changes what is spoken.
    reply.resp = session.resp;
    const denial = session.isInternal ? ALLOWED : engine.denialOf(session, command, args);
    if (denial === ALLOWED) engine.run(session, command, args, reply);
    else reply.error(revokedText(denial));
  }
}

/** Commands of transactions. */
export const TRANSACTION_HANDLERS: Readonly<Record<string, Handler>> = { multi, discard, watch, unwatch, exec };
