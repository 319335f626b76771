import { READ_BYTES } from "../../store/object-store.ts";

/** Fewer trips for large bodies. */
const LARGE_BYTES = 16 * READ_BYTES;
/** So many answers at once may have one, 16 MiB in all; the others read as small ones do. */
const LARGE_LIMIT = 16;
/** Kept for the next readers: 4 MiB of each size. */
const IDLE_LIMIT = 64;
const IDLE_LARGE_LIMIT = 4;

const idle: Uint8Array[] = [];
const idleLarge: Uint8Array[] = [];
let largeCount = 0;

/**
 * Memory to read an object into. One buffer for a whole answer instead of one for each piece: fresh memory costs a page
 * fault for every 4 KiB, and what was read is still in the processor's cache when it is checked and sent.
 *
 * @param answerBytes What is to be read with it; 0 asks for a small one.
 */
export function takeReadBuffer(answerBytes: number): Uint8Array {
  if (answerBytes <= READ_BYTES || largeCount === LARGE_LIMIT) return idle.pop() ?? Buffer.allocUnsafeSlow(READ_BYTES);
  largeCount++;
  return idleLarge.pop() ?? Buffer.allocUnsafeSlow(LARGE_BYTES);
}

/** Gives it back. Only when nobody can be reading it any more. */
export function giveReadBuffer(buffer: Uint8Array): void {
  const isLarge = buffer.length === LARGE_BYTES;
  if (isLarge && idleLarge.length < IDLE_LARGE_LIMIT) idleLarge.push(buffer);
  if (!isLarge && idle.length < IDLE_LIMIT) idle.push(buffer);
  dropReadBuffer(buffer);
}

/** Leaves it to whoever may still be reading it. */
export function dropReadBuffer(buffer: Uint8Array): void {
  if (buffer.length === LARGE_BYTES) largeCount--;
}
