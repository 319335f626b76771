import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const MODULE = new URL("../src/young-generation.ts", import.meta.url).href;

/** Makes objects of which many survive. Prints the size of the young generation, in MB. */
const PROGRAM = `
import { getHeapSpaceStatistics } from "node:v8";
const [, limit] = process.argv;
if (limit !== undefined) (await import(${JSON.stringify(MODULE)})).boundYoungGeneration(Number(limit));
const sizeMb = () => getHeapSpaceStatistics().find(({ space_name }) => space_name === "new_space").space_size / 2 ** 20;
for (let round = 0; round < 400 && sizeMb() < 32; round++) {
  const kept = [];
  for (let i = 0; i < 50_000; i++) kept.push({ i, own: [i] });
}
console.log(sizeMb());
`;

async function sizeMb(...args: string[]): Promise<number> {
  const run = promisify(execFile);
  const { stdout } = await run(process.execPath, ["--input-type=module", "-e", PROGRAM, ...args]);
  return Number(stdout);
}

test("the young generation stops to grow where it was told, and would not by itself", async () => {
  expect(await sizeMb()).toBeGreaterThanOrEqual(32);
  const bounded = await sizeMb("1");
  expect(bounded).toBeGreaterThan(0);
  expect(bounded).toBeLessThan(20);
});
