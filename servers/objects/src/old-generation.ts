import { getHeapStatistics, setFlagsFromString } from "node:v8";

/** What may become garbage among old objects before all of them are looked through. */
const ROOM_BYTES = 128 << 20;
/** From so much on V8 itself leaves as much room; where V8 decides, the flag is 0. */
const OWN_PERCENT = 100;
const MAX_PERCENT = 1_000;
const LOOK_EVERY_MS = 2_000;

/** What V8 does beside its own rule of how far the heap may grow. */
const FLAGS = [
  // Behind each collection it has two more made, to give memory back that is taken again.
  "--memory-reducer-gc-count=0",
  // Bodies in the cache lie outside of its heap: each 64 MB more of them were a reason to look through everything.
  "--external-memory-accounted-in-global-limit",
];

/**
 * Keeps V8 from looking through a small heap all the time, for the whole process.
 *
 * V8 lets old objects grow to about twice what was alive, and begins to collect them as soon as what is left of that is
 * less than the young generation takes. Of a server with 40 MB that is always: it looked through everything every three
 * seconds at 350 requests a second, 10 ms in which nobody is answered, though next to nothing was old garbage. With room
 * that does not depend on what is alive, it does so every few minutes.
 */
export function keepOldGenerationRoom(roomBytes = ROOM_BYTES): void {
  for (const flag of FLAGS) setFlagsFromString(flag);
  let known = OWN_PERCENT;
  const look = (): void => {
    const percent = roomPercent(getHeapStatistics().used_heap_size, roomBytes);
    if (percent === known) return;
    known = percent;
    setFlagsFromString(`--heap-growing-percent=${percent <= OWN_PERCENT ? 0 : percent}`);
  };
  look();
  setInterval(look, LOOK_EVERY_MS).unref();
}

/** By how much a heap of so many bytes may grow, in steps of 50 %. */
function roomPercent(usedBytes: number, roomBytes: number): number {
  const percent = 50 * Math.round((2 * roomBytes) / usedBytes);
  return Math.min(MAX_PERCENT, Math.max(OWN_PERCENT, percent));
}
