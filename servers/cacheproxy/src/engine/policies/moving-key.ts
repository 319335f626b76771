import type { Exchange, ExchangeFailure, ExchangeResult, MetaReply, MetaRequest } from "../meta.ts";
import type { Done, PolicyEnvironment } from "./environment.ts";
import type { Home, Homes } from "./homes.ts";
import { releaseRequest } from "./lease.ts";
import type { PolicyCounts } from "./pool-memory.ts";
import { failureReply } from "./replies.ts";

/** What all requests of a move share. */
export interface MoveContext {
  readonly from: Homes;
  readonly to: Homes;
  readonly counts: PolicyCounts;
  readonly environment: PolicyEnvironment;
}

/** Attempts at a request that others' changes of the same key get in the way of. */
export const ATTEMPT_LIMIT = 8;

/** One request about a key that has an old owner and a new one, and what it does to them. */
export class MovingKey {
  readonly request: MetaRequest;
  readonly context: MoveContext;
  readonly fromHome: Home;
  readonly toHome: Home;
  /** Not while others may already read the new owner without knowing of leases. */
  readonly mayLease: boolean;
  readonly #exchange: Exchange;
  readonly #done: Done;

  constructor(context: MoveContext, request: MetaRequest, exchange: Exchange, done: Done, mayLease = true) {
    this.mayLease = mayLease;
    this.context = context;
    this.request = request;
    this.fromHome = context.from.homeOf(request.key);
    this.toHome = context.to.homeOf(request.key);
    this.#exchange = exchange;
    this.#done = done;
  }

  sendFrom(request: MetaRequest, then: (result: ExchangeResult) => void): void {
    this.context.from.send(this.fromHome, request, this.#exchange, then);
  }

  sendTo(request: MetaRequest, then: (result: ExchangeResult) => void): void {
    this.context.to.send(this.toHome, request, this.#exchange, then);
  }

  finish(reply: MetaReply): void {
    this.#done(reply);
  }

  fail(failure: ExchangeFailure): void {
    this.#done(failureReply(this.request, failure));
  }

  finishWith(result: ExchangeResult): void {
    if (result.ok) this.finish(result.reply);
    else this.fail(result.failure);
  }

  /** Removes the key at the old owner; goes on only if that is certain. */
  cleanFrom(then: (reply: MetaReply) => void): void {
    this.sendFrom({ verb: "md", key: this.request.key, flags: [] }, (result) => {
      if (!result.ok) this.fail(result.failure);
      else if (isError(result.reply)) this.finish(result.reply);
      else then(result.reply);
    });
  }

  /** Takes a lease at the new owner back; nobody waits for it. */
  release(cas: string): void {
    this.sendTo(releaseRequest(this.request.key, cas), () => undefined);
  }
}

/** Whether a reply says that the request was not carried out, or not understood. */
export function isError({ code }: MetaReply): boolean {
  return code === "ERROR" || code === "CLIENT_ERROR" || code === "SERVER_ERROR";
}

/** Whether `mg` found something. */
export function isHit({ code }: MetaReply): boolean {
  return code === "VA" || code === "HD";
}
