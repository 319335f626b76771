import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const MODULE = new URL("../src/old-generation.ts", import.meta.url).href;

/** Keeps some 30 MB, replaces them again and again, and makes garbage beside. Prints how often all objects were looked through. */
const PROGRAM = `
import { PerformanceObserver } from "node:perf_hooks";
const turn = () => new Promise((resolve) => setImmediate(resolve));
const [, roomMb] = process.argv;
const FULL = 4;
const kept = Array.from({ length: 400_000 }, (_, i) => ({ i, own: [i, 0] }));
globalThis.gc();
if (roomMb !== undefined) (await import(${JSON.stringify(MODULE)})).keepOldGenerationRoom(Number(roomMb) * 2 ** 20);
globalThis.gc();
let count = 0;
new PerformanceObserver((list) => {
  count += list.getEntries().filter(({ detail }) => detail.kind === FULL).length;
}).observe({ entryTypes: ["gc"] });
for (let round = 0; round < 4_000; round++) {
  for (let i = 0; i < 10_000; i++) {
    const made = { i, own: [i, round] };
    if (i % 5 === 0) kept[(round * 2_000 + i / 5) % kept.length] = made;
  }
  await turn();
}
await turn();
console.log(count);
`;

async function fullCollections(...args: string[]): Promise<number> {
  const run = promisify(execFile);
  const { stdout } = await run(process.execPath, ["--expose-gc", "--input-type=module", "-e", PROGRAM, ...args]);
  return Number(stdout);
}

test("a small heap is looked through less often with room, and would be again and again without", async () => {
  const without = await fullCollections();
  expect(without).toBeGreaterThan(2);
  expect(await fullCollections("512")).toBeLessThan(without / 2);
});
