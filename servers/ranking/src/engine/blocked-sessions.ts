import { Args } from "../protocol/args.ts";
import { ReplyWriter } from "../protocol/reply-writer.ts";
import type { Call } from "./call.ts";
import { ValueType, type ValueTypeCode } from "./container.ts";
import { type Deadline, DeadlineQueue } from "./deadline-queue.ts";
import type { Engine } from "./engine.ts";
import { keyOfWatch, watchName } from "./key-watches.ts";
import { KEPT_WHOLE_BYTES, ReplyMode, type Session } from "./session.ts";

/** How the reply of a plain command becomes that of one that has waited. */
export type WaitReply = "as-it-is" | "value-behind-key" | "pair-behind-key";

/** What a session waits for. */
export interface WaitRequest {
  /** Arguments that are keys: `[firstKey, keyEnd)`. */
  readonly firstKey: number;
  readonly keyEnd: number;
  /** What a key must hold. */
  readonly type: ValueTypeCode;
  /** 0 is for ever. */
  readonly timeoutMs: number;
  /** The command without waiting that takes from a key; it is what goes into the log. Kept: copy what aliases a call. */
  readonly take: (key: Uint8Array) => readonly Uint8Array[];
  readonly reply: WaitReply;
}

/** A scratch buffer that a large reply left behind is given back beyond this. */
const SCRATCH_BYTES = 1024 * 1024;

interface Waiter extends Deadline {
  readonly session: Session;
  /** As `watchName` makes them. */
  readonly names: readonly string[];
  readonly request: WaitRequest | undefined;
}

/**
 * Sessions that wait for a key (BLPOP and the like) or for a time (WAIT).
 *
 *     name of a key  ->  waiters, who came first first
 *     ready          ->  names that got a list or sorted set since, in that order
 *
 * Nobody is served while a command runs: after it, with all that it did as one, {@link serve} takes for each ready key
 * its waiters in turn. Who is served leaves all its keys at once. Waiting is no part of the store: what was taken goes
 * into the log as a plain command, and another copy of the store knows of no waiters.
 */
export class BlockedSessions {
  /** Keys that one session may wait for; Redis has no such limit. */
  keyLimit = 65_536;
  readonly #engine: Engine;
  readonly #byName = new Map<string, Set<Waiter>>();
  readonly #bySession = new Map<Session, Waiter>();
  readonly #deadlines = new DeadlineQueue<Waiter>();
  #ready = new Set<string>();
  readonly #reply = new ReplyWriter(1_024);
  readonly #taken = new ReplyWriter(1_024);
  readonly #args = new Args();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Sessions that wait. */
  get count(): number {
    return this.#bySession.size;
  }

  /** Keys that somebody waits for. */
  get keyCount(): number {
    return this.#byName.size;
  }

  /** When {@link onTime} is due next, in ms since 1970, or Infinity. */
  get nextDeadlineMs(): number {
    return this.#deadlines.nextMs;
  }

  // Waiting

  /**
   * Lets the session of a call wait for keys that have nothing; its reply comes later.
   *
   * @returns Whether it waits. If not, nothing is replied: it runs in EXEC, in a script or from the log.
   */
  wait(call: Call, request: WaitRequest): boolean {
    const { args, db, reply } = call;
    if (!this.#mayWait(call)) return false;
    if (request.keyEnd - request.firstKey > this.keyLimit) {
      reply.error(`ERR Cannot wait for ${request.keyEnd - request.firstKey} keys: ${this.keyLimit} are the most`);
      return true;
    }
    const names = new Set<string>();
    for (let i = request.firstKey; i < request.keyEnd; i++) {
      names.add(watchName(db.index, args.bytes, args.starts[i]!, args.ends[i]!));
    }
    this.#add(call, [...names], request, request.timeoutMs);
    return true;
  }

  /** As {@link wait}, for nothing but the end of the time: WAIT, whose replicas never come. */
  waitForTime(call: Call, timeoutMs: number): boolean {
    if (!this.#mayWait(call)) return false;
    this.#add(call, [], undefined, timeoutMs);
    return true;
  }

  #mayWait({ engine, session }: Call): boolean {
    return !engine.isNested && !session.isInternal && engine.isLogging;
  }

  #add({ session, nowMs }: Call, names: readonly string[], request: WaitRequest | undefined, timeoutMs: number): void {
    const timeMs = timeoutMs === 0 ? Number.POSITIVE_INFINITY : nowMs + timeoutMs;
    const waiter: Waiter = { session, names, request, timeMs, isDone: false };
    session.isBlocked = true;
    this.#bySession.set(session, waiter);
    for (const name of names) {
      const waiters = this.#byName.get(name);
      if (waiters === undefined) this.#byName.set(name, new Set([waiter]));
      else waiters.add(waiter);
    }
    if (timeoutMs !== 0) this.#deadlines.add(waiter);
  }

