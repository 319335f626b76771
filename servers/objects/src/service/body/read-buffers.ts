import { READ_BYTES } from "../../store/object-store.ts";

/** Kept for the next readers: 4 MiB. */
const IDLE_LIMIT = 64;

const idle: Uint8Array[] = [];

/**
 * Memory to read an object into. One buffer for a whole answer instead of one for each chunk: fresh memory costs a page
 * fault for every 4 KiB, and what was read is still in the processor's cache when it is checked and sent.
 */
export function takeReadBuffer(): Uint8Array {
  return idle.pop() ?? Buffer.allocUnsafeSlow(READ_BYTES);
}

/** Gives it back. Only when nobody can be reading it any more. */
export function giveReadBuffer(buffer: Uint8Array): void {
  if (idle.length < IDLE_LIMIT) idle.push(buffer);
}
