import { createPicture, type Picture } from "./picture.ts";

/** Made-up moving pictures that reach every path of the encoder, each a pure function of its number. */
export interface TestScene {
  readonly name: string;
  readonly vectors: readonly number[];
  /** Pixel of luma (`plane` 0) or chroma (1, 2) at (`x`, `y`) in luma coordinates of picture `index`. */
  readonly pixel: (plane: number, x: number, y: number, index: number) => number;
}

function hash(x: number, y: number, salt: number): number {
  let h = Math.imul(x, 374_761_393) ^ Math.imul(y, 668_265_263) ^ Math.imul(salt, 2_246_822_519);
  h = Math.imul(h ^ (h >>> 13), 1_274_126_177);
  return (h ^ (h >>> 16)) >>> 0;
}

/** Flat tiles, some of them gradients, with hard edges. */
function tile(plane: number, x: number, y: number): number {
  const h = hash(x >> 5, y >> 5, plane + 1);
  const gradient = (h & 7) === 0 ? (x & 31) * 3 : (h & 7) === 1 ? (y & 31) * 2 : 0;
  return 20 + ((h >>> 8) % 120) + gradient;
}

export const TEST_SCENES: readonly TestScene[] = [
  { name: "still tiles", vectors: [], pixel: (plane, x, y) => tile(plane, x, y) },
  {
    name: "tiles scrolling by even vectors",
    vectors: [4, 2],
    pixel: (plane, x, y, n) => tile(plane, x + 4 * n, y + 2 * n),
  },
  {
    name: "tiles scrolling by odd vectors",
    vectors: [3, -1],
    pixel: (plane, x, y, n) => tile(plane, x + 3 * n, y - n + 900),
  },
  {
    name: "two layers",
    vectors: [-2, 0, 6, 0],
    pixel: (plane, x, y, n) => (y < 100 ? tile(plane, x + 900 - 2 * n, y) : tile(plane, x + 6 * n, y)),
  },
  { name: "noise", vectors: [2, 2], pixel: (plane, x, y, n) => hash(x, y, n * 3 + plane) & 255 },
  {
    name: "a flash of black and white",
    vectors: [],
    pixel: (plane, x, y, n) => (plane > 0 ? 128 : n % 2 === 0 ? (x + y) & 255 : hash(x >> 3, y >> 3, n) & 1 ? 255 : 0),
  },
];

/** Draws picture `index` of `scene`. */
export function drawTestPicture(scene: TestScene, width: number, height: number, index: number): Picture {
  const picture = createPicture(width, height);
  const stride = picture.codedWidth;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) picture.y[y * stride + x] = scene.pixel(0, x, y, index);
  }
  for (let y = 0; y < height; y += 2) {
    for (let x = 0; x < width; x += 2) {
      const at = (y / 2) * (stride / 2) + x / 2;
      picture.u[at] = scene.pixel(1, x, y, index);
      picture.v[at] = scene.pixel(2, x, y, index);
    }
  }
  return picture;
}
