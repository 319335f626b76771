import type { FakeClock, Random } from "@kagami/clock";

/** How a link behaves, each direction alike. */
export interface LinkConditions {
  /** One-way delay of a chunk, drawn between the two; order is kept all the same. */
  readonly latencyMs?: { readonly min: number; readonly max: number };
  /** Bytes per second; unlimited if absent. */
  readonly bandwidthBytesPerS?: number;
  /** Largest piece that arrives at once; 1,460 if absent. Pieces have random sizes from 1 to this. */
  readonly maxChunkBytes?: number;
  /** Bytes one direction holds before `write` says stop; 64 KiB if absent. They are taken all the same. */
  readonly bufferBytes?: number;
}

/** Why a socket closed: both ends said `end`, this end was destroyed, or the peer or the network broke it. */
export type CloseReason = "ended" | "destroyed" | "reset";

/** What a socket calls; set before the clock moves. */
export interface SocketHandlers {
  readonly onData?: (bytes: Uint8Array) => void;
  /** The peer will send no more. */
  readonly onEnd?: () => void;
  /** There is room again after `write` said stop. */
  readonly onDrain?: () => void;
  readonly onClose?: (reason: CloseReason) => void;
}

/** Both ends of a link, and the ways to break it. */
export interface FakeLink {
  readonly client: FakeSocket;
  readonly server: FakeSocket;
  /** Breaks the link now: what is on its way is lost, both ends get `reset` after the latency. */
  cut(): void;
  /** The cable is out: everything sent from now on is lost, and neither end is told (half-open). */
  goSilent(direction?: "toServer" | "toClient" | "both"): void;
  /** No bytes arrive until `resume`; nothing is lost. */
  stall(): void;
  resume(): void;
}

/**
 * Duplex byte links in memory, driven by a fake clock and a seeded random source: latency, bandwidth, cuts, half-open
 * links, and delivery in pieces of random size. Like TCP it neither reorders nor repeats.
 */
export class FakeNetwork {
  readonly #clock: FakeClock;
  readonly #random: Random;
  readonly #conditions: LinkConditions;
  #linkCount = 0;

  constructor(clock: FakeClock, random: Random, conditions: LinkConditions = {}) {
    this.#clock = clock;
    this.#random = random;
    this.#conditions = conditions;
  }

