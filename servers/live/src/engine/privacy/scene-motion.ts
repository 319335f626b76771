import type { GrayImage, NetInput } from "@kagami/kernels";
import type { CellBox } from "./grid.ts";

/** Numbers of telling what travels with the scene from what comes over it. */
const MOTION = {
  /** Rows below the box that are looked at: more say no more. */
  mostRows: 24,
  /** Change of a cell, and mean change of a row, from which it has changed at all. */
  leastChange: 4,
  /** Cells beside the box that must have changed to see how the scene travels. */
  leastCells: 24,
  /** More of them are not compared. */
  mostCells: 96,
  /** What is left of the change once the travel is taken into account, at most: of the scene, and of the box. */
  sceneLeft: 0.5,
  boxLeft: 0.5,
  /** The same in luma: a card that hides what was very different leaves more than coding does. */
  boxLeftMost: 16,
  /** Of the box's rows that changed, those that travelled: bars that stand still may lie over others. */
  carried: 0.6,
  /** Of the box's rows, those that the earlier picture shows. */
  boxShown: 0.6,
} as const;
/** Every so many columns are compared: of the scene, for which many places are tried, and of the box. */
const SCENE_STEP = 4;
const BOX_STEP = 2;

/** How far a scene has gone, in half cells. */
interface Travel {
  readonly across: number;
  readonly down: number;
}

/**
 * Since the older picture a page is scrolled by 30 cells at most. By less than 2 is no travel: a banner's own picture may
 * be in the older one, where it is now.
 */
const SINCE_OLDER: readonly Travel[] = [...spans(4, 60, 2)].map((down) => ({ across: 0, down }));
/** Since the last picture it is flung by 14 cells at most, upwards, downwards or to a side. */
const SINCE_BEFORE: readonly Travel[] = [
  ...[...spans(1, 28, 1)].map((down) => ({ across: 0, down })),
  ...[...spans(1, 28, 1)].map((across) => ({ across, down: 0 })),
];

/**
 * Whether what is in a box was in an earlier picture as well, elsewhere, and everything below it travelled along: then it
 * is a page that is scrolled, not a card that came over it.
 *
 * Compares some fifty thousand cells; only called for boxes that would be taken for a banner that begins.
 *
 * @param box In cells.
 */
export function isScrolled({ mean, meanBefore, meanOlder }: NetInput, box: CellBox): boolean {
  return isCarriedFrom(mean, meanOlder, box, SINCE_OLDER) || isCarriedFrom(mean, meanBefore, box, SINCE_BEFORE);
}

function isCarriedFrom(now: GrayImage, earlier: GrayImage, box: CellBox, travels: readonly Travel[]): boolean {
  const { width, height } = now;
  const cells = changedBeside(now, earlier, box);
  if (cells.length < MOTION.leastCells) return false;
  let least = MOTION.sceneLeft * changeOf(now, earlier, cells, NO_TRAVEL);
  let travel: Travel | undefined;
  for (const tried of travels) {
    const change = changeOf(now, earlier, cells, tried);
    if (change > least) continue;
    least = change;
    travel = tried;
  }
  if (!travel) return false;
  const inner = {
    left: Math.max(0, Math.ceil(box.left)),
    top: Math.max(0, Math.ceil(box.top)),
    right: Math.min(width, Math.floor(box.right)),
    bottom: Math.min(height, Math.floor(box.bottom)),
  };
  return isCarried(now, earlier, inner, travel);
}

/** Some of the cells above and below the box that have changed: what stands still over a page says nothing of it. */
function changedBeside({ pixels, width, height }: GrayImage, earlier: GrayImage, box: CellBox): readonly number[] {
  const [top, bottom] = [Math.floor(box.top) - 1, Math.ceil(box.bottom) + 1];
  const cells: number[] = [];
  for (let y = 0; y < Math.min(height, bottom + MOTION.mostRows); y++) {
    if (y >= top && y < bottom) continue;
    for (let at = y * width; at < (y + 1) * width; at += SCENE_STEP) {
      if (Math.abs((pixels[at] as number) - (earlier.pixels[at] as number)) >= MOTION.leastChange) cells.push(at);
    }
  }
  // A hundred and more places are tried: a part of the cells says as much of each.
  const every = Math.ceil(cells.length / MOTION.mostCells);
  return every > 1 ? cells.filter((_, i) => i % every === 0) : cells;
}

