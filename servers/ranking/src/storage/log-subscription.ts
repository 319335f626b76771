import type { Timer, TimerClock } from "@kagami/clock";
import type { RankingError } from "../errors.ts";
import type { LogCursor } from "./log-cursor.ts";
import type { LogSubscriber, LogSubscription } from "./replicated-log.ts";

/** How much is replayed before the event loop has its turn: some milliseconds of work for an engine. */
const SLICE_BYTES = 1_048_576;

/** What a subscription needs of its log. */
export interface SubscriptionHost {
  readonly clock: TimerClock;
  lastPosition(): number;
  /** The ticket of a batch that is read back: this run's own batches keep theirs. */
  ticketOf(position: number): number;
  /** The subscription has ended, by itself or by `cancel`. */
  onEnded(subscription: FileLogSubscription): void;
}

/**
 * Replays a log's files in slices until it has caught up, and is *live* from then on: the log hands it each batch from
 * the buffer that it has just written.
 */
export class FileLogSubscription implements LogSubscription {
  readonly #host: SubscriptionHost;
  readonly #subscriber: LogSubscriber;
  readonly #cursor: LogCursor;
  #timer: Timer | undefined;
  #isLive = false;
  #hasEnded = false;
  #nextPosition: number;

  constructor(host: SubscriptionHost, subscriber: LogSubscriber, cursor: LogCursor) {
    this.#host = host;
    this.#subscriber = subscriber;
    this.#cursor = cursor;
    this.#nextPosition = cursor.nextPosition;
    this.#later();
  }

  get nextPosition(): number {
    return this.#nextPosition;
  }

  /** Whether it takes `deliver`. */
  get isLive(): boolean {
    return this.#isLive;
  }

  /** A batch that was just written. Only while it is live. */
  deliver(position: number, bytes: Uint8Array, start: number, end: number, ticket: number): void {
    if (!this.#isLive || position !== this.#nextPosition) return;
    this.#nextPosition++;
    this.#subscriber.onBatch(position, bytes, start, end, ticket);
  }

  cancel(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#isLive = false;
    this.#timer?.cancel();
    this.#cursor.close();
    this.#host.onEnded(this);
  }

  /** Ends it with an error that the subscriber is told. */
  fail(error: RankingError): void {
    if (this.#hasEnded) return;
    this.cancel();
    this.#subscriber.onEnd(error);
  }

  #later(): void {
    this.#timer = this.#host.clock.after(0, () => this.#replaySlice());
  }

  #replaySlice(): void {
    for (let sliceBytes = 0; sliceBytes < SLICE_BYTES; ) {
      const found = this.#readNext();
      if (found === undefined) return;
      if (!found) {
        this.#cursor.close();
        this.#isLive = true;
        return;
      }
      const { position, bytes, start, end } = this.#cursor;
      sliceBytes += end - start;
      this.#nextPosition = position + 1;
      this.#subscriber.onBatch(position, bytes, start, end, this.#host.ticketOf(position));
      if (this.#hasEnded) return;
    }
    this.#later();
  }

  /** Whether there is a next batch; `undefined` if it cannot be read, which the subscriber has been told then. */
  #readNext(): boolean | undefined {
    try {
      return this.#cursor.next(this.#host.lastPosition());
    } catch (error) {
      this.fail(error as RankingError);
      return undefined;
    }
  }
}
