import type { Client } from "./client.ts";

/** A turn's output: bytes of the turn's buffer, piece by piece, each for one client. */
export class Segments {
  readonly clients: Client[] = [];
  readonly starts: number[] = [];
  readonly ends: number[] = [];
  /** Whose replies tell of a change of this turn. */
  readonly writers = new Set<Client>();

  add(client: Client, start: number, end: number): void {
    const last = this.clients.length - 1;
    if (this.clients[last] === client && this.ends[last] === start) this.ends[last] = end;
    else {
      this.clients.push(client);
      this.starts.push(start);
      this.ends.push(end);
    }
  }
}

/** A turn's output that waits until its batch is safe. */
export interface HeldTurn {
  readonly position: number;
  readonly bytes: Uint8Array;
  readonly segments: Segments;
}
