import type { Region } from "@kagami/kernels";
import type { Detection, Detector } from "../../servers/live/src/engine/privacy/detection.ts";
import { type FrameLabels, readClip } from "./corpus/index.ts";

/** What a detector did over one clip, as its viewers would have seen it. */
export interface ClipQuality {
  readonly seconds: number;
  readonly banners: readonly BannerQuality[];
  /** Frames with something hidden although no banner was there or near in time, as runs. */
  readonly falseAlarms: readonly { readonly firstFrame: number; readonly frameCount: number }[];
}

/** One banner through a clip. */
export interface BannerQuality {
  readonly style: string;
  readonly firstFrame: number;
  /** Frames in which at least one of its lines can be read. */
  readonly readableCount: number;
  /** Those of them in which something that can be read was not hidden. */
  readonly leakedFrames: readonly number[];
  /** Readable frames before the first that was hidden. */
  readonly lateCount: number;
  /** Hidden and visible area, summed over its frames and those that are hidden after it, in pixels. */
  readonly hiddenArea: number;
  readonly visibleArea: number;
}

/** A hidden frame so near to a banner in time is no false alarm: hiding begins early and ends late on purpose. */
const NEAR_SEC = 1;

/**
 * What is hidden in each picture, as the pipeline does it: a picture is held until the next has been looked at, and one
 * more if that one is unsure; it is hidden by its own regions, and by those of a later one that reaches back to it.
 */
export class ViewedPictures {
  readonly #hidden: (readonly Region[])[] = [];
  /** The last pictures, that are still held: two at most. */
  #heldCount = 0;

  get hidden(): readonly (readonly Region[])[] {
    return this.#hidden;
  }

  show(regions: readonly Region[], reachesBack: boolean, isUnsure: boolean): void {
    const end = this.#hidden.length;
    for (let i = end - this.#heldCount; reachesBack && i < end; i++) {
      this.#hidden[i] = [...(this.#hidden[i] ?? []), ...regions];
    }
    this.#heldCount = isUnsure && !reachesBack && end > 0 ? 2 : 1;
    this.#hidden.push(regions);
  }
}

/** Plays a clip to a detector and simulates the pipeline. */
export async function measureClip(path: string, detector: Detector): Promise<ClipQuality> {
  const viewed = new ViewedPictures();
  const labels: FrameLabels[] = [];
  let endUs = 0;
  for await (const { frame, timeUs, labels: frameLabels } of readClip(path)) {
    const { regions, reachesBack, isUnsure }: Detection = detector.inspect(frame, timeUs);
    viewed.show(regions, reachesBack, isUnsure);
    labels.push(frameLabels);
    endUs = timeUs;
  }
  return qualityOf(labels, viewed.hidden, (labels.length - 1) / (endUs / 1e6));
}

/** What was hidden of what had to be, frame by frame. */
export function qualityOf(
  labels: readonly FrameLabels[],
  hidden: readonly (readonly Region[])[],
  fps: number,
): ClipQuality {
  return {
    seconds: labels.length / fps,
    banners: bannersOf(labels, hidden),
    falseAlarms: falseAlarmsOf(labels, hidden, Math.round(NEAR_SEC * fps)),
  };
}

function bannersOf(labels: readonly FrameLabels[], hidden: readonly (readonly Region[])[]): BannerQuality[] {
  const byTrack = new Map<number, BannerQuality & { leakedFrames: number[] }>();
  let last: number | undefined;
  for (const [index, { cards }] of labels.entries()) {
    const regions = hidden[index] ?? [];
    const banners = cards.filter(({ kind }) => kind === "banner");
    for (const { track, style, visible, readable } of banners) {
      const entry = byTrack.get(track) ?? {
        style,
        firstFrame: index,
        readableCount: 0,
        leakedFrames: [],
        lateCount: 0,
        hiddenArea: 0,
        visibleArea: 0,
      };
      const isLeaked = readable !== undefined && isUncovered(readable, regions);
      if (isLeaked) entry.leakedFrames.push(index);
      const isLate = isLeaked && entry.leakedFrames.length === entry.readableCount + 1;
      byTrack.set(track, {
        ...entry,
        readableCount: entry.readableCount + (readable ? 1 : 0),
        lateCount: entry.lateCount + (isLate ? 1 : 0),
        visibleArea: entry.visibleArea + visible.width * visible.height,
      });
      last = track;
    }
    // Of banners at one time, the last to come is charged with all that is hidden.
    const charged = last === undefined ? undefined : byTrack.get(last);
    if (charged && last !== undefined) {
      byTrack.set(last, { ...charged, hiddenArea: charged.hiddenArea + unionArea(regions) });
    }
  }
  return [...byTrack.values()];
}

function falseAlarmsOf(labels: readonly FrameLabels[], hidden: readonly (readonly Region[])[], near: number) {
  const runs: { firstFrame: number; frameCount: number }[] = [];
  const hasCard = labels.map(({ cards }) => cards.some(({ kind }) => kind !== "distractor"));
  let run: { firstFrame: number; frameCount: number } | undefined;
  for (const [index, regions] of hidden.entries()) {
    if (regions.length === 0) {
      run = undefined;
      continue;
    }
    if (run) {
      run.frameCount++;
      continue;
    }
    run = { firstFrame: index, frameCount: 1 };
    // A run that begins near a banner is its own.
    if (!hasCard.slice(Math.max(0, index - near), index + near).includes(true)) runs.push(run);
  }
  return runs;
}

/** Whether something of the box is outside all of the regions. */
function isUncovered(box: Region, regions: readonly Region[]): boolean {
  let left: Region[] = [box];
  for (const region of regions) left = left.flatMap((piece) => without(piece, region));
  return left.length > 0;
}

function unionArea(regions: readonly Region[]): number {
  let area = 0;
  for (const [i, region] of regions.entries()) {
    let pieces: Region[] = [region];
    for (const before of regions.slice(0, i)) pieces = pieces.flatMap((piece) => without(piece, before));
    area += pieces.reduce((sum, { width, height }) => sum + width * height, 0);
  }
  return area;
}

/** What of a rectangle is outside another, as rectangles. */
function without(piece: Region, region: Region): Region[] {
  const x0 = Math.max(piece.x, region.x);
  const y0 = Math.max(piece.y, region.y);
  const x1 = Math.min(piece.x + piece.width, region.x + region.width);
  const y1 = Math.min(piece.y + piece.height, region.y + region.height);
  if (x1 <= x0 || y1 <= y0) return [piece];
  return [
    { x: piece.x, y: piece.y, width: piece.width, height: y0 - piece.y },
    { x: piece.x, y: y1, width: piece.width, height: piece.y + piece.height - y1 },
    { x: piece.x, y: y0, width: x0 - piece.x, height: y1 - y0 },
    { x: x1, y: y0, width: piece.x + piece.width - x1, height: y1 - y0 },
  ].filter(({ width, height }) => width > 0 && height > 0);
}
