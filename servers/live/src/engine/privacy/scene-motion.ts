import type { NetInput } from "@kagami/kernels";
import type { CellBox } from "./grid.ts";

/** Numbers of telling what travels with the scene from what comes over it. */
const MOTION = {
  /** Farthest that a page is scrolled between the older picture and this one, in cells. */
  farthest: 30,
  /** Less is no travel: a banner's own picture may be in the older one, where it is now. */
  nearest: 2,
  /** Rows below the box that must be there to see how the scene travels, in this picture and in the older one. */
  leastRows: 8,
  /** More rows below it say no more. */
  mostRows: 24,
  /** Mean change of a cell from which the scene has changed at all. */
  leastChange: 4,
  /** What is left of the change once the travel is taken into account, at most: of the scene, and of the box. */
  sceneLeft: 0.5,
  boxLeft: 0.5,
  /** The same in luma: a card that hides what was very different leaves more than coding does. */
  boxLeftMost: 16,
  /** Of the box's rows that changed, those that travelled: bars that stand still may lie over others. */
  carried: 0.6,
  /** Of the box's rows, those that the older picture shows. */
  boxShown: 0.6,
} as const;
/** Every so many columns are compared: of the scene, for which many places are tried, and of the box. */
const SCENE_STEP = 4;
const BOX_STEP = 2;

/**
 * Whether what is in a box was in the older picture as well, elsewhere, and everything below it travelled along: then it
 * is a page that is scrolled, not a card that came over it.
 *
 * Compares some twenty thousand cells; only called for boxes that would be taken for a banner that begins.
 *
 * @param box In cells.
 */
export function isScrolled(input: NetInput, box: CellBox): boolean {
  const { width, height } = input.mean;
  const top = Math.min(height, Math.ceil(box.bottom) + 1);
  const below = { left: 0, top, right: width, bottom: Math.min(height, top + MOTION.mostRows) };
  if (below.bottom - below.top < MOTION.leastRows) return false;
  const still = changeAt(input, below, 0, MOTION.leastRows, SCENE_STEP);
  if (still < MOTION.leastChange) return false;
  let least = still;
  let travel = 0;
  for (let rows = -MOTION.farthest; rows <= MOTION.farthest; rows++) {
    if (Math.abs(rows) < MOTION.nearest) continue;
    const change = changeAt(input, below, rows, MOTION.leastRows, SCENE_STEP);
    if (change >= least) continue;
    least = change;
    travel = rows;
  }
  if (travel === 0 || least > MOTION.sceneLeft * still) return false;
  const inner = {
    left: Math.max(0, Math.ceil(box.left)),
    top: Math.max(0, Math.ceil(box.top)),
    right: Math.min(width, Math.floor(box.right)),
    bottom: Math.min(height, Math.floor(box.bottom)),
  };
  return isCarried(input, inner, travel);
}

/** Whether the older picture shows most of the box's rows, and where they went explains most of what changed in them. */
function isCarried(input: NetInput, box: CellBox, travel: number): boolean {
  let shown = 0;
  let changed = 0;
  let carried = 0;
  for (let y = box.top; y < box.bottom; y++) {
    const row = { ...box, top: y, bottom: y + 1 };
    const moved = changeAt(input, row, travel, 1, BOX_STEP);
    if (moved === Number.POSITIVE_INFINITY) continue;
    shown++;
    const still = changeAt(input, row, 0, 1, BOX_STEP);
    if (still < MOTION.leastChange) continue;
    changed++;
    if (moved <= Math.min(MOTION.boxLeftMost, MOTION.boxLeft * still)) carried++;
  }
  return shown >= MOTION.boxShown * (box.bottom - box.top) && changed > 0 && carried >= MOTION.carried * changed;
}

/**
 * Mean change of the box's cells against the older picture, which is moved by so many rows.
 *
 * @returns Infinity if fewer than `leastRows` of its rows are there.
 */
function changeAt({ mean, meanOlder }: NetInput, box: CellBox, rows: number, leastRows: number, step: number): number {
  const { width, height, pixels } = mean;
  const older = meanOlder.pixels;
  const from = Math.max(box.top, -rows);
  const to = Math.min(box.bottom, height - rows);
  if (to - from < leastRows) return Number.POSITIVE_INFINITY;
  let sum = 0;
  let count = 0;
  for (let y = from; y < to; y++) {
    for (let x = box.left; x < box.right; x += step) {
      sum += Math.abs((pixels[y * width + x] as number) - (older[(y + rows) * width + x] as number));
      count++;
    }
  }
  return count === 0 ? Number.POSITIVE_INFINITY : sum / count;
}
