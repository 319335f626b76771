import type { Client } from "./client.ts";

const FIRST_CAPACITY = 64;

/**
 * A turn's output: bytes of the turn's buffer, piece by piece, each for one client. Large messages are not copied into it
 * but have memory of their own, which may go to many. Used again for later turns.
 */
export class Segments {
  /** The first {@link count} are this turn's. */
  readonly clients: (Client | undefined)[] = [];
  count = 0;
  largeBytes = 0;
  #starts = new Float64Array(FIRST_CAPACITY);
  #ends = new Float64Array(FIRST_CAPACITY);
  /** By segment: bytes that are not in the turn's buffer; `undefined` while there are none, as nearly always. */
  #large: (Uint8Array | undefined)[] | undefined;
  #lastLarge: Uint8Array | undefined;

  add(client: Client, start: number, end: number): void {
    const last = this.count - 1;
    const isNext = last >= 0 && this.clients[last] === client && this.#ends[last] === start;
    if (isNext && this.#large?.[last] === undefined) this.#ends[last] = end;
    else this.#push(client, start, end);
  }

  /** Adds bytes that nobody changes any more; the same ones for several clients are kept once. */
  addLarge(client: Client, bytes: Uint8Array): void {
    if (bytes !== this.#lastLarge) this.largeBytes += bytes.length;
    this.#lastLarge = bytes;
    this.#large ??= [];
    this.#large[this.count] = bytes;
    this.#push(client, 0, bytes.length);
  }

  /** Adds a segment of others. */
  addFrom(others: Segments, index: number): void {
    const client = others.clients[index] as Client;
    const bytes = others.largeOf(index);
    if (bytes === undefined) this.add(client, others.startOf(index), others.endOf(index));
    else this.addLarge(client, bytes);
  }

  startOf(index: number): number {
    return this.#starts[index] as number;
  }

  endOf(index: number): number {
    return this.#ends[index] as number;
  }

  /** The segment's bytes if they are not in the turn's buffer. */
  largeOf(index: number): Uint8Array | undefined {
    return this.#large?.[index];
  }

  has(client: Client): boolean {
    return this.clients.includes(client);
  }

  /** Forgets everything; keeps no client that may be gone by then. */
  clear(): void {
    this.clients.fill(undefined, 0, this.count);
    this.count = 0;
    this.largeBytes = 0;
    this.#large = undefined;
    this.#lastLarge = undefined;
  }

  #push(client: Client, start: number, end: number): void {
    const index = this.count;
    if (index === this.#starts.length) this.#grow();
    this.clients[index] = client;
    this.#starts[index] = start;
    this.#ends[index] = end;
    this.count = index + 1;
  }

  #grow(): void {
    const [starts, ends] = [this.#starts, this.#ends];
    this.#starts = new Float64Array(2 * starts.length);
    this.#ends = new Float64Array(2 * ends.length);
    this.#starts.set(starts);
    this.#ends.set(ends);
  }
}

/** A turn's output that waits until its batch is safe. */
interface HeldTurn {
  readonly position: number;
  readonly bytes: Uint8Array;
  readonly segments: Segments;
  /** Of its replies. */
  readonly sizeBytes: number;
}

/** Turns whose replies wait for the log, in their order. */
export class HeldTurns {
  readonly #turns: HeldTurn[] = [];
  /** Of all their replies. */
  bytes = 0;

  get isEmpty(): boolean {
    return this.#turns.length === 0;
  }

  /** Whether something for this client waits. */
  has(client: Client): boolean {
    return this.#turns.some((turn) => turn.segments.has(client));
  }

  /**
   * Holds a turn until the log has everything up to `position`.
   *
   * @param bytes Taken over, and `segments` too; the first `length` of them are replies.
   */
  add(position: number, bytes: Uint8Array, length: number, segments: Segments): void {
    if (segments.count === 0) return;
    const sizeBytes = length + segments.largeBytes;
    this.#turns.push({ position, bytes, segments, sizeBytes });
    this.bytes += sizeBytes;
  }

  /** Hands out the turns whose replies may be sent. */
  release(position: number, send: (turn: HeldTurn) => void): void {
    for (let turn = this.#turns[0]; turn !== undefined && turn.position <= position; turn = this.#turns[0]) {
      this.#turns.shift();
      this.bytes -= turn.sizeBytes;
      send(turn);
    }
  }

  /**
   * The segments of clients that have to wait, as the turn has changed something for them or they wait already; the others.
   *
   * @param hasChanged Whether a client's replies tell of a change of this turn.
   */
  split(segments: Segments, hasChanged: (client: Client) => boolean): [waiting: Segments, free: Segments] {
    const [waiting, free] = [new Segments(), new Segments()];
    const held = new Set(this.#turns.flatMap((turn) => turn.segments.clients));
    for (let i = 0; i < segments.count; i++) {
      const client = segments.clients[i] as Client;
      (hasChanged(client) || held.has(client) ? waiting : free).addFrom(segments, i);
    }
    return [waiting, free];
  }
}
