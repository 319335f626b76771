import { type Arena, ArenaImage, ArenaProfile } from "./arena.ts";
import { CellNet } from "./cell-net.ts";
import { cellScales } from "./cell-scales.ts";
import {
  checkCellSize,
  checkFactor,
  checkFrame,
  checkPlane,
  checkRegion,
  checkSameSize,
  checkSpan,
  checkStrength,
  checkTemplate,
} from "./checks.ts";
import type { Plane, Region, YuvFrame } from "./frame.ts";
import type {
  CellNetwork,
  CellPictures,
  GrayImage,
  ImageSlot,
  Kernels,
  ObscureStrength,
  OutlineContrast,
  Profile,
  ProfileSlot,
} from "./kernels.ts";
import type { NetData } from "./net-data.ts";
import type { PixelWork } from "./pixel-work.ts";

/** The part that both implementations share: checks, slots, and the arithmetic after the loops. */
export class CheckedKernels implements Kernels {
  readonly #arena: Arena;
  readonly #work: PixelWork;
  readonly #numbers: Float64Array;

  constructor(arena: Arena, work: PixelWork) {
    this.#arena = arena;
    this.#work = work;
    this.#numbers = arena.numbers(8);
  }

  image(maxSamples: number): ImageSlot {
    return this.#arena.image(maxSamples);
  }

  profile(maxLength: number): ProfileSlot {
    return this.#arena.profile(maxLength);
  }

  subsample(plane: Plane, region: Region, factor: 1 | 2 | 4 | 8, rowStep: number, into: ImageSlot): GrayImage {
    checkPlane(plane);
    checkRegion(region, plane.width, plane.height);
    checkFactor(factor, rowStep);
    const slot = ownImage(into);
    const image = slot.view(Math.floor(region.width / factor), Math.floor(region.height / factor));
    this.#arena.checkImage(image);
    if (this.#arena.overlaps(plane.data, slot)) {
      throw new RangeError("Cannot subsample a picture into its own slot: take another");
    }
    this.#work.subsample(plane, region, factor, rowStep, image);
    return image;
  }

  measureCells(plane: Plane, region: Region, size: number, means: ImageSlot, textures: ImageSlot): CellPictures {
    checkPlane(plane);
    checkRegion(region, plane.width, plane.height);
    checkCellSize(size, region);
    if (means === textures) throw new RangeError("Cannot write means and textures to one slot: take two");
    const columns = Math.floor(region.width / size);
    const rows = Math.floor(region.height / size);
    const pictures = { means: ownImage(means).view(columns, rows), textures: ownImage(textures).view(columns, rows) };
    this.#arena.checkImage(pictures.means);
    this.#arena.checkImage(pictures.textures);
    const { means: into, textures: intoTextures } = pictures;
    this.#work.measureCells(plane, region, size, cellScales(size), into.pixels, intoTextures.pixels);
    return pictures;
  }

