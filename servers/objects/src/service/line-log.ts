import { closeSync, openSync } from "node:fs";
import { FileDescriptorSink } from "@kagami/kit";

/** A file of JSON lines. Writing never waits; what comes faster than the disk takes is dropped and counted in the file. */
export class LineLog {
  readonly #sink: FileDescriptorSink;
  readonly #fd: number;
  #isClosed = false;

  /** Appends to the file; makes it with mode 0600. @throws the system's error if it cannot be opened. */
  constructor(path: string) {
    this.#fd = openSync(path, "a", 0o600);
    this.#sink = new FileDescriptorSink(this.#fd);
  }

  write(line: string): void {
    if (!this.#isClosed) this.#sink.write(`${line}\n`);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#sink.flush();
    closeSync(this.#fd);
  }
}
