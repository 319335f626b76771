import type { ServerResponse } from "node:http";
import type { Clock } from "@kagami/clock";

/** How long a follower may take nothing while it asks for nothing else either: it writes a batch, or it is gone. */
export const STALL_LIMIT_MS = 120_000;

/** One that does not come further, since its disk is full or the source damaged, may keep nothing here for ever. */
export const NO_ADVANCE_LIMIT_MS = 86_400_000;

/** What one registered replica does here; it outlives its connections. */
export class FollowerLink {
  readonly name: string;
  readonly #clock: Clock;
  #after: number | undefined;
  #advancedAtMs: number;
  address: string | undefined;
  sentBytes = 0;
  connectCount = 0;
  /** Large bodies on their way. */
  readonly blobTransfers = new Set<ServerResponse>();
  /** When it took or asked for anything, on the monotonic clock. */
  activeAtMs: number;
  /** Ends its stream; undefined while it has none. */
  endStream: (() => void) | undefined;

  constructor(name: string, clock: Clock) {
    this.name = name;
    this.#clock = clock;
    this.activeAtMs = clock.monotonicMs();
    this.#advancedAtMs = this.activeAtMs;
  }

  /** Up to where it says that it has everything; undefined before it has said so since the start. */
  get after(): number | undefined {
    return this.#after;
  }

  set after(after: number | undefined) {
    if (after !== this.#after) this.#advancedAtMs = this.#clock.monotonicMs();
    this.#after = after;
  }

  /** Whether it is on its way: there, or gone for less than a stall, and further than it was a day ago. */
  get advances(): boolean {
    return !this.isStalled && this.#clock.monotonicMs() - this.#advancedAtMs <= NO_ADVANCE_LIMIT_MS;
  }

  get isConnected(): boolean {
    return this.endStream !== undefined;
  }

  /** Ends whatever it has open here. */
  endAll(): void {
    this.endStream?.();
    for (const response of this.blobTransfers) response.destroy();
  }

  touch(): void {
    this.activeAtMs = this.#clock.monotonicMs();
  }

  get isStalled(): boolean {
    return this.#clock.monotonicMs() - this.activeAtMs > STALL_LIMIT_MS;
  }

  /**
   * Sends bytes, and resolves when more may be sent: this is the back-pressure. False if the peer has left.
   *
   * @param onSent Called when the last piece has left, or never will: then their memory is the caller's again.
   */
  send(
    response: ServerResponse,
    pieces: readonly Uint8Array[],
    onSent: () => void = ignore,
  ): Promise<boolean> | boolean {
    if (response.destroyed) return false;
    // Not corked: what was written between cork and uncork may wait for a drain that never comes.
    let isFree = true;
    for (const [i, piece] of pieces.entries()) {
      this.sentBytes += piece.length;
      isFree = response.write(piece, i === pieces.length - 1 ? onSent : undefined);
    }
    if (isFree) {
      this.touch();
      return true;
    }
    return new Promise((resolve) => {
      const finish = (isThere: boolean) => (): void => {
        response.off("drain", onDrain);
        response.off("close", onClose);
        if (isThere) this.touch();
        resolve(isThere);
      };
      const onDrain = finish(true);
      const onClose = finish(false);
      response.on("drain", onDrain);
      response.on("close", onClose);
    });
  }
}

function ignore(): void {}
