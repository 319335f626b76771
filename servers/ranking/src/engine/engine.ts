import type { Args } from "../protocol/args.ts";
import { ReplyOverflow, type ReplyWriter } from "../protocol/reply-writer.ts";
import { CallAccess } from "./access-list.ts";
import { AclUsers, ALLOWED, checkCommand, type HashPassword } from "./acl/index.ts";
import { refusalOf } from "./admission.ts";
import { BatchWriter } from "./batch.ts";
import { BlockedSessions } from "./blocked-sessions.ts";
import { Call } from "./call.ts";
import { type Command, CommandFlag } from "./command.ts";
import { CommandTable } from "./command-table.ts";
import { HANDLERS } from "./commands/handlers.ts";
import { readCommandFacts } from "./commands/index.ts";
import { Config } from "./config/config.ts";
import { applyEngineParameters } from "./config/engine-parameters.ts";
import { EventClass } from "./key-events.ts";
import { KeyWatches, watchName } from "./key-watches.ts";
import { MemoryLimit } from "./memory-limit.ts";
import { latinText, Messenger } from "./messenger.ts";
import { Observer } from "./observer.ts";
import type { PubSub } from "./pubsub.ts";
import { EXPIRE_AT_ONCE, Replay } from "./replay.ts";
import { CommandError } from "./replies.ts";
import { type ScriptEngine, Scripts } from "./scripts.ts";
import { SeededRandom } from "./seeded-random.ts";
import { ReplyMode, type Session, settleReplyMode } from "./session.ts";
import { Sessions } from "./sessions.ts";
import { ABSENT_SHELL, type Shell } from "./shell.ts";
import { Store } from "./store.ts";
import { DEFAULT_QUEUE_LIMITS, DONE_AT_ONCE, dropQueue, type QueueLimits, queueCommand } from "./transactions.ts";
import { unknownCommand, unknownSubcommand, wrongArity } from "./unknown-command.ts";

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

/** Lets the random numbers of reads be others than those of the first write. */
const READ_SALT = 0x2545f491;

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
  /** Commands that were put into batches, for the log: `rdb_changes_since_last_save`. */
  changeCount = 0;
  /** Commands done, of all kinds. */
  commandCount = 0;
  /** Whether keys whose time has come are removed before somebody looks for them. */
  expiresActively = true;
  /** Whether what is done now is to be put into the log. */
  isLogging = true;
  readonly #replay = new Replay(this);
  readonly #calls: Call[] = [];
  #depth = 0;
  /** The clock at the end of the command before in a row of {@link executeNext}; 0 if it must be read. */
  #sinceUs = 0;
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
    this.store.fold();
    this.store.advance(nowMs);
    this.batch.begin(this.store.nowMs, seed);
    this.random.begin(seed ^ READ_SALT, 0);
    if (this.expiresActively) this.store.expire(EXPIRE_AT_ONCE);
  }

  /** Whether the turn changed anything; then `batch` holds it until the next turn. */
  endTurn(): boolean {
    if (this.batch.count === 0) return false;
    this.changeCount += this.batch.count;
    this.batch.finish();
    return true;
  }

  /**
   * Applies a batch of the log. Its commands are not checked again: they were allowed when they were taken.
   *
   * @throws RangeError if it is no batch.
   */
  apply(bytes: Uint8Array): void {
    this.#replay.apply(bytes);
    this.endRow();
  }

  // Commands

  /** Takes a command from a session: checks it, and does or queues it. Writes exactly one reply, unless it waits. */
  execute(session: Session, args: Args, reply: ReplyWriter): void {
    this.executeNext(session, args, reply);
    this.endRow();
  }

  /**
   * As {@link execute}, of commands that follow each other at once, until {@link endRow}: the clock is read once for each,
   * so a command's time has that of reading its request in it.
   */
  executeNext(session: Session, args: Args, reply: ReplyWriter): void {
    reply.resp = session.resp;
    session.activeMs = this.store.nowMs;
    const start = reply.length;
    const isSkipped = session.replyMode === ReplyMode.skip;
    this.#execute(session, args, reply);
    if (session.replyMode !== ReplyMode.on) settleReplyMode(session, reply, start);
    // RESET turns the reply on again, but for its own that was to be skipped.
    else if (isSkipped) reply.rewind(start);
    // Others are sent something only now that nothing of this reply is taken back any more: one buffer may serve all.
    this.messenger.settle(session, reply);
    this.blocked.serve();
  }

  /** Something else than commands is done now: the next one's time begins with it. */
  endRow(): void {
    this.#sinceUs = 0;
  }

  #execute(session: Session, args: Args, reply: ReplyWriter): void {
    const start = reply.length;
    const command = this.resolve(args, reply);
    if (command === undefined || !this.#admit(session, command, args, reply)) {
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

  #admit(session: Session, command: Command, args: Args, reply: ReplyWriter): boolean {
    const refusal = refusalOf(this, session, command, args);
    if (refusal === "") return true;
    command.rejectedCalls++;
    reply.error(refusal);
    return false;
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
    const isOutermost = this.#depth === 1;
    const startUs = isOutermost && this.#sinceUs !== 0 ? this.#sinceUs : this.clockUs();
    try {
      command.handler!(call);
    } catch (error) {
      if (!(error instanceof CommandError || error instanceof ReplyOverflow)) throw error;
      reply.rewind(start);
      reply.error(error.message);
    } finally {
      this.#depth--;
    }
    command.calls++;
    this.commandCount++;
    const endUs = this.clockUs();
    if (isOutermost) this.#sinceUs = endUs;
    const durationUs = endUs - startUs;
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
    this.watches.breakDatabase(this.store, index, index);
  }

  /** Two databases are about to change their numbers: a watched key that either has is another one then. */
  databasesSwapped(first: number, second: number): void {
    this.watches.breakDatabase(this.store, first, second);
    this.watches.breakDatabase(this.store, second, first);
    this.blocked.databaseChanged(first);
    this.blocked.databaseChanged(second);
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
