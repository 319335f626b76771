import type { GrayImage, ImageSlot, Kernels, ProfileSlot, YuvFrame } from "@kagami/kernels";
import { type Band, layOutBand } from "./band.ts";
import { EdgeTiler } from "./edge-tiles.ts";
import type { Scene } from "./features.ts";

/** Numbers of keeping pictures to compare with. */
const MEMORY = {
  /** A picture is kept for comparison so often. */
  everyUs: 200_000,
  /** So many of them; the oldest is compared with. */
  count: 3,
  /** Sum of differences of a cell of 64 samples below which it is the same but for coding noise. */
  quietCell: 96,
} as const;
const CELL = 8;

/**
 * Makes the small pictures of one size, and keeps those that later ones are compared with.
 *
 * Slots go round: one for the picture that comes in, one for the last that was worth looking at, and some older ones.
 * Nothing is copied; what a slot is for changes.
 */
export class SceneMaker {
  readonly band: Band;
  readonly #kernels: Kernels;
  readonly #tiler: EdgeTiler;
  readonly #last: ProfileSlot;
  readonly #reference: ProfileSlot;
  #free: ImageSlot;
  #current: ImageSlot;
  #currentImage: GrayImage | undefined;
  /** Oldest first. */
  readonly #kept: { slot: ImageSlot; image: GrayImage }[] = [];
  readonly #spare: ImageSlot[];
  #keptAtUs = Number.NEGATIVE_INFINITY;

  constructor(kernels: Kernels, band: Band) {
    const samples = band.width * band.height;
    const cells = Math.max(1, Math.ceil(band.width / CELL) * Math.ceil(band.height / CELL));
    this.band = band;
    this.#kernels = kernels;
    this.#tiler = new EdgeTiler(kernels, band.width, band.height);
    this.#last = kernels.profile(cells);
    this.#reference = kernels.profile(cells);
    this.#free = kernels.image(samples);
    this.#current = kernels.image(samples);
    this.#spare = Array.from({ length: MEMORY.count }, () => kernels.image(samples));
  }

  /**
   * Looks at a picture.
   *
   * @returns `undefined` if it is the same as the last one for which there was a scene. The scene is valid until the
   *   next call.
   */
  look(frame: YuvFrame, timeUs: number): Scene | undefined {
    const { region, factor, rowStep } = this.band;
    const kernels = this.#kernels;
    const image = kernels.subsample(frame.y, region, factor, rowStep, this.#free);
    const before = this.#currentImage ?? image;
    const sinceLast = kernels.cellDifferences(image, before, this.#last).sums;
    if (this.#currentImage && isQuiet(sinceLast)) return undefined;
    const oldest = this.#kept[0]?.image ?? before;
    const sinceReference = kernels.cellDifferences(image, oldest, this.#reference).sums;
    this.#advance(image, timeUs);
    this.#tiler.measure(image);
    return { band: this.band, image, tiles: this.#tiler.tiles, u: frame.u, v: frame.v, sinceLast, sinceReference };
  }

  /** The picture that came in becomes the last one; what was the last is kept for later, or its slot becomes free. */
  #advance(image: GrayImage, timeUs: number): void {
    const lastSlot = this.#current;
    const lastImage = this.#currentImage;
    this.#current = this.#free;
    this.#currentImage = image;
    if (!lastImage || timeUs - this.#keptAtUs < MEMORY.everyUs) {
      this.#free = lastSlot;
      return;
    }
    this.#keptAtUs = timeUs;
    this.#free = this.#spare.pop() ?? (this.#kept.shift()?.slot as ImageSlot);
    this.#kept.push({ slot: lastSlot, image: lastImage });
  }
}

/** Room in the kernels' memory is never given back, so makers are kept by size; a stream has few. */
export class SceneMakers {
  readonly #kernels: Kernels;
  readonly #bySize = new Map<string, SceneMaker>();

  constructor(kernels: Kernels) {
    this.#kernels = kernels;
  }

  /** @returns `undefined` for pictures too small to look at. */
  of(width: number, height: number): SceneMaker | undefined {
    const key = `${width}x${height}`;
    const known = this.#bySize.get(key);
    if (known) return known;
    const band = layOutBand(width, height);
    if (!band) return undefined;
    const maker = new SceneMaker(this.#kernels, band);
    this.#bySize.set(key, maker);
    return maker;
  }
}

function isQuiet(cells: Int32Array): boolean {
  for (let i = 0; i < cells.length; i++) if ((cells[i] as number) > MEMORY.quietCell) return false;
  return true;
}
