import type { Socket } from "node:net";
import { SocketWire } from "@kagami/kit";
import type { Session, SessionBuffers } from "./engine/session.ts";
import { Args } from "./protocol/args.ts";
import { RequestParser } from "./protocol/request-parser.ts";

const SMALLEST_CARRY = 1_024;
const NO_BYTES = new Uint8Array(0);

/**
 * One connection: what has come of a request that is not whole, and what the socket has not taken yet.
 *
 * A reply goes from the reactor's buffer to the socket directly. Only when the socket is full is what follows copied
 * here, up to a limit.
 */
export class Client implements SessionBuffers {
  readonly wire: SocketWire;
  readonly parser = new RequestParser();
  session: Session;
  /** Of a long request that is not whole: it is read on from where it stopped. */
  partialArgs: Args | undefined;
  isGone = false;
  /** The turn of the reactor in which it changed something last. */
  changedTurn = 0;
  carry: Uint8Array = NO_BYTES;
  carryLength = 0;
  /** Since when more waits for the socket than the soft limit, in ms since 1970, or 0. */
  softSinceMs = 0;
  #isWaiting = false;
  #isEnding = false;
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #lentBytes = 0;

  constructor(socket: Socket, session: Session) {
    this.session = session;
    this.wire = new SocketWire(socket, () => this.#onDrain());
  }

  /** Bytes that wait for the socket behind those that it was given. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  get inputBytes(): number {
    return this.carryLength;
  }

  get inputFreeBytes(): number {
    return this.carry.length - this.carryLength;
  }

  /** Bytes that are not out: what waits, and what the socket was given last and has not taken whole. */
  get outputBytes(): number {
    return this.#queuedBytes + this.#lentBytes;
  }

  /**
   * Sends `bytes[start, end)`.
   *
   * @returns Whether the bytes are the caller's again.
   */
  write(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.isGone) return true;
    if (this.#isWaiting) {
      this.#queue.push(bytes.slice(start, end));
      this.#queuedBytes += end - start;
      return true;
    }
    const isTaken = this.wire.write(bytes, start, end);
    this.#isWaiting = !isTaken;
    if (!isTaken) this.#lentBytes = end - start;
    return isTaken;
  }

  #onDrain(): void {
    this.#isWaiting = false;
    this.#lentBytes = 0;
    const queue = this.#queue;
    if (queue.length > 0) {
      this.#queue = [];
      this.#queuedBytes = 0;
      for (const piece of queue) this.write(piece, 0, piece.length);
    }
    if (this.#isEnding && !this.#isWaiting) this.wire.end();
  }

  /** Closes when everything is out. */
  end(): void {
    this.#isEnding = true;
    if (!this.#isWaiting) this.wire.end();
  }

  /** Keeps `bytes[start, end)` behind what is kept; `neededBytes` of it are likely to be needed. */
  keep(bytes: Uint8Array, start: number, end: number, neededBytes: number): void {
    const size = end - start;
    const needed = Math.max(this.carryLength + size, neededBytes);
    if (needed > this.carry.length) {
      const larger = new Uint8Array(
        Math.max(SMALLEST_CARRY, needed, Math.min(2 * this.carry.length, needed + (1 << 20))),
      );
      larger.set(this.carry.subarray(0, this.carryLength));
      this.carry = larger;
    }
    this.carry.set(bytes.subarray(start, end), this.carryLength);
    this.carryLength += size;
  }

  /** Forgets the first `size` bytes of what is kept. */
  drop(size: number): void {
    const left = this.carryLength - size;
    if (left === 0) {
      if (this.carry.length > 65_536) this.carry = NO_BYTES;
    } else if (size > 0) this.carry.copyWithin(0, size, this.carryLength);
    this.carryLength = left;
  }

  /** A long request gets arguments of its own, so that others may come between. */
  ownArgs(): Args {
    this.partialArgs ??= new Args();
    return this.partialArgs;
  }
}
