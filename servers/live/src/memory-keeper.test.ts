import { expect, test } from "vitest";
import { isCollectionDue, type MemoryLook } from "./memory-keeper.ts";

const MIB = 1 << 20;
const look = (atMs: number, bufferMib: number, ownedMib: number): MemoryLook => ({
  atMs,
  bufferBytes: bufferMib * MIB,
  ownedBytes: ownedMib * MIB,
});

test.each([
  { bufferMib: 400, ownedMib: 0, beforeMib: 400, sinceMs: 60_000, isDue: true, why: "an idle server holds buffers" },
  { bufferMib: 400, ownedMib: 380, beforeMib: 400, sinceMs: 60_000, isDue: false, why: "somebody owns them" },
  { bufferMib: 400, ownedMib: 0, beforeMib: 500, sinceMs: 60_000, isDue: false, why: "they shrink by themselves" },
  { bufferMib: 400, ownedMib: 0, beforeMib: 400, sinceMs: 10_000, isDue: false, why: "it was done just now" },
  { bufferMib: 30, ownedMib: 0, beforeMib: 30, sinceMs: 60_000, isDue: false, why: "it is not worth a pause" },
])("collects: $isDue, since $why", ({ bufferMib, ownedMib, beforeMib, sinceMs, isDue }) => {
  const now = look(100_000, bufferMib, ownedMib);
  expect(isCollectionDue(look(95_000, beforeMib, 0), now, now.atMs - sinceMs)).toBe(isDue);
});
