import type { Client } from "./client.ts";
import type { Engine } from "./engine/engine.ts";
import { LookAhead } from "./engine/look-ahead.ts";
import { ReplyMode, settleReplyMode } from "./engine/session.ts";
import { isHeldBack } from "./engine/upkeep.ts";
import type { Args } from "./protocol/args.ts";
import type { ReplyWriter } from "./protocol/reply-writer.ts";
import { REQUEST_BROKEN, REQUEST_MORE } from "./protocol/request-parser.ts";
import { RequestRow, ROW_LENGTH } from "./request-row.ts";

/** A request of which more than this has come is read on where it stopped, not from its beginning. */
const LONG_REQUEST_BYTES = 16_384;

/** What becomes of a client whose request cannot be done. */
export interface IntakeHost {
  /** Its bytes are no request: it is told so and closed. */
  refuse(client: Client, error: string): void;
  /** CLIENT PAUSE holds its next request back. */
  holdBack(client: Client): void;
  /** Whether there is room for another reply; if not, the client is gone on with when there is. */
  hasRoom(client: Client): boolean;
}

/** Turns what was read from a client into commands of the engine, a row of requests at a time. */
export class Intake {
  readonly #engine: Engine;
  readonly #reply: ReplyWriter;
  readonly #host: IntakeHost;
  readonly #row = new RequestRow();
  readonly #lookAhead = new LookAhead(ROW_LENGTH);

  /** @param reply Where all replies go. */
  constructor(engine: Engine, reply: ReplyWriter, host: IntakeHost) {
    this.#engine = engine;
    this.#reply = reply;
    this.#host = host;
  }

  /** Does the requests of `bytes[0, end)`, until the client waits or is to be closed. Returns how far they reach. */
  take(client: Client, bytes: Uint8Array, end: number): number {
    const { session } = client;
    let at = 0;
    while (at < end && !session.isClosing && !session.isBlocked) {
      const isNew = client.partialArgs === undefined;
      const next = isNew ? this.#takeRow(client, bytes, at, end) : this.#takeRest(client, bytes, at, end);
      if (next === at) break;
      at = next;
    }
    this.#engine.endRow();
    return at;
  }

  /** Does as many requests as are read ahead at once. Returns where the next begins: `start` if none could be done. */
  #takeRow(client: Client, bytes: Uint8Array, start: number, end: number): number {
    const { session, parser } = client;
    const row = this.#row;
    const isKnown = session.isAuthenticated;
    row.fill(parser, bytes, start, end, isKnown);
    if (row.outcome !== 0) parser.reset();
    if (row.count === 0) {
      if (row.outcome === REQUEST_BROKEN) this.#host.refuse(client, parser.error);
      else if (end - start > LONG_REQUEST_BYTES) parser.parse(bytes, start, end, client.ownArgs(), isKnown);
      return start;
    }
    if (row.count > 1) this.#lookAhead.warm(this.#engine.store, session.database, row.requests, row.count);
    let at = start;
    for (let i = 0; i < row.count; i++) {
      const next = row.ends[i] as number;
      if (!this.#do(client, row.requests[i] as Args, next - at)) break;
      at = next;
      // Who has become somebody else may send other requests: the rest is read anew.
      if (session.isClosing || session.isBlocked || session.isAuthenticated !== isKnown) break;
    }
    row.clear();
    return at;
  }

  /** Reads a long request on. Returns its end, or `start` if it is still not whole. */
  #takeRest(client: Client, bytes: Uint8Array, start: number, end: number): number {
    const { session, parser } = client;
    const args = client.ownArgs();
    const next = parser.parse(bytes, start, end, args, session.isAuthenticated);
    if (next === REQUEST_MORE) return start;
    if (next === REQUEST_BROKEN) {
      this.#host.refuse(client, parser.error);
      return start;
    }
    const isDone = this.#do(client, args, next - start);
    client.partialArgs = undefined;
    return isDone ? next : start;
  }

  /** Does a request of so many bytes. Returns whether it did: a pause or a lack of room may hold it back. */
  #do(client: Client, args: Args, sizeBytes: number): boolean {
    if (!this.#host.hasRoom(client)) return false;
    const engine = this.#engine;
    const { session } = client;
    if (args.count === 0) {
      if (session.replyMode !== ReplyMode.on) settleReplyMode(session, this.#reply, this.#reply.length);
      return true;
    }
    if (engine.sessions.pausedUntilMs !== 0 && isHeldBack(engine, session, args)) {
      this.#host.holdBack(client);
      return false;
    }
    // What took long to read is not to look like a slow command.
    if (sizeBytes > LONG_REQUEST_BYTES) engine.endRow();
    engine.executeNext(session, args, this.#reply);
    return true;
  }
}
