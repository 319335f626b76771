import { readU32, readU64 } from "@kagami/bytes";
import { type Malformed, malformed } from "./malformed.ts";

/** Where one box lies. */
export interface Mp4Box {
  /** Four characters. */
  readonly type: string;
  readonly start: number;
  /** After the header; `version` and `flags` of a full box are still to be read. */
  readonly payloadStart: number;
  readonly end: number;
}

/** More boxes than this in one parent are refused. */
const BOX_LIMIT = 4096;

/**
 * The boxes of `bytes[start, end)`, not descended into.
 *
 * @returns A refusal with code `MP4_BOX` if a size does not fit.
 * @see ISO 14496-12 §4.2
 */
export function readBoxes(bytes: Uint8Array, start = 0, end = bytes.length): Mp4Box[] | Malformed {
  const boxes: Mp4Box[] = [];
  let offset = start;
  while (offset < end) {
    if (offset + 8 > end) return malformed("MP4_BOX", `The box at byte ${offset} is cut short`);
    let sizeBytes = readU32(bytes, offset);
    let payloadStart = offset + 8;
    if (sizeBytes === 1) {
      if (offset + 16 > end) return malformed("MP4_BOX", `The box at byte ${offset} is cut short`);
      sizeBytes = readU64(bytes, offset + 8);
      payloadStart = offset + 16;
    } else if (sizeBytes === 0) {
      sizeBytes = end - offset;
    }
    const boxEnd = offset + sizeBytes;
    if (boxEnd < payloadStart || boxEnd > end || boxes.length === BOX_LIMIT) {
      return malformed("MP4_BOX", `The box at byte ${offset} says ${sizeBytes} bytes; ${end - offset} are left`);
    }
    const type = String.fromCharCode(...bytes.subarray(offset + 4, offset + 8));
    boxes.push({ type, start: offset, payloadStart, end: boxEnd });
    offset = boxEnd;
  }
  return boxes;
}

/** The first box at a path such as `["mdia", "mdhd"]` below `parent`; `undefined` if it is missing or unreadable. */
export function findBox(bytes: Uint8Array, parent: Mp4Box, path: readonly string[]): Mp4Box | undefined {
  let box: Mp4Box | undefined = parent;
  for (const type of path) {
    if (box === undefined) return undefined;
    const children: Mp4Box[] | Malformed = readBoxes(bytes, box.payloadStart, box.end);
    if ("kind" in children) return undefined;
    box = children.find((child) => child.type === type);
  }
  return box;
}
