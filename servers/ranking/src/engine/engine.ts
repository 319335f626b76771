import { Args } from "../protocol/args.ts";
import { ReplyWriter } from "../protocol/reply-writer.ts";
import { CallAccess } from "./access-list.ts";
import { AclUsers, ALLOWED, checkCommand, denialText, type HashPassword, NOT_AUTHENTICATED } from "./acl/index.ts";
import { BatchReader, BatchWriter } from "./batch.ts";
import { BlockedSessions } from "./blocked-sessions.ts";
import { Call } from "./call.ts";
import { type Command, CommandFlag } from "./command.ts";
import { CommandTable } from "./command-table.ts";
import { HANDLERS } from "./commands/handlers.ts";
import { readCommandFacts } from "./commands/index.ts";
import { Config } from "./config/config.ts";
import { applyEngineParameters } from "./config/engine-parameters.ts";
import { EventClass } from "./key-events.ts";
import { KeyWatches, keyOfWatch, watchName } from "./key-watches.ts";
import { MemoryLimit } from "./memory-limit.ts";
import { latinText, Messenger } from "./messenger.ts";
import { Observer } from "./observer.ts";
import type { PubSub } from "./pubsub.ts";
import { CommandError, OUT_OF_MEMORY } from "./replies.ts";
import { type ScriptEngine, Scripts } from "./scripts.ts";
import { SeededRandom } from "./seeded-random.ts";
import { ReplyMode, Session } from "./session.ts";
import { Sessions } from "./sessions.ts";
import { ABSENT_SHELL, type Shell } from "./shell.ts";
import { Store } from "./store.ts";
import { DEFAULT_QUEUE_LIMITS, DONE_AT_ONCE, dropQueue, type QueueLimits, queueCommand } from "./transactions.ts";
import { unknownCommand, unknownSubcommand, wrongArity } from "./unknown-command.ts";

/** Keys that are removed because their time has come, at most, before a batch. */
const EXPIRE_AT_ONCE = 200;

export interface EngineOptions {
  /** The same on every copy of the store. */
  readonly hashSeed: number;
  readonly hashPassword: HashPassword;
  /** A clock that only measures durations, in µs. */
  readonly clockUs: () => number;
  /** Runs the scripts of EVAL; without one they are refused. */
  readonly scripts?: ScriptEngine;
  /** What the process around it does for it; without one, whatever needs files is refused. */
  readonly shell?: Partial<Shell>;
}

/** Slots that the walk for large keys looks at in one tick. */
const LARGE_KEY_SLOTS = 512;
const CHANGE_FLAGS = CommandFlag.write | CommandFlag.mayReplicate;
const DATA_FLAGS = CHANGE_FLAGS | CommandFlag.readonly;
/** Lets the random numbers of reads be others than those of the first write. */
const READ_SALT = 0x2545f491;

const NOWHERE = { send: () => undefined, close: () => undefined };

/**
 * The whole store as a state machine: commands and a time go in, replies and a batch for the log come out.
 *
 * Nothing else changes it: no clock, no chance, no file. A turn goes `beginTurn`, `execute` for each command, `endTurn`,
 * which returns the batch of what was changed; `apply` of that batch on another engine makes the same store.
 */
export class Engine {
  readonly store: Store;
  readonly commands: CommandTable;
  readonly users: AclUsers;
  readonly watches = new KeyWatches();
  readonly messenger: Messenger;
  readonly blocked = new BlockedSessions(this);
  /** `undefined` if there is no Lua. */
  readonly scripts: Scripts | undefined;
  readonly random = new SeededRandom();
  readonly batch = new BatchWriter();
  readonly clockUs: () => number;
  readonly shell: Shell;
  readonly config = new Config();
  readonly sessions = new Sessions();
  readonly observer = new Observer(this.config, this.sessions);
  readonly memoryLimit: MemoryLimit;
  /** Bytes beyond which commands that may need memory are refused; 0 is no limit. */
  maxMemoryBytes = 0;
  /** Why commands that change something are refused now, or "". */
  writeRefusal = "";
  queueLimits: QueueLimits = DEFAULT_QUEUE_LIMITS;
  /** Commands done, of all kinds. */
  commandCount = 0;
  /** Whether keys whose time has come are removed before somebody looks for them. */
  expiresActively = true;
  /** Whether what is done now is to be put into the log. */
  isLogging = true;
  readonly #replaySession: Session;
  readonly #replayReply = new ReplyWriter();
  readonly #calls: Call[] = [];
  #depth = 0;
  readonly #access = new CallAccess();

