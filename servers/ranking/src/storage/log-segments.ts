import { join } from "node:path";
import { type Disk, type DiskFile, readFully, writeFully } from "./disk.ts";
import {
  decodeSegmentHeader,
  encodeSegmentHeader,
  parseSegmentName,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
  type SegmentName,
  segmentName,
} from "./log-format.ts";

/** A segment that a log consists of. */
export interface Segment {
  readonly firstPosition: number;
  /** Changes once, when the segment loses its `.new`. */
  path: string;
  sizeBytes: number;
}

/** Segments in a directory by position, those with `.new` behind the others; of two for one position the final one. */
export function listSegments(disk: Disk, directory: string): { finals: SegmentName[]; news: SegmentName[] } {
  const found = disk.list(directory).flatMap((name) => parseSegmentName(name) ?? []);
  const inOrder = found.sort((a, b) => a.firstPosition - b.firstPosition);
  return { finals: inOrder.filter(({ isNew }) => !isNew), news: inOrder.filter(({ isNew }) => isNew) };
}

/** The header of an open segment, or what is wrong with it. */
export function readSegmentHeader(file: DiskFile, firstPosition: number): SegmentHeader | string {
  const bytes = new Uint8Array(SEGMENT_HEADER_BYTES);
  const sizeBytes = readFully(file, bytes, 0, bytes.length, 0);
  const header = decodeSegmentHeader(bytes.subarray(0, sizeBytes));
  if (typeof header === "string" || header.firstPosition === firstPosition) return header;
  return `its header names position ${header.firstPosition}, its file name another`;
}

/**
 * Makes an empty segment under its first name (`.new`), or empties one that an earlier attempt left.
 *
 * @throws the system's error
 */
export function createSegment(
  disk: Disk,
  directory: string,
  header: SegmentHeader,
): { segment: Segment; file: DiskFile } {
  const path = join(directory, segmentName(header.firstPosition, true));
  const file = disk.open(path, "create");
  try {
    writeFully(file, encodeSegmentHeader(header), 0, SEGMENT_HEADER_BYTES, 0);
  } catch (error) {
    file.close();
    try {
      disk.unlink(path);
    } catch {
      // The next recovery deletes it; what led here matters more.
    }
    throw error;
  }
  return { segment: { firstPosition: header.firstPosition, path, sizeBytes: SEGMENT_HEADER_BYTES }, file };
}

/** The oldest position in a directory's log by its file names; `undefined` if there is no log. Reads no file. */
export function firstLogPosition(disk: Disk, directory: string): number | undefined {
  const { finals } = listSegments(disk, directory);
  return finals[0]?.firstPosition;
}
