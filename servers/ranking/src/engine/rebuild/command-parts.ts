/** Arguments and bytes of one command at most, about: a big value is made by many. */
const PART_ARGS = 512;
const PART_BYTES = 131_072;

const encoder = new TextEncoder();

/** Cuts a long command such as `SADD key member ...` into several. What is added must stay until it was emitted. */
export class CommandParts {
  readonly #emit: (args: readonly Uint8Array[]) => void;
  readonly #head: readonly Uint8Array[];
  readonly #step: number;
  #args: Uint8Array[] = [];
  #bytes = 0;

  /** @param step Arguments that belong together. */
  constructor(emit: (args: readonly Uint8Array[]) => void, command: string, key: Uint8Array, step = 1) {
    this.#emit = emit;
    this.#head = [encoder.encode(command), key];
    this.#step = step;
  }

  add(argument: Uint8Array): void {
    this.#args.push(argument);
    this.#bytes += argument.length;
    const isFull = this.#args.length >= PART_ARGS || this.#bytes >= PART_BYTES;
    if (isFull && this.#args.length % this.#step === 0) this.end();
  }

  /** Emits what is left. */
  end(): void {
    if (this.#args.length === 0) return;
    this.#emit([...this.#head, ...this.#args]);
    this.#args = [];
    this.#bytes = 0;
  }

  /** Emits one command with these arguments. */
  whole(...args: readonly (string | Uint8Array)[]): void {
    this.#emit([...this.#head, ...args.map((arg) => (typeof arg === "string" ? encoder.encode(arg) : arg))]);
  }
}
