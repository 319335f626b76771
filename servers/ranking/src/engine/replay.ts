import { Args } from "../protocol/args.ts";
import { ReplyWriter } from "../protocol/reply-writer.ts";
import { BatchReader } from "./batch.ts";
import type { Engine } from "./engine.ts";
import { Session } from "./session.ts";

/** Keys that are removed because their time has come, at most, before a batch. The same wherever it is applied. */
export const EXPIRE_AT_ONCE = 200;

const NOWHERE = { send: () => undefined, close: () => undefined };

/** Does again what batches of the log say was done, for nobody: the replies are dropped. */
export class Replay {
  readonly #engine: Engine;
  readonly #reply = new ReplyWriter();
  #session: Session | undefined;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /**
   * Applies a batch. Its commands are not checked again: they were allowed when they were taken.
   *
   * @throws RangeError if it is no batch.
   */
  apply(bytes: Uint8Array): void {
    const engine = this.#engine;
    const { batch, store } = engine;
    const reader = new BatchReader(new Args());
    reader.begin(bytes);
    store.fold();
    store.advance(reader.timeMs);
    batch.begin(store.nowMs, reader.seed);
    store.expire(EXPIRE_AT_ONCE);
    this.#session ??= new Session(0, NOWHERE, engine.users.defaultUser, { isInternal: true });
    const wasLogging = engine.isLogging;
    engine.isLogging = false;
    while (reader.next()) this.#run(this.#session, reader);
    engine.isLogging = wasLogging;
  }

  #run(session: Session, { database, args }: BatchReader): void {
    const engine = this.#engine;
    const reply = this.#reply;
    session.database = database;
    reply.length = 0;
    const command = engine.resolve(args, reply);
    if (command === undefined) throw new RangeError(`A batch has a command that is not known: ${args.text(0)}`);
    const { count } = engine.batch;
    engine.run(session, command, args, reply);
    engine.batch.count = count + 1;
  }
}
