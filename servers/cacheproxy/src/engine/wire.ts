/**
 * One connection's way out, handed to the engine by the shell. What comes in is told to the engine's object directly:
 * `onBytes`, `onDrain`, `onEnd`, `onClosed`.
 */
export interface Wire {
  /**
   * Sends `bytes[start, end)`. Called again only after {@link ClientConnection.onDrain} or its like if it said `false`.
   *
   * @returns Whether all was taken at once, so that the bytes are the caller's again; otherwise they are the wire's until
   *   it tells `onDrain`.
   */
  write(bytes: Uint8Array, start: number, end: number): boolean;
  /** Stops and starts reading. What was read already may still be told once. */
  pause(): void;
  resume(): void;
  /** Closes when what was written is out. */
  end(): void;
  /** Closes at once, by a reset: what was written and is not there yet never gets there. */
  destroy(): void;
}

/** What the engine knows of the world. */
export interface Surroundings {
  /** Monotonic time, in microseconds. */
  nowUs(): number;
  /** 0 to 1. */
  random(): number;
  /** Asks for one call of `DataPath.flush` when all that is readable now has been read. Asked at most once per flush. */
  requestFlush(): void;
}
