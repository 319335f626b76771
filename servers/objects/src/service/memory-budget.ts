/** What a body in flight may hold. `release` gives it back; calling it again does nothing. */
export interface Reservation {
  release(): void;
}

interface Waiter {
  readonly bytes: number;
  readonly resolve: (reservation: Reservation) => void;
}

/**
 * Memory that bodies in flight share. Who asks for more than is left waits, first come, first served, before its body is
 * read, so that a thousand uploads slow down rather than fill the memory.
 *
 * Invariants: `heldBytes` is at most the limit, unless one reservation alone is larger and nobody else holds any; the
 * queue is bounded.
 */
export class MemoryBudget {
  readonly #limitBytes: number;
  readonly #waiterLimit: number;
  readonly #waiters: Waiter[] = [];
  #heldBytes = 0;

  constructor(limitBytes: number, waiterLimit: number) {
    this.#limitBytes = limitBytes;
    this.#waiterLimit = waiterLimit;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  get waiting(): number {
    return this.#waiters.length;
  }

  /** At once if it fits and nobody waits; else undefined. The way of nearly every request: no promise is made. */
  tryReserve(bytes: number): Reservation | undefined {
    if (this.#waiters.length > 0 || !this.#fits(bytes)) return undefined;
    return this.#hold(bytes);
  }

  /** @returns `undefined` at once if too many wait already. */
  async reserve(bytes: number): Promise<Reservation | undefined> {
    const now = this.tryReserve(bytes);
    if (now) return now;
    if (this.#waiters.length >= this.#waiterLimit) return undefined;
    return await new Promise<Reservation>((resolve) => {
      this.#waiters.push({ bytes, resolve });
    });
  }

  #fits(bytes: number): boolean {
    return this.#heldBytes === 0 || this.#heldBytes + bytes <= this.#limitBytes;
  }

  #hold(bytes: number): Reservation {
    this.#heldBytes += bytes;
    let isHeld = true;
    return {
      release: () => {
        if (!isHeld) return;
        isHeld = false;
        this.#heldBytes -= bytes;
        this.#wake();
      },
    };
  }

  #wake(): void {
    for (let next = this.#waiters[0]; next && this.#fits(next.bytes); next = this.#waiters[0]) {
      this.#waiters.shift();
      next.resolve(this.#hold(next.bytes));
    }
  }
}
