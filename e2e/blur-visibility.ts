/** A rectangle in pixels. */
export interface Area {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Brightness of a picture, row by row without padding. */
export interface LumaPicture {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

const TILE_WIDTH = 24;
const TILE_HEIGHT = 12;
/** Detail is what differs from the mean around a pixel, this far to each side: the strokes of letters. */
const RADIUS = 4;
/** Standard deviation of detail, in luma levels, below which there are no strokes to compare. */
const MIN_DETAIL = 6;
/** Correlation of detail from which the strokes of a tile are those of the truth. */
export const READABLE_CORRELATION = 0.7;

/**
 * Looks for text in a picture where the truth has it, by whether the strokes are in the same places: the picture and the
 * truth are cut into tiles about two letters wide, and the fine detail of each is correlated. Brightness and contrast do
 * not matter, so neither does how a browser converts colours.
 *
 * @param text What encloses the text, in pixels of both pictures.
 * @returns For each tile in which the truth has strokes the correlation of their detail, from -1 to 1.
 */
export function correlateText(picture: LumaPicture, truth: LumaPicture, text: Area): number[] {
  const correlations: number[] = [];
  const right = Math.min(picture.width, text.x + text.width);
  const bottom = Math.min(picture.height, text.y + text.height);
  const [seen, real] = [detailOf(picture, text), detailOf(truth, text)];
  for (let y = Math.max(0, text.y); y + TILE_HEIGHT / 2 <= bottom; y += TILE_HEIGHT / 2) {
    for (let x = Math.max(0, text.x); x + TILE_WIDTH / 2 <= right; x += TILE_WIDTH / 2) {
      const tile = { x, y, width: Math.min(TILE_WIDTH, right - x), height: Math.min(TILE_HEIGHT, bottom - y) };
      const correlation = correlate(seen, real, tile, MIN_DETAIL);
      if (correlation !== undefined) correlations.push(correlation);
    }
  }
  return correlations;
}

/** How alike two pictures are within an area, from -1 to 1; `undefined` where the second one is all of one colour. */
export function correlatePictures(picture: LumaPicture, truth: LumaPicture, area: Area): number | undefined {
  return correlate(picture, truth, area, 1);
}

interface Values {
  readonly data: ArrayLike<number>;
  readonly width: number;
}

function correlate(a: Values, b: Values, area: Area, minDeviation: number): number | undefined {
  let [count, sumA, sumB, sumAA, sumBB, sumAB] = [0, 0, 0, 0, 0, 0];
  for (let y = area.y; y < area.y + area.height; y++) {
    for (let x = area.x; x < area.x + area.width; x++) {
      const valueA = a.data[y * a.width + x] ?? 0;
      const valueB = b.data[y * b.width + x] ?? 0;
      count++;
      sumA += valueA;
      sumB += valueB;
      sumAA += valueA * valueA;
      sumBB += valueB * valueB;
      sumAB += valueA * valueB;
    }
  }
  const varianceA = sumAA / count - (sumA / count) ** 2;
  const varianceB = sumBB / count - (sumB / count) ** 2;
  if (!(varianceB >= minDeviation ** 2)) return undefined;
  if (varianceA < 1e-6) return 0;
  return (sumAB / count - (sumA / count) * (sumB / count)) / Math.sqrt(varianceA * varianceB);
}

/** The picture less its mean around each pixel, within an area. */
function detailOf({ data, width, height }: LumaPicture, area: Area): Values {
  const detail = new Float32Array(width * height);
  for (let y = Math.max(0, area.y); y < Math.min(height, area.y + area.height); y++) {
    for (let x = Math.max(0, area.x); x < Math.min(width, area.x + area.width); x++) {
      let [sum, count] = [0, 0];
      for (let row = Math.max(0, y - RADIUS); row <= Math.min(height - 1, y + RADIUS); row++) {
        for (let column = Math.max(0, x - RADIUS); column <= Math.min(width - 1, x + RADIUS); column++) {
          sum += data[row * width + column] ?? 0;
          count++;
        }
      }
      detail[y * width + x] = (data[y * width + x] ?? 0) - sum / count;
    }
  }
  return { data: detail, width };
}
