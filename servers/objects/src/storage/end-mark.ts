import { crc32c } from "@node-rs/crc32";
import { type Disk, type DiskFile, endMarkPath, VOLUME_DIRECTORY } from "./disk.ts";
import { asBuffer } from "./object-json.ts";

/**
 * A little file beside a volume: where it ends, because its file could not be cut there. What stands behind was refused.
 * It is made once and stays as long as the volume.
 */
const MARK_BYTES = 16;

/** In place of one that was not finished. @throws the system's error, EEXIST if there is a mark */
export async function writeEndMark(disk: Disk, volumeId: number, endOffset: number): Promise<void> {
  const bytes = Buffer.alloc(MARK_BYTES);
  bytes.writeDoubleLE(endOffset, 0);
  bytes.writeUInt32LE(crc32c(bytes.subarray(0, 8)), 8);
  const file = await createMark(disk, volumeId);
  try {
    await file.append([bytes]);
    await file.sync();
    await disk.syncNames(VOLUME_DIRECTORY);
  } finally {
    file.close();
  }
}

async function createMark(disk: Disk, volumeId: number): Promise<DiskFile> {
  const path = endMarkPath(volumeId);
  try {
    return disk.create(path);
  } catch (error) {
    if ((error as { code?: unknown }).code !== "EEXIST" || (await readEndMark(disk, volumeId)) !== undefined)
      throw error;
    // The machine failed while it was made; it says nothing, and must not keep another from being made.
    disk.unlink(path);
    return disk.create(path);
  }
}

/** Where the volume ends; undefined if the mark was not finished. @throws the system's error */
export async function readEndMark(disk: Disk, volumeId: number): Promise<number | undefined> {
  const file = disk.open(endMarkPath(volumeId));
  try {
    const bytes = asBuffer(await file.read(0, MARK_BYTES));
    const isWhole = bytes.length === MARK_BYTES && bytes.readUInt32LE(8) === crc32c(bytes.subarray(0, 8));
    return isWhole ? bytes.readDoubleLE(0) : undefined;
  } finally {
    file.close();
  }
}
