import type { Client } from "./client.ts";

/**
 * A turn's output: bytes of the turn's buffer, piece by piece, each for one client. Large messages are not copied into it
 * but have memory of their own, which may go to many.
 */
export class Segments {
  readonly clients: Client[] = [];
  readonly starts: number[] = [];
  readonly ends: number[] = [];
  /** By segment: bytes that are not in the turn's buffer. */
  readonly large: (Uint8Array | undefined)[] = [];
  largeBytes = 0;
  #lastLarge: Uint8Array | undefined;
  /** Whose replies tell of a change of this turn. */
  readonly writers = new Set<Client>();

  add(client: Client, start: number, end: number): void {
    const last = this.clients.length - 1;
    const isNext = this.clients[last] === client && this.ends[last] === start && this.large[last] === undefined;
    if (isNext) this.ends[last] = end;
    else this.#push(client, start, end, undefined);
  }

  /** Adds bytes that nobody changes any more; the same ones for several clients are kept once. */
  addLarge(client: Client, bytes: Uint8Array): void {
    if (bytes !== this.#lastLarge) this.largeBytes += bytes.length;
    this.#lastLarge = bytes;
    this.#push(client, 0, bytes.length, bytes);
  }

  /** Adds a segment of others. */
  addFrom(others: Segments, index: number): void {
    const [start, end] = [others.starts[index] as number, others.ends[index] as number];
    const bytes = others.large[index];
    const client = others.clients[index] as Client;
    if (bytes === undefined) this.add(client, start, end);
    else this.addLarge(client, bytes);
  }

  #push(client: Client, start: number, end: number, large: Uint8Array | undefined): void {
    this.clients.push(client);
    this.starts.push(start);
    this.ends.push(end);
    this.large.push(large);
  }
}

/** A turn's output that waits until its batch is safe. */
interface HeldTurn {
  readonly position: number;
  readonly bytes: Uint8Array;
  readonly segments: Segments;
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
    return this.#turns.some((turn) => turn.segments.clients.includes(client));
  }

  /**
   * Holds a turn until the log has everything up to `position`.
   *
   * @param bytes Taken over; the first `length` of them are replies.
   */
  add(position: number, bytes: Uint8Array, length: number, segments: Segments): void {
    if (segments.clients.length === 0) return;
    this.#turns.push({ position, bytes, segments });
    this.bytes += length + segments.largeBytes;
  }

  /** Hands out the turns whose replies may be sent. */
  release(position: number, send: (turn: HeldTurn) => void): void {
    while (this.#turns.length > 0 && (this.#turns[0] as HeldTurn).position <= position)
      send(this.#turns.shift() as HeldTurn);
    if (this.#turns.length === 0) this.bytes = 0;
  }

  /** The segments of clients that have to wait, as the turn has changed something for them or they wait already; the others. */
  split(segments: Segments): [waiting: Segments, free: Segments] {
    const [waiting, free] = [new Segments(), new Segments()];
    const held = new Set(this.#turns.flatMap((turn) => turn.segments.clients));
    for (const [i, client] of segments.clients.entries()) {
      const isConcerned = segments.writers.has(client) || held.has(client);
      (isConcerned ? waiting : free).addFrom(segments, i);
    }
    return [waiting, free];
  }
}
