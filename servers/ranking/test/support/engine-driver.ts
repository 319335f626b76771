import { createHash } from "node:crypto";
import { Engine, type EngineOptions } from "../../src/engine/engine.ts";
import type { Session } from "../../src/engine/session.ts";
import { Args } from "../../src/protocol/args.ts";
import { REPLY_LIMIT_BYTES, ReplyWriter } from "../../src/protocol/reply-writer.ts";
import { ScriptRuntime } from "../../src/script/script-runtime.ts";

/** One client of an {@link EngineDriver}. */
export interface DrivenSession {
  readonly session: Session;
  /** What was sent to it beside replies: messages, replies to what had waited. Latin-1. */
  readonly sent: string[];
}

/** What stands in `sent` when the engine closed the connection. */
export const CLOSED = "<closed>";

/** Arguments are text (Latin-1), numbers or bytes. */
export type Argument = string | number | Uint8Array;

/**
 * An engine that is driven by hand: a turn for each command, at a time that the test sets. The batches that would go
 * into the log are kept.
 */
export class EngineDriver {
  readonly engine: Engine;
  readonly main: DrivenSession;
  readonly batches: Uint8Array[] = [];
  nowMs = 1_700_000_000_000;
  /** Of one reply. */
  replyLimitBytes = REPLY_LIMIT_BYTES;
  /** The seed of the last turn; each has the next number. */
  turn = 0;

  constructor(hashSeed = 12_345, options: Partial<EngineOptions> = {}) {
    this.engine = new Engine({
      hashSeed,
      hashPassword: (bytes) => createHash("sha256").update(bytes).digest("hex"),
      clockUs: () => 0,
      scripts: new ScriptRuntime(),
      ...options,
    });
    this.main = this.connect();
  }

  connect(): DrivenSession {
    const sent: string[] = [];
    const output = {
      send: (bytes: Uint8Array) => sent.push(Buffer.from(bytes).toString("latin1")),
      close: () => sent.push(CLOSED),
    };
    const { engine } = this;
    const isAuthenticated = !engine.users.isLoginNeeded;
    const address = `127.0.0.1:${40_001 + engine.sessions.openedCount}`;
    const options = { isAuthenticated, address, localAddress: "127.0.0.1:6379", nowMs: this.nowMs };
    return { session: engine.sessions.open(output, engine.users.defaultUser, options), sent };
  }

  /** Does one command of the main session, in a turn of its own. Returns the reply as it goes over the wire, Latin-1. */
  do(...args: readonly Argument[]): string {
    return this.as(this.main, ...args);
  }

  /** Arguments of a command that is not done. */
  argsOf(...args: readonly Argument[]): Args {
    const call = new Args();
    call.assign(args.map(bytesOf));
    return call;
  }

  as({ session }: DrivenSession, ...args: readonly Argument[]): string {
    const reply = new ReplyWriter(1_024);
    reply.limitBytes = this.replyLimitBytes;
    const call = this.argsOf(...args);
    this.engine.beginTurn(this.nowMs, ++this.turn);
    this.engine.execute(session, call, reply);
    if (this.engine.endTurn()) this.batches.push(this.engine.batch.bytes.slice(0, this.engine.batch.length));
    return Buffer.from(reply.bytes.subarray(0, reply.length)).toString("latin1");
  }

  /** Another engine to which the same batches were applied. */
  replayed(): EngineDriver {
    const other = new EngineDriver(this.engine.store.hashSeed);
    for (const batch of this.batches) other.engine.apply(batch);
    other.nowMs = this.nowMs;
    other.turn = this.turn;
    return other;
  }
}

function bytesOf(argument: Argument): Uint8Array {
  return argument instanceof Uint8Array ? argument : Buffer.from(String(argument), "latin1");
}
