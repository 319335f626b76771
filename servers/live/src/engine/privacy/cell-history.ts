import type { CellPictures, ImageSlot, Kernels, NetInput } from "@kagami/kernels";
import { CELL_LIMIT, type CellBox } from "./grid.ts";

/** Numbers of keeping pictures to compare with. */
const HISTORY = {
  /** A picture is kept for comparison so often. */
  everyUs: 200_000,
  /** So many of them; the oldest is compared with. */
  count: 3,
  /** With so many of them there is something to compare with. */
  settledCount: 2,
  /** A mean and a texture that change by no more are the same but for coding noise. */
  quietMean: 2,
  quietTexture: 5,
  /** A card of whose cells no more than this share changes stands still. */
  stillShare: 0.06,
} as const;

/** Measures a picture into two slots. */
export type MeasureCells = (means: ImageSlot, textures: ImageSlot) => CellPictures;

interface Slots {
  readonly means: ImageSlot;
  readonly textures: ImageSlot;
}

interface Kept {
  readonly slots: Slots;
  readonly pictures: CellPictures;
}

/**
 * The cells of the picture that came in, of the last one that was different, and of some older ones.
 *
 * Slots go round: one for the picture that comes in, one for the last that was worth looking at, and those of the older
 * ones. Nothing is copied; what a slot is for changes.
 */
export class CellHistory {
  #free: Slots;
  #last: Kept | undefined;
  /** Oldest first. */
  #kept: Kept[] = [];
  readonly #spare: Slots[];
  #keptAtUs = Number.NEGATIVE_INFINITY;

  /** Takes room from the kernels once, for grids of any shape. */
  constructor(kernels: Kernels) {
    const slots = Array.from({ length: HISTORY.count + 2 }, () => ({
      means: kernels.image(CELL_LIMIT),
      textures: kernels.image(CELL_LIMIT),
    }));
    this.#free = slots[0] as Slots;
    this.#spare = slots.slice(1);
  }

  /** Whether there are pictures that are old enough to tell what came from what was there. */
  get isSettled(): boolean {
    return this.#kept.length >= HISTORY.settledCount;
  }

  /** Forgets all pictures: those to come have another grid. */
  clear(): void {
    if (this.#last) this.#spare.push(this.#last.slots);
    this.#spare.push(...this.#kept.map(({ slots }) => slots));
    this.#last = undefined;
    this.#kept = [];
    this.#keptAtUs = Number.NEGATIVE_INFINITY;
  }

  /**
   * Takes in a picture.
   *
   * @param isHolding Whether older pictures are to stay what they are, so that what came since then stays new.
   * @returns `undefined` if it is the same as the last one that was not. What is returned is valid until the next call.
   */
  take(measure: MeasureCells, timeUs: number, isHolding: boolean): NetInput | undefined {
    const slots = this.#free;
    const pictures = measure(slots.means, slots.textures);
    const before = this.#last?.pictures;
    if (before && isSame(pictures, before)) return undefined;
    const older = this.#kept[0]?.pictures ?? before ?? pictures;
    this.#advance({ slots, pictures }, timeUs, isHolding);
    return {
      mean: pictures.means,
      texture: pictures.textures,
      meanBefore: (before ?? pictures).means,
      meanOlder: older.means,
      textureOlder: older.textures,
    };
  }

  /** The picture that came in becomes the last one; what was the last is kept for later, or its slots become free. */
  #advance(now: Kept, timeUs: number, isHolding: boolean): void {
    const last = this.#last;
    this.#last = now;
    if (!last) {
      this.#free = this.#spare.pop() as Slots;
      return;
    }
    if (isHolding || Math.abs(timeUs - this.#keptAtUs) < HISTORY.everyUs) {
      this.#free = last.slots;
      return;
    }
    this.#keptAtUs = timeUs;
    this.#free = this.#spare.pop() ?? (this.#kept.shift() as Kept).slots;
    this.#kept.push(last);
  }
}

/**
 * Whether hardly a cell of a box has changed since the picture before, so that a card that was there still is.
 *
 * @param box In cells.
 */
export function isStill({ mean, meanBefore }: NetInput, box: CellBox): boolean {
  const { width, height, pixels } = mean;
  const left = Math.max(0, Math.ceil(box.left));
  const right = Math.min(width, Math.floor(box.right));
  const top = Math.max(0, Math.ceil(box.top));
  const bottom = Math.min(height, Math.floor(box.bottom));
  let changed = 0;
  for (let y = top; y < bottom; y++) {
    for (let i = y * width + left, end = y * width + right; i < end; i++) {
      if (Math.abs((pixels[i] as number) - (meanBefore.pixels[i] as number)) > HISTORY.quietMean) changed++;
    }
  }
  return changed <= HISTORY.stillShare * (right - left) * (bottom - top);
}

function isSame(now: CellPictures, before: CellPictures): boolean {
  return (
    isWithin(now.means.pixels, before.means.pixels, HISTORY.quietMean) &&
    isWithin(now.textures.pixels, before.textures.pixels, HISTORY.quietTexture)
  );
}

function isWithin(now: Uint8Array, before: Uint8Array, most: number): boolean {
  for (let i = 0; i < now.length; i++) {
    const change = (now[i] as number) - (before[i] as number);
    if (change > most || change < -most) return false;
  }
  return true;
}
