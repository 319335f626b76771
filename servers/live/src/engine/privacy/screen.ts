import type { Plane, Region } from "@kagami/kernels";

/** Numbers of finding the phone's screen within a picture. */
const FRAMING = {
  /** Darker is black, coding noise included. */
  blackTo: 26,
  /** Places looked at along a side. */
  probeCount: 32,
  /** Share of them that must be bright next to a bar, or it may be no bar but a dark picture. */
  brightShare: 0.25,
  /** How much the two bars may differ, in samples. */
  uneven: 4,
  /** Least width of a bar, and the most it may take of the picture on each side. */
  barFrom: 6,
  barTo: 0.42,
  /** How often a picture without bars is looked at for some. */
  everyUs: 150_000,
  /** How long bars must show before they count, after the first picture. */
  settleUs: 900_000,
} as const;

/**
 * Finds black bars beside or above the phone's screen, as where a long phone is shown in a 16:9 picture.
 *
 * Bars count when they have shown for a while, or in the very first picture; as soon as something shows in them, they
 * do not.
 */
export class ScreenFinder {
  #insetX = 0;
  #insetY = 0;
  #nextX = 0;
  #nextY = 0;
  #sinceUs = Number.NEGATIVE_INFINITY;
  #lookedAtUs = Number.NEGATIVE_INFINITY;
  #isFirst = true;
  #screen: Region | undefined;

  /** @returns The same object as long as nothing changes. */
  find(luma: Plane, timeUs: number): Region {
    if (this.#screen && this.#hasLightInBars(luma)) this.#keep(luma, 0, 0);
    if (!this.#screen || timeUs - this.#lookedAtUs >= FRAMING.everyUs) {
      this.#lookedAtUs = timeUs;
      this.#look(luma, timeUs);
    }
    return this.#screen as Region;
  }

  #look(luma: Plane, timeUs: number): void {
    const x = barOf(luma, true);
    const y = barOf(luma, false);
    const isKnown = x === this.#insetX && y === this.#insetY;
    if (this.#isFirst || isKnown || (x === 0 && y === 0)) {
      if (this.#isFirst || !this.#screen) this.#keep(luma, x, y);
      this.#isFirst = false;
      this.#sinceUs = timeUs;
      this.#nextX = x;
      this.#nextY = y;
      return;
    }
    if (x !== this.#nextX || y !== this.#nextY) {
      this.#nextX = x;
      this.#nextY = y;
      this.#sinceUs = timeUs;
    }
    if (timeUs - this.#sinceUs >= FRAMING.settleUs) this.#keep(luma, x, y);
  }

  #keep({ width, height }: Plane, insetX: number, insetY: number): void {
    if (this.#screen && insetX === this.#insetX && insetY === this.#insetY) return;
    this.#insetX = insetX;
    this.#insetY = insetY;
    this.#screen = { x: insetX, y: insetY, width: width - 2 * insetX, height: height - 2 * insetY };
  }

  #hasLightInBars(luma: Plane): boolean {
    for (let quarter = 1; quarter <= 3; quarter++) {
      const x = (this.#insetX * quarter) >> 2;
      const y = (this.#insetY * quarter) >> 2;
      if (this.#insetX > 0 && (brightCount(luma, true, x) > 0 || brightCount(luma, true, luma.width - 1 - x) > 0)) {
        return true;
      }
      if (this.#insetY > 0 && (brightCount(luma, false, y) > 0 || brightCount(luma, false, luma.height - 1 - y) > 0)) {
        return true;
      }
    }
    return false;
  }
}

/** Width of the two equal black bars at the left and right, or above and below; 0 if there are none. */
function barOf(luma: Plane, isUpright: boolean): number {
  const length = isUpright ? luma.width : luma.height;
  const limit = Math.floor(length * FRAMING.barTo);
  let near = 0;
  while (near < limit && brightCount(luma, isUpright, near) === 0) near++;
  if (near < FRAMING.barFrom || near >= limit) return 0;
  let far = 0;
  while (far < limit && brightCount(luma, isUpright, length - 1 - far) === 0) far++;
  if (Math.abs(near - far) > FRAMING.uneven) return 0;
  const inset = Math.min(near, far);
  const bright = Math.max(brightCount(luma, isUpright, near + 2), brightCount(luma, isUpright, length - 3 - far));
  return bright >= FRAMING.brightShare * FRAMING.probeCount ? inset & ~1 : 0;
}

/** How many of the places along a column, or along a row, are not black. */
function brightCount({ data, stride, width, height }: Plane, isColumn: boolean, at: number): number {
  const span = isColumn ? height : width;
  let count = 0;
  for (let i = 0; i < FRAMING.probeCount; i++) {
    const along = Math.floor(((i + 0.5) * span) / FRAMING.probeCount);
    const level = isColumn ? data[along * stride + at] : data[at * stride + along];
    if ((level as number) > FRAMING.blackTo) count++;
  }
  return count;
}