  constructor(options: EngineOptions) {
    this.store = new Store(options.hashSeed);
    this.commands = new CommandTable(readCommandFacts(), HANDLERS);
    this.clockUs = options.clockUs;
    this.shell = { ...ABSENT_SHELL, ...options.shell };
    this.messenger = new Messenger(this.store, () => (this.#depth === 0 ? undefined : this.#calls[0]));
    this.users = new AclUsers({
      catalogue: { commands: this.commands.all },
      hashPassword: options.hashPassword,
    });
    this.#replaySession = new Session(0, NOWHERE, this.users.defaultUser, { isInternal: true });
    this.store.listener = {
      onChanged: (database, key, start, end) => this.keyChanged(database, key, start, end, "", 0),
      onExpired: (database, key) => {
        this.keyChanged(database, key, 0, key.length, "expired", EventClass.expired);
      },
      onFieldsExpired: (database, key, isDeleted) => {
        this.keyChanged(database, key, 0, key.length, "hexpired", EventClass.hash);
        if (isDeleted) this.notify(database, key, 0, key.length, "del", EventClass.generic);
      },
      onMissed: (database, key) => this.notify(database, key, 0, key.length, "keymiss", EventClass.keyMiss),
      onAdded: (database, key) => this.notify(database, key, 0, key.length, "new", EventClass.newKey),
    };
    this.memoryLimit = new MemoryLimit(this);
    this.scripts = options.scripts === undefined ? undefined : new Scripts(this, options.scripts);
    applyEngineParameters(this);
  }

  // Turns

  /** Begins a turn: all commands until {@link endTurn} happen at this time. */
  beginTurn(nowMs: number, seed: number): void {
    this.store.advance(nowMs);
    this.batch.begin(this.store.nowMs, seed);
    this.random.begin(seed ^ READ_SALT, 0);
    if (this.expiresActively) this.store.expire(EXPIRE_AT_ONCE);
  }

  /** Whether the turn changed anything; then `batch` holds it until the next turn. */
  endTurn(): boolean {
    if (this.batch.count === 0) return false;
    this.batch.finish();
    return true;
  }

  /**
   * Applies a batch of the log. Its commands are not checked again: they were allowed when they were taken.
   *
   * @throws RangeError if it is no batch.
   */
  apply(bytes: Uint8Array): void {
    const reader = new BatchReader(new Args());
    reader.begin(bytes);
    this.store.advance(reader.timeMs);
    this.batch.begin(this.store.nowMs, reader.seed);
    this.store.expire(EXPIRE_AT_ONCE);
    const session = this.#replaySession;
    const reply = this.#replayReply;
    const wasLogging = this.isLogging;
    this.isLogging = false;
    while (reader.next()) {
      session.database = reader.database;
      reply.length = 0;
      const command = this.resolve(reader.args, reply);
      if (command === undefined)
        throw new RangeError(`A batch has a command that is not known: ${reader.args.text(0)}`);
      const { count } = this.batch;
      this.run(session, command, reader.args, reply);
      this.batch.count = count + 1;
    }
    this.isLogging = wasLogging;
  }

  // Commands

  /** Takes a command from a session: checks it, and does or queues it. Writes exactly one reply, unless it waits. */
  execute(session: Session, args: Args, reply: ReplyWriter): void {
    reply.resp = session.resp;
    session.activeMs = this.store.nowMs;
    const start = reply.length;
    this.#execute(session, args, reply);
    if (session.replyMode !== ReplyMode.on) settleReplyMode(session, reply, start);
    // Others are sent something only now that nothing of this reply is taken back any more: one buffer may serve all.
    this.messenger.settle(session, reply);
    this.blocked.serve();
  }

  #execute(session: Session, args: Args, reply: ReplyWriter): void {
    const start = reply.length;
    const command = this.resolve(args, reply);
    if (command === undefined || !this.#mayRun(session, command, args, reply)) {
      if (command !== undefined) command.rejectedCalls++;
      this.observer.statistics.countError(reply.lastError);
      this.#noteRejection(session, args, reply, start);
      return;
    }
    session.lastCommand = command;
    this.observer.hotKeys.note(command, args, session.database);
    if (session.isQueueing && !DONE_AT_ONCE.has(command.name)) {
      const refusal = queueCommand(session, command, args, this.queueLimits);
      if (refusal === "") reply.simple("QUEUED");
      else reply.error(refusal);
      return;
    }
    this.run(session, command, args, reply);
  }

  /** A command that could not even be queued makes its transaction fail; EXEC itself ends it. */
  #noteRejection(session: Session, args: Args, reply: ReplyWriter, start: number): void {
    if (this.commands.find(args)?.name === "exec") {
      dropQueue(this, session);
      const reason = latinText(reply.bytes, start + 1, reply.length - 2).replace(/^ERR /, "");
      reply.rewind(start);
      reply.error(`EXECABORT Transaction discarded because of: ${reason}`);
    } else if (session.isQueueing) session.hasQueueFailed = true;
  }

