import type { Client } from "./client.ts";

const FIRST_CAPACITY = 64;

/** A turn's output: bytes of the turn's buffer, piece by piece, each for one client. Used again for later turns. */
export class Segments {
  /** The first {@link count} are this turn's. */
  readonly clients: (Client | undefined)[] = [];
  count = 0;
  #starts = new Float64Array(FIRST_CAPACITY);
  #ends = new Float64Array(FIRST_CAPACITY);

  add(client: Client, start: number, end: number): void {
    const index = this.count;
    if (index > 0 && this.clients[index - 1] === client && this.#ends[index - 1] === start) {
      this.#ends[index - 1] = end;
      return;
    }
    if (index === this.#starts.length) this.#grow();
    this.clients[index] = client;
    this.#starts[index] = start;
    this.#ends[index] = end;
    this.count = index + 1;
  }

  startOf(index: number): number {
    return this.#starts[index] as number;
  }

  endOf(index: number): number {
    return this.#ends[index] as number;
  }

  has(client: Client): boolean {
    return this.clients.includes(client);
  }

  /** Forgets everything; keeps no client that may be gone by then. */
  clear(): void {
    this.clients.fill(undefined, 0, this.count);
    this.count = 0;
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
export interface HeldTurn {
  readonly position: number;
  readonly bytes: Uint8Array;
  readonly segments: Segments;
}
