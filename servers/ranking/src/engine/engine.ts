import { Args } from "../protocol/args.ts";
import { ReplyWriter } from "../protocol/reply-writer.ts";
import { CallAccess } from "./access-list.ts";
import { AclUsers, ALLOWED, checkCommand, denialText, type HashPassword, NOT_AUTHENTICATED } from "./acl/index.ts";
import { BatchReader, BatchWriter } from "./batch.ts";
import { Call } from "./call.ts";
import { type Command, CommandFlag } from "./command.ts";
import { CommandTable } from "./command-table.ts";
import { HANDLERS } from "./commands/handlers.ts";
import { readCommandFacts } from "./commands/index.ts";
import { EventClass } from "./key-events.ts";
import { KeyWatches, keyOfWatch, watchName } from "./key-watches.ts";
import { CommandError, OUT_OF_MEMORY } from "./replies.ts";
import { SeededRandom } from "./seeded-random.ts";
import { Session } from "./session.ts";
import { Store } from "./store.ts";
import { unknownCommand, unknownSubcommand, wrongArity } from "./unknown-command.ts";

/** Keys that are removed because their time has come, at most, before a batch. */
const EXPIRE_AT_ONCE = 200;

export interface EngineOptions {
  /** The same on every copy of the store. */
  readonly hashSeed: number;
  readonly hashPassword: HashPassword;
  /** A clock that only measures durations, in µs. */
  readonly clockUs: () => number;
}

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
  readonly random = new SeededRandom();
  readonly batch = new BatchWriter();
  readonly clockUs: () => number;
  /** Bytes beyond which commands that may need memory are refused; 0 is no limit. */
  maxMemoryBytes = 0;
  /** Why commands that change something are refused now, or "". */
  writeRefusal = "";
  /** `EventClass`es that notifications are sent for. */
  notifiedClasses = 0;
  /** Commands done, of all kinds. */
  commandCount = 0;
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
    };
  }

  // Turns

  /** Begins a turn: all commands until {@link endTurn} happen at this time. */
  beginTurn(nowMs: number, seed: number): void {
    this.store.advance(nowMs);
    this.batch.begin(this.store.nowMs, seed);
    this.store.expire(EXPIRE_AT_ONCE);
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
      this.run(session, command, reader.args, reply);
      this.batch.count++;
    }
    this.isLogging = wasLogging;
  }

  // Commands

  /** Takes a command from a session: checks it, and does or queues it. Writes exactly one reply, unless it waits. */
  execute(session: Session, args: Args, reply: ReplyWriter): void {
    reply.resp = session.resp;
    const command = this.resolve(args, reply);
    if (command === undefined || !this.#mayRun(session, command, args, reply)) {
      if (session.isQueueing) session.hasQueueFailed = true;
      if (command !== undefined) command.rejectedCalls++;
      return;
    }
    if (session.isQueueing && (command.flags & CommandFlag.noMulti) === 0 && !ENDS_QUEUE.has(command.name)) {
      const copy = new Args();
      copy.copyFrom(args);
      session.queue.push({ command, args: copy });
      reply.simple("QUEUED");
      return;
    }
    this.run(session, command, args, reply);
  }

  /** The command that the arguments name; `undefined`, and the error is replied, if they name none or are too few. */
  resolve(args: Args, reply: ReplyWriter): Command | undefined {
    let command = this.commands.find(args);
    if (command === undefined) {
      reply.error(unknownCommand(args));
      return undefined;
    }
    if (command.subcommands.size > 0 && args.count > 1) {
      const subcommand = command.subcommands.get(args.text(1).toLowerCase());
      if (subcommand === undefined) {
        reply.error(unknownSubcommand(command, args));
        return undefined;
      }
      command = subcommand;
    }
    if (command.takes(args.count) && command.handler !== undefined) return command;
    reply.error(wrongArity(command));
    return undefined;
  }

  #mayRun(session: Session, command: Command, args: Args, reply: ReplyWriter): boolean {
    const { flags } = command;
    if (!session.isAuthenticated && (flags & CommandFlag.noAuth) === 0) {
      reply.error(NOT_AUTHENTICATED);
      return false;
    }
    if (!session.user.isUnrestricted) {
      this.#access.find(command.facts, args);
      const denial = checkCommand(session.user, command, args, this.#access);
      if (denial !== ALLOWED) {
        reply.error(denialText(denial, command.name));
        return false;
      }
    }
    if ((flags & CommandFlag.denyOom) !== 0 && this.maxMemoryBytes > 0 && this.store.usedBytes > this.maxMemoryBytes) {
      reply.error(OUT_OF_MEMORY);
      return false;
    }
    if (this.writeRefusal !== "" && (flags & CommandFlag.write) !== 0) {
      reply.error(this.writeRefusal);
      return false;
    }
    return true;
  }

  /** Does a command that was checked. Returns how many changes it made. */
  run(session: Session, command: Command, args: Args, reply: ReplyWriter): number {
    const call = this.#callAt(this.#depth++, session, command, args, reply);
    if (this.#depth === 1) this.random.begin(this.batch.seed, this.batch.count);
    const errors = reply.errorCount;
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
    command.usec += this.clockUs() - startUs;
    if (reply.errorCount !== errors) command.failedCalls++;
    if (call.dirty > 0 && this.isLogging) this.#log(call);
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
    if (call.logged === undefined) this.batch.add(call.db.index, call.args);
    else for (const args of call.logged) this.batch.add(call.db.index, args);
  }

  // What happens to keys

  /** A key's value was changed, made or removed. An empty `event` is not notified. */
  keyChanged(database: number, key: Uint8Array, start: number, end: number, event: string, eventClass: number): void {
    if (this.watches.size > 0) this.watches.break(watchName(database, key, start, end));
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

  /** Sends a keyspace notification to who wants it. */
  notify(_database: number, _key: Uint8Array, _start: number, _end: number, _event: string, eventClass: number): void {
    if ((this.notifiedClasses & eventClass) === 0) return;
  }
}

/** Commands that are not queued by MULTI though Redis gives them no flag for it. */
const ENDS_QUEUE: ReadonlySet<string> = new Set(["exec", "discard", "multi", "watch", "quit", "reset"]);