  /** Forgets what a session watches, listens to, queues and waits for. */
  forget(session: Session): void {
    dropQueue(this, session);
    this.pubsub.forget(session);
    this.blocked.forget(session);
  }

  /** A session's connection is gone: nothing of it stays here. */
  disconnect(session: Session): void {
    this.forget(session);
    this.sessions.remove(session);
    session.isClosing = true;
  }

  /** When {@link onTime} is due next, in ms since 1970, or Infinity. */
  get nextDeadlineMs(): number {
    return this.blocked.nextDeadlineMs;
  }

  /** Does what is due: ends the waiting of sessions whose time is over. Changes nothing in the store. */
  onTime(nowMs: number): void {
    this.blocked.onTime(nowMs);
  }

  /** Whether a command runs inside another: in EXEC or in a script. There none may wait. */
  get isNested(): boolean {
    return this.#depth > 1;
  }

  /** The command that the arguments name; `undefined`, and the error is replied, if they name none or are too few. */
  resolve(args: Args, reply: ReplyWriter): Command | undefined {
    const command = this.find(args);
    if (command === undefined) {
      const container = this.commands.find(args);
      reply.error(container === undefined ? unknownCommand(args) : unknownSubcommand(container, args));
      return undefined;
    }
    if (command.takes(args.count) && command.handler !== undefined) return command;
    command.rejectedCalls++;
    reply.error(wrongArity(command));
    return undefined;
  }

  /** The command or subcommand that the arguments name. */
  find(args: Args): Command | undefined {
    const command = this.commands.find(args);
    if (command === undefined || command.subcommands.size === 0 || args.count === 1) return command;
    return command.subcommands.get(args.text(1).toLowerCase());
  }

