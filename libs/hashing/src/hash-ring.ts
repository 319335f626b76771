import type { KeyHash } from "./key-hashes/key-hash.ts";
import type { Selector } from "./selector.ts";

/** A point and a number below this fit into one exact floating-point number. */
const MAX_POINTS = 2 ** 21;

/** Points of a ring before they are sorted: the point at a position belongs to the node at the same position. */
export interface RingPoints {
  /** 0 to 2^32 - 1. */
  readonly points: number[];
  readonly owners: number[];
}

/**
 * A circle of 2^32 places with points that belong to nodes. A key belongs to the first point at or after its hash, and
 * after the last one comes the first.
 *
 * Instead of a binary search, whose every step is a mispredicted branch and often a cache miss, an index says for each
 * stretch of the circle which point comes first at its beginning. There are at least twice as many stretches as
 * points, so the walk from there is below one step on average.
 */
export class HashRing implements Selector {
  readonly nodeCount: number;
  readonly #keyHash: KeyHash;
  /** Ascending. */
  readonly #points: Uint32Array;
  /** One longer than `#points`: the first owner again at the end, for hashes beyond the last point. */
  readonly #owners: Uint16Array;
  readonly #firstPoints: Uint32Array;
  readonly #stretchShift: number;

  /**
   * @param ties Which of several equal points counts: that of the first node in the list (programs that sort) or of the
   *   last (programs that put points into a map).
   * @throws RangeError for more than 2,097,152 points.
   */
  constructor(nodeCount: number, keyHash: KeyHash, { points, owners }: RingPoints, ties: "first" | "last" = "first") {
    this.nodeCount = nodeCount;
    this.#keyHash = keyHash;
    if (points.length > MAX_POINTS) {
      throw new RangeError(
        `Cannot make a ring of ${points.length} points: it takes ${MAX_POINTS}, use smaller weights`,
      );
    }
    // Point and sequence in one exact number: sorting numbers is many times faster than sorting by a comparison.
    const lastSequence = points.length - 1;
    const sequence = (i: number) => (ties === "first" ? i : lastSequence - i);
    const sorted = Float64Array.from(points, (point, i) => point * MAX_POINTS + sequence(i)).sort();
    this.#points = Uint32Array.from(sorted, (both) => Math.floor(both / MAX_POINTS));
    this.#owners = new Uint16Array(points.length + 1);
    for (const [i, both] of sorted.entries()) this.#owners[i] = owners[sequence(both % MAX_POINTS)] as number;
    this.#owners[points.length] = this.#owners[0] as number;

    const stretchBits = Math.min(20, Math.ceil(Math.log2(points.length)) + 1);
    this.#stretchShift = 32 - stretchBits;
    this.#firstPoints = new Uint32Array(2 ** stretchBits);
    let first = 0;
    for (let stretch = 0; stretch < this.#firstPoints.length; stretch++) {
      const begin = stretch * 2 ** this.#stretchShift;
      while (first < this.#points.length && (this.#points[first] as number) < begin) first++;
      this.#firstPoints[stretch] = first;
    }
  }

  select(key: Uint8Array, start: number, end: number): number {
    return this.ownerOf(this.#keyHash(key, start, end));
  }

  /** Position of the node that has this place of the circle, 0 to 2^32 - 1. */
  ownerOf(place: number): number {
    return this.ownerAt(this.firstPointFrom(place));
  }

  /** Index of the first point at or after a place; the number of points if there is none before the circle's end. */
  firstPointFrom(place: number): number {
    const points = this.#points;
    let i = this.#firstPoints[place >>> this.#stretchShift] as number;
    while (i < points.length && (points[i] as number) < place) i++;
    return i;
  }

  /** Position of the node of the point with this index, as {@link HashRing.firstPointFrom} gives it. */
  ownerAt(index: number): number {
    return this.#owners[index] as number;
  }

  /** How far the point with this index lies behind a place, 0 to 2^32 - 1. */
  distanceTo(index: number, place: number): number {
    const point = this.#points[index < this.#points.length ? index : 0] as number;
    return (point - place) >>> 0;
  }
}
