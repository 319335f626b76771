import { Heap } from "@kagami/ranking/heap";

/**
 * Loaded before the server (`--import`), it makes the store leak on purpose: every 50th block that is given back is
 * lost. The test of the test of flat memory.
 */
const EVERY = 50;
const honest = Heap.prototype.free;
let freed = 0;

Heap.prototype.free = function leakyFree(this: Heap, pointer: number, byteCount: number): void {
  if (++freed % EVERY !== 0) honest.call(this, pointer, byteCount);
};
