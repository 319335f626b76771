import type { ClientConnection } from "./client.ts";
import type { RouteCounter } from "./counters.ts";
import type { Exchange } from "./meta.ts";
import type { PoolPolicy } from "./pool-policy.ts";

/** What becomes of a slot's reply. */
export const SlotMode = {
  /** The client gets it as it is. */
  COPY: 0,
  /** The client gets it unless its quiet request silences it. */
  QUIET: 1,
  /** One key of a multi-key get, but not the last: without its `END`. */
  PART: 2,
  /** The last key of a multi-key get. */
  LAST: 3,
  /** The proxy makes the reply itself, now or after asking servers by other slots. */
  LOCAL: 4,
  /** Not of a client: the reply goes to `onReply`. */
  EXCHANGE: 5,
  /** Not of a client: nobody waits for the reply. */
  DROP: 6,
} as const;
export type SlotMode = (typeof SlotMode)[keyof typeof SlotMode];

/** Why a slot has no reply from a server; empty if it has one. */
export type SlotFailure = "" | "down" | "overloaded" | "closed" | "timeout";

/** Takes a reply, `bytes[start, end)`, or is told why there is none. The bytes are only lent. */
export type ReplyTaker = (failure: SlotFailure, bytes: Uint8Array, start: number, end: number) => void;

/**
 * One request that waits for its reply. It stands in the ring of its client (whose replies leave in the ring's order) and
 * at the same time in the ring of the server that was asked (whose replies arrive in the ring's order). When the client
 * goes first, `client` is emptied, and the server's reply finds nobody. Slots are used again: whoever takes it out of the
 * last ring gives it back.
 */
export class Slot {
  client: ClientConnection | undefined = undefined;
  mode: SlotMode = SlotMode.COPY;
  /** CommandId of the client's request. */
  command = 0;
  /** ReplyShape of the server's reply. */
  shape = 0;
  /** Where it is counted. */
  counter: RouteCounter | undefined = undefined;
  /** AccessCode of the client's request. */
  access = 0;
  /** When the client's request was read, and when it was given to the server. */
  startedUs = 0;
  sentUs = 0;
  /** Whether the reply has come before those of earlier requests, and where in the client's parking it is. */
  isParked = false;
  parkedStart = 0;
  parkedEnd = 0;
  /** Of a PART or LAST: the server gave no answer, which counts as a miss if others did. */
  isFailed = false;
  /** Of one that was put into a get with others: length of its key, and whether it is the get's last; see MergedGets. */
  keyLength = 0;
  endsGet = false;
  onReply: ReplyTaker | undefined = undefined;
  /** Of a direct read whose value may be a stand-in: whom to ask for what is behind it, and by what; of one epoch. */
  policy: PoolPolicy | undefined = undefined;
  exchange: Exchange | undefined = undefined;
}

/** Slots that wait for their next use. */
export class SlotPool {
  readonly #free: Slot[] = [];

  take(): Slot {
    return this.#free.pop() ?? new Slot();
  }

  give(slot: Slot): void {
    slot.client = undefined;
    slot.onReply = undefined;
    slot.policy = undefined;
    slot.exchange = undefined;
    slot.isParked = false;
    slot.isFailed = false;
    slot.keyLength = 0;
    if (this.#free.length < KEPT_SLOTS) this.#free.push(slot);
  }
}

const KEPT_SLOTS = 65_536;

/** A queue of slots, first in first out, that grows by doubling and then allocates no more. */
export class SlotRing {
  #slots: (Slot | undefined)[] = new Array<Slot | undefined>(8).fill(undefined);
  #mask = 7;
  #head = 0;
  #tail = 0;

  get length(): number {
    return this.#tail - this.#head;
  }

  /** The first one. */
  get first(): Slot | undefined {
    return this.#slots[this.#head & this.#mask];
  }

  push(slot: Slot): void {
    if (this.#tail - this.#head > this.#mask) this.#grow();
    this.#slots[this.#tail & this.#mask] = slot;
    this.#tail++;
  }

  /** Takes the first one out; there must be one. */
  shift(): Slot {
    const index = this.#head & this.#mask;
    const slot = this.#slots[index] as Slot;
    this.#slots[index] = undefined;
    this.#head++;
    if (this.#head === this.#tail) {
      this.#head = 0;
      this.#tail = 0;
    }
    return slot;
  }

  #grow(): void {
    const { length } = this;
    const larger = new Array<Slot | undefined>(2 * length).fill(undefined);
    for (let i = 0; i < length; i++) larger[i] = this.#slots[(this.#head + i) & this.#mask];
    this.#slots = larger;
    this.#mask = 2 * length - 1;
    this.#head = 0;
    this.#tail = length;
  }
}
