import { createRandom } from "@kagami/clock";
import { expect, test } from "vitest";
import { SimDisk } from "../../test/support/sim-disk.ts";
import { endMarkPath } from "./disk.ts";
import { readEndMark, writeEndMark } from "./end-mark.ts";

test("a mark outlives a crash, and is made once", async () => {
  const disk = new SimDisk(createRandom(1));
  await writeEndMark(disk, 7, 4_096);
  disk.restart();
  expect(await readEndMark(disk, 7)).toBe(4_096);
  await expect(writeEndMark(disk, 7, 8_192)).rejects.toMatchObject({ code: "EEXIST" });
  expect(await readEndMark(disk, 7)).toBe(4_096);
});

test.each([
  { bytes: 0, why: "the machine failed before anything was written" },
  { bytes: 9, why: "it failed in the middle" },
  { bytes: 16, why: "its checksum is of other bytes" },
])("a mark of $bytes bytes that was not finished says nothing, and makes room: $why", async ({ bytes }) => {
  const disk = new SimDisk(createRandom(1));
  const file = disk.create(endMarkPath(7));
  await file.append([new Uint8Array(bytes).fill(3)]);
  file.close();
  expect(await readEndMark(disk, 7)).toBeUndefined();
  await writeEndMark(disk, 7, 4_096);
  expect(await readEndMark(disk, 7)).toBe(4_096);
});
