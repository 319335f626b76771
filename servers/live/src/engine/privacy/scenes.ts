import type { GrayImage, ImageSlot, Kernels, ProfileSlot, YuvFrame } from "@kagami/kernels";
import { BAND_SAMPLES, type Band } from "./band.ts";
import { measureTiles, TILE_COLUMNS, TILE_ROWS, type TileSlots } from "./edge-tiles.ts";
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
/** A small picture is never wider or taller than this many samples. */
const SIDE_SAMPLES = 4096;

/**
 * Room for the small pictures of one stream, whatever their size: the kernels' memory is never given back.
 */
export class SceneMemory {
  readonly kernels: Kernels;
  readonly images: readonly ImageSlot[];
  readonly last: ProfileSlot;
  readonly reference: ProfileSlot;
  readonly tiles: TileSlots;

  constructor(kernels: Kernels) {
    this.kernels = kernels;
    this.images = Array.from({ length: MEMORY.count + 2 }, () => kernels.image(BAND_SAMPLES));
    // A picture's cells are at most those of a square, and some at its edges.
    const cells = BAND_SAMPLES / (CELL * CELL) + SIDE_SAMPLES / CELL;
    this.last = kernels.profile(cells);
    this.reference = kernels.profile(cells);
    this.tiles = {
      upright: kernels.profile(BAND_SAMPLES / TILE_ROWS),
      level: kernels.profile(BAND_SAMPLES / TILE_COLUMNS),
    };
  }
}

/**
 * Makes the small pictures of one band, and keeps those that later ones are compared with.
 *
 * Slots go round: one for the picture that comes in, one for the last that was worth looking at, and some older ones.
 * Nothing is copied; what a slot is for changes. Only one maker may use a memory at a time.
 */
export class SceneMaker {
  readonly band: Band;
  readonly #memory: SceneMemory;
  #free: ImageSlot;
  #current: ImageSlot;
  #currentImage: GrayImage | undefined;
  /** Oldest first. */
  readonly #kept: { slot: ImageSlot; image: GrayImage }[] = [];
  readonly #spare: ImageSlot[];
  #keptAtUs = Number.NEGATIVE_INFINITY;

  constructor(memory: SceneMemory, band: Band) {
    const [free, current, ...spare] = memory.images;
    this.band = band;
    this.#memory = memory;
    this.#free = free as ImageSlot;
    this.#current = current as ImageSlot;
    this.#spare = spare;
  }

  /**
   * Looks at a picture.
   *
   * @param isHolding Whether older pictures are to stay what they are, so that what came since then stays new.
   * @returns `undefined` if it is the same as the last one for which there was a scene. The scene is valid until the
   *   next call.
   */
  look(frame: YuvFrame, timeUs: number, isHolding: boolean): Scene | undefined {
    const { region, factor, rowStep } = this.band;
    const { kernels, last, reference } = this.#memory;
    const image = kernels.subsample(frame.y, region, factor, rowStep, this.#free);
    const before = this.#currentImage ?? image;
    const sinceLast = kernels.cellDifferences(image, before, last).sums;
    if (this.#currentImage && isQuiet(sinceLast)) return undefined;
    const oldest = this.#kept[0]?.image ?? before;
    const sinceReference = kernels.cellDifferences(image, oldest, reference).sums;
    this.#advance(image, timeUs, isHolding);
    const tiles = measureTiles(kernels, image, this.#memory.tiles);
    return { band: this.band, image, tiles, u: frame.u, v: frame.v, sinceLast, sinceReference };
  }

  /** The picture that came in becomes the last one; what was the last is kept for later, or its slot becomes free. */
  #advance(image: GrayImage, timeUs: number, isHolding: boolean): void {
    const lastSlot = this.#current;
    const lastImage = this.#currentImage;
    this.#current = this.#free;
    this.#currentImage = image;
    if (!lastImage || isHolding || timeUs - this.#keptAtUs < MEMORY.everyUs) {
      this.#free = lastSlot;
      return;
    }
    this.#keptAtUs = timeUs;
    this.#free = this.#spare.pop() ?? (this.#kept.shift()?.slot as ImageSlot);
    this.#kept.push({ slot: lastSlot, image: lastImage });
  }
}

function isQuiet(cells: Int32Array): boolean {
  for (let i = 0; i < cells.length; i++) if ((cells[i] as number) > MEMORY.quietCell) return false;
  return true;
}
