import type { FakeClock, Random } from "@kagami/clock";
import type { FakeSocket } from "@kagami/testkit";
import type { Wire } from "../../src/engine/wire.ts";

/** What a wire's bytes and end are told to. */
export interface WireReader {
  onBytes(bytes: Uint8Array, start: number, end: number): void;
  onDrain(): void;
  onEnd(): void;
  onClosed(): void;
}

export interface SimulatedWireOptions {
  readonly clock: FakeClock;
  readonly random: Random;
  /** Share of the writes that the wire does not take at once. */
  readonly lateShare: number;
}

/**
 * The engine's end of a simulated link. As with real sockets, a write that is not taken at once reads its bytes later,
 * so whoever changes them meanwhile is found out; and what is read comes in a buffer that the next read overwrites.
 */
export class SimulatedWire implements Wire {
  readonly #socket: FakeSocket;
  readonly #options: SimulatedWireOptions;
  readonly #shared: Uint8Array;
  readonly #held: Uint8Array[] = [];
  #reader: WireReader | undefined;
  #isPaused = false;
  #isLate = false;
  #isEnding = false;
  pauseCount = 0;

  constructor(socket: FakeSocket, shared: Uint8Array, options: SimulatedWireOptions) {
    this.#socket = socket;
    this.#shared = shared;
    this.#options = options;
    socket.handle({
      onData: (bytes) => {
        if (this.#isPaused || this.#held.length > 0) this.#held.push(bytes);
        else this.#tell(bytes);
      },
      onEnd: () => this.#reader?.onEnd(),
      onClose: () => this.#reader?.onClosed(),
    });
  }

  read(reader: WireReader): void {
    this.#reader = reader;
  }

  #tell(bytes: Uint8Array): void {
    this.#shared.set(bytes);
    this.#reader?.onBytes(this.#shared, 0, bytes.length);
    this.#shared.fill(0x21, 0, bytes.length);
  }

  write(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#isLate) throw new Error("A second write while the first one waits");
    const { clock, random, lateShare } = this.#options;
    // The shared buffer is overwritten here at once, so what is written out of it must be taken at once.
    if (bytes === this.#shared || random.float() >= lateShare) {
      this.#socket.write(bytes.subarray(start, end));
      return true;
    }
    this.#isLate = true;
    clock.after(random.int(0, 30), () => {
      this.#isLate = false;
      this.#socket.write(bytes.subarray(start, end));
      if (this.#isEnding) this.#socket.end();
      if (!this.#socket.isClosed) this.#reader?.onDrain();
    });
    return false;
  }

  pause(): void {
    this.#isPaused = true;
    this.pauseCount++;
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#options.clock.after(0, () => {
      while (!this.#isPaused) {
        const bytes = this.#held.shift();
        if (!bytes) break;
        this.#tell(bytes);
      }
    });
  }

  end(): void {
    this.#isEnding = true;
    if (!this.#isLate) this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}