  cellNet(data: NetData, maxCells: number): CellNetwork {
    return new CellNet(this.#arena, this.#work.net, data, maxCells);
  }

  rowSteps(image: GrayImage, left: number, right: number, into: ProfileSlot): Profile {
    const profile = this.#profile(image, left, right, image.width, image.height - 1, into);
    this.#work.rowSteps(image, left, right, profile.sums);
    return profile;
  }

  rowEdges(image: GrayImage, left: number, right: number, into: ProfileSlot): Profile {
    const profile = this.#profile(image, left, right, image.width, image.height - 1, into);
    this.#work.rowEdges(image, left, right, profile.sums);
    return profile;
  }

  columnSteps(image: GrayImage, top: number, bottom: number, into: ProfileSlot): Profile {
    const profile = this.#profile(image, top, bottom, image.height, image.width - 1, into);
    this.#work.columnSteps(image, top, bottom, profile.sums);
    return profile;
  }

  columnEdges(image: GrayImage, top: number, bottom: number, into: ProfileSlot): Profile {
    const profile = this.#profile(image, top, bottom, image.height, image.width - 1, into);
    this.#work.columnEdges(image, top, bottom, profile.sums);
    return profile;
  }

  cellDifferences(image: GrayImage, before: GrayImage, into: ProfileSlot): Profile {
    this.#arena.checkImage(before);
    checkSameSize(image, before);
    const cellCount = ((image.width + 7) >> 3) * ((image.height + 7) >> 3);
    const profile = this.#profile(image, 0, image.width, image.width, cellCount, into);
    this.#work.cellDifferences(image, before, profile.sums);
    return profile;
  }

  outlineContrast(image: GrayImage, rectangle: Region, radius: number): OutlineContrast {
    this.#arena.checkImage(image);
    checkRegion(rectangle, image.width, image.height);
    if (!Number.isInteger(radius) || radius < 0) {
      throw new RangeError(`Cannot follow an outline with corners of ${radius} samples: use a whole number from 0`);
    }
    const numbers = this.#numbers;
    this.#work.outlineSums(image, rectangle, radius, numbers);
    // At least 1: the sums of a side that is all corner are 0.
    const across = Math.max(1, rectangle.width - 2 * radius);
    const down = Math.max(1, rectangle.height - 2 * radius);
    return {
      top: (numbers[0] as number) / across,
      bottom: (numbers[1] as number) / across,
      left: (numbers[2] as number) / down,
      right: (numbers[3] as number) / down,
    };
  }

  templateScore(image: GrayImage, template: GrayImage, x: number, y: number): number {
    this.#arena.checkImage(image);
    this.#arena.checkImage(template);
    checkTemplate(image, template, x, y);
    this.#work.templateSums(image, template, x, y, this.#numbers);
    return correlation(this.#numbers, template.width * template.height);
  }

  obscure(frame: YuvFrame, region: Region, strength: ObscureStrength): void {
    checkFrame(frame);
    checkRegion(region, frame.y.width, frame.y.height);
    checkStrength(strength);
    const { step = 1 } = strength;
    this.#work.obscurePlane(frame.y, region, strength.cell, step, strength.radius);
    const chroma = chromaRegion(region);
    const cell = (strength.cell + 1) >> 1;
    const radius = (strength.radius + 1) >> 1;
    this.#work.obscurePlane(frame.u, chroma, cell, step, radius);
    this.#work.obscurePlane(frame.v, chroma, cell, step, radius);
  }

  #profile(image: GrayImage, start: number, end: number, limit: number, length: number, into: ProfileSlot): Profile {
    this.#arena.checkImage(image);
    checkSpan(start, end, limit);
    const profile = ownProfile(into).view(length);
    if (profile.sums.buffer !== image.pixels.buffer) {
      throw new RangeError("Cannot write a profile to a slot of other kernels: take one of these");
    }
    return profile;
  }
}

function ownImage(slot: ImageSlot): ArenaImage {
  if (slot instanceof ArenaImage) return slot;
  throw new RangeError("Cannot write a picture to a slot that no kernels made: call image()");
}

function ownProfile(slot: ProfileSlot): ArenaProfile {
  if (slot instanceof ArenaProfile) return slot;
  throw new RangeError("Cannot write a profile to a slot that no kernels made: call profile()");
}

/** Every chroma sample that a luma sample of the region takes its color from. */
function chromaRegion({ x, y, width, height }: Region): Region {
  const left = x >> 1;
  const top = y >> 1;
  return { x: left, y: top, width: ((x + width + 1) >> 1) - left, height: ((y + height + 1) >> 1) - top };
}

/** Of exact sums; at most 2^52 each, so that only the last steps round. */
function correlation(sums: Float64Array, count: number): number {
  const sumImage = sums[0] as number;
  const sumTemplate = sums[1] as number;
  const imageVariance = count * (sums[3] as number) - sumImage * sumImage;
  const templateVariance = count * (sums[4] as number) - sumTemplate * sumTemplate;
  if (imageVariance <= 0 || templateVariance <= 0) return 0;
  const covariance = count * (sums[2] as number) - sumImage * sumTemplate;
  const score = covariance / Math.sqrt(imageVariance) / Math.sqrt(templateVariance);
  return Math.min(1, Math.max(-1, score));
}
