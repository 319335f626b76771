import { createRandom, seeds } from "@kagami/clock";
import { expect, test } from "vitest";
import { SimDisk } from "../../test/support/sim-disk.ts";
import { PositionFile } from "./position-file.ts";

test.each(seeds(10))("a position that was written is never forgotten and never made up, seed %i", async (seed) => {
  const random = createRandom(seed);
  const disk = new SimDisk(random.fork("disk"));
  let written = 0;
  let tried = 0;
  for (let life = 0; life < 20; life++) {
    disk.crashAt(disk.operationCount + random.int(1, 60));
    try {
      const file = await PositionFile.open(disk);
      expect(file.position).toBeGreaterThanOrEqual(written);
      expect(file.position).toBeLessThanOrEqual(tried);
      for (let i = 0; i < 30; i++) {
        tried++;
        await file.write(tried);
        written = tried;
      }
    } catch (error) {
      expect(error).toMatchObject({ code: "CRASHED" });
    }
    disk.restart();
  }
  expect((await PositionFile.open(disk)).position).toBeGreaterThanOrEqual(written);
});

test("its files stay small", async () => {
  const disk = new SimDisk(createRandom(1));
  const file = await PositionFile.open(disk);
  for (let i = 1; i <= 10_000; i++) await file.write(i);
  expect(disk.usedBytes()).toBeLessThan(140_000);
  file.close();
  expect((await PositionFile.open(disk)).position).toBe(10_000);
});
