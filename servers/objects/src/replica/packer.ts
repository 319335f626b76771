import { SMALL_BODY_BYTES } from "../storage/batch-memory.ts";

/** Small pieces are sent together from so many bytes on. */
export const PACK_BYTES = 65_536;
/** A pack that has become full, and what filled it. */
const MEMORY_BYTES = 2 * PACK_BYTES;
/** What is on its way to a socket that takes its bytes; more comes and goes. */
const KEPT_COUNT = 4;

/** What is sent at once. */
export interface Pack {
  readonly pieces: readonly Uint8Array[];
  /** To be called when the bytes have left. */
  readonly onSent: () => void;
}

/**
 * Puts small pieces together: a write costs the same for a byte and for many. What it gives out aliases no small piece, whose
 * memory is used again, and its own memory comes back when the bytes have left.
 */
export class Packer {
  readonly #free: Buffer[] = [];
  #pieces: Uint8Array[] = [];
  #bytes = 0;

  /** Whether it is time to send. */
  get isFull(): boolean {
    return this.#bytes >= PACK_BYTES;
  }

  add(piece: Uint8Array): void {
    this.#pieces.push(piece);
    this.#bytes += piece.length;
  }

  /** What was added since the last one. */
  take(): Pack {
    const pieces = this.#pieces;
    const bytes = this.#bytes;
    this.#pieces = [];
    this.#bytes = 0;
    if (bytes > MEMORY_BYTES) {
      return {
        pieces: pieces.map((piece) => (piece.length > SMALL_BODY_BYTES ? piece : Buffer.from(piece))),
        onSent: () => undefined,
      };
    }
    const memory = this.#free.pop() ?? Buffer.allocUnsafeSlow(MEMORY_BYTES);
    let at = 0;
    for (const piece of pieces) {
      memory.set(piece, at);
      at += piece.length;
    }
    const onSent = (): void => {
      if (this.#free.length < KEPT_COUNT) this.#free.push(memory);
    };
    return { pieces: [memory.subarray(0, bytes)], onSent };
  }
}
