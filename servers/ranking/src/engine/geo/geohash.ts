/*
 * Places as cells of a grid: at step s the world is cut into 2^s strips of longitude and 2^s of latitude. A place at step
 * 26 is one number of 52 bits, in which the bits of the two strips alternate (latitude in the even ones), and which a
 * sorted set holds as its score. All places of a coarser cell have scores in one run.
 */

/** As Redis has them: beyond this latitude there are no places. */
export const GEO_LIMIT = { longitude: 180, latitude: 85.05112878 } as const;

/** The finest step. */
export const MAX_STEP = 26;

/** A cell of the grid. */
export interface Cell {
  readonly step: number;
  /** Strips from the west and from the south. */
  readonly x: number;
  readonly y: number;
}

/** Where a cell lies, in degrees. */
export interface Area {
  readonly west: number;
  readonly east: number;
  readonly south: number;
  readonly north: number;
}

export interface Place {
  readonly longitude: number;
  readonly latitude: number;
}

/** The cell in which a place lies. At the very east and north it is one beyond the last, as in Redis. */
export function cellOf({ longitude, latitude }: Place, step: number, latitudeLimit: number = GEO_LIMIT.latitude): Cell {
  const strips = 2 ** step;
  return {
    step,
    x: Math.trunc(((longitude + GEO_LIMIT.longitude) / (2 * GEO_LIMIT.longitude)) * strips),
    y: Math.trunc(((latitude + latitudeLimit) / (2 * latitudeLimit)) * strips),
  };
}

/** Where a cell lies. */
export function areaOf({ step, x, y }: Cell): Area {
  const strips = 2 ** step;
  const [wide, high] = [2 * GEO_LIMIT.longitude, 2 * GEO_LIMIT.latitude];
  return {
    west: -GEO_LIMIT.longitude + (x / strips) * wide,
    east: -GEO_LIMIT.longitude + ((x + 1) / strips) * wide,
    south: -GEO_LIMIT.latitude + (y / strips) * high,
    north: -GEO_LIMIT.latitude + ((y + 1) / strips) * high,
  };
}

/** The cell so many strips east and north, around the world in both directions. */
export function neighborOf({ step, x, y }: Cell, east: number, north: number): Cell {
  const strips = 2 ** step;
  return {
    step,
    x: east === 0 ? x : (x + east + strips) % strips,
    y: north === 0 ? y : (y + north + strips) % strips,
  };
}

/** The scores of a cell's places: from `first` up to, and without, `end`. */
export function scoresOf({ step, x, y }: Cell): { readonly first: number; readonly end: number } {
  const bits = interleave(x, y);
  const size = 4 ** (MAX_STEP - step);
  return { first: bits * size, end: (bits + 1) * size };
}

/** The place that a score stands for: the middle of its cell. */
export function placeOf(score: number): Place {
  const { x, y } = cellOfScore(score);
  const { west, east, south, north } = areaOf({ step: MAX_STEP, x, y });
  return {
    longitude: clamp((west + east) / 2, GEO_LIMIT.longitude),
    latitude: clamp((south + north) / 2, GEO_LIMIT.latitude),
  };
}

const LETTERS = "0123456789bcdefghjkmnpqrstuvwxyz";
const LETTER_COUNT = 11;

/**
 * The geohash of a score's place as others write it, which reckons latitudes to 90 degrees. There are only 52 bits, so
 * the last letter is always 0, as in Redis.
 */
export function geohashText(score: number): string {
  const { x, y } = cellOf(placeOf(score), MAX_STEP, 90);
  let text = "";
  for (let letter = 0; letter < LETTER_COUNT - 1; letter++) {
    let index = 0;
    for (let bit = 51 - 5 * letter; bit > 46 - 5 * letter; bit--) {
      const strip = bit % 2 === 0 ? y : x;
      index = 2 * index + (Math.floor(strip / 2 ** (bit >> 1)) & 1);
    }
    text += LETTERS[index];
  }
  return `${text}0`;
}

function clamp(value: number, limit: number): number {
  return Math.min(limit, Math.max(-limit, value));
}

const HALF_BITS = 13;

/** Bits of x and y in turn, those of y first; both below 2^27. */
function interleave(x: number, y: number): number {
  const mask = (1 << HALF_BITS) - 1;
  const high = spread(y >>> HALF_BITS) + 2 * spread(x >>> HALF_BITS);
  const low = spread(y & mask) + 2 * spread(x & mask);
  return high * 2 ** (2 * HALF_BITS) + low;
}

/** Puts a 0 before every bit of up to 14. */
function spread(value: number): number {
  let bits = value;
  bits = (bits | (bits << 8)) & 0x00ff00ff;
  bits = (bits | (bits << 4)) & 0x0f0f0f0f;
  bits = (bits | (bits << 2)) & 0x33333333;
  return (bits | (bits << 1)) & 0x55555555;
}

/** Takes every second bit, from the lowest on, of 26. */
function gather(value: number): number {
  let bits = value & 0x55555555;
  bits = (bits | (bits >>> 1)) & 0x33333333;
  bits = (bits | (bits >>> 2)) & 0x0f0f0f0f;
  bits = (bits | (bits >>> 4)) & 0x00ff00ff;
  return (bits | (bits >>> 8)) & 0xffff;
}

function cellOfScore(score: number): { readonly x: number; readonly y: number } {
  if (!(score >= 0 && score < 2 ** 52)) return cellOfForeignScore(score);
  const whole = Math.floor(score);
  const high = Math.floor(whole / 2 ** (2 * HALF_BITS));
  const low = whole % 2 ** (2 * HALF_BITS);
  return {
    x: (gather(high >>> 1) << HALF_BITS) | gather(low >>> 1),
    y: (gather(high) << HALF_BITS) | gather(low),
  };
}

/** A score that no place has: it came by ZADD. Taken as the 64 bits that C makes of it on the usual machines. */
function cellOfForeignScore(score: number): { readonly x: number; readonly y: number } {
  let rest = unsigned64(score);
  let [x, y] = [0, 0];
  for (let bit = 0; bit < 32; bit++) {
    y += Number(rest & 1n) * 2 ** bit;
    x += Number((rest >> 1n) & 1n) * 2 ** bit;
    rest >>= 2n;
  }
  return { x, y };
}

function unsigned64(score: number): bigint {
  if (score >= 2 ** 64) return 0n;
  if (Number.isNaN(score) || score < -(2 ** 63)) return 2n ** 63n;
  return BigInt.asUintN(64, BigInt(Math.trunc(score)));
}
