/** A track as the initialization segment declares it. */
export interface FragmentTrack {
  readonly id: number;
  readonly isVideo: boolean;
  /** Ticks per second. */
  readonly timescale: number;
  readonly defaultDuration: number;
}

/** What one binary message carries, over all its fragments. */
export interface FragmentSummary {
  /** Earliest decoding time, in ms. */
  readonly startMs: number;
  /** Latest end of a sample, in ms. */
  readonly endMs: number;
  readonly videoFrameCount: number;
}

const CONTAINERS = new Set(["moov", "trak", "mdia", "mvex", "moof", "traf"]);
const MAX_DEPTH = 6;

/**
 * Reads the tracks of an initialization segment.
 *
 * @returns an empty list for bytes that hold none.
 * @see ISO/IEC 14496-12 §8.3, §8.4, §8.8.3
 */
export function parseTracks(bytes: Uint8Array): FragmentTrack[] {
  const tracks: { id: number; isVideo: boolean; timescale: number; defaultDuration: number }[] = [];
  const durations = new Map<number, number>();
  walk(bytes, (type, view) => {
    const isLong = view.byteLength > 0 && view.getUint8(0) === 1;
    const track = tracks.at(-1);
    if (type === "tkhd" && view.byteLength >= 24) {
      tracks.push({ id: view.getUint32(isLong ? 20 : 12), isVideo: false, timescale: 0, defaultDuration: 0 });
    } else if (type === "mdhd" && track !== undefined && view.byteLength >= 24) {
      track.timescale = view.getUint32(isLong ? 20 : 12);
    } else if (type === "hdlr" && track !== undefined && view.byteLength >= 12) {
      track.isVideo = view.getUint32(8) === 0x76696465; // "vide"
    } else if (type === "trex" && view.byteLength >= 24) {
      durations.set(view.getUint32(4), view.getUint32(12));
    }
  });
  return tracks
    .filter((track) => track.timescale > 0)
    .map((track) => ({ ...track, defaultDuration: durations.get(track.id) ?? 0 }));
}

/**
 * Sums up the fragments of one message.
 *
 * @returns `undefined` when no fragment of a known track is inside.
 * @see ISO/IEC 14496-12 §8.8.7 (tfhd), §8.8.8 (trun), §8.8.12 (tfdt)
 */
export function summarize(bytes: Uint8Array, tracks: readonly FragmentTrack[]): FragmentSummary | undefined {
  let startMs = Number.POSITIVE_INFINITY;
  let endMs = Number.NEGATIVE_INFINITY;
  let videoFrameCount = 0;
  let track: FragmentTrack | undefined;
  let defaultDuration = 0;
  let time = 0;
  walk(bytes, (type, view) => {
    if (type === "tfhd" && view.byteLength >= 8) {
      const id = view.getUint32(4);
      track = tracks.find((candidate) => candidate.id === id);
      defaultDuration = readDefaultDuration(view) ?? track?.defaultDuration ?? 0;
    } else if (type === "tfdt" && view.byteLength >= 8) {
      time = view.getUint8(0) === 1 && view.byteLength >= 12 ? Number(view.getBigUint64(4)) : view.getUint32(4);
    } else if (type === "trun" && view.byteLength >= 8 && track !== undefined) {
      startMs = Math.min(startMs, (time * 1000) / track.timescale);
      time += sumDurations(view, defaultDuration);
      endMs = Math.max(endMs, (time * 1000) / track.timescale);
      if (track.isVideo) videoFrameCount += view.getUint32(4);
    }
  });
  return endMs === Number.NEGATIVE_INFINITY ? undefined : { startMs, endMs, videoFrameCount };
}

function readDefaultDuration(tfhd: DataView): number | undefined {
  const flags = tfhd.getUint32(0) & 0xffffff;
  if ((flags & 0x8) === 0) return undefined;
  const offset = 8 + ((flags & 0x1) === 0 ? 0 : 8) + ((flags & 0x2) === 0 ? 0 : 4);
  return offset + 4 <= tfhd.byteLength ? tfhd.getUint32(offset) : undefined;
}

function sumDurations(trun: DataView, defaultDuration: number): number {
  const flags = trun.getUint32(0) & 0xffffff;
  const count = trun.getUint32(4);
  if ((flags & 0x100) === 0) return count * defaultDuration;
  const first = 8 + ((flags & 0x1) === 0 ? 0 : 4) + ((flags & 0x4) === 0 ? 0 : 4);
  // Each sample has four bytes for every one of duration, size, flags and composition offset that is present.
  let size = 0;
  for (const bit of [0x100, 0x200, 0x400, 0x800]) if ((flags & bit) !== 0) size += 4;
  let sum = 0;
  for (let offset = first; offset + size <= trun.byteLength; offset += size) sum += trun.getUint32(offset);
  return sum;
}

/** Visits the leaf boxes in order. Stops at a box that does not fit; never throws. */
function walk(bytes: Uint8Array, visit: (type: string, payload: DataView) => void): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  walkRange(view, 0, view.byteLength, 0, visit);
}

function walkRange(
  view: DataView,
  start: number,
  end: number,
  depth: number,
  visit: (type: string, payload: DataView) => void,
): void {
  let offset = start;
  while (offset + 8 <= end) {
    const size = view.getUint32(offset);
    if (size < 8 || offset + size > end) return;
    const type = fourCharacters(view.getUint32(offset + 4));
    if (CONTAINERS.has(type)) {
      if (depth < MAX_DEPTH) walkRange(view, offset + 8, offset + size, depth + 1, visit);
    } else {
      visit(type, new DataView(view.buffer, view.byteOffset + offset + 8, size - 8));
    }
    offset += size;
  }
}

function fourCharacters(code: number): string {
  return String.fromCharCode((code >>> 24) & 0xff, (code >>> 16) & 0xff, (code >>> 8) & 0xff, code & 0xff);
}