/**
 * Mean change of the cells against the earlier picture, which is moved.
 *
 * @returns Infinity if it does not show half of them.
 */
function changeOf({ pixels, width, height }: GrayImage, earlier: GrayImage, cells: readonly number[], travel: Travel) {
  const other = earlier.pixels;
  const [rows, columns] = [travel.down >> 1, travel.across >> 1];
  const next = (travel.down & 1) * width + (travel.across & 1);
  const [fromY, toY] = [-rows, height - rows - (travel.down & 1)];
  const [fromX, toX] = [-columns, width - columns - (travel.across & 1)];
  let sum = 0;
  let count = 0;
  for (const at of cells) {
    const y = Math.floor(at / width);
    const x = at - y * width;
    if (y < fromY || y >= toY || x < fromX || x >= toX) continue;
    const from = at + rows * width + columns;
    const was = ((other[from] as number) + (other[from + next] as number)) >> 1;
    sum += Math.abs((pixels[at] as number) - was);
    count++;
  }
  return 2 * count < cells.length ? Number.POSITIVE_INFINITY : sum / count;
}

/** Whether the earlier picture shows most of the box's rows, and where they went explains most of what changed in them. */
function isCarried(now: GrayImage, earlier: GrayImage, box: CellBox, travel: Travel): boolean {
  let shown = 0;
  let changed = 0;
  let carried = 0;
  for (let y = box.top; y < box.bottom; y++) {
    const row = { ...box, top: y, bottom: y + 1 };
    const moved = changeAt(now, earlier, row, travel);
    if (moved === Number.POSITIVE_INFINITY) continue;
    shown++;
    const still = changeAt(now, earlier, row, NO_TRAVEL);
    if (still < MOTION.leastChange) continue;
    changed++;
    if (moved <= Math.min(MOTION.boxLeftMost, MOTION.boxLeft * still)) carried++;
  }
  return shown >= MOTION.boxShown * (box.bottom - box.top) && changed > 0 && carried >= MOTION.carried * changed;
}

const NO_TRAVEL: Travel = { across: 0, down: 0 };

/**
 * Mean change of the box's cells against the earlier picture, which is moved; between two cells it is their mean.
 *
 * @returns Infinity if none of them is there.
 */
function changeAt({ pixels, width, height }: GrayImage, earlier: GrayImage, box: CellBox, travel: Travel): number {
  const other = earlier.pixels;
  const [rows, columns] = [travel.down >> 1, travel.across >> 1];
  // The second of two cells that are averaged; the same one again where none has to be.
  const next = (travel.down & 1) * width + (travel.across & 1);
  const toY = Math.min(box.bottom, height - rows - (travel.down & 1));
  const fromX = Math.max(box.left, -columns);
  const toX = Math.min(box.right, width - columns - (travel.across & 1));
  let sum = 0;
  let count = 0;
  for (let y = Math.max(box.top, -rows); y < toY; y++) {
    const line = (y + rows) * width + columns;
    for (let x = fromX; x < toX; x += BOX_STEP) {
      const was = ((other[line + x] as number) + (other[line + x + next] as number)) >> 1;
      sum += Math.abs((pixels[y * width + x] as number) - was);
      count++;
    }
  }
  return count === 0 ? Number.POSITIVE_INFINITY : sum / count;
}

/** From, from + step and so on to a limit, and the same backwards. */
function* spans(from: number, to: number, step: number): Generator<number> {
  for (let length = from; length <= to; length += step) yield* [length, -length];
}