  #remove(waiter: Waiter): void {
    waiter.session.isBlocked = false;
    waiter.session.output.resume?.();
    this.#bySession.delete(waiter.session);
    for (const name of waiter.names) {
      const waiters = this.#byName.get(name);
      waiters?.delete(waiter);
      if (waiters?.size === 0) this.#byName.delete(name);
    }
    if (waiter.timeMs === Number.POSITIVE_INFINITY || waiter.isDone) waiter.isDone = true;
    else this.#deadlines.cancel(waiter);
  }

  /** A session waits no more, and gets no reply. */
  forget(session: Session): void {
    const waiter = this.#bySession.get(session);
    if (waiter !== undefined) this.#remove(waiter);
  }

  /** Ends a session's waiting by CLIENT UNBLOCK, as if its time were over or with an error. Returns whether it waited. */
  unblock(session: Session, withError: boolean): boolean {
    const waiter = this.#bySession.get(session);
    if (waiter === undefined) return false;
    this.#end(waiter, withError);
    return true;
  }

  /** Ends the waiting of those whose time is over. */
  onTime(nowMs: number): void {
    for (let waiter = this.#deadlines.take(nowMs); waiter !== undefined; waiter = this.#deadlines.take(nowMs)) {
      waiter.isDone = true;
      this.#end(waiter, false);
    }
  }

  #end(waiter: Waiter, withError: boolean): void {
    this.#remove(waiter);
    const reply = this.#replyTo(waiter.session);
    if (withError) reply.error("UNBLOCKED client unblocked via CLIENT UNBLOCK");
    else if (waiter.request === undefined) reply.integer(0);
    else reply.nilArray();
    this.#send(waiter.session);
  }

  // Serving

  /** A key was changed: if it is waited for and has now something that may be, it is looked at after the command. */
  keyChanged(database: number, key: Uint8Array, start: number, end: number): void {
    if (this.#byName.size === 0) return;
    const name = watchName(database, key, start, end);
    if (!this.#byName.has(name)) return;
    const keyspace = this.#engine.store.keyspaces[database]!;
    const record = keyspace.peek(key, start, end);
    if (record === 0) return;
    const type = keyspace.typeOf(record);
    if (type === ValueType.list || type === ValueType.sortedSet) this.#ready.add(name);
  }

  /** All keys of a database may be others after this command: SWAPDB. */
  databaseChanged(database: number): void {
    for (const name of this.#byName.keys()) if (name.startsWith(`${database}:`)) this.#ready.add(name);
  }

  /** Serves who waits for keys that are ready. Call it between commands. */
  serve(): void {
    while (this.#ready.size > 0) {
      const ready = this.#ready;
      this.#ready = new Set();
      for (const name of ready) this.#serveKey(name);
    }
  }

  #serveKey(name: string): void {
    const waiters = this.#byName.get(name);
    if (waiters === undefined) return;
    const database = Number(name.slice(0, name.indexOf(":")));
    const keyspace = this.#engine.store.keyspaces[database]!;
    const key = keyOfWatch(name, database)!;
    for (const waiter of [...waiters]) {
      const record = keyspace.peek(key, 0, key.length);
      if (record === 0) return;
      if (waiter.request?.type !== keyspace.typeOf(record) || waiter.session.isClosing) continue;
      this.#serveWaiter(waiter, waiter.request, key);
    }
  }

  #serveWaiter(waiter: Waiter, request: WaitRequest, key: Uint8Array): void {
    const { session } = waiter;
    this.#remove(waiter);
    const reply = this.#replyTo(session);
    const plain = request.reply === "as-it-is" ? reply : this.#taken;
    plain.length = 0;
    plain.resp = session.resp;
    this.#args.assign(request.take(key));
    const command = this.#engine.commands.find(this.#args)!;
    this.#engine.run(session, command, this.#args, plain);
    if (plain !== reply) frame(reply, request.reply, key, plain);
    this.#engine.messenger.settle(session, reply);
    this.#send(session);
  }

  #replyTo(session: Session): ReplyWriter {
    this.#reply.length = 0;
    this.#reply.resp = session.resp;
    return this.#reply;
  }

  #send(session: Session): void {
    const { bytes, length } = this.#reply;
    if (session.replyMode !== ReplyMode.off) {
      // A long one is kept by who gets it, and this writer is used again.
      session.output.send(length < KEPT_WHOLE_BYTES ? bytes.subarray(0, length) : bytes.slice(0, length));
    }
    for (const writer of [this.#reply, this.#taken]) {
      if (writer.bytes.length > SCRATCH_BYTES) writer.bytes = new Uint8Array(1_024);
    }
  }
}

const ERROR = 45;
/** `*2` and the end of its line. */
const PAIR_HEAD_BYTES = 4;

function frame(reply: ReplyWriter, form: WaitReply, key: Uint8Array, { bytes, length }: ReplyWriter): void {
  if (bytes[0] === ERROR) {
    reply.copy(bytes, 0, length);
    return;
  }
  const isPair = form === "pair-behind-key";
  reply.array(isPair ? 3 : 2);
  reply.bulkBytes(key);
  reply.copy(bytes, isPair ? PAIR_HEAD_BYTES : 0, length);
}

/** A copy of an argument to be kept; `slice` of what may be one of Node's buffers copies nothing. */
export function ownCopy(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(bytes.length);
  copy.set(bytes);
  return copy;
}
