import { open, readdir, rename } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "@kagami/kit";

/** How a recording's name ends while it is written, and when it is complete. */
export const RECORDING_SUFFIX = ".recording.mp4";
export const FINISHED_SUFFIX = ".mp4";

const BOX_HEADER_BYTES = 16;

/** Reads `length` bytes at `offset`, or fewer at the end. */
type ReadAt = (offset: number, length: number) => Promise<Uint8Array>;

/**
 * Cuts recordings that a killed process left behind after their last whole fragment and gives them their final names.
 *
 * @returns how many there were.
 */
export async function mendTornRecordings(directory: string, log: Logger): Promise<number> {
  const names = await readdir(directory, { recursive: true }).catch(() => []);
  const torn = names.filter((name) => name.endsWith(RECORDING_SUFFIX));
  let mendedCount = 0;
  for (const name of torn) {
    const path = join(directory, name);
    try {
      const { keptBytes, cutBytes } = await cutTornTail(path);
      await rename(path, path.slice(0, -RECORDING_SUFFIX.length) + FINISHED_SUFFIX);
      mendedCount++;
      log.warn("recording.mended", { path, keptBytes, cutBytes });
    } catch (error) {
      log.error("recording.mend_failed", { path, error });
    }
  }
  return mendedCount;
}

async function cutTornTail(path: string): Promise<{ keptBytes: number; cutBytes: number }> {
  const file = await open(path, "r+");
  try {
    const { size } = await file.stat();
    const keptBytes = await findWholeEnd(size, async (offset, length) => {
      const buffer = new Uint8Array(length);
      const { bytesRead } = await file.read(buffer, 0, length, offset);
      return buffer.subarray(0, bytesRead);
    });
    if (keptBytes < size) await file.truncate(keptBytes);
    return { keptBytes, cutBytes: size - keptBytes };
  } finally {
    await file.close();
  }
}

/** Where the last whole fragment of a fragmented MP4 ends; a `moof` without its `mdat` is not whole. */
async function findWholeEnd(sizeBytes: number, readAt: ReadAt): Promise<number> {
  let wholeEnd = 0;
  let offset = 0;
  while (offset + 8 <= sizeBytes) {
    const header = await readAt(offset, BOX_HEADER_BYTES);
    const box = readBoxHeader(header);
    if (!box || offset + box.sizeBytes > sizeBytes) break;
    offset += box.sizeBytes;
    if (box.type !== "moof") wholeEnd = offset;
  }
  return wholeEnd;
}

/** @see ISO 14496-12 §4.2 */
function readBoxHeader(bytes: Uint8Array): { sizeBytes: number; type: string } | undefined {
  if (bytes.length < 8) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const type = String.fromCharCode(...bytes.subarray(4, 8));
  const short = view.getUint32(0);
  if (short !== 1) return short >= 8 ? { sizeBytes: short, type } : undefined;
  if (bytes.length < 16) return undefined;
  const sizeBytes = Number(view.getBigUint64(8));
  return sizeBytes >= 16 ? { sizeBytes, type } : undefined;
}
