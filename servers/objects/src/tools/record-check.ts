import { CHUNK_BYTES, decodeHead, IN_BLOB } from "../protocol/volume/index.ts";
import { areChecksumsGood, chunkChecksum } from "../storage/checksums.ts";
import { blobPath, type Disk, volumePath } from "../storage/disk.ts";
import { type Entry, entryRecordBytes } from "../storage/entry.ts";
import { asBuffer } from "../storage/object-json.ts";

/** What is left of the record that an entry points at; `head-damaged` is one whose body the entry can still find. */
export type RecordState = "good" | "head-damaged" | "lost";

/** Looks at the record that an entry points at; not at a large body in a file of its own. */
export async function recordState(disk: Disk, seed: number, entry: Entry): Promise<RecordState> {
  const bytes = await readRecord(disk, entry);
  if (bytes === undefined) return "lost";
  return decodeHead(bytes, 0, seed)?.sequence === entry.sequence ? "good" : "head-damaged";
}

/** What is wrong with the large body of an entry; undefined if nothing is, or if it has none. */
export async function blobProblem(
  disk: Disk,
  entry: Entry,
): Promise<{ readonly code: "blob-missing" | "blob-damaged"; readonly what: string } | undefined> {
  if ((entry.flags & IN_BLOB) === 0) return undefined;
  const record = await readRecord(disk, entry);
  // The record itself is lost: that is told elsewhere.
  if (record === undefined) return undefined;
  const table = record.subarray(entry.headBytes, entry.headBytes + entry.storedBytes);
  const file = openOrAbsent(disk, blobPath(entry.blobId));
  if (file === undefined) return { code: "blob-missing", what: "there is no such file" };
  try {
    const sizeBytes = file.sizeBytes();
    if (sizeBytes !== entry.bodyBytes) {
      return { code: "blob-damaged", what: `it has ${sizeBytes} bytes instead of ${entry.bodyBytes}` };
    }
    for (let at = 0, i = 0; at < entry.bodyBytes; at += CHUNK_BYTES, i++) {
      const chunk = await file.read(at, Math.min(CHUNK_BYTES, entry.bodyBytes - at));
      if (chunkChecksum(chunk) === table.readUInt32LE(4 * i)) continue;
      return { code: "blob-damaged", what: `the checksum of its 64 KiB from byte ${at} on fails` };
    }
    return undefined;
  } finally {
    file.close();
  }
}

/** The record if its body's checksums are good, whatever its head. */
async function readRecord(disk: Disk, entry: Entry): Promise<Buffer | undefined> {
  const file = openOrAbsent(disk, volumePath(entry.volumeId));
  if (file === undefined) return undefined;
  try {
    const bytes = asBuffer(await file.read(entry.offset, entryRecordBytes(entry)));
    if (bytes.length < entry.headBytes) return undefined;
    return areChecksumsGood(bytes.subarray(entry.headBytes), entry.storedBytes) ? bytes : undefined;
  } finally {
    file.close();
  }
}

function openOrAbsent(disk: Disk, path: string) {
  try {
    return disk.open(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
