import { createRandom } from "@kagami/clock";
import { expect, test } from "vitest";
import { SimDisk } from "../../test/support/sim-disk.ts";
import { BlobStore, type BlobWriter } from "./blob-store.ts";
import { BLOB_DIRECTORY } from "./disk.ts";
import { TieredDisk } from "./tiers/tiered-disk.ts";

/** Twice what is written before the disk is asked to take it. */
const BLOB_BYTES = 16 << 20;
const PIECE = Buffer.alloc(1 << 20, 7);

async function fill(writer: BlobWriter, bytes: number): Promise<void> {
  for (let written = 0; written < bytes; written += PIECE.length) await writer.write(PIECE);
}

test("a blob is synced while it arrives, and a sync that failed is not made good by a later one", async () => {
  const disk = new SimDisk(createRandom(1));
  const writer = new BlobStore(new TieredDisk(disk, [])).create();
  await fill(writer, BLOB_BYTES / 4);
  disk.faults = { syncError: 1 };
  await fill(writer, BLOB_BYTES / 2);
  disk.faults = {};
  await fill(writer, BLOB_BYTES / 4);
  await expect(writer.finish()).rejects.toMatchObject({ code: "EIO" });
  await writer.abort();
  expect(await disk.list(BLOB_DIRECTORY)).toEqual([]);
});

test("a finished blob outlives a loss of power, name and bytes", async () => {
  const disk = new SimDisk(createRandom(2));
  const store = new BlobStore(new TieredDisk(disk, []));
  const writer = store.create();
  await fill(writer, BLOB_BYTES);
  const checksums = await writer.finish();
  expect(checksums.length).toBe(4 * (BLOB_BYTES / 65_536));
  disk.restart();
  const file = store.hold(writer.id);
  expect(Buffer.compare(await file.read(BLOB_BYTES - PIECE.length, PIECE.length), PIECE)).toBe(0);
  expect(file.sizeBytes()).toBe(BLOB_BYTES);
});

test("a blob whose name could not be synced is refused", async () => {
  const disk = new SimDisk(createRandom(3));
  disk.faults = { syncError: 1 };
  const writer = new BlobStore(new TieredDisk(disk, [])).create();
  await fill(writer, PIECE.length);
  disk.faults = {};
  await expect(writer.finish()).rejects.toMatchObject({ code: "EIO" });
  await writer.abort();
});
