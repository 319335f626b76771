import { type PackedColor, TRANSPARENT } from "./color.ts";

/** Opaque runs shorter than this are copied pixel by pixel: `set` has a price of its own. */
const SHORT_RUN = 24;

/** A picture in packed colours, with the few drawing operations that the scene needs. All of them clip. */
export class Bitmap {
  readonly width: number;
  readonly height: number;
  readonly pixels: Int32Array;

  constructor(width: number, height: number, color: PackedColor = TRANSPARENT) {
    this.width = width;
    this.height = height;
    this.pixels = new Int32Array(width * height).fill(color);
  }

  fillRect(x: number, y: number, width: number, height: number, color: PackedColor): void {
    const left = Math.max(0, x);
    const right = Math.min(this.width, x + width);
    if (left >= right) return;
    for (let row = Math.max(0, y); row < Math.min(this.height, y + height); row++) {
      this.pixels.fill(color, row * this.width + left, row * this.width + right);
    }
  }

  /** A rectangle without its corners. */
  fillPanel(x: number, y: number, width: number, height: number, radius: number, color: PackedColor): void {
    for (let i = 0; i < height; i++) {
      const fromEdge = Math.min(i, height - 1 - i);
      const d = Math.max(0, radius - fromEdge);
      const inset = d === 0 ? 0 : Math.round(radius - Math.sqrt(Math.max(0, radius * radius - d * d)));
      this.fillRect(x + inset, y + i, width - 2 * inset, 1, color);
    }
  }

  fillDisc(centerX: number, centerY: number, radius: number, color: PackedColor): void {
    for (let dy = -radius; dy <= radius; dy++) {
      const half = Math.floor(Math.sqrt(radius * radius - dy * dy + radius * 0.8));
      this.fillRect(centerX - half, centerY + dy, 2 * half + 1, 1, color);
    }
  }

  /** A circle line. */
  drawRing(centerX: number, centerY: number, radius: number, thickness: number, color: PackedColor): void {
    for (let dy = -radius; dy <= radius; dy++) {
      const outer = Math.floor(Math.sqrt(radius * radius - dy * dy));
      const innerRadius = radius - thickness;
      const inner = Math.abs(dy) < innerRadius ? Math.floor(Math.sqrt(innerRadius * innerRadius - dy * dy)) : 0;
      this.fillRect(centerX - outer, centerY + dy, outer - inner, 1, color);
      this.fillRect(centerX + inner, centerY + dy, outer - inner, 1, color);
    }
  }

  /** An isosceles triangle that points up. */
  fillPeak(centerX: number, topY: number, halfWidth: number, height: number, color: PackedColor): void {
    for (let i = 0; i < height; i++) {
      const half = Math.round((halfWidth * (i + 1)) / height);
      this.fillRect(centerX - half, topY + i, 2 * half, 1, color);
    }
  }

  setPixel(x: number, y: number, color: PackedColor): void {
    if (x >= 0 && y >= 0 && x < this.width && y < this.height) this.pixels[y * this.width + x] = color;
  }

  /** Paints `stamp` with its transparent parts left out, its left upper corner at (`x`, `y`). */
  drawSprite(stamp: Sprite, x: number, y: number): void {
    const firstRow = Math.max(0, -y);
    const lastRow = Math.min(stamp.height, this.height - y);
    for (let row = firstRow; row < lastRow; row++) this.#drawSpriteRow(stamp, x, y, row);
  }

  #drawSpriteRow(stamp: Sprite, x: number, y: number, row: number): void {
    const { runs, pixels, width } = stamp;
    const base = (y + row) * this.width;
    for (let r = stamp.rowStarts[row]!; r < stamp.rowStarts[row + 1]!; r += 2) {
      let from = runs[r]!;
      let to = runs[r + 1]!;
      if (from + x < 0) from = -x;
      if (to + x > this.width) to = this.width - x;
      if (from >= to) continue;
      const source = row * width;
      if (to - from < SHORT_RUN) {
        for (let i = from; i < to; i++) this.pixels[base + x + i] = pixels[source + i]!;
      } else {
        this.pixels.set(pixels.subarray(source + from, source + to), base + x + from);
      }
    }
  }
}

/** A bitmap made ready to be painted many times: its opaque runs are known. */
export class Sprite {
  readonly width: number;
  readonly height: number;
  readonly pixels: Int32Array;
  /** Pairs of first and end column, row after row. */
  readonly runs: Int32Array;
  /** Place in `runs` of each row's first pair, and the end. */
  readonly rowStarts: Int32Array;

  constructor(bitmap: Bitmap) {
    this.width = bitmap.width;
    this.height = bitmap.height;
    this.pixels = bitmap.pixels;
    const runs: number[] = [];
    this.rowStarts = new Int32Array(bitmap.height + 1);
    for (let y = 0; y < bitmap.height; y++) {
      this.rowStarts[y] = runs.length;
      let isOpen = false;
      for (let x = 0; x <= bitmap.width; x++) {
        const isOpaque = x < bitmap.width && bitmap.pixels[y * bitmap.width + x] !== TRANSPARENT;
        if (isOpaque !== isOpen) runs.push(x);
        isOpen = isOpaque;
      }
    }
    this.rowStarts[bitmap.height] = runs.length;
    this.runs = Int32Array.from(runs);
  }
}

/** Makes a sprite from rows of letters, each letter a colour of `palette` and `scale` pixels wide; others are clear. */
export function spriteFromArt(
  rows: readonly string[],
  palette: Readonly<Record<string, PackedColor>>,
  scale: number,
): Sprite {
  const bitmap = new Bitmap(Math.max(...rows.map((row) => row.length)) * scale, rows.length * scale);
  for (const [y, row] of rows.entries()) {
    for (const [x, letter] of [...row].entries()) {
      const color = palette[letter];
      if (color !== undefined) bitmap.fillRect(x * scale, y * scale, scale, scale, color);
    }
  }
  return new Sprite(bitmap);
}