  /** Makes a link that is open at once. */
  connect(conditions: LinkConditions = {}): FakeLink {
    const random = this.#random.fork(`link ${this.#linkCount++}`);
    const settings = { ...this.#conditions, ...conditions };
    const toServer = new Pipe(this.#clock, random.fork("to server"), settings);
    const toClient = new Pipe(this.#clock, random.fork("to client"), settings);
    const client = new FakeSocket(toServer, toClient);
    const server = new FakeSocket(toClient, toServer);
    return {
      client,
      server,
      cut() {
        toServer.break();
        toClient.break();
      },
      goSilent(direction = "both") {
        if (direction !== "toClient") toServer.isSilent = true;
        if (direction !== "toServer") toClient.isSilent = true;
      },
      stall() {
        toServer.stall();
        toClient.stall();
      },
      resume() {
        toServer.resume();
        toClient.resume();
      },
    };
  }
}

/** One end of a link. */
export class FakeSocket {
  readonly #outgoing: Pipe;
  readonly #incoming: Pipe;
  #handlers: SocketHandlers = {};
  #hasEnded = false;
  #peerHasEnded = false;
  #isClosed = false;

  constructor(outgoing: Pipe, incoming: Pipe) {
    this.#outgoing = outgoing;
    this.#incoming = incoming;
    incoming.onArrival = (event) => this.#onArrival(event);
    outgoing.onDrain = () => {
      if (!this.#isClosed) this.#handlers.onDrain?.();
    };
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Bytes sent that have not arrived. */
  get bufferedBytes(): number {
    return this.#outgoing.bufferedBytes;
  }

  handle(handlers: SocketHandlers): void {
    this.#handlers = handlers;
  }

  /** Sends a copy of the bytes. Returns `false` if the sender should wait for `onDrain`. */
  write(bytes: Uint8Array): boolean {
    if (this.#isClosed || this.#hasEnded) return false;
    return this.#outgoing.send(bytes);
  }

  /** Sends no more; the peer may. */
  end(): void {
    if (this.#isClosed || this.#hasEnded) return;
    this.#hasEnded = true;
    this.#outgoing.sendEnd();
    if (this.#peerHasEnded) this.#close("ended");
  }

  /** Closes this end at once; the peer gets a reset. */
  destroy(): void {
    if (this.#isClosed) return;
    this.#outgoing.break();
    this.#close("destroyed");
  }

  #onArrival(event: Arrival): void {
    if (this.#isClosed) return;
    switch (event.kind) {
      case "data":
        this.#handlers.onData?.(event.bytes);
        break;
      case "end":
        this.#peerHasEnded = true;
        this.#handlers.onEnd?.();
        if (this.#hasEnded) this.#close("ended");
        break;
      case "reset":
        this.#close("reset");
        break;
      default:
        event satisfies never;
    }
  }

  #close(reason: CloseReason): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#incoming.discard();
    this.#handlers.onClose?.(reason);
  }
}

type Arrival =
  | { readonly kind: "data"; readonly bytes: Uint8Array }
  | { readonly kind: "end" }
  | { readonly kind: "reset" };

/**
 * One direction of a link. A chunk leaves when the one before has left the wire (bandwidth) and arrives after its latency,
 * but never before the chunk sent earlier: `#lastArrivalMs` only rises, and the clock keeps the order of equal times.
 */
class Pipe {
  onArrival: (event: Arrival) => void = () => undefined;
  onDrain: () => void = () => undefined;
  /** Everything sent from now on is lost. */
  isSilent = false;
  bufferedBytes = 0;
  readonly #clock: FakeClock;
  readonly #random: Random;
  readonly #latencyMs: { readonly min: number; readonly max: number };
  readonly #bytesPerMs: number;
  readonly #maxChunkBytes: number;
  readonly #bufferBytes: number;
  #wireFreeMs = 0;
  #lastArrivalMs = 0;
  #isFull = false;
  #isStalled = false;
  #generation = 0;
  #held: Arrival[] = [];

  constructor(clock: FakeClock, random: Random, conditions: LinkConditions) {
    this.#clock = clock;
    this.#random = random;
    this.#latencyMs = conditions.latencyMs ?? { min: 0, max: 0 };
    this.#bytesPerMs = (conditions.bandwidthBytesPerS ?? Number.POSITIVE_INFINITY) / 1_000;
    this.#maxChunkBytes = conditions.maxChunkBytes ?? 1_460;
    this.#bufferBytes = conditions.bufferBytes ?? 65_536;
  }

  send(bytes: Uint8Array): boolean {
    for (let start = 0; start < bytes.length; ) {
      const end = Math.min(bytes.length, start + this.#random.int(1, this.#maxChunkBytes));
      this.bufferedBytes += end - start;
      this.#schedule({ kind: "data", bytes: bytes.slice(start, end) });
      start = end;
    }
    this.#isFull = this.bufferedBytes >= this.#bufferBytes;
    return !this.#isFull;
  }

  sendEnd(): void {
    this.#schedule({ kind: "end" });
  }

  /** Loses what is on its way and tells the receiver, unless the pipe is silent. */
  break(): void {
    this.discard();
    this.#isStalled = false;
    this.#schedule({ kind: "reset" });
  }

  discard(): void {
    this.#generation++;
    this.#held = [];
    this.bufferedBytes = 0;
  }

  stall(): void {
    this.#isStalled = true;
  }

  resume(): void {
    const generation = this.#generation;
    // At one moment, so that none of what is still on its way gets in front of what was held.
    this.#clock.after(0, () => {
      if (generation !== this.#generation) return;
      this.#isStalled = false;
      const held = this.#held;
      this.#held = [];
      for (const event of held) if (generation === this.#generation) this.#arrive(event);
    });
  }

  #schedule(event: Arrival): void {
    if (this.isSilent) return;
    const nowMs = this.#clock.monotonicMs();
    const sizeBytes = event.kind === "data" ? event.bytes.length : 0;
    this.#wireFreeMs = Math.max(nowMs, this.#wireFreeMs) + sizeBytes / this.#bytesPerMs;
    const { min, max } = this.#latencyMs;
    const arrivalMs = this.#wireFreeMs + min + this.#random.float() * (max - min);
    this.#lastArrivalMs = Math.max(arrivalMs, this.#lastArrivalMs);
    const generation = this.#generation;
    this.#clock.after(this.#lastArrivalMs - nowMs, () => {
      if (generation === this.#generation) this.#arrive(event);
    });
  }

  #arrive(event: Arrival): void {
    if (this.#isStalled) {
      this.#held.push(event);
      return;
    }
    if (event.kind === "data") this.bufferedBytes -= event.bytes.length;
    this.onArrival(event);
    if (this.#isFull && this.bufferedBytes <= this.#bufferBytes / 2) {
      this.#isFull = false;
      this.onDrain();
    }
  }
}
