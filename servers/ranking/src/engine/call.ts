import type { Args } from "../protocol/args.ts";
import { parseDouble, parseInteger } from "../protocol/numbers.ts";
import type { ReplyWriter } from "../protocol/reply-writer.ts";
import type { Command } from "./command.ts";
import type { Container, ValueTypeCode } from "./container.ts";
import type { Engine } from "./engine.ts";
import type { Keyspace } from "./keyspace.ts";
import { NOT_A_FLOAT, NOT_AN_INTEGER, WRONG_TYPE } from "./replies.ts";
import type { SeededRandom } from "./seeded-random.ts";
import type { Session } from "./session.ts";
import type { Store } from "./store.ts";

/**
 * One call of a command: all that its handler may use. The object is used again for the next call; keep nothing of it.
 */
export class Call {
  readonly engine: Engine;
  readonly store: Store;
  readonly random: SeededRandom;
  args: Args;
  reply: ReplyWriter;
  session: Session;
  command: Command;
  /** The session's database. */
  db: Keyspace;
  /** Changes so far. A call that made none is not put into the log. */
  dirty = 0;
  /** Put into the log instead of the call itself; see {@link logInstead}. */
  logged: Args[] | undefined;

  constructor(engine: Engine, args: Args, reply: ReplyWriter, session: Session, command: Command) {
    this.engine = engine;
    this.store = engine.store;
    this.random = engine.random;
    this.args = args;
    this.reply = reply;
    this.session = session;
    this.command = command;
    this.db = engine.store.keyspaces[session.database]!;
  }

  /** The batch's time, in ms since 1970. */
  get nowMs(): number {
    return this.store.nowMs;
  }

  // Arguments

  /** Argument `index` as a whole number; NaN, and the error is replied, if it is none. */
  integer(index: number, error = NOT_AN_INTEGER): number {
    const { args } = this;
    const value = parseInteger(args.bytes, args.starts[index]!, args.ends[index]!);
    if (Number.isNaN(value)) this.reply.error(error);
    return value;
  }

  /** Argument `index` as a number; NaN, and the error is replied, if it is none. */
  double(index: number, error = NOT_A_FLOAT): number {
    const { args } = this;
    const value = parseDouble(args.bytes, args.starts[index]!, args.ends[index]!);
    if (Number.isNaN(value)) this.reply.error(error);
    return value;
  }

  // Values

  /**
   * The record's container of this type.
   *
   * @param record Not 0.
   * @returns `undefined`, and WRONGTYPE is replied, if it is of another.
   */
  container<T extends Container>(record: number, type: ValueTypeCode): T | undefined {
    if (this.db.typeOf(record) === type) return this.db.containerOf(record) as T;
    this.reply.error(WRONG_TYPE);
    return undefined;
  }

  // Effects

  /** Whether a read may change what it finds on its way, such as a count that is remembered: only if the log can have it. */
  get mayTidy(): boolean {
    return this.engine.writeRefusal === "";
  }

  /**
   * Tells that the value of the key in argument `index` was changed, made or removed: watchers, those who wait for it,
   * and keyspace notifications learn it. Call it once the change is done.
   *
   * @param event As Redis names it: `set`, `lpush`, `del`.
   * @param eventClass An `EventClass`.
   */
  modified(index: number, event: string, eventClass: number): void {
    const { args } = this;
    this.modifiedKey(args.bytes, args.starts[index]!, args.ends[index]!, event, eventClass);
  }

  /** As {@link modified}, of a key that is no argument. */
  modifiedKey(
    key: Uint8Array,
    start: number,
    end: number,
    event: string,
    eventClass: number,
    database = this.db.index,
  ): void {
    this.dirty++;
    this.engine.keyChanged(database, key, start, end, event, eventClass);
  }

  /** A notification beside that of the change itself, such as `del` after the last element went. */
  notify(index: number, event: string, eventClass: number): void {
    const { args } = this;
    this.engine.notify(this.db.index, args.bytes, args.starts[index]!, args.ends[index]!, event, eventClass);
  }

  /** Puts other commands into the log than the call itself: what it turned out to be. */
  logInstead(...commands: (readonly Uint8Array[])[]): void {
    this.logged = commands.map((command) => {
      const args = newArgs(this.args);
      args.assign(command);
      return args;
    });
  }
}

function newArgs(like: Args): Args {
  return new (like.constructor as new () => Args)();
}