  #mayRun(session: Session, command: Command, args: Args, reply: ReplyWriter): boolean {
    const { flags } = command;
    if (!session.isAuthenticated && (flags & CommandFlag.noAuth) === 0 && this.users.isLoginNeeded) {
      reply.error(NOT_AUTHENTICATED);
      return false;
    }
    if (session.isQueueing && (flags & CommandFlag.noMulti) !== 0) {
      reply.error("ERR Command not allowed inside a transaction");
      return false;
    }
    const denial = this.denialOf(session, command, args);
    if (denial !== ALLOWED) {
      this.observer.noteDenial(denial, session, command, args, this.store.nowMs);
      reply.error(denialText(denial, command.name));
      return false;
    }
    if (
      this.maxMemoryBytes > 0 &&
      this.store.usedBytes > this.maxMemoryBytes &&
      !this.memoryLimit.makeRoom(session, command)
    ) {
      reply.error(OUT_OF_MEMORY);
      return false;
    }
    if (session.isMonitoring && (flags & DATA_FLAGS) !== 0) {
      reply.error("ERR Replica can't interact with the keyspace");
      return false;
    }
    const isExec = session.isQueueing && command.name === "exec";
    if (this.writeRefusal !== "" && ((isExec ? session.queuedFlags : flags) & CommandFlag.write) !== 0) {
      reply.error(this.writeRefusal);
      return false;
    }
    if (session.subscriptionCount > 0 && session.resp === 2 && !WHILE_SUBSCRIBED.has(command.name)) {
      reply.error(
        `ERR Can't execute '${command.name}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context`,
      );
      return false;
    }
    return true;
  }

  /**
   * What has to be done now and then, every 100 ms or so, inside a turn: rates, eviction that did not get ready, the walk
   * for large keys.
   */
  tick(): void {
    const { observer, store } = this;
    if (this.maxMemoryBytes > 0 && store.usedBytes > this.maxMemoryBytes) this.memoryLimit.evict();
    const state = this.shell.state();
    observer.statistics.sample(store.nowMs, {
      commandCount: this.commandCount,
      netInputBytes: state.netInputBytes,
      netOutputBytes: state.netOutputBytes,
      usedBytes: store.usedBytes,
    });
    observer.hotKeys.advance(store.nowMs);
    observer.largeKeys.step(store, LARGE_KEY_SLOTS);
  }

  /**
   * Whether CLIENT PAUSE holds this command back. Then the shell leaves it where it is, gives the session no other one,
   * and asks again when `sessions.pausedUntilMs` is over or UNPAUSE was called. Ask only while `sessions.pausedUntilMs` is
   * not 0.
   */
  isHeldBack(session: Session, args: Args): boolean {
    const { sessions } = this;
    if (!sessions.isPaused(this.store.nowMs)) return false;
    if (sessions.pauseMode === "all") return true;
    this.#replayReply.length = 0;
    const command = this.resolve(args, this.#replayReply);
    if (command === undefined) return false;
    if (command.name === "exec") return session.queue.some((queued) => (queued.command.flags & CHANGE_FLAGS) !== 0);
    return (command.flags & CHANGE_FLAGS) !== 0;
  }

  /** Closes a session's connection; that of the command that runs now after its reply. */
  close(session: Session): void {
    session.isClosing = true;
    if (session !== this.currentSession) session.output.close();
  }

  /** Whose command is being done; `undefined` between commands. */
  get currentSession(): Session | undefined {
    return this.#depth === 0 ? undefined : this.#calls[0]!.session;
  }

  /** What access control says to a call: `ALLOWED`, or what `denialText` and the like explain. */
  denialOf(session: Session, command: Command, args: Args): number {
    if (session.user.isUnrestricted) return ALLOWED;
    this.#access.find(command.facts, args);
    return checkCommand(session.user, command, args, this.#access);
  }

  /** Does a command that was checked. Returns how many changes it made. */
  run(session: Session, command: Command, args: Args, reply: ReplyWriter): number {
    const call = this.#callAt(this.#depth++, session, command, args, reply);
    // What a write draws depends on its place in the batch alone; reads go on with the numbers that are left.
    if ((command.flags & CommandFlag.write) !== 0) this.random.begin(this.batch.seed, this.batch.count);
    const errors = reply.errorCount;
    const { statistics } = this.observer;
    const { countedErrors } = statistics;
    const start = reply.length;
    const startUs = this.clockUs();
    try {
      command.handler!(call);
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      reply.rewind(start);
      reply.error(error.message);
    } finally {
      this.#depth--;
    }
    command.calls++;
    this.commandCount++;
    const durationUs = this.clockUs() - startUs;
    command.usec += durationUs;
    if (this.observer.tracksLatency) command.latency.add(durationUs);
    // Errors of commands inside this one were counted as theirs.
    if (reply.errorCount - errors > statistics.countedErrors - countedErrors) {
      command.failedCalls++;
      statistics.countError(reply.lastError);
    }
    if (this.isLogging) {
      if (durationUs >= this.observer.slowUs) {
        this.observer.noteSlow(session, command, args, this.store.nowMs, durationUs);
      }
      if (this.sessions.monitors.size > 0) {
        this.observer.feedMonitors(session, command, args, this.store.nowMs, this.messenger);
      }
    }
    if (call.dirty > 0) this.#log(call);
    return call.dirty;
  }

  #callAt(depth: number, session: Session, command: Command, args: Args, reply: ReplyWriter): Call {
    const call = this.#calls[depth];
    if (call === undefined) {
      const made = new Call(this, args, reply, session, command);
      this.#calls[depth] = made;
      return made;
    }
    call.args = args;
    call.reply = reply;
    call.session = session;
    call.command = command;
    call.db = this.store.keyspaces[session.database]!;
    call.dirty = 0;
    call.logged = undefined;
    return call;
  }

  #log(call: Call): void {
    if (!this.isLogging) {
      // Inside a command of the log the places in the batch are counted as they were when it was first done.
      if (this.#depth > 0) this.batch.count += call.logged?.length ?? 1;
    } else if (call.logged === undefined) this.batch.add(call.db.index, call.args);
    else for (const args of call.logged) this.batch.add(call.db.index, args);
  }

  // What happens to keys

  /** A key's value was changed, made or removed. An empty `event` is not notified. */
  keyChanged(database: number, key: Uint8Array, start: number, end: number, event: string, eventClass: number): void {
    if (this.watches.size > 0) this.watches.break(watchName(database, key, start, end));
    this.blocked.keyChanged(database, key, start, end);
    this.notify(database, key, start, end, event, eventClass);
  }

  /** Database `index` is about to be emptied: breaks the transactions that watch one of its keys. */
  databaseFlushed(index: number): void {
    this.#breakWatches(index, index);
  }

  /** Two databases are about to change their numbers: a watched key that either has is another one then. */
  databasesSwapped(first: number, second: number): void {
    this.#breakWatches(first, second);
    this.#breakWatches(second, first);
    this.blocked.databaseChanged(first);
    this.blocked.databaseChanged(second);
  }

  /** Breaks the watches on keys of database `index` that it or database `other` has. */
  #breakWatches(index: number, other: number): void {
    if (this.watches.size === 0) return;
    const { keyspaces } = this.store;
    for (const name of this.watches.names()) {
      const key = keyOfWatch(name, index);
      if (key === undefined) continue;
      const isThere = [index, other].some((database) => keyspaces[database]!.peek(key, 0, key.length) !== 0);
      if (isThere) this.watches.break(name);
    }
  }

  // Messages

  get pubsub(): PubSub {
    return this.messenger.pubsub;
  }

  /** `EventClass`es that notifications are sent for, and the bits of `NotifyChannel`. */
  get notifiedClasses(): number {
    return this.messenger.notifiedClasses;
  }

  set notifiedClasses(bits: number) {
    this.messenger.notifiedClasses = bits;
  }

  /** Sends a keyspace notification to who wants it. */
  notify(database: number, key: Uint8Array, start: number, end: number, event: string, eventClass: number): void {
    if (this.isLogging) this.messenger.notify(database, key, start, end, event, eventClass);
  }
}

/** CLIENT REPLY: takes the reply back if the session wants none. */
function settleReplyMode(session: Session, reply: ReplyWriter, start: number): void {
  switch (session.replyMode) {
    case ReplyMode.skipNext:
      session.replyMode = ReplyMode.skip;
      break;
    case ReplyMode.skip:
      session.replyMode = ReplyMode.on;
      break;
    default:
  }
  reply.rewind(start);
}

const WHILE_SUBSCRIBED: ReadonlySet<string> = new Set([
  ...["subscribe", "psubscribe", "ssubscribe", "unsubscribe", "punsubscribe", "sunsubscribe"],
  ...["ping", "quit", "reset"],
]);
